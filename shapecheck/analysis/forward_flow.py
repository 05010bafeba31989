"""Where the axes of a layer's inputs go: what each layer says of its output's axes, seen from above."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, channel_axis
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Node
from shapecheck.layers.flow import LONGEST_PERIOD, SAME, STRETCHED, AxisKind, Taps
from shapecheck.layers.role import Role

# Where a statistic of a whole axis enters, each position still stands for itself: nobody counts it as seen.
STATISTICS = Role.NORMALISATION | Role.PROBABILITIES


class Place(NamedTuple):
    """Where an axis of an operand goes: the axis of the output, and what its positions read of it.

    ``axis`` is None where every element reads the one position that there is. ``pattern`` stands for taps that are
    known up to a shift. Of CONCATENATED inputs the taps hold in the operand's ``part`` alone, where that is known.
    """

    axis: int | None
    taps: Taps | None
    pattern: Taps | None
    kind: AxisKind
    part: range | None = None


def places(shapes: Shapes, node: Node) -> list[dict[int, Place]]:
    """Return for each operand where its axes go; what is not named there is mixed whole, or summed up."""
    sources = [shapes.outputs[index] or () for index in node.inputs]
    # The one element of an axis of size 1 is all there is of it, wherever it goes.
    found: list[dict[int, Place]] = [
        {axis: Place(None, STRETCHED, None, AxisKind.KEPT) for axis, size in enumerate(source) if size == 1}
        for source in sources
    ]
    shape, flow, layer = shapes.outputs[node.index], shapes.flow(node), node.layer
    if shape is None or flow is None or layer is None:
        return found
    for axis, comes in enumerate(flow):
        if comes.spreads and not layer.role & STATISTICS:
            continue
        if comes.kind is AxisKind.JOINED:
            channels = channel_axis(len(sources[0]), shapes.network.channels_last)
            counted = _counted_through([one.axis for one in comes.sources], sources[0], channels)
            found[0].update((source, Place(axis, taps, None, comes.kind)) for source, taps in counted)
        elif comes.kind is AxisKind.SPLIT:
            for one in comes.sources:
                if shape[axis] != 1:
                    found[0].setdefault(
                        one.axis, Place(axis, _outermost(sources[0][one.axis], shape[axis]), None, comes.kind)
                    )
        else:
            for operand, source, taps, pattern in comes.sources:
                size = sources[operand][source]
                if taps != STRETCHED and not (taps is None and size == 1):
                    part = _part(taps, size) if comes.kind is AxisKind.CONCATENATED else None
                    found[operand][source] = Place(axis, taps, pattern, comes.kind, part)
    return found


def _part(taps: Taps | None, size: Size) -> range | None:
    """Return where the positions of an axis stand among those of all operands."""
    if taps is None or not isinstance(size, int):
        return None
    start = -taps.reads[0].start
    return range(start, start + size)


def _counted_through(axes: list[int], source: Shape, channels: int) -> Iterator[tuple[int, Taps]]:
    """Yield those of some axes that become one of which is known where they stand, and what its positions read there.

    Nothing is, where the channels are among them: a position of the axis is of one channel, and stands for no place.
    """
    axes = [axis for axis in axes if source[axis] != 1]
    if len(axes) == 1:
        yield axes[0], SAME
        return
    if channels in axes:
        return
    inner = 1
    for axis in reversed(axes):
        size = source[axis]
        period = inner if axis == axes[0] else inner * size
        if not isinstance(period, int) or period > LONGEST_PERIOD:
            return
        advance = 1 if axis == axes[0] else 0
        yield axis, Taps(period, advance, tuple(range(r // inner, r // inner + 1) for r in range(period)))
        inner = period


def _outermost(size: Size, count: Size) -> Taps | None:
    """Return what a position of the slowest of the factors of an axis stands for: a run of neighbours."""
    if not isinstance(size, int) or not isinstance(count, int):
        return None
    inner = size // count
    return Taps(1, inner, (range(inner),))
