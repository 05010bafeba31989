"""The comparison of both witnesses: the arithmetic's shapes against those that JAX and XLA found by themselves."""

from __future__ import annotations

from collections.abc import Callable

from shapecheck.analysis.batch import NoBatch
from shapecheck.analysis.cost import cost
from shapecheck.analysis.propagation import Shapes
from shapecheck.diagnostics import Finding
from shapecheck.linter import Report
from shapecheck.proof.costing import retyped
from shapecheck.proof.fit import add_costs, asked_for, without_costs
from shapecheck.proof.mesh import add_mesh, prepare
from shapecheck.proof.numbers import add_numbers
from shapecheck.proof.possible import obstacle, stand_ins, unproved
from shapecheck.proof.run import add_levels, not_gone
from shapecheck.rules import verification as rules
from shapecheck.spec.network import Network, Node
from shapecheck.verification import Disagreement, NotChecked, Plan, Verification
from shapecheck.xla import DeviceError, Witness, keep_modules, witness, witness_elsewhere
from shapecheck.xla.mesh import prepare_devices

Progress = Callable[[int, int, str], None]
PLAIN = Plan()
# What JAX calls the platform of the GPUs for which it can lower anywhere.
_GPU = "cuda"

__all__ = ["findings", "keep_modules", "prepare", "prepare_devices", "verify"]


def verify(report: Report, plan: Plan = PLAIN, progress: Progress | None = None) -> Verification:
    """Return whether JAX agrees with the shapes of a checked network. Raises ValueError for an unknown word."""
    return without_costs(plan, _verify(report, plan, progress))


def _verify(report: Report, plan: Plan, progress: Progress | None) -> Verification:
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
    try:
        seen = witness(built, level=level, device=device, progress=progress)
    except DeviceError as error:
        return _without(report, plan, built, {**network.sizes, **sizes}, str(error), progress)
    found = add_mesh(report, add_levels(report, _compare(report, seen, {**network.sizes, **sizes}), seen), progress)
    return add_costs(built, plan, add_numbers(report, plan, found, progress), progress)


def _without(
    report: Report, plan: Plan, built: Network, sizes: dict[str, int], why: str, progress: Progress | None
) -> Verification:
    """Return what can be proved without the device that was asked for: that JAX can lower the network for CUDA."""
    if plan.device != "gpu" or plan.level == "trace":
        return unproved(plan, why)
    try:
        seen = witness_elsewhere(built, _GPU, progress)
    except DeviceError:
        return unproved(plan, why)
    found = add_levels(report, _compare(report, seen, sizes), seen)._replace(lowered_for=_GPU)
    if plan.level == "lower" or found.result != "proved":
        return found
    reason = f"all {found.agree} layers agree when JAX lowers them for CUDA, but they were not compiled: {why}"
    return not_gone(found._replace(result="not_checked", not_checked=(NotChecked(None, reason),)), plan.level)


def _compare(report: Report, seen: Witness, sizes: dict[str, int]) -> Verification:
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


def _of_layer(shapes: Shapes, node: Node, seen: Witness, sizes: dict[str, int]) -> Disagreement | NotChecked | None:
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
