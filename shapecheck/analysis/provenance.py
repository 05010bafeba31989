"""Where a size comes from, and why two sizes differ: an axis followed upstream over what each layer says of it.

A merge shows a difference; its cause is a strided layer further up that dropped or rounded a remainder. Both
branches are walked back along the axis to where they fork; the fork's size is then varied until both agree, and
the first strided layer whose remainder differs between the two sizes is the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from shapecheck.analysis.other_sizes import output_for
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.upstream import follows
from shapecheck.arithmetic.shape import Shape, channel_axis, show, spatial_name
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Node
from shapecheck.layers.flow import STRETCHED, AxisFlow, AxisKind, Flow, Source
from shapecheck.layers.window import Window

# How far from its size the fork is varied; strides multiply to more in no network that people build by hand.
FARTHEST = 300
# How many layers a branch is followed back to a fork, and an axis to where it arose.
LONGEST_BRANCH = 400
LONGEST_HISTORY = 2_000
# Where an axis of a layer's output is no axis of its input any more, but made of several, or one part of it.
_ARISES = (AxisKind.JOINED, AxisKind.SPLIT, AxisKind.NEW)


class Passage(NamedTuple):
    """A layer through which an axis goes: ``axis`` of its output comes from ``source``.

    ``flows`` are those of all axes of the output, None at an input or where they are unknown; ``source`` is None
    where the axis arises here.
    """

    node: Node
    axis: int
    flows: Flow | None
    source: Source | None

    @property
    def flow(self) -> AxisFlow | None:
        """How the axis that is followed comes from those of the inputs."""
        return None if self.flows is None else self.flows[self.axis]


class SizeStep(NamedTuple):
    """A layer, or an input, that gave an axis its size; ``window`` is set where a window slid along it.

    ``sum_or_product`` is how several sizes made this one: ``64 + 64 = 128``.
    """

    node: Node
    axis: int
    size: Size
    window: Window | None
    sum_or_product: str | None = None


class Rounding(NamedTuple):
    """How a layer makes a size of one that its step does not divide: by a window, or in steps of ``ratio``."""

    i: int
    o: Size
    window: Window | None
    ratio: Fraction

    def lost(self) -> str:
        """Return what becomes of the remainder."""
        w = self.window
        if w is None:
            times = f"·{self.ratio.denominator}" if self.ratio.denominator > 1 else ""
            exact = f"{self.i}{times} / {self.ratio.numerator} is {float(self.i / self.ratio):g}"
            return f"makes {self.o} of {self.i}, where {exact}"
        if self.rest > w.after:
            return f"drops {self.rest - w.after} of {w.i}: {w.formula()}"
        if self.rest:
            return f"leaves {self.rest} of the padding behind {w.i} unread: {w.formula()}"
        up = self.i % w.s and w.o == -(-self.i // w.s)
        return f"{f'rounds {w.i} / {w.s} up' if up else f'takes {w.i} with stride {w.s}'}: {w.formula()}"

    @property
    def rest(self) -> int:
        """How many elements at the far edge no window reads, the padding among them."""
        rest = 0 if self.window is None else self.window.unread
        return rest if isinstance(rest, int) else 0


class Cause(NamedTuple):
    """The layer at which two branches parted, how it rounds the axis, and sizes at the fork that would fit."""

    layer: Node | None
    rounding: Rounding | None
    fork: Node
    fork_axis: int
    fork_size: int
    fitting: tuple[int, ...]
    scales: tuple[str, str] | None


def passages(shapes: Shapes, index: int, axis: int, longest: int = LONGEST_HISTORY) -> Iterator[Passage]:
    """Yield the layers through which ``axis`` of node ``index`` came, from there upstream to where it arose."""
    nodes = shapes.network.nodes
    for _ in range(longest):
        node = nodes[index]
        shape = shapes.outputs[index]
        if shape is None or not axis < len(shape):
            return
        flows = shapes.flow(node)
        source = None if flows is None else _source(flows[axis])
        yield Passage(node, axis, flows, source)
        if source is None:
            return
        index, axis = node.inputs[source.operand], source.axis


def _source(flow: AxisFlow) -> Source | None:
    """Return the axis that an axis goes on from; where several are kept, the first that is not stretched."""
    sources = flow.sources
    if flow.kind in _ARISES or not sources or (flow.kind is AxisKind.MIXED and len(sources) > 1):
        return None
    return next((source for source in sources if source.taps != STRETCHED), sources[0])


def _size(shapes: Shapes, node: Node, source: Source) -> Size:
    shape = shapes.outputs[node.inputs[source.operand]]
    assert shape is not None  # a layer with an output knows its inputs
    return shape[source.axis]


def history(shapes: Shapes, index: int, axis: int) -> list[SizeStep]:
    """Return what gave ``axis`` of node ``index`` its size, from an input (or where the axis arose) downstream."""
    steps: list[SizeStep] = []
    for passage in passages(shapes, index, axis):
        node, at, _, source = passage
        shape, flow = shapes.outputs[node.index], passage.flow
        assert shape is not None
        if flow is None:
            steps.append(SizeStep(node, at, shape[at], None))
        elif source is None or _size(shapes, node, source) != shape[at]:
            steps.append(SizeStep(node, at, shape[at], flow.window, _sum_or_product(shapes, node, flow, shape[at])))
    return steps[::-1]


def assembled(shapes: Shapes, index: int, axis: int) -> tuple[Node, str] | None:
    """Return the layer that made an axis of several sizes, with the sizes: ``16 x 297 x 197 = 936936``.

    None where it was not so: any layer between that gave the axis another size is where it comes from.
    """
    for passage in passages(shapes, index, axis):
        node, flow, source = passage.node, passage.flow, passage.source
        shape = shapes.outputs[node.index]
        if flow is None or shape is None:
            return None
        size = shape[passage.axis]
        if source is None or flow.kind is AxisKind.MIXED or _size(shapes, node, source) != size:
            made = _sum_or_product(shapes, node, flow, size)
            return None if made is None else (node, made)
    return None


def _sum_or_product(shapes: Shapes, node: Node, flow: AxisFlow, size: Size) -> str | None:
    sizes = [str(_size(shapes, node, source)) for source in flow.sources]
    if flow.kind is AxisKind.CONCATENATED and len(sizes) > 1:
        return f"{' + '.join(sizes)} = {size}"
    if flow.kind is AxisKind.JOINED:
        return f"{' x '.join(sizes)} = {size} (of {show(shapes.outputs[node.inputs[0]] or ())})"
    return None


def spatial_index(shape: Shape, axis: int, channels_last: bool) -> int | None:
    """Return which spatial axis ``axis`` of a whole shape is, or None where it is batch or channels."""
    if len(shape) < 3 or axis == 0 or axis == channel_axis(len(shape), channels_last):
        return None
    return axis - (1 if channels_last else 2)


def cause(shapes: Shapes, left: int, right: int, axis: int) -> Cause | None:
    """Return why the outputs of nodes ``left`` and ``right`` differ on ``axis``, or None where nothing is found."""
    one, other = (list(passages(shapes, end, axis, LONGEST_BRANCH)) for end in (left, right))
    common = {(passage.node.index, passage.axis) for passage in other}
    fork = next((p for p in one if (p.node.index, p.axis) in common), None)
    if fork is None:
        return None
    shape = shapes.outputs[fork.node.index]
    assert shape is not None
    size = shape[fork.axis]
    if not isinstance(size, int) or spatial_index(shape, fork.axis, shapes.network.channels_last) is None:
        return None
    paths = tuple(_below(way, fork) for way in (one, other))
    fitting = _fitting(shapes, paths, shape, fork.axis)
    if not fitting:
        return Cause(None, None, fork.node, fork.axis, size, (), _scales(paths))
    culprit = _culprit(shapes, paths, shape, fork.axis, fitting[0])
    layer, rounding = culprit or (None, None)
    return Cause(layer, rounding, fork.node, fork.axis, size, fitting, None)


def _below(way: list[Passage], fork: Passage) -> list[Passage]:
    """Return the part of a way between a fork and the end, in the direction of the data."""
    place = next(at for at, p in enumerate(way) if p.node is fork.node and p.axis == fork.axis)
    return way[:place][::-1]


def shapes_along(shapes: Shapes, path: list[Passage], start: Shape) -> list[Shape] | None:
    """Return the shapes along a branch when its first layer reads ``start``."""
    result: list[Shape] = []
    current = start
    for node, _, flows, source in path:
        context, layer = shapes.context(node), shapes.layer(node)
        if context is None or layer is None or flows is None or source is None:
            return None
        made = output_for(layer, context, _fitted(context.inputs, source.operand, current, flows))
        if made is None:
            return None
        current = made
        result.append(current)
    return result


def _fitted(inputs: tuple[Shape, ...], lead: int, shape: Shape, flows: Flow) -> tuple[Shape, ...]:
    """Return a layer's inputs with ``shape`` at operand ``lead``, and the others as large where they must agree.

    An axis that is stretched, or stretches the other's, stays as it is.
    """
    changed = [list(given) for given in inputs]
    changed[lead] = list(shape)
    for axis in flows:
        sources = [source for source in axis.sources if source.taps != STRETCHED]
        mine = next((source.axis for source in sources if source.operand == lead), None)
        if axis.kind is AxisKind.KEPT and mine is not None:
            for source in sources:
                changed[source.operand][source.axis] = shape[mine]
    return tuple(map(tuple, changed))


def _ends(shapes: Shapes, paths: tuple[list[Passage], ...], start: Shape, axis: int) -> list[Size] | None:
    """Return the sizes that come out of both branches when their fork has the shape ``start``."""
    ends = []
    for path in paths:
        run = shapes_along(shapes, path, start)
        if run is None:
            return None
        ends.append(run[-1][path[-1].axis] if path else start[axis])
    return ends


def _fitting(shapes: Shapes, paths: tuple[list[Passage], ...], shape: Shape, axis: int) -> tuple[int, ...]:
    """Return the nearest size below and above at which both branches agree, the nearest first."""
    size = shape[axis]
    assert isinstance(size, int)
    found: dict[int, int] = {}
    for distance in range(1, FARTHEST):
        for sign in (-1, 1):
            candidate = size + sign * distance
            if sign not in found and candidate >= 1:
                ends = _ends(shapes, paths, (*shape[:axis], candidate, *shape[axis + 1 :]), axis)
                if ends is not None and ends[0] == ends[1]:
                    found[sign] = candidate
        if len(found) == 2:
            break
    return tuple(found.values())


def _culprit(
    shapes: Shapes, paths: tuple[list[Passage], ...], shape: Shape, axis: int, fits: int
) -> tuple[Node, Rounding] | None:
    """Return the first layer whose remainder is not that of the fitting size; one that drops rows first."""
    suspects: list[tuple[bool, int, Node, Rounding]] = []
    better = (*shape[:axis], fits, *shape[axis + 1 :])
    for path in paths:
        run = shapes_along(shapes, path, better) or []
        for step, passage in enumerate(path):
            rounding = _rounding(shapes, passage)
            if rounding is None or passage.source is None:
                continue
            before = (run[step - 1] if step else better)[passage.source.axis] if run else rounding.i
            remainder = (rounding.i / rounding.ratio) % 1
            if not isinstance(before, int) or (before / rounding.ratio) % 1 != remainder:
                suspects.append((not rounding.rest, step, passage.node, rounding))
    if not suspects:
        return None
    _, _, node, rounding = min(suspects, key=lambda s: s[:2])
    return node, rounding


def _rounding(shapes: Shapes, passage: Passage) -> Rounding | None:
    """Return how a layer may round the axis that goes through it; None where nothing is left over at any size."""
    node, flow, source = passage.node, passage.flow, passage.source
    if flow is None or source is None:
        return None
    window, ratio = flow.window, _ratio(passage)
    i, o = _size(shapes, node, source), (shapes.outputs[node.index] or ())[passage.axis]
    if ratio is None or ratio.numerator == 1 or not isinstance(i, int) or (window is not None and window.transposes):
        return None
    if window is None and not follows(shapes, node, passage.axis, source):
        return None
    return Rounding(i, o, window, ratio)


def _ratio(passage: Passage) -> Fraction | None:
    """Return how many elements of its input a layer steps over for each of its output, where that is plain."""
    flow, source = passage.flow, passage.source
    if flow is None or source is None:
        return None
    if flow.window is not None:
        return Fraction(1, flow.window.s) if flow.window.transposes else Fraction(flow.window.s)
    taps = source.taps or source.pattern
    if flow.kind in (AxisKind.RESAMPLED, AxisKind.CUT) and taps is not None and taps.advance:
        return Fraction(taps.advance, taps.period)
    return None


def _scales(paths: tuple[list[Passage], ...]) -> tuple[str, str] | None:
    """Return by what each branch divides the size of the fork, where that is plain: ``2``, ``1/4``."""
    strides = []
    for path in paths:
        stride = Fraction(1)
        for passage in path:
            stride *= _ratio(passage) or 1
        strides.append(stride)
    return None if strides[0] == strides[1] else (str(strides[0]), str(strides[1]))


def explain_cause(found: Cause) -> str:
    """Return one sentence on a cause."""
    if found.layer is not None and found.rounding is not None:
        return f"the branches part at {found.layer.name}, which {found.rounding.lost()}"
    if found.scales:
        left, right = found.scales
        return f"the branches part at {found.fork.name} and have strides {left} and {right} from there"
    return f"the branches part at {found.fork.name}"


def strides_above(shapes: Shapes, index: int, axis: int) -> tuple[list[int], Passage | None]:
    """Return the strides by which layers shrank an axis from where it arose, in their order, and that place."""
    strides: list[int] = []
    origin = None
    for passage in passages(shapes, index, axis):
        origin, ratio = passage, _ratio(passage)
        if ratio is not None and ratio > 1 and ratio.denominator == 1:
            strides.append(ratio.numerator)
    return strides[::-1], origin


def floored(window: Window) -> bool:
    """Say whether a transposed layer pads by half of k − s rounded down, so that its output is not s·i.

    Unpadded kernels are left out: there the writer did not aim at s·i.
    """
    odd = window.form == "transposed" and window.d == 1 and window.s > 1 and (window.k - window.s) % 2 == 1
    return odd and window.before == window.after == (window.k - window.s) // 2 > 0 and window.a == 0


def floored_axes(shapes: Shapes, node: Node) -> list[tuple[str, Window]]:
    """Return the axes on which a layer pads by half of k − s rounded down, by name."""
    if node.layer is None or "output_padding" not in node.layer.keys:
        return []
    windows = shapes.windows(node)
    return [(spatial_name(j, len(windows)), window) for j, window in enumerate(windows) if floored(window)]


def floored_above(shapes: Shapes, index: int, axis: int) -> list[tuple[Node, Window]]:
    """Return the layers through which an axis came that pad it by half of k − s rounded down, in their order."""
    windows = ((p.node, p.flow.window) for p in passages(shapes, index, axis) if p.flow is not None)
    return [(node, window) for node, window in windows if window is not None and floored(window)][::-1]
