"""Names, blocks, copies, params, circles: what a file's words lead to, and what is said where they lead nowhere."""

from __future__ import annotations

import time
from typing import Any

import pytest
from marked import HEAD, accepted, errors, layers, refused, shape, unmark

from shapecheck import NetworkError, loads, propagate
from shapecheck.diagnostics import Position, Severity
from shapecheck.linter import Report, check_text
from shapecheck.spec.limits import DEFAULT_LIMITS

BLOCKS = """blocks:
  one:
    params: {channels: 4, stride: 1}
    layers:
      - {name: conv, op: conv, out_channels: =channels, kernel_size: 3, stride: =stride, padding: 1}
      - {op: relu}
  two:
    inputs: [left, right]
    layers:
      - {name: sum, op: add, from: [left, right]}
  free:
    params: {channels: null}
    layers:
      - {op: conv, out_channels: =channels, kernel_size: 1}
"""


def with_blocks(*lines: str, blocks: str = BLOCKS) -> str:
    return HEAD + blocks + "layers:\n" + "".join(f"  - {line}\n" for line in lines)


def names(report: Report) -> list[str]:
    assert report.network is not None
    return [node.name for node in report.network.layers]


def reads(report: Report) -> dict[str, list[str]]:
    """Return what each layer reads."""
    assert report.network is not None
    nodes = report.network.nodes
    return {node.name: [nodes[index].name for index in node.inputs] for node in report.network.layers}


def warnings(report: Report) -> list[tuple[str, Position]]:
    return [(d.code, d.span.start) for d in report.diagnostics if d.severity is Severity.WARNING]


# --- names ----------------------------------------------------------------------------------------------------------


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


# --- blocks ---------------------------------------------------------------------------------------------------------


def test_a_block_s_layers_stand_under_its_name() -> None:
    report = accepted(with_blocks("{name: first, block: one}", "{block: one, with: {channels: 6, stride: 2}}"))
    assert names(report) == ["first.conv", "first.relu_1", "one_1.conv", "one_1.relu_1"]
    assert shape(report, "first.relu_1") == (2, 4, 8, 8)
    assert shape(report, "one_1.relu_1") == (2, 6, 4, 4)
    assert reads(report)["one_1.conv"] == ["first.relu_1"]


def test_a_block_s_name_means_its_output_and_inner_names_can_be_read() -> None:
    report = accepted(
        with_blocks(
            "{name: a, block: one}",
            "{name: out, op: tanh, from: a}",
            "{name: inner, op: tanh, from: a.conv}",
            "{name: join, block: two, from: [out, inner]}",
        )
    )
    assert reads(report)["out"] == ["a.relu_1"]
    assert reads(report)["inner"] == ["a.conv"]
    assert reads(report)["join.sum"] == ["out", "inner"]


def test_a_block_s_output_may_be_another_layer_than_its_last() -> None:
    blocks = "blocks:\n  b:\n    output: first\n    layers:\n      - {name: first, op: relu}\n      - {op: tanh}\n"
    report = accepted(with_blocks("{name: a, block: b}", "{name: out, op: selu}", blocks=blocks))
    assert reads(report)["out"] == ["a.first"]


def test_an_output_that_a_block_does_not_have_is_told_whether_or_not_it_is_read() -> None:
    blocks = "blocks:\n  b:\n    output: ⟦nowhere⟧\n    layers:\n      - {name: first, op: relu}\n"
    refused(with_blocks("{name: a, block: b}", blocks=blocks), "SC101", "nowhere")
    refused(with_blocks("{name: a, block: b}", "{op: relu, from: a}", "{op: relu}", blocks=blocks), "SC101", "nowhere")


def test_a_block_reads_its_own_inputs_and_not_those_of_the_file() -> None:
    blocks = "blocks:\n  b:\n    layers:\n      - {op: add, from: [input, input]}\n"
    report = accepted(with_blocks("{name: a, op: relu}", "{name: c, block: b}", blocks=blocks))
    assert reads(report)["c.add_1"] == ["a", "a"]


