"""JUnit XML, which nearly every CI service shows as test results: a suite a file, a case a finding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TextIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding
from shapecheck.output.exchange import shown
from shapecheck.output.verification_text import sentence
from shapecheck.verification import Verification

# What XML 1.0 has no way to write; a carriage return would come back as a newline.
_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write ``reports`` as one XML document. Errors and warnings are failures; notes are the output of what passes."""
    root = Element("testsuites", name="shapecheck")
    for report in reports:
        _suite(SubElement(root, "testsuite"), report)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    # In ASCII, with references for all else: the encoding of the stream is not ours to choose.
    text = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii")
    stream.write(f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')


def _suite(suite: Element, report: Report) -> None:
    path = _text(shown(report.path))
    suite.set("name", path)
    seen: Counter[str] = Counter()
    for d in report.diagnostics:
        # Without the line, so that a case has the same name from one run to the next.
        name = _text(" ".join(filter(None, (d.code, d.rule.name, d.layer))))
        seen[name] += 1
        _finding(_case(suite, path, name if seen[name] == 1 else f"{name} #{seen[name]}"), path, d)
    if not report.diagnostics:
        _case(suite, path, "check")
    if report.verification is not None:
        _verification(_case(suite, path, "verify"), report.verification)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", "0")


def _case(suite: Element, path: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=path, name=name, time="0")


def _finding(case: Element, path: str, d: Finding) -> None:
    lines = [f"{path}:{d.span.start.line}:{d.span.start.column}: {d.severity} {d.code}: {d.message}"]
    lines += [f"{path}:{r.span.start.line}:{r.span.start.column}: {r.message}" for r in d.related]
    lines += [f"help: {d.help}"] if d.help else []
    if d.severity is Severity.INFO:
        SubElement(case, "system-out").text = _text("\n".join(lines))
    else:
        failure = SubElement(case, "failure", message=_text(d.message), type=str(d.severity))
        failure.text = _text("\n".join(lines))


def _verification(case: Element, verification: Verification) -> None:
    said = _text(sentence(verification))
    if verification.verdict == "proved":
        SubElement(case, "system-out").text = said
    elif verification.verdict == "refuted":
        why = [f"{d.layer}: {d.reason}" for d in verification.disagreements]
        SubElement(case, "failure", message=said, type="refuted").text = _text("\n".join([said, *why]))
    else:
        SubElement(case, "skipped", message=said)


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
