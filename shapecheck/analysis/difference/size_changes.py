"""Which input sizes work in two networks, beside each other, and what their files promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shapecheck.analysis.sizes.every_size import Sizes, SizesAnalysis
from shapecheck.analysis.sizes.periodic import TooLarge
from shapecheck.graph.network import Dimension, Network


class SizesChange(NamedTuple):
    """The valid sizes of one dimension before and after; None where a network does not have it.

    ``lost`` is a size that worked and does not any more, the given one where that is so; ``gained`` the reverse.
    ``reasons`` say why nothing of the kind can be claimed.
    """

    name: str
    old: Sizes | None
    new: Sizes | None
    lost: int | None = None
    gained: int | None = None
    reasons: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``same``, ``changed``, ``added``, ``removed`` or ``not_decided``."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        if self.lost is not None or self.gained is not None:
            return "changed"
        return "not_decided" if self.reasons else "same"


class PromiseChange(NamedTuple):
    """What a file says of a dimension before and after: its size and what it ``accepts``."""

    name: str
    old: Dimension | None
    new: Dimension | None

    @property
    def accepts(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """Return the promises."""
        return _accepts(self.old), _accepts(self.new)

    @property
    def sizes(self) -> tuple[int | None, int | None]:
        """Return the given sizes."""
        return (None if self.old is None else self.old.size, None if self.new is None else self.new.size)


def compare_sizes(old: SizesAnalysis, new: SizesAnalysis) -> list[SizesChange]:
    """Return for every dimension which sizes worked and which work now, those that are the same among them."""
    return [_one(name, old.dims.get(name), new.dims.get(name)) for name in dict.fromkeys((*old.dims, *new.dims))]


def _one(name: str, old: Sizes | None, new: Sizes | None) -> SizesChange:
    if old is None or new is None:
        return SizesChange(name, old, new)
    reasons = [*(f"before: {text}" for text in old.unresolved), *(f"now: {text}" for text in new.unresolved)]
    lost, gained = None, None
    if not reasons:
        lost = _member_outside(old, new, reasons)
        gained = _member_outside(new, old, reasons)
    return SizesChange(name, old, new, lost, gained, tuple(reasons))


def _member_outside(of: Sizes, other: Sizes, reasons: list[str]) -> int | None:
    if of.given is not None and of.given in of.set and of.given not in other.set:
        return of.given
    try:
        return of.set.first_outside(other.set)
    except TooLarge:
        reasons.append("the two sets together have too many remainders to be compared")
        return None


def compare_promises(old: Network, new: Network) -> list[PromiseChange]:
    """Return the dimensions of which the files say something else."""
    changes = []
    for name in dict.fromkeys((*old.dims, *new.dims)):
        change = PromiseChange(name, old.dims.get(name), new.dims.get(name))
        if change.accepts[0] != change.accepts[1] or change.sizes[0] != change.sizes[1]:
            changes.append(change)
    return changes


def _accepts(dim: Dimension | None) -> Mapping[str, Any] | None:
    return None if dim is None or dim.accepts is None else dict(dim.accepts)
