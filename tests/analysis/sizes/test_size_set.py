"""Sets of sizes against Python's own sets: every operation, over more than the longest period that occurs."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from amounts import sampled
from random_sets import LIMIT, REGULAR, listed, random_periodic, random_set, runs

from shapecheck.analysis.sizes import periodic, size_set
from shapecheck.analysis.sizes.periodic import EVERYTHING, NOTHING, Periodic, TooLarge, complement, cyclic
from shapecheck.analysis.sizes.size_set import SizeSet


def members(p: Periodic, stop: int = 200) -> set[int]:
    return {n for n in range(stop) if n in p}


def smallest_period(numbers: set[int], period: int) -> int:
    return min(
        q
        for q in range(1, period + 1)
        if period % q == 0 and all((r in numbers) == (r % q in numbers) for r in range(period))
    )


SETS = [random_set(random.Random(seed)) for seed in range(250)]
PAIRS = [(SETS[i], SETS[j]) for i, j in (random.Random(7).choices(range(len(SETS)), k=2) for _ in range(300))]


@pytest.mark.parametrize("seed", sampled(range(150)))
def test_periodic(seed: int) -> None:
    rng = random.Random(seed)
    p, remainders = random_periodic(rng)
    other, _ = random_periodic(rng)
    inside = members(p)
    assert inside == {n for n in range(200) if n % p.period in remainders}
    assert members(complement(p)) == set(range(200)) - inside
    assert p.size() == len(remainders)
    assert p.full == (len(remainders) == p.period)
    reduced = p.reduced()
    assert members(reduced) == inside
    assert reduced.period == smallest_period(remainders, p.period)
    assert reduced.intervals == runs({n for n in inside if n < reduced.period})
    lifted = p.lifted(p.period * 3)
    assert lifted.period == p.period * 3 and members(lifted) == inside
    both = p.intersection(other)
    assert members(both, 4_000) == members(p, 4_000) & members(other, 4_000)
    assert both == both.reduced() or p.full or other.full
    for n in range(-50, 60):
        above = [m for m in range(n, n + p.period) if m % p.period in remainders]
        below = [m for m in range(n, n - p.period, -1) if m % p.period in remainders]
        assert p.next_from(n) == (above[0] if above else None)
        assert p.last_to(n) == (below[0] if below else None)


def test_cyclic_is_so_many_remainders_in_a_row() -> None:
    for period, low, length in itertools.product(range(1, 9), range(-9, 10), range(-1, 10)):
        found = cyclic(low, length, period)
        assert members(found, 40) == {n for n in range(40) if (n - low) % period < length}
        assert found in (NOTHING, EVERYTHING) or found.period == period


def test_a_period_may_be_as_long_as_it_likes() -> None:
    long = cyclic(5, 1, 2**64)
    assert 2**64 + 5 in long and 2**63 + 5 not in long
    assert long.next_from(6) == 2**64 + 5
    assert long.intersection(cyclic(1, 1, 4)) == long
    assert long.intersection(cyclic(2, 1, 4)) == NOTHING
    assert cyclic(0, 1, 2**64).intersection(cyclic(0, 1, 3)) == cyclic(0, 1, 3 * 2**64)
    assert cyclic(0, 2**63, 2**64).reduced().period == 2**64
    assert Periodic(2**64, ((0, 2**62), (2**63, 2**63 + 2**62))).reduced() == cyclic(0, 2**62, 2**63)


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "MOST_INTERVALS", 50)
    even = cyclic(0, 1, 2)
    assert len(even.lifted(100).intervals) == 50
    with pytest.raises(TooLarge):
        even.lifted(102)
    with pytest.raises(TooLarge):
        even.intersection(cyclic(0, 103, 1_000))
    with pytest.raises(TooLarge):
        SizeSet("H", periodic=even).intersection(SizeSet("H", periodic=cyclic(0, 103, 1_000)))


@pytest.mark.parametrize("number", sampled(range(len(SETS))))
def test_a_set_has_the_members_that_it_was_given(number: int) -> None:
    s, model = SETS[number]
    assert listed(s) == model
    assert list(itertools.islice(s, 50)) == sorted(model)[:50]
    assert s.smallest == min(model, default=None)
    assert s.empty == (not model)
    assert s.every == (len(model) == LIMIT - 1)
    assert s.bounded_above == all(n < REGULAR for n in model)
    assert 0 not in s and -1 not in s
    for n in range(1, REGULAR + 20):
        below = max((m for m in model if m <= n), default=None)
        above = min((m for m in model if m >= n), default=None)
        assert s.nearest(n) == (below, above)
        assert (n in s) == (below == above == n)


@pytest.mark.parametrize("number", sampled(range(len(SETS))))
def test_the_form_is_the_smallest_there_is(number: int) -> None:
    s, model = SETS[number]
    finite, start, period, residues = s.as_parts()
    if all(n < REGULAR for n in model):
        assert (list(finite), period, residues) == (sorted(model), 0, ())
        assert start == max(model, default=0) + 1
        return
    tail = {n - REGULAR for n in range(REGULAR, REGULAR + 720) if n in model}
    smallest = smallest_period(tail, 720)
    assert period == s.periodic.period == smallest
    assert residues == tuple(sorted(n % period for n in range(REGULAR, REGULAR + period) if n in model))
    regular = set(residues)
    wanted = max((n for n in range(1, REGULAR) if (n in model) != (n % period in regular)), default=0)
    assert start == min(n for n in model if n > wanted)
    assert finite == tuple(sorted(n for n in model if n < start))
    # In memory and in words: no exception that is none, no beginning that is too late.
    assert s.start is not None and not s.extra & s.without
    assert not any(n >= s.start and n % period in regular for n in s.extra)
    assert all(n in model for n in range(s.start, LIMIT) if n % period in regular and n not in s.without)
    before = s.periodic.last_to(s.start - 1)
    assert before is None or before < 1 or before not in model


@pytest.mark.parametrize("number", sampled(range(len(PAIRS))))
def test_two_sets(number: int) -> None:
    (one, mine), (other, theirs) = PAIRS[number]
    both = one.intersection(other)
    assert listed(both) == mine & theirs
    assert both.bounded_above == all(n < REGULAR for n in mine & theirs)
    assert one.first_outside(other) == min(mine - theirs, default=None)
    assert other.first_outside(one) == min(theirs - mine, default=None)
    assert (one == other) == (mine == theirs)
    assert one.intersection(other) == other.intersection(one)


@pytest.mark.parametrize("number", sampled(range(len(SETS))))
def test_one_set_has_one_form(number: int) -> None:
    """Rebuilt from its members in another way, a set is equal and has the same hash."""
    s, model = SETS[number]
    finite, start, period, residues = s.as_parts()
    if period:
        again = SizeSet("H", start, None, Periodic(period, runs(set(residues))), (), finite)
    else:
        again = SizeSet("H", 1, 0, EVERYTHING, (), finite)
        dense = SizeSet("H", 1, REGULAR, EVERYTHING, set(range(1, REGULAR + 1)) - model)
        assert dense == s and hash(dense) == hash(s)
    assert listed(again) == model
    assert again == s and hash(again) == hash(s)
    assert s == s.intersection(s) and s != SizeSet("H", 1, 0, extra=[REGULAR + 5])


@pytest.mark.parametrize("number", sampled(range(len(SETS))))
def test_another_head(number: int) -> None:
    s, model = SETS[number]
    rng = random.Random(number)
    start = rng.randint(1, 40)
    head = {n for n in range(1, start) if rng.random() < 0.5}
    changed = s.with_head(start, head)
    wanted = head | {n for n in model if n >= start}
    assert listed(changed) == wanted
    assert changed.smallest == min(wanted, default=None)
    assert listed(s.with_head(start, {n for n in model if n < start})) == model
    assert s.with_head(start, {n for n in model if n < start}) == s


def test_intersections_of_many_are_those_of_two() -> None:
    rng = random.Random(3)
    for _ in range(60):
        chosen = rng.sample(SETS, 4)
        result, wanted = SizeSet("H"), frozenset(range(1, LIMIT))
        for s, model in chosen:
            result, wanted = result.intersection(s), wanted & model
        assert listed(result, LIMIT) == wanted
        assert result.periodic.period <= math.lcm(*(s.periodic.period for s, _ in chosen))


def test_a_list_that_would_be_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_set, "MOST_LISTED", 100)
    assert len(SizeSet("H", 1, 100).as_parts()[0]) == 100
    for large in (SizeSet("H", 1, 101), SizeSet("H", periodic=cyclic(0, 101, 1_000))):
        with pytest.raises(TooLarge):
            large.as_parts()
