"""The cross-check itself: the arithmetic's shapes against those that JAX and XLA found by themselves."""

from __future__ import annotations

from shapecheck.analysis.batch import NoBatch
from shapecheck.analysis.cost import cost
from shapecheck.analysis.looked_up import floats_looked_up
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.checked import Report
from shapecheck.graph.network import Network, Node
from shapecheck.text import every
from shapecheck.verification import Disagreement, NotChecked, Plan, Verification
from shapecheck.verification.buildable import obstacle, stand_ins, unchecked
from shapecheck.verification.cost_comparison import retyped
from shapecheck.verification.device_numbers import add_numbers
from shapecheck.verification.fit import add_costs, as_planned, without_costs
from shapecheck.verification.interrupted import PartialCallback, with_pending_mesh, with_unreached_levels
from shapecheck.verification.level_outcomes import add_levels
from shapecheck.verification.mesh import add_mesh
from shapecheck.verification.records.plan import ProgressCallback
from shapecheck.verification.reference import DeviceError, ReferenceResult, lower_for_platform, run_levels

PLAIN = Plan()
# What JAX calls the platform of the GPUs for which it can lower anywhere.
_GPU = "cuda"


def verify(
    report: Report, plan: Plan = PLAIN, progress: ProgressCallback | None = None, partial: PartialCallback | None = None
) -> Verification:
    """Return whether JAX agrees with the shapes of a checked network. Raises ValueError for an unknown word.

    ``partial`` is given the outcome on the way, for ``interrupted``, whenever something of it is finished.
    """
    reason = obstacle(report)
    if reason is not None:
        return without_costs(plan, unchecked(plan, reason))
    assert report.shapes is not None
    return verify_shapes(report.shapes, plan, progress, partial)


def verify_shapes(
    given: Shapes, plan: Plan, progress: ProgressCallback | None = None, partial: PartialCallback | None = None
) -> Verification:
    """Return whether JAX agrees with shapes that were computed for a network; the rest is as in ``verify``."""
    return without_costs(plan, _verify(given, plan, progress, partial))


def _verify(
    given: Shapes, plan: Plan, progress: ProgressCallback | None, partial: PartialCallback | None
) -> Verification:
    try:
        shapes = as_planned(given, plan)
    except NoBatch as why:
        return unchecked(plan, str(why))
    network = shapes.network
    sizes = stand_ins(network)
    to_build = network if not sizes or network.resized is None else retyped(network.resized(sizes), plan.dtype)
    every_size = {**network.sizes, **sizes}
    tell = partial or (lambda found: None)

    def of_levels(built: ReferenceResult) -> Verification:
        found = add_levels(network, _compare(shapes, built, every_size), built)
        found = with_pending_mesh(network, found)
        tell(found)
        return found

    try:
        # Where nobody listens nothing is compared twice.
        built = run_levels(to_build, plan.level, plan.device, progress, None if partial is None else of_levels)
    except DeviceError as error:
        return _without_device(shapes, plan, to_build, every_size, str(error), progress)
    found = add_mesh(shapes, of_levels(built), progress)
    tell(found)
    found = add_numbers(shapes, plan, found, progress)
    tell(found)
    return add_costs(to_build, plan, found, progress, partial)


def _without_device(
    shapes: Shapes,
    plan: Plan,
    to_build: Network,
    sizes: dict[str, int],
    why: str,
    progress: ProgressCallback | None,
) -> Verification:
    """Return what can be proved without the device that was asked for: that JAX can lower the network for CUDA."""
    if plan.device != "gpu" or plan.level == "trace":
        return unchecked(plan, why)
    try:
        built = lower_for_platform(to_build, _GPU, progress)
    except DeviceError:
        return unchecked(plan, why)
    found = add_levels(shapes.network, _compare(shapes, built, sizes), built)._replace(lowered_for=_GPU)
    if plan.level == "lower" or found.result != "proved":
        return add_mesh(shapes, found, progress)
    them, were = ("it", "it was") if found.agree == 1 else ("them", "they were")
    agree = every(found.agree, "layer", "agree")
    reason = f"{agree} when JAX lowers {them} for CUDA, but {were} not compiled: {why}"
    found = found._replace(result="not_checked", not_checked=(NotChecked(None, reason),))
    return add_mesh(shapes, with_unreached_levels(found, plan.level), progress)


def _compare(shapes: Shapes, built: ReferenceResult, sizes: dict[str, int]) -> Verification:
    agree = 0
    disagreements: list[Disagreement] = []
    not_checked: list[NotChecked] = []
    for node in shapes.network.layers:
        found = _of_layer(shapes, node, built, sizes)
        if found is None:
            agree += 1
        elif isinstance(found, Disagreement):
            disagreements.append(found)
        else:
            not_checked.append(found)
    if built.bytes_agree is False and not disagreements:
        reason = f"XLA counts {built.bytes_found} bytes of results, the traced shapes make {built.bytes_expected}"
        disagreements.append(Disagreement("(all results)", None, None, reason))
    refuted = disagreements or built.refused or shapes.troubles or any(shape is None for shape in shapes.outputs)
    return Verification(
        built.level,
        built.backend,
        "refuted" if refuted else "not_checked" if not_checked else "proved",
        agree,
        tuple(disagreements),
        tuple(not_checked),
        sizes,
        built.seconds,
    )


def _of_layer(
    shapes: Shapes, node: Node, built: ReferenceResult, sizes: dict[str, int]
) -> Disagreement | NotChecked | None:
    """Return how the arithmetic and the build differ on a layer, or why nobody knows; None where they agree."""
    propagated = shapes.outputs[node.index]
    ours = None if propagated is None else tuple(_number(size, sizes) for size in propagated)
    theirs = built.shapes.get(node.index)
    refused = built.refused.get(node.index)
    if theirs is not None and ours == theirs:
        counted = _number(cost(shapes, node).parameters, sizes)
        learned = built.parameters.get(node.index, 0)
        if counted == learned:
            return None
        reason = f"{counted:,} parameters by the arithmetic, {learned:,} in JAX's build"
        return Disagreement(node.name, ours, theirs, reason)
    if theirs is None and refused is None:
        return NotChecked(node.name, built.not_checked.get(node.index, "JAX was not asked"))
    if refused is not None and (ours is None or node.index in floats_looked_up(shapes.network)):
        # Both refuse: the arithmetic's own finding says why, so this is no disagreement.
        return None
    if ours is None and not any(trouble.node == node.index for trouble in shapes.troubles):
        return NotChecked(node.name, "the arithmetic does not know this shape")
    return Disagreement(node.name, ours, theirs, refused or "the two shapes differ")


def _number(size: Size, sizes: dict[str, int]) -> int:
    return size if isinstance(size, int) else size.at(sizes)
