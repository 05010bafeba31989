"""Sets of remainders: which integers are in a set that repeats itself.

They are lists of intervals of remainders, so that a period of 2⁶⁴ costs no more than one of 2.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

Interval = tuple[int, int]

# Intervals held in one set.
MOST_INTERVALS = 100_000


class TooLarge(Exception):
    """A set would need more room than the budget allows."""


class Budget:
    """Steps of work that several operations share. One that asks for more than there is loses half of what is left."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take away so many steps. Raises TooLarge where they are not there."""
        if steps > self.left:
            self.left //= 2
            raise TooLarge
        self.left -= steps


class Periodic(NamedTuple):
    """The integers whose remainder by ``period`` lies in one of ``intervals`` [low, high), sorted and apart."""

    period: int
    intervals: tuple[Interval, ...]

    def __contains__(self, n: object) -> bool:
        assert isinstance(n, int)
        r = n % self.period
        behind = self._behind(r)
        return behind > 0 and r < self.intervals[behind - 1][1]

    def _behind(self, r: int) -> int:
        """Return how many intervals begin at or below a remainder."""
        return bisect_right(self.intervals, (r, self.period))

    def lifted(self, period: int) -> Periodic:
        """Return the same set with a multiple of its period. Raises TooLarge."""
        times = period // self.period
        if times * len(self.intervals) > MOST_INTERVALS:
            raise TooLarge
        if times == 1:
            return self
        shifted = [
            (low + k * self.period, high + k * self.period) for k in range(times) for low, high in self.intervals
        ]
        return Periodic(period, _joined(shifted))

    def intersection(self, other: Periodic, budget: Budget | None = None) -> Periodic:
        """Return what is in both. Raises TooLarge."""
        if self.full:
            return other
        if other.full:
            return self
        small, large = (self, other) if self.period <= other.period else (other, self)
        period = math.lcm(small.period, large.period)
        budget = budget or Budget(MOST_INTERVALS)
        budget.spend(period // large.period * len(large.intervals))
        large = large.lifted(period)
        ends = [two for _, two in small.intervals]
        found: list[Interval] = []
        for low, high in large.intervals:
            base = low - low % small.period
            at = bisect_right(ends, low - base)
            while ends:
                if at == len(ends):
                    base, at = base + small.period, 0
                one, two = small.intervals[at]
                if base + one >= high:
                    break
                found.append((max(low, base + one), min(high, base + two)))
                budget.spend(1)
                at += 1
        return Periodic(period, _joined(found)).reduced()

    @property
    def full(self) -> bool:
        """Whether every integer is in it."""
        return self.intervals == ((0, self.period),)

    def reduced(self) -> Periodic:
        """Return the same set with its smallest period."""
        if not self.intervals:
            return Periodic(1, ())
        if self.full:
            return Periodic(1, ((0, 1),))
        result = self
        for prime in _prime_factors(self.period):
            while result.period % prime == 0 and (folded := result._folded(prime)) is not None:
                result = folded
        return result

    def _folded(self, prime: int) -> Periodic | None:
        """Return the same set with a period so many times shorter, or None where that is another set."""
        smaller = self.period // prime
        if any(low + smaller not in self or high + smaller - 1 not in self for low, high in self.intervals[:4]):
            return None
        folded = _joined([(low % smaller, low % smaller + high - low) for low, high in self.intervals], smaller)
        shorter = Periodic(smaller, folded)
        return shorter if shorter.size() * prime == self.size() else None

    def next_from(self, n: int) -> int | None:
        """Return the smallest member at or above ``n``."""
        if not self.intervals:
            return None
        base, r = n - n % self.period, n % self.period
        behind = self._behind(r)
        if behind and r < self.intervals[behind - 1][1]:
            return n
        if behind < len(self.intervals):
            return base + self.intervals[behind][0]
        return base + self.period + self.intervals[0][0]

    def last_to(self, n: int) -> int | None:
        """Return the largest member at or below ``n``."""
        if not self.intervals:
            return None
        base, r = n - n % self.period, n % self.period
        behind = self._behind(r)
        if behind:
            return base + min(self.intervals[behind - 1][1] - 1, r)
        return base - self.period + self.intervals[-1][1] - 1

    def size(self) -> int:
        """Return how many remainders are in it."""
        return sum(high - low for low, high in self.intervals)


EVERYTHING = Periodic(1, ((0, 1),))
NOTHING = Periodic(1, ())


def cyclic(low: int, length: int, period: int) -> Periodic:
    """Return the integers that are low, low + 1, … (``length`` of them) modulo ``period``."""
    if length <= 0:
        return NOTHING
    if length >= period:
        return EVERYTHING
    low %= period
    if low + length <= period:
        return Periodic(period, ((low, low + length),))
    return Periodic(period, ((0, low + length - period), (low, period)))


def _joined(intervals: list[Interval], period: int | None = None) -> tuple[Interval, ...]:
    """Return intervals sorted and joined where they touch; with ``period``, cut at its end and wrapped."""
    if period is not None:
        wrapped: list[Interval] = []
        for low, high in intervals:
            if high - low >= period:
                return ((0, period),)
            if high <= period:
                wrapped.append((low, high))
            else:
                wrapped += [(low, period), (0, high - period)]
        intervals = wrapped
    result: list[Interval] = []
    for low, high in sorted(intervals):
        if result and low <= result[-1][1]:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


def _prime_factors(n: int) -> list[int]:
    """Return the prime factors of ``n`` that are small; a large one could not be a stride."""
    found = []
    prime = 2
    while prime * prime <= n and prime < 10_000:
        if n % prime == 0:
            found.append(prime)
            while n % prime == 0:
                n //= prime
        prime += 1
    return [*found, n] if n > 1 else found


def complement(p: Periodic) -> Periodic:
    """Return the integers that are not in ``p``."""
    found, at = [], 0
    for low, high in p.intervals:
        if at < low:
            found.append((at, low))
        at = high
    if at < p.period:
        found.append((at, p.period))
    return Periodic(p.period, tuple(found))


def cyclic_runs(p: Periodic) -> list[Interval]:
    """Return the intervals as runs round the circle: one that ends at the period goes on at 0, and comes first."""
    runs = list(p.intervals)
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == p.period:
        last = runs.pop()
        first = runs.pop(0)
        runs.insert(0, (last[0], last[1] + first[1] - first[0]))
    return runs
