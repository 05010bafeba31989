"""How much of the input one output element can see, counted along every path.

Per spatial axis a layer's output has a jump j (input elements between two neighbours) and a field r. A window
layer adds (k − 1)·j and multiplies j by s; a transposed layer divides j by s and adds ⌊(k − 1) / s⌋·j of the new
spacing; at a merge the larger field counts. What mixes a whole axis sees all of it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, split
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Node
from shapecheck.layers.window import Window

WHOLE = {
    "global_avg_pool",
    "global_max_pool",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "flatten",
    "linear",
    "reshape",
    "attention",
    "reduce",
    "permute",
    "instance_norm",
    "group_norm",
    "fold",
    "softmax",
    "log_softmax",
}
LOCAL_MIXERS = {"instance_norm", "group_norm", "softmax", "log_softmax"}


class Field(NamedTuple):
    """Jump and receptive field of one axis, in elements of the input."""

    jump: Fraction
    size: Fraction


def receptive_fields(shapes: Shapes) -> dict[int, tuple[Size, ...]]:
    """Return the receptive field of every node whose output has spatial axes, one number per axis.

    A layer behind something that sees the whole input (global pooling, linear) has the input's size.
    """
    fields: dict[int, tuple[Field, ...] | None] = {}
    whole: dict[int, tuple[Size, ...]] = {}
    result: dict[int, tuple[Size, ...]] = {}
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        shape = shapes.outputs[index]
        if shape is None:
            continue
        if node.layer is None:
            spatial = split(shape, shapes.network.channels_last).spatial if len(shape) > 2 else ()
            fields[index] = (Field(Fraction(1), Fraction(1)),) * len(spatial)
            whole[index] = spatial
        else:
            fields[index] = _through(shapes, node, shape, fields)
            whole[index] = next((whole[i] for i in node.inputs if whole.get(i)), ())
        result[index] = _shown(fields[index], whole[index])
    return result


def _shown(field: tuple[Field, ...] | None, whole: tuple[Size, ...]) -> tuple[Size, ...]:
    if field is None:
        return whole
    return tuple(-(-f.size.numerator // f.size.denominator) for f in field)


def _through(
    shapes: Shapes, node: Node, shape: Shape, fields: dict[int, tuple[Field, ...] | None]
) -> tuple[Field, ...] | None:
    above = [fields.get(i) for i in node.inputs]
    if not above or any(f is None for f in above) or (node.op in WHOLE and node.op not in LOCAL_MIXERS):
        return None
    known = [f for f in above if f]
    if not known or len({len(f) for f in known}) != 1:
        return None
    field = tuple(Field(max(f[j].jump for f in known), max(f[j].size for f in known)) for j in range(len(known[0])))
    windows = shapes.windows(node)
    if windows and len(windows) == len(field):
        return tuple(_slide(f, w) for f, w in zip(field, windows, strict=True))
    if node.op in ("upsample", "pixel_shuffle", "pixel_unshuffle"):
        before = shapes.outputs[node.inputs[0]]
        assert before is not None
        return _resample(
            field,
            split(before, shapes.network.channels_last).spatial,
            split(shape, shapes.network.channels_last).spatial,
        )
    return field


def _slide(field: Field, window: Window) -> Field:
    if window.transposes:
        return Field(field.jump / window.s, field.size + (window.reach - 1) // window.s * field.jump)
    return Field(field.jump * window.s, field.size + (window.reach - 1) * field.jump)


def _resample(field: tuple[Field, ...], before: Shape, after: Shape) -> tuple[Field, ...] | None:
    ratios = []
    for f, i, o in zip(field, before, after, strict=True):
        if not isinstance(i, int) or not isinstance(o, int):
            return None
        ratios.append(Field(f.jump * i / o, f.size))
    return tuple(ratios)
