"""One question on one size, solved for all n: against asking every n, and against the question's own period."""

from __future__ import annotations

import random

import pytest
from amounts import sampled
from random_sizes import GENERAL, Made, both, floor, plus, random_size, rest, start, times

from shapecheck.analysis.sizes import conditions
from shapecheck.analysis.sizes.conditions import solve
from shapecheck.analysis.sizes.periodic import TooLarge
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.arithmetic.quasi_affine import never_falls, quasi_affine
from shapecheck.arithmetic.symbolic import Affine, Size, Symbolic, at_least, divides, same
from shapecheck.layers.context import Question

FAR = 900


def holds(question: Question, n: int) -> bool:
    def value(size: Size) -> int:
        return size if isinstance(size, int) else size.at({"n": n})

    left, right = value(question.left), value(question.right)
    if question.kind == "divides":
        return left % right == 0
    return left == right if question.kind == "equal" else left >= right


def require_solved(question: Question, far: int = FAR) -> SizeSet:
    found = solve(question, "n")
    wrong = [n for n in range(1, far) if (n in found) != holds(question, n)]
    assert not wrong, (str(question), found.condition, wrong[:9])
    return found


def random_question(rng: random.Random, wild: bool) -> Question:
    size = random_size(rng, 5, wild)
    kind = rng.choice(["at_least", "equal", "equal", "divides"])
    if kind == "divides":
        return Question(kind, size.size, rng.randint(1, 12))
    if kind == "equal" and rng.random() < 0.7:
        other = random_size(rng, 5, wild)
        if not wild and rng.random() < 0.7:
            # Two branches of one network: the same but for rounding.
            s = rng.choice([2, 3, 4, 6])
            one = plus(times(floor(plus(size, rng.randint(-3, 3)), s), s), rng.randint(-2, 2))
            return Question(kind, one.size, plus(size, rng.randint(-2, 2)).size)
        return Question(kind, size.size, other.size)
    return Question(kind, size.size, rng.randint(-30, 60))


def sizes(question: Question) -> list[Symbolic]:
    return [s for s in (question.left, question.right) if isinstance(s, Symbolic)]


@pytest.mark.parametrize("wild", [False, True])
@pytest.mark.parametrize("seed", sampled(range(40), 4))
def test_every_answer_is_that_of_asking_every_size(seed: int, wild: bool) -> None:
    rng = random.Random(f"{seed} {wild}")
    empty = full = 0
    for _ in range(20):
        found = require_solved(random_question(rng, wild))
        empty += found.empty
        full += found.every
    assert empty < 20 and full < 20


def test_the_questions_are_of_every_form() -> None:
    """Otherwise the test above would ask less than it seems to."""
    seen = {"affine": 0, "rising": 0, "window": 0, "sieve": 0, "constant": 0, "equal slopes": 0, "other slopes": 0}
    for seed in range(40):
        for wild in (False, True):
            rng = random.Random(f"{seed} {wild}")
            for _ in range(20):
                question = random_question(rng, wild)
                if not sizes(question):
                    seen["constant"] += 1
                elif all(isinstance(s, Affine) for s in sizes(question)):
                    seen["affine"] += 1
                elif question.kind == "divides":
                    seen["sieve"] += 1
                elif never_falls(question.left - question.right):
                    seen["rising"] += 1
                else:
                    seen["window"] += 1
                if question.kind == "equal" and len(sizes(question)) == 2:
                    difference = question.left - question.right
                    level = isinstance(difference, int) or quasi_affine(difference).rise == 0
                    seen["equal slopes" if level else "other slopes"] += 1
    assert min(seen.values()) > 10, seen


