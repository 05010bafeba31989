"""Whether another device makes the numbers that the CPU makes, layer by layer."""

from __future__ import annotations

from collections.abc import Callable

from shapecheck.analysis.batch import NoBatch
from shapecheck.pipeline import Report
from shapecheck.verify import NotChecked, Plan, Verification
from shapecheck.verify.buildable import stand_ins
from shapecheck.verify.cost_comparison import retyped
from shapecheck.verify.fit import asked_for
from shapecheck.verify.records.number_comparison import Comparison, Differing
from shapecheck.verify.reference import BuildError, DeviceError, compare_with_cpu

# One sample would leave a batch_norm without spatial axes nothing to normalise by.
_BATCH = 2
_CPU = "cpu"


def add_numbers(
    report: Report, plan: Plan, found: Verification, progress: Callable[[int, int, str], None] | None = None
) -> Verification:
    """Return the outcome of a run on another device with how its numbers compare to the CPU's.

    Only a network that was run and proved is compared; on the CPU itself there is nothing to compare.
    """
    if plan.level != "run" or found.result != "proved" or found.backend == _CPU:
        return found
    if progress is not None:
        progress(0, 1, "compare the numbers with the CPU's")
    compared = _compared(report, plan, found.backend)
    if progress is not None:
        progress(1, 1, "done")
    found = found._replace(numbers=compared)
    if compared.result == "refuted":
        return found._replace(result="refuted")
    if compared.missing is not None:
        reason = compared.lines()[0]
        return found._replace(result="not_checked", not_checked=(NotChecked(None, reason), *found.not_checked))
    return found


def _compared(report: Report, plan: Plan, backend: str) -> Comparison:
    batch: int | None = _BATCH
    try:
        _, network = asked_for(report, plan._replace(batch=batch))
    except NoBatch:  # then at the batch that there is
        batch = None
        _, network = asked_for(report, plan._replace(batch=None))
    sizes = stand_ins(network)
    if sizes and network.resized is not None:
        network = retyped(network.resized(sizes), plan.dtype)
    nothing = Comparison(_CPU, backend, 0, 0.0)
    try:
        layers = compare_with_cpu(network)
    except MemoryError:
        return nothing._replace(missing="the memory was used up")
    except (DeviceError, BuildError) as error:
        return nothing._replace(missing=str(error))
    differing = tuple(
        Differing(network.nodes[each.node].name, each.difference, each.allowed) for each in layers if not each.agrees
    )
    closest = max((each.difference / each.allowed for each in layers if each.allowed), default=0.0)
    return nothing._replace(layers=len(layers), closest=closest, differing=differing, batch=batch)
