"""Which layer is the cause of what is not allowed: conditions, each true and necessary, that together are the set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shapecheck.analysis.sizes.periodic import EVERYTHING, Budget, TooLarge
from shapecheck.analysis.sizes.size_set import MOST_LISTED, SizeSet
from shapecheck.analysis.sizes.trials import Trial
from shapecheck.graph.network import Network
from shapecheck.layers.context import Question


class SizeCondition(NamedTuple):
    """A condition on a dimension and the layer that makes it: ``allows`` is the set of sizes at which it holds.

    ``message`` says it from size ``since`` on; the sizes below were tried one by one, as were all where it is None.
    """

    layer: str
    node: int
    question: Question
    allows: SizeSet
    message: str
    since: int | None = 1

    @property
    def sentence(self) -> str:
        """The message, and from which size on it is what decides."""
        return self.message + self.from_where

    @property
    def from_where(self) -> str:
        """The size from which on the message is what decides, in words; empty where that is every size."""
        return f", from {self.allows.name} = {self.since} on" if self.since is not None and self.since > 1 else ""


_NEVER = Question("at_least", 0, 1)


def intersection(name: str, pieces: list[SizeCondition], budget: Budget) -> tuple[SizeSet, list[str]]:
    """Return what all pieces allow, taken by rising period, and what was too large to take in."""
    allowed = SizeSet(name)
    left_out = []
    for piece in sorted(pieces, key=lambda p: p.allows.periodic.period):
        try:
            allowed = allowed.intersection(piece.allows, budget)
        except TooLarge:
            left_out.append(f"{piece.layer}: {piece.message}")
    return allowed, left_out


def tried_below(
    network: Network, name: str, behind: int, trials: list[Trial], pieces: list[SizeCondition]
) -> list[SizeCondition]:
    """Return the conditions with the sizes below ``behind`` as they were tried.

    ``trials`` are those of 1, 2 and so on. A size that works is let in by every condition, and one that fails though
    all formulas allow it is kept out by the layer at which it fails.
    """
    working = {n for n, trial in enumerate(trials, 1) if trial.works is not False}
    found = []
    for piece in pieces:
        before = {n for n in range(1, behind) if n in piece.allows}
        if not working <= before:
            piece = piece._replace(allows=piece.allows.with_head(behind, before | working), since=behind)
        found.append(piece)
    failed = {
        n: trial for n, trial in enumerate(trials, 1) if n not in working and all(n in piece.allows for piece in found)
    }
    found += kept_out(network, name, failed)
    return sorted((piece for piece in found if not piece.allows.every), key=lambda piece: piece.node)


def kept_out(network: Network, name: str, failed: Mapping[int, Trial]) -> list[SizeCondition]:
    """Return a condition for each layer at which sizes failed that were tried: all others are allowed."""
    sizes: dict[int, list[int]] = {}
    for n, trial in failed.items():
        sizes.setdefault(0 if trial.node is None else trial.node, []).append(n)
    return [
        SizeCondition(
            network.nodes[node].name,
            node,
            _NEVER,
            SizeSet(name, 1, None, EVERYTHING, without),
            f"at {name} = {without[-1]}: {failed[without[-1]].message}",
            None,
        )
        for node, without in sizes.items()
    ]


def untried_below(behind: int, pieces: list[SizeCondition]) -> list[SizeCondition]:
    """Return the conditions as they are from ``behind`` on: of the sizes below nothing is known."""
    if behind > MOST_LISTED:
        return []
    head = set(range(1, behind))
    return [piece._replace(allows=piece.allows.with_head(behind, head), since=behind) for piece in pieces]


def binding(name: str, pieces: list[SizeCondition], budget: Budget) -> list[SizeCondition]:
    """Return the pieces that take something away from what those before them leave; of thresholds the last."""
    allowed = SizeSet(name)
    causes: list[SizeCondition] = []
    for piece in pieces:
        try:
            narrowed = allowed.intersection(piece.allows, budget)
        except TooLarge:
            causes.append(piece)
            continue
        if narrowed == allowed:
            continue
        if _threshold(piece):
            causes = [cause for cause in causes if not _threshold(cause)]
        causes.append(piece)
        allowed = narrowed
    return sorted(causes, key=lambda cause: cause.node)


def _threshold(piece: SizeCondition) -> bool:
    allows = piece.allows
    return allows.periodic.full and allows.high is None and not allows.without and not allows.extra
