"""gitlab: a list of issues as GitLab's documentation of Code Quality has them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from sample_reports import ODD, diagnostic, odd, real, rendered, report, wide

SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "type": {"const": "issue"},
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "pattern": "^SC[0-9]{3}$"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32,}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1, "not": {"pattern": r"^(\./|/)"}},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {
                            "begin": {"type": "integer", "minimum": 1},
                            "end": {"type": "integer", "minimum": 1},
                        },
                    },
                },
            },
        },
        "additionalProperties": False,
    },
}


def issues(reports: list[Any]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = json.loads(rendered("gitlab", reports))
    jsonschema.validate(result, SCHEMA)
    for issue in result:
        lines = issue["location"]["lines"]
        assert lines["begin"] <= lines["end"]
    prints = [issue["fingerprint"] for issue in result]
    assert len(set(prints)) == len(prints)
    return result


@pytest.mark.parametrize("reports", [real(), odd(), [wide()], []], ids=["real", "odd", "wide", "none"])
def test_every_finding_is_an_issue(reports: list[Any]) -> None:
    assert len(issues(reports)) == sum(len(one.diagnostics) for one in reports)


def test_real_findings() -> None:
    found = issues(real())
    assert {issue["severity"] for issue in found} == {"major", "minor", "info"}
    assert {issue["location"]["path"] for issue in found} == {
        "nets/wrong.net.yaml",
        "nets/warned.net.yaml",
        "nets/there-is-none.net.yaml",
    }
    (first, *_) = [issue for issue in found if issue["check_name"] == "SC206"]
    assert first["description"].startswith("SC206 a𝔘: in_channels is stated as 3")
    assert first["location"]["lines"] == {"begin": 4, "end": 4}


def test_every_text_comes_back() -> None:
    found = issues([report("a.net.yaml", [diagnostic(text) for text in ODD])])
    whole = [text.replace("\ud83d", "\ufffd") for text in ODD]
    assert [issue["description"] for issue in found] == [f"SC001 {text}\nhelp: {text}" for text in whole]


def test_a_fingerprint_stays_when_lines_move() -> None:
    def prints(first: int) -> list[str]:
        one = diagnostic("x")
        start, end = (place._replace(line=place.line + first) for place in one.span)
        moved = one._replace(span=one.span._replace(start=start, end=end), message=f"x on {first}")
        reports = [report("a", [moved, moved, moved._replace(layer="y")]), report("b", [moved, moved])]
        return [issue["fingerprint"] for issue in issues(reports)]

    assert prints(0) == prints(70)


def test_the_same_file_twice_is_still_unique() -> None:
    issues([report("a.net.yaml", [diagnostic("x")]), report("./a.net.yaml", [diagnostic("x")])])
