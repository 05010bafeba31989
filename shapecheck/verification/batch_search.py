"""The largest size that fits, where measuring one is dear: by interpolation, in few measurements."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple, Protocol

# Measurements after which the interval is halved: the amounts are then far from a straight line.
STRAIGHT = 8


class SizeChoice(Protocol):
    """The sizes to choose from, such as a SizeSet."""

    def above(self, n: int) -> int | None:
        """Return the smallest of them from ``n`` on."""

    def below(self, n: int) -> int | None:
        """Return the largest of them up to ``n``."""


class SearchResult(NamedTuple):
    """What a search found: the largest size measured that ``fits``, and above it the smallest that ``exceeds``.

    ``measured`` maps every size that was measured to its amount. ``closed`` says that no size is left between the
    two; otherwise the search was given up. None for ``fits`` or ``exceeds`` means that there is no such size, or,
    in a search that was given up, that none was met.
    """

    fits: int | None
    exceeds: int | None
    measured: dict[int, int]
    closed: bool

    @property
    def rising(self) -> bool:
        """Whether no larger size took less: only then is ``fits`` the largest of all."""
        amounts = [amount for _, amount in sorted(self.measured.items())]
        return all(one <= other for one, other in pairwise(amounts))


def largest(
    measure: Callable[[int], int],
    room: int,
    sizes: SizeChoice,
    start: int,
    fixed: int,
    most: int,
    more: Callable[[int], bool],
    so_far: Callable[[SearchResult], None] | None = None,
) -> SearchResult:
    """Search the largest size up to ``most`` whose measured amount is at most ``room``, from ``start`` on.

    The amount is taken to be about ``fixed`` and something for each unit of size; on that rests how soon the answer
    is found, not what it is. Neighbours are measured on both sides of the answer. ``more(count)`` says, when ``count``
    sizes are measured, whether another may be; ``so_far`` is told of what is known then.
    """
    measured: dict[int, int] = {}
    at: int | None = start
    while at is not None and (not measured or more(len(measured))):
        measured[at] = measure(at)
        if so_far is not None:
            so_far(SearchResult(*_bounds(measured, room), dict(measured), False))
        at = _next(measured, room, sizes, fixed, most)
    return SearchResult(*_bounds(measured, room), measured, at is None)


def _bounds(measured: dict[int, int], room: int) -> tuple[int | None, int | None]:
    exceeds = min((n for n, amount in measured.items() if amount > room), default=None)
    fits = [n for n, amount in measured.items() if amount <= room and (exceeds is None or n < exceeds)]
    return max(fits, default=None), exceeds


def _next(measured: dict[int, int], room: int, sizes: SizeChoice, fixed: int, most: int) -> int | None:
    """Return the size to measure next, or None where none is left between what fits and what does not."""
    fits, exceeds = _bounds(measured, room)
    first = sizes.above(1 if fits is None else fits + 1)
    last = sizes.below(most if exceeds is None else exceeds - 1)
    if first is None or last is None or first > last:
        return None
    wanted = _crossing({0: fixed, **measured}, room) if len(measured) < STRAIGHT else None
    if wanted is None:
        wanted = 2 * first if exceeds is None else (first + last) // 2
    wanted = min(max(wanted, first), last)
    near = sizes.below(wanted)
    return near if near is not None and near >= first else first


def _crossing(measured: dict[int, int], room: int) -> int | None:
    """Return where the line through the two amounts nearest to ``room`` meets it, or None where it does not rise."""
    under = [n for n in measured if measured[n] <= room]
    over = [n for n in measured if measured[n] > room]
    # One from either side where there are two sides: beyond both ends a line says less.
    ends = [max(under), min(over)] if under and over else sorted(measured, key=lambda n: abs(measured[n] - room))[:2]
    one, other = sorted(ends)
    rise = measured[other] - measured[one]
    return one + (room - measured[one]) * (other - one) // rise if rise > 0 else None
