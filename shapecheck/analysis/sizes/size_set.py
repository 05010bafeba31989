"""Sets of sizes, exact up to infinity: a finite part, and from some size on a set of remainders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapecheck.analysis.sizes.periodic import (
    EVERYTHING,
    NOTHING,
    Budget,
    Interval,
    Periodic,
    TooLarge,
    complement,
    cyclic_runs,
)

# Sizes held in one set one by one, and remainders written out.
MOST_LISTED = 65_536


class SizeSet:
    """The sizes that work: those in ``periodic`` from ``low`` to ``high`` (None: without end), and a few exceptions.

    ``without`` are exceptions that do not work, ``extra`` such that do. ``name`` is the dimension that the text
    speaks of. The period is the smallest there is, ``start`` the first regular member, None where there is none, and
    ``high`` the last.
    """

    def __init__(
        self,
        name: str,
        low: int = 1,
        high: int | None = None,
        periodic: Periodic = EVERYTHING,
        without: Iterable[int] = (),
        extra: Iterable[int] = (),
        reduced: bool = False,
    ) -> None:
        self.name = name
        more = frozenset(n for n in extra if n >= 1)
        if high is not None and high < low and more and max(more) - min(more) == len(more) - 1:
            # Nothing but numbers in a row.
            low, high, periodic, more = min(more), max(more), EVERYTHING, frozenset()
        self.periodic = periodic if reduced else periodic.reduced()
        gaps = frozenset(without) - more
        self.start = self._first(max(low, 1), high, gaps)
        self.high = high
        if self.start is not None:
            self._widen(gaps, more)
        self.without = frozenset(n for n in gaps if self._regular(n))
        self.extra = frozenset(n for n in more if not self._regular(n))

    def _first(self, low: int, high: int | None, gaps: frozenset[int]) -> int | None:
        first = self.periodic.next_from(low)
        while first is not None and first in gaps:
            first = self.periodic.next_from(first + 1)
        return first if first is not None and (high is None or first <= high) else None

    def _widen(self, gaps: frozenset[int], more: frozenset[int]) -> None:
        """Put the ends at the first and last member, those of ``more`` that follow the rule among them."""
        periodic = self.periodic
        assert self.start is not None
        while (before := periodic.last_to(self.start - 1)) in more:
            assert before is not None
            self.start = before
        if self.high is None:
            return
        last = periodic.last_to(self.high)
        while last in gaps:
            assert last is not None
            last = periodic.last_to(last - 1)
        assert last is not None
        while (behind := periodic.next_from(last + 1)) in more:
            assert behind is not None
            last = behind
        self.high = last
        if self.start == last:
            self.periodic = EVERYTHING

    def _regular(self, n: int) -> bool:
        return (
            self.start is not None and n >= self.start and (self.high is None or n <= self.high) and n in self.periodic
        )

    def __contains__(self, n: object) -> bool:
        return isinstance(n, int) and (n in self.extra or (self._regular(n) and n not in self.without))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SizeSet):
            return NotImplemented
        if self._parts() == other._parts():
            return True
        if hash(self) != hash(other):
            return False
        try:
            return self.first_outside(other) is None and other.first_outside(self) is None
        except TooLarge:
            return False

    def _parts(self) -> tuple[object, ...]:
        return self.start, self.high, self.periodic, self.without, self.extra

    def __hash__(self) -> int:
        return hash((self.smallest, None if self.bounded_above else self.periodic))

    def __iter__(self) -> Iterator[int]:
        """Yield the members in rising order, without end where there is none."""
        n = self.smallest
        while n is not None:
            yield n
            n = self.above(n + 1)

    @property
    def empty(self) -> bool:
        """Whether no size works."""
        return self.start is None and not self.extra

    @property
    def every(self) -> bool:
        """Whether every size from 1 on works."""
        return self.start == 1 and self.high is None and self.periodic.full and not self.without

    @property
    def bounded_above(self) -> bool:
        """Whether only finitely many sizes work."""
        return self.start is None or self.high is not None

    @property
    def smallest(self) -> int | None:
        """The smallest size that works."""
        return self.above(1)

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest members below and above ``n``; ``n`` itself where it is one."""
        return self.below(n), self.above(n)

    def above(self, n: int) -> int | None:
        """Return the smallest member at or above ``n``."""
        found: int | None = None
        if self.start is not None:
            found = self.periodic.next_from(max(n, self.start))
            while found is not None and found in self.without:
                found = self.periodic.next_from(found + 1)
            if found is not None and self.high is not None and found > self.high:
                found = None
        more = [m for m in self.extra if m >= n]
        return min([*more, *([] if found is None else [found])], default=None)

    def below(self, n: int) -> int | None:
        """Return the largest member at or below ``n``."""
        found: int | None = None
        if self.start is not None:
            found = self.periodic.last_to(n if self.high is None else min(n, self.high))
            while found is not None and found in self.without:
                found = self.periodic.last_to(found - 1)
            if found is not None and found < self.start:
                found = None
        more = [m for m in self.extra if m <= n]
        return max([*more, *([] if found is None else [found])], default=None)

    def first_outside(self, other: SizeSet) -> int | None:
        """Return the smallest member that ``other`` does not have, or None. Raises TooLarge."""
        found = [n for n in (*self.extra, *other.without) if n in self and n not in other]
        if self.start is not None:
            regular = SizeSet(self.name, self.start, self.high, self.periodic, self.without)
            if other.start is None:
                parts = [regular]
            else:
                gaps = NOTHING if self.periodic == other.periodic else complement(other.periodic)
                parts = [
                    SizeSet(self.name, self.start, _least(self.high, other.start - 1), self.periodic, self.without),
                    SizeSet(self.name, self.start, self.high, self.periodic.intersection(gaps), self.without)
                    if gaps.intervals
                    else SizeSet(self.name, 1, 0),
                ]
                if other.high is not None:
                    parts.append(
                        SizeSet(self.name, max(self.start, other.high + 1), self.high, self.periodic, self.without)
                    )
            for part in parts:
                n = part.smallest
                while n is not None and n in other:
                    n = part.above(n + 1)
                if n is not None:
                    found.append(n)
        return min(found, default=None)

    def with_head(self, start: int, members: set[int]) -> SizeSet:
        """Return the set with ``members`` in place of what it holds below ``start``."""
        head = range(1, start)
        return SizeSet(
            self.name,
            self.start or 1,
            self.high if self.start is not None else 0,
            self.periodic,
            self.without | {n for n in head if n not in members},
            (self.extra - set(head)) | members,
        )

    def as_parts(self) -> tuple[tuple[int, ...], int, int, tuple[int, ...]]:
        """Return (finite, start, period, residues) of the interface. Raises TooLarge where a list would be too long."""
        if self.bounded_above:
            members = self._listed(None)
            return members, members[-1] + 1 if members else 1, 0, ()
        assert self.start is not None
        irregular = [*self.without, *self.extra]
        start = (
            self.periodic.next_from(max(irregular) + 1) if irregular and max(irregular) >= self.start else self.start
        )
        assert start is not None
        if self.periodic.size() > MOST_LISTED:
            raise TooLarge
        residues = tuple(r for low, high in self.periodic.intervals for r in range(low, high))
        return self._listed(start), start, self.periodic.period, residues

    def _listed(self, stop: int | None) -> tuple[int, ...]:
        members: list[int] = []
        for n in self:
            if stop is not None and n >= stop:
                break
            members.append(n)
            if len(members) > MOST_LISTED:
                raise TooLarge
        return tuple(members)

    def intersection(self, other: SizeSet, budget: Budget | None = None) -> SizeSet:
        """Return what is in both. Raises TooLarge."""
        extra = {n for n in self.extra | other.extra if n in self and n in other}
        if self.start is None or other.start is None:
            return SizeSet(self.name, 1, 0, extra=extra)
        high = other.high if self.high is None else self.high if other.high is None else min(self.high, other.high)
        periodic = self.periodic.intersection(other.periodic, budget)
        without = (self.without | other.without) - extra
        # The intersection of two of the smallest period is made so.
        return SizeSet(self.name, max(self.start, other.start), high, periodic, without, extra, reduced=True)

    @property
    def condition(self) -> str:
        """The set in words: the shortest true condition."""
        return _condition(self)


