"""Footprints in closed form, against sets of positions written out one by one."""

from __future__ import annotations

import random

import pytest

from shapecheck.analysis.footprint import ITSELF, MOST_INTERVALS, Footprint, itself_within
from shapecheck.layers.flow import Taps, taps_of_ratio, taps_of_window
from shapecheck.layers.window import Window

POSITIONS = range(-40, 90)


def random_taps(rng: random.Random) -> Taps:
    kind = rng.choice(("window", "transposed", "ratio", "cut", "stretched"))
    taps: Taps | None
    if kind == "ratio":
        taps = taps_of_ratio(rng.randint(1, 6), rng.randint(1, 6), rng.choice(("nearest", "linear", "cubic")))
    elif kind == "cut":
        start = rng.randint(-3, 3)
        taps = Taps(1, rng.randint(1, 3), (range(start, start + 1),))
    elif kind == "stretched" and rng.random() < 0.2:
        taps = Taps(1, 0, (range(1),))
    else:
        form = "transposed" if kind == "transposed" else "conv"
        k, s, d = rng.randint(1, 4), rng.randint(1, 4), rng.randint(1, 3)
        taps = taps_of_window(Window(form, 99, 99, k, s, rng.randint(0, 3), 0, d))
    assert taps is not None
    return taps


def random_chain(rng: random.Random) -> list[Taps]:
    return [random_taps(rng) for _ in range(rng.randint(0, 4))]


def footprint_of(chain: list[Taps]) -> Footprint:
    found = ITSELF
    for taps in chain:
        behind = found.through(taps, 90)
        assert behind is not None
        found = behind
    return found


def read(chain: list[Taps], position: int) -> set[int]:
    """What a position behind a chain depends on, through all positions between."""
    places = {position}
    for taps in reversed(chain):
        places = {source for place in places for source in taps.at(place)}
    return places


def ends(places: set[int]) -> tuple[int, int] | None:
    return (min(places), max(places)) if places else None


@pytest.mark.parametrize("seed", range(60))
def test_a_chain_reads_what_its_taps_read_one_after_the_other(seed: int) -> None:
    chain = random_chain(random.Random(seed))
    found = footprint_of(chain)
    assert [found.at(j) for j in POSITIONS] == [ends(read(chain, j)) for j in POSITIONS]


@pytest.mark.parametrize("seed", range(60))
def test_a_union_reads_what_either_reads_and_is_as_wide_as_its_widest_position(seed: int) -> None:
    rng = random.Random(seed)
    chains = [random_chain(rng) for _ in range(3)]
    behind = random_taps(rng)
    found: Footprint | None = footprint_of(chains[0])
    for chain in chains[1:]:
        assert found is not None
        found = found.union(footprint_of(chain), 90)
    found = None if found is None else found.through(behind, 90)
    assert found is not None
    truth = [ends({p for chain in chains for p in read([*chain, behind], j)}) for j in range(90)]
    assert [found.at(j) for j in range(90)] == truth
    if len(found.intervals) > 1:
        assert found.extent(90) == max(0 if pair is None else pair[1] - pair[0] + 1 for pair in truth)


def test_the_widest_of_positions_without_number_is_found_at_an_end() -> None:
    # One path stands still where the other moves on.
    still = ITSELF.through(Taps(1, 0, (range(1),)), 90)
    assert still is not None
    found = still.union(ITSELF, 90)
    assert found is not None
    assert found.extent(2**40) == 2**40


def test_how_far_a_shifted_footprint_reaches_is_known_but_not_what_it_adds_to_another() -> None:
    window = Taps(1, 2, (range(3),))
    one, other = (ITSELF.through(window, 90, shifted_at=layer) for layer in (7, 8))
    assert one is not None and other is not None
    assert one.extent(10) == 3
    assert one.union(one, 90) == one
    assert one.union(other, 90) is None
    behind = one.through(window, 90, shifted_at=9)
    assert behind is not None and behind.extent(10) == 7


def chain_of_rates(count: int) -> Footprint:
    found: Footprint | None = ITSELF
    for step in range(2, count + 1):
        assert found is not None
        found = found.union(footprint_of([Taps(1, step, (range(1),))]), 90)
    assert found is not None
    return found


def test_many_rates_are_listed_position_by_position_on_a_small_map() -> None:
    found = chain_of_rates(MOST_INTERVALS)
    assert len(found.intervals) == MOST_INTERVALS
    fast = footprint_of([Taps(1, 99, (range(1),))])
    more = found.union(fast, 90)
    assert more is not None and more.listed is not None
    assert [more.at(j) for j in range(90)] == [(j, 99 * j) for j in range(90)]
    assert more.at(-1) is None and more.at(90) is None
    assert more.extent(90) == 98 * 89 + 1
    assert found.union(fast, 2**40) is None


def long_period() -> Footprint:
    found = ITSELF
    for step in (61, 67):
        behind = found.through(Taps(step, 2, tuple(range(r, r + 1) for r in range(step))), 10**6)
        assert behind is not None
        found = behind
    return found


def test_a_long_period_is_listed_position_by_position_on_a_small_map() -> None:
    before = long_period()
    taps = Taps(71, 2, tuple(range(r - 1, r + 1) for r in range(71)))
    assert before.through(taps, 10**6) is None
    listed = before.through(taps, 100)
    assert listed is not None and listed.listed is not None
    assert [listed.at(j) for j in range(100)] == [before.over(taps.at(j)) for j in range(100)]
    behind = listed.through(Taps(1, 2, (range(-3, 5, 2),)), 50)
    assert behind is not None
    for j in range(50):
        places = [listed.at(2 * j + t) for t in range(-3, 5, 2)]
        known = [pair for pair in places if pair is not None]
        assert behind.at(j) == (min(low for low, _ in known), max(high for _, high in known))


def test_a_part_of_a_map_is_listed() -> None:
    window = ITSELF.through(Taps(1, 1, (range(-1, 2),)), 4)
    assert window is not None
    part = window.part(range(2, 6), 7)
    assert part is not None
    assert [part.at(j) for j in range(7)] == [None, None, (-1, 1), (0, 2), (1, 3), (2, 4), None]
    assert window.part(range(2, 6), 2**40) is None


def test_within_a_map_nothing_outside_is_read() -> None:
    found = itself_within(4)
    assert found is not None and itself_within(2**40) is None
    window = found.through(Taps(1, 1, (range(-1, 2),)), 4)
    assert window is not None
    assert [window.at(j) for j in range(-1, 5)] == [None, (0, 1), (0, 2), (1, 3), (2, 3), None]
