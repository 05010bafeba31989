"""Rules on shapes: codes SC2xx."""

from __future__ import annotations

from shapecheck.analysis.blame import cause, explain_cause, factors, floored_above
from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding, Related, Severity
from shapecheck.rules.base import reported
from shapecheck.shape import show


def with_cause(finding: Finding, shapes: Shapes, left: int, right: int, axis: int) -> Finding:
    """Add to a finding why two nodes differ on an axis: the layer that dropped the remainder, and sizes that fit."""
    found = cause(shapes, left, right, axis)
    if found is None:
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


def _with_floored_padding(finding: Finding, shapes: Shapes, index: int) -> Finding:
    """Point at transposed layers whose padding was rounded down, a usual source of an output that is too long."""
    for node, w in floored_above(shapes, index)[:2]:
        extra = w.k - w.s - 2 * w.before
        message = f"{node.name} makes {w.o} of {w.i}, {w.s}·{w.i} + {extra}: padding {w.before} is half of {w.k} − {w.s} rounded down"
        help = f"padding {w.before + 1} with output_padding {extra} on {node.name} gives {w.s}·{w.i} = {w.i * w.s}"
        finding = finding._replace(
            related=(*finding.related, Related(message, node.source.span)), help=finding.help or help
        )
    return finding


@reported("SC201")
def wrong_rank(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer needs an input of another rank: a conv without spatial axes, attention on a picture."""
    return finding


@reported("SC202")
def wrong_number_of_axes(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A list with one value per spatial axis has another length than the input has axes."""
    return finding


@reported("SC203")
def size_below_one(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer's output would have a size below 1 on some axis."""
    return finding


@reported("SC204")
def kernel_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A kernel, dilation counted, is larger than its padded input, so no window fits."""
    return finding


@reported("SC205")
def groups_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Groups or heads do not divide the channels that they are to split."""
    return finding


@reported("SC206")
def stated_size_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """in_channels, in_features or num_features states a number that the input does not have."""
    made = factors(shapes, shapes.network.nodes[trouble.node].inputs[0]) if shapes and trouble else None
    if made is None:
        return finding
    node, product = made
    return finding._replace(related=(Related(f"{node.name} makes {product}", node.source.span), *finding.related))


@reported("SC207")
def expectation_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Expect or same_shape_as states a shape that the layer does not have."""
    if shapes is None or trouble is None or trouble.expectation is None:
        return finding
    node = shapes.network.nodes[trouble.node]
    finding = finding._replace(related=(Related(f"{node.name} is {node.op}", node.source.span),))
    finding = _with_floored_padding(finding, shapes, trouble.node)
    other, axis = trouble.expectation.same_as, trouble.problem.axis
    if other is None or axis is None:
        return finding
    there = shapes.network.nodes[other]
    finding = finding._replace(
        related=(*finding.related, Related(f"{there.name} has {show(shapes.outputs[other] or ())}", there.source.span))
    )
    return with_cause(finding, shapes, other, trouble.node, axis)


@reported("SC208")
def merge_mismatch(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The inputs of a merge differ on an axis where they must be equal."""
    if shapes is None or trouble is None or trouble.problem.against is None:
        return finding
    node = shapes.network.nodes[trouble.node]
    ends = (node.inputs[trouble.problem.against], node.inputs[trouble.problem.operand])
    both = tuple(
        Related(
            f"{shapes.network.nodes[end].name} gives {show(shapes.outputs[end] or ())}",
            shapes.network.nodes[end].source.span,
        )
        for end in ends
    )
    finding = finding._replace(related=both)
    if trouble.problem.axis is None:
        return finding
    return with_cause(finding, shapes, *ends, trouble.problem.axis)


@reported("SC209")
def reshape_count_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A reshape asks for another number of elements than there are."""
    return finding


@reported("SC210")
def pool_padding_over_half(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A pooling is padded by more than half its window, so a window could lie wholly in the padding."""
    return finding


@reported("SC211", Severity.WARNING)
def adaptive_output_larger(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An adaptive pooling is asked for more than its input has: elements are repeated."""
    return finding


@reported("SC212")
def crop_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A crop takes away more than there is, or is to become as large as a larger map."""
    return finding


@reported("SC213")
def channels_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Channels are no multiple of what pixel_shuffle or fold divides them by."""
    return finding


@reported("SC214")
def size_does_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A spatial size is no multiple of pixel_unshuffle's factor."""
    return finding


@reported("SC215")
def axis_out_of_range(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An axis, an order of axes or an index does not exist in the input."""
    return finding


@reported("SC216")
def padding_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Reflecting or circular padding needs more of the input than there is."""
    return finding


@reported("SC217")
def squeeze_of_larger_axis(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Squeeze names an axis that has more than one element."""
    return finding


@reported("SC218")
def fold_count_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Fold is given another number of columns than its output_size unfolds into."""
    return finding


@reported("SC219")
def unpool_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """max_unpool undoes something that is no max_pool, or is given a map of another size than the pooling made."""
    return finding


@reported("SC220", Severity.INFO)
def dimension_without_size(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A question depends on the size of a dimension that has none, so it was not checked."""
    return finding
