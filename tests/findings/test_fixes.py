"""Every fix that is offered: applied, it removes its finding and adds none, and touches nothing that it need not."""

from __future__ import annotations

import functools
from collections import Counter
from functools import partial
from typing import Any

import pytest
import real_bugs as bugs
import yaml
from amounts import sampled
from paths import ROOT
from texts import check_text

from shapecheck.findings import edits, fixes
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Position, Span


@functools.cache
def networks() -> dict[str, str]:
    """Return every network in the repository, and every reported bug, as text."""
    found = {}
    for folder in ("examples", "examples/broken", "tests/networks"):
        for path in sorted((ROOT / folder).glob("*.net.yaml")):
            text = path.read_bytes().decode("utf-8", errors="replace")
            found[f"{folder}/{path.name}"] = text
    for case in bugs.CASES:
        found[f"bug {case['id']}"] = bugs.write(case["input"], case["layers"], case["expected"]["shapes"]).text
    return found


def checked(text: str, path: str = "fix.net.yaml") -> Report:
    again = partial(check_text, path=path)
    return fixes.proved(again(text), again)


def offered() -> list[tuple[str, str, int]]:
    """Return (name, text, number of the diagnostic) for every fix that is offered anywhere."""
    return [
        (name, text, number)
        for name, text in networks().items()
        for number, diagnostic in enumerate(checked(text).diagnostics)
        if diagnostic.fix is not None
    ]


OFFERED = offered()
IDS = [f"{name.rpartition('/')[2]} {number}" for name, _, number in OFFERED]


def kinds(diagnostics: tuple[Finding, ...]) -> Counter[tuple[str, str | None]]:
    return Counter((d.code, d.layer) for d in diagnostics if d.severity != "info")


def came(after: Report, before: Report) -> Counter[tuple[str, str | None]]:
    """Return what was not found before, and was not silenced by an error: advice of rules that could not run."""
    silenced = {d for d in after.diagnostics if d.rule.name in before.not_run and d.severity != "error"}
    return kinds(tuple(d for d in after.diagnostics if d not in silenced)) - kinds(before.diagnostics)


def place(text: str, position: Position) -> int:
    """Return where a position stands in a text. Lines end as YAML has it."""
    line, at = 1, 0
    while line < position.line:
        at = text.index("\n", at) + 1
        line += 1
    return at + position.column - 1


def made(text: str, changes: tuple[Edit, ...]) -> str:
    """Make changes one by one from the end, in the plainest way."""
    spans = sorted(((place(text, e.span.start), place(text, e.span.end), e.text) for e in changes), reverse=True)
    for start, end, new in spans:
        text = text[:start] + new + text[end:]
    return text


def test_there_are_fixes_of_every_kind() -> None:
    seen = {diagnostic(case).code for case in OFFERED}
    assert {"SC008", "SC206", "SC208", "SC302"} <= seen
    assert len(OFFERED) > 25


@functools.cache
def diagnostic(case: tuple[str, str, int]) -> Finding:
    return checked(case[1]).diagnostics[case[2]]


@pytest.mark.parametrize("case", sampled(OFFERED, 3), ids=IDS)
def test_a_fix_removes_its_finding_and_adds_none(case: tuple[str, str, int]) -> None:
    before = checked(case[1])
    finding = before.diagnostics[case[2]]
    assert finding.fix is not None and finding.fix.applicability in ("safe", "unsafe")
    after = check_text(made(case[1], finding.fix.edits), "fix.net.yaml")
    assert not came(after, before)
    same = [d for d in after.diagnostics if (d.code, d.layer) == (finding.code, finding.layer)]
    assert len(same) < sum((d.code, d.layer) == (finding.code, finding.layer) for d in before.diagnostics)


