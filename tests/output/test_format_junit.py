"""junit: read by an XML parser, and held against what Jenkins' and the other readers take."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import ODD, ODD_PATHS, diagnostic, odd, real, rendered, report, verification, wide

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report

# The elements of the schema of Jenkins' xUnit plugin that are used, what may stand in them, and their attributes.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "skipped", "system-out"},
    "failure": set(),
    "skipped": set(),
    "system-out": set(),
}
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "time", "classname"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
}
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name", "classname"}}


def parsed(reports: list[Report]) -> Element:
    root = ElementTree.fromstring(rendered("junit", reports).encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN[element.tag]
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib) <= ATTRIBUTES[element.tag]
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases)) != "0"
        assert suite.get("failures") == str(sum(case.find("failure") is not None for case in cases))
        assert suite.get("skipped") == str(sum(case.find("skipped") is not None for case in cases))
        names = [case.get("name") for case in cases]
        assert len(set(names)) == len(names)
    for key in ("tests", "failures", "errors"):
        assert root.get(key) == str(sum(int(suite.get(key, "")) for suite in root))
    return root


def legal(text: str) -> str:
    """Return what is to come back: the characters that XML can hold, the others replaced."""
    kept = "[\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    return "".join(c if re.fullmatch(kept, c) else "\ufffd" for c in text)


def test_real_findings_are_cases() -> None:
    root = parsed(real())
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == [r.path for r in real()]
    wrong, warned, clean, none = suites.values()
    assert {case.find("failure").get("type") for case in wrong} == {"error"}  # type: ignore[union-attr]
    kinds = {child.get("type", child.tag) for case in warned for child in case}
    assert kinds == {"warning", "system-out"}
    assert [(case.get("name"), case.find("failure")) for case in clean] == [("check", None), ("verify", None)]
    assert none.find("testcase/failure") is not None
    assert int(root.get("failures", "")) == sum(d.severity is not Severity.INFO for r in real() for d in r.diagnostics)
    first = wrong.find("testcase/failure")
    assert first is not None and first.text is not None
    assert first.text.startswith("nets/wrong.net.yaml:4:85: error SC206: a𝔘: in_channels is stated as 3")


def test_outcomes_of_proofs() -> None:
    results = ("proved", "refuted", "not_checked")
    root = parsed([report(result, verification=verification(result)) for result in results])
    cases = [suite.findall("testcase")[-1] for suite in root]
    assert [case[0].tag for case in cases] == ["system-out", "failure", "skipped"]


@pytest.mark.parametrize("reports", [odd(), [wide()], []], ids=["odd", "wide", "none"])
def test_every_finding_is_a_case(reports: list[Report]) -> None:
    root = parsed(reports)
    wanted = sum(max(1, len(r.diagnostics)) + (r.verification is not None) for r in reports)
    assert root.get("tests") == str(wanted)


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_path_names_its_suite(path: str) -> None:
    (suite,) = parsed([report(path)])
    assert suite.get("name") == legal(path)
    assert suite[0].get("classname") == legal(path)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_comes_back(text: str) -> None:
    (suite,) = parsed([report("a", [diagnostic(text), diagnostic(text, Severity.INFO)])])
    failure, out = suite.find("testcase/failure"), suite.find("testcase/system-out")
    assert failure is not None and out is not None
    assert failure.get("message") == legal(text)
    assert (
        failure.text
        == f"a:2:3: error SC001: {legal(text)}\na:2:3: {legal(text)}\na:1:1: {legal(text)}\nhelp: {legal(text)}"
    )
    assert out.text is not None and out.text.endswith(f"help: {legal(text)}")


@given(st.text(), st.sampled_from(["proved", "refuted", "not_checked"]))
def test_any_text_comes_back(text: str, result: str) -> None:
    (suite,) = parsed([report("a", [diagnostic(text)], verification(result, text))])
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == legal(text)


def test_a_case_keeps_its_name_when_lines_move() -> None:
    names = [case.get("name") for case in parsed([wide()])[0]]
    assert names == [f"SC001 unreadable-file x{number}" for number in ("", " #2", " #3", " #4")]
