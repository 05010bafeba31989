"""What is left of a cross-check that ended before it was done, by its time limit or by a crash; loads no JAX.

An outcome on the way holds what is finished. The mesh that is still to be looked at stands in it without a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from shapecheck.graph.network import Network
from shapecheck.verification import LEVELS, Level, LevelOutcome, NotChecked, Plan, Verification
from shapecheck.verification.buildable import unchecked
from shapecheck.verification.records.compiler_cost import Unavailable
from shapecheck.verification.records.number_comparison import NumberComparison
from shapecheck.verification.records.partition import Partition

# Is given an outcome on the way, whenever something of it is finished.
PartialCallback: TypeAlias = Callable[[Verification], None]

CHECKED_BY: dict[Level, str] = {
    "trace": "JAX's shape rules",
    "lower": "StableHLO",
    "compile": "XLA",
    "run": "a training step on random numbers",
}
CPU = "cpu"


def with_unreached_levels(found: Verification, level: Level) -> Verification:
    """Return an outcome that was to go as far as ``level``, with the levels that were not reached."""
    rest = LEVELS[len(found.levels) : LEVELS.index(level) + 1]
    missing = tuple(LevelOutcome(each, "not_checked", 0.0, CHECKED_BY[each]) for each in rest)
    return found._replace(level=level, levels=(*found.levels, *missing))


def with_pending_mesh(network: Network, found: Verification) -> Verification:
    """Return an outcome on the way to that of the mesh, if the network is to be split over one."""
    if network.sharding is None:
        return found
    return found._replace(mesh=Partition(dict(network.sharding.mesh), found.level, "not_checked", None))


def with_missing_costs(plan: Plan, found: Verification, why: str) -> Verification:
    """Return an outcome that says why, where something that a plan asks of cost and fit is not there."""
    if plan.cost and found.cost is None:
        found = found._replace(cost=Unavailable("cost", why))
    return found._replace(fit=Unavailable("fit", why)) if plan.fit is not None and found.fit is None else found


def interrupted(plan: Plan, found: Verification | None, reason: str) -> Verification:
    """Return the outcome of what ended for ``reason``: what is finished of it, and what is not as not checked.

    ``found`` is the last outcome on the way, None where there was none. What refutes stays refuted.
    """
    if found is None:
        return with_missing_costs(plan, unchecked(plan, reason), reason)._replace(stopped=reason)
    refuted = found.result == "refuted"
    missing = []
    if len(found.levels) <= LEVELS.index(plan.level):
        found = with_unreached_levels(found, plan.level)
        missing.append(reason)
    if found.mesh is not None and found.mesh.result == "not_checked" and found.mesh.reason is None:
        found = found._replace(mesh=found.mesh._replace(reason=reason))
        missing.append(f"the mesh was not checked: {reason}")
    if plan.level == "run" and found.backend != CPU and found.numbers is None and found.result == "proved":
        found = found._replace(numbers=NumberComparison(CPU, found.backend, 0, 0.0, missing=reason))
        missing.append(reason)
    if missing:
        found = found._replace(
            result="refuted" if refuted else "not_checked",
            not_checked=(NotChecked(None, missing[0]), *found.not_checked),
        )
    why = "the network was refuted" if refuted else reason
    return with_missing_costs(plan, found, why)._replace(stopped=reason)
