"""The diagnostics as JSON, version 1 of the interface."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding, Fix, Span
from shapecheck.output.summary import count
from shapecheck.output.verification_json import verification_json

VERSION = 1


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write ``reports`` as one JSON document."""
    document = {
        "version": VERSION,
        "files": [_file(report) for report in reports],
        "summary": {
            "files": len(reports),
            "errors": count(reports, Severity.ERROR),
            "warnings": count(reports, Severity.WARNING),
        },
    }
    json.dump(document, stream, indent=2, ensure_ascii=False)
    stream.write("\n")


def _file(report: Report) -> dict[str, Any]:
    return {
        "path": report.path,
        "phases": [str(phase) for phase in report.phases],
        "not_run": list(report.not_run),
        "diagnostics": [diagnostic(d) for d in report.diagnostics],
        "verification": None if report.verification is None else verification_json(report.verification),
    }


def diagnostic(d: Finding) -> dict[str, Any]:
    """Return one diagnostic as the interface has it."""
    return {
        "code": d.code,
        "rule": d.rule.name,
        "severity": str(d.severity),
        "layer": d.layer,
        "message": d.message,
        "help": d.help,
        "span": span(d.span),
        "related": [{"message": r.message, "span": span(r.span)} for r in d.related],
        "causes": [diagnostic(cause) for cause in d.causes],
        "fix": None if d.fix is None else _fix(d.fix),
        "advice": [_fix(advice) for advice in d.advice],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"span": span(edit.span), "text": edit.text} for edit in fix.edits]
    return {"message": fix.message, "applicability": fix.applicability, "tried": fix.tried, "edits": edits}


def span(s: Span) -> dict[str, Any]:
    """Return a span; lines and columns count from 1, the end is exclusive."""
    return {
        "start": {"line": s.start.line, "column": s.start.column},
        "end": {"line": s.end.line, "column": s.end.column},
    }
