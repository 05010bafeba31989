"""What a network demands of its open transposed layers, found by trying every assignment: slow and simple."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from shapecheck.analysis.axis import ambiguous_axes
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.layers.base import Layer
from shapecheck.shape import split
from shapecheck.spec.network import Network

Assignment = dict[int, int]


class Every(NamedTuple):
    """All assignments of a to the open layers of a network of one spatial axis, and those under which it works."""

    choices: dict[int, int]
    working: list[Assignment]

    def values(self, node: int) -> tuple[int, ...]:
        return tuple(sorted({assignment[node] for assignment in self.working}))

    def free(self, node: int, chosen: Assignment) -> bool:
        """Whether every value fits while the others keep what was chosen."""
        return all({**chosen, node: a} in self.working for a in range(self.choices[node]))


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
    return {
        node.index: shapes.windows(node)[0].s for node in network.layers if ambiguous_axes(shapes, node)
    }


def every(network: Network) -> Every:
    choices = open_layers(network)
    working = [a for a in assignments(choices) if works(propagate(network, with_a(network, a)))]
    return Every(choices, working)
