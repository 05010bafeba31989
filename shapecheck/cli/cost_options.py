"""The options --cost, --fit, --optimizer, --dtype and --batch: what the compiler is asked besides shapes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from shapecheck.analysis.batch import NoBatch, batch_of
from shapecheck.cli.options import Command
from shapecheck.findings.checked import Report
from shapecheck.verification import OPTIMIZERS, Optimizer, Plan
from shapecheck.verification.buildable import obstacle
from shapecheck.verification.memory_amount import parse_amount

DTYPES = ("float32", "bfloat16", "float16")


class Asked(NamedTuple):
    """What is asked of the compiler besides shapes, and of what network: that of the file, or in another dtype."""

    cost: bool
    fit: int | None
    optimizer: Optimizer
    dtype: str | None
    batch: int | None

    @property
    def anything(self) -> bool:
        """Whether anything is asked."""
        return self.cost or self.fit is not None or self.dtype is not None or self.batch is not None

    def into(self, plan: Plan) -> Plan:
        """Return a plan that asks for this."""
        return plan._replace(**self._asdict())

    def require_batch(self, reports: Sequence[Report]) -> None:
        """Refuse --batch where a network has no batch that one number could change. Raises click.BadParameter."""
        if self.batch is None:
            return
        for report in reports:
            if report.network is None or obstacle(report) is not None:
                continue
            try:
                batch_of(report.network)
            except NoBatch as why:
                raise click.BadParameter(f"{report.path}: {why}", param_hint="--batch") from None


def cost_options(function: Command) -> Command:
    """Add the options, given to the command as one ``asked``."""

    @functools.wraps(function)
    def command(
        *args: Any,
        cost: bool,
        fit: int | None,
        optimizer: Optimizer | None,
        dtype: str | None,
        batch: int | None,
        **kwargs: Any,
    ) -> Any:
        if optimizer is not None and not cost and fit is None:
            raise click.UsageError("--optimizer is that of a training step: give it with --cost or --fit")
        return function(*args, asked=Asked(cost, fit, optimizer or "sgd", dtype, batch), **kwargs)

    for option in (
        click.option(
            "--batch",
            type=click.IntRange(1, 2**31 - 1),
            metavar="N",
            help="Take another batch: the first axis of every input.",
        ),
        click.option(
            "--dtype",
            type=click.Choice(DTYPES),
            help="Take another dtype for all floating-point inputs and parameters.",
        ),
        click.option(
            "--optimizer",
            type=click.Choice(OPTIMIZERS),
            help="With --cost and --fit: the optimizer of the training step.  [default: sgd]",
        ),
        click.option(
            "--fit",
            callback=_amount,
            metavar="MEMORY",
            help="Say whether a training step fits into so much memory, such as 16GiB, and which batch does.",
        ),
        click.option("--cost", is_flag=True, help="Say what the compiler knows of flops and memory, and explain it."),
    ):
        command = option(command)
    return command


def _amount(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    try:
        return None if text is None else parse_amount(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
