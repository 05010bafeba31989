"""The options --level, --device and --timeout, and the cross-check that they are of."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from shapecheck.cache.answers import Cache
from shapecheck.cli.options import Command
from shapecheck.findings.checked import Report
from shapecheck.output.progress import Progress
from shapecheck.verification import LEVELS, Device, Level, Plan
from shapecheck.verification.proving import prove


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
            type=click.Choice(("cpu", "gpu", "auto")),
            default="auto",
            show_default=True,
            help="What the network is built for.",
        ),
        click.option(
            "--level",
            type=click.Choice(LEVELS),
            default="compile",
            show_default=True,
            help="How far JAX goes.",
        ),
    ):
        command = option(command)
    return command


def prove_shown(reports: Sequence[Report], plan: Plan, timeout: float | None, cache: Cache | None) -> None:
    """Cross-check the networks of reports, with a progress bar on a terminal."""
    progress = Progress(sys.stderr)
    try:
        prove(reports, plan, timeout, None if cache is None else cache.folder, progress.of)
    finally:
        progress.stop()
