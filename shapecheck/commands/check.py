"""``shapecheck check``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from shapecheck import baseline
from shapecheck.commands.checking import FORMATS, Fixing, Rules, checked, findings_stream, fix, fix_options, render
from shapecheck.commands.options import configuration, format_option, rule_options, set_option
from shapecheck.linter import Report
from shapecheck.output.summary import plural


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
        reports, shown = fix(reports, fixing)
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
        render(reports, output_format, findings_stream(reports, fixing))
    if hidden:
        click.echo(f"{plural(hidden, 'finding')} of the baseline not shown", err=True)
    return 0 if exit_zero or all(report.ok for report in reports) else 1
