"""``shapecheck report``: the sanity report, one page that opens anywhere."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from shapecheck.commands.checking import checked
from shapecheck.commands.figure import output_option, write
from shapecheck.commands.options import set_option
from shapecheck.output.progress import Progress


@click.command()
@click.argument("file")
@set_option
@output_option
@click.option(
    "--output-format",
    type=click.Choice(["html", "json"]),
    default="html",
    show_default=True,
    help="The page, or the data behind it.",
)
@click.option("--verify", is_flag=True, help="Ask the second witness as well, as shapecheck verify does.")
@click.option(
    "--level",
    type=click.Choice(["trace", "lower", "compile"]),
    default="compile",
    show_default=True,
    help="How far JAX goes with --verify.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "gpu", "auto"]),
    default="auto",
    show_default=True,
    help="What the network is built for with --verify.",
)
def report(
    file: str,
    assignments: tuple[str, ...],
    config_path: str | None,
    output: str | None,
    output_format: str,
    verify: bool,
    level: str,
    device: str,
) -> int:
    """Write the sanity report of a network: one HTML page that needs no network access.

    For example: shapecheck report nets/unet.net.yaml -o report.html

    The page is written whatever is found. Exit codes are those of check, and with --verify those of verify.
    """
    if file != "-" and Path(file).is_dir():
        raise click.BadParameter(f"{file} is a folder; name one file", param_hint="FILE")
    (found,) = checked((file,), assignments, config_path, "<stdin>", (None, (), ()))
    proved = True
    if verify:
        proof: Any = importlib.import_module("shapecheck.proof")  # loads JAX
        progress = Progress(sys.stderr)
        with proof.leave_on_interrupt(progress.stop):
            found.verification = proof.verify(found, level, device, progress.of(found.path))
        found.add(proof.findings(found, found.verification))
        progress.stop()
        proved = found.verification.result == "proved"
    pages: Any = importlib.import_module("shapecheck.report")  # loads Jinja2
    if output_format == "json":
        write(output, json.dumps(pages.page_data(found), indent=2, ensure_ascii=False) + "\n")
    else:
        write(output, pages.page(found))
    return 0 if found.ok and proved else 1
