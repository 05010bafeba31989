"""Symbolic sizes against integers: the same arithmetic at every size, and answers that are never wrong."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.symbolic import Size, Symbolic

NAMES = ("a", "b", "c")
# Every name at several sizes, 1 among them, that hit many remainders.
POINTS: list[dict[str, int]] = [
    {"a": a, "b": b, "c": c} for a in (1, 2, 3, 5, 8, 13, 24, 36, 97) for b in (1, 2, 7, 12) for c in (1, 4, 9)
]


class Pair(NamedTuple):
    """An expression as Python text, and as a symbolic size made by the same operations."""

    text: str
    size: Size

    def at(self, point: Mapping[str, int]) -> int:
        return int(eval(self.text, {"__builtins__": {}}, dict(point)))

    def values(self) -> list[int]:
        return [self.at(point) for point in POINTS]


def value(size: Size, point: Mapping[str, int]) -> int:
    return size if isinstance(size, int) else size.at(point)


def values(size: Size) -> list[int]:
    return [value(size, point) for point in POINTS]


def binary(left: Pair, sign: str, right: Pair) -> Pair:
    apply: Mapping[str, Any] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
    }
    return Pair(f"({left.text} {sign} {right.text})", apply[sign](left.size, right.size))


def divided(inner: Pair, sign: str, divisor: int) -> Pair:
    size = inner.size // divisor if sign == "//" else inner.size % divisor
    return Pair(f"({inner.text} {sign} {divisor})", size)


LEAF = st.one_of(
    st.sampled_from(NAMES).map(lambda name: Pair(name, Symbolic.of(name))),
    st.integers(-9, 20).map(lambda number: Pair(str(number), number)),
)
EXPRESSION = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(binary, inner, st.sampled_from(["+", "-", "+", "-", "*"]), inner),
        st.builds(divided, inner, st.sampled_from(["//", "//", "%"]), st.integers(1, 9)),
        st.builds(lambda one, factor: binary(one, "*", Pair(str(factor), factor)), inner, st.integers(-3, 6)),
    ),
    max_leaves=7,
)
# A chain on one dimension, as a network makes it: strides, kernels, upsampling.
CHAIN = st.lists(
    st.one_of(
        st.tuples(st.just("//"), st.integers(1, 6)),
        st.tuples(st.just("*"), st.integers(1, 4)),
        st.tuples(st.just("+"), st.integers(-7, 7)),
    ),
    max_size=7,
)


def chained(steps: list[tuple[str, int]]) -> Pair:
    pair = Pair("a", Symbolic.of("a"))
    for sign, number in steps:
        pair = divided(pair, sign, number) if sign == "//" else binary(pair, sign, Pair(f"({number})", number))
    return pair


ANY = st.one_of(EXPRESSION, CHAIN.map(chained))


@given(ANY)
def test_it_is_exact(pair: Pair) -> None:
    assert values(pair.size) == pair.values()


@given(ANY)
def test_it_prints_what_it_means(pair: Pair) -> None:
    assert Pair(str(pair.size), pair.size).values() == pair.values()


@given(ANY)
def test_a_size_without_names_is_a_number(pair: Pair) -> None:
    if isinstance(pair.size, Symbolic):
        assert pair.size.names() <= set(NAMES)
        assert pair.size.names()
    else:
        assert len(set(pair.values())) == 1


@given(ANY, ANY)
def test_equal_sizes_are_equal_everywhere(left: Pair, right: Pair) -> None:
    if left.size == right.size:
        assert hash(left.size) == hash(right.size)
        assert left.values() == right.values()


@given(ANY, ANY)
def test_same_is_never_wrong(left: Pair, right: Pair) -> None:
    agree = [x == y for x, y in zip(left.values(), right.values(), strict=True)]
    answer = symbolic.same(left.size, right.size)
    assert answer is not True or all(agree)
    assert answer is not False or not any(agree)
    assert symbolic.same(left.size, left.size) is True
    assert symbolic.same(left.size, left.size + 1) is False


@given(ANY, st.integers(-50, 200))
def test_at_least_is_never_wrong(pair: Pair, bound: int) -> None:
    reached = [x >= bound for x in pair.values()]
    answer = symbolic.at_least(pair.size, bound)
    assert answer is not True or all(reached)
    assert answer is not False or not any(reached)


@given(ANY)
def test_a_lower_bound_is_one(pair: Pair) -> None:
    if isinstance(pair.size, Symbolic):
        bound = pair.size.lower_bound()
        assert bound is None or bound <= min(pair.values())


@given(st.integers(1, 12), ANY)
def test_divides_is_never_wrong(divisor: int, pair: Pair) -> None:
    divisible = [x % divisor == 0 for x in pair.values()]
    answer = symbolic.divides(divisor, pair.size)
    assert answer is not True or all(divisible)
    assert answer is not False or not any(divisible)


@given(ANY, ANY)
def test_a_quotient_is_exact(size: Pair, divisor: Pair) -> None:
    for dividend in (size, binary(size, "*", divisor)):
        found = symbolic.quotient(dividend.size, divisor.size)
        if found is not None:
            for point in POINTS:
                assert value(found, point) * divisor.at(point) == dividend.at(point)


@given(st.lists(ANY, max_size=4))
def test_a_product_is_that_of_its_factors(pairs: list[Pair]) -> None:
    found = symbolic.product(tuple(pair.size for pair in pairs))
    for point in POINTS[::7]:
        expected = 1
        for pair in pairs:
            expected *= pair.at(point)
        assert value(found, point) == expected


@given(ANY, st.dictionaries(st.sampled_from(NAMES), st.one_of(st.integers(1, 30), ANY), max_size=3))
def test_substitution_is_exact(pair: Pair, given_sizes: dict[str, Any]) -> None:
    assume(isinstance(pair.size, Symbolic))
    assert isinstance(pair.size, Symbolic)
    sizes = {name: one if isinstance(one, int) else one.size for name, one in given_sizes.items()}
    found = pair.size.substitute(sizes)
    for point in POINTS[::5]:
        inner = {name: value(sizes[name], point) if name in sizes else point[name] for name in NAMES}
        assert value(found, point) == pair.at(inner)


@pytest.mark.parametrize(
    ("simple", "other"),
    [
        (7, Symbolic.of("a")),
        (Symbolic.of("a"), Symbolic.of("a") // 2),
        (Symbolic.of("a") // 2, Symbolic.of("a") // 4),
        (Symbolic.of("a") // 4, Symbolic.of("a") * Symbolic.of("b")),
    ],
)
def test_the_simpler_size_is_the_one_with_less_to_it(simple: Size, other: Size) -> None:
    assert symbolic.simpler(simple, other) == simple
    assert symbolic.simpler(other, simple) == simple


@given(ANY, ANY)
def test_the_simpler_of_two_equal_sizes_is_one_of_them(left: Pair, right: Pair) -> None:
    found = symbolic.simpler(left.size, right.size)
    assert found in (left.size, right.size)


def n() -> Symbolic:
    return Symbolic.of("n")


@pytest.mark.parametrize(
    ("size", "bound", "answer"),
    [
        (n(), 1, True),
        (n(), 2, None),
        (n() + 3, 4, True),
        (n() * 2 - 5, -3, True),
        (-n(), 0, False),
        (5 - n(), 5, False),
        (n() // 4, 0, True),
        (n() // 4, 1, None),
        ((n() + 7) // 4, 2, True),
        (n() * Symbolic.of("m"), 1, True),
        ((n() * Symbolic.of("m")) // 4 * Symbolic.of("m") // 3, 0, True),
    ],
)
def test_at_least_knows(size: Size, bound: int, answer: bool | None) -> None:
    assert symbolic.at_least(size, bound) is answer


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        ((n() // 2) // 3, n() // 6, True),
        (((n() + 1) // 2 + 1) // 2, (n() + 3) // 4, True),
        ((n() * 4 + 3) // 4, n(), True),
        ((n() * 2 + 1) // 2 * 2, n() * 2, True),
        ((n() - 1) * 2 + 2, n() * 2, True),
        (n(), n() + 1, False),
        (n() // 2 * 2, n(), None),
        (n(), Symbolic.of("m"), None),
        (n() * Symbolic.of("m"), Symbolic.of("m") * n(), True),
        ((n() * Symbolic.of("m") * 4 + 3) // 4, n() * Symbolic.of("m"), True),
        ((n() * Symbolic.of("m") * 4 + 7) // 4, n() * Symbolic.of("m") + 1, True),
    ],
)
def test_same_knows(left: Size, right: Size, answer: bool | None) -> None:
    assert symbolic.same(left, right) is answer
    assert symbolic.same(right, left) is answer


@pytest.mark.parametrize(
    ("divisor", "size", "answer"),
    [
        (2, n() * 4, True),
        (2, n() * 4 + 1, False),
        (4, n() * 2, None),
        (3, n() // 2 * 3, True),
        (1, n(), True),
    ],
)
def test_divides_knows(divisor: int, size: Size, answer: bool | None) -> None:
    assert symbolic.divides(divisor, size) is answer


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (-(n() // 2), "-(n // 2)"),
        (5 - n() // 2, "-(n // 2) + 5"),
        (n() * 2 - n() // 2, "2 * n - n // 2"),
        (n() // 2 * 3, "3 * (n // 2)"),
        ((n() + 1) // 2 - 1, "(n - 1) // 2"),
        (-n(), "-n"),
    ],
)
def test_it_prints_as_people_write(size: Size, text: str) -> None:
    for point in (1, 2, 5, 8):
        assert eval(str(size), {"n": point}) == value(size, {"n": point}) == eval(text, {"n": point})
    if isinstance(size, Symbolic) and "//" in str(size):
        assert str(size).count("//") == text.count("//")


def test_the_order_of_terms_is_that_of_the_size_and_not_of_the_places_in_memory() -> None:
    sizes = []
    for shuffled in range(40):
        order = random.Random(shuffled).sample(range(2, 8), 6)
        # Kept, so that every floor has a place of its own.
        sizes.append(sum(((n() + 1) // divisor for divisor in order), start=n()))
    assert len(set(map(str, sizes))) == 1


@pytest.mark.parametrize(
    ("size", "divisor", "answer"),
    [
        (n() * 6, n() * 2, 3),
        (n() * 6, 3, n() * 2),
        (n() * 6, 4, None),
        (n(), n() * 2, None),
        (n() * Symbolic.of("m") * 4, n() * 2, Symbolic.of("m") * 2),
        (n() * Symbolic.of("m") + n(), n(), Symbolic.of("m") + 1),
        (n() * 2 + 1, n(), None),
        (n() + 1, n() + 1, 1),
        (n(), 0, None),
        (12, 4, 3),
    ],
)
def test_quotients(size: Size, divisor: Size, answer: Size | None) -> None:
    assert symbolic.quotient(size, divisor) == answer


def test_a_size_is_no_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(n())
    with pytest.raises(KeyError):
        n().at({"m": 3})
