"""Which positions of an input one position of a layer's output depends on, along one axis and in closed form.

The lowest and the highest are quasi-affine in the output position: a layer with ``Taps`` turns those of its source
into those of its output, and a merge takes the union. Nothing here depends on sizes, and nothing is cut off at the
edges of a map: what is read there is padding, as if the input went on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.flow import LONGEST_PERIOD, Taps

# Intervals of different rates, and layers whose place depends on an unknown size, that are told apart.
MOST_INTERVALS = 8
MOST_SHIFTS = 64
# Positions that are looked at one by one, of a map or for one layer.
MOST_POSITIONS = 1 << 16
# Positions of a map that are listed, where no formula with a short period holds.
LONGEST_LIST = 1024
# Steps of the input per step of the output beyond this stand for no array.
LARGEST_ADVANCE = 1 << 512


# The lowest and the highest position of the input that something depends on; None where it depends on none.
Ends = tuple[int, int] | None


class MovingInterval(NamedTuple):
    """An interval of the input for each output position: at q·period + r it is ``low[r]`` to ``high[r]``, q·advance on.

    None where the position depends on nothing. ``rises`` says that both ends never go back, and none is None.
    """

    period: int
    advance: int
    low: tuple[int | None, ...]
    high: tuple[int | None, ...]
    rises: bool

    def at(self, position: int) -> Ends:
        """Return the ends of the interval at an output position."""
        turns, rest = divmod(position, self.period)
        low, high = self.low[rest], self.high[rest]
        if low is None or high is None:
            return None
        return low + turns * self.advance, high + turns * self.advance

    def over(self, positions: range) -> Ends:
        """Return the ends of the union over some positions, in rising order."""
        if not positions:
            return None
        if self.rises:
            first, last = self.at(positions[0]), self.at(positions[-1])
            return None if first is None or last is None else (first[0], last[1])
        # Positions with one remainder lie an advance apart, so that of each only the outermost count.
        turn = self._turn(positions)
        firsts = [ends[0] for p in positions[:turn] if (ends := self.at(p)) is not None]
        lasts = [ends[1] for p in positions[-turn:] if (ends := self.at(p)) is not None]
        return (min(firsts), max(lasts)) if firsts and lasts else None

    def _turn(self, positions: range) -> int:
        """Return after how many of some positions their remainders come again."""
        return self.period // math.gcd(positions.step, self.period)

    def through(self, taps: Taps) -> MovingInterval | None:
        """Return the interval of an output that reads this one by ``taps``; None where its period is too long."""
        turns = self.period // math.gcd(self.period, taps.advance)
        period = taps.period * turns
        advance = taps.advance * turns // self.period * self.advance
        work = (
            1 if self.rises else min(self.period, max((reads.stop - reads.start) // reads.step for reads in taps.reads))
        )
        if period > LONGEST_PERIOD or period * work > MOST_POSITIONS or advance > LARGEST_ADVANCE:
            return None
        return moving(period, advance, [self.over(taps.at(r)) for r in range(period)])

    def with_period(self, period: int) -> list[Ends]:
        """Return the intervals at the positions of a longer period."""
        return [self.at(r) for r in range(period)]


def moving(period: int, advance: int, ends: list[Ends]) -> MovingInterval:
    """Return the interval that has these ends at the positions of its first period."""
    low = tuple(pair and pair[0] for pair in ends)
    high = tuple(pair and pair[1] for pair in ends)
    return MovingInterval(period, advance, low, high, _rises(low, advance) and _rises(high, advance))


def _rises(ends: tuple[int | None, ...], advance: int) -> bool:
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return False
    return all(one <= other for one, other in pairwise(known)) and known[-1] <= known[0] + advance


class Listed(NamedTuple):
    """An interval of the input for each position of a map, one by one; outside of the map nothing is depended on."""

    ends: tuple[Ends, ...]

    def at(self, position: int) -> Ends:
        """Return the ends of the interval at an output position."""
        return self.ends[position] if 0 <= position < len(self.ends) else None

    def over(self, positions: range) -> Ends:
        """Return the ends of the union over some positions, in rising order."""
        first = positions.start if positions.start >= 0 else positions.start % positions.step
        return _hull(map(self.at, range(first, min(positions.stop, len(self.ends)), positions.step)))


class Footprint(NamedTuple):
    """The union of some intervals. Those of one rate stand as one where their common period is short enough.

    ``shifts`` names the layers on the way whose place is known only up to a shift, which is the same for every
    position: how far the footprint reaches is known all the same. Where no formula is short enough, the positions of a
    map of known size are ``listed``, and there are no intervals.
    """

    intervals: tuple[MovingInterval, ...]
    shifts: tuple[int, ...] = ()
    listed: Listed | None = None

    def at(self, position: int) -> Ends:
        """Return the lowest and the highest position of the input that an output position depends on."""
        if self.listed is not None:
            return self.listed.at(position)
        return _hull(interval.at(position) for interval in self.intervals)

    def over(self, positions: range) -> Ends:
        """Return the lowest and the highest position of the input that any of some positions depends on."""
        if self.listed is not None:
            return self.listed.over(positions)
        return _hull(interval.over(positions) for interval in self.intervals)

    def through(self, taps: Taps, size: Size, shifted_at: int | None = None) -> Footprint | None:
        """Return the footprint of an output of ``size`` that reads these positions by ``taps``, or None.

        ``shifted_at`` is the layer, where its taps are known only up to a shift.
        """
        shifts = self.shifts if shifted_at is None else (*self.shifts, shifted_at)
        if len(shifts) > MOST_SHIFTS:
            return None
        if shifted_at is not None and [interval.period for interval in self.intervals] != [1]:
            # An unknown shift of what differs from position to position changes more than the place.
            return None
        intervals = [interval.through(taps) for interval in self.intervals]
        known = tuple(interval for interval in intervals if interval is not None)
        if known and len(known) == len(intervals):
            return Footprint(known, shifts)
        return _list((self.over(taps.at(j)) for j in _few(size)), shifts)

    def part(self, stands: range, size: Size) -> Footprint | None:
        """Return the footprint of a map of ``size`` in which these positions are those of ``stands``."""
        return _list((self.at(j - stands.start) if j in stands else None for j in _few(size)), self.shifts)

    def union(self, other: Footprint, size: Size) -> Footprint | None:
        """Return the footprint of a position of a map of ``size`` that depends on what either does, or None."""
        if self == other:
            return self
        if self.shifts != other.shifts:
            return None
        intervals = list(self.intervals)
        for interval in other.intervals:
            for index, mine in enumerate(intervals):
                together = _together(mine, interval)
                if together is not None:
                    intervals[index] = together
                    break
            else:
                intervals.append(interval)
        if self.listed is None and other.listed is None and len(intervals) <= MOST_INTERVALS:
            return Footprint(tuple(intervals), self.shifts)
        return _list((_hull((self.at(j), other.at(j))) for j in _few(size)), self.shifts)

    def extent(self, size: Size) -> int | None:
        """Return how far the widest reaches, from the lowest position to the highest; None where nobody can say.

        Where all intervals move at one rate every position that there could be counts, else those of a map of ``size``.
        """
        if self.listed is not None:
            return max(map(_width, self.listed.ends))
        if len(self.intervals) == 1:
            return max(map(_width, self.intervals[0].with_period(self.intervals[0].period)))
        period = math.lcm(*(interval.period for interval in self.intervals))
        if not isinstance(size, int) or min(period, size) > MOST_POSITIONS:
            return None
        # Along the positions with one remainder each end is affine, so that the width is convex: largest at an end.
        firsts = range(min(period, size))
        lasts = (first + (size - 1 - first) // period * period for first in firsts)
        return max(max(_width(self.at(j)), _width(self.at(k))) for j, k in zip(firsts, lasts, strict=True))


def _few(size: Size) -> range:
    """Return the positions of a map, or none where they are too many to be listed."""
    return range(size) if isinstance(size, int) and size <= LONGEST_LIST else range(0)


def _list(ends: Iterable[Ends], shifts: tuple[int, ...]) -> Footprint | None:
    listed = Listed(tuple(ends))
    return Footprint((), shifts, listed) if listed.ends else None


def _hull(some: Iterable[Ends]) -> Ends:
    known = [ends for ends in some if ends is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def _width(ends: Ends) -> int:
    return 0 if ends is None else ends[1] - ends[0] + 1


# What a position of the input itself depends on.
ITSELF = Footprint((moving(1, 1, [(0, 0)]),))


def itself_within(size: Size) -> Footprint | None:
    """Return what a position of an input of ``size`` depends on, with nothing outside; None where that is too large."""
    return _list(((j, j) for j in _few(size)), ())


def _together(one: MovingInterval, other: MovingInterval) -> MovingInterval | None:
    """Return the union of two intervals of one rate, or None where they have different ones, or no short period."""
    period = math.lcm(one.period, other.period)
    if one.advance * other.period != other.advance * one.period or period > LONGEST_PERIOD:
        return None
    ends = [_hull(pair) for pair in zip(one.with_period(period), other.with_period(period), strict=True)]
    return moving(period, one.advance * (period // one.period), ends)
