"""The nearest right word for a wrong one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word most like ``word``, or None where none is much like it."""
    import difflib  # only needed once there is a mistake

    known = list(words)
    folded = {w.lower().replace("-", "_"): w for w in known}
    close = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.65)
    return folded[close[0]] if close else None


def suggest(word: str, words: Iterable[str], what: str) -> str:
    """Return the help for an unknown word: the nearest one, or the legal ones."""
    known = list(words)
    best = nearest(word, known)
    if best is not None:
        return f"did you mean {best}?"
    if not known:
        return f"there are no {what} here"
    listed = ", ".join(known[:30]) + (f" and {len(known) - 30} more" if len(known) > 30 else "")
    return f"the {what} here are {listed}"