def comments(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


def entries(value: Any) -> Counter[str]:
    """Return how often each entry stands anywhere in a document."""
    found: Counter[str] = Counter()
    if isinstance(value, dict):
        for key, inner in value.items():
            found[f"{key}: {inner}"] += 1
            found += entries(inner)
    elif isinstance(value, list):
        for inner in value:
            found += entries(inner)
    return found


@pytest.mark.parametrize("case", OFFERED, ids=IDS)
def test_a_fix_changes_one_place_and_keeps_the_form(case: tuple[str, str, int]) -> None:
    fix = diagnostic(case).fix
    assert fix is not None
    text = case[1]
    after = edits.apply(text, fix.edits)
    assert after == made(text, fix.edits)
    assert comments(after) == comments(text)
    # Each edit replaces a token on one line, or adds to it: all other lines stand as they stood.
    for edit in fix.edits:
        assert edit.span.start.line == edit.span.end.line
    touched = {edit.span.start.line for edit in fix.edits}
    old, new = text.split("\n"), after.split("\n")
    added = sum(edit.text.count("\n") for edit in fix.edits)
    assert len(new) == len(old) + added
    kept = [line for number, line in enumerate(old, 1) if number not in touched]
    assert not Counter(kept) - Counter(new)
    before_entries, after_entries = entries(yaml.safe_load(text)), entries(yaml.safe_load(after))
    assert before_entries != after_entries


@pytest.mark.parametrize("name", sampled(sorted({name for name, _, _ in OFFERED}), 4))
def test_fixing_comes_to_an_end_and_leaves_nothing_worse(name: str) -> None:
    text = networks()[name]
    again = partial(check_text, path="fix.net.yaml")
    for unsafe in (False, True):
        fixed = fixes.fix(checked(text), again, unsafe)
        assert not came(fixed.report, checked(text))
        assert (fixed.text == text) == (fixed.applied == 0)
        assert fixed.report.text == fixed.text
        once_more = fixes.fix(checked(fixed.text), again, unsafe)
        assert (once_more.text, once_more.applied) == (fixed.text, 0)
        # What is safe has been made; what is not has been left where it was not asked for.
        left = [d.fix.applicability for d in checked(fixed.text).diagnostics if d.fix is not None]
        assert "safe" not in left or fixed.applied == 0
        assert not (unsafe and left) or fixed.applied == 0


@pytest.mark.parametrize(
    ("bug", "layer", "key"),
    [
        ("convt-k3s2p1-24-12-23", "dec", "output_padding: 1"),
        ("dac-16khz-odd-stride-8-samples", "d5", "output_padding: 1"),
        ("keras-convT-same-23-24", "dec", "output_padding: 0"),
        ("tf-valid-74-36-73", "dec", "output_padding: 1"),
        ("flatten-1568-vs-1050", "fc", "in_features: 1568"),
        ("c3d-fc6-512x7x7", "fc6", "in_features: 8192"),
    ],
)
@bugs.REPORTED
def test_the_fix_is_what_people_found_out_the_hard_way(bug: str, layer: str, key: str) -> None:
    text = networks()[f"bug {bug}"]
    fixed = fixes.fix(checked(text), partial(check_text, path="x"), unsafe=True)
    assert fixed.applied == 1
    assert not [d for d in fixed.report.diagnostics if d.severity == "error"]
    (changed,) = [new for old, new in zip(text.split("\n"), fixed.text.split("\n"), strict=True) if old != new]
    assert f"name: {layer}," in changed and key in changed


# Blocks: a layer stands for all its copies.

COPIES = """shapecheck: 1
inputs: {image: [1, 3, 16, 16]}
blocks:
  stage:
    params: {channels: 8}
    layers:
      - {op: conv, out_channels: =channels, kernel_size: 3, padding: 1, in_channels: 4}  # believed
layers:
  - {name: a, block: stage}
  - {name: b, block: stage, from: image, with: {channels: 5}}
"""


def test_a_fix_in_a_block_is_offered_where_it_is_right_for_every_copy() -> None:
    (finding,) = [d for d in checked(COPIES).diagnostics if d.code == "SC206"]
    assert finding.fix is not None
    after = edits.apply(COPIES, finding.fix.edits)
    assert after == COPIES.replace("in_channels: 4}", "in_channels: 3}")


def test_a_fix_in_a_block_is_not_offered_where_copies_want_different_things() -> None:
    text = COPIES.replace("from: image, ", "from: a, ")
    found = [d for d in checked(text).diagnostics if d.code == "SC206"]
    assert found and all(d.fix is None for d in found)
    assert fixes.fix(checked(text), partial(check_text, path="x"), unsafe=True).text == text


def test_a_fix_in_a_block_is_not_offered_where_it_would_break_a_copy_that_is_right() -> None:
    text = COPIES.replace("in_channels: 4", "in_channels: 3").replace("from: image, ", "from: a, ")
    (finding,) = [d for d in checked(text).diagnostics if d.code == "SC206"]
    assert finding.layer == "b.conv_1" and finding.fix is None


# Edits.


def span(start: tuple[int, int], end: tuple[int, int]) -> Span:
    return Span(Position(*start), Position(*end))


def test_edits_are_made_where_they_stand() -> None:
    text = "one: 1\ntwo: 2\n"
    change = [
        Edit(span((2, 6), (2, 7)), "22"),
        Edit(span((1, 1), (1, 4)), "eins"),
        Edit(span((1, 7), (1, 7)), " # new"),
    ]
    assert edits.apply(text, change) == "eins: 1 # new\ntwo: 22\n"
    assert edits.apply(text, []) == text
    assert edits.apply("", [Edit(span((1, 1), (1, 1)), "new\n")]) == "new\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (span((1, 1), (1, 5)), span((1, 4), (1, 8))),
        (span((1, 1), (1, 9)), span((1, 3), (1, 4))),
        (span((1, 2), (1, 4)), span((1, 2), (1, 4))),
        (span((1, 3), (1, 3)), span((1, 3), (1, 3))),
        (span((1, 2), (2, 2)), span((2, 1), (2, 3))),
    ],
)
def test_edits_that_overlap_are_refused(one: Span, other: Span) -> None:
    text = "abcdefgh\nijklmnop\n"
    with pytest.raises(ValueError, match="overlap"):
        edits.apply(text, [Edit(one, "x"), Edit(other, "y")])
    with pytest.raises(ValueError, match="overlap"):
        edits.apply(text, [Edit(other, "y"), Edit(one, "x")])


