"""Diagnostics as data for a page: the places with their source and carets, the cause, the fix."""

from __future__ import annotations

from typing import Any

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding, Span
from shapecheck.text import excerpt

LABELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
WIDEST = 160


def finding(d: Finding, lines: list[str]) -> dict[str, Any]:
    """Return one diagnostic with excerpts of the source."""
    places = [_place(d.span, "", lines), *(_place(r.span, r.message, lines) for r in d.related)]
    return {
        "code": d.code,
        "rule": d.rule.name,
        "severity": LABELS[d.severity],
        "layer": d.layer,
        "message": d.message,
        "help": d.help,
        "line": d.span.start.line,
        "column": d.span.start.column,
        "places": places,
        "fix": None if d.fix is None else _fix(d, lines),
    }


def _fix(d: Finding, lines: list[str]) -> dict[str, Any]:
    assert d.fix is not None
    edits = []
    for edit in d.fix.edits:
        start, end = edit.span.start, edit.span.end
        if start.line == end.line and 1 <= start.line <= len(lines):
            line = lines[start.line - 1]
            after = line[: start.column - 1] + edit.text + line[end.column - 1 :]
            edits.append({"line": start.line, "before": line.rstrip(), "after": after.splitlines()})
    return {"message": d.fix.message, "applicability": d.fix.applicability, "edits": edits}


def _place(span: Span, message: str, lines: list[str]) -> dict[str, Any]:
    """Return a line of source and where the marks stand below it; ``source`` is None where there is no such line."""
    line = span.start.line
    shown = excerpt(lines, span.start, span.end, WIDEST)
    if shown is None:
        return {"line": line, "source": None, "message": message}
    return {
        "line": line,
        "source": shown.source,
        "indent": " " * shown.indent,
        "width": shown.width,
        "message": message,
    }
