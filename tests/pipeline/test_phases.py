"""What a phase leaves unknown decides nothing: no comment is called needless, no shape is mended, no rule speaks."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from pathlib import Path

import pytest
from amounts import sampled
from paths import EXAMPLES, NETWORKS
from running import here

from shapecheck import pipeline
from shapecheck.findings import fixes
from shapecheck.findings.catalogue import RULES, Phase, Severity
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.selection import DEFAULT, Selection
from shapecheck.rules import CHECKS

ENTRY = re.compile(r"^(?P<dash> +- )(?P<rest>\{.*\})(?P<end>\s*(?:#.*)?)$")
UNREADABLE = ["flatten", "conv", "add", "flattn", "null", "", "3", "1.5", "[op, relu]", "[]", '"text"', "{}", "{op: 3}"]
PATHS = [*sorted(EXAMPLES.rglob("*.net.yaml")), *sorted(NETWORKS.glob("*.net.yaml"))]
EVERY_RULE = Selection(select=("ALL",))


def checked(text: str, selection: Selection = DEFAULT) -> Report:
    return pipeline.check(text, Settings("phases.net.yaml", selection=selection))


def mended(text: str) -> str:
    report = pipeline.offered(checked(text))
    assert report.again is not None
    return fixes.fix(report, report.again, unsafe=True).text


@cache
def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def entries(text: str) -> list[int]:
    """Return the lines that hold a whole layer."""
    return [at for at, line in enumerate(text.split("\n")) if ENTRY.match(line) and "op: " in line]


def replaced(text: str, at: int, entry: str) -> str:
    lines = text.split("\n")
    match = ENTRY.match(lines[at])
    assert match is not None
    lines[at] = f"{match['dash']}{entry}{match['end']}"
    return "\n".join(lines)


def misspelt(text: str, at: int) -> str:
    """Give the layer on a line a key that there is not."""
    match = ENTRY.match(text.split("\n")[at])
    assert match is not None
    return replaced(text, at, f"{match['rest'][:-1]}, biass: false}}")


# D1: a comment is needless only where all that it covers had its say.


@pytest.mark.parametrize("path", sampled(PATHS, 6), ids=lambda path: path.name)
def test_no_comment_that_keeps_something_quiet_is_lost_to_a_mistake_elsewhere(path: Path) -> None:
    text = text_of(path)
    report = checked(text, EVERY_RULE)
    lines = entries(text)
    quiet = sorted({d.rule for d in report.diagnostics if d.rule.phase > Phase.READ})
    if not quiet or not lines or not report.clean(Phase.READ):
        return
    comments = [f"# shapecheck: file-ignore[{rule.code}] meant" for rule in quiet]
    with_comments = "\n".join([text.rstrip("\n"), *comments, ""])
    assert not [d for d in checked(with_comments, EVERY_RULE).diagnostics if d.rule.name == "unused-suppression"]
    for at in random.Random(path.name).sample(lines, min(len(lines), 4)):
        broken = misspelt(with_comments, at)
        again = pipeline.offered(checked(broken, EVERY_RULE))
        assert again.unclean is Phase.READ
        assert not [d for d in again.diagnostics if d.rule.name == "unused-suppression"]
        assert all(comment in mended(broken) for comment in comments)


def test_fix_keeps_a_justified_comment_whose_rules_did_not_run(tmp_path: Path) -> None:
    path = tmp_path / "net.net.yaml"
    right = """shapecheck: 1
inputs: {image: [1, 3, 32, 32]}
layers:
  # shapecheck: file-ignore[SC4] the last row is not needed
  - {name: look, op: conv, out_channels: 8, kernel_size: 3, stride: 2, bias: false}
