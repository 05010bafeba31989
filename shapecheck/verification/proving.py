"""The networks of reports cross-checked: what was found before is looked up, the rest is built in another process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shapecheck import pipeline
from shapecheck.findings.checked import Report
from shapecheck.verification import Plan, Verification
from shapecheck.verification.buildable import obstacle, unchecked
from shapecheck.verification.records.partition import MOST_DEVICES
from shapecheck.verification.records.plan import ProgressCallback
from shapecheck.verification.verification_cache import VerificationCache, environment
from shapecheck.verification.verification_findings import findings

if TYPE_CHECKING:
    from shapecheck.verification.prover import Prover


def _silent(path: str) -> ProgressCallback:
    return lambda done, total, what: None


def prove(
    reports: Sequence[Report],
    plan: Plan,
    timeout: float | None = None,
    folder: Path | None = None,
    progress: Callable[[str], ProgressCallback] = _silent,
) -> None:
    """Give each report its verification, and the findings that come of it.

    ``timeout`` is how many seconds a network may take, ``folder`` where outcomes are stored, ``progress`` makes a
    callback for the network at a path. Raises RuntimeError for a mistake of our own.
    """
    cache = None if folder is None else VerificationCache(folder)
    with contextlib.ExitStack() as stack:
        prover: Prover | None = None
        for report in reports:
            reason = obstacle(report)
            known = unchecked(plan, reason) if reason is not None else None
            key = "" if cache is None or known is not None else cache.key(report.settings, report.text, plan)
            if cache is not None and known is None:
                known = cache.get(key)
            if known is None:
                prover = prover or stack.enter_context(_prover(reports, timeout, folder))
                known = prover.prove(report.settings, report.text, plan, progress(report.path))
                if cache is not None:
                    cache.put(key, known)
            _add(report, known)
    if cache is not None:
        cache.prune()


def _prover(reports: Sequence[Report], timeout: float | None, folder: Path | None) -> Prover:
    """Return what cross-checks in another process, which can make as many devices as the largest mesh has."""
    from shapecheck.verification.prover import Prover  # loads what it takes to start a process

    networks = [report.network for report in reports]
    meshes = [n.sharding.devices for n in networks if n is not None and n.sharding is not None]
    devices = max((count for count in meshes if count <= MOST_DEVICES), default=1)
    modules = None if folder is None else folder / "xla" / environment()[:16]
    return Prover(timeout, devices, modules)


def _add(report: Report, found: Verification) -> None:
    report.verification = found
    if report.network is not None:
        pipeline.add_verified(report, findings(report.network, report.diagnostics, found))