def test_edits_that_touch_are_both_made_and_the_same_edit_once() -> None:
    text = "abcdef\n"
    touching = [Edit(span((1, 1), (1, 3)), "X"), Edit(span((1, 3), (1, 5)), "Y")]
    assert edits.apply(text, touching) == "XYef\n"
    assert edits.apply(text, [*touching, touching[0]]) == "XYef\n"


def words(text: str) -> Report:
    """Check a line of words: each x is a finding, and its fix takes the neighbours with it."""
    rule = check_text("nothing", "x").diagnostics[0].rule
    found = []
    for at, word in enumerate(text.split()):
        if word == "x":
            start = 2 * at + 1
            where = span((1, max(start - 2, 1)), (1, min(start + 3, len(text) + 1)))
            neighbours = text[where.start.column - 1 : where.end.column - 1].replace("x", "y")
            fix = Fix("y", Applicability.SAFE, (Edit(where, neighbours),))
            found.append(Finding(rule, Severity.ERROR, "x", where, str(at), fix=fix))
    return Report(Settings("words"), text, tuple(found))


@pytest.mark.parametrize("text", ["x a a x", "x x", "x x x x x x", "a x a x a", "a a"])
def test_two_fixes_at_one_place_never_go_together(text: str) -> None:
    """Those that would overlap wait for the next round, in which they are looked at anew."""
    fixed = fixes.fix(words(text), words, unsafe=False)
    assert fixed.text == text.replace("x", "y")
    assert fixed.report.diagnostics == ()


def test_a_fix_that_brings_another_finding_is_not_offered() -> None:
    def spreading(text: str) -> Report:
        report = words(text)
        if "y" in text:
            more = report.diagnostics[:1] or words("x").diagnostics
            report.diagnostics += tuple(d._replace(layer="new", fix=None) for d in more)
        return report

    report = fixes.proved(spreading("x a"), spreading)
    assert [d.fix for d in report.diagnostics] == [None]
    assert fixes.fix(spreading("x a"), spreading, unsafe=True).applied == 0


def test_a_fix_that_does_not_help_is_not_offered() -> None:
    def stubborn(text: str) -> Report:
        report = words("x a")
        report.text = text
        return report

    assert [d.fix for d in fixes.proved(stubborn("x a"), stubborn).diagnostics] == [None]
    fixed = fixes.fix(stubborn("x a"), stubborn, unsafe=True)
    assert (fixed.text, fixed.applied) == ("x a", 0)


# Files, and the command.