def test_the_normal_form_and_the_general_one_are_one_arithmetic() -> None:
    affine = 0
    for seed in range(1_500):
        made = random_size(random.Random(seed), 7)
        affine += isinstance(made.size, Affine)
        for n in (1, 2, 3, 5, 7, 12, 30, 97, 1_000):
            mine = made.size if isinstance(made.size, int) else made.size.at({"n": n})
            theirs = made.general if isinstance(made.general, int) else made.general.at({"n": n})
            assert mine == theirs == made.at(n), (made.text, n)
        assert isinstance(made.size, int) == isinstance(made.general, int) or made.size != made.general
        if made.size == made.general:
            assert hash(made.size) == hash(made.general)
        if isinstance(made.size, Affine):
            assert not isinstance(made.general, Affine)
            bound = made.size.lower_bound()
            assert bound == made.at(1)
    assert affine > 500


@pytest.mark.parametrize("seed", range(30))
def test_the_normal_form_is_closed_under_what_it_says(seed: int) -> None:
    rng = random.Random(seed)
    m = start()
    for _ in range(12):
        factor = m.size.factor
        step = rng.choice(["plus", "times", "multiple", "divisor"])
        if step == "plus":
            m = plus(m, rng.randint(-40, 40))
        elif step == "times":
            m = times(m, rng.randint(1, 4))
        elif step == "multiple":
            m = floor(m, factor * rng.randint(1, 4))
        else:
            m = floor(m, rng.choice([d for d in range(1, factor + 1) if factor % d == 0]))
        assert isinstance(m.size, Affine), m.text
        assert 0 <= m.size.shift < m.size.divisor and m.size.factor >= 1
    for n in range(1, 400):
        assert m.size.at({"n": n}) == m.at(n)


def test_what_is_said_at_once_of_every_size_is_true() -> None:
    said = 0
    for seed in range(1_500):
        rng = random.Random(seed)
        size, other = random_size(rng).size, random_size(rng, 2).size
        for kind, answer, right in (
            ("equal", same(size, other), other),
            ("at_least", at_least(size, 1), 1),
            ("divides", divides(3, size), 3),
        ):
            if answer is not None:
                said += 1
                assert all(holds(Question(kind, size, right), n) is answer for n in range(1, 200)), (size, kind, right)
    assert said > 300


def test_bounds_and_period_hold_for_all() -> None:
    """f(n + P) = f(n) + D, and αn − lo <= f(n) <= αn + hi: all else rests on it."""
    for seed in range(700):
        size = random_size(random.Random(seed)).size
        f = quasi_affine(size)
        for n in (*range(1, 60), 997, 10_007):
            value = size if isinstance(size, int) else size.at({"n": n})
            later = size if isinstance(size, int) else size.at({"n": n + f.period})
            assert later == value + f.rise, str(size)
            assert f.slope * n - f.lo <= value <= f.slope * n + f.hi, str(size)
        if never_falls(size):
            values = [size if isinstance(size, int) else size.at({"n": n}) for n in range(1, 200)]
            assert values == sorted(values), str(size)


def affine(factor: int, shift: int, divisor: int, offset: int) -> Affine:
    return Affine("n", factor, shift, divisor, offset)


def test_the_closed_forms_in_full() -> None:
    """All normal forms with small numbers: every threshold, value, divisor and pair of equal slopes."""
    forms = [affine(a, c, b, d) for a in (1, 2, 3) for b in (1, 2, 3, 4) for c in range(b) for d in (-3, 0, 1)]
    for form in forms:
        for number in (-5, 0, 1, 4, 9):
            require_solved(Question("at_least", form, number), 60)
            require_solved(Question("equal", form, number), 60)
            require_solved(Question("equal", number, form), 60)
        for q in (1, 2, 3, 4, 6):
            require_solved(Question("divides", form, q), 80)
    equal = [(f, g) for f in forms for g in forms if f.factor * g.divisor == g.factor * f.divisor]
    assert len(equal) > 500
    for f, g in equal:
        require_solved(Question("equal", f, g), 60)


