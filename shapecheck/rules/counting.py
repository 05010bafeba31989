"""Rules on numbers of elements, and on axes: of codes SC2xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules.explaining import with_origin


def channels_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Channels are no multiple of what pixel_shuffle or fold divides them by."""
    return with_origin(finding, shapes, trouble)


def size_does_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A spatial size is no multiple of pixel_unshuffle's factor."""
    return with_origin(finding, shapes, trouble)
