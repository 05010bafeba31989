"""Lints on axes in another order than was meant: an input with its axes turned, a layer that works on the width."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.layer_index import LayerIndex, layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, axis_name, channel_axis, show, spatial_name, split
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node
from shapecheck.layers.role import Role

# The colours of a picture, and the least size of an axis that is taken for height or width.
COLOURS = (1, 3, 4)
LEAST_SIDE = 32
# A signal of this many channels and one or two elements stands the wrong way round.
LEAST_SIGNAL = 256


def layout_suspected(shapes: Shapes) -> Iterable[Finding]:
    """An input looks as if its axes were in another order: its channels are a side of a picture, its width a colour."""
    channels_last = shapes.network.channels_last
    for node, short in suspected_inputs(shapes):
        shape = node.shape or ()
        _, channels, spatial = split(shape, channels_last)
        axis = axis_name(channel_axis(len(shape), channels_last), len(shape), channels_last)
        other = "channels_first" if channels_last else "channels_last"
        yield Finding.of(
            "layout-suspected",
            f"the input {node.name} {show(shape)} has {channels} on {axis} and"
            f" {spatial[short]} on {spatial_name(short, len(spatial))}: are its axes in the order meant?",
            node.source.span,
            None,
            f"write layout: {other}, or give the axes in the order of this layout",
        )


def suspected_inputs(shapes: Shapes) -> list[tuple[Node, int]]:
    """Return the inputs whose axes look as if they were in another order, and the spatial axis that may be colours."""
    found = []
    for node in shapes.network.inputs:
        if node.shape is not None and len(node.shape) > 2:
            _, channels, spatial = split(node.shape, shapes.network.channels_last)
            natural = 0 if shapes.network.channels_last else len(spatial) - 1
            for short in (natural, *(j for j in range(len(spatial)) if j != natural)):
                if _turned(channels, spatial, short, short == natural) and _slides_along(shapes, node, short):
                    found.append((node, short))
                    break
    return found


def _slides_along(shapes: Shapes, node: Node, place: int) -> bool:
    """Say whether a layer that reads a node slides a kernel of more than 1 along a spatial axis.

    It is asked of networks with errors too: a wrong order of axes is the cause of errors further down.
    """
    for reader in shapes.network.layers:
        if node.index in reader.inputs and reader.layer is not None and Role.SLIDES in reader.layer.role:
            k = getattr(reader.layer, "kernel_size", 1)
            if (k[place] if isinstance(k, tuple) and place < len(k) else k) != 1:
                return True
    return False


def _turned(channels: Size, spatial: Shape, short: int, natural: bool) -> bool:
    """Say whether channels look like a side of a picture, and the axis ``short`` like its colours.

    Where the other layout has its channels, colours and any two sides will do; elsewhere the picture is square.
    """
    sides = [size for j, size in enumerate(spatial) if j != short]
    few = spatial[short]
    if not isinstance(channels, int) or not isinstance(few, int):
        return False
    if len(spatial) == 1:
        return few <= 2 and channels >= LEAST_SIGNAL
    if few not in COLOURS or channels < LEAST_SIDE:
        return False
    if few == 1 or not natural:
        return all(side == channels for side in sides)
    return all(isinstance(side, int) and side >= LEAST_SIDE for side in sides)


def acts_on_width(shapes: Shapes) -> Iterable[Finding]:
    """A linear layer or a layer norm works on the last axis of a map, and that is its width, not its channels."""
    if shapes.network.channels_last:
        return
    if shapes.network.channels_last:
        return
    works_on_an_axis = Role.LEARNED_MAP | Role.NORMALISATION
    found = layer_index(shapes)
    for node in found.playing(works_on_an_axis, but=Role.MAP | Role.CENTRES_CHANNELS):
        shape, context, maker = shapes.outputs[node.inputs[0]], shapes.context(node), _maker(shapes, found, node).layer
        if shape is None or context is None or node.layer is None or len(shape) < 4:
            continue
        if maker is None or Role.MAP not in maker.role or "axis" in node.source.keys:
            continue
        if node.layer.added_axis(context, shapes.outputs[node.index] or ()) != len(shape) - 1:
            continue
        last: Size = shape[-1]
        yield Finding.at(
            "acts-on-width",
            node.name,
            f"{node.op} works on the last axis of {show(shape)}, which is"
            f" {spatial_name(len(shape) - 3, len(shape) - 2)} ({last}), not the {shape[1]} channels",
            node.source.span,
            "put a flatten before it, or take a conv with kernel_size 1"
            if Role.LEARNED_MAP in node.layer.role
            else "give it axis: 1, or write the network with layout: channels_last",
        )


def _maker(shapes: Shapes, found: LayerIndex, node: Node) -> Node:
    """Return the nearest node above that does more than change values one by one."""
    above = shapes.network.nodes[node.inputs[0]]
    while above.index in found.indices(Role.POINTWISE):
        above = shapes.network.nodes[above.inputs[0]]
    return above
