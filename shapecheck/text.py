"""Counted things in words."""

from __future__ import annotations


def plural(number: int, word: str) -> str:
    """Return ``1 error``, ``2 errors``."""
    return f"{number} {word}" + ("" if number == 1 else "es" if word.endswith("x") else "s")


def every(number: int, word: str, verb: str) -> str:
    """Return ``all 2 layers agree``, ``the one layer agrees``."""
    return f"the one {word} {verb}s" if number == 1 else f"all {plural(number, word)} {verb}"