"""
    assert "SC401" in [d.code for d in checked(right.replace("SC4]", "SC5]")).diagnostics]
    path.write_text(right.replace("bias", "biass"))
    assert here("check", str(path), "--no-cache", "--fix").code == 0
    assert path.read_text() == right


@pytest.mark.parametrize("word", ["SC204", "SC2", "SC401", "ALL"])
def test_an_error_hides_what_stands_behind_it_and_at_its_own_place(word: str) -> None:
    """The second layer, of which nothing is known, and the first, whose groups are looked at before its kernel."""
    for first in ("out_channels: 8, kernel_size: 3", "out_channels: 8, kernel_size: 9, groups: 2"):
        text = f"""shapecheck: 1
inputs: {{image: [1, 3, 5, 5]}}
layers:
  - {{op: conv, {first}, in_channels: 4}}
  - {{op: conv, out_channels: 8, kernel_size: 9}}
# shapecheck: file-ignore[{word}]
"""
        found = checked(text).diagnostics
        assert "unused-suppression" not in [d.rule.name for d in found]


def test_a_comment_about_several_rules_is_needless_only_where_all_of_them_ran() -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 3]}\nlayers: [{op: relu}]\n# shapecheck: file-ignore[SC4]\n"
    assert [d.code for d in checked(text).diagnostics] == ["SC016"]
    assert not checked(text, Selection(ignore=("SC403",))).diagnostics
    assert not checked(text, Selection(select=("SC0", "SC401"))).diagnostics


# D2: nothing is said of what hangs on something that cannot be read, and nothing there is mended.


@pytest.mark.parametrize("path", sampled(sorted(EXAMPLES.glob("*.net.yaml")), 4), ids=lambda path: path.name)
def test_nothing_is_said_of_what_hangs_on_a_layer_that_cannot_be_read(path: Path) -> None:
    text = text_of(path)
    rng = random.Random(path.name)
    lines = entries(text)
    assert not [d for d in checked(text).errors if d.rule.phase > Phase.READ]
    for at in rng.sample(lines, min(len(lines), 5)):
        for entry in rng.sample(UNREADABLE, 4):
            broken = replaced(text, at, entry)
            report = pipeline.offered(checked(broken))
            assert report.unclean is Phase.READ
            # The network was right, so whatever is said of a shape is not true.
            assert [d for d in report.errors if d.rule.phase > Phase.ASSEMBLED] == []
            assert [d for d in report.diagnostics if d.fix and d.rule.phase > Phase.ASSEMBLED] == []


BLOCKS = """shapecheck: 1
layout: channels_first
inputs: {image: [1, 8, 14, 14]}
blocks:
  half: {inputs: [x], output: pool, layers: [{name: pool, op: max_pool, kernel_size: 2}, {name: extra, op: tanh}]}
layers:
  - {name: small, block: half, repeat: 1, with: {}}
  - {name: gone, op: max_pool, kernel_size: 7, when: false}
  - {op: flatten}
  - {name: fc, op: linear, in_features: 392, out_features: 10}
outputs: [fc]
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("layout: channels_first", "layout: chanels_last"),
        ("layout:", "layuot:"),
        ("output: pool", "ouput: extra"),
        ("output: pool", "output: [pool]"),
        ("inputs: [x]", "inputs: {}"),
        ("block: half", "blok: half"),
        ("repeat: 1", "repaet: 2"),
        ("repeat: 1", 'repeat: "=1 +"'),
        ("with: {}", "with: 3"),
        ("with: {}", "wiht: {}"),
        ("when: false", 'when: "=1 +"'),
        ("when: false", "wen: false"),
        ("- {op: flatten}", "- flatten"),
        ("- {op: flatten}", "- "),
        ("image: [1, 8, 14, 14]", "image: {shap: [1, 8, 14, 14]}"),
    ],
)
def test_a_fix_of_a_shape_waits_until_the_file_can_be_read(right: str, wrong: str) -> None:
    """Whatever cannot be read, the right ``in_features: 392`` is neither accused nor changed."""
    assert [d for d in checked(BLOCKS).diagnostics if d.severity is not Severity.WARNING] == []
    broken = BLOCKS.replace(right, wrong)
    report = checked(broken)
    assert report.unclean is Phase.READ
    assert [d for d in report.errors if d.rule.phase > Phase.ASSEMBLED] == []
    assert "in_features: 392" in mended(broken)


