"""Whether another device makes the numbers that the CPU makes, layer by layer."""

from __future__ import annotations

from shapecheck.analysis.batch import NoBatch
from shapecheck.analysis.propagation import Shapes
from shapecheck.verification import NotChecked, Plan, Verification
from shapecheck.verification.buildable import stand_ins
from shapecheck.verification.cost_comparison import retyped
from shapecheck.verification.fit import as_planned
from shapecheck.verification.interrupted import CPU
from shapecheck.verification.records.number_comparison import NumberComparison
from shapecheck.verification.records.plan import ProgressCallback
from shapecheck.verification.reference import BuildError, DeviceError, compare_with_cpu
from shapecheck.verification.wording import not_compared_text

# One sample would leave a batch_norm without spatial axes nothing to normalise by.
_BATCH = 2


def add_numbers(
    shapes: Shapes, plan: Plan, found: Verification, progress: ProgressCallback | None = None
) -> Verification:
    """Return the outcome of a run on another device with how its numbers compare to the CPU's.

    Only a network that was run and proved is compared; on the CPU itself there is nothing to compare.
    """
    if plan.level != "run" or found.result != "proved" or found.backend == CPU:
        return found
    if progress is not None:
        progress(0, 1, "compare the numbers with the CPU's")
    compared = _compared(shapes, plan, found.backend)
    if progress is not None:
        progress(1, 1, "done")
    found = found._replace(numbers=compared)
    if compared.result == "refuted":
        return found._replace(result="refuted")
    if compared.missing is not None:
        why = NotChecked(None, not_compared_text(compared))
        return found._replace(result="not_checked", not_checked=(why, *found.not_checked))
    return found


def _compared(shapes: Shapes, plan: Plan, backend: str) -> NumberComparison:
    batch: int | None = _BATCH
    try:
        network = as_planned(shapes, plan._replace(batch=batch)).network
    except NoBatch:  # then at the batch that there is
        batch = None
        network = as_planned(shapes, plan._replace(batch=None)).network
    sizes = stand_ins(network)
    if sizes and network.resized is not None:
        network = retyped(network.resized(sizes), plan.dtype)
    nothing = NumberComparison(CPU, backend, 0, 0.0)
    try:
        layers = compare_with_cpu(network)
    except MemoryError:
        return nothing._replace(missing="the memory was used up")
    except (DeviceError, BuildError) as error:
        return nothing._replace(missing=str(error))
    closest = max((each.ratio for each in layers if each.allowed), default=0.0)
    differing = tuple(each for each in layers if not each.agrees)
    return nothing._replace(layers=len(layers), closest=closest, differing=differing, batch=batch)
