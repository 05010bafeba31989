"""What layers say of single cases that no table of random ones is sure to hold."""

from __future__ import annotations

import pytest
from one_layer import RESULT, Answer, ask, layer, text


def one(op: str, shape: list[int] | list[list[int]], **keys: object) -> Answer:
    """Ask about one layer; several shapes are several inputs."""
    shapes = shape if isinstance(shape[0], list) else [shape]
    inputs = {f"x{index}": s for index, s in enumerate(shapes)}
    return ask(text(inputs, [layer(op, keys, RESULT, list(inputs))]))


def message(answer: Answer) -> str:
    (diagnostic,) = answer.report.diagnostics
    return diagnostic.message


def test_squeezing_the_only_axis_is_refused() -> None:
    answer = one("squeeze", [1], axis=0)
    assert answer.errors == ("SC201",)
    assert "leaves no shape" in message(answer)
    assert one("squeeze", [1, 1], axis=0).shape == [1]


@pytest.mark.parametrize("keep_dims", [True, False])
def test_reducing_an_axis_twice_is_refused(keep_dims: bool) -> None:
    answer = one("reduce", [2, 3, 4], kind="sum", axes=[1, -2], keep_dims=keep_dims)
    assert answer.errors == ("SC215",)
    assert "[1, -2] names an axis of [2, 3, 4] twice" in message(answer)


@pytest.mark.parametrize(
    ("padding", "refused"), [("same", True), ("same_lower", True), ("half", True), ("valid", False)]
)
def test_reflecting_needs_more_input_than_padding_whatever_its_word(padding: str, refused: bool) -> None:
    answer = one(
        "conv", [1, 1, 3], out_channels=1, kernel_size=7 if refused else 3, padding=padding, padding_mode="reflect"
    )
    assert answer.errors == (("SC216",) if refused else ())
    assert not refused or "padding of 3 on L needs an input of at least 4, but it has 3" in message(answer)
    wider = one(
        "conv", [1, 1, 4], out_channels=1, kernel_size=7 if refused else 3, padding=padding, padding_mode="reflect"
    )
    assert wider.errors == ()


def test_same_padding_that_is_reflected_follows_the_stride() -> None:
    """With a stride the padding shrinks: 6 elements at stride 3, kernel 4 are padded by 1 in all."""
    keys = {"out_channels": 1, "kernel_size": 4, "stride": 3, "padding": "same", "padding_mode": "reflect"}
    assert one("conv", [1, 1, 2], **keys).errors == ()
    assert one("conv", [1, 1, 1], **keys).errors == ("SC216",)


def test_a_broadcast_mismatch_names_the_two_sizes_that_differ() -> None:
    answer = one("add", [[1, 1], [1, 3], [1, 5]], broadcast=True)
    assert answer.errors == ("SC208",)
    assert "3 and 5" in message(answer)


def test_an_axis_of_size_one_is_not_stretched_unasked() -> None:
    answer = one("add", [[2, 1], [2, 3]])
    assert answer.errors == ("SC208",)
    assert answer.report.diagnostics[0].help == "an axis of size 1 is not stretched unless you say so: broadcast: true"
    assert one("add", [[2, 1], [2, 3]], broadcast=True).shape == [2, 3]


@pytest.mark.parametrize(
    ("op", "keys"),
    [
        ("adaptive_avg_pool", "output_size: =H - 5"),
        ("adaptive_max_pool", "output_size: [=H - 5]"),
        ("upsample", "size: =H - 5"),
        ("conv_transpose", "out_channels: 1, kernel_size: 3, padding: 1, stride: 1, output_size: =H - 0"),
    ],
)
def test_a_size_that_is_asked_for_is_at_least_one_for_every_input(op: str, keys: str) -> None:
    """While H has no size the question stays open, and is no silent yes."""
    source = f"shapecheck: 1\ninputs: {{x: [1, 3, H]}}\nlayers:\n  - {{name: {RESULT}, op: {op}, {keys}}}\n"
    report = ask(source).report
    assert report.shapes is not None
    open_questions = [str(question) for question in report.shapes.undecided]
    assert any("H - 5 >= 1" in question for question in open_questions) == ("H - 5" in keys)
    refused = ask(source.replace("=H - 5", "=-H"))
    assert refused.errors == (("SC203",) if "H - 5" in keys else ())
