"""Questions on products of sizes of one dimension, such as H·W with one name on both axes: exact, up to infinity.

With P a common period of the floors, every floor is a polynomial in m on the sizes n = P·m + r of one remainder, and
so is the whole size. There it is written in Newton's form, c₀ + c₁·m + c₂·m(m − 1)/2 + …, which takes as many values
as its degree and one. A polynomial of integers changes its sign finitely often, and where is found by bisection
between the sizes at which its difference does.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from shapecheck.analysis.sizes.periodic import EVERYTHING, Budget, Interval, Periodic, TooLarge
from shapecheck.analysis.sizes.size_set import MOST_LISTED, SizeSet
from shapecheck.arithmetic.quasi_affine import MOST_TRIED, NotQuasiAffine, quasi_affine, roundings, value_at
from shapecheck.arithmetic.symbolic import Affine, Size, Symbolic

# The product of more sizes than this is not looked at.
HIGHEST_DEGREE = 8
# Bits of the largest m that is looked at in search of a change of sign.
MOST_BITS = 4_000


class Piece(NamedTuple):
    """From ``start`` on a polynomial has this sign, up to the next piece."""

    start: int
    sign: int


def at_least_zero(size: Size, name: str, budget: Budget) -> SizeSet:
    """Solve size >= 0. Raises TooLarge."""
    return _where(size, name, (0, 1), budget)


def zero(size: Size, name: str, budget: Budget) -> SizeSet:
    """Solve size == 0. Raises TooLarge."""
    return _where(size, name, (0,), budget)


def divisible(q: int, size: Symbolic, name: str, budget: Budget) -> SizeSet:
    """Solve: q divides size. Raises TooLarge.

    On one remainder of P the floors are polynomials of integers in m, so the size repeats itself modulo q in m, and
    for every power of a prime in q by itself.
    """
    period, _ = form(size, name)
    found = EVERYTHING
    for power in _prime_powers(q):
        whole = period * power
        _spend(whole, size, budget)
        inside = [r for r in range(whole) if value_at(size, name, r + whole) % power == 0]
        found = found.intersection(Periodic(whole, runs(inside)).reduced(), budget)
    return SizeSet(name, 1, None, found) if found.intervals else SizeSet(name, 1, 0)


def form(size: Size, name: str) -> tuple[int, int]:
    """Return (P, degree): on the sizes of one remainder by P the size is a polynomial of that degree. Raises TooLarge.

    ``size`` depends on no other dimension; that raises NotQuasiAffine.
    """
    if isinstance(size, int):
        return 1, 0
    if size.names() - {name}:
        raise NotQuasiAffine
    if isinstance(size, Affine):
        return size.divisor, 1
    period, degree = 1, 0
    for monomial in size.terms:
        total = 0
        for atom in monomial:
            if isinstance(atom, str):
                total += 1
                continue
            inner, power = _floored(atom.inner, atom.divisor, name)
            period = math.lcm(period, inner)
            total += power
        degree = max(degree, total)
    if period > MOST_TRIED or degree > HIGHEST_DEGREE:
        raise TooLarge
    return period, degree


def _floored(inner: Symbolic, t: int, name: str) -> tuple[int, int]:
    try:
        f = quasi_affine(inner)
    except NotQuasiAffine:
        period, degree = form(inner, name)
        return period * t, degree
    return f.period * t // math.gcd(f.rise, t), 1


def signs(newton: list[int]) -> list[Piece]:
    """Return the signs of c₀ + c₁·m + c₂·m(m − 1)/2 + … for m = 0, 1, …, joined where they are alike.

    Raises TooLarge.
    """
    if len(newton) == 1:
        return [Piece(0, _sign(newton[0]))]
    found: list[Piece] = []
    slopes = signs(newton[1:])
    for place, (start, slope) in enumerate(slopes):
        end = slopes[place + 1].start if place + 1 < len(slopes) else None
        # From start to end it rises, falls, or stays.
        for piece in _monotone(newton, start, end, slope):
            if not found or found[-1].sign != piece.sign:
                found.append(piece)
    return found


def _monotone(newton: list[int], start: int, end: int | None, slope: int) -> list[Piece]:
    pieces = [Piece(start, _sign(_at(newton, start)))]
    while slope and pieces[-1].sign != slope:
        low = pieces[-1].start
        sign = pieces[-1].sign
        after = _first_other(newton, low, end, sign)
        if after is None:
            break
        pieces.append(Piece(after, _sign(_at(newton, after))))
    return pieces


def _first_other(newton: list[int], low: int, end: int | None, sign: int) -> int | None:
    """Return the first m behind ``low`` at which a monotone stretch has another sign; None where it has none."""
    step = 1
    high = low
    while True:
        high = low + step if end is None else min(low + step, end)
        if _sign(_at(newton, high)) != sign:
            break
        if high == end:
            return None
        step *= 2
        if step.bit_length() > MOST_BITS:
            raise TooLarge
    while low + 1 < high:
        middle = (low + high) // 2
        if _sign(_at(newton, middle)) == sign:
            low = middle
        else:
            high = middle
    return high


def _at(newton: list[int], m: int) -> int:
    total, choose = 0, 1
    for k, coefficient in enumerate(newton):
        total += coefficient * choose
        choose = choose * (m - k) // (k + 1)
    return total


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def newton_form(values: list[int]) -> list[int]:
    """Return Newton's form of the polynomial that has these values at 0, 1, 2 and so on."""
    found = []
    while values:
        found.append(values[0])
        values = [after - before for before, after in itertools.pairwise(values)]
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return found


