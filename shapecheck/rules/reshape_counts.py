"""A reshape whose elements do not come out: which axes it is about, axis by axis, and what number would do."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape
from shapecheck.layers.base import Problem


def parted(shapes: Shapes, problem: Problem) -> tuple[int, ...]:
    """Return the axes of a reshape's input that no axes of the target answer to; none for another problem."""
    found = _middle(shapes, problem)
    return () if found is None else tuple(range(found[0].start, found[0].stop))


def _middle(shapes: Shapes, problem: Problem) -> tuple[range, range] | None:
    """Return the axes of the input, and those of the target, that are left where both ends have been compared."""
    node = shapes.network.nodes[problem.node]
    target = getattr(shapes.layer(node), "shape", None)
    given = shapes.outputs[node.inputs[0]] if node.inputs else None
    if problem.rule != "reshape-count-differs" or given is None or not isinstance(target, tuple):
        return None
    left = _agreeing(given, target)
    right = _agreeing(given[left[0] :][::-1], target[left[1] :][::-1])
    return range(left[0], len(given) - right[0]), range(left[1], len(target) - right[1])


def _agreeing(given: Shape, target: Shape) -> tuple[int, int]:
    """Return how many axes of each, from the first, have one product: ``[2, 256, 4, 205]`` and ``[2, 1024, 200]``: 3, 2."""
    agreeing = (0, 0)
    at, to, one, other = 0, 0, 1, 1
    while at < len(given) or to < len(target):
        if (one <= other and at < len(given)) or to == len(target):
            size, at = given[at], at + 1
            if not isinstance(size, int):
                break
            one *= size
        else:
            size, to = target[to], to + 1
            if not isinstance(size, int) or size < 1:
                break
            other *= size
        if one == other:
            agreeing = (at, to)
    return agreeing
