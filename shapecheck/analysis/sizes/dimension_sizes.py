"""The answer for one dimension: its sizes, what is known of each, and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shapecheck.analysis.sizes.causes import SizeCondition
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.analysis.sizes.trials import Trials

# How many members of a set that is known in part are tried on either side, in search of one that works.
MOST_NEIGHBOURS = 64


class UndecidedSize(ValueError):
    """Whether a size works is not known, so it is neither in the set nor outside it."""


class Elsewhere(NamedTuple):
    """A layer that fails whatever the size of a dimension is, ``because`` of the sizes of some others."""

    layer: str
    node: int
    because: Mapping[str, int]
    message: str

    def sentence(self, name: str) -> str:
        """Return in words at which layer the network fails at every size of a dimension, and why."""
        why = " and ".join(f"{other} = {size}" for other, size in self.because.items())
        return f"fails at every {name}: {self.layer}{f', because {why}' if why else ''}: {self.message}"


class Sizes:
    """The sizes of one dimension at which the network works, the others at their given size.

    ``set`` are the sizes at which every condition that involves the dimension holds. ``status`` is ``exact``, or
    ``partial`` where ``unresolved`` lists what could not be decided; what works is then in ``set``, and not all that is
    in it works. ``causes`` are in layer order. ``elsewhere`` lists what fails whatever the size is: then no size works.
    """

    def __init__(
        self,
        name: str,
        given: int | None,
        allowed: SizeSet,
        causes: list[SizeCondition],
        unresolved: list[str],
        trials: Trials,
        elsewhere: tuple[Elsewhere, ...] = (),
    ) -> None:
        self.name = name
        self.given = given
        self.set = allowed
        self.causes = causes
        self.unresolved = unresolved
        self.elsewhere = elsewhere
        self._trials = trials

    def __contains__(self, n: object) -> bool:
        """Say whether a size meets the conditions on this dimension. Raises UndecidedSize where that is not known."""
        answer = n in self.set if self.elsewhere else self.accepts(n)
        if answer is None:
            raise UndecidedSize(f"whether {self.name} = {n} works was not decided: {self.unresolved[0]}")
        return answer

    def accepts(self, n: object) -> bool | None:
        """Say whether a size works: True, False, or None where that is not known.

        Where the set is known in part, the network is looked at with that size.
        """
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            return False
        if self.elsewhere or not self.unresolved:
            return n in self.set and not self.elsewhere
        if n not in self.set:
            return False
        return self._trials.at(n).works

    def contradicted(self, why: str) -> None:
        """Claim no more than what is tried: something that was found is not true of a size."""
        self.unresolved.append(why)
        self.set = SizeSet(self.name)
        self.causes = []
        self.elsewhere = ()

    def refusal(self, n: int) -> str | None:
        """Return at which layer a size fails, and how, by trying it; None where it works, or too many were tried."""
        trial = self._trials.tried(n)
        if trial is None or trial.works is not False:
            return None
        node = "" if trial.node is None else f"{self._trials.network.nodes[trial.node].name}: "
        return node + trial.message

    def works_at(self, n: int) -> bool:
        """Say whether a size is known to work, ``check`` having no fault with it."""
        return self._known(n) is True

    def decided(self, n: int) -> bool:
        """Say whether it is known of a size whether it works, trying it where that is not too much."""
        return self._known(n) is not None

    def _known(self, n: int) -> bool | None:
        """Say whether a size works, by trying it where that is not too much."""
        if self.elsewhere or n not in self.set:
            return False
        trial = self._trials.tried(n)
        if trial is None:
            return None if self.unresolved else n in self.set
        if trial.works is False and not self.unresolved:
            self.contradicted(f"{self.name} = {n} does not work: {trial.message}")
        return trial.works if self.unresolved else trial.works is not False

    @property
    def status(self) -> str:
        """``exact`` or ``partial``."""
        return "partial" if self.unresolved else "exact"

    @property
    def condition(self) -> str:
        """The set in words, such as ``H >= 188 and H % 16 == 12``."""
        return self.set.condition

    def nearest(self, n: int) -> tuple[int | None, int | None]:
        """Return the nearest sizes that work below and above ``n``; ``n`` itself where it works."""
        return self.below(n), self.above(n)

    def below(self, n: int) -> int | None:
        """Return the largest size at or below ``n`` that works, None where none is known to."""
        if self.elsewhere:
            return None
        for _ in range(MOST_NEIGHBOURS):
            found = self.set.below(n)
            if found is None or self.works_at(found):
                return found
            n = found - 1
        return None

    def above(self, n: int) -> int | None:
        """Return the smallest size at or above ``n`` that works, None where none is known to."""
        if self.elsewhere:
            return None
        for _ in range(MOST_NEIGHBOURS):
            found = self.set.above(n)
            if found is None or self.works_at(found):
                return found
            n = found + 1
        return None

    def examples(self, count: int) -> list[int]:
        """Return some sizes that work, the smallest that are known to."""
        return list(itertools.islice(self._members(), count))

    def _members(self) -> Iterator[int]:
        n = self.above(1)
        while n is not None:
            yield n
            n = self.above(n + 1)
