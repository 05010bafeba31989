"""Blocks, copies, conditions, and blocks that place themselves."""

from __future__ import annotations

import pytest
from marked import accepted, errors, layers, names, reads, refused, shape, unmark, with_blocks
from steps import within
from texts import check_text

from shapecheck.findings.limits import DEFAULT_LIMITS


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
    report = within(100_000, lambda: check_text(with_blocks("{block: b}", blocks=both), "t"))
    assert [d.code for d in errors(report)] == ["SC116"]


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
    text, limits = with_blocks("{block: b0}", blocks=blocks), DEFAULT_LIMITS._replace(layers=2_000)
    report = within(1_000_000, lambda: check_text(text, "t", limits=limits))
    assert [d.code for d in errors(report)] == ["SC118"]