@pytest.mark.parametrize(
    ("lines", "code", "offender"),
    [
        (["{block: ⟦onee⟧}"], "SC108", "onee"),
        (["{block: two, from: ⟦[x, x, x]⟧}"], "SC115", "two"),
        (["{block: ⟦two⟧}"], "SC115", "left, right"),
        (["{block: one, with: {⟦chanels⟧: 3}}"], "SC109", "chanels"),
        (["{block: one, with: {channels: ⟦0⟧}}"], "SC011", "out_channels"),
        (["{block: ⟦free⟧}"], "SC110", "channels"),
        (["{block: one, ⟦channels⟧: 3}"], "SC008", "channels"),
        (["{op: relu, ⟦block⟧: one}"], "SC012", "op"),
        (["{block: one, repeat: ⟦-1⟧}"], "SC011", "repeat"),
        (["{block: one, repeat: ⟦1.5⟧}"], "SC011", "repeat"),
        (["{block: one, repeat: ⟦many⟧}"], "SC011", "many"),
        (["{block: one, repeat: ⟦1000000000⟧}"], "SC117", "1,000,000,000"),
        (["{block: one, with: {channels: =⟦width⟧}}"], "SC109", "width"),
        (["{block: one, with: ⟦[1]⟧}"], "SC010", "with"),
    ],
)
def test_placing_a_block_wrongly(lines: list[str], code: str, offender: str) -> None:
    text = with_blocks(*lines)
    if "channels: ⟦0⟧" in text:
        # What is wrong is the value that the block's layer gets from its param.
        clean, _ = unmark(text)
        assert [(d.code, offender in d.message) for d in errors(check_text(clean, "t"))] == [(code, True)]
    else:
        refused(text, code, offender)


def test_params_of_a_block_hide_those_of_the_file_and_see_none_of_the_caller_s() -> None:
    blocks = """params: {width: 5}
blocks:
  inner:
    layers:
      - {name: c, op: conv, out_channels: =width, kernel_size: 1}
  outer:
    params: {width: 7, extra: =width * 2}
    layers:
      - {name: c, op: conv, out_channels: =width, kernel_size: 1}
      - {name: d, op: conv, out_channels: =extra, kernel_size: 1}
      - {name: in, block: inner}
"""
    report = accepted(with_blocks("{name: a, block: outer}", blocks=blocks))
    assert shape(report, "a.c") == (2, 7, 8, 8)
    assert shape(report, "a.d") == (2, 14, 8, 8)
    assert shape(report, "a.in.c") == (2, 5, 8, 8)
    hidden = blocks.replace("params: {width: 5}\n", "").replace(
        "=width, kernel_size: 1}\n  outer", "=⟦width⟧, kernel_size: 1}\n  outer"
    )
    refused(with_blocks("{name: a, block: outer}", blocks=hidden), "SC109", "width")


def test_repeat_chains_copies_and_index_counts_them() -> None:
    report = accepted(
        with_blocks(
            "{name: stage, block: one, repeat: 3, with: {channels: =4 + index}}", "{op: tanh, from: stage.0.conv}"
        )
    )
    assert names(report)[:4] == ["stage.0.conv", "stage.0.relu_1", "stage.1.conv", "stage.1.relu_1"]
    assert [shape(report, f"stage.{i}.conv") for i in range(3)] == [(2, 4 + i, 8, 8) for i in range(3)]
    assert reads(report)["stage.1.conv"] == ["stage.0.relu_1"]
    assert reads(report)["tanh_1"] == ["stage.0.conv"]


def test_index_is_known_inside_a_copy_and_nowhere_else() -> None:
    blocks = "blocks:\n  b:\n    layers:\n      - {name: c, op: conv, out_channels: =index + 1, kernel_size: 1}\n"
    report = accepted(with_blocks("{name: s, block: b, repeat: 2}", blocks=blocks))
    assert shape(report, "s.1.c") == (2, 2, 8, 8)
    refused(with_blocks("{name: s, block: b}", blocks=blocks.replace("=index", "=⟦index⟧")), "SC109", "index")


def test_no_copies_leave_what_was_above() -> None:
    report = accepted(with_blocks("{name: a, op: relu}", "{name: s, block: one, repeat: 0}", "{name: b, op: tanh}"))
    assert reads(report)["b"] == ["a"]
    assert reads(accepted(with_blocks("{name: s, block: one, repeat: 0}", "{op: tanh, from: s}")))["tanh_1"] == ["x"]


def test_a_mistake_in_a_block_is_told_once_for_all_its_copies() -> None:
    blocks = "blocks:\n  b:\n    layers:\n      - {op: ⟦conv⟧, out_channels: 3, kernel_size: 9}\n"
    text = with_blocks("{name: s, block: b, repeat: 4, from: x}", "{name: t, block: b, from: x}", blocks=blocks)
    clean, _ = unmark(text)
    (found,) = errors(check_text(clean, "t"))
    assert found.code == "SC204"
    assert found.layer == "s.0.conv_1"
    assert "t.conv_1" in found.message


# --- when and recursion ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stride", "read"), [(1, "x"), (2, "short")])
def test_when_leaves_a_layer_out_and_its_readers_read_what_it_would_have_read(stride: int, read: str) -> None:
    text = f"params: {{stride: {stride}}}\n" + layers(
        "{name: main, op: max_pool, kernel_size: 1, stride: =stride}",
        "{name: short, op: max_pool, kernel_size: 1, stride: =stride, from: x, when: =stride != 1}",
        "{name: sum, op: add, from: [main, short]}",
    )
    report = accepted(text)
    assert reads(report)["sum"] == ["main", read]
    assert ("short" in names(report)) == (stride == 2)


