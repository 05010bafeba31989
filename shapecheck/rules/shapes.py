"""Rules on shapes: codes SC2xx."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shapecheck.analysis.blame import cause, explain_cause, factors, floored_above
from shapecheck.analysis.history import history
from shapecheck.analysis.propagation import Open, Shapes, Trouble
from shapecheck.diagnostics import Finding, Related, Severity
from shapecheck.layers.base import Broken
from shapecheck.layers.pooling import AdaptivePool
from shapecheck.rules.base import checked, reported
from shapecheck.shape import axis_name, channel_axis, show
from shapecheck.spec.network import Node
from shapecheck.symbolic import Symbolic, at_least

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


def _with_origin(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
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


def _made_by(shapes: Shapes, index: int, axis: int) -> Related | None:
    """Return the place of the layer that gave an axis its size, with the formula where there is one."""
    steps = history(shapes, index, axis)
    if not steps:
        return None
    node, size, window = steps[-1]
    name = axis_name(axis, len(shapes.outputs[node.index] or ()), shapes.network.channels_last)
    made = f"{node.name} has {size}" if node.layer is None else f"{node.name} makes {size}"
    formula = f": {window.formula()}" if window is not None else ""
    return Related(f"{made} on {name}{formula}", node.source.span)


def _with_floored_padding(finding: Finding, shapes: Shapes, index: int) -> Finding:
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
    return _with_origin(finding, shapes, trouble)


@reported("SC204")
def kernel_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A kernel, dilation counted, is larger than its padded input, so no window fits."""
    return _with_origin(finding, shapes, trouble)


@reported("SC205")
def groups_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Groups or heads do not divide the channels that they are to split."""
    return _with_origin(finding, shapes, trouble)


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
    other, axis = trouble.expectation.same_as, trouble.problem.axis
    made = None if axis is None else _made_by(shapes, trouble.node, axis)
    finding = finding._replace(related=(made or Related(f"{node.name} is {node.op}", node.source.span),))
    finding = _with_floored_padding(finding, shapes, trouble.node)
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
    axis = trouble.problem.axis
    if axis is None:
        return finding
    finding = with_cause(finding, shapes, *ends, axis)
    if finding.help is None:
        rank = len(shapes.outputs[ends[0]] or ())
        if axis == channel_axis(rank, shapes.network.channels_last):
            return finding._replace(help="a conv with kernel_size 1 changes the channels; concat joins different ones")
        return finding._replace(help="crop, pad or resample one of the two" if axis and rank > 2 else None)
    return finding


@reported("SC209")
def reshape_count_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A reshape asks for another number of elements than there are."""
    return finding


@reported("SC210")
def pool_padding_over_half(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A pooling is padded by more than half its window, so a window could lie wholly in the padding."""
    return finding


@checked("SC211", Severity.WARNING)
def adaptive_output_larger(shapes: Shapes) -> Iterable[Finding]:
    """An adaptive pooling is asked for more than its input has: elements are repeated."""
    for node in shapes.network.layers:
        before = shapes.outputs[node.inputs[0]] if node.inputs else None
        after = shapes.outputs[node.index]
        if not isinstance(node.layer, AdaptivePool) or before is None or after is None:
            continue
        channels = channel_axis(len(after), shapes.network.channels_last)
        spatial = [axis for axis in range(1, len(after)) if axis != channels]
        larger = [axis for axis in spatial if at_least(after[axis] - before[axis], 1)]
        if not larger:
            continue
        parts = (
            f"{after[axis]} on {axis_name(axis, len(after), shapes.network.channels_last)}, where it has {before[axis]}"
            for axis in larger
        )
        made = _made_by(shapes, node.inputs[0], larger[0])
        yield Finding(
            "adaptive-output-larger",
            f"{node.name}: output_size asks for more than the input has, {' and '.join(parts)}: elements are repeated",
            node.source.keys.get("output_size", node.source.span),
            node.name,
            "ask for no more than there is, or feed a larger map; to enlarge on purpose write op: upsample",
            () if made is None else (made,),
        )


@reported("SC212")
def crop_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A crop takes away more than there is, or is to become as large as a larger map."""
    return _with_origin(finding, shapes, trouble)


@reported("SC213")
def channels_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Channels are no multiple of what pixel_shuffle or fold divides them by."""
    return _with_origin(finding, shapes, trouble)


@reported("SC214")
def size_does_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A spatial size is no multiple of pixel_unshuffle's factor."""
    return _with_origin(finding, shapes, trouble)


@reported("SC215")
def axis_out_of_range(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An axis, an order of axes or an index does not exist in the input."""
    return finding


@reported("SC216")
def padding_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Reflecting or circular padding needs more of the input than there is."""
    return _with_origin(finding, shapes, trouble)


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


@checked("SC220", Severity.INFO)
def dimension_without_size(shapes: Shapes) -> Iterable[Finding]:
    """A question depends on the size of a dimension that has none, so it was not checked."""
    nodes = shapes.network.nodes
    asked: dict[str, list[Open]] = {}
    for question in shapes.undecided:
        if isinstance(nodes[question.node].layer, Broken):
            continue
        for name in sorted(_names_at(shapes, nodes[question.node]) & set(_NAME.findall(question.question))):
            asked.setdefault(name, []).append(question)
    for name, questions in asked.items():
        first = nodes[questions[0].node]
        count = len(questions)
        unknown = _without_shape(shapes, {question.node for question in questions})
        behind = f"; {unknown} {'layer has' if unknown == 1 else 'layers have'} no shape for it" if unknown else ""
        yield Finding(
            "dimension-without-size",
            f"{name} has no size, so {count} {'question was' if count == 1 else 'questions were'} not decided,"
            f" the first at {first.name}: {questions[0].question}{behind}",
            shapes.network.dims[name].span,
            None,
            f"give it a size under dims, or with --set {name}=...",
            (Related(f"{first.name} asks it", first.source.span),),
        )


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _names_at(shapes: Shapes, node: Node) -> set[str]:
    """Return the dimensions without a size that stand in the shapes that a layer reads and makes, or states."""
    known = [shapes.outputs[index] or () for index in (*node.inputs, *node.references.values(), node.index)]
    stated = [expectation.sizes or () for expectation in node.expect]
    others = [shapes.outputs[e.same_as] or () for e in node.expect if e.same_as is not None]
    sizes = [size for shape in (*known, *stated, *others) for size in shape if isinstance(size, Symbolic)]
    return {name for size in sizes for name in size.names()}


def _without_shape(shapes: Shapes, start: set[int]) -> int:
    """Return how many layers have no shape because those in ``start`` have none."""
    unknown = {index for index in start if shapes.outputs[index] is None}
    for index in shapes.network.order if unknown else ():
        node = shapes.network.nodes[index]
        if shapes.outputs[index] is None and any(i in unknown for i in (*node.inputs, *node.references.values())):
            unknown.add(index)
    return len(unknown)
