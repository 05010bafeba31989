"""The comparison of both witnesses: the arithmetic's shapes against those that JAX and XLA found by themselves."""

from __future__ import annotations

from collections.abc import Callable

from shapecheck.analysis.batch import NoBatch
from shapecheck.analysis.cost import cost
from shapecheck.analysis.propagation import Shapes
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Network, Node
from shapecheck.pipeline import Report
from shapecheck.rules import verification as rules
from shapecheck.text import every
from shapecheck.verify import Disagreement, NotChecked, Plan, Verification
from shapecheck.verify.buildable import obstacle, stand_ins, unproved
from shapecheck.verify.cost_comparison import retyped
from shapecheck.verify.device_numbers import add_numbers
from shapecheck.verify.fit import add_costs, asked_for, without_costs
from shapecheck.verify.interrupted import SoFar, not_gone, with_mesh_to_come
from shapecheck.verify.level_outcomes import add_levels
from shapecheck.verify.mesh import add_mesh, prepare
from shapecheck.verify.reference import DeviceError, ReferenceResult, keep_modules, lower_for_platform, run_levels
from shapecheck.verify.reference.multi_device.partitioning import prepare_devices

Progress = Callable[[int, int, str], None]
PLAIN = Plan()
# What JAX calls the platform of the GPUs for which it can lower anywhere.
_GPU = "cuda"

__all__ = ["findings", "keep_modules", "prepare", "prepare_devices", "verify"]


def verify(
    report: Report, plan: Plan = PLAIN, progress: Progress | None = None, so_far: SoFar | None = None
) -> Verification:
    """Return whether JAX agrees with the shapes of a checked network. Raises ValueError for an unknown word.

    ``so_far`` is told of the outcome on the way, for ``proof.partial.stopped``, whenever something of it is finished.
    """
    return without_costs(plan, _verify(report, plan, progress, so_far))


def _verify(report: Report, plan: Plan, progress: Progress | None, so_far: SoFar | None) -> Verification:
    reason = obstacle(report)
    if reason is not None:
        return unproved(plan, reason)
    network = report.network
    assert network is not None
    level, device = plan.level, plan.device
    try:
        report, network = asked_for(report, plan)
    except NoBatch as why:
        return unproved(plan, str(why))
    sizes = stand_ins(network)
    built = network if not sizes or network.resized is None else retyped(network.resized(sizes), plan.dtype)
    every_size = {**network.sizes, **sizes}
    tell = so_far or (lambda found: None)

    def of_levels(seen: ReferenceResult) -> Verification:
        found = with_mesh_to_come(network, add_levels(report, _compare(report, seen, every_size), seen))
        tell(found)
        return found

    try:
        # Where nobody listens nothing is compared twice.
        seen = run_levels(built, level, device, progress, None if so_far is None else of_levels)
    except DeviceError as error:
        return _without(report, plan, built, every_size, str(error), progress)
    found = add_mesh(report, of_levels(seen), progress)
    tell(found)
    found = add_numbers(report, plan, found, progress)
    tell(found)
    return add_costs(built, plan, found, progress, so_far)


def _without(
    report: Report, plan: Plan, built: Network, sizes: dict[str, int], why: str, progress: Progress | None
) -> Verification:
    """Return what can be proved without the device that was asked for: that JAX can lower the network for CUDA."""
    if plan.device != "gpu" or plan.level == "trace":
        return unproved(plan, why)
    try:
        seen = lower_for_platform(built, _GPU, progress)
    except DeviceError:
        return unproved(plan, why)
    found = add_levels(report, _compare(report, seen, sizes), seen)._replace(lowered_for=_GPU)
    if plan.level == "lower" or found.result != "proved":
        return add_mesh(report, found, progress)
    them, were = ("it", "it was") if found.agree == 1 else ("them", "they were")
    agree = every(found.agree, "layer", "agree")
    reason = f"{agree} when JAX lowers {them} for CUDA, but {were} not compiled: {why}"
    found = found._replace(result="not_checked", not_checked=(NotChecked(None, reason),))
    return add_mesh(report, not_gone(found, plan.level), progress)


def _compare(report: Report, seen: ReferenceResult, sizes: dict[str, int]) -> Verification:
    assert report.network is not None and report.shapes is not None
    agree = 0
    disagreements: list[Disagreement] = []
    not_checked: list[NotChecked] = []
    for node in report.network.layers:
        found = _of_layer(report.shapes, node, seen, sizes)
        if found is None:
            agree += 1
        elif isinstance(found, Disagreement):
            disagreements.append(found)
        else:
            not_checked.append(found)
    if seen.bytes_agree is False and not disagreements:
        reason = f"XLA counts {seen.bytes_found} bytes of results, the traced shapes make {seen.bytes_expected}"
        disagreements.append(Disagreement("(all results)", None, None, reason))
    refuted = (
        disagreements or seen.refused or any(shape is None for shape in report.shapes.outputs) or not report.ok_shapes
    )
    result = "refuted" if refuted else "not_checked" if not_checked else "proved"
    return Verification(
        seen.level,
        seen.backend,
        result,
        agree,
        tuple(disagreements),
        tuple(not_checked),
        sizes,
        seen.seconds,
    )


def _of_layer(
    shapes: Shapes, node: Node, seen: ReferenceResult, sizes: dict[str, int]
) -> Disagreement | NotChecked | None:
    """Return in what the witnesses differ on a layer, or why nobody knows; None where they agree."""
    ours = shapes.outputs[node.index]
    known = None if ours is None else tuple(size if isinstance(size, int) else size.at(sizes) for size in ours)
    theirs = seen.shapes.get(node.index)
    refused = seen.refused.get(node.index)
    if theirs is not None and known == theirs:
        learned = cost(shapes, node).parameters
        counted = learned if isinstance(learned, int) else learned.at(sizes)
        built = seen.parameters.get(node.index, 0)
        if counted == built:
            return None
        reason = f"{counted:,} parameters by the arithmetic, {built:,} in JAX's build"
        return Disagreement(node.name, known, theirs, reason)
    if theirs is None and refused is None:
        return NotChecked(node.name, seen.not_checked.get(node.index, "JAX was not asked"))
    if ours is None and refused is not None:
        # Both refuse: the arithmetic's own diagnostic says why, so this is no disagreement.
        return None
    if ours is None and not any(trouble.node == node.index for trouble in shapes.troubles):
        return NotChecked(node.name, "the arithmetic does not know this shape")
    return Disagreement(node.name, known, theirs, refused or "the two shapes differ")


def findings(report: Report, verification: Verification) -> list[Finding]:
    """Return what the second witness found, at the lines of the layers."""
    return [] if report.network is None else rules.findings(report.network, report.diagnostics, verification)
