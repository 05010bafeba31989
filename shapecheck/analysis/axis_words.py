"""What people call an axis where it stands: of a sequence the tokens and the features, of a map channels and space."""

from __future__ import annotations

from enum import Enum

from shapecheck.analysis.other_sizes import output_for
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.upstream import upstream
from shapecheck.arithmetic.shape import Shape, axis_name, channel_axis
from shapecheck.graph.network import Node
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context
from shapecheck.layers.flow import AxisKind

# How many readers are looked at for what an input is meant to be.
MOST_READERS = 200


class AxisPart(Enum):
    """What an axis counts."""

    BATCH = "batch"
    CHANNELS = "channels"
    SPACE = "space"
    TOKENS = "tokens"
    FEATURES = "features"
    UNKNOWN = "axis"


def axis_part(shapes: Shapes, index: int, axis: int) -> AxisPart:
    """Return what an axis of a node's output counts, from the layers that made it and those that read it."""
    shape = shapes.outputs[index] or ()
    rank = len(shape)
    if axis == 0:
        return AxisPart.BATCH
    channels = axis == channel_axis(rank, shapes.network.channels_last)
    if rank == 3 and not shapes.network.channels_last and _is_sequence(shapes, index):
        return AxisPart.TOKENS if axis == 1 else AxisPart.FEATURES
    if rank == 2:
        return AxisPart.FEATURES if _counts_features(shapes, index, axis) else AxisPart.UNKNOWN
    if rank < 2:
        return AxisPart.UNKNOWN
    return AxisPart.CHANNELS if channels else AxisPart.SPACE


def axis_word(shapes: Shapes, index: int, axis: int) -> str:
    """Return what people call an axis of a node's output: ``tokens (axis 1)``, ``H (axis 2)``."""
    part = axis_part(shapes, index, axis)
    if part in (AxisPart.TOKENS, AxisPart.FEATURES):
        return f"{part.value} (axis {axis})"
    if part is AxisPart.UNKNOWN:
        return f"axis {axis}"
    return axis_name(axis, len(shapes.outputs[index] or ()), shapes.network.channels_last)


def _is_sequence(shapes: Shapes, index: int) -> bool:
    """Say whether a shape of rank 3 is [N, tokens, features], and no map [N, channels, L]."""
    if _counts_features(shapes, index, 1) or _counts_features(shapes, index, 2):
        return not _counts_features(shapes, index, 1)
    if _is_joined(shapes, index, 1):
        return True
    shape = shapes.outputs[index]
    return shape is not None and _read_as_sequence(shapes, index, shape)


def _counts_features(shapes: Shapes, index: int, axis: int) -> bool:
    """Say whether the layer that an axis comes from has its parameters along it, or a map its channels."""
    for node, at in upstream(shapes, index, axis):
        layer, context, shape = shapes.layer(node), shapes.context(node), shapes.outputs[node.index]
        if shape is None:
            return False
        if node.layer is None or layer is None or context is None:
            return len(shape) > 3 and at == channel_axis(len(shape), shapes.network.channels_last)
        learned = layer.parameter_axis(context, shape)
        if learned is not None:
            return at == learned
        flow = shapes.flow(node)
        if flow is not None and flow[at].kind is AxisKind.JOINED:
            return len(shape) == 2
    return False


def _is_joined(shapes: Shapes, index: int, axis: int) -> bool:
    """Say whether an axis counts through the positions of a map, alone or with others behind or before them."""
    for node, at in upstream(shapes, index, axis):
        flow = shapes.flow(node)
        if flow is not None and flow[at].kind is AxisKind.JOINED:
            return True
    return False


def _read_as_sequence(shapes: Shapes, index: int, shape: Shape) -> bool:
    """Say whether a layer that keeps parameters along the last axis reads a node, over layers that keep its shape."""
    reached = {index}
    for node in shapes.network.nodes[index + 1 : index + 1 + MOST_READERS]:
        layer = shapes.layer(node)
        if layer is None or reached.isdisjoint(node.inputs):
            continue
        if _last_axis_learned(layer, node, shapes, shape):
            return True
        context = Context((shape,) * len(node.inputs), shapes.network.channels_last)
        if not layer.keeps or node.references or output_for(layer, context, context.inputs) is None:
            continue
        if layer.parameter_axis(context, shape) is None:
            reached.add(node.index)
    return False


def _last_axis_learned(layer: Layer, node: Node, shapes: Shapes, shape: Shape) -> bool:
    if len(node.inputs) != 1 or node.references:
        return False
    context = Context((shape,), shapes.network.channels_last)
    made = output_for(layer, context, (shape,))
    return made is not None and layer.parameter_axis(context, made) == len(made) - 1 == 2
