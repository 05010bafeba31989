"""What a network costs: parameters and multiply-adds, layer by layer."""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.symbolic import Size, product
from shapecheck.graph.network import Node

# Of one number; every other type has 4.
BYTES = {"float16": 2, "bfloat16": 2, "float64": 8}


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


def on_padding(shapes: Shapes, node: Node) -> int:
    """Return those of a layer's multiply-adds that read padding; every size must be a number."""
    output = shapes.outputs[node.index]
    context = shapes.context(node)
    if node.layer is None or output is None or context is None:
        return 0
    return node.layer.padding_multiply_adds(context, output)


def activations(shapes: Shapes) -> Size:
    """Return how many numbers all layers put out, as far as it is known."""
    found: Size = 0
    for node in shapes.network.layers:
        output = shapes.outputs[node.index]
        if output is not None:
            found = found + product(output)
    return found


def total(shapes: Shapes) -> Cost:
    """Return the cost of the whole network, as far as it is known."""
    parameters: Size = 0
    multiply_adds: Size = 0
    for node in shapes.network.layers:
        one = cost(shapes, node)
        parameters = parameters + one.parameters
        multiply_adds = multiply_adds + one.multiply_adds
    return Cost(parameters, multiply_adds)


def item_bytes(shapes: Shapes) -> int:
    """Return the bytes of one number: those of the precision in which the network's inputs come, 4 by default."""
    for node in shapes.network.inputs:
        if node.dtype is not None and "float" in node.dtype:
            return BYTES.get(node.dtype, 4)
    return 4
