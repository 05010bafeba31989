"""Rules on sizes that must agree and do not: of codes SC2xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.analysis.provenance import factors
from shapecheck.arithmetic.shape import channel_axis, show
from shapecheck.findings.finding import Finding, Related
from shapecheck.rules.explaining import made_by, with_cause, with_floored_padding, with_levels
from shapecheck.rules.mending import crop_before_merge


def stated_size_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """in_channels, in_features or num_features states a number that the input does not have."""
    made = factors(shapes, shapes.network.nodes[trouble.node].inputs[0]) if shapes and trouble else None
    if made is None:
        return finding
    node, product = made
    return finding._replace(related=(Related(f"{node.name} makes {product}", node.source.span), *finding.related))


def expectation_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Expect or same_shape_as states a shape that the layer does not have."""
    if shapes is None or trouble is None or trouble.expectation is None:
        return finding
    node = shapes.network.nodes[trouble.node]
    other, axis = trouble.expectation.same_as, trouble.problem.axis
    made = None if axis is None else made_by(shapes, trouble.node, axis)
    finding = finding._replace(related=(made or Related(f"{node.name} is {node.op}", node.source.span),))
    finding = with_floored_padding(finding, shapes, trouble.node)
    if other is None or axis is None:
        return finding
    there = shapes.network.nodes[other]
    finding = finding._replace(
        related=(*finding.related, Related(f"{there.name} has {show(shapes.outputs[other] or ())}", there.source.span))
    )
    return with_levels(with_cause(finding, shapes, other, trouble.node, axis), shapes, other, trouble.node)


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
    finding = finding._replace(fix=crop_before_merge(shapes, node), related=both)
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
