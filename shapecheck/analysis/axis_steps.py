"""What a layer that slides no window does to an axis, in numbers: what it cuts away, joins, takes apart, resamples."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapecheck.analysis.other_sizes import output_for, with_size
from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape, axis_name, show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context
from shapecheck.layers.flow import AxisFlow, AxisKind, Source


def cut_away(flow: AxisFlow, given: Shape, made: Shape, axis: int) -> tuple[int, int] | None:
    """Return how many elements a layer cuts away before an axis and behind it, below 0 where it adds some.

    None where it takes not all elements between, or a size is not known.
    """
    taps = flow.sources[0].taps if flow.kind is AxisKind.CUT else None
    if taps is None or taps.advance != 1:
        return None
    before, i, o = taps.reads[0].start, given[flow.sources[0].axis], made[axis]
    return (before, i - before - o) if isinstance(i, int) and isinstance(o, int) else None


def steps(layer: Layer, context: Context, output: Shape) -> Iterator[str]:
    """Yield a line for each axis that a layer gives another size, and the elements of a shape that is counted anew."""
    if layer.windows(context):
        return
    flows = layer.flow(context, output)
    for axis, flow in enumerate(flows):
        said = _step(layer, flow, context, output, axis)
        if said is not None:
            yield f"{axis_name(axis, len(output), context.channels_last)}: {said}"
    given = context.inputs[0]
    regrouped = any(flow.kind in (AxisKind.JOINED, AxisKind.SPLIT, AxisKind.MIXED) for flow in flows)
    if regrouped and len(context.inputs) == 1 and symbolic.product(given) == symbolic.product(output):
        yield f"elements: {_product(given)} in, {_product(output)} out"


def _step(layer: Layer, flow: AxisFlow, context: Context, output: Shape, axis: int) -> str | None:
    sizes = [context.inputs[source.operand][source.axis] for source in flow.sources]
    o = output[axis]
    if flow.kind is AxisKind.CUT:
        cut = cut_away(flow, context.inputs[flow.sources[0].operand], output, axis)
        return _cut(sizes[0], o, cut) if cut is not None else _taken(flow.sources[0], sizes[0], o)
    if flow.kind is AxisKind.JOINED and len(sizes) > 1:
        return f"{'·'.join(map(str, sizes))} = {o}, axes {show(source.axis for source in flow.sources)} as one"
    if flow.kind is AxisKind.SPLIT:
        return f"{o}, a factor of axis {flow.sources[0].axis} of {sizes[0]}"
    if flow.kind is AxisKind.CONCATENATED and len(sizes) > 1:
        return f"{' + '.join(map(str, sizes))} = {o}"
    if flow.kind is not AxisKind.RESAMPLED or sizes[0] == o:
        return None
    return _resampled(flow, sizes[0], o) if _follows(layer, flow.sources[0], context, output) else f"{o} of {sizes[0]}"


def _follows(layer: Layer, source: Source, context: Context, output: Shape) -> bool:
    """Say whether an output of the same shape does not come from an input of twice the size."""
    given = context.inputs[source.operand]
    twice = with_size(given, source.axis, given[source.axis] * 2)
    inputs = [twice if operand == source.operand else shape for operand, shape in enumerate(context.inputs)]
    return output_for(layer, context, inputs) != output


def _cut(i: Size, o: Size, cut: tuple[int, int]) -> str | None:
    before, after = cut
    if (before, after) == (0, 0):
        return None
    odd = ""
    if before >= 0 and after - before == 1 and before + after > 1:
        odd = f" (in all {before + after}, and the one more at the end)"
    ends = ((before, "before"), (after, "after"))
    parts = [f"{'−' if count > 0 else '+'} {abs(count)} {where}" for count, where in ends if count]
    return f"{i} {' '.join(parts)} = {o}{odd}"


def _taken(source: Source, i: Size, o: Size) -> str | None:
    taps = source.taps or source.pattern
    if taps is None:
        return None
    start = f" from {source.taps.reads[0].start}" if source.taps is not None else ""
    return f"{o} of {i}{start}" + (f", in steps of {taps.advance}" if taps.advance > 1 else "")


def _resampled(flow: AxisFlow, i: Size, o: Size) -> str | None:
    taps = flow.sources[0].taps
    if taps is None or not isinstance(i, int):
        return f"{o} of {i}"
    scaled = (f"{i}·{taps.period}" if taps.period > 1 else str(i)) + (f" / {taps.advance}" if taps.advance > 1 else "")
    whole = i * taps.period % taps.advance == 0
    return f"{scaled} = {o}" if whole and i * taps.period == o * taps.advance else f"floor({scaled}) = {o}"


def _product(shape: Shape) -> str:
    known = [size for size in shape if isinstance(size, int)]
    text = "·".join(map(str, shape))
    return f"{text} = {math.prod(known)}" if len(known) == len(shape) > 1 else text
