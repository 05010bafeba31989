"""A mistake in a block is told once for all copies in which it is the same, whatever the words and the numbers."""

from __future__ import annotations

import pytest
from texts import check_text

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.copies import merged
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Position, Span

PLACE = Span(Position(4, 1), Position(4, 9))
BLOCK = """shapecheck: 1
inputs: {{one: {one}, other: {other}}}
blocks:
  b:
    params: {{k: 3}}
    layers:
      - {{name: look, {layer}}}
layers:
  - {{name: first, block: b, from: one}}
  - {{name: second, block: b, from: other}}
  - {{name: third, block: b, from: other}}
outputs: [first, second, third]
"""


def found(layer: str, message: str = "does not fit", **more: object) -> Finding:
    return Finding.at("kernel-exceeds-input", layer, message, PLACE)._replace(**more)


def test_copies_are_told_as_one_by_the_first_of_them() -> None:
    told = merged([found("a.look", "5 into 3"), *(found(f"{name}.look", "9 into 4 rows") for name in "bcdef")])
    assert [d.message for d in told] == [
        "a.look: 5 into 3 (and likewise at b.look, c.look, d.look and 2 more)",
    ]
    assert told[0].subject == () and not told[0].headed


@pytest.mark.parametrize(
    "other",
    [
        {"subject": ("axis", 3)},
        {"severity": Severity.WARNING},
        {"span": Span(Position(5, 1), Position(5, 2))},
    ],
)
def test_what_is_about_something_else_is_told_by_itself(other: dict[str, object]) -> None:
    told = merged([found("a.look"), found("b.look"), found("c.look", **other)])
    assert [d.message for d in told] == ["a.look: does not fit (and likewise at b.look)", "c.look: does not fit"]


def test_several_findings_in_one_layer_stay_several() -> None:
    told = merged([found("a.look", "x"), found("a.look", "y"), found("b.look", "x"), found("b.look", "y")])
    assert [d.message for d in told] == ["a.look: x (and likewise at b.look)", "a.look: y (and likewise at b.look)"]


def test_the_name_of_the_first_is_added_where_the_message_does_not_begin_with_it() -> None:
    for text in ("nothing reads it", "a.look: this only looks like a heading"):
        told = merged([Finding.of("unused-layer", text, PLACE, name) for name in ("a.look", "b.look")])
        assert [d.message for d in told] == [f"{text} (at a.look, and likewise at b.look)"]


def test_what_belongs_to_no_layer_is_told_once_in_the_same_words() -> None:
    told = merged([Finding.of("unused-param", text, PLACE) for text in ("a 1", "a 2", "a 1")])
    assert [d.message for d in told] == ["a 1", "a 2"]


def test_a_fix_is_for_all_copies_or_for_none() -> None:
    fixes = [Fix("write", Applicability.SAFE, (Edit(PLACE, text),)) for text in ("1", "1", "2")]
    assert merged([found("a.look", fix=fixes[0]), found("b.look", fix=fixes[1])])[0].fix == fixes[0]
    assert merged([found("a.look", fix=fixes[0]), found("b.look", fix=fixes[2])])[0].fix is None


@pytest.mark.parametrize(
    ("one", "other", "layer", "messages"),
    [
        # The same axis, other numbers and other words.
        ("[1, 2, 4, 9]", "[1, 2, 3, 9]", "op: conv, out_channels: 1, kernel_size: 5", 1),
        # Height in one copy, width in the others.
        ("[1, 2, 4, 9]", "[1, 2, 9, 4]", "op: conv, out_channels: 1, kernel_size: 5", 2),
        # Rows alone, then rows and columns, are never read.
        ("[1, 2, 9, 8]", "[1, 2, 9, 9]", "op: max_pool, kernel_size: 2", 2),
        ("[1, 2, 9, 8]", "[1, 2, 11, 8]", "op: max_pool, kernel_size: 2", 1),
        # Another rank, another reason.
        ("[1, 2, 9]", "[1, 2, 4, 4]", "op: conv, out_channels: 1, kernel_size: [5]", 1),
    ],
)
def test_copies_in_a_file(one: str, other: str, layer: str, messages: int) -> None:
    report = check_text(BLOCK.format(one=one, other=other, layer=layer), "x")
    told = [d for d in report.diagnostics if d.layer is not None and d.layer.endswith(".look")]
    assert len(told) == messages, told


def test_another_kind_of_wrong_value_is_told_by_itself() -> None:
    text = BLOCK.format(one="[1, 2, 9]", other="[1, 2, 9]", layer="op: conv, out_channels: 1, kernel_size: =k")
    text = text.replace("from: one", "from: one, with: {k: 1.5}").replace("from: other", "from: other, with: {k: -1}")
    told = check_text(text, "x").diagnostics
    assert [d.message.count("likewise") for d in told] == [0, 1]


def test_a_dimension_may_be_called_what_a_message_says() -> None:
    """What was not decided for one size is not taken for a word about another."""
    text = "shapecheck: 1\ninputs: {x: [has, 8, size]}\nlayers: [{op: upsample, scale_factor: 1.2345678901}]\n"
    told = [d for d in check_text(text, "x").diagnostics if d.rule.name == "dimension-without-size"]
    assert [d.message.partition(" ")[0] for d in told] == ["size"]
