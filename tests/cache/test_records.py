"""Records survive the way through JSON, and what is no record is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pytest
from amounts import examples
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.cache.codec import NotARecord, by_name, decode, encode, of_line, to_line
from shapecheck.verification import Disagreement, LevelOutcome, NotChecked, Plan, Verification

SHAPES = st.none() | st.lists(st.integers(0, 2**70)).map(tuple)
WORDS = st.text()
DISAGREEMENTS = st.builds(Disagreement, WORDS, SHAPES, SHAPES, WORDS)
VERIFICATIONS = st.builds(
    Verification,
    st.sampled_from(["trace", "run"]),
    WORDS,
    st.sampled_from(["proved", "refuted", "not_checked"]),
    st.integers(0),
    st.lists(DISAGREEMENTS).map(tuple),
    st.lists(st.builds(NotChecked, st.none() | WORDS, WORDS)).map(tuple),
    st.dictionaries(WORDS, st.integers()),
    st.floats(0, 1e9),
    st.lists(st.builds(LevelOutcome, seconds=st.floats(0, 1e9))).map(tuple),
    st.booleans(),
)


@given(VERIFICATIONS)
@examples(25)
def test_a_verification_survives(found: Verification) -> None:
    text = json.dumps(encode(found))
    back = decode(Verification, json.loads(text))
    # As text, for no number that is none equals itself.
    assert json.dumps(encode(back)) == text
    assert repr(back) == repr(found)


@given(st.builds(Plan))
def test_a_plan_survives(plan: Plan) -> None:
    assert decode(Plan, json.loads(json.dumps(encode(plan)))) == plan


class Inner(NamedTuple):
    pair: tuple[int, str]


class Outer(NamedTuple):
    inner: Optional[Inner]
    many: list[Inner]
    anything: Any
    number: float


GOOD: list[Any] = [[[1, "a"]], [[[2, "b"]]], [1], 3]


def test_records_in_records() -> None:
    found = decode(Outer, GOOD)
    assert found == Outer(Inner((1, "a")), [Inner((2, "b"))], [1], 3.0)
    assert type(found.number) is float and type(found.inner) is Inner
    assert decode(Outer, [None, *GOOD[1:]]).inner is None


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        (0, [[1]], r"Outer\.inner"),
        (0, [["a", 1]], r"Outer\.inner"),
        (0, [[True, "a"]], r"Outer\.inner"),
        (0, [], r"Outer\.inner"),
        (0, 3, r"Outer\.inner"),
        (1, {"0": [[2, "b"]]}, r"Outer\.many is"),
        (1, [[[2, "b"]], None], r"Outer\.many\[1\] is None"),
        (1, [[[2, 3]]], r"Outer\.many\[0\]\.pair\[1\] is 3"),
        (3, "3", r"Outer\.number"),
        (3, True, r"Outer\.number"),
    ],
)
def test_what_is_no_record_is_refused(field: int, value: Any, place: str) -> None:
    with pytest.raises(NotARecord, match=place):
        decode(Outer, [*GOOD[:field], value, *GOOD[field + 1 :]])


def test_a_field_more_or_less_is_refused() -> None:
    for wrong in ([*GOOD, 1], GOOD[:-1], {}):
        with pytest.raises(NotARecord, match="Outer is"):
            decode(Outer, wrong)


class Color(StrEnum):
    RED = "red"


class Entry(NamedTuple):
    number: int


ENTRIES = {"one": Entry(1)}


class Drawn(NamedTuple):
    color: Color
    place: Path
    by: Mapping[str, Color]
    entry: Entry


def test_enumerations_paths_and_entries_of_a_table() -> None:
    by_name(Entry, lambda entry: next(name for name, one in ENTRIES.items() if one == entry), ENTRIES.__getitem__)
    drawn = Drawn(Color.RED, Path("a/b"), {"x": Color.RED}, ENTRIES["one"])
    assert to_line(drawn) == '["red", "a/b", {"x": "red"}, "one"]'
    back = of_line(Drawn, to_line(drawn))
    assert back == drawn and type(back.color) is Color and back.entry is ENTRIES["one"]
    for line, place in (
        ('["blue", "a", {}, "one"]', "Drawn.color is 'blue'"),
        ('["red", 3, {}, "one"]', "Drawn.place is 3"),
        ('["red", "a", {"x": 1}, "one"]', r"Drawn.by\['x'\] is 1"),
        ('["red", "a", {}, "two"]', "Drawn.entry is 'two'"),
    ):
        with pytest.raises(NotARecord, match=place):
            of_line(Drawn, line)


def test_a_word_outside_of_a_literal_is_refused() -> None:
    with pytest.raises(NotARecord, match=r"Plan\.level is 'thoroughly'"):
        decode(Plan, ["thoroughly", *encode(Plan())[1:]])


def test_what_cannot_be_encoded() -> None:
    with pytest.raises(TypeError, match="no part of a record"):
        encode(Outer(None, [], {1: 2}, 0.0))
