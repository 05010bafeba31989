"""What JAX and XLA say of a network that is split over several devices, against what the rules say of it."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.sharding import uneven
from shapecheck.verification import Disagreement, NotChecked, Verification
from shapecheck.verification.records.partition import Partition
from shapecheck.verification.records.plan import ProgressCallback
from shapecheck.verification.reference.multi_device.partitioning import partition


def add_mesh(shapes: Shapes, found: Verification, progress: ProgressCallback | None = None) -> Verification:
    """Return an outcome with what becomes of the network on the mesh that is asked for, if one is.

    Arrays that JAX refuses to split refute; so does an array on which the rule and JAX differ.
    """
    network = shapes.network
    if network.sharding is None:
        return found
    sharding = network.sharding
    open_sizes = [name for name, dim in network.dims.items() if dim.size is None and name in found.dims]
    level = found.level if found.level in ("trace", "lower") else "compile"
    if found.result == "not_checked":
        reason = found.not_checked[0].reason if found.not_checked else "the network was not checked"
        made = Partition(dict(sharding.mesh), level, "not_checked", reason)
    elif open_sizes:
        verb = "has" if len(open_sizes) == 1 else "have"
        reason = f"{', '.join(open_sizes)} {verb} no size to be split; give one under dims or with --set"
        made = Partition(dict(sharding.mesh), level, "not_checked", reason)
    else:
        if progress is not None:
            progress(0, 1, "split the network over the mesh")
        made = partition(network, level, progress)
    return _judged(shapes, found, made)


def _judged(shapes: Shapes, found: Verification, made: Partition) -> Verification:
    found = found._replace(mesh=made)
    if made.result == "not_checked":
        assert made.reason is not None
        why = NotChecked(None, f"the mesh was not checked: {made.reason}")
        if found.result == "proved":
            found = found._replace(result="not_checked", not_checked=(why, *found.not_checked))
        return found
    if any(refusal.layer is None for refusal in made.refusals):
        # The rules do not forecast a refusal of the network as a whole.
        return found._replace(result="refuted")
    assert shapes.network.sharding is not None
    theirs = {refusal.layer for refusal in made.refusals if refusal.layer is not None}
    every = list(uneven(shapes, shapes.network.sharding, each=True))
    ours = {one.node.name for one in every if one.of != "output"}
    padded = {(split.layer, axis) for split in made.splits for axis in split.uneven}
    known = {split.layer for split in made.splits}
    expected = [(one.node.name, one.axis) for one in every if one.of == "output" and one.node.name in known]
    unpadded = tuple(dict.fromkeys(name for name, axis in expected if (name, axis) not in padded))
    found = found._replace(mesh=made._replace(unpadded=unpadded))
    differing = [
        Disagreement(name, None, None, "the rule says that its parts divide, JAX refuses to split it")
        for name in sorted(theirs - ours)
    ]
    differing += [
        Disagreement(name, None, None, "the rule says that its parts do not divide, JAX splits it")
        for name in sorted(ours - theirs)
    ]
    if theirs or differing:
        found = found._replace(result="refuted", disagreements=(*found.disagreements, *differing))
    return found
