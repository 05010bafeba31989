"""Rules on the text of a file: codes SC0xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding
from shapecheck.rules.base import reported


@reported("SC001")
def unreadable_file(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file cannot be opened, is a folder, is not UTF-8, or holds bytes that no text has."""
    return finding


@reported("SC002")
def yaml_syntax(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The text is not YAML, or holds more than one document."""
    return finding


@reported("SC003")
def empty_file(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """There is nothing in the file."""
    return finding


@reported("SC004")
def file_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file has more bytes than ``limits.file_bytes`` allows."""
    return finding


@reported("SC005")
def nesting_too_deep(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Lists and mappings stand inside each other deeper than ``limits.nesting`` allows."""
    return finding


@reported("SC006")
def alias_expansion(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file's aliases expand to more values than ``limits.nodes`` allows, or an alias holds itself."""
    return finding


@reported("SC007")
def duplicate_key(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A mapping gives one key twice. Most readers keep the last one without a word."""
    return finding


@reported("SC008")
def unknown_key(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A key that the language does not have at this place."""
    return finding


@reported("SC009")
def missing_key(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A key that is required at this place is not there."""
    return finding


@reported("SC010")
def wrong_type(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A mapping, a list or a single value stands where another of the three belongs."""
    return finding


@reported("SC011")
def wrong_value(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A value is not of the kind that its key takes: not a whole number, too small, not one of the legal words."""
    return finding


@reported("SC012")
def contradicting_keys(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Two keys of one layer answer the same question, or exclude each other."""
    return finding


@reported("SC013")
def unknown_op(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An op that the language does not have."""
    return finding


@reported("SC014")
def unknown_version(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file's language version is not one that this release reads."""
    return finding


@reported("SC015")
def bad_expression(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The arithmetic behind = cannot be read, holds something that is not allowed, or has no value."""
    return finding
