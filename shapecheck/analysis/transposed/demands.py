"""Which output_padding a network demands: all its ambiguous transposed layers solved together, axis by axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.transposed.relations import AxisProblem, Equality, axis_problem
from shapecheck.analysis.transposed.solver import AxisSolver, Bounds, NoSizesLeft

# Values of one unknown that are tried one by one.
MOST_CHOICES = 10_000
# How far a demand may be missed for the nearest miss to be looked for.
FARTHEST_MISS = 10_000


class DemandedPadding(NamedTuple):
    """What the network demands of one unknown. ``values`` are the a that fit; empty where none does.

    ``status`` is ``unique``, ``several``, ``none``, ``free`` or ``undecided``. What joins axes is not seen.
    """

    node: int
    place: int
    status: str
    values: Sequence[int]


class Blocked(NamedTuple):
    """A demand that no choice can meet: its node, the sizes that can be had and the one that is needed.

    ``beside`` are other nodes of which the same node demands what none of their sizes meets: node, lowest and highest.
    """

    demand: Equality
    low: int
    high: int
    needed: int
    distance: int
    beside: tuple[tuple[int, int, int], ...] = ()


class AxisSolution(NamedTuple):
    """The answers on one axis, one choice that meets every demand that can be met, and the first that cannot."""

    answers: list[DemandedPadding]
    chosen: dict[int, int]
    blocked: Blocked | None


def solve(problem: AxisProblem) -> AxisSolution:
    """Return what the demands of one axis ask of its unknowns."""
    solver = AxisSolver(problem)
    state = solver.start()
    assert state is not None
    demands = [d for d in problem.demands if _moves(solver, state, d.left) or _moves(solver, state, d.right)]
    met, blocked, solution = _meetable(solver, state, demands)
    try:
        solver.narrow(state, met)
    except NoSizesLeft:
        solution = None
    if solution is None:
        return AxisSolution([DemandedPadding(n, problem.place, "undecided", ()) for n in solver.unknowns], {}, blocked)
    chosen = {node: value[0] for node, value in solution.a.items()}
    stuck = _dependencies(solver, blocked.demand) if blocked is not None else frozenset()
    answers = [_answer(solver, state, met, node, chosen, node in stuck) for node in solver.unknowns]
    return AxisSolution(answers, chosen, blocked)


def solve_axes(shapes: Shapes, open_axes: Mapping[int, tuple[int, ...]]) -> dict[int, AxisSolution]:
    """Return what is demanded on each spatial axis on which some layer is open; ``open_axes`` are given by node."""
    places = sorted({place for axes in open_axes.values() for place in axes})
    return {place: solve(axis_problem(shapes, place, open_axes)) for place in places}


def _moves(solver: AxisSolver, state: Bounds, node: int | None) -> bool:
    """Say whether a size depends on some a, and not in name only: a reshape may work with one size alone."""
    return node is not None and bool(solver.varying[node]) and state.low[node] != state.high[node]


def _dependencies(solver: AxisSolver, demand: Equality) -> frozenset[int]:
    right = solver.varying[demand.right] if demand.right is not None else frozenset()
    return solver.varying[demand.left] | right


def _meetable(
    solver: AxisSolver, state: Bounds, demands: list[Equality]
) -> tuple[list[Equality], Blocked | None, Bounds | None]:
    """Return the demands that can be met together in order, the first that cannot, and a solution."""
    solution = solver.search(state, demands)
    if solution is not None or solver.exhausted:
        return demands, None, solution
    met: list[Equality] = []
    blocked: Blocked | None = None
    last = solver.search(state, [])
    for demand in demands:
        trial = solver.search(state, [*met, demand])
        if solver.exhausted and trial is None:
            return met, None, None
        if trial is not None:
            met.append(demand)
            last = trial
        elif blocked is None:
            blocked = _nearest_miss(solver, state, met, demand)
        elif demand.at == blocked.demand.at:
            blocked = _with(blocked, solver, state, demand)
    return met, blocked, last


def _with(blocked: Blocked, solver: AxisSolver, state: Bounds, demand: Equality) -> Blocked:
    """Add another node of which the same size is demanded, and of which it cannot be had whatever the a are."""
    sides = [side for side in (demand.left, demand.right) if side is not None and solver.varying[side]]
    misses = [(s, state.low[s], state.high[s]) for s in sides if not state.low[s] <= blocked.needed <= state.high[s]]
    return blocked._replace(beside=(*blocked.beside, *misses)) if len(misses) == 1 else blocked


def _nearest_miss(solver: AxisSolver, state: Bounds, met: list[Equality], demand: Equality) -> Blocked:
    """Return by how much a demand is missed at best when those before it are met."""
    free = state.copy()
    with suppress(NoSizesLeft):
        solver.narrow(free, met)
    left, right = demand.left, demand.right
    if right is not None and not solver.varying[left]:
        left, right = right, left
    low, high = free.low[left], free.high[left]
    wanted = (free.low[right], free.high[right]) if right is not None else (demand.value or 0, demand.value or 0)
    least, most = low - wanted[1], high - wanted[0]
    for distance in range(1, FARTHEST_MISS):
        for offset in (-distance, distance):
            if least <= offset <= most:
                near = Equality(left, right, demand.value, demand.at, offset)
                found = solver.search(state, [*met, near])
                if found is not None:
                    needed = wanted[0] if right is None else found.low[right]
                    return Blocked(demand, low, high, needed, distance)
        if solver.exhausted or (-distance < least and distance > most):
            break
    solver.refill()
    return Blocked(demand, low, high, wanted[0], max(least, -most, 1))


def _answer(
    solver: AxisSolver, state: Bounds, met: list[Equality], node: int, chosen: dict[int, int], stuck: bool
) -> DemandedPadding:
    place = solver.problem.place
    choices = range(solver.relations[node].choices)
    if stuck:
        return DemandedPadding(node, place, "none", ())
    if not solver.matters(node, met):
        # What is too long for a list stays a range.
        return DemandedPadding(node, place, "free", tuple(choices) if choices.stop <= MOST_CHOICES else choices)
    low, high = state.a[node]
    if low == high:
        return DemandedPadding(node, place, "unique", (low,))
    solver.refill()
    if high - low >= MOST_CHOICES:
        return DemandedPadding(node, place, "undecided", ())
    values = tuple(value for value in range(low, high + 1) if solver.feasible(state, met, node, value))
    if solver.exhausted:
        return DemandedPadding(node, place, "undecided", values)
    if len(values) == len(choices) and _alone(solver, state, met, node, chosen):
        return DemandedPadding(node, place, "free", values)
    return DemandedPadding(node, place, "unique" if len(values) == 1 else "several", values)


def _alone(solver: AxisSolver, state: Bounds, met: list[Equality], node: int, chosen: dict[int, int]) -> bool:
    """Say whether every value fits while all other unknowns keep what was chosen for them."""
    for value in range(solver.relations[node].choices):
        trial = state.copy()
        for other, fixed in chosen.items():
            trial.a[other] = (fixed, fixed)
        trial.a[node] = (value, value)
        if solver.search(trial, met) is None:
            return False
    return True
