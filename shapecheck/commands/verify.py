"""``shapecheck verify``."""

from __future__ import annotations

import importlib
import sys

import click

from shapecheck.commands.checking import FORMATS, Fixing, Rules, checked, findings_stream, fix, fix_options, render
from shapecheck.commands.options import format_option, rule_options, set_option
from shapecheck.output.progress import Progress


@click.command()
@click.argument("paths", nargs=-1)
@set_option
@format_option(*FORMATS)
@rule_options
@fix_options
@click.option(
    "--level",
    type=click.Choice(["trace", "lower", "compile"]),
    default="compile",
    show_default=True,
    help="How far JAX goes.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "gpu", "auto"]),
    default="auto",
    show_default=True,
    help="What the network is built for.",
)
@click.option("--stdin-filename", default="<stdin>", help="The name to show for standard input.")
def verify(
    paths: tuple[str, ...],
    assignments: tuple[str, ...],
    config_path: str | None,
    output_format: str,
    level: str,
    device: str,
    stdin_filename: str,
    fixing: Fixing,
    rules: Rules,
) -> int:
    """Check network files, then build each with JAX and compare the shape of every layer.

    The build knows nothing of the shapes that check computed. Exit code 0 means proved.
    """
    reports = checked(paths, assignments, config_path, stdin_filename, rules)
    if fixing.wanted:
        reports, shown = fix(reports, fixing)
        if fixing.diff:
            return 1 if shown else 0
    proof = importlib.import_module("shapecheck.proof")  # loads JAX
    progress = Progress(sys.stderr)
    with proof.leave_on_interrupt(progress.stop):
        for report in reports:
            report.verification = proof.verify(report, level, device, progress.of(report.path))
            report.add(proof.findings(report, report.verification))
    progress.stop()
    render(reports, output_format, findings_stream(reports, fixing))
    return 0 if all(r.ok and r.verification is not None and r.verification.result == "proved" for r in reports) else 1
