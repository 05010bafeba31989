"""One line a diagnostic: ``path:line:column: CODE message``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from shapecheck.findings.checked import Report
from shapecheck.output.summary import summary_line
from shapecheck.text import printable


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write every diagnostic of ``reports`` on a line of its own, and a line that sums up."""
    findings(reports, stream)
    stream.write(summary_line(reports) + "\n")


def findings(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write every diagnostic of ``reports`` on a line of its own."""
    for report in reports:
        for d in report.diagnostics:
            message = printable(d.message)
            stream.write(
                f"{report.path}:{d.span.start.line}:{d.span.start.column}: {d.code} [{d.severity}] {message}\n"
            )
        if report.verification is not None:
            from shapecheck.output.verification_text import sentence  # a check alone loads none of it

            stream.write(f"{report.path}: {sentence(report.verification)}\n")
