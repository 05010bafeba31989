"""Whether there is a network to build at all: what can be told without loading JAX."""

from __future__ import annotations

from shapecheck.findings.catalogue import Phase
from shapecheck.findings.checked import Report
from shapecheck.graph.network import Network
from shapecheck.verification import NotChecked, Plan, Verification


def obstacle(report: Report) -> str | None:
    """Return why the network of a report cannot be built at all, or None."""
    network, shapes = report.network, report.shapes
    if network is None or shapes is None:
        return "the file could not be read"
    if not report.clean(Phase.ASSEMBLED):
        return "the file has mistakes that leave no network to build"
    sizes = stand_ins(network)
    if sizes and shapes.undecided:
        verb = "has" if len(sizes) == 1 else "have"
        names = ", ".join(sizes)
        return f"{names} {verb} no size, and the network depends on it; give one under dims or with --set"
    return None


def stand_ins(network: Network) -> dict[str, int]:
    """Return sizes to build with for the dimensions that have none: different ones, so that two cannot pass for one."""
    names = sorted(
        {
            name
            for node in network.inputs
            for size in node.shape or ()
            if not isinstance(size, int)
            for name in size.names()
        }
    )
    return {name: number for number, name in enumerate(names, 2)}


def unchecked(plan: Plan, reason: str) -> Verification:
    """Return the outcome where nothing was compared, for ``reason``."""
    return Verification(plan.level, plan.device, "not_checked", 0, (), (NotChecked(None, reason),), {}, 0.0)
