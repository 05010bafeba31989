"""Design lints on axes that are stretched, distorted or in the wrong order: codes SC411, SC412, SC413 and SC415."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Slide, survey
from shapecheck.arithmetic.shape import Shape, axis_name, channel_axis, show, show_sizes, spatial_name, split
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.layers.merge import Arithmetic
from shapecheck.layers.pooling import AdaptivePool, Pool
from shapecheck.layers.resize import Upsample
from shapecheck.layers.window import Window
from shapecheck.rules.pointing import place

# The colours of a picture, and the least size of an axis that is taken for height or width.
COLOURS = (1, 3, 4)
LEAST_SIDE = 32
# A signal of this many channels and one or two elements stands the wrong way round.
LEAST_SIGNAL = 256
# By how much two axes may be scaled differently before it is called a distortion.
LARGEST_DISTORTION = 1.1


def broadcast_both_ways(shapes: Shapes) -> Iterable[Finding]:
    """Both inputs of a merge are stretched, so the result is larger than either: an outer product."""
    for node in survey(shapes).of(*Arithmetic.ops):
        if not isinstance(node.layer, Arithmetic) or not node.layer.broadcast:
            continue
        output = shapes.outputs[node.index]
        inputs = [shapes.outputs[index] for index in node.inputs]
        if output is None or any(shape is None or shape == output for shape in inputs):
            continue
        if all(type(size) is int for shape in inputs for size in shape or ()):
            names = " and ".join(
                f"{shapes.network.nodes[i].name} {show(shape or ())}"
                for i, shape in zip(node.inputs, inputs, strict=True)
            )
            yield Finding.of(
                "broadcast-both-ways",
                f"{node.name}: {names} are all stretched, to {show(output)}",
                place(node, "broadcast"),
                node.name,
                "bring the inputs to one shape first, if no outer product is meant",
            )


def accidental_anisotropy(shapes: Shapes) -> Iterable[Finding]:
    """A square map becomes oblong, or a map is resized by different factors on its axes."""
    if not survey(shapes).by_op:
        return
    for node in shapes.network.layers:
        output, inputs = shapes.outputs[node.index], [shapes.outputs[i] for i in node.inputs]
        before = inputs[0] if len(inputs) == 1 else None
        if output is None or before is None or len(output) != len(before) or len(before) < 4:
            continue
        if node.op in ("permute", "reshape", "fold", "unfold"):
            continue
        one = split(before, shapes.network.channels_last).spatial
        other = split(output, shapes.network.channels_last).spatial
        ones = [size for size in one if isinstance(size, int)]
        others = [size for size in other if isinstance(size, int)]
        if len(ones) < len(one) or len(others) < len(other):
            continue
        fixed = isinstance(node.layer, AdaptivePool) or (isinstance(node.layer, Upsample) and node.layer.size)
        factors = [o / i for i, o in zip(ones, others, strict=True)]
        if len(set(ones)) == 1 and len(set(others)) > 1:
            message = f"{node.name}: makes {show_sizes(other)} of a square {show_sizes(one)}"
        elif fixed and max(factors) / min(factors) > LARGEST_DISTORTION and max(others) > 1:
            message = f"{node.name}: resizes {show_sizes(one)} to {show_sizes(other)}, which distorts it"
        else:
            continue
        yield Finding.of(
            "accidental-anisotropy",
            message,
            place(node, "stride", "kernel_size", "output_size", "size"),
            node.name,
            "write one number for all axes",
        )


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
        if node.index in reader.inputs and isinstance(reader.layer, (Conv, Pool)):
            k = reader.layer.kernel_size
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


def swapped_padding(shapes: Shapes) -> Iterable[Finding]:
    """Padding and kernel are given per axis in different orders: in another order every axis would keep its size."""
    for slide in survey(shapes).slides:
        padding = getattr(slide.node.layer, "padding", None)
        if isinstance(padding, tuple) and isinstance(slide.node.layer, (Conv, Pool)) and _swapped(slide):
            wanted = [w.reach // 2 for w in slide.windows]
            yield Finding.of(
                "swapped-padding",
                f"{slide.node.name}: padding {[w.before for w in slide.windows]} is half of the kernel"
                f" {[w.reach for w in slide.windows]} in another order",
                place(slide.node, "padding"),
                slide.node.name,
                f"write padding: half, or {wanted}",
            )


def _swapped(slide: Slide) -> bool:
    windows: tuple[Window, ...] = slide.windows
    given = [w.before for w in windows]
    wanted = [w.reach // 2 for w in windows]
    symmetric = all(w.before == w.after and w.reach % 2 for w in windows)
    return symmetric and given != wanted and sorted(given) == sorted(wanted)
