"""Over which mesh axes the arrays of a network are split, and which axes do not divide.

What an input's axes are split over follows them as long as a position of the axis stands for a position: where it is
kept, in its place or another, where a window slides along it, where it is resampled or cut. Behind anything else
nothing is said of it, for there XLA chooses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import history
from shapecheck.graph.network import WHOLE, Node, Sharding, Split
from shapecheck.layers.flow import STRETCHED, AxisFlow, AxisKind, Flow

Splits: TypeAlias = tuple[Split, ...]
# Axes, by node, that do not divide as they are split.
Wrong: TypeAlias = dict[tuple[int, int], Split]

# What leaves a position of an axis one of the output's, in its order.
_FOLLOWED = (AxisKind.KEPT, AxisKind.WINDOWED, AxisKind.RESAMPLED, AxisKind.CUT)


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
    wrong: Wrong = {}
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        flow = shapes.flow(node)
        if flow is not None and index in sharding.channels:
            yield from _parameters(shapes, sharding, node, flow, wrong, each)
        shape = shapes.outputs[index]
        for axis, split in enumerate(splits.get(index, ())):
            parts = sharding.parts(split)
            size = None if shape is None else shape[axis]
            if type(size) is not int or size % parts == 0:
                continue
            # Parameters that do not divide were reported; the maps that they make are the same mistake.
            reported = _same_axes(wrong.get((index, axis)), split)
            reported = reported or (flow is not None and _from_wrong(node, flow[axis], split, wrong))
            wrong[index, axis] = split
            if each or not reported:
                of = "input" if node.layer is None else "output"
                yield Uneven(node, of, axis, size, split, parts, _origin(shapes, index, axis))


def _parameters(
    shapes: Shapes, sharding: Sharding, node: Node, flow: Flow, wrong: Wrong, each: bool
) -> Iterator[Uneven]:
    """Yield what of a layer's parameters does not divide, and note their axis of the output as wrong."""
    context, output, layer = shapes.context(node), shapes.outputs[node.index], shapes.layer(node)
    assert context is not None and output is not None and layer is not None
    axis = layer.parameter_axis(context, output)
    if axis is None:
        return
    split = sharding.channels[node.index]
    parts = sharding.parts(split)
    for of, size in layer.parameter_channels(context, output):
        if type(size) is int and size % parts:
            above = {context.inputs[source.operand][source.axis] for source in flow[axis].sources}
            reported = size in above and _from_wrong(node, flow[axis], split, wrong)
            wrong[node.index, axis] = split
            if each or not reported:
                yield Uneven(node, of, None, size, split, parts, _origin(shapes, node.index, axis))
            return


def _from_wrong(node: Node, flow: AxisFlow, split: Split, wrong: Wrong) -> bool:
    """Say whether an axis comes from one that does not divide either, over the same mesh axes."""
    return any(_same_axes(wrong.get((node.inputs[source.operand], source.axis)), split) for source in flow.sources)


def _same_axes(one: Split | None, other: Split) -> bool:
    return one is not None and one.axes == other.axes


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
        splits = _through(shapes, node, found)
        if splits is None:
            continue
        if index in sharding.channels:
            splits = _with_channels(shapes, node, splits, sharding.channels[index])
        found[index] = splits
    return found


def _with_channels(shapes: Shapes, node: Node, splits: Splits, channels: Split) -> Splits:
    """Return the splits of an output whose channels are split as the parameters are, where the mesh axes are free."""
    context, output, layer = shapes.context(node), shapes.outputs[node.index], shapes.layer(node)
    assert context is not None and output is not None and layer is not None
    axis = layer.parameter_axis(context, output)
    others = {name for at, split in enumerate(splits) if at != axis for name in split.axes}
    if axis is None or others & set(channels.axes):
        return splits
    return (*splits[:axis], channels, *splits[axis + 1 :])


def _through(shapes: Shapes, node: Node, found: dict[int, Splits]) -> Splits | None:
    """Return what a layer's output is split over by what its inputs are; None where nothing is known of them."""
    flow = shapes.flow(node)
    if flow is None or all(above not in found for above in node.inputs):
        return None
    splits: list[Split] = []
    used: set[str] = set()
    for one in flow:
        split = _followed(node, one, found)
        # A mesh axis splits one axis of an array: of inputs that are split in different ways the first counts.
        splits.append(WHOLE if used & set(split.axes) else split)
        used |= set(splits[-1].axes)
    return tuple(splits)


def _followed(node: Node, flow: AxisFlow, found: dict[int, Splits]) -> Split:
    """Return what an axis is split over: as the first of its sources that is known, stretched ones left out."""
    if flow.kind not in _FOLLOWED:
        return WHOLE
    for source in flow.sources:
        above = found.get(node.inputs[source.operand])
        if above is not None and source.taps != STRETCHED:
            return above[source.axis]
    return WHOLE
