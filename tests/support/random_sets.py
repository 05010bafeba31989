"""Random sets of sizes beside Python sets of their members."""

from __future__ import annotations

import random

from shapecheck.analysis.sizes.periodic import Periodic
from shapecheck.analysis.sizes.size_set import SizeSet

PERIODS = (1, 1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 24, 30)
# No set below is irregular from here on, and LIMIT is more than two common periods further.
REGULAR = 90
LIMIT = REGULAR + 3 * 720


def random_periodic(rng: random.Random) -> tuple[Periodic, set[int]]:
    """Return the integers with some remainders, and those remainders; now and then with a period too long."""
    period = rng.choice(PERIODS)
    chosen = {r for r in range(period) if rng.random() < rng.choice([0.2, 0.5, 0.9])}
    if rng.random() < 0.2:
        times = rng.randint(2, 4)
        chosen = {r + k * period for r in chosen for k in range(times)}
        period *= times
    return Periodic(period, runs(chosen)), chosen


def runs(numbers: set[int]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for n in sorted(numbers):
        if found and found[-1][1] == n:
            found[-1] = (found[-1][0], n + 1)
        else:
            found.append((n, n + 1))
    return tuple(found)


def random_set(rng: random.Random) -> tuple[SizeSet, frozenset[int]]:
    """Return a set and its members below LIMIT. All that is irregular in it stands below REGULAR."""
    periodic, remainders = random_periodic(rng)
    low = rng.randint(-3, 40)
    high = rng.choice([None, None, rng.randint(0, REGULAR - 1)])
    few = rng.choice([0, 0, 1, 5])
    without = [rng.randint(1, REGULAR - 1) for _ in range(rng.randint(0, few))]
    extra = [rng.randint(1, REGULAR - 1) for _ in range(rng.randint(0, few))]
    regular = {n for n in range(max(low, 1), LIMIT if high is None else high + 1) if n % periodic.period in remainders}
    return SizeSet("H", low, high, periodic, without, extra), frozenset((regular - set(without)) | set(extra))


def listed(s: SizeSet, stop: int = LIMIT) -> frozenset[int]:
    return frozenset(n for n in range(1, stop) if n in s)
