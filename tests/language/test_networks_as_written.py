"""What the words of a file lead to, and what is said where they lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from marked import accepted, errors, layers, names, reads, refused, shape, unmark, warnings, with_blocks
from texts import check_text

from shapecheck import NetworkError, loads, propagate
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Position


def test_names_by_default_are_the_op_and_a_number() -> None:
    report = accepted(layers("{op: relu}", "{op: tanh}", "{op: relu}", "{name: relu_3, op: relu}", "{op: relu}"))
    assert names(report) == ["relu_1", "tanh_1", "relu_2", "relu_3", "relu_4"]


def test_a_layer_reads_the_one_above_and_the_first_the_only_input() -> None:
    report = accepted(layers("{name: a, op: relu}", "{name: b, op: relu}", "{name: c, op: add, from: [a, b]}"))
    assert reads(report) == {"a": ["x"], "b": ["a"], "c": ["a", "b"]}


def test_a_name_may_be_of_a_layer_further_down() -> None:
    report = accepted(layers("{name: a, op: relu, from: b}", "{name: b, op: relu, from: x}"))
    assert shape(report, "a") == (2, 3, 8, 8)


@pytest.mark.parametrize(
    ("text", "code", "offender"),
    [
        (layers("{op: relu, from: ⟦y⟧}"), "SC101", "y"),
        (layers("{name: same, op: relu}", "{op: relu, from: ⟦sane⟧}"), "SC101", "sane"),
        (layers("{name: a, op: add, from: [x, ⟦nowhere⟧]}"), "SC101", "nowhere"),
        (layers("{op: relu, from: ⟦[]⟧}"), "SC011", "from"),
        (layers("{op: relu, from: ⟦{a: b}⟧}"), "SC011", "from"),
        (layers("{op: add, from: [x, ⟦[x]⟧]}"), "SC011", "from"),
        (layers("{op: upsample, like: ⟦nowhere⟧}"), "SC101", "nowhere"),
        (layers("{op: relu, same_shape_as: ⟦nowhere⟧}"), "SC101", "nowhere"),
        (layers("{op: relu}") + "outputs: [⟦nowhere⟧]\n", "SC101", "nowhere"),
        (layers("{name: a, op: relu}") + "symmetry: {a: ⟦nowhere⟧}\n", "SC101", "nowhere"),
        (layers("{name: a, op: relu}", "{name: ⟦a⟧, op: tanh}"), "SC112", "a"),
        (layers("{name: ⟦x⟧, op: relu}"), "SC113", "x"),
        (layers("{name: ⟦a.b⟧, op: relu}"), "SC011", "a.b"),
        (layers("{name: ⟦''⟧, op: relu}"), "SC011", "name"),
        (layers("{name: ⟦[a]⟧, op: relu}"), "SC011", "name"),
        (layers("{op: ⟦relux⟧}"), "SC013", "relux"),
        (layers("{op: ⟦[relu]⟧}"), "SC013", "op"),
        (layers("{⟦name⟧: a}"), "SC009", "op or block"),
        (layers("⟦relu⟧"), "SC010", "mapping"),
        (layers("{op: relu, ⟦stride⟧: 2}"), "SC008", "stride"),
        (layers("{op: ⟦conv⟧, kernel_size: 3}"), "SC009", "out_channels"),
        (layers("{op: add, from: ⟦[x]⟧}"), "SC115", "add"),
        (layers("{op: relu, from: ⟦[x, x]⟧}"), "SC115", "relu"),
        (with_blocks("{op: relu, ⟦repeat⟧: 2}", blocks=""), "SC008", "repeat"),
        ("⟦shapechek⟧: 1\n" + layers("{op: relu}"), "SC008", "shapechek"),
    ],
)
def test_words_that_lead_nowhere(text: str, code: str, offender: str) -> None:
    if code == "SC009" and "⟦name⟧" in text:
        text = text.replace("⟦name⟧: a", "name: ⟦a⟧")
    refused(text, code, offender)


@pytest.mark.parametrize(
    "line",
    [
        "{name: mine, op: relux}",
        "{name: mine}",
        "{name: mine, op: conv, kernel_size: 3}",
        "{name: mine, op: conv, kernel_size: 3, out_channels: 0}",
        "{name: mine, op: conv, kernel_size: 3, out_channels: =nowhere}",
        "{name: mine, op: relu, stride: 2}",
        "{name: mine, op: relu, block: one}",
        "{name: mine, op: relu, from: nowhere}",
        "{name: mine, op: relu, same_shape_as: nowhere}",
        "{name: mine, op: upsample, like: nowhere}",
        "{name: mine, op: upsample}",
        "{name: mine, op: upsample, size: 3, scale_factor: 2}",
        "{name: mine, op: add, from: [x]}",
        "{name: mine, block: nowhere}",
        "{name: mine, block: one, channels: 3}",
        "{name: mine, block: two, from: [x]}",
        "{name: mine, block: free}",
        "{name: mine, block: one, with: {nothing: 3}}",
        "{name: mine, block: one, repeat: 1000000000}",
    ],
)
def test_a_finding_names_its_layer(line: str) -> None:
    (found,) = errors(check_text(with_blocks(line), "t"))
    assert found.layer == "mine"


def test_a_first_layer_must_choose_between_two_inputs() -> None:
    text = (
        "shapecheck: 1\ninputs: {left: [2, 3], right: [2, 3]}\nlayers:\n  - {op: ⟦relu⟧}\n  - {op: tanh, from: right}\n"
    )
    refused(text, "SC114", "left, right")


def test_a_mistake_in_an_input_is_told_once() -> None:
    """What reads the input says nothing more of it."""
    for shape_text, code in (
        ("⟦5⟧", "SC010"),
        ("⟦[]⟧", "SC011"),
        ("[2, ⟦0⟧]", "SC011"),
        ("[2, ⟦-3⟧]", "SC011"),
        ("[2, ⟦3.0⟧]", "SC011"),
        ("[2, ⟦.nan⟧]", "SC011"),
        ('[2, ⟦"3"⟧]', "SC011"),
        ("[2, ⟦[3]⟧]", "SC011"),
        ("[2, ⟦true⟧]", "SC011"),
        ("[2, =⟦1⟧ +]", "SC015"),
        ("[2, =⟦q⟧]", "SC109"),
        ("[2, ⟦a b⟧]", "SC111"),
    ):
        text = f"shapecheck: 1\ninputs: {{x: {shape_text}}}\nlayers:\n  - {{op: linear, out_features: 3, from: x}}\n"
        if code == "SC015":
            clean, _ = unmark(text)
            assert [d.code for d in errors(check_text(clean, "t"))] == [code]
        else:
            refused(text, code)


def test_an_input_without_a_shape_is_told_once() -> None:
    refused("shapecheck: 1\ninputs: {⟦x⟧: {dtype: int32}}\nlayers:\n  - {op: relu, from: x}\n", "SC009", "x")


def test_a_conv_needs_spatial_axes() -> None:
    text = "shapecheck: 1\ninputs: {x: [2, 3]}\nlayers:\n  - {op: ⟦conv⟧, out_channels: 1, kernel_size: 3}\n"
    refused(text, "SC201", "[2, 3]")


@pytest.mark.parametrize(
    ("keys", "offender"),
    [
        ("out_channels: ⟦0⟧, kernel_size: 3", "out_channels"),
        ("out_channels: ⟦-1⟧, kernel_size: 3", "-1"),
        ("out_channels: ⟦nan⟧, kernel_size: 3", "nan"),
        ("out_channels: ⟦.nan⟧, kernel_size: 3", "nan"),
        ("out_channels: ⟦.inf⟧, kernel_size: 3", "inf"),
        ("out_channels: ⟦4.0⟧, kernel_size: 3", "4.0"),
        ("out_channels: ⟦1e3⟧, kernel_size: 3", "1000.0"),
        ('out_channels: ⟦"4"⟧, kernel_size: 3', '"4"'),
        ("out_channels: ⟦true⟧, kernel_size: 3", "true"),
        ("out_channels: ⟦[4]⟧, kernel_size: 3", "list"),
        ("out_channels: ⟦{a: 4}⟧, kernel_size: 3", "mapping"),
        ("out_channels: 4, kernel_size: ⟦-3⟧", "kernel_size"),
        ("out_channels: 4, kernel_size: [3, ⟦0⟧]", "0"),
        ("out_channels: 4, kernel_size: ⟦[]⟧", "[]"),
        ("out_channels: 4, kernel_size: 3, stride: ⟦0⟧", "stride"),
        ("out_channels: 4, kernel_size: 3, dilation: ⟦0⟧", "dilation"),
        ("out_channels: 4, kernel_size: 3, padding: ⟦-1⟧", "padding"),
        ("out_channels: 4, kernel_size: 3, padding: ⟦samee⟧", "samee"),
        ("out_channels: 4, kernel_size: 3, padding: [[1, 1], ⟦[1]⟧]", "padding"),
        ("out_channels: 4, kernel_size: 3, padding: [[1, 1], [⟦-1⟧, 1]]", "-1"),
        ("out_channels: 4, kernel_size: 3, groups: ⟦0⟧", "groups"),
        ("out_channels: 4, kernel_size: 3, groups: ⟦deptwise⟧", "deptwise"),
        ("out_channels: 4, kernel_size: 3, padding_mode: ⟦zero⟧", "zero"),
    ],
)
def test_values_of_the_wrong_kind(keys: str, offender: str) -> None:
    refused(layers(f"{{op: conv, {keys}}}"), "SC011", offender)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{name: a, op: relu, from: ⟦a⟧}"], ["a reads itself"]),
        (["{name: a, op: relu, from: ⟦b⟧}", "{name: b, op: relu}"], ["a -> b -> a"]),
        (
            ["{name: a, op: relu}", "{name: b, op: add, from: ⟦[a, d]⟧}", "{name: c, op: relu}", "{name: d, op: relu}"],
            ["b -> c -> d -> b"],
        ),
        (["{name: a, op: upsample, like: b, ⟦from⟧: x}", "{name: b, op: relu}"], ["a", "b"]),
    ],
)
def test_a_circle_is_printed(lines: list[str], words: list[str]) -> None:
    if "⟦from⟧" in lines[0]:
        report = check_text(unmark(layers(*lines))[0], "t")
        assert [d.code for d in errors(report)] == ["SC102"]
        assert all(word in errors(report)[0].message for word in words)
    else:
        refused(layers(*lines), "SC102", *words)


def test_two_circles_are_two_findings_and_the_rest_is_still_checked() -> None:
    report = check_text(
        layers(
            "{name: a, op: relu, from: b}",
            "{name: b, op: relu}",
            "{name: c, op: relu, from: d}",
            "{name: d, op: relu}",
            "{name: bad, op: conv, out_channels: 1, kernel_size: 9, from: x}",
        ),
        "t",
    )
    assert sorted(d.code for d in errors(report)) == ["SC102", "SC102", "SC204"]


def test_a_long_circle_is_told_in_short() -> None:
    lines = [f"{{name: l{i}, op: relu, from: l{(i + 1) % 200}}}" for i in range(200)]
    (found,) = errors(check_text(layers(*lines), "t"))
    assert found.code == "SC102"
    assert len(found.message) < 300


@pytest.mark.parametrize(
    ("text", "code", "offender"),
    [
        ("params: {⟦width⟧: 3}\n" + layers("{op: relu}"), "SC105", "width"),
        ("dims: {⟦K⟧: 3}\n" + layers("{op: relu}"), "SC107", "K"),
        (with_blocks("{op: relu}", blocks="blocks: {⟦b⟧: {layers: [{op: relu}]}}\n"), "SC104", "b"),
        ("shapecheck: 1\ninputs: {x: [1, 2], ⟦y⟧: [1]}\nlayers: [{op: relu, from: x}]\n", "SC106", "y"),
        (layers("{name: a, op: relu}", "{name: ⟦b⟧, op: relu}") + "outputs: [a]\n", "SC103", "b"),
    ],
)
def test_what_nobody_uses_is_a_warning(text: str, code: str, offender: str) -> None:
    clean, (place,) = unmark(text)
    report = check_text(clean, "t")
    assert errors(report) == []
    assert (code, place) in warnings(report)
    assert any(offender in d.message for d in report.diagnostics if d.code == code)


SIZED = """shapecheck: 1
params: {width: 4, widths: [1, 2], wide: false}
inputs: {image: [N, 3, H, W]}
dims: {N: 2, H: {size: 8, accepts: {min: 4}}}
layers:
  - {name: a, op: conv, out_channels: =width, kernel_size: 3}
  - {name: b, op: conv, out_channels: "=widths[1]", kernel_size: 1, when: =wide}
