"""One question on the size of one dimension, solved for all sizes at once.

In the normal form A·⌊(n + c) / B⌋ + d every question has a closed form in big integers; elsewhere the windows of
the theorem are evaluated: a threshold beyond its bound, one period of a periodic question. See the table and the
bounds in the documentation of ``QuasiAffine``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from shapecheck.analysis.sizes import polynomial
from shapecheck.analysis.sizes.periodic import EVERYTHING, NOTHING, Budget, Periodic, TooLarge, cyclic
from shapecheck.analysis.sizes.quotients import divided
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.arithmetic.quasi_affine import (
    MOST_TRIED,
    NotQuasiAffine,
    QuasiAffine,
    never_falls,
    quasi_affine,
    roundings,
    value_at,
)
from shapecheck.arithmetic.symbolic import Affine, Size
from shapecheck.layers.context import Question

# Bits of the largest size that is looked at in search of a threshold.
MOST_BITS = 20_000
# Roundings that are computed where there is no closed form, in all questions of one dimension.
MOST_STEPS = 1_000_000


def solve(question: Question, name: str, budget: Budget | None = None) -> SizeSet:
    """Return the sizes of dimension ``name`` at which a question that asks for nothing else is answered yes.

    What has no closed form is asked size by size, and each rounding in a size is a step of the ``budget``. Raises
    TooLarge where that does not reach, and NotQuasiAffine where the size is out of the class.
    """
    left, right = question.left, question.right
    budget = budget or Budget(MOST_STEPS)
    if question.kind == "divides":
        return _divisible(right, left, name, budget) if isinstance(right, int) else divided(left, right, name, budget)
    try:
        if question.kind == "equal":
            return _equal(left, right, name, budget)
        return _at_least(left - right, name, budget)
    except NotQuasiAffine:
        # A product of sizes of this dimension.
        found = polynomial.zero if question.kind == "equal" else polynomial.at_least_zero
        return found(left - right, name, budget)


def _divisible(q: int, size: Size, name: str, budget: Budget) -> SizeSet:
    if q < 1:
        return _nothing(name)
    # What divides every term needs no asking.
    shared = math.gcd(q, size) if isinstance(size, int) else math.gcd(q, *size.terms.values())
    size, q = size // shared, q // shared
    try:
        return _divides(q, size, name, budget)
    except NotQuasiAffine:
        assert not isinstance(size, int)
        return polynomial.divisible(q, size, name, budget)


def _everything(name: str) -> SizeSet:
    return SizeSet(name)


def _nothing(name: str) -> SizeSet:
    return SizeSet(name, 1, 0)


def _periodic(name: str, periodic: Periodic) -> SizeSet:
    return SizeSet(name, 1, None, periodic) if periodic.intervals else _nothing(name)


def _at_least(size: Size, name: str, budget: Budget) -> SizeSet:
    """Solve size >= 0."""
    if isinstance(size, int):
        return _everything(name) if size >= 0 else _nothing(name)
    if isinstance(size, Affine):
        return SizeSet(name, max(1, size.divisor * -(size.offset // size.factor) - size.shift))
    if never_falls(size):
        return SizeSet(name, _first(lambda n: value_at(size, name, n) >= 0))
    return _at_least_window(size, name, quasi_affine(size), budget)


def _at_least_window(size: Size, name: str, f: QuasiAffine, budget: Budget) -> SizeSet:
    if f.rise == 0:
        return _periodic(name, _sieve(lambda n: value_at(size, name, n) >= 0, f.period, size, budget))
    if f.rise > 0:
        sure = math.ceil(f.lo / f.slope) + 1
        wrong = [n for n in _window(1, sure, size, budget) if value_at(size, name, n) < 0]
        return SizeSet(name, 1, None, EVERYTHING, wrong)
    last = math.floor(f.hi / -f.slope) + 1
    return _finite(name, [n for n in _window(1, last, size, budget) if value_at(size, name, n) >= 0])


def _equal(left: Size, right: Size, name: str, budget: Budget) -> SizeSet:
    if isinstance(right, Affine) and not isinstance(left, Affine):
        left, right = right, left
    if isinstance(left, Affine) and isinstance(right, int):
        times, rest = divmod(right - left.offset, left.factor)
        first = left.divisor * times - left.shift
        if rest or first + left.divisor - 1 < 1:
            return _nothing(name)
        return SizeSet(name, max(1, first), first + left.divisor - 1)
    if (
        isinstance(left, Affine)
        and isinstance(right, Affine)
        and left.factor * right.divisor == right.factor * left.divisor
    ):
        if left.divisor > right.divisor:
            left, right = right, left
        if right.divisor % left.divisor == 0:
            return _periodic(name, _nested(left, right))
        return _periodic(name, _walk(left, right))
    return _equal_window(left - right, left, right, name, budget)


def _nested(one: Affine, other: Affine) -> Periodic:
    """Solve A·⌊(n + c) / B⌋ + d = A′·⌊(n + c′) / B′⌋ + d′ with equal slopes, B dividing B′.

    With n + c′ = B′q + r the left side is A′q + A·⌊(r + c − c′) / B⌋ + d, so r lies in one interval of length B.
    """
    times, rest = divmod(other.offset - one.offset, one.factor)
    if rest:
        return NOTHING
    shift = one.shift - other.shift
    low = max(0, times * one.divisor - shift)
    high = min(other.divisor, (times + 1) * one.divisor - shift)
    return cyclic(low - other.shift, high - low, other.divisor)


def _walk(one: Affine, other: Affine) -> Periodic:
    """Solve an equation of equal slopes by walking the points at which either side steps."""
    period = math.lcm(one.divisor, other.divisor)
    if period // one.divisor + period // other.divisor > MOST_TRIED:
        raise TooLarge
    points = sorted(
        {(k * a.divisor - a.shift) % period for a in (one, other) for k in range(period // a.divisor)} | {0}
    )
    found = []
    for low, high in zip(points, [*points[1:], period], strict=True):
        if one.at({one.name: low}) == other.at({other.name: low}):
            found.append((low, high))
    return Periodic(period, tuple(found)).reduced() if found else NOTHING


def _equal_window(difference: Size, left: Size, right: Size, name: str, budget: Budget) -> SizeSet:
    if isinstance(difference, int):
        return _everything(name) if difference == 0 else _nothing(name)
    if never_falls(difference):
        first = _first(lambda n: value_at(difference, name, n) >= 0)
        last = _first(lambda n: value_at(difference, name, n) >= 1)
        return SizeSet(name, first, last - 1) if first < last else _nothing(name)
    f = quasi_affine(difference)
    if f.rise == 0:
        equal = _sieve(lambda n: value_at(left, name, n) == value_at(right, name, n), f.period, difference, budget)
        return _periodic(name, equal)
    slope = f.slope
    ends = sorted((-f.hi / slope, f.lo / slope))
    window = _window(max(1, math.floor(ends[0])), math.ceil(ends[1]) + 1, difference, budget)
    return _finite(name, [n for n in window if value_at(difference, name, n) == 0])


def _divides(q: int, size: Size, name: str, budget: Budget) -> SizeSet:
    if isinstance(size, int):
        return _everything(name) if size % q == 0 else _nothing(name)
    if isinstance(size, Affine):
        common = math.gcd(size.factor, q)
        if size.offset % common:
            return _nothing(name)
        period = q // common
        times = -(size.offset // common) * pow(size.factor // common, -1, period) if period > 1 else 0
        return _periodic(name, cyclic(size.divisor * times - size.shift, size.divisor, size.divisor * period))
    f = quasi_affine(size)
    period = f.period * (q // math.gcd(f.rise, q))
    return _periodic(name, _sieve(lambda n: value_at(size, name, n) % q == 0, period, size, budget))


def _first(holds: Callable[[int], bool]) -> int:
    """Return the smallest n from 1 on at which something that never stops holding begins to hold.

    A size that never falls and is no number grows beyond every bound. Raises TooLarge where that is too far out.
    """
    high = 1
    while not holds(high):
        high *= 2
        if high.bit_length() > MOST_BITS:
            raise TooLarge
    low = high // 2 + 1 if high > 1 else 1
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _window(low: int, high: int, size: Size, budget: Budget) -> range:
    _spend(high - low + 1, size, budget)
    return range(low, high + 1)


def _spend(tries: int, size: Size, budget: Budget) -> None:
    """Ask for so many evaluations of a size. Raises TooLarge."""
    if tries > MOST_TRIED:
        raise TooLarge
    budget.spend(max(tries, 0) * (1 + roundings(size, MOST_STEPS)))


def _finite(name: str, members: list[int]) -> SizeSet:
    if not members:
        return _nothing(name)
    inside = set(members)
    gaps = [n for n in range(members[0], members[-1]) if n not in inside]
    return SizeSet(name, members[0], members[-1], EVERYTHING, gaps)


def _sieve(holds: Callable[[int], bool], period: int, size: Size, budget: Budget) -> Periodic:
    """Return the remainders at which a question of this period holds, by asking each."""
    _spend(period, size, budget)
    found: list[tuple[int, int]] = []
    for r in range(period):
        # A whole period up, so that no size is asked for below 1.
        if holds(r + period):
            if found and found[-1][1] == r:
                found[-1] = (found[-1][0], r + 1)
            else:
                found.append((r, r + 1))
    return Periodic(period, tuple(found)).reduced() if found else NOTHING
