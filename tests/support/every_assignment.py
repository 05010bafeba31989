"""What a network demands of its open transposed layers, found by trying every assignment: slow and simple."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.transposed.relations import Equality, ambiguous_axes
from shapecheck.arithmetic.shape import split
from shapecheck.graph.network import Network
from shapecheck.layers.base import Layer

Assignment = dict[int, int]
# What a demand is missed by where a layer has no size at all.
UNKNOWN = 1 << 40


class Every(NamedTuple):
    """All assignments of a to the open layers of a network of one spatial axis, and those under which it works."""

    choices: dict[int, int]
    working: list[Assignment]

    def values(self, node: int) -> tuple[int, ...]:
        return tuple(sorted({assignment[node] for assignment in self.working}))

    def free(self, node: int) -> bool:
        """Whether every value fits, whatever fitting values the others have."""
        return all({**one, node: a} in self.working for one in self.working for a in range(self.choices[node]))


def works(shapes: Shapes) -> bool:
    """Whether no rule is broken and every declared pair has one size."""
    network = shapes.network
    if shapes.troubles:
        return False
    for decoder, encoder in network.symmetry.items():
        ends = [shapes.outputs[i] for i in (decoder, network.nodes[encoder].inputs[0])]
        sizes = [split(end, network.channels_last).spatial for end in ends if end is not None]
        if len(sizes) == 2 and sizes[0] != sizes[1]:
            return False
    return True


def with_a(network: Network, assignment: Assignment) -> dict[int, Layer]:
    layers = {}
    for index, a in assignment.items():
        layer = network.nodes[index].layer
        assert layer is not None
        layers[index] = type(layer)(layer.op, {**vars(layer), "output_padding": a})
    return layers


def assignments(choices: dict[int, int]) -> Iterator[Assignment]:
    for values in itertools.product(*(range(count) for count in choices.values())):
        yield dict(zip(choices, values, strict=True))


def open_layers(network: Network) -> dict[int, int]:
    """Return for each open layer of a network of one spatial axis how many sizes it leaves open."""
    shapes = propagate(network, forgiving=True)
    return {node.index: shapes.windows(node)[0].s for node in network.layers if ambiguous_axes(shapes, node)}


def every(network: Network) -> Every:
    choices = open_layers(network)
    working = [a for a in assignments(choices) if works(propagate(network, with_a(network, a)))]
    return Every(choices, working)


class Met(NamedTuple):
    """The demands of one axis taken in order: the assignments that meet all that can be met, and the first that cannot.

    ``distance`` is by how much that one is missed at best where those before it are met.
    """

    working: list[Assignment]
    blocked: Equality | None
    distance: int | None


def moving(network: Network, choices: dict[int, int], demands: list[Equality]) -> list[Equality]:
    """Return the demands of which one side has more than one size under all assignments."""
    seen: dict[int, set[Any]] = {}
    for assignment in assignments(choices):
        for index, shape in enumerate(propagate(network, with_a(network, assignment), forgiving=True).outputs):
            seen.setdefault(index, set()).add(None if shape is None or len(shape) < 3 else shape[2])
    return [d for d in demands if len(seen[d.left]) > 1 or (d.right is not None and len(seen[d.right]) > 1)]


def meet(network: Network, choices: dict[int, int], demands: list[Equality]) -> Met:
    """Take demands in order, each that can be met together with those before it."""
    sizes = []
    for assignment in assignments(choices):
        outputs = propagate(network, with_a(network, assignment), forgiving=True).outputs
        sizes.append((assignment, outputs))

    def miss(demand: Equality, outputs: list[Any]) -> int:
        left = outputs[demand.left]
        right = outputs[demand.right] if demand.right is not None else None
        if left is None or (demand.right is not None and right is None):
            return UNKNOWN
        needed = right[2] if right is not None else demand.value
        return abs(left[2] - needed)

    blocked, distance = None, None
    for demand in demands:
        fitting = [(assignment, outputs) for assignment, outputs in sizes if miss(demand, outputs) == 0]
        if fitting:
            sizes = fitting
        elif blocked is None:
            blocked, distance = demand, min(miss(demand, outputs) for _, outputs in sizes)
    return Met([assignment for assignment, _ in sizes], blocked, distance)
