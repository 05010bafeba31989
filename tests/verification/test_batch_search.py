"""The search for the largest size that fits, against measuring every size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from shapecheck.analysis.sizes.periodic import cyclic
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.verification.batch_search import SearchResult, largest

MOST = 5_000
SETS = (
    SizeSet("N"),
    SizeSet("N", 1, 64),
    SizeSet("N", 3, None, cyclic(0, 1, 8)),
    SizeSet("N", 1, 0, extra=[1, 2, 4, 32]),
    SizeSet("N", 7, 7),
)


def members(sizes: SizeSet) -> Iterator[int]:
    return takewhile(lambda n: n <= MOST, iter(sizes))


def search(
    amounts: dict[int, int], room: int, sizes: SizeSet, start: int, fixed: int, most: int = 10_000
) -> SearchResult:
    return largest(amounts.__getitem__, room, sizes, start, fixed, MOST, lambda count: count < most)


@given(
    sizes=st.sampled_from(SETS),
    start=st.integers(1, 100),
    fixed=st.integers(0, 10**6),
    guess=st.integers(0, 2 * 10**6),
    slope=st.integers(0, 10**4),
    bend=st.integers(0, 50),
    steps=st.integers(1, 200),
    room=st.integers(0, 3 * 10**7),
)
def test_the_answer_is_that_of_measuring_every_size(
    sizes: SizeSet, start: int, fixed: int, guess: int, slope: int, bend: int, steps: int, room: int
) -> None:
    # Rises by a line, a curve, and jumps as buffers are rounded up.
    amounts = {n: fixed + slope * n + bend * n * n + 4096 * (n // steps) for n in members(sizes)}
    first = sizes.nearest(start)[1] or sizes.nearest(start)[0]
    assert first is not None
    found = search(amounts, room, sizes, first, guess)
    fitting = [n for n, amount in amounts.items() if amount <= room]
    exceeding = [n for n, amount in amounts.items() if amount > room]
    assert found.closed and found.rising
    assert (found.fits, found.exceeds) == (max(fitting, default=None), min(exceeding, default=None))
    assert first in found.measured and len(found.measured) <= 40


def test_a_straight_line_takes_four_measurements_and_no_more() -> None:
    amounts = {n: 1_000_003 + 7_919 * n for n in range(1, MOST + 1)}
    for room in (1_100_000, 2_000_000, 10_000_000, 40_000_000):
        found = search(amounts, room, SizeSet("N"), 1, 900_000)
        assert found.closed and len(found.measured) <= 4, (room, found)


def test_a_search_that_is_given_up_says_so() -> None:
    amounts = {n: n**3 for n in range(1, MOST + 1)}
    found = search(amounts, 10**9, SizeSet("N"), 1, 0, most=3)
    assert not found.closed and len(found.measured) == 3
    whole = search(amounts, 10**9, SizeSet("N"), 1, 0)
    assert whole.closed and whole.fits == 1_000 and whole.exceeds == 1_001


def test_memory_that_falls_is_told() -> None:
    amounts = {n: 100 + n for n in range(1, MOST + 1)} | {1: 400}
    found = search(amounts, 300, SizeSet("N"), 1, 0)
    assert found.fits is None and found.exceeds == 1
    found = search({**amounts, 1: 290, 2: 120}, 300, SizeSet("N"), 1, 280)
    assert not found.rising
