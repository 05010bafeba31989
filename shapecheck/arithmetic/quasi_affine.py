"""Quasi-affine size functions of one dimension: f(n + P) = f(n) + D for all n, with exact rational bounds.

Every layer is such a function, and sums, multiples, floors and compositions stay in the class. P and D are carried
with αn − lo <= f(n) <= αn + hi, α = D / P.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from shapecheck.arithmetic.symbolic import Affine, Floor, Size, Symbolic

# Roundings that a size may be built of, and how deep they may stand within each other; in the normal form there is one.
MOST_ROUNDINGS = 2_000
DEEPEST = 150
# Bits of a number in a size.
LONGEST_NUMBER = 1_000
# Values tried in one question that has no closed form.
MOST_TRIED = 100_000


class NotQuasiAffine(Exception):
    """A size is not of the class, such as a product of two unknown sizes."""


class QuasiAffine(NamedTuple):
    """f(n + period) = f(n) + rise; slope·n − lo <= f(n) <= slope·n + hi. ``rising`` says that f never falls."""

    period: int
    rise: int
    lo: Fraction
    hi: Fraction
    rising: bool

    @property
    def slope(self) -> Fraction:
        """The mean rise for one step of n."""
        return Fraction(self.rise, self.period)


def quasi_affine(size: Size) -> QuasiAffine:
    """Return what is known of a size of one dimension. Raises NotQuasiAffine."""
    if isinstance(size, int):
        return QuasiAffine(1, 0, Fraction(-size), Fraction(size), True)
    if isinstance(size, Affine):
        factor, divisor = size.factor, size.divisor
        # factor·((n + shift − r) / divisor) + offset for r in 0 .. divisor − 1
        highest = Fraction(factor * size.shift, divisor) + size.offset
        lowest = highest - Fraction(factor * (divisor - 1), divisor)
        return QuasiAffine(divisor, factor, -lowest, highest, True)
    total = QuasiAffine(1, 0, Fraction(0), Fraction(0), True)
    for monomial, coefficient in size.terms.items():
        total = _sum(total, _term(monomial, coefficient))
    return total


def _term(monomial: tuple[str | Floor, ...], coefficient: int) -> QuasiAffine:
    if not monomial:
        return QuasiAffine(1, 0, Fraction(-coefficient), Fraction(coefficient), True)
    if len(monomial) > 1:
        raise NotQuasiAffine
    atom = monomial[0]
    one = (
        QuasiAffine(1, 1, Fraction(0), Fraction(0), True)
        if isinstance(atom, str)
        else _floor(quasi_affine(atom.inner), atom.divisor)
    )
    return _scaled(one, coefficient)


def _floor(inner: QuasiAffine, t: int) -> QuasiAffine:
    common = math.gcd(inner.rise, t)
    period = inner.period * t // common if inner.rise else inner.period
    rise = inner.rise * (period // inner.period) // t
    return QuasiAffine(period, rise, (inner.lo + t - 1) / t, inner.hi / t, inner.rising)


def _scaled(f: QuasiAffine, by: int) -> QuasiAffine:
    if by >= 0:
        return QuasiAffine(f.period, f.rise * by, f.lo * by, f.hi * by, f.rising)
    return QuasiAffine(f.period, f.rise * by, f.hi * -by, f.lo * -by, False)


def _sum(f: QuasiAffine, g: QuasiAffine) -> QuasiAffine:
    period = math.lcm(f.period, g.period)
    rise = f.rise * (period // f.period) + g.rise * (period // g.period)
    return QuasiAffine(period, rise, f.lo + g.lo, f.hi + g.hi, f.rising and g.rising)


def value_at(size: Size, name: str, n: int) -> int:
    """Return the size where the dimension ``name`` is ``n``."""
    return size if isinstance(size, int) else size.at({name: n})


def roundings(size: Size, most: int) -> int:
    """Return how many roundings a size is built of, each counted wherever it stands; not far beyond ``most``."""
    return _nesting(size, most, most)[0]


def is_tractable(size: Size) -> bool:
    """Say whether a size has so few roundings, and so few within each other, that questions on it can be asked.

    The numbers in it are bounded too: they would grow with every layer.
    """
    if isinstance(size, Affine):
        return max(size.factor, abs(size.offset), size.divisor).bit_length() <= LONGEST_NUMBER
    if isinstance(size, Symbolic) and any(factor.bit_length() > LONGEST_NUMBER for factor in size.terms.values()):
        return False
    count, depth = _nesting(size, MOST_ROUNDINGS, DEEPEST)
    return count <= MOST_ROUNDINGS and depth <= DEEPEST


def _nesting(size: Size, most: int, deepest: int) -> tuple[int, int]:
    count = depth = 0
    left = [(size, 1)]
    while left and count <= most and depth <= deepest:
        one, level = left.pop()
        if isinstance(one, Affine):
            count += one.divisor > 1
        elif isinstance(one, Symbolic):
            inner = [atom.inner for monomial in one.terms for atom in monomial if isinstance(atom, Floor)]
            count += len(inner)
            left += [(size, level + 1) for size in inner]
        depth = max(depth, level)
    return count, depth


def never_falls(size: Size) -> bool:
    """Say whether a size, which may be a product, surely never falls as its dimension grows."""
    if isinstance(size, (int, Affine)):
        return True
    for monomial, coefficient in size.terms.items():
        if coefficient < 0 and monomial:
            return False
        for atom in monomial:
            if isinstance(atom, Floor) and not _rises_from_zero(atom.inner, len(monomial) > 1):
                return False
    return True


def mean_rise(size: Size) -> int:
    """Return the sign of a size's slope. Raises NotQuasiAffine, of a size of several dimensions too."""
    if isinstance(size, Symbolic) and len(size.names()) > 1:
        raise NotQuasiAffine
    rise = quasi_affine(size).rise
    return (rise > 0) - (rise < 0)


def _rises_from_zero(inner: Symbolic, in_product: bool) -> bool:
    """Factors of a product must not be negative, or their product could fall."""
    if not never_falls(inner):
        return False
    lowest = inner.lower_bound() if in_product else 0
    return lowest is not None and lowest >= 0