def _condition(s: SizeSet) -> str:
    name = s.name
    if s.empty:
        return f"no {name} works"
    if s.bounded_above:
        return _bounded(s)
    parts = []
    remainder = _remainders(name, s.periodic)
    if s.start != s.periodic.next_from(1):
        parts.append(f"{name} >= {s.start}")
    elif s.periodic.full:
        return f"every {name} >= 1{_except(s)}"
    if remainder:
        parts.append(remainder)
    return " and ".join(parts) + _except(s)


def _except(s: SizeSet) -> str:
    text = f" except {_few(s.without)}" if s.without else ""
    return text + (f", and {_few(s.extra)}" if s.extra else "")


def _few(numbers: Iterable[int]) -> str:
    listed = sorted(numbers)
    return ", ".join(map(str, listed[:8])) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")


def _bounded(s: SizeSet) -> str:
    members = []
    for n in s:
        members.append(n)
        if len(members) > 8:
            break
    if len(members) == 1:
        return f"{s.name} == {members[0]}"
    if s.high is not None and s.start is not None and s.periodic.full and not s.without and not s.extra:
        return f"{s.start} <= {s.name} <= {s.high}"
    if len(members) <= 8 and members[-1] - members[0] == len(members) - 1:
        return f"{members[0]} <= {s.name} <= {members[-1]}"
    if len(members) <= 8 or s.start is None or s.high is None:
        return f"{s.name} in {{{_few(s.extra) if len(members) > 8 else ', '.join(map(str, members))}}}"
    last = s.below(s.high)
    remainder = _remainders(s.name, s.periodic)
    return f"{s.start} <= {s.name} <= {last}{f' and {remainder}' if remainder else ''}{_except(s)}"


def _remainders(name: str, p: Periodic) -> str:
    if p.full:
        return ""
    inside = cyclic_runs(p)
    outside = cyclic_runs(complement(p))
    count, other = p.size(), p.period - p.size()
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


def _least(high: int | None, other: int) -> int:
    return other if high is None else min(high, other)
