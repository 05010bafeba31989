"""What is added to the finding of a broken shape rule when the whole network is known: where the sizes come from."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import assembled, cause, explain_cause, floored_above, history
from shapecheck.analysis.transposed.symmetry import levels
from shapecheck.arithmetic.shape import axis_name, channel_axis, show
from shapecheck.findings.finding import Finding, Related
from shapecheck.layers.base import Problem
from shapecheck.rules.offered_fixes import crop_before_merge

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
    return finding._replace(related=(Related(f"{maker.name} makes {sizes}", maker.source.span), *finding.related))


def expectation_differs(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add the layer that gave an axis another size than was expected, and why."""
    stated = shapes.expectation(problem)
    if stated is None:
        return finding
    node = shapes.network.nodes[problem.node]
    other, axis = stated.same_as, problem.axis
    made = None if axis is None else made_by(shapes, problem.node, axis)
    finding = finding._replace(related=(made or Related(f"{node.name} is {node.op}", node.source.span),))
    if axis is None:
        return finding
    finding = _with_floored_padding(finding, shapes, problem.node, axis)
    if other is None:
        return finding
    there = shapes.network.nodes[other]
    finding = finding._replace(
        related=(*finding.related, Related(f"{there.name} has {show(shapes.outputs[other] or ())}", there.source.span))
    )
    return _with_levels(with_cause(finding, shapes, other, problem.node, axis), shapes, other, problem.node)


def merge_mismatch(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add what the two inputs give that differ, the layer at which their branches parted, and a crop."""
    if problem.against is None:
        return finding
    node = shapes.network.nodes[problem.node]
    ends = (node.inputs[problem.against], node.inputs[problem.operand])
    both = tuple(
        Related(
            f"{shapes.network.nodes[end].name} gives {show(shapes.outputs[end] or ())}",
            shapes.network.nodes[end].source.span,
        )
        for end in ends
    )
    finding = finding._replace(fix=crop_before_merge(shapes, node), related=both)
    axis = problem.axis
    if axis is None:
        return finding
    finding = with_cause(finding, shapes, *ends, axis)
    if finding.help is None:
        rank = len(shapes.outputs[ends[0]] or ())
        if axis == channel_axis(rank, shapes.network.channels_last):
            return finding._replace(help="a conv with kernel_size 1 changes the channels; concat joins different ones")
        return finding._replace(help="crop, pad or resample one of the two" if axis and rank > 2 else None)
    return finding


def with_origin(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add how a size that is too small, or does not divide, came about on its way from the input."""
    if problem.axis is None:
        return finding
    start, axis = shapes.network.nodes[problem.node].inputs[problem.operand], problem.axis
    steps = history(shapes, start, axis)
    if len(steps) < 2:
        return finding
    name = axis_name(axis, len(shapes.outputs[start] or ()), shapes.network.channels_last)
    told = [f"{step.size} ({step.node.name})" for step in steps]
    if len(told) > MOST_SIZES:
        told = [*told[:2], "…", *told[3 - MOST_SIZES :]]
    related = Related(f"{name} on the way here: {' -> '.join(told)}", steps[-1].node.source.span)
    return finding._replace(related=(*finding.related, related))


def with_cause(finding: Finding, shapes: Shapes, left: int, right: int, axis: int) -> Finding:
    """Add to a finding why two nodes differ on an axis: the layer that dropped the remainder, and sizes that fit."""
    found = cause(shapes, left, right, axis)
    if found is None or (found.layer is None and found.scales is None):
        return finding
    blamed = found.layer or found.fork
    related = (*finding.related, Related(explain_cause(found), blamed.source.span))
    help = finding.help
    if help is None and found.fitting:
        sizes = " or ".join(map(str, sorted(found.fitting)))
        what = f"the input {found.fork.name}" if found.fork.layer is None else found.fork.name
        help = f"they agree where {what} has {sizes} instead of {found.fork_size} on this axis"
        if found.window is not None and found.window.form == "pool" and found.window.unread:
            help += f"; or keep the remainder with ceil_mode: true on {blamed.name}"
    elif help is None and found.scales:
        help = "join maps of one stride: name another layer in from, or resample one of the two"
    return finding._replace(related=related, help=help)


def made_by(shapes: Shapes, index: int, axis: int) -> Related | None:
    """Return the place of the layer that gave an axis its size, with the formula where there is one."""
    steps = history(shapes, index, axis)
    if not steps:
        return None
    node, at, size, window, sum_or_product = steps[-1]
    name = axis_name(at, len(shapes.outputs[node.index] or ()), shapes.network.channels_last)
    made = f"{node.name} has {size}" if node.layer is None else f"{node.name} makes {size}"
    formula = window.formula() if window is not None else sum_or_product
    return Related(f"{made} on {name}{f': {formula}' if formula else ''}", node.source.span)


def _with_floored_padding(finding: Finding, shapes: Shapes, index: int, axis: int) -> Finding:
    """Point at transposed layers whose padding was rounded down, a usual source of an output that is too long."""
    for node, w in floored_above(shapes, index, axis)[:2]:
        extra = w.k - w.s - 2 * w.before
        message = (
            f"{node.name} makes {w.o} of {w.i}, {w.s}·{w.i} + {extra}:"
            f" padding {w.before} is half of {w.k} − {w.s} rounded down"
        )
        help = f"padding {w.before + 1} with output_padding {extra} on {node.name} gives {w.s}·{w.i} = {w.i * w.s}"
        finding = finding._replace(
            related=(*finding.related, Related(message, node.source.span)), help=finding.help or help
        )
    return finding


def _with_levels(finding: Finding, shapes: Shapes, source: int, output: int) -> Finding:
    """Say where an encoder shrinks its input more often than the decoder behind it grows it back, or less often."""
    shrinking, growing = levels(shapes, source, output)
    if not growing or len(shrinking) == len(growing):
        return finding
    down, up = (", ".join(node.name for node in nodes) for nodes in (shrinking, growing))
    counted = f"{len(shrinking)} layers shrink the map ({down}), and {len(growing)} grow it ({up})"
    more, verb = (
        (shrinking, "grow the map once more") if len(shrinking) > len(growing) else (growing, "shrink it once more")
    )
    help = f"{verb}, or leave one of {', '.join(node.name for node in more)} out"
    return finding._replace(related=(*finding.related, Related(counted, more[-1].source.span)), help=help)
