"""What ``shapecheck diff`` fails on: the words of --fail-on and what each of them asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from fractions import Fraction
from typing import NamedTuple

import click

from shapecheck.analysis.difference.changes import Difference, counted
from shapecheck.analysis.difference.cost_changes import TotalChange
from shapecheck.output.difference_rows import quantity
from shapecheck.text import plural, suggest

_CONDITION = re.compile(r"(?P<word>[a-z-]+)(?:\s*>\s*(?P<bound>[0-9]+(?:\.[0-9]+)?)\s*(?P<percent>%?))?")
TOTALS = {
    "params": ("parameters",),
    "cost": ("multiply_adds",),
    "memory": ("parameter_bytes", "activation_bytes"),
}


class Condition(NamedTuple):
    """A word, and for a total how much it may grow: ``bound``, in percent of what it was or in its own unit."""

    word: str
    bound: Fraction | None = None
    percent: bool = False

    def __str__(self) -> str:
        if self.bound is None:
            return self.word
        return f"{self.word}>{float(self.bound):g}{'%' if self.percent else ''}"


def conditions(text: str) -> list[Condition]:
    """Return the conditions in the words of --fail-on. Raises click.BadParameter."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        read = _CONDITION.fullmatch(part)
        word = part if read is None else read["word"]
        if read is None or word not in WORDS:
            raise click.BadParameter(
                f"{part!r} is no condition; {suggest(word, WORDS, 'words')}", param_hint="--fail-on"
            )
        bound = None if read["bound"] is None else Fraction(read["bound"])
        if bound is not None and word not in TOTALS:
            raise click.BadParameter(
                f"{part!r}: only {', '.join(TOTALS)} can be bounded by a number", param_hint="--fail-on"
            )
        found.append(Condition(word, bound, bool(read["percent"])))
    return found


def failures(d: Difference, wanted: list[Condition]) -> list[tuple[Condition, str]]:
    """Return the conditions that are met, each with the reason. What is not known is a reason too."""
    found = []
    for condition in wanted:
        reason = _total(d, condition) if condition.word in TOTALS else WORDS[condition.word](d)
        if reason is not None:
            found.append((condition, reason))
    return found


def _total(d: Difference, condition: Condition) -> str | None:
    total, *others = (d.totals[name] for name in TOTALS[condition.word])
    changed = [part.differs for part in (total, *others)]
    for part in others:
        total = TotalChange(condition.word, total.old + part.old, total.new + part.new, total.unknown)
    if total.change is None:
        return quantity(total)
    if not any(answer is not False for answer in changed):
        return None
    if condition.bound is None:
        return quantity(total) if True in changed else "it could not be decided whether it changed"
    if not isinstance(total.change, int) or not isinstance(total.old, int):
        return f"{quantity(total)}: it depends on a dimension without a size"
    most = condition.bound * total.old / 100 if condition.percent else condition.bound
    return quantity(total) if total.change > most else None


def _layers(d: Difference) -> str | None:
    counts: list[tuple[Sized, str]] = [
        (d.added, "added"),
        (d.removed, "removed"),
        (d.renamed, "renamed"),
        (d.changed, "changed"),
    ]
    said = [f"{len(found)} {verb}" for found, verb in counts if found]
    return ", ".join(said) or None


def _shapes(d: Difference) -> str | None:
    said = []
    if d.shapes:
        first = min(d.shapes, key=lambda c: c.new.index)
        said.append(f"{plural(len(d.shapes), 'other shape')}, {first.new.name} first")
    if d.unknown:
        said.append(f"{plural(len(d.unknown), 'layer')} could not be compared, {d.unknown[0].name} first")
    return "; ".join(said) or None


def _outputs(d: Difference) -> str | None:
    wrong = [o.new or o.old or "" for o in d.outputs if not o.kept or o.shape_differs is not False]
    return ", ".join(wrong) or None


def _receptive_field(d: Difference) -> str | None:
    wrong = [o.new or "" for o in d.outputs if o.old is not None and o.new is not None and o.field_differs is not False]
    return ", ".join(wrong) or None


def _sizes(d: Difference) -> str | None:
    wrong = [f"{s.name} ({s.status.replace('_', ' ')})" for s in d.sizes if s.status != "same"]
    if d.couplings[0] != d.couplings[1]:
        wrong.append("conditions that join dimensions")
    return ", ".join(wrong) or None


def _sizes_lost(d: Difference) -> str | None:
    wrong = [
        f"{s.name} = {s.lost}" if s.lost is not None else f"{s.name} ({s.status.replace('_', ' ')})"
        for s in d.sizes
        if s.lost is not None or s.status in ("not_decided", "removed")
    ]
    if d.couplings[0] != d.couplings[1]:
        wrong.append("conditions that join dimensions changed")
    return ", ".join(wrong) or None


def _promises(d: Difference) -> str | None:
    return ", ".join(p.name for p in d.promises if p.accepts[0] != p.accepts[1]) or None


def _findings(d: Difference) -> str | None:
    new = counted(d.found)
    return f"{plural(len(new), 'new finding')}: {', '.join(dict.fromkeys(one.code for one in new))}" if new else None


def _of_totals(d: Difference) -> str | None:
    raise AssertionError("a total is asked with its bound")


WORDS: dict[str, Callable[[Difference], str | None]] = {
    **dict.fromkeys(TOTALS, _of_totals),
    "layers": _layers,
    "shapes": _shapes,
    "outputs": _outputs,
    "receptive-field": _receptive_field,
    "sizes": _sizes,
    "sizes-lost": _sizes_lost,
    "promises": _promises,
    "findings": _findings,
}