def _spend(tries: int, size: Size, budget: Budget) -> None:
    if tries > MOST_TRIED:
        raise TooLarge
    budget.spend(tries * (1 + roundings(size, MOST_TRIED)))


def _where(size: Size, name: str, wanted: tuple[int, ...], budget: Budget) -> SizeSet:
    period, degree = form(size, name)
    _spend(period * (degree + 1), size, budget)
    always: list[int] = []
    starts: list[int] = []
    stretches: list[tuple[int, int, int]] = []
    for r in range(1, period + 1):
        pieces = signs(newton_form([value_at(size, name, r + period * m) for m in range(degree + 1)]))
        for piece, after in itertools.pairwise(pieces):
            if piece.sign in wanted:
                stretches.append((r, piece.start, after.start))
        if pieces[-1].sign in wanted:
            always.append(r % period)
            starts.append(r + period * pieces[-1].start)
    if sum(stop - start for _, start, stop in stretches) > MOST_LISTED:
        if always:
            raise TooLarge
        return _bounded(name, period, stretches)
    extra = {r + period * m for r, start, stop in stretches for m in range(start, stop)}
    if not always:
        return _of(name, extra)
    low = min(starts)
    if any(start - low > MOST_LISTED * period for start in starts):
        raise TooLarge
    residues = dict(zip(always, starts, strict=True))
    without = {n for residue, start in residues.items() for n in range(low + (residue - low) % period, start, period)}
    return SizeSet(name, low, None, Periodic(period, runs(sorted(always))), without - extra, extra)


def _bounded(name: str, period: int, stretches: list[tuple[int, int, int]]) -> SizeSet:
    """Return one long stretch of every remainder, whose ends differ by little, as an interval with gaps."""
    if len({r for r, _, _ in stretches}) < period or len(stretches) > period:
        raise TooLarge
    firsts = {r: r + period * start for r, start, _ in stretches}
    lasts = {r: r + period * (stop - 1) for r, _, stop in stretches}
    low, high = min(firsts.values()), max(lasts.values())
    if sum(firsts[r] - low + high - lasts[r] for r in firsts) > MOST_LISTED * period:
        raise TooLarge
    without = {n for r, first in firsts.items() for n in range(first - period, low - 1, -period)}
    without |= {n for r, last in lasts.items() for n in range(last + period, high + 1, period)}
    return SizeSet(name, low, high, EVERYTHING, without)


def _of(name: str, members: set[int]) -> SizeSet:
    if not members:
        return SizeSet(name, 1, 0)
    low, high = min(members), max(members)
    if high - low < 2 * len(members):
        return SizeSet(name, low, high, EVERYTHING, [n for n in range(low, high) if n not in members])
    return SizeSet(name, 1, 0, extra=members)


def runs(remainders: list[int]) -> tuple[Interval, ...]:
    """Return the intervals in a row of numbers that rise."""
    found: list[Interval] = []
    for r in remainders:
        if found and found[-1][1] == r:
            found[-1] = (found[-1][0], r + 1)
        else:
            found.append((r, r + 1))
    return tuple(found)


def _prime_powers(q: int) -> list[int]:
    found = []
    prime = 2
    while prime * prime <= q and prime <= MOST_TRIED:
        power = 1
        while q % prime == 0:
            q //= prime
            power *= prime
        if power > 1:
            found.append(power)
        prime += 1
    return [*found, q] if q > 1 else found
