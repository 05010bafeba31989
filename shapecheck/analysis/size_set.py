"""Sets of sizes, exact up to infinity: a finite part, and from some size on a set of remainders.

The periodic part is a list of intervals of remainders, so that a period of 2⁶⁴ costs no more than one of 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Interval = tuple[int, int]

# Intervals or sizes held in one set, and remainders written out.
MOST_INTERVALS = 100_000
MOST_LISTED = 65_536


class TooLarge(Exception):
    """A set would need more room than the budget allows."""


class Periodic(NamedTuple):
    """The integers whose remainder by ``period`` lies in one of ``intervals`` [low, high), sorted and apart."""

    period: int
    intervals: tuple[Interval, ...]

    def __contains__(self, n: object) -> bool:
        assert isinstance(n, int)
        r = n % self.period
        return any(low <= r < high for low, high in self.intervals)

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

    def intersection(self, other: Periodic) -> Periodic:
        """Return what is in both. Raises TooLarge."""
        if self.full:
            return other
        if other.full:
            return self
        small, large = (self, other) if self.period <= other.period else (other, self)
        period = math.lcm(small.period, large.period)
        large = large.lifted(period)
        found: list[Interval] = []
        for low, high in large.intervals:
            for k in range(low // small.period, (high - 1) // small.period + 1):
                base = k * small.period
                for one, two in small.intervals:
                    start, stop = max(low, base + one), min(high, base + two)
                    if start < stop:
                        found.append((start, stop))
                        if len(found) > MOST_INTERVALS:
                            raise TooLarge
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
        period, intervals = self.period, self.intervals
        for prime in _prime_factors(period, len(intervals)):
            while period % prime == 0:
                smaller = period // prime
                folded = Periodic(
                    smaller, _joined([(lo % smaller, lo % smaller + hi - lo) for lo, hi in intervals], smaller)
                )
                total = sum(hi - lo for lo, hi in folded.intervals)
                if total * prime != sum(hi - lo for lo, hi in intervals):
                    break
                period, intervals = smaller, folded.intervals
        return Periodic(period, intervals)

    def next_from(self, n: int) -> int | None:
        """Return the smallest member at or above ``n``."""
        if not self.intervals:
            return None
        base, r = n - n % self.period, n % self.period
        for low, high in self.intervals:
            if r < high:
                return base + max(low, r)
        return base + self.period + self.intervals[0][0]

    def last_to(self, n: int) -> int | None:
        """Return the largest member at or below ``n``."""
        if not self.intervals:
            return None
        base, r = n - n % self.period, n % self.period
        for low, high in reversed(self.intervals):
            if low <= r:
                return base + min(high - 1, r)
        return base - self.period + self.intervals[-1][1] - 1

    def count(self) -> int:
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


def _prime_factors(n: int, weight: int) -> list[int]:
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


class SizeSet:
    """The sizes that work: those in ``periodic`` from ``low`` to ``high`` (None: without end), but for ``without``.

    Canonical: the smallest period, the smallest start. ``name`` is the dimension that the text speaks of.
    """

    def __init__(
        self,
        name: str,
        low: int = 1,
        high: int | None = None,
        periodic: Periodic = EVERYTHING,
        without: Iterable[int] = (),
    ) -> None:
        self.name = name
        self.high = high
        self.periodic = periodic.reduced()
        self.without = frozenset(n for n in without if n >= low and n in self.periodic and (high is None or n <= high))
        first = self.periodic.next_from(max(low, 1))
        while first is not None and first in self.without and (high is None or first <= high):
            first = self.periodic.next_from(first + 1)
        self.low = first if first is not None and (high is None or first <= high) else None

    def __contains__(self, n: object) -> bool:
        if not isinstance(n, int) or self.low is None or n < self.low or (self.high is not None and n > self.high):
            return False
        return n in self.periodic and n not in self.without

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SizeSet) and self.as_parts() == other.as_parts()

    def __hash__(self) -> int:
        return hash((self.low, self.high, self.periodic))

    def __iter__(self) -> Iterator[int]:
        """Yield the members in rising order, without end where there is none."""
        n = self.low
        while n is not None and (self.high is None or n <= self.high):
            if n not in self.without:
                yield n
            n = self.periodic.next_from(n + 1)

    @property
    def empty(self) -> bool:
        """Whether no size works."""
        return self.low is None

    @property
    def every(self) -> bool:
        """Whether every size from 1 on works."""
        return self.low == 1 and self.high is None and self.periodic.full and not self.without

    @property
    def bounded_above(self) -> bool:
        """Whether only finitely many sizes work."""
        return self.low is None or self.high is not None

    @property
    def smallest(self) -> int | None:
        """The smallest size that works."""
        return self.low

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest members below and above ``n``; ``n`` itself where it is one."""
        if n in self:
            return n, n
        return self._below(n), self._above(n)

    def _above(self, n: int) -> int | None:
        if self.low is None:
            return None
        found = self.periodic.next_from(max(n, self.low))
        while found is not None and found in self.without:
            found = self.periodic.next_from(found + 1)
        return found if found is not None and (self.high is None or found <= self.high) else None

    def _below(self, n: int) -> int | None:
        if self.low is None:
            return None
        found = self.periodic.last_to(n if self.high is None else min(n, self.high))
        while found is not None and found in self.without:
            found = self.periodic.last_to(found - 1)
        return found if found is not None and found >= self.low else None

    def as_parts(self) -> tuple[tuple[int, ...], int, int, tuple[int, ...]]:
        """Return (finite, start, period, residues) of the interface. Raises TooLarge where the list would be too long."""
        if self.low is None:
            return (), 1, 0, ()
        if self.high is not None:
            members = []
            for n in self:
                members.append(n)
                if len(members) > MOST_LISTED:
                    raise TooLarge
            return tuple(members), members[-1] + 1, 0, ()
        head: list[int] = []
        start = self.low
        if self.without:
            start = self._above(max(self.without) + 1) or 1
            for n in self:
                if n >= start:
                    break
                head.append(n)
                if len(head) > MOST_LISTED:
                    raise TooLarge
        if self.periodic.count() > MOST_LISTED:
            raise TooLarge
        residues = tuple(r for low, high in self.periodic.intervals for r in range(low, high))
        return tuple(head), start, self.periodic.period, residues

    def intersection(self, other: SizeSet) -> SizeSet:
        """Return what is in both. Raises TooLarge."""
        if self.low is None or other.low is None:
            return SizeSet(self.name, 1, 0)
        high = other.high if self.high is None else self.high if other.high is None else min(self.high, other.high)
        return SizeSet(
            self.name,
            max(self.low, other.low),
            high,
            self.periodic.intersection(other.periodic),
            self.without | other.without,
        )

    @property
    def condition(self) -> str:
        """The set in words: the shortest true condition."""
        return _condition(self)