"""


def test_values_given_by_name_replace_params_and_dimensions() -> None:
    network = loads(SIZED, width=16, H=20, W=10)
    assert network.sizes == {"N": 2, "H": 20, "W": 10}
    assert propagate(network)["a"].output == (2, 16, 18, 8)
    wide = loads(SIZED, wide=True, widths=[1, 7])
    output = propagate(wide)["b"].output
    assert output is not None
    assert [str(size) for size in output] == ["2", "7", "6", "W - 2"]


@pytest.mark.parametrize("name", ["widht", "X", "", "a"])
def test_a_name_that_the_file_does_not_have_is_a_mistake_of_the_caller(name: str) -> None:
    with pytest.raises(TypeError, match=f"no param or dimension '{name}'"):
        loads(SIZED, **{name: 3})


@pytest.mark.parametrize("values", [{"N": 0}, {"H": -3}, {"N": 2.5}, {"N": "3"}, {"N": True}, {"W": [1]}])
def test_a_size_that_is_none_is_told_at_the_input_that_has_it(values: dict[str, Any]) -> None:
    with pytest.raises(NetworkError) as caught:
        loads(SIZED, **values)
    (found,) = [d for d in caught.value.diagnostics if d.severity is Severity.ERROR]
    assert (found.code, found.span.start.line) == ("SC011", 3)


@pytest.mark.parametrize("values", [{"width": 0}, {"width": 2.5}, {"width": [1]}, {"widths": [1]}])
def test_a_value_that_does_not_fit_its_place_is_an_error_of_the_network(values: dict[str, Any]) -> None:
    with pytest.raises(NetworkError) as caught:
        loads(SIZED, wide=True, **values)
    assert all(d.span.start.line in (6, 7) for d in caught.value.diagnostics)


def test_a_network_error_holds_the_diagnostics() -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 3]}\nlayers:\n  - {op: relux}\n"
    with pytest.raises(NetworkError, match=r"<string>:4:10: SC013") as caught:
        loads(text)
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.start) == ("SC013", Position(4, 10))
