"""One spatial axis with its unknowns, as intervals that narrow each other.

Each open layer adds one unknown a in 0 .. s − 1 to the axis. Sizes are intervals; every size function rises, so an
interval goes through it by its ends, forwards and, by bisection, backwards. Demands (merges, statements, pairs) narrow
them until nothing changes; what is then still open is tried value by value. No product is enumerated.
"""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.transposed.relations import AxisProblem, Equality, Relation

# Tries before an axis is left undecided.
BUDGET = 2_000
SWEEPS = 60
# Stands for a size that has no bound.
LARGEST = 1 << 1024
# Sizes that are tried one by one of a function that does not rise.
WIDEST = 256


class NoSizesLeft(Exception):
    """No sizes are left for a node."""


class Bounds:
    """Bounds on the size of every node and on every unknown a."""

    __slots__ = ("a", "high", "low")

    def __init__(self, low: dict[int, int], high: dict[int, int], a: dict[int, tuple[int, int]]) -> None:
        self.low = low
        self.high = high
        self.a = a

    def copy(self) -> Bounds:
        """Return a state that can be narrowed by itself."""
        return Bounds(dict(self.low), dict(self.high), dict(self.a))


class AxisSolver:
    """One spatial axis with its unknowns."""

    def __init__(self, problem: AxisProblem) -> None:
        self.problem = problem
        self.relations = {relation.node: relation for relation in problem.relations}
        self.unknowns = [r.node for r in problem.relations if r.choices > 1]
        self.varying = self._varying()
        self.budget = BUDGET
        self.exhausted = False

    def _varying(self) -> dict[int, frozenset[int]]:
        """Return the unknowns that each node depends on."""
        depends: dict[int, frozenset[int]] = {}
        for relation in self.problem.relations:
            own = frozenset([relation.node]) if relation.choices > 1 else frozenset()
            above = depends.get(relation.source, frozenset()) if relation.source is not None else frozenset()
            for other in relation.others:
                above |= depends.get(other, frozenset())
            depends[relation.node] = own | above if own else above
        return depends

    def start(self) -> Bounds | None:
        """Return the sizes that can be had with no demand made, or None where a size is unknown."""
        state = Bounds({}, {}, {node: (0, self.relations[node].choices - 1) for node in self.unknowns})
        for relation in self.problem.relations:
            self._seed(relation, state)
        return state

    def _seed(self, relation: Relation, state: Bounds) -> None:
        source, node = relation.source, relation.node
        if source is None:
            low, high = (relation.constant,) * 2 if relation.constant is not None else (1, LARGEST)
        elif any(n not in state.low or state.high[n] >= LARGEST for n in (source, *relation.others)):
            low, high = 1, LARGEST
        elif relation.function is None:
            low, high = _sum((source, *relation.others), state)
        elif not relation.rising:
            low, high = _range(relation, state.low[source], state.high[source]) or (1, 0)
        else:
            smallest, largest = relation.function(state.low[source]), relation.function(state.high[source])
            low = 1 if smallest is None else smallest
            high = 0 if largest is None else largest + relation.choices - 1
        state.low[node], state.high[node] = low, high

    def narrow(self, state: Bounds, demands: Iterable[Equality]) -> None:
        """Narrow a state until nothing changes. Raises NoSizesLeft."""
        demands = list(demands)
        for _ in range(SWEEPS):
            changed = False
            for relation in self.problem.relations:
                changed = self._forward(relation, state) or changed
            for demand in demands:
                changed = self._meet(demand, state) or changed
            for relation in reversed(self.problem.relations):
                changed = self._backward(relation, state) or changed
            if not changed:
                return

    def _tighten(self, state: Bounds, node: int, low: int, high: int) -> bool:
        old = state.low[node], state.high[node]
        new = max(old[0], low), min(old[1], high)
        if new[0] > new[1]:
            raise NoSizesLeft
        state.low[node], state.high[node] = new
        return new != old

    def _forward(self, relation: Relation, state: Bounds) -> bool:
        source = relation.source
        if source is None or source not in state.low or not self.varying[relation.node]:
            return False
        if relation.function is None:
            if any(other not in state.low for other in relation.others):
                return False
            return self._tighten(state, relation.node, *_sum((source, *relation.others), state))
        if not relation.rising:
            ends = _range(relation, state.low[source], state.high[source])
            if ends is None:
                raise NoSizesLeft
            return self._tighten(state, relation.node, *ends)
        smallest, largest = relation.function(state.low[source]), relation.function(state.high[source])
        if largest is None:
            raise NoSizesLeft
        a = state.a.get(relation.node, (0, 0))
        return self._tighten(state, relation.node, (1 if smallest is None else smallest) + a[0], largest + a[1])

    def _backward(self, relation: Relation, state: Bounds) -> bool:
        source, node = relation.source, relation.node
        if source is None or source not in state.low or not self.varying[node]:
            return False
        if relation.function is None:
            return self._share(relation, (source, *relation.others), state)
        if not relation.rising:
            fitting = _fitting(relation, state.low[source], state.high[source], state.low[node], state.high[node])
            if fitting is None:
                raise NoSizesLeft
            return self._tighten(state, source, *fitting)
        a = state.a.get(node, (0, 0))
        low = _first_at_least(relation, state.low[node] - a[1], state.low[source], state.high[source])
        high = _last_at_most(relation, state.high[node] - a[0], state.low[source], state.high[source])
        changed = self._tighten(state, source, low, high)
        if relation.choices > 1:
            smallest, largest = relation.function(state.low[source]), relation.function(state.high[source])
            new = max(a[0], state.low[node] - (largest or 0)), min(a[1], state.high[node] - (smallest or 1))
            if new[0] > new[1]:
                raise NoSizesLeft
            state.a[node] = new
            changed = changed or new != a
        return changed

    def _share(self, relation: Relation, sources: tuple[int, ...], state: Bounds) -> bool:
        """Narrow each of the sizes that are added up to what the others leave of the sum."""
        if any(source not in state.low for source in sources):
            return False
        changed = False
        for at, source in enumerate(sources):
            others = [*sources[:at], *sources[at + 1 :]]
            low = state.low[relation.node] - sum(state.high[other] for other in others)
            high = state.high[relation.node] - sum(state.low[other] for other in others)
            changed = self._tighten(state, source, low, high) or changed
        return changed

    def _meet(self, demand: Equality, state: Bounds) -> bool:
        if demand.right is None:
            assert demand.value is not None
            value = demand.value + demand.offset
            return self._tighten(state, demand.left, value, value)
        offset = demand.offset
        low = max(state.low[demand.left], state.low[demand.right] + offset)
        high = min(state.high[demand.left], state.high[demand.right] + offset)
        changed = self._tighten(state, demand.left, low, high)
        return self._tighten(state, demand.right, low - offset, high - offset) or changed

    def search(self, state: Bounds, demands: list[Equality]) -> Bounds | None:
        """Return a state in which every unknown has one value and every demand is met, or None."""
        state = state.copy()
        try:
            self.narrow(state, demands)
        except NoSizesLeft:
            return None
        loose = [node for node, (low, high) in state.a.items() if low < high and self.matters(node, demands)]
        if not loose:
            for node, (low, _) in state.a.items():
                state.a[node] = (low, low)
            final = state.copy()
            try:
                self.narrow(final, demands)
            except NoSizesLeft:
                return None
            return final
        node = min(loose, key=lambda n: state.a[n][1] - state.a[n][0])
        for value in range(state.a[node][0], state.a[node][1] + 1):
            if self.budget <= 0:
                self.exhausted = True
                return None
            self.budget -= 1
            trial = state.copy()
            trial.a[node] = (value, value)
            found = self.search(trial, demands)
            if found is not None:
                return found
        return None

    def matters(self, node: int, demands: list[Equality]) -> bool:
        """Say whether any demand depends on an unknown."""
        return any(
            node in self.varying[d.left] or (d.right is not None and node in self.varying[d.right]) for d in demands
        )

    def refill(self) -> None:
        """Let another question have its part of the tries."""
        self.budget = max(self.budget, BUDGET // 4)
        self.exhausted = False

    def feasible(self, state: Bounds, demands: list[Equality], node: int, value: int) -> bool:
        """Say whether a solution exists in which one unknown has ``value``."""
        trial = state.copy()
        trial.a[node] = (value, value)
        return self.search(trial, demands) is not None


def _sum(nodes: tuple[int, ...], state: Bounds) -> tuple[int, int]:
    return sum(state.low[node] for node in nodes), sum(state.high[node] for node in nodes)


def _range(relation: Relation, low: int, high: int) -> tuple[int, int] | None:
    """Return bounds on a function that does not rise, on sizes from low to high; None where it has no value there."""
    assert relation.function is not None
    if high - low > WIDEST:
        return 1, LARGEST
    sizes = [size for i in range(low, high + 1) if (size := relation.function(i)) is not None]
    return (min(sizes), max(sizes)) if sizes else None


def _fitting(relation: Relation, low: int, high: int, least: int, most: int) -> tuple[int, int] | None:
    """Return the smallest and largest size from low to high that a function that may fall maps into bounds."""
    assert relation.function is not None
    if high - low > WIDEST:
        return low, high
    sizes = [i for i in range(low, high + 1) if (size := relation.function(i)) is not None and least <= size <= most]
    return (sizes[0], sizes[-1]) if sizes else None


def _first_at_least(relation: Relation, bound: int, low: int, high: int) -> int:
    """Return the smallest source size from low to high whose function reaches ``bound``, or high + 1."""
    assert relation.function is not None
    above = high + 1
    while low < above:
        middle = (low + above) // 2
        size = relation.function(middle)
        if size is not None and size >= bound:
            above = middle
        else:
            low = middle + 1
    return low


def _last_at_most(relation: Relation, bound: int, low: int, high: int) -> int:
    """Return the largest source size from low to high whose function stays at or below ``bound``, or low - 1."""
    return _first_at_least(relation, bound + 1, low, high) - 1
