"""Checking the files that a command line names, mending them, and showing what was found."""

from __future__ import annotations

import functools
import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import click

from shapecheck import fixes, linter
from shapecheck.commands.options import (
    Command,
    check_names,
    chosen,
    configuration,
    network_files,
    parse_assignments,
    read_source,
    require_used,
    use_color,
)
from shapecheck.diagnostics import Finding
from shapecheck.linter import Report
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


def fix(reports: list[Report], fixing: Fixing) -> tuple[list[Report], bool]:
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


def render(reports: list[Report], output_format: str, stream: TextIO) -> None:
    """Write reports in one of FORMATS."""
    module: Any = importlib.import_module(f"shapecheck.output.{output_format.replace('-', '_')}")
    module.render(reports, stream, use_color(stream))


def findings_stream(reports: list[Report], fixing: Fixing) -> TextIO:
    """Return where findings go: standard output, unless the fixed text of standard input goes there."""
    return sys.stderr if fixing.wanted and any(report.source == "-" for report in reports) else sys.stdout
