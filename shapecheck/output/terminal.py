"""Diagnostics as a compiler prints them: header, place, source with carets, other places, help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding, Span
from shapecheck.output.summary import summary_line
from shapecheck.text import excerpt, printable

COLORS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "36"}
LABELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
WIDEST = 140


class Painter:
    """Wraps text in terminal colours, or leaves it as it is."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def paint(self, text: str, code: str) -> str:
        """Return ``text`` in the colour with this SGR code."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled else text


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write every diagnostic of ``reports``, what was proved, and a line that sums up."""
    findings(reports, stream, color)
    stream.write(summary_line(reports) + "\n")


def findings(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write every diagnostic of ``reports``, and what was proved."""
    painter = Painter(color)
    for report in reports:
        lines = report.text.splitlines()
        for diagnostic in report.diagnostics:
            stream.write(one(diagnostic, report.path, lines, painter) + "\n")
        if report.verification is not None:
            from shapecheck.output import verification_text  # a check alone loads none of it

            stream.write(f"{report.path}: " + "\n".join(verification_text.lines(report.verification)) + "\n")


def one(diagnostic: Finding, path: str, lines: list[str], painter: Painter) -> str:
    """Return one diagnostic as text."""
    color = COLORS[diagnostic.severity]
    start = diagnostic.span.start
    places = [(diagnostic.span, "")] + [(r.span, r.message) for r in diagnostic.related]
    gutter = max(len(str(span.start.line)) for span, _ in places)
    out = [
        f"{painter.paint(f'{LABELS[diagnostic.severity]}[{diagnostic.code}]', f'1;{color}')} "
        f"{painter.paint(printable(diagnostic.message), '1')}",
        f"{' ' * gutter}{painter.paint('-->', '34')} {printable(path)}:{start.line}:{start.column}",
    ]
    for index, (span, message) in enumerate(places):
        out += _excerpt(
            span, message, lines, gutter, painter, color if index == 0 else "34", "^" if index == 0 else "-"
        )
    if diagnostic.help:
        out.append(f"{' ' * gutter} {painter.paint('=', '34')} help: {printable(diagnostic.help)}")
    return "\n".join(out) + "\n"


def _excerpt(
    span: Span, message: str, lines: list[str], gutter: int, painter: Painter, color: str, mark: str
) -> list[str]:
    shown = excerpt(lines, span.start, span.end, WIDEST)
    if shown is None:
        return [f"{' ' * gutter} = {printable(message)}"] if message else []
    bar = painter.paint("|", "34")
    carets = painter.paint(mark * shown.width, f"1;{color}")
    label = f" {printable(message)}" if message else ""
    return [
        f"{' ' * gutter} {bar}",
        f"{painter.paint(str(span.start.line).rjust(gutter), '34')} {bar} {printable(shown.source)}",
        f"{' ' * gutter} {bar} {' ' * shown.indent}{carets}{painter.paint(label, color) if label else ''}",
    ]
