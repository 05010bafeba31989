"""What is added to the finding of a broken shape rule when the whole network is known: where the sizes come from."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapecheck.analysis.axis_words import AxisPart, axis_part, axis_word
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import (
    Cause,
    assembled,
    cause,
    explain_cause,
    floored_above,
    history,
    strides_above,
)
from shapecheck.analysis.transposed.symmetry import levels
from shapecheck.arithmetic.shape import show
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.context import Problem
from shapecheck.layers.merge import differing
from shapecheck.rules import changed_order, size_ratio, token_counts
from shapecheck.rules.related_places import related

# How many sizes are told of the way from an input to a mistake.
MOST_SIZES = 8


def stated_size_differs(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add the layer that put together the size which was stated otherwise: a flatten, a concat."""
    if problem.axis is None:
        return finding
    node = shapes.network.nodes[problem.node]
    made = assembled(shapes, node.inputs[problem.operand], problem.axis)
    if made is None:
        return finding
    maker, sizes = made
    return finding._replace(
        related=(related(shapes, maker, f"{maker.name} makes {sizes}", problem.node), *finding.related)
    )


def expectation_differs(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add the layer that gave an axis another size than was expected, and why."""
    stated = shapes.expectation(problem)
    if stated is None:
        return finding
    node = shapes.network.nodes[problem.node]
    other, axis = stated.same_as, problem.axis
    made = None if axis is None else made_by(shapes, problem.node, axis, problem.node)
    finding = finding._replace(related=(made or related(shapes, node, f"{node.name} is {node.op}", problem.node),))
    if axis is None:
        return finding
    finding = _with_floored_padding(finding, shapes, problem.node, axis)
    if other is None:
        return finding
    there = shapes.network.nodes[other]
    had = related(shapes, there, f"{there.name} has {show(shapes.outputs[other] or ())}", problem.node)
    finding = finding._replace(related=(*finding.related, had))
    found = with_cause(finding, shapes, other, problem.node, axis, problem)
    return _with_levels(found, shapes, other, problem.node)


def merge_mismatch(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add what the two inputs give that differ, the layer at which their branches parted, and what would mend it."""
    if problem.against is None:
        return finding
    node = shapes.network.nodes[problem.node]
    ends = (node.inputs[problem.against], node.inputs[problem.operand])
    both = tuple(_gives(shapes, shapes.network.nodes[end], problem.node) for end in ends)
    finding = finding._replace(related=both)
    axis = problem.axis
    if axis is None:
        return finding
    sizes = [(shapes.outputs[end] or ())[axis] for end in ends]
    part = axis_part(shapes, ends[0], axis)
    if part in (AxisPart.TOKENS, AxisPart.FEATURES, AxisPart.UNKNOWN):
        said = differing(axis_word(shapes, ends[0], axis), sizes[0], sizes[1])
        finding = finding._replace(message=f"{node.name}: {said}")
    finding = with_cause(finding, shapes, *ends, axis, problem)
    if part is AxisPart.TOKENS:
        finding = _with_tokens(finding, shapes, ends, axis)
    order = changed_order.of_axes(shapes, ends)
    if order is not None:
        finding = finding._replace(related=(*finding.related, related(shapes, node, order, problem.node)))
    if finding.help is None:
        return finding._replace(help=_any_help(part))
    return finding


def _any_help(part: AxisPart) -> str | None:
    """Return what changes an axis of its kind, where nothing better is known."""
    if part is AxisPart.CHANNELS:
        return "a conv with kernel_size 1 changes the channels; concat joins different ones"
    if part is AxisPart.FEATURES:
        return "a linear changes the features; concat joins different ones"
    return None


def _gives(shapes: Shapes, node: Node, seen_from: int) -> Related:
    return related(shapes, node, f"{node.name} gives {show(shapes.outputs[node.index] or ())}", seen_from)


def _with_tokens(finding: Finding, shapes: Shapes, ends: tuple[int, int], axis: int) -> Finding:
    """Say of numbers of tokens which pictures make them."""
    found = token_counts.compared(shapes, ends, axis)
    if found is None:
        return finding
    layer, said = found
    return finding._replace(related=(*finding.related, related(shapes, layer, f"{layer.name} makes tokens: {said}")))


def with_origin(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add how a size that is too small, or does not divide, came about on its way from the input."""
    if problem.axis is None:
        return finding
    swapped = changed_order.of_key(shapes, problem)
    if swapped is not None:
        finding = finding._replace(help=swapped)
    start, axis = shapes.network.nodes[problem.node].inputs[problem.operand], problem.axis
    steps = history(shapes, start, axis)
    if len(steps) < 2:
        return finding
    told = [f"{step.size} ({step.node.name})" for step in steps]
    if len(told) > MOST_SIZES:
        told = [*told[:2], "…", *told[3 - MOST_SIZES :]]
    message = f"{axis_word(shapes, start, axis)} on the way here: {' -> '.join(told)}"
    return finding._replace(related=(*finding.related, related(shapes, steps[-1].node, message, problem.node)))


def with_cause(
    finding: Finding, shapes: Shapes, left: int, right: int, axis: int, problem: Problem | None = None
) -> Finding:
    """Add to a finding why two nodes differ on an axis: the layer that dropped the remainder, and sizes that fit."""
    found = cause(shapes, left, right, axis)
    if found is None or (found.layer is None and found.scales is None):
        places = tuple(_in_dimensions(shapes, left, right, axis))
        return finding._replace(related=(*finding.related, *places))
    blamed, seen_from = found.layer or found.fork, None if problem is None else problem.node
    places = (related(shapes, blamed, explain_cause(found), seen_from), *_used_up(shapes, found))
    help = finding.help
    if help is None and found.fitting:
        help = _fitting_help(found)
    elif help is None and found.scales:
        help = "join maps of one stride"
    return finding._replace(related=(*finding.related, *places), help=help)


def _fitting_help(found: Cause) -> str:
    sizes = " or ".join(map(str, sorted(found.fitting)))
    what = f"the input {found.fork.name}" if found.fork.layer is None else found.fork.name
    return f"they agree where {what} has {sizes} instead of {found.fork_size} on this axis"


def _used_up(shapes: Shapes, found: Cause) -> Iterator[Related]:
    """Say of a map that is one element long where the branches part which strides led there."""
    if found.fork_size > 1:
        return
    strides, origin = strides_above(shapes, found.fork.index, found.fork_axis)
    size = None if origin is None else (shapes.outputs[origin.node.index] or ())[origin.axis]
    if origin is not None and isinstance(size, int) and len(strides) > 1 and math.prod(strides) > size:
        word = axis_word(shapes, found.fork.index, found.fork_axis)
        message = (
            f"{found.fork.name} has 1 on {word} already: the strides above it shrink by"
            f" {'·'.join(map(str, strides))} = {math.prod(strides)}, and {origin.node.name} has {size}"
        )
        yield related(shapes, found.fork, message)


def _in_dimensions(shapes: Shapes, left: int, right: int, axis: int) -> Iterator[Related]:
    """Say how two sizes depend on the dimensions of the file, and whether one is always a multiple of the other."""
    found = size_ratio.forms(shapes, left, right, axis)
    if found is None:
        return
    nodes = shapes.network.nodes
    one, other = nodes[left].name, nodes[right].name
    message = f"{one} has {found.first} and {other} has {found.second}"
    ratio, longer, shorter, end = found.ratio, other, one, right
    if ratio is not None and ratio < 1:
        ratio, longer, shorter, end = 1 / ratio, one, other, left
    if ratio is not None and ratio > 1:
        every = found.name if found.multiple == 1 else f"{found.name} that {found.multiple} divides"
        message += f": {longer} is {ratio} times as long as {shorter}, at every {every}"
        scaled = size_ratio.scaling(shapes, end, axis)
        if scaled is not None:
            message += f"; {longer} is {scaled[0]} times as long as {scaled[1].name}"
    yield related(shapes, nodes[end], message)


def made_by(shapes: Shapes, index: int, axis: int, seen_from: int | None = None) -> Related | None:
    """Return the place of the layer that gave an axis its size, with the formula where there is one."""
    steps = history(shapes, index, axis)
    if not steps:
        return None
    node, at, size, window, sum_or_product = steps[-1]
    made = f"{node.name} has {size}" if node.layer is None else f"{node.name} makes {size}"
    formula = window.formula() if window is not None else sum_or_product
    said = f"{made} on {axis_word(shapes, node.index, at)}{f': {formula}' if formula else ''}"
    return related(shapes, node, said, seen_from)


def _with_floored_padding(finding: Finding, shapes: Shapes, index: int, axis: int) -> Finding:
    """Point at transposed layers whose padding was rounded down, a usual source of an output that is too long."""
    for node, w in floored_above(shapes, index, axis)[:2]:
        extra = w.k - w.s - 2 * w.before
        message = (
            f"{node.name} makes {w.o} of {w.i}, {w.s}·{w.i} + {extra}:"
            f" padding {w.before} is half of {w.k} − {w.s} rounded down"
        )
        finding = finding._replace(related=(*finding.related, related(shapes, node, message)))
    return finding


def _with_levels(finding: Finding, shapes: Shapes, source: int, output: int) -> Finding:
    """Say where an encoder shrinks its input more often than the decoder behind it grows it back, or less often."""
    shrinking, growing = levels(shapes, source, output)
    if not growing or len(shrinking) == len(growing):
        return finding
    down, up = (", ".join(node.name for node in nodes) for nodes in (shrinking, growing))
    counted = f"{len(shrinking)} layers shrink the map ({down}), and {len(growing)} grow it ({up})"
    more = max(shrinking, growing, key=len)
    help = "shrink the map as often as it grows"
    return finding._replace(related=(*finding.related, related(shapes, more[-1], counted)), help=help)