@pytest.mark.parametrize(
    ("condition", "kept"), [("true", True), ("false", False), ("=1", True), ("=0", False), ("1", True)]
)
def test_conditions(condition: str, kept: bool) -> None:
    report = accepted(layers("{name: a, op: relu, when: " + condition + "}", "{op: tanh}"))
    assert ("a" in names(report)) == kept


@pytest.mark.parametrize("condition", ["⟦maybe⟧", "⟦[true]⟧", "⟦1.5⟧"])
def test_a_condition_is_true_or_false(condition: str) -> None:
    refused(layers("{op: relu, when: " + condition + "}", "{op: tanh}"), "SC011", "when")


UNET = """params: {depth: 3}
blocks:
  level:
    params: {depth: null}
    layers:
      - {name: down, op: max_pool, kernel_size: 2, when: =depth > 0}
      - {name: next, block: level, with: {depth: =depth - 1}, when: =depth > 0}
      - {name: up, op: upsample, scale_factor: 2, when: =depth > 0}
      - {name: skip, op: concat, from: [input, up], when: =depth > 0}
      - {name: core, op: relu, when: =depth == 0}
"""


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_block_may_place_itself(depth: int) -> None:
    report = accepted(with_blocks("{name: net, block: level, with: {depth: =depth}}", blocks=UNET), depth=depth)
    assert len([name for name in names(report) if name.endswith("down")]) == depth
    last = names(report)[-1] if depth else "net.core"
    assert shape(report, last) == (2, 3 * (depth + 1), 8, 8)


def test_a_block_without_an_end() -> None:
    blocks = "blocks:\n  b:\n    layers:\n      - {block: ⟦b⟧}\n"
    found = refused(with_blocks("{block: b}", blocks=blocks), "SC116", "b", "100")
    assert found.help is not None
    assert "when" in found.help
    both = "blocks:\n  b:\n    layers: [{block: c}, {block: c}]\n  c:\n    layers: [{block: b}, {block: b}]\n"
    started = time.monotonic()
    assert [d.code for d in errors(check_text(with_blocks("{block: b}", blocks=both), "t"))] == ["SC116"]
    assert time.monotonic() - started < 2


def test_the_bounds_on_blocks_can_be_raised() -> None:
    blocks = """params: {depth: 0}
blocks:
  level:
    params: {depth: null}
    layers:
      - {op: relu}
      - {name: next, block: level, with: {depth: =depth - 1}, when: =depth > 0}
"""
    deep = with_blocks("{name: net, block: level, with: {depth: =depth}}", blocks=blocks)
    assert [d.code for d in errors(check_text(deep, "t", {"depth": 150}))] == ["SC116"]
    report = accepted(deep, DEFAULT_LIMITS._replace(block_depth=200), depth=150)
    assert len(names(report)) == 151
    many = with_blocks("{name: s, block: one, repeat: 30}")
    assert [d.code for d in errors(check_text(many, "t", limits=DEFAULT_LIMITS._replace(repeat=20)))] == ["SC117"]
    few = check_text(many, "t", limits=DEFAULT_LIMITS._replace(layers=40))
    assert [d.code for d in errors(few)] == ["SC118"]
    assert "40" in errors(few)[0].message
    assert few.network is None
    accepted(many, DEFAULT_LIMITS._replace(layers=61))


def test_long_expressions_in_deep_blocks_do_not_overflow() -> None:
    """Both recurse in Python: the deepest blocks with the longest expression must still end in words."""
    blocks = """params: {depth: 0}
blocks:
  level:
    params: {depth: null}
    layers:
      - {op: conv, out_channels: "=LONG", kernel_size: 1, when: =depth == 0}
      - {name: next, block: level, with: {depth: =depth - 1}, when: =depth > 0}
"""
    text = with_blocks("{name: net, block: level, with: {depth: =depth}}", blocks=blocks)
    for terms in (100, 300, 400, 490):
        report = check_text(text.replace("LONG", "+".join(["1"] * terms)), "t", {"depth": 98})
        assert {d.code for d in errors(report)} <= {"SC015"}
        assert terms > 100 or not errors(report)


def test_copies_of_copies_stop_at_the_bound_on_layers() -> None:
    lines = "".join(f"  b{i}: {{layers: [{{block: b{i + 1}, repeat: 10}}]}}\n" for i in range(30))
    blocks = "blocks:\n" + lines + "  b30: {layers: [{op: relu}]}\n"
    started = time.monotonic()
    report = check_text(with_blocks("{block: b0}", blocks=blocks), "t", limits=DEFAULT_LIMITS._replace(layers=2_000))
    assert [d.code for d in errors(report)] == ["SC118"]
    assert time.monotonic() - started < 5


# --- circles --------------------------------------------------------------------------------------------------------


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


# --- what is said without use ---------------------------------------------------------------------------------------


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


# --- values from outside --------------------------------------------------------------------------------------------

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
