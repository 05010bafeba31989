"""How much of the input one output position depends on: the extent of a gradient's footprint, in closed form.

Every layer says which positions of its inputs an output position reads, and the footprints of these are put together
along every path. A position of any layer stands for all of its channels. Nothing is cut off at the edges of a map, so
that the numbers are those of an inner position in an input that is large enough.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.footprint import ITSELF, Footprint, itself_within
from shapecheck.analysis.forward_flow import Place, places
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Node
from shapecheck.layers.flow import SAME, AxisKind
from shapecheck.layers.role import Role


class InputAxis(NamedTuple):
    """A spatial axis of an input of the network: the number of its node, and the axis of the whole shape."""

    node: int
    axis: int


class Seen(NamedTuple):
    """What the positions of an axis see of an axis of the input; ``along`` is None where all elements see the same."""

    along: int | None
    footprint: Footprint


# Of each axis that a layer depends on at all; None where each element sees, or may see, the whole axis.
Sight = dict[InputAxis, Seen | None]


def receptive_fields(shapes: Shapes) -> dict[int, tuple[Size, ...]]:
    """Return how many elements of the input a position of each node sees, per spatial axis of that input.

    They count from the first to the last, over the position that sees most, and of several inputs over the one of
    which most is seen. A layer behind something that sees a whole axis (global pooling, attention) has the input's
    size, and so has one of which nothing exact can be said: behind paths of different scale, or inputs that stand one
    after the other, on maps that are large or of unknown size. Empty where no input with spatial axes is seen.
    """
    found = sights(shapes)
    if any(_has_seam(shapes, shapes.network.nodes[index], found) for index in found):
        # What stands at a seam stood at an edge: there it matters that nothing lies outside.
        within = sights(shapes, within=True)
        found = {
            index: {key: within[index][key] if seen is None else seen for key, seen in sight.items()}
            for index, sight in found.items()
        }
    return {index: _extents(shapes, shapes.outputs[index] or (), sight) for index, sight in found.items()}


def _has_seam(shapes: Shapes, node: Node, found: dict[int, Sight]) -> bool:
    """Say whether the inputs of a node stand one after the other along an axis that was followed up to there."""
    if len(node.inputs) < 2 or None not in found[node.index].values():
        return False
    return any(
        place.kind is AxisKind.CONCATENATED
        and any(seen is not None and seen.along == axis for seen in found[index].values())
        for index, onward in zip(node.inputs, places(shapes, node), strict=True)
        for axis, place in onward.items()
    )


def sights(shapes: Shapes, within: bool = False) -> dict[int, Sight]:
    """Return what each node with a shape depends on of the inputs of the network.

    ``within`` leaves out what would be read outside of any map on the way, position by position; of large maps that
    says nothing.
    """
    found: dict[int, Sight] = {}
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        shape = shapes.outputs[index]
        if shape is None:
            continue
        if node.layer is None:
            first = 1 if shapes.network.channels_last else 2
            found[index] = {}
            for axis in range(first, first + max(len(shape) - 2, 0)):
                footprint = itself_within(shape[axis]) if within else ITSELF
                found[index][InputAxis(index, axis)] = footprint and Seen(axis, footprint)
        else:
            found[index] = _behind(shapes, node, found, within)
    return found


def _extents(shapes: Shapes, shape: Shape, sight: Sight) -> tuple[Size, ...]:
    """Return the largest extent on each spatial axis over the inputs that have as many of them as the first."""
    of_input: dict[int, list[Size]] = {}
    for (index, axis), seen in sight.items():
        source = shapes.outputs[index]
        assert source is not None
        extent = seen and seen.footprint.extent(1 if seen.along is None else shape[seen.along])
        of_input.setdefault(index, []).append(source[axis] if extent is None else extent)
    if not of_input:
        return ()
    lead = of_input[min(of_input)]
    return tuple(map(_largest, zip(*(some for some in of_input.values() if len(some) == len(lead)), strict=True)))


def _largest(sizes: tuple[Size, ...]) -> Size:
    """Return the largest size; one that is not known may be any."""
    unknown = [size for size in sizes if not isinstance(size, int)]
    return unknown[0] if unknown else max(size for size in sizes if isinstance(size, int))


def _behind(shapes: Shapes, node: Node, before: dict[int, Sight], within: bool) -> Sight:
    """Return what the output of a layer depends on."""
    above = [before.get(index, {}) for index in node.inputs]
    if node.layer is not None and Role.POINTWISE in node.layer.role and len(above) == 1:
        return above[0]  # most layers of any network
    if not any(above):
        return {}
    shape = shapes.outputs[node.index] or ()
    found: Sight = {}
    for sight, onward in zip(above, places(shapes, node), strict=True):
        for key, seen in sight.items():
            at_edge = seen is not None and seen.along in onward and onward[seen.along].kind is AxisKind.CONCATENATED
            mine = None if seen is None or (at_edge and not within) else _onward(seen, onward, node, shape)
            found[key] = mine if key not in found else _union(found[key], mine, shape)
    return found


def _onward(seen: Seen, onward: dict[int, Place], node: Node, shape: Shape) -> Seen | None:
    """Return what is seen behind a node; None where it mixes the whole axis, or where nobody can say."""
    if seen.along is None:
        return seen
    place = onward.get(seen.along)
    if place is None:
        return None
    taps, pattern = place.taps, place.pattern
    size: Size = 1 if place.axis is None else shape[place.axis]
    footprint: Footprint | None = None
    if place.kind is AxisKind.CONCATENATED:
        if place.part is not None:
            footprint = seen.footprint.part(place.part, size)
    elif taps is not None:
        footprint = seen.footprint if taps is SAME else seen.footprint.through(taps, size)
    elif pattern is not None:
        footprint = seen.footprint.through(pattern, size, shifted_at=node.index)
    return None if footprint is None else Seen(place.axis, footprint)


def _union(one: Seen | None, other: Seen | None, shape: Shape) -> Seen | None:
    if one is None or other is None:
        return None
    if one.along is not None and other.along is not None and one.along != other.along:
        return None
    along = other.along if one.along is None else one.along
    footprint = one.footprint.union(other.footprint, 1 if along is None else shape[along])
    return None if footprint is None else Seen(along, footprint)
