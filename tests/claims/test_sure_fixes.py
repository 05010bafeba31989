"""What is sure cannot hide the mistake: when a stated number is rewritten by itself, and what a fix leaves as it is."""

from __future__ import annotations

import pytest
from texts import check_text

from shapecheck import pipeline
from shapecheck.findings import edits, fixes
from shapecheck.findings.finding import Applicability, Finding

HEAD = "shapecheck: 1\n"
CONV = "  - {name: c, op: conv, out_channels: 8, kernel_size: 3}\n"


def found(text: str, code: str) -> Finding:
    (finding,) = [d for d in pipeline.offered(check_text(text, "x.net.yaml")).diagnostics if d.code == code]
    return finding


def fixed(text: str) -> str:
    return fixes.fix(check_text(text, "x.net.yaml"), lambda text: check_text(text, "x.net.yaml"), unsafe=False).text


def linear(inputs: str, more: str = "", flatten: str = "", conv: str = CONV) -> str:
    return (
        f"{HEAD}{inputs}layers:\n{conv}  - {{name: flat, op: flatten{flatten}}}\n"
        f"  - {{name: out, op: linear, in_features: 7, out_features: 2{more}}}\n"
    )


def test_a_number_behind_fixed_sizes_is_sure() -> None:
    text = linear("inputs: {x: [2, 3, 6, 6]}\n")
    finding = found(text, "SC206")
    assert finding.fix is not None and finding.fix.applicability is Applicability.SAFE
    assert fixed(text) == text.replace("in_features: 7", "in_features: 128")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (linear("inputs: {x: [2, 3, H, 6]}\ndims: {H: 6}\n"), "H"),
        (linear('inputs: {x: [2, 3, "=2 * H", 6]}\ndims: {H: 3}\n'), "the shape of x"),
        (
            linear("params: {k: 3}\ninputs: {x: [2, 3, 6, 6]}\n", conv=CONV.replace("size: 3", "size: =k")),
            "kernel_size of c",
        ),
        (
            linear(
                "inputs: {x: [2, 3, 6, 6]}\n",
                conv="  - {name: c, op: conv_transpose, out_channels: 8, kernel_size: 3, stride: 2}\n",
            ),
            "the size of c",
        ),
        (linear("inputs: {x: [2, 3, 6, 6]}\n", conv=CONV.replace("}", ", expect: [2, 8, 5, 5]}")), "c"),
    ],
)
def test_a_number_behind_what_may_be_wrong_itself_is_not_sure(text: str, why: str) -> None:
    finding = found(text, "SC206")
    assert finding.help is not None and f", if {why} is right" in finding.help
    assert finding.fix is not None and finding.fix.applicability is Applicability.UNSAFE
    assert "in_features: 7" in fixed(text)


def test_a_number_that_depends_on_the_batch_is_never_written() -> None:
    text = linear("inputs: {x: [N, 3, 6, 6]}\ndims: {N: 2}\n", flatten=", start_axis: 0")
    finding = found(text.replace("7", "128"), "SC206")
    assert finding.help == "write start_axis: 1 on flat"
    finding = found(text, "SC206")
    assert "256" not in (finding.help or "") and finding.fix is None


def test_an_expression_is_left_as_it_is() -> None:
    text = f"{HEAD}params: {{rate: 4}}\ninputs: {{x: [2, 8, 6, 6]}}\nlayers:\n" + CONV.replace(
        "}", ", in_channels: =rate}"
    )
    finding = found(text, "SC206")
    assert finding.fix is None
    assert fixed(text) == text
    assert all(not edit.text for advice in finding.advice for edit in advice.edits)


@pytest.mark.parametrize("value", ["&n 7", "*n"])
def test_anchors_and_aliases_are_left_as_they_are(value: str) -> None:
    first = CONV.replace("3}", "3, bias: true}")
    text = linear("inputs: {x: [2, 3, 6, 6]}\n", conv=first).replace("in_features: 7", f"in_features: {value}")
    if value == "*n":
        text = text.replace("out_channels: 8", "out_channels: &n 8")
    assert fixed(text) == text


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_new_lines_end_as_those_of_the_file(end: str) -> None:
    text = (
        f"{HEAD}inputs: {{x: [1, 3, 9, 9]}}\nlayers:\n"
        "  - {name: a, op: conv, out_channels: 4, kernel_size: 3, padding: 1}\n"
        "  - {name: b, op: conv, out_channels: 4, kernel_size: 3}\n"
        "  - {name: m, op: add, from: [a, b]}  # both\n"
    ).replace("\n", end)
    report = pipeline.offered(check_text(text, "x.net.yaml"))
    made = [
        edits.apply(text, advice.edits)
        for finding in report.diagnostics
        for advice in finding.advice
        if "crop" in advice.message
    ]
    assert made
    assert all(new.count("\n") == new.count(end) > text.count(end) for new in made)


def test_no_half_of_a_map_is_thrown_away() -> None:
    for size in (8, 9, 16):
        text = f"{HEAD}inputs: {{x: [1, 3, {size}], y: [1, 3, 17]}}\nlayers:\n  - {{name: m, op: add, from: [x, y]}}\n"
        named = [advice.message for advice in found(text, "SC208").advice if "crop" in advice.message]
        assert bool(named) == (2 * size > 17)
