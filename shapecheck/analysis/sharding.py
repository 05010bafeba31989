"""Over which mesh axes the arrays of a network are split, and which axes do not divide.

What an input's axes are split over follows them through layers that keep an axis in its place; behind any other layer
nothing is said of it, for there XLA chooses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from shapecheck.analysis.history import history
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, channel_axis
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import WHOLE, Node, Sharding, Split
from shapecheck.layers.activation import Prelu
from shapecheck.layers.base import Context
from shapecheck.layers.columns import Fold, Unfold
from shapecheck.layers.conv import Convolving
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.linear import Attention, Embedding, Linear
from shapecheck.layers.merge import Arithmetic, Concat
from shapecheck.layers.normalization import Norm
from shapecheck.layers.pooling import AdaptivePool, GlobalPool
from shapecheck.layers.rearrange import Permute, axis_of
from shapecheck.layers.resize import Crop, Pad, Upsample

Splits: TypeAlias = tuple[Split, ...]


class Uneven(NamedTuple):
    """An axis of size ``size`` that the ``parts`` of ``split`` do not divide.

    ``of`` is ``input``, ``output``, or the channels of a layer's parameters: ``output channels``, ``input channels``.
    ``axis`` is None for parameters. ``origin`` is the node that gave the axis its size.
    """

    node: Node
    of: str
    axis: int | None
    size: int
    split: Split
    parts: int
    origin: Node


def uneven(shapes: Shapes, sharding: Sharding, each: bool = False) -> Iterator[Uneven]:
    """Yield every axis that is split into parts that do not divide it, inputs first.

    Of a chain of layers with one size the first only, unless ``each`` is asked for. A size that is not known is left
    out: nothing can be said of it.
    """
    splits = follow(shapes, sharding)
    wrong: set[tuple[int, int]] = set()
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        if node.layer is not None and index in sharding.channels:
            yield from _parameters(shapes, sharding, node, wrong, each)
        shape = shapes.outputs[index]
        for axis, split in enumerate(splits.get(index, ())):
            parts = sharding.parts(split)
            size = None if shape is None else shape[axis]
            if type(size) is not int or size % parts == 0:
                continue
            # Parameters that do not divide were told; the maps that they make are the same mistake.
            told = (index, axis) in wrong or any((above, axis) in wrong for above in node.inputs)
            wrong.add((index, axis))
            if each or not told:
                of = "input" if node.layer is None else "output"
                yield Uneven(node, of, axis, size, split, parts, _origin(shapes, index, axis))


def _parameters(
    shapes: Shapes, sharding: Sharding, node: Node, wrong: set[tuple[int, int]], each: bool
) -> Iterator[Uneven]:
    context, shape = shapes.context(node), shapes.outputs[node.index]
    if context is None or shape is None or not _learns_channels(node, context):
        return
    split = sharding.channels[node.index]
    parts = sharding.parts(split)
    axis = feature_axis(node, context)
    for of, size in _channels(node, context, shape[axis]):
        if type(size) is int and size % parts:
            told = any((above, axis) in wrong for above in node.inputs) and size == context.inputs[0][axis]
            wrong.add((node.index, axis))
            if each or not told:
                yield Uneven(node, of, None, size, split, parts, _origin(shapes, node.index, axis))
            return


def _learns_channels(node: Node, context: Context) -> bool:
    """Tell whether a layer has parameters for each of its output channels."""
    layer = node.layer
    if layer is None or layer.parameters(context) == 0:
        return False
    return not (isinstance(layer, Prelu) and layer.num_parameters == 1)


def _channels(node: Node, context: Context, out: Size) -> list[tuple[str, Size]]:
    """Return the sizes that the split of a layer's parameters cuts."""
    layer = node.layer
    sizes: list[tuple[str, Size]] = [("output channels", out)]
    if isinstance(layer, ConvTranspose) and layer.group_count(context, layer.geometry(context, "groups", 1), out) > 1:
        # The kernel is [in, out / groups, …]: groups are cut whole, along its first axis.
        sizes.append(("input channels", context.inputs[0][context.channel_axis(context.inputs[0])]))
    return sizes


def feature_axis(node: Node, context: Context) -> int:
    """Return the axis of a layer's output on which its parameters' output channels stand."""
    rank = len(context.inputs[0])
    if isinstance(node.layer, Embedding):
        return rank
    if isinstance(node.layer, (Linear, Attention)):
        return rank - 1
    if isinstance(node.layer, Norm):
        return node.layer.feature_axis(context)
    return channel_axis(rank, context.channels_last)


def _origin(shapes: Shapes, index: int, axis: int) -> Node:
    steps = history(shapes, index, axis)
    return steps[-1].node if steps else shapes.network.nodes[index]


def follow(shapes: Shapes, sharding: Sharding) -> dict[int, Splits]:
    """Return what each array of known shape is split over, as far as it follows from the inputs and from the file."""
    found: dict[int, Splits] = {}
    for index in shapes.network.order:
        node, shape = shapes.network.nodes[index], shapes.outputs[index]
        if shape is None:
            continue
        if node.layer is None:
            found[index] = sharding.inputs.get(index, (WHOLE,) * len(shape))
            continue
        stated = sharding.outputs.get(index)
        if stated is not None and len(stated) == len(shape):
            found[index] = stated
            continue
        context = shapes.context(node)
        above = found.get(node.inputs[0]) if node.inputs else None
        if context is None or above is None:
            continue
        splits = _through(shapes, node, context, above, shape)
        if index in sharding.channels and _learns_channels(node, context):
            splits = _with_channels(splits, feature_axis(node, context), sharding.channels[index])
        found[index] = splits
    return found


def _with_channels(splits: Splits, axis: int, channels: Split) -> Splits:
    """Return the splits of an output whose channels are split as the parameters are, where the mesh axes are free."""
    others = {name for at, split in enumerate(splits) if at != axis for name in split.axes}
    if others & set(channels.axes):
        return splits
    return (*splits[:axis], channels, *splits[axis + 1 :])


def _through(shapes: Shapes, node: Node, context: Context, above: Splits, output: Shape) -> Splits:
    """Return what a layer's output is split over by what its first input is; whole where that is not known."""
    layer = node.layer
    if isinstance(layer, Permute):
        shape = context.inputs[0]
        return tuple(above[axis_of(axis, len(shape), "axes", shape)] for axis in layer.axes)
    rank = len(output)
    whole = [WHOLE] * rank
    if context.inputs[0][0] == output[0]:
        whole[0] = above[0]
    if len(above) != rank:
        return tuple(whole)
    channels = channel_axis(rank, context.channels_last)
    if isinstance(layer, (AdaptivePool, GlobalPool)):
        whole[channels] = above[channels]
        return tuple(whole)
    if layer is not None and (layer.keeps or isinstance(layer, (Arithmetic, Upsample, Pad, Crop))):
        return above
    if isinstance(layer, (Linear, Attention)):
        return (*above[:-1], WHOLE)
    if isinstance(layer, Concat):
        joined = channels if layer.axis is None else axis_of(layer.axis, rank, "axis", context.inputs[0])
        return (*above[:joined], WHOLE, *above[joined + 1 :])
    if layer is not None and not isinstance(layer, (Fold, Unfold)) and shapes.windows(node):
        mixed = WHOLE if isinstance(layer, Convolving) else above[channels]
        return (*above[:channels], mixed, *above[channels + 1 :])
    return tuple(whole)
