"""Where the elements of a map stand over the input: the distance between neighbours, and the place of the first.

An element stands at the middle of what it reads. A layer of stride 1 that keeps the size keeps the places, whatever
its padding: a causal convolution looks back on purpose.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.layer_index import LayerIndex
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import split
from shapecheck.graph.network import Node
from shapecheck.layers.flow import SAME, STRETCHED, AxisFlow, AxisKind, Flow, Taps
from shapecheck.layers.role import Role
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


def shifts(shapes: Shapes, layers: LayerIndex) -> list[Shift]:
    """Return the merges at which two inputs lie further apart than half an element."""
    if not layers.slides or not layers.playing(Role.MERGE):
        return []
    staying, merging = _staying(layers), layers.indices(Role.MERGE)
    grids: dict[int, Grid] = {}
    found = []
    nodes = shapes.network.nodes
    for index in shapes.network.order:
        node, shape = nodes[index], shapes.outputs[index]
        if shape is None or len(shape) < 3:
            continue
        if index in staying:
            if node.inputs[0] in grids:
                grids[index] = grids[node.inputs[0]]
            continue
        if node.layer is None:
            grids[index] = Grid(index, ((1.0, 0.0),) * (len(shape) - 2))
            continue
        known = [(i, grids[i]) for i in node.inputs if i in grids]
        if not known:
            continue
        merges = index in merging
        same_maps = merges and node.layer.keeps and all(shapes.outputs[i] == shape for i in node.inputs)
        flow = None if same_maps else shapes.flow(node)
        spatial = None if flow is None else _spatial(shapes, flow)
        if spatial is None and not same_maps:
            continue
        if merges:
            lead = min(known, key=lambda pair: pair[1].enlarged)
            grids[index] = lead[1]
            if any(grid is not lead[1] for _, grid in known):
                found += _compare(shapes, node, lead, known)
        elif spatial is not None and len(node.inputs) == 1:
            moved = _moved(shapes, node, known[0][1], spatial)
            if moved is not None:
                grids[index] = moved
    return found


def _staying(layers: LayerIndex) -> frozenset[int]:
    """Return what plainly moves nothing, as most layers of any network; the others are asked for their flow."""
    sliding = layers.indices(Role.SLIDES) & layers.indices(Role.MAP)
    moving = {slide.node.index for slide in layers.slides if not all(map(_keeps_places, slide.windows))}
    return (layers.indices(Role.POINTWISE) | sliding) - moving


def _keeps_places(window: Window) -> bool:
    return window.s == 1 and window.o == window.i


def _spatial(shapes: Shapes, flow: Flow) -> Flow | None:
    """Return the flows of the spatial axes; None where one does not come from the axis at its own place."""
    first = 1 if shapes.network.channels_last else 2
    spatial = flow[first : first + len(flow) - 2]
    for axis, comes in enumerate(spatial, first):
        if comes.kind not in (AxisKind.KEPT, AxisKind.WINDOWED, AxisKind.RESAMPLED, AxisKind.CUT):
            return None
        if any(source.axis != axis or source.taps in (None, STRETCHED) for source in comes.sources):
            return None
    return spatial


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


def _moved(shapes: Shapes, node: Node, grid: Grid, spatial: Flow) -> Grid | None:
    """Return the grid of what a layer makes of a map; None where it picks some elements, to mean another place."""
    before, after = shapes.outputs[node.inputs[0]], shapes.outputs[node.index]
    assert before is not None and after is not None and node.layer is not None
    picks = Role.MAP not in node.layer.role and any(flow.kind is AxisKind.CUT for flow in spatial)
    if picks or len(grid.axes) != len(spatial):
        return None
    axes = tuple(_placed(axis, flow) for axis, flow in zip(grid.axes, spatial, strict=True))
    enlarges = any(
        (flow.window.transposes and flow.window.s > 1) if flow.window else flow.kind is AxisKind.RESAMPLED
        for flow in spatial
    )
    return grid._replace(axes=axes, enlarged=grid.enlarged + (enlarges and before != after))


def _placed(axis: tuple[float, float], flow: AxisFlow) -> tuple[float, float]:
    """Return the distance of neighbours and the place of the first on an axis that comes from another."""
    taps, window = flow.sources[0].taps, flow.window
    assert taps is not None
    if taps is SAME or (window is not None and _keeps_places(window)):
        return axis
    jump, place = axis
    return jump * taps.advance / taps.period, place + jump * _middle(taps)


def _middle(taps: Taps) -> float:
    """Return where output position 0 stands: the mean over all that a period reads, each less its steady advance."""
    total = sum(
        len(reads) * ((reads[0] + reads[-1]) / 2 - r * taps.advance / taps.period)
        for r, reads in enumerate(taps.reads)
        if reads
    )
    return total / sum(map(len, taps.reads))
