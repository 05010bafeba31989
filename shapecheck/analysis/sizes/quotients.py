"""At which sizes of a dimension one size divides another, both of that dimension: what ``reshape`` asks with -1.

On the sizes n = P·m + r of one remainder both are polynomials E and K in m, and E = Q·K + R over the rationals. Where R
is not 0, K divides E at finitely many m: with d the denominators, K divides d·R as well, and from some m on that is
smaller than K. Where it is, Q has to be a whole number, and whether it is repeats itself.
"""

from __future__ import annotations

import math
import operator
from fractions import Fraction

from shapecheck.analysis.sizes.periodic import Budget, Periodic, TooLarge
from shapecheck.analysis.sizes.polynomial import form, newton_form, runs, signs
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.arithmetic.quasi_affine import MOST_TRIED, roundings, value_at
from shapecheck.arithmetic.symbolic import Size

# A polynomial by the powers of m, the constant first.
Powers = list[Fraction]


def divided(size: Size, divisor: Size, name: str, budget: Budget) -> SizeSet:
    """Solve: divisor is at least 1 and divides size. Raises TooLarge, and NotQuasiAffine for several dimensions."""
    (first, high), (second, low) = form(size, name), form(divisor, name)
    period = math.lcm(first, second)
    if period > MOST_TRIED:
        raise TooLarge
    cost = 2 + roundings(size, MOST_TRIED) + roundings(divisor, MOST_TRIED)
    budget.spend(period * (high + low + 2) * cost)
    always: list[tuple[int, int, list[int]]] = []
    without: set[int] = set()
    extra: set[int] = set()
    for r in range(1, period + 1):
        wholes = [value_at(size, name, r + period * m) for m in range(high + 1)]
        parts = [value_at(divisor, name, r + period * m) for m in range(low + 1)]
        quotient, rest = _division(_powers(wholes), _powers(parts))
        behind = _behind(parts, quotient, rest)
        budget.spend(behind * cost)
        fits = {
            n
            for n in range(r, r + period * behind, period)
            if (by := value_at(divisor, name, n)) >= 1 and value_at(size, name, n) % by == 0
        }
        if any(rest) or signs(newton_form(parts))[-1].sign < 1:
            extra |= fits
            continue
        again = math.lcm(*(term.denominator for term in quotient)) if quotient else 1
        budget.spend(again * cost)
        inside = [m for m in range(again) if _value(quotient, m).denominator == 1]
        always.append((r, again, inside))
        without |= {
            n for n in range(r, r + period * behind, period) if n not in fits and (n - r) // period % again in inside
        }
    together = math.lcm(*(again for _, again, _ in always))
    if period * together > MOST_TRIED:
        raise TooLarge
    remainders = {
        (r + period * (m + again * k)) % (period * together)
        for r, again, inside in always
        for m in inside
        for k in range(together // again)
    }
    if not remainders:
        return SizeSet(name, 1, 0, extra=extra)
    return SizeSet(name, 1, None, Periodic(period * together, runs(sorted(remainders))), without, extra)


def _behind(parts: list[int], quotient: Powers, rest: Powers) -> int:
    """Return from which m on the divisor has its last sign, and what is left over is smaller and not 0, or always 0."""
    bounds = [newton_form(parts)]
    if any(rest):
        by = math.lcm(*(term.denominator for term in (*quotient, *rest)))
        left = [int(by * _value(rest, m)) for m in range(len(parts))]
        both = [list(map(operator.add, parts, left)), list(map(operator.sub, parts, left))]
        bounds += map(newton_form, [*both, left])
    behind = max(signs(bound)[-1].start for bound in bounds)
    if behind > MOST_TRIED:
        raise TooLarge
    return behind


def _powers(values: list[int]) -> Powers:
    """Return the polynomial that has these values at 0, 1, 2 and so on."""
    found: Powers = [Fraction(0)] * len(values)
    basis: Powers = [Fraction(1)]
    for k, coefficient in enumerate(newton_form(values)):
        for power, term in enumerate(basis):
            found[power] += coefficient * term
        # m(m − 1)…(m − k) / (k + 1)!
        longer = [Fraction(0)] * (len(basis) + 1)
        for power, term in enumerate(basis):
            longer[power + 1] += term / (k + 1)
            longer[power] -= term * k / (k + 1)
        basis = longer
    return _trimmed(found)


def _trimmed(powers: Powers) -> Powers:
    while powers and powers[-1] == 0:
        powers = powers[:-1]
    return powers


def _division(size: Powers, divisor: Powers) -> tuple[Powers, Powers]:
    """Return (Q, R) with size = Q·divisor + R, and R of a lower degree; (0, size) where the divisor is 0."""
    rest = list(size)
    quotient: Powers = [Fraction(0)] * max(len(size) - len(divisor) + 1, 0)
    while divisor and len(rest) >= len(divisor):
        factor = rest[-1] / divisor[-1]
        shift = len(rest) - len(divisor)
        quotient[shift] = factor
        for power, term in enumerate(divisor):
            rest[power + shift] -= factor * term
        rest = _trimmed(rest)
    return _trimmed(quotient), rest


def _value(powers: Powers, m: int) -> Fraction:
    return sum((term * m**power for power, term in enumerate(powers)), Fraction(0))
