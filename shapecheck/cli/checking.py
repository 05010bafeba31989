"""Checking the files that a command line names, mending them, and showing what was found."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from shapecheck.cli.options import (
    Command,
    Rules,
    check_rules,
    chosen,
    configuration,
    network_files,
    parse_assignments,
    read_source,
    report_of,
    require_used,
    use_color,
)
from shapecheck.findings.checked import Report, Settings
from shapecheck.output import renderer
from shapecheck.text import plural

if TYPE_CHECKING:
    from shapecheck.pipeline import Prepare


def checked(
    paths: tuple[str, ...],
    assignments: tuple[str, ...],
    config_path: str | None,
    stdin_name: str,
    rules: Rules,
    prepare: Prepare | None = None,
) -> list[Report]:
    """Return a report of every file that the paths name, by its own configuration, its fixes proved.

    ``prepare`` changes what was read of a text before it is checked.
    """
    from shapecheck import pipeline  # check itself may find all its answers without it

    values = parse_assignments(assignments)
    check_rules(rules)
    reports: list[Report] = []
    for path in network_files(paths or (".",)):
        settings = configuration(config_path, Path.cwd() if path == "-" else Path(path).parent)
        name, text = read_source(path, stdin_name, settings.limits)
        asked = Settings(name, values, settings.limits, chosen(settings, name, rules))
        report = pipeline.offered(report_of(text, asked, prepare))
        report.source = path
        reports.append(report)
    require_used(values, reports)
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
    from shapecheck.findings import fixes  # only needed for --fix

    result: list[Report] = []
    shown = False
    for report in reports:
        if report.again is None:
            result.append(report)
            continue
        # A text is checked again as it was checked before.
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
        fixed.report.source = report.source
        result.append(fixed.report)
    return result, shown


def render(reports: Sequence[Report], output_format: str, stream: TextIO) -> None:
    """Write reports in one of FORMATS."""
    renderer(output_format).render(reports, stream, use_color(stream))


def findings_stream(reports: Sequence[Report], fixing: Fixing) -> TextIO:
    """Return where findings go: standard output, unless the fixed text of standard input goes there."""
    return sys.stderr if fixing.wanted and any(report.source == "-" for report in reports) else sys.stdout
