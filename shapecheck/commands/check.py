"""``shapecheck check`` and ``shapecheck verify``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from shapecheck import linter
from shapecheck.commands.options import (
    check_names,
    configuration,
    format_option,
    network_files,
    parse_assignments,
    read_source,
    require_used,
    set_option,
    use_color,
)
from shapecheck.diagnostics import Finding
from shapecheck.linter import Report
from shapecheck.spec.templates import FileTemplate

FORMATS = ("text", "concise", "json")


def _reports(
    paths: tuple[str, ...], assignments: tuple[str, ...], config_path: str | None, stdin_name: str
) -> list[Report]:
    values = parse_assignments(assignments)
    reports: list[Report] = []
    files: list[FileTemplate] = []
    used: set[str] = set()
    for path in network_files(paths or (".",)):
        limits = configuration(config_path, Path.cwd() if path == "-" else Path(path).parent).limits
        name, text = read_source(path, stdin_name, limits)
        if isinstance(text, Finding):
            reports.append(Report(name, "", None, None, linter.diagnostics([text])))
            continue
        file, findings = linter.read_text(text, name, limits)
        if file is None:
            reports.append(Report(name, text, None, None, linter.diagnostics(findings)))
            continue
        files.append(file)
        reports.append(linter.check_template(file, findings, text, name, check_names(file, values, used), limits))
    require_used(values, used, files)
    return reports


def _render(reports: list[Report], output_format: str) -> None:
    module: Any = importlib.import_module(f"shapecheck.output.{output_format}")
    module.render(reports, sys.stdout, use_color(sys.stdout))


@click.command()
@click.argument("paths", nargs=-1)
@set_option
@format_option(*FORMATS)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--stdin-filename", default="<stdin>", help="The name to show for standard input.")
def check(
    paths: tuple[str, ...],
    assignments: tuple[str, ...],
    config_path: str | None,
    output_format: str,
    exit_zero: bool,
    stdin_filename: str,
) -> int:
    """Check network files: reading, structure and every shape. Static and fast; nothing is run.

    A folder is searched for *.net.yaml and *.net.yml; - is standard input; without PATHS, this folder.
    """
    reports = _reports(paths, assignments, config_path, stdin_filename)
    _render(reports, output_format)
    return 0 if exit_zero or all(report.ok for report in reports) else 1


@click.command()
@click.argument("paths", nargs=-1)
@set_option
@format_option(*FORMATS)
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
) -> int:
    """Check network files, then build each with JAX and compare the shape of every layer.

    The build knows nothing of the shapes that check computed. Exit code 0 means proved.
    """
    reports = _reports(paths, assignments, config_path, stdin_filename)
    proof = importlib.import_module("shapecheck.proof")  # loads JAX
    progress_module = importlib.import_module("shapecheck.output.progress")
    with progress_module.progress(sys.stderr) as progress, proof.interruptible():
        for report in reports:
            report.verification = proof.verify(report, level, device, progress(report.path))
            report.add(proof.findings(report, report.verification))
    _render(reports, output_format)
    return 0 if all(r.ok and r.verification is not None and r.verification.result == "proved" for r in reports) else 1
