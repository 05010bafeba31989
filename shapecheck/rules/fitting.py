"""Rules on layers that do not fit their input: of codes SC2xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules.explaining import with_origin


def size_below_one(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer's output would have a size below 1 on some axis."""
    return with_origin(finding, shapes, trouble)


def kernel_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A kernel, dilation counted, is larger than its padded input, so no window fits."""
    return with_origin(finding, shapes, trouble)


def groups_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Groups or heads do not divide the channels that they are to split."""
    return with_origin(finding, shapes, trouble)


def crop_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A crop takes away more than there is, or is to become as large as a larger map."""
    return with_origin(finding, shapes, trouble)


def padding_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Reflecting or circular padding needs more of the input than there is."""
    return with_origin(finding, shapes, trouble)
