"""Two numbers of tokens that differ, as the patches of two pictures: ``13·13 + 1`` against ``14·14 + 1``."""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.other_sizes import with_size
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import FARTHEST, passages, shapes_along
from shapecheck.arithmetic.shape import Shape
from shapecheck.graph.network import Node
from shapecheck.layers.flow import STRETCHED, AxisKind


class Patches(NamedTuple):
    """A number of tokens: ``side`` by ``side`` positions of a map, joined at ``layer``, and ``extra`` besides."""

    layer: Node
    axes: tuple[int, ...]
    side: int
    extra: int

    def show(self, side: int) -> str:
        """Return the sum for so many positions on a side."""
        product = "·".join([str(side)] * len(self.axes))
        return f"{product} + {self.extra}" if self.extra else product


def compared(shapes: Shapes, ends: tuple[int, int], axis: int) -> tuple[Node, str] | None:
    """Return the layer that makes tokens of a map, and both numbers as sums; None where they are not such."""
    for mine, theirs in (ends, ends[::-1]):
        patches = _patches(shapes, mine, axis)
        size, other = ((shapes.outputs[end] or ())[axis] for end in (mine, theirs))
        if patches is None or not isinstance(other, int) or other <= patches.extra:
            continue
        side = round((other - patches.extra) ** (1 / len(patches.axes)))
        if side ** len(patches.axes) + patches.extra != other:
            continue
        said = f"{size} is {patches.show(patches.side)}, and {other} is {patches.show(side)}"
        return patches.layer, said + (_input_for(shapes, patches, side) or "")
    return None


def _patches(shapes: Shapes, index: int, axis: int) -> Patches | None:
    extra = 0
    for _ in shapes.network.nodes:
        node, flows = shapes.network.nodes[index], shapes.flow(shapes.network.nodes[index])
        if flows is None:
            return None
        flow = flows[axis]
        sizes = [(shapes.outputs[node.inputs[source.operand]] or ())[source.axis] for source in flow.sources]
        if flow.kind is AxisKind.JOINED:
            side, axes = sizes[0], tuple(source.axis for source in flow.sources)
            square = len(axes) > 1 and len(set(sizes)) == 1
            return Patches(node, axes, side, extra) if square and isinstance(side, int) else None
        if flow.kind is AxisKind.CONCATENATED:
            known = [size for size in sizes if isinstance(size, int)]
            if len(known) < len(sizes):
                return None
            # The largest of several that stand one after the other is the picture.
            source = flow.sources[known.index(max(known))]
            extra += sum(known) - max(known)
        elif flow.kind is AxisKind.KEPT:
            source = next((source for source in flow.sources if source.taps != STRETCHED), flow.sources[0])
        else:
            return None
        index, axis = node.inputs[source.operand], source.axis
    return None


def _input_for(shapes: Shapes, patches: Patches, side: int) -> str | None:
    """Return the nearest size of the picture that makes so many positions on each side; it is tried."""
    above = patches.layer.inputs[0]
    ways = [list(passages(shapes, above, axis))[::-1] for axis in patches.axes]
    starts = {way[0].node.index for way in ways}
    origin = ways[0][0].node
    if len(starts) > 1 or origin.layer is not None or origin.shape is None:
        return None
    sizes = {origin.shape[way[0].axis] for way in ways}
    size = sizes.pop()
    if sizes or not isinstance(size, int):
        return None
    for distance in range(FARTHEST):
        for candidate in (size + distance, size - distance):
            if candidate >= 1:
                start: Shape = origin.shape
                for way in ways:
                    start = with_size(start, way[0].axis, candidate)
                made = shapes_along(shapes, ways[0][1:], start)
                if made and all(made[-1][axis] == side for axis in patches.axes):
                    return f", as {origin.name} of {' x '.join([str(candidate)] * len(ways))} makes it"
    return None
