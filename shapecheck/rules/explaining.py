"""What can be added to a finding on shapes when the whole network is known: where a size comes from."""

from __future__ import annotations

from shapecheck.analysis.history import history
from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.analysis.provenance import cause, explain_cause, floored_above
from shapecheck.analysis.transposed.symmetry import levels
from shapecheck.arithmetic.shape import axis_name
from shapecheck.findings.finding import Finding, Related

# How many sizes are told of the way from an input to a mistake.
LONGEST_HISTORY = 8


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


def with_origin(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Add how the size that is too small, or does not divide, came about on its way from the input."""
    if shapes is None or trouble is None or trouble.problem.axis is None:
        return finding
    node, axis = shapes.network.nodes[trouble.node], trouble.problem.axis
    steps = history(shapes, node.inputs[trouble.problem.operand], axis)
    if len(steps) < 2:
        return finding
    last = steps[-1]
    shape = shapes.outputs[last.node.index] or ()
    name = axis_name(axis, len(shape), shapes.network.channels_last)
    told = [f"{step.size} ({step.node.name})" for step in steps]
    if len(told) > LONGEST_HISTORY:
        told = [*told[:2], "…", *told[3 - LONGEST_HISTORY :]]
    related = Related(f"{name} on the way here: {' -> '.join(told)}", last.node.source.span)
    return finding._replace(related=(*finding.related, related))


def made_by(shapes: Shapes, index: int, axis: int) -> Related | None:
    """Return the place of the layer that gave an axis its size, with the formula where there is one."""
    steps = history(shapes, index, axis)
    if not steps:
        return None
    node, size, window = steps[-1]
    name = axis_name(axis, len(shapes.outputs[node.index] or ()), shapes.network.channels_last)
    made = f"{node.name} has {size}" if node.layer is None else f"{node.name} makes {size}"
    formula = f": {window.formula()}" if window is not None else ""
    return Related(f"{made} on {name}{formula}", node.source.span)


def with_floored_padding(finding: Finding, shapes: Shapes, index: int) -> Finding:
    """Point at transposed layers whose padding was rounded down, a usual source of an output that is too long."""
    for node, w in floored_above(shapes, index)[:2]:
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


def with_levels(finding: Finding, shapes: Shapes, source: int, output: int) -> Finding:
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
