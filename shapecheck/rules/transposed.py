"""Rules on transposed layers: codes SC3xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding, Severity
from shapecheck.rules.base import reported


@reported("SC301")
def output_padding_out_of_range(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """output_padding is not smaller than the stride or the dilation."""
    return finding


@reported("SC302")
def ambiguous_transposed_size(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A transposed layer with stride s > 1 has s possible output sizes and nothing says which is meant."""
    return finding


@reported("SC303", Severity.WARNING)
def output_padding_at_least_stride(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """output_padding reaches the stride: legal in PyTorch under dilation, refused by Keras and by the guide."""
    return finding


@reported("SC304")
def output_size_unreachable(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """No output_padding leads to the size that output_size, transpose_of or pool asks for."""
    return finding


@reported("SC305")
def transpose_of_not_a_convolution(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """transpose_of names something that is no conv."""
    return finding
