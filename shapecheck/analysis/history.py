"""Where a size comes from: the layers that changed one axis on its way from the input."""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import channel_axis
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Node
from shapecheck.layers.window import Window

# How many layers are followed.
LONGEST = 2_000
# Layers behind which an axis is another one.
_REARRANGING = ("attention", "embedding", "flatten", "fold", "permute", "reshape", "squeeze", "unfold", "unsqueeze")


class Step(NamedTuple):
    """A layer, or an input, that gave the axis its size; ``window`` is set where a window slid along it."""

    node: Node
    size: Size
    window: Window | None


def history(shapes: Shapes, index: int, axis: int) -> list[Step]:
    """Return what gave ``axis`` of node ``index`` its size, from an input (or where the axis arose) downwards."""
    nodes = shapes.network.nodes
    steps: list[Step] = []
    for _ in range(LONGEST):
        node = nodes[index]
        shape = shapes.outputs[index]
        if shape is None or not axis < len(shape):
            break
        above = shapes.outputs[node.inputs[0]] if node.inputs else None
        if above is None or len(above) != len(shape) or node.op in _REARRANGING:
            steps.append(Step(node, shape[axis], None))
            break
        if above[axis] != shape[axis]:
            steps.append(Step(node, shape[axis], _window(shapes, node, axis)))
        index = node.inputs[0]
    return steps[::-1]


def _window(shapes: Shapes, node: Node, axis: int) -> Window | None:
    shape = shapes.outputs[node.index]
    windows = shapes.windows(node)
    if shape is None or axis in (0, channel_axis(len(shape), shapes.network.channels_last)):
        return None
    place = axis - (1 if shapes.network.channels_last else 2)
    return windows[place] if place < len(windows) else None
