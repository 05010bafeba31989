"""SARIF 2.1.0, which code scanning services and editors read: findings with rules, help, fixes and fingerprints."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from shapecheck._version import __version__
from shapecheck.findings import manual
from shapecheck.findings.catalogue import RULES, Rule, Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Applicability, Finding, Fix, Span
from shapecheck.output.exchange import Fingerprints, as_ascii, below
from shapecheck.output.verification_text import sentence
from shapecheck.verification import Verification

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "GITHUB_WORKSPACE"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
OUTCOMES = {"proved": "note", "refuted": "error", "not_checked": "warning"}
# What ends a line of YAML, and so counts in our line numbers.
NEWLINES = ["\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"]
# What GitHub shows of a description.
LONGEST = 1000
_PLACEHOLDER = re.compile(r"\{([0-9]+)\}")
VERIFY = {
    "id": "verify",
    "shortDescription": {"text": "Whether JAX gives every layer the same shape."},
    "fullDescription": {"text": "The network is built a second time with JAX, and the shape of every layer compared."},
    "help": {"text": "shapecheck verify --help says how far JAX goes, and on which device."},
}


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write ``reports`` as one run. All rules are listed, not those alone that found something."""
    found = {d.rule.code: d.rule for report in reports for d in report.diagnostics}
    rules = {**found, **{rule.code: rule for rule in RULES.values()}}
    codes = sorted(rules)
    fingerprints = Fingerprints()
    artifacts: dict[str, dict[str, Any]] = {}
    results: list[dict[str, Any]] = []
    notifications: list[dict[str, Any]] = []
    for report in reports:
        file = _file(report.path)
        file = artifacts.setdefault(file["uri"], {**file, "index": len(artifacts)})
        results += [_result(d, codes.index(d.code), file, fingerprints.of(file["uri"], d)) for d in report.diagnostics]
        if report.verification is not None:
            notifications.append(_notification(report.verification, file))
    driver = {
        "name": "shapecheck",
        "version": __version__,
        "rules": [_rule(rules[code]) for code in codes],
        "notifications": [VERIFY],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "artifacts": [{"location": file, "roles": ["analysisTarget"]} for file in artifacts.values()],
        "results": results,
        "columnKind": "unicodeCodePoints",
        "newlineSequences": NEWLINES,
        "defaultEncoding": "utf-8",
    }
    stream.write(as_ascii({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n")


def _file(path: str) -> dict[str, Any]:
    relative = below(path, ROOT)
    if relative is None:
        return {"uri": Path(os.path.abspath(path)).as_uri()}
    return {"uri": quote(os.fsencode(relative)), "uriBaseId": "%SRCROOT%"}


def _rule(info: Rule) -> dict[str, Any]:
    page = manual.page(info).strip()
    _, _, text = page.partition("\n\n")
    summary = _paragraph(text) or info.name
    _, _, does = text.partition("## What it does\n")
    return {
        "id": info.code,
        "name": info.name,
        "shortDescription": {"text": _shortened(summary)},
        "fullDescription": {"text": _shortened(_paragraph(does.strip()) or summary)},
        "help": {"text": re.sub(r"(?m)^(#+ |```.*\n?)", "", page), "markdown": page},
        "defaultConfiguration": {"enabled": info.default, "level": LEVELS[info.severity]},
    }


def _paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _result(d: Finding, rule: int, file: dict[str, Any], fingerprint: str) -> dict[str, Any]:
    place: dict[str, Any] = {"physicalLocation": _physical(file, d.span)}
    if d.layer is not None:
        place["logicalLocations"] = [{"name": d.layer.rpartition(".")[2], "fullyQualifiedName": d.layer}]
    result = {
        "ruleId": d.code,
        "ruleIndex": rule,
        "level": LEVELS[d.severity],
        "message": _message(d.message + (f"\nhelp: {d.help}" if d.help else "")),
        "locations": [place],
        "partialFingerprints": {"shapecheck/v1": fingerprint},
    }
    if d.related:
        result["relatedLocations"] = [
            {"id": number, "message": _message(r.message), "physicalLocation": _physical(file, r.span)}
            for number, r in enumerate(d.related, 1)
        ]
    if d.fix is not None and d.fix.edits and d.fix.applicability is not Applicability.DISPLAY:
        result["fixes"] = [_fix(d.fix, file)]
    return result


def _message(text: str) -> dict[str, str]:
    """Return a plain text message in which nothing reads as a placeholder, ``{0}``, or as a link, ``[text](1)``.

    Other braces stay as they are: those who show messages do not halve doubled ones.
    """
    return {"text": _PLACEHOLDER.sub(r"{{\1}}", text).replace("](", "] (")}


def _physical(file: dict[str, Any], span: Span) -> dict[str, Any]:
    return {"artifactLocation": file, "region": _region(span)}


def _region(span: Span) -> dict[str, int]:
    start, end = span
    return {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}


def _fix(fix: Fix, file: dict[str, Any]) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        for edit in dict.fromkeys(fix.edits)
    ]
    return {
        "description": _message(fix.message),
        "artifactChanges": [{"artifactLocation": file, "replacements": replacements}],
        "properties": {"applicability": fix.applicability},
    }


def _notification(verification: Verification, file: dict[str, Any]) -> dict[str, Any]:
    return {
        "descriptor": {"id": "verify", "index": 0},
        "level": OUTCOMES.get(verification.verdict, "warning"),
        "message": _message(sentence(verification)),
        "locations": [{"physicalLocation": {"artifactLocation": file}}],
    }
