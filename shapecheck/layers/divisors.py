"""The numbers near one that divide, for what has to come out: heads, groups, windows."""

from __future__ import annotations

import math

from shapecheck.arithmetic.symbolic import Size

# How far from a number another one that divides is looked for.
FARTHEST_DIVISOR = 10_000


def divisors_near(number: int, wanted: int) -> list[int]:
    """Return the largest divisor of a number below ``wanted``, and the smallest above, of those that are soon found."""
    lower = range(min(wanted - 1, number), max(0, wanted - FARTHEST_DIVISOR), -1)
    upper = range(wanted + 1, min(number, wanted + FARTHEST_DIVISOR) + 1)
    found = (next((divisor for divisor in way if number % divisor == 0), None) for way in (lower, upper))
    return [divisor for divisor in found if divisor is not None]


def nearest_divisors(wanted: int, *totals: Size) -> str | None:
    """Return the help that names numbers near ``wanted`` that divide all totals; None where one is not known."""
    known = [total for total in totals if isinstance(total, int)]
    if len(known) < len(totals):
        return None
    near = divisors_near(math.gcd(*known), wanted)
    divided = " and ".join(map(str, dict.fromkeys(known)))
    if not near:
        return None
    return f"{' and '.join(map(str, near))} divide{'s' if len(near) == 1 else ''} {divided}"
