"""What a layer would put out for inputs of other sizes: its own shape rule, asked again."""

from __future__ import annotations

from collections.abc import Sequence

from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context, Problem, Undecided


def output_for(layer: Layer, context: Context, inputs: Sequence[Shape]) -> Shape | None:
    """Return the output of a layer for inputs other than those of ``context``; None where it does not fit them."""
    try:
        return layer.output(Context(tuple(inputs), context.channels_last, context.references))
    except (Problem, Undecided):
        return None


def with_size(shape: Shape, axis: int, size: Size) -> Shape:
    """Return a shape with another size on one axis."""
    return (*shape[:axis], size, *shape[axis + 1 :])
