"""What a network costs: parameters and multiply-adds, layer by layer."""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.spec.network import Node
from shapecheck.symbolic import Size


class Cost(NamedTuple):
    """Numbers learned, and multiply-adds of one forward pass over the whole batch."""

    parameters: Size
    multiply_adds: Size


def cost(shapes: Shapes, node: Node) -> Cost:
    """Return the cost of a layer; nothing where its shape is unknown."""
    output = shapes.outputs[node.index]
    context = shapes.context(node)
    if node.layer is None or output is None or context is None:
        return Cost(0, 0)
    return Cost(node.layer.parameters(context), node.layer.multiply_adds(context, output))


def total(shapes: Shapes) -> Cost:
    """Return the cost of the whole network, as far as it is known."""
    parameters: Size = 0
    multiply_adds: Size = 0
    for node in shapes.network.layers:
        one = cost(shapes, node)
        parameters = parameters + one.parameters
        multiply_adds = multiply_adds + one.multiply_adds
    return Cost(parameters, multiply_adds)
