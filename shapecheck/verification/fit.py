"""Whether a training step fits into memory, and the largest batch that does, by compiling steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from shapecheck.analysis.batch import Batch, NoBatch, batch_of
from shapecheck.analysis.cost import total
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.sizes.periodic import TooLarge
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.arithmetic.symbolic import known
from shapecheck.graph.network import Network
from shapecheck.rules.input_sizes import accepted
from shapecheck.verification import Plan, Verification
from shapecheck.verification.batch_search import SearchResult, largest
from shapecheck.verification.cost_comparison import cost_of, reason, retyped
from shapecheck.verification.interrupted import PartialCallback, with_missing_costs
from shapecheck.verification.records.compiler_cost import Fit, MeasuredBatch, Unavailable
from shapecheck.verification.records.plan import ProgressCallback
from shapecheck.verification.reference import BuildError
from shapecheck.verification.reference.compiled_cost import on_device, parameter_type, training
from shapecheck.verification.reference.training_step import SLOTS

# Steps that a search compiles before it gives up, and the seconds; it takes two to six.
MOST_COMPILED = 24
PATIENCE = 900.0
MOST_BATCH = 2**24
# Batches in a row that are tried in search of one at which the network works.
MOST_TRIED = 256


class _Steps:
    """Training steps of one plan, compiled one after another."""

    def __init__(self, plan: Plan, backend: str, progress: ProgressCallback | None) -> None:
        self.plan = plan
        self.backend = backend
        self.progress = progress
        self.compiled = 0
        self.start = time.perf_counter()

    def held(self, network: Network, at: str) -> int:
        """Return the bytes that a step holds. Raises BuildError where the network does not work, or XLA is silent."""
        shapes = propagate(network)
        if shapes.troubles:
            problem = shapes.troubles[0]
            raise BuildError(f"{at}{network.nodes[problem.node].name}: {problem.message}")
        if self.progress is not None:
            self.progress(self.compiled, MOST_COMPILED, f"compile a training step {at}".rstrip(" :"))
        held = training(network, self.plan.optimizer, self.backend).held
        if held is None:
            raise BuildError(f"XLA has no figure of memory for {self.backend}")
        self.compiled += 1
        return held


def as_planned(given: Shapes, plan: Plan) -> Shapes:
    """Return the shapes of a network at the batch and dtype of a plan. Raises NoBatch where the batch cannot be."""
    network = given.network
    if plan.batch is None and plan.dtype is None:
        return given
    if plan.batch is not None:
        network = batch_of(network).at(plan.batch)
    network = retyped(network, plan.dtype)
    shapes = propagate(network)
    if shapes.troubles and not given.troubles:
        problem = shapes.troubles[0]
        name = network.nodes[problem.node].name
        raise NoBatch(f"the network does not take a batch of {plan.batch}: {name}: {problem.message}")
    return shapes


def add_costs(
    network: Network,
    plan: Plan,
    found: Verification,
    progress: ProgressCallback | None = None,
    partial: PartialCallback | None = None,
) -> Verification:
    """Return an outcome with the cost of the network that was built, and with what fits, as far as a plan asks.

    ``partial`` is given it when the cost is known, and each time that a training step was measured.
    """
    tell = partial or (lambda found: None)
    if found.result == "refuted":
        return found
    if plan.cost:
        if progress is not None:
            progress(0, 1, "compile a training step")
        found = found._replace(cost=cost_of(network, plan))
        tell(found)
    if plan.fit is None:
        return found
    return found._replace(fit=fit_of(network, plan, progress, lambda fit: tell(found._replace(fit=fit))))


def without_costs(plan: Plan, found: Verification) -> Verification:
    """Return an outcome that says why, where something that a plan asks of cost and fit is not there."""
    if found.result == "refuted":
        why = "the network was refuted"
    elif found.not_checked:
        why = found.not_checked[0].reason
    else:
        why = f"nothing was compiled for {plan.device}, which is not here"
    return with_missing_costs(plan, found, why)


def fit_of(
    network: Network, plan: Plan, progress: ProgressCallback | None = None, so_far: Callable[[Fit], None] | None = None
) -> Fit | Unavailable:
    """Return whether a training step fits into ``plan.fit`` bytes, and the largest batch at which one does.

    ``network`` is at the batch that is asked about, and its other dimensions have sizes. ``so_far`` is told of what is
    known while the search goes on.
    """
    start = time.perf_counter()
    try:
        with on_device(network, plan.device) as backend:
            found = _fit(network, plan, _Steps(plan, backend, progress), so_far or (lambda fit: None))
    except Exception as error:
        return Unavailable("fit", reason(error))
    return found if isinstance(found, Unavailable) else found._replace(seconds=time.perf_counter() - start)


def _fit(network: Network, plan: Plan, steps: _Steps, so_far: Callable[[Fit], None]) -> Fit | Unavailable:
    assert plan.fit is not None
    dtype, itemsize = parameter_type(network)
    blank = Fit(
        steps.backend, dtype, plan.optimizer, plan.fit, "batch", None, 0, None, None, False, True, None, None, (), 0.0
    )
    try:
        batch = batch_of(network)
    except NoBatch as why:
        return blank._replace(held=steps.held(network, ""), open=str(why))
    sizes, bound = _allowed(batch)
    first = batch.size if batch.size is not None else sizes.above(1)
    if first is None or first not in sizes:
        at = "no batch" if first is None else f"no {batch.name} = {first}"
        return Unavailable("fit", f"the network takes {at}: {sizes.sizes.condition}")
    parameters = known(total(propagate(network)).parameters)
    blank = blank._replace(name=batch.name, batch=first, bound=bound)

    def tell(found: SearchResult) -> None:
        so_far(_answer(blank, found, sizes)._replace(seconds=time.perf_counter() - steps.start))

    found = largest(
        lambda n: steps.held(retyped(batch.at(n), network.dtype), f"at {batch.name} = {n}: "),
        plan.fit,
        sizes,
        first,
        # Parameters, gradients and slots; all else grows with the batch.
        (2 + len(SLOTS[plan.optimizer])) * parameters * itemsize,
        MOST_BATCH,
        lambda count: count < MOST_COMPILED and time.perf_counter() - steps.start < PATIENCE,
        tell,
    )
    return _answer(blank, found, sizes)


class _Working:
    """Those of a set of batches at which the network works, found by trying where that was not decided for all."""

    def __init__(self, batch: Batch, sizes: SizeSet, decided: bool) -> None:
        self.batch = batch
        self.sizes = sizes
        self.decided = decided
        # Whether a neighbour that works was looked for in vain, though there may be one further on.
        self.given_up = False
        self._known: dict[int, bool] = {}

    def __contains__(self, n: int) -> bool:
        if n in self.sizes and not self.decided and n not in self._known:
            self._known[n] = not propagate(self.batch.at(n)).troubles
        return n in self.sizes and self._known.get(n, True)

    def above(self, n: int) -> int | None:
        """Return the smallest from ``n`` on."""
        return self._first(self.sizes.above(n), lambda size: self.sizes.above(size + 1))

    def below(self, n: int) -> int | None:
        """Return the largest up to ``n``."""
        return self._first(self.sizes.below(n), lambda size: self.sizes.below(size - 1))

    def _first(self, size: int | None, after: Callable[[int], int | None]) -> int | None:
        for _ in range(MOST_TRIED):
            if size is None or size in self:
                return size
            size = after(size)
        self.given_up = True
        return None


def _answer(blank: Fit, found: SearchResult, sizes: _Working) -> Fit:
    def measured(batch: int | None) -> MeasuredBatch | None:
        return None if batch is None else MeasuredBatch(batch, found.measured[batch])

    assert blank.batch is not None
    # Where there are batches beyond those that the search was asked to try, the end is not known.
    endless = found.exceeds is None and sizes.above(MOST_BATCH + 1) is not None
    return blank._replace(
        held=found.measured[blank.batch],
        largest=measured(found.fits),
        exceeds=measured(found.exceeds),
        closed=found.closed and not endless and not sizes.given_up,
        rising=found.rising,
        measured=tuple(MeasuredBatch(n, held) for n, held in sorted(found.measured.items())),
    )


def _allowed(batch: Batch) -> tuple[_Working, str | None]:
    """Return the batches that the layers and ``accepts`` allow, and in words what keeps others out."""
    works = batch.sizes()
    allowed, why = works.set, ""
    if not works.set.every:
        causes = ", ".join(dict.fromkeys(cause.layer for cause in works.causes))
        why = f"the network works where {works.condition}" + (f" ({causes})" if causes else "")
    dimension = batch.network.dims.get(batch.name)
    if dimension is not None and dimension.accepts is not None:
        promised = accepted(batch.name, dimension.accepts)
        if not promised.every:
            why += f"{', and ' if why else ''}accepts promises {promised.condition}"
            try:
                allowed = allowed.intersection(promised)
            except TooLarge:
                raise BuildError(f"the batches that work are too many to list: {why}") from None
    return _Working(batch, allowed, not works.unresolved), why or None
