"""Every help and every fix is tried: what it names is written into the file, mends its finding, and brings no other.

Networks are those of the snapshots, the examples, the reports, and random ones with a mistake planted in each. A help
that names an edit has one; how many do is counted, and printed with ``-s``.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
import random_encoders
import random_networks
import yaml
from amounts import amount
from paths import ROOT
from texts import check_text

from shapecheck import pipeline
from shapecheck.findings.catalogue import RULES, Phase
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Edit, Finding, Position
from shapecheck.layers import REGISTRY

FOLDERS = ("examples", "examples/broken", "tests/networks")
REPORTS = ROOT.parent / "shared" / "data" / "reports.yaml"
# A help that names what is to be written: a key of the language with a value; LAYER and {...} stand for one.
KEYS = {"outputs", "layout", "from", *(key for kind in REGISTRY.values() for key in kind.keys)}
NAMES_AN_EDIT = re.compile(rf"\b(?:{'|'.join(sorted(KEYS))}): (?!LAYER|op\b|\{{|\[\.\.\.)[\w\[]|\bcrop \S+ like ")
# What of the helps that name an edit carries one that was tried; at broken shape rules it is more.
FLOOR, FLOOR_OF_SHAPES = 0.85, 0.95


def files() -> dict[str, str]:
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*.net.yaml")):
            found[f"{folder}/{path.name}"] = path.read_bytes().decode("utf-8", errors="replace")
    return found


def reports() -> dict[str, str]:
    if not REPORTS.is_file():
        return {}
    cases = yaml.safe_load(REPORTS.read_text(encoding="utf-8"))["cases"]
    return {f"report {case['id']}": case["network"] for case in cases}


def planted(seed: int) -> str:
    """Return a random network with one number in it changed."""
    rng = random.Random(f"{seed} planted")
    text = random_encoders.any_network(rng) if rng.random() < 0.6 else random_networks.network(rng)
    head, _, layers = text.partition("layers:")
    numbers = list(re.finditer(r"(?<=: )\d+\b", layers))
    if not numbers:
        return text
    at = rng.choice(numbers)
    return f"{head}layers:{layers[: at.start()]}{max(1, int(at.group()) + rng.choice((-1, 1, 2)))}{layers[at.end() :]}"


TEXTS = {**files(), **reports(), **{f"random {seed}": planted(seed) for seed in range(amount(60, 600))}}


@cache
def offered(text: str) -> Report:
    return pipeline.offered(check_text(text, "x.net.yaml"))


def place(text: str, position: Position) -> int:
    at = 0
    for _ in range(position.line - 1):
        at = text.index("\n", at) + 1
    return at + position.column - 1


def made(text: str, changes: tuple[Edit, ...]) -> str:
    """Make changes one by one from the end, in the plainest way."""
    spans = sorted(((place(text, e.span.start), place(text, e.span.end), e.text) for e in changes), reverse=True)
    for start, end, new in spans:
        text = text[:start] + new + text[end:]
    return text


def kinds(report: Report) -> Counter[tuple[str, str | None]]:
    return Counter((d.code, d.layer) for d in report.diagnostics if d.severity != "info")


def changes(finding: Finding) -> Iterator[tuple[Edit, ...]]:
    for change in (*finding.advice, *([finding.fix] if finding.fix else [])):
        assert change.tried
        yield change.edits


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_advised_mends_its_finding_and_brings_no_other(name: str) -> None:
    text = TEXTS[name]
    before = offered(text)
    for finding in before.diagnostics:
        about = (finding.code, finding.layer)
        had = sum((d.code, d.layer) == about for d in before.diagnostics)
        for edits in changes(finding):
            after = check_text(made(text, edits), "x.net.yaml")
            assert sum((d.code, d.layer) == about for d in after.diagnostics) < had, (finding.help, edits)
            brought = kinds(after) - kinds(before)
            # What could not be looked at before for the error is nothing that the change brought.
            silenced = {RULES[name].code for name in before.not_run}
            assert {code for code, _ in brought} <= silenced, (finding.help, edits, brought)
            assert len(after.errors) < len(before.errors) or finding.severity != "error"


@pytest.mark.parametrize("name", TEXTS)
def test_a_help_names_what_was_tried_word_for_word(name: str) -> None:
    for finding in offered(TEXTS[name]).diagnostics:
        for change in finding.advice:
            words = re.split(r"[ ,:]+", change.message)
            assert finding.help is not None
            assert all(word in finding.help for word in words), (finding.help, change.message)


def test_most_helps_that_name_an_edit_carry_one_that_was_tried() -> None:
    named: Counter[bool] = Counter()
    of_shapes: Counter[bool] = Counter()
    bare: Counter[str] = Counter()
    for text in TEXTS.values():
        for finding in offered(text).diagnostics:
            if finding.help is None or not NAMES_AN_EDIT.search(finding.help):
                continue
            tried = bool(finding.advice) or finding.fix is not None
            named[tried] += 1
            if finding.rule.phase is Phase.PROPAGATED:
                of_shapes[tried] += 1
            if not tried:
                bare[f"{finding.code} {finding.help}"] += 1
    for help, times in bare.most_common():
        print(f"{times:5} {help}")
    share, of = named[True] / named.total(), of_shapes[True] / of_shapes.total()
    print(f"{named[True]} of {named.total()} helps that name an edit carry one that was tried: {share:.1%}")
    print(f"{of_shapes[True]} of {of_shapes.total()} at broken shape rules: {of:.1%}")
    assert share >= FLOOR
    assert of >= FLOOR_OF_SHAPES
