"""``shapecheck report``: the sanity report, one page that opens anywhere."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import click

from shapecheck.cache.answers import Cache
from shapecheck.cli.checking import checked
from shapecheck.cli.cost_options import Asked, cost_options
from shapecheck.cli.figure_command import output_option, write
from shapecheck.cli.options import cache_options, set_option
from shapecheck.cli.proving_options import Proving, prove_shown, proving_options
from shapecheck.verification import Plan


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
@click.option("--verify", is_flag=True, help="Ask the second witness as well, as verify does; so does --cost.")
@proving_options
@cost_options
@cache_options
def report(
    file: str,
    assignments: tuple[str, ...],
    config_path: str | None,
    output: str | None,
    output_format: str,
    verify: bool,
    proving: Proving,
    asked: Asked,
    cache: Cache | None,
) -> int:
    """Write the sanity report of a network: one HTML page that needs no network access.

    For example: shapecheck report nets/unet.net.yaml -o report.html

    The page is written whatever is found. Exit codes are those of check, and with --verify those of verify.
    """
    if file != "-" and Path(file).is_dir():
        raise click.BadParameter(f"{file} is a folder; name one file", param_hint="FILE")
    (found,) = checked((file,), assignments, config_path, "<stdin>", (None, (), ()))
    proved = True
    if verify or asked.anything:
        asked.require_batch([found])
        prove_shown([found], asked.into(Plan(proving.level, proving.device)), proving.timeout, cache)
        proved = found.verification is not None and found.verification.verdict == "proved"
    pages: Any = importlib.import_module("shapecheck.report")  # loads Jinja2
    if output_format == "json":
        write(output, json.dumps(pages.page_data(found), indent=2, ensure_ascii=False) + "\n")
    else:
        write(output, pages.page(found))
    return 0 if found.ok and proved else 1
