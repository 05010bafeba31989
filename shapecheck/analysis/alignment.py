"""Where the elements of a map stand over the input: the distance between neighbours, and the place of the first.

A window's output stands at its middle. A layer of stride 1 that keeps the size keeps the places, whatever its
padding: a causal convolution looks back on purpose.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.coverage import settled
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ELEMENTWISE, MERGING, Survey
from shapecheck.arithmetic.shape import Shape, split
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.linear import Linear
from shapecheck.layers.pooling import MaxUnpool
from shapecheck.layers.resize import Crop, Pad, Upsample, pairs
from shapecheck.layers.window import Window

# Half a neighbour's distance is what pooling and resampling by two leave open in most networks; more is worth a word.
LARGEST_SHIFT = 0.501


class Grid(NamedTuple):
    """The elements of a map over the input ``origin``: per axis their distance and the place of the first.

    ``enlarged`` counts the resamplings towards it; a merge goes on with the grid that has seen the fewest.
    """

    origin: int
    axes: tuple[tuple[float, float], ...]
    enlarged: int = 0


class Shift(NamedTuple):
    """Two inputs of a merge whose elements stand apart, by ``distance`` times the space between neighbours."""

    merge: Node
    left: Node
    right: Node
    axes: tuple[int, ...]
    distance: float


def shifts(shapes: Shapes, survey: Survey) -> list[Shift]:
    """Return the merges at which two inputs lie further apart than half an element."""
    if not survey.slides or not survey.of(*MERGING):
        return []
    grids: dict[int, Grid | None] = {}
    found = []
    channels_last = shapes.network.channels_last
    nodes = shapes.network.nodes
    for index in shapes.network.order:
        node = nodes[index]
        op = node.op
        if op in ELEMENTWISE:
            grids[index] = grids.get(node.inputs[0])
            continue
        if op in MERGING:
            if op == "concat" and getattr(node.layer, "axis", None) is not None:
                continue
            known = [(i, grid) for i in node.inputs if (grid := grids.get(i)) is not None]
            if known:
                lead = min(known, key=lambda pair: pair[1].enlarged)
                grids[index] = lead[1]
                found += _compare(shapes, node, lead, known)
            continue
        shape = shapes.outputs[index]
        if shape is None or len(shape) < 3:
            continue
        if node.layer is None:
            grids[index] = Grid(index, ((1.0, 0.0),) * (len(shape) - 2))
            continue
        grid = grids.get(node.inputs[0]) if node.inputs else None
        if grid is None:
            continue
        slide = survey.slide_at.get(index)
        if slide is not None and op != "unfold":
            lower = getattr(node.layer, "padding", None) == "same_lower"
            moved = tuple(_slide(axis, settled(w, lower)) for axis, w in zip(grid.axes, slide.windows, strict=True))
            grids[index] = grid._replace(axes=moved)
        elif isinstance(node.layer, (Conv, Linear)) and slide is None:
            grids[index] = grid
        else:
            before = shapes.outputs[node.inputs[0]]
            assert before is not None
            grids[index] = _resample(
                shapes, node, grid, split(before, channels_last).spatial, split(shape, channels_last).spatial
            )
    return found


def _compare(shapes: Shapes, node: Node, lead: tuple[int, Grid], known: list[tuple[int, Grid]]) -> list[Shift]:
    nodes, output = shapes.network.nodes, shapes.outputs[node.index]
    found = []
    for index, grid in known:
        mine, theirs = lead[1], grid
        if mine.axes == theirs.axes or mine.origin != theirs.origin or len(mine.axes) != len(theirs.axes):
            continue
        sizes = split(output, shapes.network.channels_last).spatial if output is not None else ()
        distances = [
            _apart(one, other, size) if isinstance(size, int) else 0.0
            for one, other, size in zip(mine.axes, theirs.axes, sizes, strict=True)
        ]
        axes = tuple(j for j, distance in enumerate(distances) if distance > LARGEST_SHIFT)
        if axes:
            found.append(Shift(node, nodes[lead[0]], nodes[index], axes, max(distances)))
    return found


def _apart(one: tuple[float, float], other: tuple[float, float], size: int) -> float:
    """Return how far two grids lie apart at the nearer of their ends, in steps of the first."""
    near = abs(one[1] - other[1])
    far = abs(one[1] + one[0] * (size - 1) - other[1] - other[0] * (size - 1))
    return min(near, far) / one[0]


def _slide(axis: tuple[float, float], window: Window) -> tuple[float, float]:
    jump, place = axis
    if window.s == 1 and window.o == window.i:
        return axis
    return jump * window.s, place + jump * ((window.reach - 1) / 2 - window.before)


def _unslide(axis: tuple[float, float], window: Window) -> tuple[float, float]:
    jump, place = axis
    if window.s == 1 and window.o == window.i:
        return axis
    return jump / window.s, place + jump * (window.before - (window.reach - 1) / 2) / window.s


def _resample(shapes: Shapes, node: Node, grid: Grid, before: Shape, after: Shape) -> Grid | None:
    layer, axes = node.layer, grid.axes
    if len(before) != len(axes) or len(after) != len(axes):
        return None
    if isinstance(layer, (ConvTranspose, MaxUnpool)):
        windows = shapes.windows(node)
        if len(windows) != len(axes) or any(w.form == "transposed_same" for w in windows):
            return None
        moved = tuple(_unslide(axis, w) for axis, w in zip(axes, windows, strict=True))
        return grid._replace(axes=moved, enlarged=grid.enlarged + any(w.s > 1 for w in windows))
    if isinstance(layer, Pad):
        edges = pairs(layer.padding, len(axes), "padding")
        return grid._replace(axes=tuple((j, c - j * edge[0]) for (j, c), edge in zip(axes, edges, strict=True)))
    if isinstance(layer, Crop):
        return _cropped(layer, grid, before, after)
    if isinstance(layer, Upsample) or node.op in ("pixel_shuffle", "pixel_unshuffle"):
        moved = ()
        for (jump, place), i, o in zip(axes, before, after, strict=True):
            if not isinstance(i, int) or not isinstance(o, int):
                return None
            moved += ((jump * i / o, place + jump * (i / o - 1) / 2),)
        return grid._replace(axes=moved, enlarged=grid.enlarged + (before != after))
    return None


def _cropped(layer: Crop, grid: Grid, before: Shape, after: Shape) -> Grid | None:
    if layer.cropping is not None:
        starts = [edge[0] for edge in pairs(layer.cropping, len(before), "cropping")]
    else:
        taken = [i - o for i, o in zip(before, after, strict=True)]
        starts = [size // 2 for size in taken if isinstance(size, int)]
        if len(starts) != len(taken):
            return None
    return grid._replace(axes=tuple((j, c + j * start) for (j, c), start in zip(grid.axes, starts, strict=True)))
