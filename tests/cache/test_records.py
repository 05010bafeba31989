"""Records survive the way through JSON, and what is no record is refused."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Optional

import pytest
from amounts import examples
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.cache.codec import NotARecord, decode, encode
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


GOOD: dict[str, Any] = {"inner": {"pair": [1, "a"]}, "many": [{"pair": [2, "b"]}], "anything": [1], "number": 3}


def test_records_in_records() -> None:
    found = decode(Outer, GOOD)
    assert found == Outer(Inner((1, "a")), [Inner((2, "b"))], [1], 3.0)
    assert type(found.number) is float and type(found.inner) is Inner
    assert decode(Outer, {**GOOD, "inner": None}).inner is None


@pytest.mark.parametrize(
    "change",
    [
        {"inner": {"pair": [1]}},
        {"inner": {"pair": ["a", 1]}},
        {"inner": {"pair": [True, "a"]}},
        {"inner": {}},
        {"inner": 3},
        {"many": {"pair": [2, "b"]}},
        {"many": [None]},
        {"number": "3"},
        {"number": True},
        {"more": 1},
    ],
)
def test_what_is_no_record_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NotARecord, match="Outer"):
        decode(Outer, {**GOOD, **change})


def test_a_word_outside_of_a_literal_is_refused() -> None:
    with pytest.raises(NotARecord, match=r"Plan\.level is 'thoroughly'"):
        decode(Plan, encode(Plan()) | {"level": "thoroughly"})


def test_what_cannot_be_encoded() -> None:
    with pytest.raises(TypeError, match="no part of a record"):
        encode(Outer(None, [], {1: 2}, 0.0))
