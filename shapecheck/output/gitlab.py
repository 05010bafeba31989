"""GitLab's Code Quality report, which a merge request shows beside its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding
from shapecheck.output.exchange import Fingerprints, as_ascii, last_line, shown

ROOT = "CI_PROJECT_DIR"
SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write every diagnostic of ``reports`` as one JSON list; what a proof refutes is among them."""
    fingerprints = Fingerprints()
    issues = []
    for report in reports:
        path = shown(report.path, ROOT)
        issues += [_issue(path, d, fingerprints.of(path, d)) for d in report.diagnostics]
    stream.write(as_ascii(issues, indent=2) + "\n")


def _issue(path: str, d: Finding, fingerprint: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "description": f"{d.code} {d.message}" + (f"\nhelp: {d.help}" if d.help else ""),
        "check_name": d.code,
        "fingerprint": fingerprint,
        "severity": SEVERITIES[d.severity],
        "location": {"path": path, "lines": {"begin": d.span.start.line, "end": last_line(d.span)}},
    }
