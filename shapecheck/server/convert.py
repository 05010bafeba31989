"""Findings as the protocol has them."""

from __future__ import annotations

from lsprotocol import types

from shapecheck.findings.catalogue import RULES, Severity
from shapecheck.findings.finding import Edit, Finding
from shapecheck.server.positions import Text

SOURCE = "shapecheck"
SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}

# What could go without a loss: an editor shows it faded.
UNNECESSARY = frozenset(
    RULES[f"unused-{what}"] for what in ("suppression", "layer", "block", "param", "input", "dimension", "mesh-axis")
)


def diagnostic(found: Finding, text: Text, uri: str) -> types.Diagnostic:
    """Return one finding; its help follows the message."""
    related = [
        types.DiagnosticRelatedInformation(types.Location(uri, text.span(other.span)), other.message)
        for other in found.related
    ]
    return types.Diagnostic(
        range=text.span(found.span),
        message=found.message + (f"\nhelp: {found.help}" if found.help else ""),
        severity=SEVERITIES[found.severity],
        code=found.code,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if found.rule in UNNECESSARY else None,
        related_information=related or None,
        data={"rule": found.rule.name, "layer": found.layer},
    )


def edits(found: tuple[Edit, ...], text: Text) -> list[types.TextEdit]:
    """Return the edits of a fix, each once."""
    return [types.TextEdit(text.span(edit.span), edit.text) for edit in dict.fromkeys(found)]


def replacement(text: Text, new: str) -> list[types.TextEdit]:
    """Return the one edit that makes ``new`` of a text, no longer than it must be."""
    old = text.source
    if old == new:
        return []
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    tail = next((at for at in range(shortest - head) if old[-1 - at] != new[-1 - at]), shortest - head)
    return [types.TextEdit(text.range(head, len(old) - tail), new[head : len(new) - tail])]
