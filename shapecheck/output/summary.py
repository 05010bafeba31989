"""How many findings there are, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.text import and_more, plural

# How many rules are named that could not run.
MOST_NAMES = 4


def count(reports: Sequence[Report], severity: Severity) -> int:
    """Return how many diagnostics of one severity there are."""
    return sum(1 for report in reports for d in report.diagnostics if d.severity is severity)


def _not_run(reports: Sequence[Report]) -> str:
    """Say which rules were asked for by name and could not be asked."""
    names = [name for report in reports if report.settings.selection.select is not None for name in report.not_run]
    return f" They keep rules from running: {and_more(list(dict.fromkeys(names)), MOST_NAMES)}." if names else ""


def summary_line(reports: Sequence[Report]) -> str:
    """Return the line that ends the text output."""
    errors, warnings, notes = (count(reports, s) for s in (Severity.ERROR, Severity.WARNING, Severity.INFO))
    files = plural(len(reports), "file")
    layers = sum(report.layers for report in reports)
    found = [plural(n, word) for n, word in ((errors, "error"), (warnings, "warning"), (notes, "note")) if n]
    if errors or warnings:
        return f"Found {', '.join(found)} in {files}."
    noted = f" ({', '.join(found)})" if found else ""
    unclean = sum(1 for report in reports if report.unclean is not None)
    if unclean:
        has = "has" if unclean == 1 else "have"
        hidden = f"{unclean} of {files} {has} errors that are ignored or not selected"
        return f"No error is shown, but {hidden}{noted}.{_not_run(reports)}"
    unproved = sum(1 for r in reports if r.verification is not None and r.verification.verdict != "proved")
    if unproved:
        return f"No error found, but {unproved} of {files} {'is' if unproved == 1 else 'are'} not proved{noted}."
    return f"All shapes fit: {files}, {plural(layers, 'layer')}{noted}."