def _condition(s: SizeSet) -> str:
    name = s.name
    if s.low is None:
        return f"no {name} works"
    if s.high is not None:
        return _bounded(s)
    parts = []
    remainder = _remainders(name, s.periodic)
    natural = s.periodic.next_from(1)
    if s.low != natural:
        parts.append(f"{name} >= {s.low}")
    elif s.periodic.full:
        return f"every {name} >= 1{_except(s)}"
    if remainder:
        parts.append(remainder)
    return " and ".join(parts) + _except(s)


def _except(s: SizeSet) -> str:
    if not s.without:
        return ""
    listed = sorted(s.without)
    shown = ", ".join(map(str, listed[:8])) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
    return f" except {shown}"


def _bounded(s: SizeSet) -> str:
    assert s.low is not None and s.high is not None
    last = s._below(s.high)
    assert last is not None
    if s.low == last:
        return f"{s.name} == {last}"
    if s.periodic.full and not s.without:
        return f"{s.low} <= {s.name} <= {last}"
    members = []
    for n in s:
        members.append(n)
        if len(members) > 8:
            break
    if len(members) <= 8:
        return f"{s.name} in {{{', '.join(map(str, members))}}}"
    return f"{s.low} <= {s.name} <= {last} and {_remainders(s.name, s.periodic)}{_except(s)}"


def _remainders(name: str, p: Periodic) -> str:
    if p.full:
        return ""
    inside = _cyclic_runs(p)
    outside = _cyclic_runs(_complement(p))
    count, other = p.count(), p.period - p.count()
    if other < count and other <= 8:
        return _membership(name, p.period, outside, other, "!=", "not in")
    return _membership(name, p.period, inside, count, "==", "in")


def _membership(name: str, period: int, runs: list[Interval], count: int, one: str, many: str) -> str:
    if count == 1:
        return f"{name} % {period} {one} {runs[0][0]}"
    if count <= 16:
        listed = [r % period for low, high in runs for r in range(low, high)]
        return f"{name} % {period} {many} {{{', '.join(map(str, listed))}}}"
    shown = ", ".join(
        f"{low % period}..{(high - 1) % period}" if high - low > 1 else str(low % period) for low, high in runs[:8]
    )
    more = f", … in {len(runs)} runs" if len(runs) > 8 else ""
    return f"{name} % {period} {many} {{{shown}{more}}} ({count} of {period})"


def _complement(p: Periodic) -> Periodic:
    found, at = [], 0
    for low, high in p.intervals:
        if at < low:
            found.append((at, low))
        at = high
    if at < p.period:
        found.append((at, p.period))
    return Periodic(p.period, tuple(found))


def _cyclic_runs(p: Periodic) -> list[Interval]:
    """Return the intervals as runs round the circle: one that ends at the period goes on at 0, and comes first."""
    runs = list(p.intervals)
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == p.period:
        last = runs.pop()
        first = runs.pop(0)
        runs.insert(0, (last[0], last[1] + first[1] - first[0]))
    return runs