@pytest.mark.parametrize(
    ("word", "help", "safe"),
    [
        ("flatten", "write {op: flatten}", True),
        ("relu", "write {op: relu}", True),
        ("conv", "write {op: conv, kernel_size: ..., out_channels: ...}", False),
        ("linear", "write {op: linear, out_features: ...}", False),
        ("add", "write {op: add, from: [a, b]}", False),
        ("flattn", "did you mean flatten?", False),
    ],
)
def test_a_bare_word_is_told_what_to_write(word: str, help: str, safe: bool) -> None:
    text = f"shapecheck: 1\ninputs: {{x: [1, 8, 4, 4]}}\nlayers:\n  - {word}\n"
    (found,) = pipeline.offered(checked(text)).diagnostics
    assert found.help is not None and help in found.help
    assert (found.fix is not None) is safe
    assert (mended(text) == text.replace(word, f"{{op: {word}}}")) is safe


# What was reached, and what could not run, is told.

START = "shapecheck: 1\ninputs: {x: [1]}\n"


@pytest.mark.parametrize(
    ("text", "phases", "first_not_run"),
    [
        ("layers: [", 0, "unknown-reference"),
        (f"{START}blocks: {{b: {{layers: [{{block: b}}]}}}}\nlayers: [{{block: b}}]", 1, "unused-layer"),
        (f"{START}layers: [{{op: conv}}]", 4, "unused-layer"),
        (f"{START}layers: [{{op: conv, out_channels: 1, kernel_size: 1}}]", 4, "unread-input"),
        (f"{START}layers: [{{op: relu}}]", 4, None),
    ],
)
def test_a_report_says_how_far_it_went(text: str, phases: int, first_not_run: str | None, tmp_path: Path) -> None:
    report = checked(text)
    assert report.phases == tuple(Phase)[:phases]
    assert (report.not_run[0] if report.not_run else None) == first_not_run
    path = tmp_path / "net.net.yaml"
    path.write_text(text)
    for _ in range(2):
        given = ["check", str(path), "--output-format", "json", "--cache-dir", str(tmp_path / "cache")]
        (told,) = json.loads(here(*given).out)["files"]
        assert told["phases"] == [str(phase) for phase in report.phases]
        assert told["not_run"] == list(report.not_run)


@pytest.mark.parametrize("path", sampled(PATHS, 10), ids=lambda path: path.name)
def test_no_rule_speaks_that_could_not_run(path: Path) -> None:
    report = checked(text_of(path), EVERY_RULE)
    assert not {d.rule.name for d in report.diagnostics} & set(report.not_run)
    for rule in RULES.values():
        if rule.clean is not None and rule.phase <= Phase.JUDGED:
            assert (rule.name in report.not_run) is not report.clean(rule.clean)


def test_a_rule_needs_phases_before_its_own_clean_and_advice_is_no_error() -> None:
    for rule in RULES.values():
        assert rule.clean is None or rule.clean <= rule.phase
        if rule.clean is Phase.PROPAGATED:
            assert rule.severity is not Severity.ERROR
    assert all(RULES[name].clean in (None, Phase.ASSEMBLED, Phase.PROPAGATED) for name in CHECKS)


def test_the_order_of_the_rules_is_of_no_consequence(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text_of(path) for path in PATHS if path.stat().st_size < 3_000]
    wanted = [checked(text, EVERY_RULE).diagnostics for text in texts]
    monkeypatch.setattr(pipeline, "CHECKS", dict(reversed(CHECKS.items())))
    assert [sorted(checked(text, EVERY_RULE).diagnostics) for text in texts] == [sorted(found) for found in wanted]
