"""json-lines: every line an object, the same objects as in the JSON format."""

from __future__ import annotations

import json

import pytest
from sample_reports import ODD, odd, real, rendered, report, verification, wide

from shapecheck.findings.checked import Report

REPORTS: dict[str, list[Report]] = {"real": real(), "odd": odd(), "wide": [wide()], "none": []}


@pytest.mark.parametrize("kind", REPORTS)
def test_the_lines_hold_what_the_json_document_holds(kind: str) -> None:
    reports = REPORTS[kind]
    document = json.loads(rendered("json", reports))
    # Other characters end a line too, for some readers: none of them may stand in the output.
    lines = [json.loads(line) for line in rendered("json-lines", reports).splitlines()]
    *entries, summary = lines
    assert summary == {"type": "summary", "version": document["version"], **document["summary"]}
    found = [e for e in entries if e["type"] == "diagnostic"]
    wanted = [d for file in document["files"] for d in file["diagnostics"]]
    assert len(found) == len(wanted)
    for entry, diagnostic in zip(found, wanted, strict=True):
        assert set(entry) == {"type", "path", *diagnostic}
        assert entry["message"] == diagnostic["message"].replace("\ud83d", "\ufffd")
        assert entry["span"] == diagnostic["span"]
        assert entry["code"] == diagnostic["code"]
    proofs = [e for e in entries if e["type"] == "verification"]
    assert len(proofs) == sum(file["verification"] is not None for file in document["files"])
    assert len(found) + len(proofs) == len(entries)


def test_every_text_comes_back() -> None:
    first, *_ = odd()
    lines = [json.loads(line) for line in rendered("json-lines", [first]).splitlines()]
    texts = [line["message"] for line in lines if line["type"] == "diagnostic"]
    assert texts == [text.replace("\ud83d", "\ufffd") for text in ODD]


def test_half_a_letter_does_not_reach_the_reader() -> None:
    assert "\\ud83d \\u" not in rendered("json-lines", odd())
    line = json.loads(rendered("json-lines", [report("bad\udcff", [])]).splitlines()[0])
    assert line["type"] == "summary"
    line = json.loads(rendered("json-lines", [report("bad\udcff", [], verification("proved"))]).splitlines()[0])
    assert line["path"] == "bad\ufffd"
    assert line["result"] == "proved"
