"""``shapecheck check`` and ``shapecheck verify``."""

from __future__ import annotations

import functools
import importlib
import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import click

from shapecheck import baseline, fixes, linter
from shapecheck.commands.options import (
    Command,
    check_names,
    chosen,
    configuration,
    format_option,
    network_files,
    parse_assignments,
    read_source,
    require_used,
    rule_options,
    set_option,
    use_color,
)
from shapecheck.diagnostics import Finding
from shapecheck.linter import Report
from shapecheck.output.progress import Progress
from shapecheck.output.summary import plural
from shapecheck.spec.templates import FileTemplate

FORMATS = ("text", "concise", "json", "json-lines", "github", "gitlab", "sarif", "junit", "markdown")


Rules = tuple[tuple[str, ...] | None, tuple[str, ...], tuple[str, ...]]


def checked(
    paths: tuple[str, ...], assignments: tuple[str, ...], config_path: str | None, stdin_name: str, rules: Rules
) -> list[Report]:
    """Return a report of every file that the paths name, by its own configuration, its fixes proved."""
    values = parse_assignments(assignments)
    reports: list[Report] = []
    files: list[FileTemplate] = []
    used: set[str] = set()
    for path in network_files(paths or (".",)):
        settings = configuration(config_path, Path.cwd() if path == "-" else Path(path).parent)
        limits = settings.limits
        name, text = read_source(path, stdin_name, limits)
        selection = chosen(settings, name, rules)
        if isinstance(text, Finding):
            reports.append(Report(name, "", None, None, linter.controlled([text], "", selection)))
            continue
        file, findings = linter.read_text(text, name, limits)
        if file is None:
            reports.append(Report(name, text, None, None, linter.controlled(findings, text, selection)))
            continue
        files.append(file)
        mine = check_names(file, values, used)
        report = linter.check_template(file, findings, text, name, mine, limits, selection)
        report.source = path
        report.again = partial(linter.check_text, path=name, overrides=mine, limits=limits, selection=selection)
        reports.append(fixes.proved(report, report.again))
    require_used(values, used, files)
    return reports


class Fixing(NamedTuple):
    """What is asked for: to apply fixes, the unsafe ones too, and to show them instead of writing them."""

    wanted: bool
    unsafe: bool
    diff: bool


def fix_options(function: Command) -> Command:
    """Add --fix, --unsafe-fixes and --diff, given to the command as one ``fixing``."""

    @functools.wraps(function)
    def command(*args: Any, fix: bool, unsafe_fixes: bool, diff: bool, **kwargs: Any) -> Any:
        return function(*args, fixing=Fixing(fix or unsafe_fixes or diff, unsafe_fixes, diff), **kwargs)

    for flag, help in (
        ("--diff", "Show what --fix would change; write nothing."),
        ("--unsafe-fixes", "Apply also fixes that change what the network computes."),
        ("--fix", "Apply every fix that was proved to remove its finding and to bring no other."),
    ):
        command = click.option(flag, is_flag=True, help=help)(command)
    return command


def _fix(reports: list[Report], fixing: Fixing) -> tuple[list[Report], bool]:
    """Apply fixes, or show them; return the reports of the files as they are then, and whether a diff was shown."""
    result: list[Report] = []
    shown = False
    for report in reports:
        if report.again is None:
            result.append(report)
            continue
        fixed = fixes.fix(report, report.again, fixing.unsafe)
        if fixing.diff:
            text = fixes.difference(report.path, report.text, fixed.text)
            click.echo(text, nl=False)
            shown = shown or bool(text)
            result.append(report)
            continue
        if report.source == "-":
            click.echo(fixed.text, nl=False)
        elif fixed.applied:
            try:
                fixes.write(report.source, fixed.text)
            except OSError as error:
                raise click.ClickException(f"{report.source} cannot be written: {error.strerror}") from None
            click.echo(f"{report.path}: {plural(fixed.applied, 'fix')} applied", err=True)
        fixed.report.source, fixed.report.again = report.source, report.again
        result.append(fixed.report)
    return result, shown


def _baseline_path(given: str | None, config_path: str | None) -> Path | None:
    return Path(given) if given is not None else configuration(config_path, Path.cwd()).baseline


def _statistics(reports: list[Report], output_format: str) -> None:
    """Print how often each rule was found, the most frequent first."""
    counts = Counter((d.code, d.rule.name) for report in reports for d in report.diagnostics)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    if output_format == "json":
        document = {"version": 1, "statistics": [{"code": c, "rule": name, "count": n} for (c, name), n in rows]}
        click.echo(json.dumps(document, indent=2))
        return
    for (code, name), number in rows:
        click.echo(f"{number:>6}  {code}  {name}")


def _render(reports: list[Report], output_format: str, stream: TextIO) -> None:
    module: Any = importlib.import_module(f"shapecheck.output.{output_format.replace('-', '_')}")
    module.render(reports, stream, use_color(stream))


def _stream(reports: list[Report], fixing: Fixing) -> TextIO:
    """Return where findings go: standard output, unless the fixed text of standard input goes there."""
    return sys.stderr if fixing.wanted and any(report.source == "-" for report in reports) else sys.stdout


@click.command()
@click.argument("paths", nargs=-1)
@set_option
@format_option(*FORMATS)
@rule_options
@fix_options
@click.option("--statistics", is_flag=True, help="Print how often each rule was found instead of the findings.")
@click.option(
    "--baseline", "baseline_path", type=click.Path(dir_okay=False), help="Leave out the findings in this file."
)
@click.option("--write-baseline", is_flag=True, help="Write the findings to the baseline and exit with 0.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--stdin-filename", default="<stdin>", help="The name to show for standard input.")
def check(
    paths: tuple[str, ...],
    assignments: tuple[str, ...],
    config_path: str | None,
    output_format: str,
    statistics: bool,
    baseline_path: str | None,
    write_baseline: bool,
    exit_zero: bool,
    stdin_filename: str,
    fixing: Fixing,
    rules: Rules,
) -> int:
    """Check network files: reading, structure and every shape. Static and fast; nothing is run.

    A folder is searched for *.net.yaml and *.net.yml; - is standard input; without PATHS, this folder.
    """
    reports = checked(paths, assignments, config_path, stdin_filename, rules)
    if fixing.wanted:
        reports, shown = _fix(reports, fixing)
        if fixing.diff:
            return 1 if shown and not exit_zero else 0
    known = _baseline_path(baseline_path, config_path)
    if write_baseline:
        if known is None:
            raise click.UsageError("--write-baseline needs --baseline FILE, or baseline in the configuration")
        click.echo(f"{known}: {plural(baseline.write(known, reports), 'finding')} written", err=True)
        return 0
    hidden = baseline.apply(known, baseline.read(known), reports) if known is not None else 0
    if statistics:
        _statistics(reports, output_format)
    else:
        _render(reports, output_format, _stream(reports, fixing))
    if hidden:
        click.echo(f"{plural(hidden, 'finding')} of the baseline not shown", err=True)
    return 0 if exit_zero or all(report.ok for report in reports) else 1


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
        reports, shown = _fix(reports, fixing)
        if fixing.diff:
            return 1 if shown else 0
    proof = importlib.import_module("shapecheck.proof")  # loads JAX
    progress = Progress(sys.stderr)
    with proof.leave_on_interrupt(progress.stop):
        for report in reports:
            report.verification = proof.verify(report, level, device, progress.of(report.path))
            report.add(proof.findings(report, report.verification))
    progress.stop()
    _render(reports, output_format, _stream(reports, fixing))
    return 0 if all(r.ok and r.verification is not None and r.verification.result == "proved" for r in reports) else 1
