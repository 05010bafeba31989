"""Rules on how a network is put together: codes SC1xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding, Severity
from shapecheck.rules.base import reported


@reported("SC101")
def unknown_reference(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer reads, or refers to, something that does not exist here."""
    return finding


@reported("SC102")
def circle(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Layers read each other in a circle, so none of them can be computed first."""
    return finding


@reported("SC103", Severity.WARNING)
def unused_layer(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer that is no output and that nothing reads: it costs and has no effect."""
    return finding


@reported("SC104", Severity.WARNING)
def unused_block(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A block that no layer places."""
    return finding


@reported("SC105", Severity.WARNING)
def unused_param(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A param that no expression uses."""
    return finding


@reported("SC106", Severity.WARNING)
def unused_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An input that no layer reads."""
    return finding


@reported("SC107", Severity.WARNING)
def unused_dimension(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A dimension under dims that no input and no expression names."""
    return finding


@reported("SC108")
def unknown_block(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer places a block that the file does not define."""
    return finding


@reported("SC109")
def unknown_param(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An expression uses, or a caller gives, a param that does not exist."""
    return finding


@reported("SC110")
def missing_param(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A block's param has no default and the caller gives no value."""
    return finding


@reported("SC111")
def unknown_dimension(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A word in a shape is not the name of any dimension."""
    return finding


@reported("SC112")
def duplicate_name(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Two layers of one scope have the same name."""
    return finding


@reported("SC113")
def name_clash(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer has the name of an input, or a param that of a dimension."""
    return finding


@reported("SC114")
def missing_from(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A first layer does not say which of several inputs it reads."""
    return finding


@reported("SC115")
def wrong_number_of_inputs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer or block is given more or fewer inputs than it takes."""
    return finding


@reported("SC116")
def endless_block(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A block places itself, directly or through others, and no when ends it."""
    return finding


@reported("SC117")
def too_many_repeats(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A repeat asks for more copies than ``limits.repeat`` allows."""
    return finding


@reported("SC118")
def too_many_layers(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Once its blocks are placed the network has more layers than ``limits.layers`` allows."""
    return finding
