"""Workflow commands, which GitHub Actions shows as annotations beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding
from shapecheck.output.exchange import last_line, printable_lines, shown
from shapecheck.output.summary import summary_line
from shapecheck.output.verification_text import sentence
from shapecheck.verification import Verification

ROOT = "GITHUB_WORKSPACE"
COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
OUTCOMES = {"proved": "notice", "refuted": "error", "not_checked": "warning"}


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write a command for every diagnostic and every proof, and a line that sums up."""
    for report in reports:
        path = shown(report.path, ROOT)
        for d in report.diagnostics:
            stream.write(_annotation(path, d))
        if report.verification is not None:
            stream.write(_outcome(path, report.verification))
    stream.write(summary_line(reports) + "\n")


def _annotation(path: str, d: Finding) -> str:
    start, end = d.span
    line = last_line(d.span)
    properties: dict[str, object] = {"file": path, "line": start.line, "endLine": line}
    if line == start.line:
        # GitHub takes columns on a single line only.
        properties["col"] = start.column
        properties["endColumn"] = end.column if end.line == line else start.column
    properties["title"] = f"{d.code} {d.rule.name}"
    return _command(COMMANDS[d.severity], properties, d.message + (f"\nhelp: {d.help}" if d.help else ""))


def _outcome(path: str, verification: Verification) -> str:
    properties: dict[str, object] = {"file": path, "title": "shapecheck verify"}
    return _command(OUTCOMES.get(verification.verdict, "warning"), properties, f"{path}: {sentence(verification)}")


def _command(name: str, properties: dict[str, object], message: str) -> str:
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {listed}::{_data(message)}\n"


def _data(text: str) -> str:
    return printable_lines(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
