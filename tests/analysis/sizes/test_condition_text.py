"""The words for a set say what the set is: they are read back by a program of their own and give the same members."""

from __future__ import annotations

import random

import condition_text
import pytest
from random_sets import LIMIT, random_set

from shapecheck.analysis.sizes.periodic import EVERYTHING, Periodic, cyclic
from shapecheck.analysis.sizes.size_set import SizeSet


def require_same(s: SizeSet, stop: int) -> bool:
    """Compare a set with its own words; False where they leave something out, and say how much."""
    rule = condition_text.read(s.condition, s.name)
    if rule is None:
        return False
    different = [n for n in range(1, stop) if (n in s) != (n in rule)]
    assert len(different) == rule.hidden, (s.condition, different[:9])
    return rule.hidden == 0


def test_words_of_random_sets_say_what_the_set_is() -> None:
    complete = 0
    for seed in range(1_500):
        s, model = random_set(random.Random(seed))
        complete += require_same(s, 600)
        assert bool(model) != s.condition.startswith("no ")
    assert complete > 1_300


def listing(*numbers: int) -> Periodic:
    return Periodic(64, tuple((n, n + 1) for n in sorted(numbers)))


@pytest.mark.parametrize(
    ("s", "text"),
    [
        (SizeSet("H"), "every H >= 1"),
        (SizeSet("H", 1, 0), "no H works"),
        (SizeSet("H", 2001), "H >= 2001"),
        (SizeSet("W", 1, None, cyclic(0, 1, 32)), "W % 32 == 0"),
        (SizeSet("H", 32, None, cyclic(0, 1, 32)), "H % 32 == 0"),
        (SizeSet("H", 33, None, cyclic(0, 1, 32)), "H >= 64 and H % 32 == 0"),
        (SizeSet("H", 188, None, cyclic(12, 1, 16)), "H >= 188 and H % 16 == 12"),
        (SizeSet("H", 1, None, cyclic(63, 4, 64)), "H % 64 in {63, 0, 1, 2}"),
        (SizeSet("H", 63, None, cyclic(63, 4, 64)), "H >= 63 and H % 64 in {63, 0, 1, 2}"),
        (SizeSet("H", 1, None, cyclic(1, 3, 4)), "H % 4 != 0"),
        (SizeSet("H", 1, None, cyclic(2, 14, 16)), "H % 16 not in {0, 1}"),
        (SizeSet("H", 193, 224), "193 <= H <= 224"),
        (SizeSet("H", 193, 193), "H == 193"),
        (SizeSet("H", 5, 9, EVERYTHING, [7]), "H in {5, 6, 8, 9}"),
        (SizeSet("H", 1, 0, EVERYTHING, (), [2, 40, 9]), "H in {2, 9, 40}"),
        (SizeSet("H", 1, None, EVERYTHING, [3, 8]), "every H >= 1 except 3, 8"),
        (SizeSet("H", 1, None, EVERYTHING, [1, 2, 9]), "H >= 3 except 9"),
        (SizeSet("H", 20, None, cyclic(0, 1, 5), [], [3]), "H >= 20 and H % 5 == 0, and 3"),
        (SizeSet("H", 20, None, cyclic(0, 1, 5), [], [15, 10, 3]), "H >= 10 and H % 5 == 0, and 3"),
        (SizeSet("H", 32, 1024, cyclic(0, 1, 32)), "32 <= H <= 1024 and H % 32 == 0"),
        (SizeSet("H", 30, 1030, cyclic(0, 1, 32)), "32 <= H <= 1024 and H % 32 == 0"),
        (
            SizeSet("H", 1, None, EVERYTHING, range(10, 30)),
            "every H >= 1 except 10, 11, 12, 13, 14, 15, 16, 17 and 12 more",
        ),
        (SizeSet("H", 1, None, cyclic(60, 20, 64)), "H % 64 in {60..15} (20 of 64)"),
        (
            SizeSet("H", 1, None, listing(*range(0, 40, 2))),
            "H % 64 in {0, 2, 4, 6, 8, 10, 12, 14, … in 20 runs} (20 of 64)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_shortest_true_words(s: SizeSet, text: str) -> None:
    assert s.condition == text
    require_same(s, LIMIT)


def test_a_list_cut_short_counts_what_it_leaves_out() -> None:
    rule = condition_text.read(SizeSet("H", 1, None, EVERYTHING, range(10, 30)).condition)
    assert rule is not None and rule.hidden == 12
    assert not require_same(SizeSet("H", 1, 0, EVERYTHING, (), range(100, 400, 7)), LIMIT)
    assert not require_same(SizeSet("H", 1, None, listing(*range(0, 40, 2))), LIMIT)


@pytest.mark.parametrize(
    "text", ["", "H", "H > 5", "W >= 5", "H % 4 = 0", "every H", "H >= 5 and", "H in {}", "H >= 1 except"]
)
def test_the_reader_takes_nothing_else(text: str) -> None:
    with pytest.raises(AssertionError):
        condition_text.read(text)
