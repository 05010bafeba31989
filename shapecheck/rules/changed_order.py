"""Sizes that fit in another order: a key's values per axis, the axes of a map."""

from __future__ import annotations

import math
from itertools import permutations

from shapecheck.analysis.other_sizes import output_for
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import show
from shapecheck.layers.context import Problem
from shapecheck.layers.fields import PerAxis
from shapecheck.rules.tried_changes import mends_everywhere

# Orders of more axes than this are not tried.
MOST_AXES_IN_ORDER = 4


def of_key(shapes: Shapes, problem: Problem) -> str | None:
    """Return the help where a layer fits with the values of the key at fault in another order, and only one."""
    node = shapes.network.nodes[problem.node]
    layer, context = shapes.layer(node), shapes.context(node)
    key = problem.key
    if layer is None or context is None or key is None or not isinstance(layer.keys[key].kind, PerAxis):
        return None
    values = getattr(layer, key)
    if not isinstance(values, tuple) or len(values) > MOST_AXES_IN_ORDER:
        return None
    orders = [
        order
        for order in sorted(set(permutations(values)) - {values})
        if output_for(layer.with_keys(**{key: order}), context, context.inputs) is not None
    ]
    if len(orders) != 1:
        return None
    fits = f"{key} {show(values)} fits as {show(orders[0])}: are the axes in the order meant?"
    return fits if mends_everywhere(shapes, problem, node, **{key: orders[0]}) else None


def of_axes(shapes: Shapes, ends: tuple[int, int]) -> str | None:
    """Return what is said of two maps of which one has the sizes of the other in another order, and only one."""
    one, other = (shapes.outputs[end] for end in ends)
    if one is None or other is None or len(one) != len(other) or len(one) - 1 > MOST_AXES_IN_ORDER:
        return None
    sizes = [size for size in (*one, *other) if isinstance(size, int)]
    if len(sizes) < 2 * len(one) or sorted(sizes[: len(one)]) != sorted(sizes[len(one) :]) or math.prod(one[1:]) == 1:
        return None
    rest = range(1, len(one))
    orders = [(0, *order) for order in permutations(rest) if (one[0], *(one[at] for at in order)) == other]
    if len(orders) != 1:
        return None
    names = [shapes.network.nodes[end].name for end in ends]
    return f"{names[0]} has the sizes of {names[1]} in another order: its axes {show(orders[0])} are {show(other)}"
