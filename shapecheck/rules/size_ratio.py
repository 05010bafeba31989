"""Two sizes that differ whatever the input is: written in the dimensions that they depend on, and their ratio."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.provenance import passages
from shapecheck.arithmetic.quasi_affine import NotQuasiAffine, quasi_affine
from shapecheck.arithmetic.symbolic import Size, Symbolic
from shapecheck.graph.network import Node
from shapecheck.layers.flow import AxisKind


class Forms(NamedTuple):
    """Two sizes as functions of the dimensions of the file, and how many times the first the second is.

    ``ratio`` holds wherever ``multiple`` divides the size of the dimension ``name``; it is None where no ratio does.
    """

    first: Size
    second: Size
    name: str
    ratio: Fraction | None
    multiple: int


def forms(shapes: Shapes, left: int, right: int, axis: int) -> Forms | None:
    """Return the sizes of two nodes on an axis in terms of the one dimension that they depend on, if there is one."""
    symbolic = _symbolic(shapes)
    one, other = (None, None) if symbolic is None else (symbolic.outputs[left], symbolic.outputs[right])
    if one is None or other is None or axis >= min(len(one), len(other)):
        return None
    first, second = one[axis], other[axis]
    names = {name for size in (first, second) if isinstance(size, Symbolic) for name in size.names()}
    if len(names) != 1 or first == second:
        return None
    (name,) = names
    return Forms(first, second, name, *_ratio(first, second, name))


def _symbolic(shapes: Shapes) -> Shapes | None:
    """Return the shapes with every dimension as a symbol; they are found once."""
    found = shapes.kept.get("shapes in symbols", shapes)
    if found is shapes:
        resized = shapes.network.resized
        found = None
        if resized is not None and shapes.network.dims:
            network = resized({name: Symbolic.of(name) for name in shapes.network.dims})
            found = propagate(network) if len(network.nodes) == len(shapes.network.nodes) else None
            # Where another formula holds for some sizes, what is said of every size would be false.
            if found is not None and any(o.asked is not None and o.asked.kind == "assume" for o in found.undecided):
                found = None
        shapes.kept["shapes in symbols"] = found
    return found if isinstance(found, Shapes) else None


def _ratio(first: Size, second: Size, name: str) -> tuple[Fraction | None, int]:
    """Return how many times the first the second is at all multiples of a number, which is proved, and that number."""
    try:
        one, other = quasi_affine(first), quasi_affine(second)
    except NotQuasiAffine:
        return None, 1
    if one.slope <= 0 or other.slope <= 0:
        return None, 1
    ratio = other.slope / one.slope
    multiple = math.lcm(one.period, other.period)
    for m in dict.fromkeys((1, multiple)):
        at = {name: Symbolic.of(name) * m}
        firsts = first.substitute(at) if isinstance(first, Symbolic) else first
        seconds = second.substitute(at) if isinstance(second, Symbolic) else second
        if firsts * ratio.numerator == seconds * ratio.denominator:
            return ratio, m
    return None, 1


def scaling(shapes: Shapes, index: int, axis: int) -> tuple[str, Node] | None:
    """Return by what the layers scale an axis up from where it arose, ``4·4 = 16``, and the node there."""
    factors: list[int] = []
    origin: Node | None = None
    at, place = index, axis
    for passage in passages(shapes, index, axis):
        origin, flow = passage.node, passage.flow
        at, place = origin.index, passage.axis
        if flow is None or passage.source is None:
            continue
        if flow.window is not None and flow.window.transposes and flow.window.s > 1:
            factors.append(flow.window.s)
        taps = passage.source.taps
        if flow.kind is AxisKind.RESAMPLED and taps is not None and taps.period > 1 and taps.advance == 1:
            factors.append(taps.period)
    start, end = shapes.outputs[at], shapes.outputs[index]
    if origin is None or not factors or start is None or end is None:
        return None
    if end[axis] != start[place] * math.prod(factors):
        return None
    product = f" = {math.prod(factors)}" if len(factors) > 1 else ""
    return "·".join(map(str, reversed(factors))) + product, origin