def test_slopes_that_differ_meet_finitely_often() -> None:
    for seed in range(60):
        rng = random.Random(seed)
        one = affine(rng.randint(1, 4), rng.randint(0, 5), rng.randint(1, 6), rng.randint(-20, 20))
        other = affine(rng.randint(1, 4), rng.randint(0, 5), rng.randint(1, 6), rng.randint(-20, 20))
        found = require_solved(Question("equal", one, other), 2_000)
        if one.factor * other.divisor != other.factor * one.divisor:
            assert found.bounded_above
            assert all(n < 2_000 for n in found)


def test_integers_are_as_large_as_they_come() -> None:
    tower: Made = start()
    for _ in range(64):
        tower = floor(tower, 2)
    up = tower
    for _ in range(64):
        up = times(up, 2)
    assert solve(Question("equal", up.size, Symbolic.of("n")), "n").condition == f"n % {2**64} == 0"
    assert solve(Question("at_least", tower.size, 1), "n").condition == f"n >= {2**64}"
    assert solve(Question("equal", tower.size, 3), "n").condition == f"{3 * 2**64} <= n <= {4 * 2**64 - 1}"
    assert solve(Question("divides", tower.size, 3), "n").smallest == 1
    assert 3 * 2**64 in solve(Question("divides", tower.size, 3), "n")
    assert 2**64 not in solve(Question("divides", tower.size, 3), "n")


@pytest.mark.parametrize("levels", [60, 90, 300])
def test_a_threshold_of_the_general_form_may_lie_far_out(levels: int) -> None:
    m = floor(plus(times(start(), 3), 1), 2)
    for _ in range(levels):
        m = floor(plus(m, 1), 3)
    m = floor(times(m, 2), 5)
    assert not isinstance(m.size, Affine)
    first = solve(Question("at_least", m.size, 1), "n").smallest
    assert first is not None and m.at(first) >= 1 and m.at(first - 1) < 1
    few = solve(Question("equal", m.size, 1), "n")
    assert few.smallest == first and few.high is not None
    assert m.at(few.high) == 1 and m.at(few.high + 1) == 2


def test_a_product_of_sizes_is_solved_where_it_rises() -> None:
    square = Symbolic.of("n") * Symbolic.of("n")
    half = Symbolic.of("n") // 2
    assert require_solved(Question("equal", square * 4, 400)).condition == "n == 10"
    assert require_solved(Question("equal", square * 4, 401)).empty
    assert require_solved(Question("equal", half * half * 3, 75)).condition == "10 <= n <= 11"
    assert require_solved(Question("at_least", square, 50)).condition == "n >= 8"
    assert require_solved(Question("divides", square, 8)).condition == "n % 4 == 0"
    assert require_solved(Question("equal", square, Symbolic.of("n") * 3)).condition == "n == 3"


def test_the_budget_refuses_before_it_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def counting(size: Size, name: str, n: int) -> int:
        nonlocal asked
        asked += 1
        return size if isinstance(size, int) else size.at({name: n})

    monkeypatch.setattr(conditions, "value_at", counting)
    monkeypatch.setattr(conditions, "MOST_TRIED", 1_000)
    m = rest(both(floor(times(start(), 3), 7), floor(times(start(), 5), 11), 1), 2)
    within, beyond = Question("equal", m.size, 1), Question("divides", floor(times(m, 7), 13).size + GENERAL, 101)
    solve(within, "n")
    assert 0 < asked <= 2_000
    asked = 0
    with pytest.raises(TooLarge):
        solve(beyond, "n")
    assert asked == 0
    with pytest.raises(TooLarge):
        solve(Question("equal", affine(1, 0, 997, 0) * 991, affine(1, 0, 991, 0) * 991), "n")
    large = floor(times(start(), 1_000_000_007), 1_000_000_009)
    with pytest.raises(TooLarge):
        solve(Question("equal", large.size, Symbolic.of("n") - 5), "n")
    assert asked == 0
