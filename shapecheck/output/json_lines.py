"""One JSON object a line: every diagnostic, every proof, and a summary. ``type`` says which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.output.exchange import as_ascii, shown
from shapecheck.output.json import VERSION, diagnostic
from shapecheck.output.summary import count
from shapecheck.output.verification_json import verification_json


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write ``reports`` as JSON lines; the objects are those of the JSON format, with the path in each."""
    for report in reports:
        path = shown(report.path)
        for d in report.diagnostics:
            _line(stream, {"type": "diagnostic", "path": path, **diagnostic(d)})
        if report.verification is not None:
            _line(stream, {"type": "verification", "path": path, **verification_json(report.verification)})
    summary = {
        "type": "summary",
        "version": VERSION,
        "files": len(reports),
        "errors": count(reports, Severity.ERROR),
        "warnings": count(reports, Severity.WARNING),
    }
    _line(stream, summary)


def _line(stream: TextIO, value: dict[str, Any]) -> None:
    stream.write(as_ascii(value) + "\n")
