"""What two networks cost, beside each other: parameters, multiply-adds, memory, layer by layer and in all."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from shapecheck.analysis.cost import cost, item_bytes
from shapecheck.analysis.difference.differing import differ
from shapecheck.analysis.difference.matching import Matching
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.symbolic import Size, product
from shapecheck.graph.network import Node

QUANTITIES = ("parameters", "multiply_adds", "parameter_bytes", "activation_bytes")


class LayerCost(NamedTuple):
    """What one layer costs. Bytes count each number in the precision of the network's inputs."""

    parameters: Size
    multiply_adds: Size
    parameter_bytes: Size
    activation_bytes: Size


class TotalChange(NamedTuple):
    """One quantity of both networks. ``unknown`` counts the layers of each whose share is not known."""

    name: str
    old: Size
    new: Size
    unknown: tuple[int, int] = (0, 0)

    @property
    def differs(self) -> bool | None:
        """Whether it changed; None where part of it is not known."""
        return None if any(self.unknown) else differ(self.old, self.new)

    @property
    def change(self) -> Size | None:
        """New less old, None where part of it is not known."""
        return None if any(self.unknown) else self.new - self.old

    @property
    def percent(self) -> Fraction | None:
        """The change in percent of the old, where there is one."""
        change = self.change
        if not isinstance(change, int) or not isinstance(self.old, int) or self.old == 0:
            return None
        return Fraction(100 * change, self.old)


class CostChange(NamedTuple):
    """A layer whose parameters or multiply-adds changed; None where they are not known."""

    old: Node
    new: Node
    before: LayerCost | None
    after: LayerCost | None


def layer_cost(shapes: Shapes, node: Node, item: int) -> LayerCost | None:
    """Return what a layer costs, or None where its shape is not known; ``item`` is the bytes of one number."""
    output = shapes.outputs[node.index]
    if output is None or (node.layer is not None and shapes.context(node) is None):
        return None
    if node.layer is None:
        return LayerCost(0, 0, 0, 0)
    one = cost(shapes, node)
    return LayerCost(one.parameters, one.multiply_adds, one.parameters * item, product(output) * item)


def compare_costs(old: Shapes, new: Shapes, matching: Matching) -> tuple[list[CostChange], dict[str, TotalChange]]:
    """Return the layers of both networks whose cost changed, and the totals."""
    sides = []
    for shapes in (old, new):
        item = item_bytes(shapes)
        sides.append([layer_cost(shapes, node, item) for node in shapes.network.nodes])
    changes = []
    for index, other in sorted(matching.to_new.items(), key=lambda pair: pair[1]):
        before, after = sides[0][index], sides[1][other]
        if _changed(before, after):
            changes.append(CostChange(old.network.nodes[index], new.network.nodes[other], before, after))
    totals = {}
    for at, name in enumerate(QUANTITIES):
        known = [[one[at] for one in side if one is not None] for side in sides]
        unknown = tuple(sum(one is None for one in side) for side in sides)
        totals[name] = TotalChange(name, _sum(known[0]), _sum(known[1]), (unknown[0], unknown[1]))
    return changes, totals


def _changed(before: LayerCost | None, after: LayerCost | None) -> bool:
    if before is None or after is None:
        return before is not after
    return any(differ(before[at], after[at]) is not False for at in (0, 1))


def _sum(sizes: list[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total
