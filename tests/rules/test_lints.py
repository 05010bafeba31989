"""Design lints: each speaks where it should and is silent where it should, and none speaks on a broken network."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from amounts import amount, drawn
from lint_cases import CASES, Case
from paths import ROOT
from random_networks import network as random_network
from texts import check_text

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.findings import fixes
from shapecheck.findings.catalogue import RULES, Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding
from shapecheck.findings.selection import Selection
from shapecheck.rules import CHECKS

FAMILIES = ("SC4", "SC6", "SC7")
LINTS = {rule.code: rule for rule in RULES.values() if rule.code.startswith(FAMILIES)}
EVERYTHING = Selection(extend_select=("ALL",))
# What the lints say of the examples that people know, and why that is right.
ON_EXAMPLES = {
    ("audio_codec", "SC603"): "the quantiser, which is no layer here, stands between code and decode",
    ("deeplabv3_resnet50", "SC604"): "torchvision drops out between two convolutions with batch norm",
    ("hourglass", "SC601"): "the network as published has these biases",
    ("segnet", "SC601"): "the network as published has these biases",
}
# Broken networks of which a lint says something: the first is what it is for, the second names the cause of the error.
ON_BROKEN = {("batch_of_one", "SC605"), ("channels_as_height", "SC413")}


def lints(report: Report) -> list[Finding]:
    return [d for d in report.diagnostics if d.code.startswith(FAMILIES)]


def check(text: str, selection: Selection = EVERYTHING) -> Report:
    return check_text(text, "lints.net.yaml", selection=selection)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code} {case.why}")
def test_a_lint_speaks_where_it_should(case: Case) -> None:
    report = check(case.text)
    assert report.shapes is not None
    found = [d for d in report.diagnostics if d.code == case.code]
    assert bool(found) is case.fires, f"{case.text}\n{report.diagnostics}"
    if case.code != "SC413":
        assert report.shapes is not None and not report.shapes.troubles, f"{case.text}\n{report.diagnostics}"
    assert len(found) <= 1 or case.code in ("SC602", "SC609", "SC615", "SC621")


def test_every_lint_has_cases_of_both_kinds() -> None:
    for kind in (True, False):
        assert set(LINTS) == {case.code for case in CASES if case.fires is kind}


@pytest.mark.parametrize("code", LINTS)
def test_a_lint_that_is_off_by_default_says_nothing_unasked(code: str) -> None:
    rule = LINTS[code]
    for case in CASES:
        if case.code == code and case.fires:
            found = {d.code for d in check(case.text, Selection()).diagnostics}
            assert (code in found) is rule.default


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.net.yaml")), ids=lambda path: path.name)
def test_examples_are_clean_but_for_notes_that_are_right(path: Path) -> None:
    name = path.name.removesuffix(".net.yaml")
    found = lints(check(path.read_text(encoding="utf-8"), Selection()))
    assert all(d.severity is Severity.INFO for d in found)
    assert {d.code for d in found} == {code for example, code in ON_EXAMPLES if example == name}


@pytest.mark.parametrize("path", sorted((ROOT / "examples/broken").glob("*.net.yaml")), ids=lambda path: path.name)
def test_a_broken_network_gets_no_advice(path: Path) -> None:
    name = path.name.removesuffix(".net.yaml")
    found = lints(check(path.read_text(encoding="utf-8"), Selection()))
    assert {d.code for d in found} == {code for broken, code in ON_BROKEN if broken == name}


@pytest.mark.parametrize(
    "mistake",
    [
        "{op: conv, out_channels: 8, kernel_size: 99}",  # a shape
        "{op: conv, out_channels: eight, kernel_size: 3}",  # a value
        "{op: relu, from: nobody}",  # a name
    ],
)
def test_one_mistake_keeps_all_advice_back(mistake: str) -> None:
    advice = "  - {op: conv, out_channels: 8, kernel_size: 3}\n  - {op: batch_norm}\n  - {op: relu}\n  - {op: relu}\n"
    text = f"shapecheck: 1\ninputs: {{x: [2, 8, 27, 27]}}\nlayers:\n{advice}"
    assert lints(check(text))
    report = check(f"{text}  - {mistake}\n")
    assert not lints(report)
    assert any(d.severity is Severity.ERROR for d in report.diagnostics)


def test_all_lints_together_take_a_fraction_of_a_check() -> None:
    text = (ROOT / "examples/resnet50.net.yaml").read_text(encoding="utf-8")
    network = check(text, Selection()).network
    assert network is not None
    wanted = [CHECKS[rule.name] for rule in LINTS.values() if rule.default]

    def seconds(function: Callable[[Shapes], object]) -> float:
        found = []
        for _ in range(9):
            shapes = propagate(network)
            start = time.process_time()
            function(shapes)
            found.append(time.process_time() - start)
        return min(found)

    lints_alone = seconds(lambda shapes: [list(rule(shapes)) for rule in wanted])
    assert lints_alone < seconds(lambda shapes: check(text, Selection())) / 4


@drawn
@pytest.mark.parametrize("size", ["64", "37", "1", "symbolic"])
def test_lints_bear_every_network(size: str) -> None:
    rng = random.Random(f"lints {size}")
    spoken = 0
    for _ in range(amount(150)):
        text = random_network(rng, 64 if size == "symbolic" else int(size))
        if size == "symbolic":
            text = re.sub(r"^dims: .*\n", "", text, flags=re.MULTILINE)
        spoken += len(lints(check(text)))
    assert spoken


def test_the_fix_of_a_bias_leaves_it_out_and_nothing_else() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [2, 3, 32, 32]}\nlayers:\n"
        "  - {op: conv, out_channels: 8, kernel_size: 3}  # the first\n"
        "  - {op: batch_norm}\n"
        "  - {op: conv, out_channels: 8, bias: true, kernel_size: 3}\n"
        "  - {op: batch_norm}\n"
    )
    mended = fixes.fix(check(text), check, unsafe=True)
    assert mended.text == text.replace("kernel_size: 3}  #", "kernel_size: 3, bias: false}  #").replace(
        "bias: true", "bias: false"
    )
    assert not [d for d in mended.report.diagnostics if d.code == "SC601"]


@pytest.mark.parametrize("layers", ["second}\n  - {op: relu}", "second}\n  - {op: batch_norm}"])
def test_a_bias_in_a_block_is_mended_for_all_copies_or_for_none(layers: str) -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [2, 8, 32, 32]}\n"
        "blocks: {bare: {layers: [{op: conv, out_channels: 8, kernel_size: 3, padding: 1}]}}\n"
        f"layers:\n  - {{block: bare}}\n  - {{op: batch_norm}}\n  - {{block: bare, name: {layers}\n"
    )
    (found,) = [d for d in check(text).diagnostics if d.code == "SC601"]
    assert (found.fix is not None) is ("batch_norm" in layers)
