"""Why two sizes differ: the layer at which two branches parted, and where a number comes from.

A merge shows a difference; its cause is a strided layer further up that dropped or rounded a remainder. Both
branches are walked back along the axis to where they fork; the fork's size is then varied until both agree, and
the first strided layer whose remainder differs between the two sizes is the cause.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, follow
from shapecheck.arithmetic.shape import Shape, channel_axis, show, spatial_name
from shapecheck.graph.network import Node
from shapecheck.layers.base import Context, Problem, Undecided
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.merge import Arithmetic
from shapecheck.layers.rearrange import Flatten
from shapecheck.layers.window import Window

# How far from its size the fork is varied; strides multiply to more in no network that people build by hand.
FARTHEST = 300
# How many layers a branch is followed.
LONGEST_BRANCH = 400


class Cause(NamedTuple):
    """The layer at which two branches parted, its window on the axis, and sizes at the fork that would fit."""

    layer: Node | None
    window: Window | None
    fork: Node
    fork_size: int
    fitting: tuple[int, ...]
    scales: tuple[str, str] | None


def spatial_index(shape: Shape, axis: int, channels_last: bool) -> int | None:
    """Return which spatial axis ``axis`` of a whole shape is, or None where it is batch or channels."""
    if len(shape) < 3 or axis == 0 or axis == channel_axis(len(shape), channels_last):
        return None
    return axis - (1 if channels_last else 2)


def _branch(shapes: Shapes, start: int) -> list[int]:
    """Return the nodes from ``start`` back to an input, as long as the axis goes through unchanged in place."""
    nodes = shapes.network.nodes
    path = [start]
    while len(path) < LONGEST_BRANCH:
        node = nodes[path[-1]]
        shape = shapes.outputs[node.index]
        if node.layer is None or not node.inputs or shape is None:
            break
        above = shapes.outputs[node.inputs[0]]
        if above is None or len(above) != len(shape) or node.op in ("permute", "reshape", "flatten", "fold", "unfold"):
            break
        path.append(node.inputs[0])
    return path


def cause(shapes: Shapes, left: int, right: int, axis: int) -> Cause | None:
    """Return why the outputs of nodes ``left`` and ``right`` differ on ``axis``, or None where nothing is found."""
    one, other = _branch(shapes, left), _branch(shapes, right)
    common = set(other)
    fork = next((index for index in one if index in common), None)
    if fork is None:
        return None
    paths = (one[: one.index(fork)][::-1], other[: other.index(fork)][::-1])
    shape = shapes.outputs[fork]
    assert shape is not None
    size = shape[axis]
    place = spatial_index(shape, axis, shapes.network.channels_last)
    if not isinstance(size, int) or place is None:
        return None
    fitting = _fitting(shapes, paths, shape, axis)
    node = shapes.network.nodes[fork]
    if not fitting:
        return Cause(None, None, node, size, (), _scales(shapes, paths, place))
    culprit = _culprit(shapes, paths, shape, axis, place, fitting[0])
    if culprit is None:
        return Cause(None, None, node, size, fitting, None)
    return Cause(culprit[0], culprit[1], node, size, fitting, None)


def _run(shapes: Shapes, path: list[int], start: Shape, fork: int | None = None) -> list[Shape] | None:
    """Return the shapes along a branch when its first layer reads ``start``."""
    result = []
    current = start
    for index in path:
        node = shapes.network.nodes[index]
        context = shapes.context(node)
        layer = node.layer
        if context is None or layer is None:
            return None
        if isinstance(layer, Arithmetic):
            result.append(current)
            continue
        others = context.inputs[1:]
        again = Context(
            (current, *(follow(o, current, context.channels_last) for o in others)),
            context.channels_last,
            context.references,
        )
        try:
            current = layer.output(again)
        except (Problem, Undecided):
            return None
        result.append(current)
    return result


def _ends(shapes: Shapes, paths: tuple[list[int], list[int]], start: Shape, axis: int) -> tuple[object, object] | None:
    ends = []
    for path in paths:
        run = _run(shapes, path, start)
        if run is None:
            return None
        ends.append((run[-1] if run else start)[axis])
    return ends[0], ends[1]


def _fitting(shapes: Shapes, paths: tuple[list[int], list[int]], shape: Shape, axis: int) -> tuple[int, ...]:
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
    shapes: Shapes,
    paths: tuple[list[int], list[int]],
    shape: Shape,
    axis: int,
    place: int,
    fits: int,
) -> tuple[Node, Window] | None:
    """Return the first strided layer whose remainder is not that of the fitting size; one that drops rows first."""
    suspects: list[tuple[bool, int, Node, Window]] = []
    better = (*shape[:axis], fits, *shape[axis + 1 :])
    for path in paths:
        run = _run(shapes, path, better) or []
        for step, index in enumerate(path):
            node = shapes.network.nodes[index]
            windows = shapes.windows(node)
            if len(windows) <= place or windows[place].s == 1 or windows[place].transposes:
                continue
            now = windows[place]
            before = (run[step - 1] if step else better)[axis] if run else now.i
            if not isinstance(before, int) or not isinstance(now.i, int) or before % now.s != now.i % now.s:
                suspects.append((now.unread == 0, step, node, now))
    if not suspects:
        return None
    _, _, node, window = min(suspects, key=lambda s: s[:2])
    return node, window


def _scales(shapes: Shapes, paths: tuple[list[int], list[int]], place: int) -> tuple[str, str] | None:
    """Return by what each branch divides (or multiplies) the size of the fork, where that is plain."""
    texts = []
    for path in paths:
        down = up = 1
        for index in path:
            node = shapes.network.nodes[index]
            windows = shapes.windows(node)
            if len(windows) > place:
                if windows[place].transposes:
                    up *= windows[place].s
                else:
                    down *= windows[place].s
            elif node.op in ("upsample", "pixel_shuffle", "pixel_unshuffle"):
                before, after = shapes.outputs[node.inputs[0]], shapes.outputs[index]
                i, o = (s[-1 if not shapes.network.channels_last else -2] if s else 0 for s in (before, after))
                if isinstance(i, int) and isinstance(o, int) and i and o:
                    if o >= i:
                        up *= o // i
                    else:
                        down *= i // o
        texts.append((down, up))
    if texts[0][0] * texts[1][1] == texts[1][0] * texts[0][1]:
        return None
    return _stride(*texts[0]), _stride(*texts[1])


def _stride(down: int, up: int) -> str:
    if down % up == 0:
        return str(down // up)
    return f"1/{up // down}" if up % down == 0 else f"{down}/{up}"


def explain_cause(found: Cause) -> str:
    """Return one sentence on a cause."""
    node, window = found.layer, found.window
    if node is None or window is None:
        if found.scales:
            left, right = found.scales
            return f"the branches part at {found.fork.name} and have strides {left} and {right} from there"
        return f"the branches part at {found.fork.name}"
    if window.unread:
        lost = f"drops {window.unread} of {window.i}"
    elif window.form in ("conv", "pool", "ceil", "same"):
        lost = f"rounds {window.i} / {window.s} up"
    else:
        lost = f"takes {window.i} with stride {window.s}"
    return f"the branches part at {node.name}, which {lost}: {window.formula()}"


def factors(shapes: Shapes, index: int) -> tuple[Node, str] | None:
    """Return the flatten that made the last axis of node ``index`` and its product: ``16 x 297 x 197 = 936936``."""
    nodes = shapes.network.nodes
    for _ in range(LONGEST_BRANCH):
        node = nodes[index]
        if node.layer is None or not node.inputs:
            return None
        if isinstance(node.layer, Flatten):
            before, after = shapes.outputs[node.inputs[0]], shapes.outputs[index]
            if before is None or after is None:
                return None
            layer = node.layer
            joined = before[layer.start_axis % len(before) : layer.end_axis % len(before) + 1]
            return node, f"{' x '.join(map(str, joined))} = {after[layer.start_axis % len(before)]} (of {show(before)})"
        if node.op not in ("dropout", "relu", "identity", "batch_norm", "layer_norm", "gelu", "sigmoid", "tanh"):
            return None
        index = node.inputs[0]
    return None


def axis_word(shape: Shape, axis: int, channels_last: bool) -> str:
    """Return the short name of an axis: H, W, channels."""
    place = spatial_index(shape, axis, channels_last)
    if place is not None:
        return spatial_name(place, len(shape) - 2)
    return "batch" if axis == 0 else "channels" if axis == channel_axis(len(shape), channels_last) else f"axis {axis}"


def floored_axes(shapes: Shapes, node: Node) -> list[tuple[str, Window]]:
    """Return the axes on which a transposed layer pads by half of k − s rounded down, so that its output is not s·i.

    Unpadded kernels are left out: there the writer did not aim at s·i.
    """
    if not isinstance(shapes.layer(node), ConvTranspose):
        return []
    windows = shapes.windows(node)
    found = []
    for j, w in enumerate(windows):
        odd = w.form == "transposed" and w.d == 1 and w.s > 1 and (w.k - w.s) % 2 == 1
        if odd and w.before == w.after == (w.k - w.s) // 2 > 0 and w.a == 0:
            found.append((spatial_name(j, len(windows)), w))
    return found


def floored_above(shapes: Shapes, index: int) -> list[tuple[Node, Window]]:
    """Return the layers on the way back from a node that pad by half of k − s rounded down."""
    nodes = shapes.network.nodes
    found = []
    for at in reversed(_branch(shapes, index)):
        axes = floored_axes(shapes, nodes[at])
        if axes:
            found.append((nodes[at], axes[0][1]))
    return found
