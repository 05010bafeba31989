"""The comparison of both witnesses: the arithmetic's shapes against those that JAX and XLA found by themselves."""

from __future__ import annotations

from collections.abc import Callable

from shapecheck.diagnostics import Finding, Severity
from shapecheck.linter import Report
from shapecheck.shape import show
from shapecheck.spec.network import Network
from shapecheck.verification import Device, Disagreement, Level, NotChecked, Verification
from shapecheck.xla import DeviceError, Witness, leave_on_interrupt, witness

Progress = Callable[[int, int, str], None]

__all__ = ["findings", "leave_on_interrupt", "verify"]


def verify(
    report: Report, level: Level = "compile", device: Device = "auto", progress: Progress | None = None
) -> Verification:
    """Return whether JAX agrees with the shapes of a checked network. Raises ValueError for an unknown word."""
    network, shapes = report.network, report.shapes
    if network is None or shapes is None:
        return _nothing(level, device, "the file could not be read")
    if any(d.severity is Severity.ERROR and not d.code.startswith(("SC2", "SC3")) for d in report.diagnostics):
        return _nothing(level, device, "the file has mistakes that leave no network to build")
    sizes = _stand_ins(network)
    if sizes and shapes.undecided:
        names = ", ".join(sizes)
        verb = "has" if len(sizes) == 1 else "have"
        return _nothing(
            level, device, f"{names} {verb} no size, and the network depends on it; give one under dims or with --set"
        )
    built = network if not sizes or network.resized is None else network.resized(sizes)
    try:
        seen = witness(built, level=level, device=device, progress=progress)
    except DeviceError as error:
        return _nothing(level, device, str(error))
    return _compare(report, seen, {**network.sizes, **sizes})


def _stand_ins(network: Network) -> dict[str, int]:
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


def _nothing(level: str, device: str, reason: str) -> Verification:
    return Verification(level, device, "not_checked", 0, (), (NotChecked(None, reason),), {}, 0.0)


def _compare(report: Report, seen: Witness, sizes: dict[str, int]) -> Verification:
    assert report.network is not None and report.shapes is not None
    agree = 0
    disagreements: list[Disagreement] = []
    not_checked: list[NotChecked] = []
    for node in report.network.layers:
        ours = report.shapes.outputs[node.index]
        known = None if ours is None else tuple(s if isinstance(s, int) else s.at(sizes) for s in ours)
        theirs = seen.shapes.get(node.index)
        refused = seen.refused.get(node.index)
        if theirs is not None and known == theirs:
            agree += 1
        elif theirs is None and refused is None:
            not_checked.append(NotChecked(node.name, seen.not_checked.get(node.index, "JAX was not asked")))
        elif ours is None and refused is not None:
            # Both refuse: the arithmetic's own diagnostic says why, so this is no disagreement.
            agree += 1
        elif ours is None and not _refused_by_us(report, node.index):
            not_checked.append(NotChecked(node.name, "the arithmetic does not know this shape"))
        else:
            disagreements.append(Disagreement(node.name, known, theirs, refused or "the two shapes differ"))
    if seen.bytes_agree is False and not disagreements:
        disagreements.append(
            Disagreement(
                "(all results)",
                None,
                None,
                f"XLA counts {seen.bytes_found} bytes of results, the traced shapes make {seen.bytes_expected}",
            )
        )
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


def _refused_by_us(report: Report, index: int) -> bool:
    assert report.shapes is not None
    return any(trouble.node == index for trouble in report.shapes.troubles)


def findings(report: Report, verification: Verification) -> list[Finding]:
    """Return a finding at the line of each layer on which the witnesses disagree."""
    if report.network is None:
        return []
    nodes = {node.name: node for node in report.network.nodes}
    found = []
    for d in verification.disagreements:
        node = nodes.get(d.layer) or report.network.nodes[0]
        ours = "refused" if d.propagated is None else show(d.propagated)
        theirs = "refused" if d.witnessed is None else show(d.witnessed)
        found.append(
            Finding(
                "witness-disagrees",
                f"{d.layer}: the arithmetic says {ours}, JAX says {theirs}: {d.reason}",
                node.source.span,
                d.layer,
                "one of the two is wrong; please report this network",
            )
        )
    return found
