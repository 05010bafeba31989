"""Proving the networks of reports, as ``verify`` and ``report --verify`` do: from what was found before, or anew."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from shapecheck.cache.answers import Cache, Question
from shapecheck.cli.options import Command
from shapecheck.output.progress import Progress
from shapecheck.output.progress import Report as Tell
from shapecheck.pipeline import Report
from shapecheck.rules.verification import findings
from shapecheck.verify import Device, Level, Plan, Verification
from shapecheck.verify.verification_cache import Proofs, environment
from shapecheck.verify.records.partition import MOST_DEVICES
from shapecheck.verify.buildable import obstacle, unproved

if TYPE_CHECKING:
    from shapecheck.verify.prover import Prover


class Proving(NamedTuple):
    """How far to go, on what, and for how many seconds a file."""

    level: Level
    device: Device
    timeout: float | None


def proving_options(function: Command) -> Command:
    """Add --level, --device and --timeout, given to the command as one ``proving``."""

    @functools.wraps(function)
    def command(*args: Any, level: Level, device: Device, timeout: float | None, **kwargs: Any) -> Any:
        return function(*args, proving=Proving(level, device, timeout), **kwargs)

    for option in (
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="Stop after so long with a file, and go on to the next.",
        ),
        click.option(
            "--device",
            type=click.Choice(["cpu", "gpu", "auto"]),
            default="auto",
            show_default=True,
            help="What the network is built for.",
        ),
        click.option(
            "--level",
            type=click.Choice(["trace", "lower", "compile", "run"]),
            default="compile",
            show_default=True,
            help="How far JAX goes.",
        ),
    ):
        command = option(command)
    return command


def prove(reports: Sequence[Report], plan: Plan, timeout: float | None, cache: Cache | None) -> None:
    """Give each report its verification, and the findings that come of it."""
    proofs = None if cache is None else Proofs(cache.folder)
    progress = Progress(sys.stderr)
    networks = [report.network for report in reports]
    meshes = [n.sharding.devices for n in networks if n is not None and n.sharding is not None]
    devices = max((count for count in meshes if count <= MOST_DEVICES), default=1)
    modules = None if cache is None else cache.folder / "xla" / environment()[:16]
    with contextlib.ExitStack() as stack:
        stack.callback(progress.stop)

        @functools.cache
        def prover() -> Prover:
            from shapecheck.verify.prover import Prover  # loads what it takes to start a process

            return stack.enter_context(Prover(timeout, devices, modules))

        for report in reports:
            _add(report, _proved(report, plan, proofs, prover, progress.of(report.path)))
    if proofs is not None:
        proofs.prune()


def _proved(
    report: Report, plan: Plan, proofs: Proofs | None, prover: Callable[[], Prover], progress: Tell
) -> Verification:
    reason = obstacle(report)
    if reason is not None:
        return unproved(plan, reason)
    question = _question(report)
    key = "" if proofs is None else proofs.key(question, report.text, plan)
    known = None if proofs is None else proofs.get(key)
    if known is not None:
        return known
    found = prover().prove(question, report.text, plan, progress)
    if proofs is not None:
        proofs.put(key, found)
    return found


def _question(report: Report) -> Question:
    """Return what was asked of a text when it was checked."""
    assert isinstance(report.again, partial)
    given = report.again.keywords
    return Question(given["path"], given["overrides"], given["limits"], given["selection"])


def _add(report: Report, found: Verification) -> None:
    report.verification = found
    if report.network is None:
        return
    selection = _question(report).selection
    report.add(findings(report.network, report.diagnostics, found), selection)
