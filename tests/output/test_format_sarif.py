"""sarif: valid against the schema of SARIF 2.1.0, and what the schema cannot say."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import jsonschema
import pytest
from sample_reports import (
    ODD,
    ODD_PATHS,
    WRONG,
    diagnostic,
    odd,
    real,
    rendered,
    report,
    span,
    verification,
    wide,
)
from texts import check_text

from shapecheck._version import __version__
from shapecheck.findings import edits
from shapecheck.findings.catalogue import RULES
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Applicability, Edit, Fix, Position, Span
from shapecheck.pipeline import offered

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)
# A URI reference holds these characters and no others.
URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")


def log(reports: list[Report]) -> dict[str, Any]:
    """Return the one run, valid and consistent."""
    document = json.loads(rendered("sarif", reports))
    errors = [f"{list(error.absolute_path)}: {error.message}" for error in VALIDATOR.iter_errors(document)]
    assert errors == []
    run: dict[str, Any]
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    prints = [result["partialFingerprints"]["shapecheck/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        ids = [place["id"] for place in result.get("relatedLocations", [])]
        assert len(set(ids)) == len(ids)
    for message in messages(run):
        assert message.strip()
    for location in locations(run):
        assert URI.fullmatch(location["uri"])
        assert location == run["artifacts"][location["index"]]["location"]
        relative = not urlsplit(location["uri"]).scheme
        assert location.get("uriBaseId") == ("%SRCROOT%" if relative else None)
        assert not location["uri"].startswith("/")
    for region in regions(run):
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
    return run


def objects(value: Any, key: str) -> list[Any]:
    found = []
    if isinstance(value, dict):
        found += [value[key]] if key in value else []
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found += objects(item, key)
    return found


def messages(run: Any) -> list[str]:
    return [message["text"] for message in objects(run["tool"], "help") + objects(run["tool"], "shortDescription")]


def locations(run: Any) -> list[dict[str, Any]]:
    return objects(run, "artifactLocation")


def regions(run: Any) -> list[dict[str, int]]:
    return objects(run, "region") + objects(run, "deletedRegion")


@pytest.mark.parametrize("reports", [real(), odd(), [wide()], []], ids=["real", "odd", "wide", "none"])
def test_the_log_is_valid_and_whole(reports: list[Report]) -> None:
    run = log(reports)
    assert len(run["results"]) == sum(len(one.diagnostics) for one in reports)
    assert len(run["artifacts"]) == len({one.path for one in reports})
    assert run["columnKind"] == "unicodeCodePoints"


def test_the_schema_refuses_what_is_wrong() -> None:
    document = json.loads(rendered("sarif", real()))
    document["runs"][0]["results"][0]["levels"] = "error"
    assert not VALIDATOR.is_valid(document)


def test_the_tool_lists_every_rule_with_its_page() -> None:
    driver = log([])["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("shapecheck", __version__)
    rules = {rule["id"]: rule for rule in driver["rules"]}
    assert list(rules) == sorted(rule.code for rule in RULES.values())
    for rule in RULES.values():
        said = rules[rule.code]
        assert said["name"] == rule.name
        assert said["defaultConfiguration"]["enabled"] == rule.default
        assert said["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert said["help"]["markdown"].startswith(f"# {rule.code} {rule.name}")
        assert "```" not in said["help"]["text"]
        assert len(said["fullDescription"]["text"]) <= 1024
        assert "\n" not in said["shortDescription"]["text"]


def test_real_findings() -> None:
    reports = real()
    run = log(reports)
    wanted = [(r, d) for r in reports for d in r.diagnostics]
    levels = {"error": "error", "warning": "warning", "info": "note"}
    for result, (one, d) in zip(run["results"], wanted, strict=True):
        assert (result["ruleId"], result["level"]) == (d.code, levels[d.severity])
        assert result["message"]["text"].startswith(d.message)
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == one.path
        assert place["physicalLocation"]["region"] == {
            "startLine": d.span.start.line,
            "startColumn": d.span.start.column,
            "endLine": d.span.end.line,
            "endColumn": d.span.end.column,
        }
        if d.layer is not None:
            assert place["logicalLocations"][0]["fullyQualifiedName"] == d.layer
        assert len(result.get("relatedLocations", [])) == len(d.related)
        assert ("fixes" in result) == (d.fix is not None)
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
    assert any("relatedLocations" in result for result in run["results"])
    (invocation,) = run["invocations"]
    (proof,) = invocation["toolExecutionNotifications"]
    assert proof["level"] == "note"
    assert proof["message"]["text"].startswith("proved: ")
    assert [a["location"]["uri"] for a in run["artifacts"]] == [r.path for r in reports]


def applied(text: str, fix: dict[str, Any]) -> str:
    """Make the replacements of a fix as a SARIF consumer does: columns count code points of the original text."""
    (change,) = fix["artifactChanges"]
    lines = text.splitlines(keepends=True)

    def offset(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + column - 1

    pieces = []
    for replacement in change["replacements"]:
        region = replacement["deletedRegion"]
        start = offset(region["startLine"], region["startColumn"])
        pieces.append((start, offset(region["endLine"], region["endColumn"]), replacement["insertedContent"]["text"]))
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def test_a_fix_made_from_the_log_mends_the_file() -> None:
    one = offered(check_text(WRONG, "wrong.net.yaml"))
    results = [result for result in log([one])["results"] if "fixes" in result]
    fixes = [d.fix for d in one.diagnostics if d.fix is not None]
    assert results
    for result, fix in zip(results, fixes, strict=True):
        (said,) = result["fixes"]
        assert said["properties"]["applicability"] == fix.applicability
        after = applied(WRONG, said)
        assert after == edits.apply(WRONG, fix.edits) != WRONG
        assert len(check_text(after, "wrong.net.yaml").diagnostics) < len(one.diagnostics)


def test_a_fix_that_is_only_shown_or_changes_nothing_is_left_out() -> None:
    first = diagnostic("x")
    shown = first._replace(fix=Fix("x", Applicability.DISPLAY, (Edit(span(1, 1, 1, 1), "y"),)))
    nothing = first._replace(fix=Fix("x", Applicability.SAFE, ()))
    assert [list(r) for r in log([report("a", [shown, nothing])])["results"] if "fixes" in r] == []


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_path_is_a_uri_that_leads_back(path: str) -> None:
    (artifact,) = log([report(path, [diagnostic("x")])])["artifacts"]
    uri = artifact["location"]["uri"]
    assert urlsplit(uri).path == uri
    assert unquote_to_bytes(uri) == path.encode("utf-8", "surrogateescape")


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
def test_a_path_outside_is_an_absolute_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    run = log([report("/else where/ü.net.yaml", [diagnostic("x")]), report("../b.net.yaml", [diagnostic("x")])])
    first, second = (artifact["location"] for artifact in run["artifacts"])
    assert first == {"uri": "file:///else%20where/%C3%BC.net.yaml", "index": 0}
    assert second == {"uri": (tmp_path.parent / "b.net.yaml").as_uri(), "index": 1}


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_is_neither_a_placeholder_nor_a_link(text: str) -> None:
    (result,) = log([report("a", [diagnostic(text)])])["results"]
    said = result["message"]["text"]
    assert re.search(r"(?<!\{)\{[0-9]+\}(?!\})", said) is None
    assert "](" not in said
    whole = f"{text}\nhelp: {text}".replace("\ud83d", "\ufffd")
    assert said.replace("] (", "](").replace("{{0}}", "{0}").replace("{{{3}}}", "{{3}}") == whole
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == text.replace("\ud83d", "\ufffd")


def test_outcomes_of_proofs_are_notifications() -> None:
    results = ("proved", "refuted", "not_checked")
    run = log([report(f"{name}.net.yaml", verification=verification(name)) for name in results])
    said = run["invocations"][0]["toolExecutionNotifications"]
    assert [n["level"] for n in said] == ["note", "error", "warning"]
    uris = [n["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for n in said]
    assert uris == [f"{name}.net.yaml" for name in results]
    assert run["results"] == []


def test_a_fingerprint_stays_when_lines_move() -> None:
    def prints(first: int) -> list[str]:
        place = Span(Position(first, 1), Position(first, 2))
        found = [diagnostic("x", where=place), diagnostic("x", where=place), diagnostic("y", where=place)]
        run = log([report("a", found), report("b", found)])
        return [result["partialFingerprints"]["shapecheck/v1"] for result in run["results"]]

    assert prints(1) == prints(12)


def test_lines_end_where_ours_end() -> None:
    head = 'shapecheck: 1\nname: "a\u2028 b\x85 c"\n'
    text = head + "inputs: {image: [N, 3, 32, 32]}\nlayers: [{op: conv, kernel_sise: 3}]\n"
    run = log([check_text(text, "a.net.yaml")])
    lines = re.split("|".join(run["newlineSequences"]), text)
    region = next(r for r in regions(run) if r["endColumn"] - r["startColumn"] == len("kernel_sise"))
    assert lines[region["startLine"] - 1][region["startColumn"] - 1 : region["endColumn"] - 1] == "kernel_sise"
