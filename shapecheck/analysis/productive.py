"""Which layers can still add context: those whose input has an element that does not see the whole picture yet.

The smallest receptive field counts, the one along the shortest path: what a skip connection carries past a layer has
seen less. From the first layer on whose input sees everything (the border layer) none adds context.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ELEMENTWISE, MERGING, Survey
from shapecheck.arithmetic.shape import Shape, split
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.linear import Linear
from shapecheck.layers.window import Window

# On an axis: the distance of neighbours, and how much of the input one element sees at least, in elements of the input.
Field = tuple[float, float]


class Unproductive(NamedTuple):
    """The border layer, the input that each of its elements sees whole, and the sliding layers from there on."""

    border: Node
    input: Node
    sizes: Shape
    field: tuple[int, ...]
    layers: tuple[Node, ...]
    of: int


def unproductive(shapes: Shapes, survey: Survey) -> Unproductive | None:
    """Return the sliding layers that cannot add context, or None where every one can."""
    channels_last = shapes.network.channels_last
    if len(shapes.network.inputs) != 1:
        return None
    source = shapes.network.inputs[0]
    shape = shapes.outputs[source.index]
    sizes = split(shape, channels_last).spatial if shape is not None and len(shape) > 2 else ()
    whole = tuple((1.0, float(size)) for size in sizes if isinstance(size, int))
    if not sizes or len(whole) < len(sizes):
        return None
    fields: dict[int, tuple[Field, ...]] = {source.index: ((1.0, 1.0),) * len(sizes)}
    late, count = [], 0
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        above = [fields[i] for i in node.inputs if i in fields]
        if not above or index in fields or shapes.outputs[index] is None:
            continue
        field = above[0]
        if len(above) > 1:
            field = tuple(min(axis, key=lambda f: f[1]) for axis in zip(*above, strict=True))
        slide = survey.slide_at.get(index)
        if slide is not None and isinstance(node.layer, Conv):
            count += 1
            if all(mine[1] >= all_of[1] for mine, all_of in zip(field, whole, strict=True)):
                late.append((node, tuple(int(f[1]) for f in field)))
        fields[index] = _onward(shapes, node, field, slide.windows if slide is not None else (), whole)
    if not late:
        return None
    return Unproductive(late[0][0], source, sizes, late[0][1], tuple(node for node, _ in late), count)


def _onward(
    shapes: Shapes, node: Node, field: tuple[Field, ...], windows: tuple[Window, ...], whole: tuple[Field, ...]
) -> tuple[Field, ...]:
    if windows and node.op != "unfold":
        pairs = zip(field, windows, strict=True)
        return tuple((jump * w.s, size + (w.reach - 1) * jump) for (jump, size), w in pairs)
    if isinstance(node.layer, ConvTranspose):
        pairs = zip(field, shapes.windows(node), strict=True)
        return tuple((jump / w.s, size + (w.reach - 1) // w.s * jump) for (jump, size), w in pairs)
    if node.op in ELEMENTWISE or node.op in MERGING or isinstance(node.layer, (Conv, Linear)):
        return field
    if node.op in ("upsample", "pixel_shuffle", "pixel_unshuffle", "max_unpool"):
        before, after = shapes.outputs[node.inputs[0]], shapes.outputs[node.index]
        assert before is not None and after is not None
        channels_last = shapes.network.channels_last
        ratios = zip(field, split(before, channels_last).spatial, split(after, channels_last).spatial, strict=True)
        return tuple((f[0] * i / o, f[1]) for f, i, o in ratios if isinstance(i, int) and isinstance(o, int))
    if node.op in ("pad", "crop"):
        return field
    return whole
