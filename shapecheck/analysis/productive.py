"""Which layers can still add context: those whose input has an element that does not see the whole picture yet.

The smallest receptive field counts, the one along the shortest path: what a skip connection carries past a layer has
seen less. From the first layer on whose input sees everything (the border layer) none adds context.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from shapecheck.analysis.forward_flow import Place, places
from shapecheck.analysis.layer_index import LayerIndex
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, split
from shapecheck.graph.network import Node
from shapecheck.layers.flow import SAME, Taps
from shapecheck.layers.role import Role


class Unproductive(NamedTuple):
    """The border layer, the input that each of its elements sees whole, and the sliding layers from there on."""

    border: Node
    input: Node
    sizes: Shape
    field: tuple[int, ...]
    layers: tuple[Node, ...]
    of: int


class Field(NamedTuple):
    """What an element sees at least of an axis of the input, and the distance there of neighbours on axis ``along``."""

    along: int
    jump: Fraction
    size: Fraction


# One entry for each axis of the input; None where every element sees all of it.
Fields = tuple[Field | None, ...]


def unproductive(shapes: Shapes, layers: LayerIndex) -> Unproductive | None:
    """Return the sliding layers that cannot add context, or None where every one can."""
    channels_last = shapes.network.channels_last
    if len(shapes.network.inputs) != 1:
        return None
    source = shapes.network.inputs[0]
    shape = shapes.outputs[source.index]
    sizes = split(shape, channels_last).spatial if shape is not None and len(shape) > 2 else ()
    whole = tuple(size for size in sizes if isinstance(size, int))
    if not sizes or len(whole) < len(sizes):
        return None
    first = 1 if channels_last else 2
    fields: dict[int, Fields] = {
        source.index: tuple(Field(first + j, Fraction(1), Fraction(1)) for j in range(len(sizes)))
    }
    late, count = [], 0
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        above = [(operand, fields[i]) for operand, i in enumerate(node.inputs) if i in fields]
        if not above or index in fields or shapes.outputs[index] is None:
            continue
        if index in layers.slide_at and node.layer is not None and Role.LEARNED_MAP in node.layer.role:
            count += 1
            seen = [size if f is None else f.size for f, size in zip(above[0][1], whole, strict=True)]
            if all(mine >= size for mine, size in zip(seen, whole, strict=True)):
                late.append((node, tuple(map(int, seen))))
        if node.layer is not None and Role.POINTWISE in node.layer.role and len(above) == 1:
            fields[index] = above[0][1]
            continue
        onward = places(shapes, node)
        behind = [tuple(f and _onward(f, onward[operand]) for f in field) for operand, field in above]
        fields[index] = tuple(map(_smallest, zip(*behind, strict=True)))
    if not late:
        return None
    return Unproductive(late[0][0], source, sizes, late[0][1], tuple(node for node, _ in late), count)


def _smallest(fields: tuple[Field | None, ...]) -> Field | None:
    known = [field for field in fields if field is not None]
    return min(known, key=lambda field: field.size) if known else None


def _onward(field: Field, onward: dict[int, Place]) -> Field | None:
    """Return what is seen behind a layer, by the position that sees least; None where it mixes the axis."""
    place = onward.get(field.along)
    taps = None if place is None else place.taps or place.pattern
    if place is None or place.axis is None or taps is None:
        return None
    if taps is SAME:
        return field._replace(along=place.axis)
    return Field(
        place.axis, field.jump * Fraction(taps.advance, taps.period), field.size + _narrowest(taps) * field.jump
    )


def _narrowest(taps: Taps) -> int:
    """Return how far the first and the last of what a position reads lie apart, for the one where they do least."""
    return min((reads[-1] - reads[0] for reads in taps.reads if reads), default=0)
