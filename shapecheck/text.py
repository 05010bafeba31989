"""Small pieces of text that every message is made of: counted things, lists, amounts, tables, excerpts, near words.

Nothing of the package is imported here, so that the command line can say ``did you mean`` before it loads anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

_VOWELS = "aeiou"
_IRREGULAR = {"axis": "axes"}
# Bytes from which on each unit is used, largest first.
_UNITS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
# How alike two words must be for one to be meant where the other is written.
_ALIKE = 0.65
# How many of the words that would be right are told where none is like the one that is written.
_MOST_KNOWN = 30


def plural(number: int, word: str, separator: str = "") -> str:
    """Return ``1 error``, ``2 errors``, ``2 axes``; ``separator`` parts the thousands."""
    first, _, last = word.rpartition(" ")
    counted = word if number == 1 else f"{first} {_several(last)}".lstrip()
    return f"{number:{separator}} {counted}"


def _several(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def every(number: int, word: str, verb: str) -> str:
    """Return ``all 2 layers agree``, ``the one layer agrees``."""
    return f"the one {word} {verb}s" if number == 1 else f"all {plural(number, word)} {verb}"


def and_more(words: Collection[str], most: int) -> str:
    """Return ``a, b and 3 more``: the first ``most`` words, and how many there are besides."""
    words = list(words)
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"


def show_bytes(count: float) -> str:
    """Return bytes in the largest unit, a power of 1024, of which there is one: ``1.50 GiB``."""
    step, unit = _unit(count)
    return f"{int(count)} bytes" if step == 1 else f"{count / step:,.2f} {unit}"


def short_bytes(count: float) -> str:
    """Return bytes in three digits, or the four in front of the point, without zeros at the end: ``1.5 GiB``."""
    step, unit = _unit(count)
    value = count / step
    return f"{value:.0f} {unit}" if step == 1 or abs(value) >= 999.5 else f"{value:.3g} {unit}"


def _unit(count: float) -> tuple[int, str]:
    return next((unit for unit in _UNITS if abs(count) >= unit[0]), (1, "B"))


def table(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return rows of equally many cells as lines with columns below each other; ``right`` are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def printable(text: str, keep: str = "") -> str:
    """Keep a file's own control characters from reaching a terminal or a document, but those in ``keep``."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in keep else "\ufffd" for letter in text)


class Excerpt(NamedTuple):
    """A line of source: what is shown of it, and the marks below it, ``width`` of them behind ``indent`` spaces."""

    source: str
    indent: int
    width: int


def excerpt(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int], widest: int) -> Excerpt | None:
    """Return the line in which a span starts, in ``widest`` letters at most; None where there is no such line.

    ``start`` and ``end`` are lines and columns, counted from 1; the end is exclusive.
    """
    line = start[0]
    if not 1 <= line <= len(lines):
        return None
    source = lines[line - 1].replace("\t", " ")
    first = start[1] - 1
    last = end[1] - 1 if end[0] == line else len(source)
    if len(source) > widest:
        left = max(0, min(first - widest // 3, len(source) - widest))
        right = left + widest
        source = ("…" if left else "") + source[left + bool(left) : right] + ("…" if right < len(source) else "")
        first, last = first - left, min(last - left, widest)
    return Excerpt(source, max(first, 0), max(1, last - first))


def nearest(word: str, words: Iterable[str], meanings: Mapping[str, Sequence[str]] | None = None) -> str | None:
    """Return the one of ``words`` that means ``word`` or is most like it, or None where none is much like it.

    ``meanings`` maps a word of elsewhere to the words that mean the same here, in lower case with ``_`` for ``-``.
    """
    asked = _folded(word)
    folded = {_folded(known): known for known in words}
    for same in (meanings or {}).get(asked, ()):
        if asked not in folded and same in folded:
            return folded[same]
    from difflib import get_close_matches  # only needed once there is a mistake

    close = get_close_matches(asked, folded, n=1, cutoff=_ALIKE)
    return folded[close[0]] if close else None


def _folded(word: str) -> str:
    return word.lower().replace("-", "_")


def suggest(word: str, words: Iterable[str], what: str, meanings: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return the help for an unknown word: the nearest of the right ones, or all of them; ``what`` they are."""
    known = list(words)
    best = nearest(word, known, meanings)
    if best is not None:
        return f"did you mean {best}?"
    return f"the {what} here are {and_more(known, _MOST_KNOWN)}" if known else f"there are no {what} here"
