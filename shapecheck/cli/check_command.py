"""``shapecheck check``."""

from __future__ import annotations

import json
import sys
from collections import Counter

import click

from shapecheck.cache.answers import Cache
from shapecheck.cli.checking import Fixing, findings_stream, fix, fix_options, render
from shapecheck.cli.options import (
    Rules,
    cache_options,
    format_option,
    network_files,
    require_used,
    rule_options,
    set_option,
)
from shapecheck.cli.scheduler import Request, Scheduler
from shapecheck.findings import baseline
from shapecheck.findings.checked import Report
from shapecheck.output import FORMATS
from shapecheck.output.progress import Progress
from shapecheck.text import plural


def _checked(scheduler: Scheduler, paths: tuple[str, ...]) -> list[Report]:
    progress = Progress(sys.stderr)
    try:
        found = scheduler.of(network_files(paths or (".",)), progress.of("checking"))
    finally:
        progress.stop()
    require_used(scheduler.values, found)
    return found


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


def _refuse_with_watch(paths: tuple[str, ...], output_format: str, other: bool) -> None:
    if "-" in paths:
        raise click.UsageError("--watch cannot watch standard input")
    if output_format not in ("text", "concise"):
        raise click.UsageError("--watch prints text or concise")
    if other:
        raise click.UsageError("--watch does not go with --fix, --diff, --statistics or --write-baseline")


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
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Check on so many cores; without it on as many as there are, where that pays.",
)
@click.option("--watch", is_flag=True, help="Check again whatever changes, until Ctrl-C (exit code 130).")
@cache_options
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
    jobs: int | None,
    watch: bool,
    cache: Cache | None,
    fixing: Fixing,
    rules: Rules,
) -> int:
    """Check network files: reading, structure and every shape. Static and fast; nothing is run.

    A folder is searched for *.net.yaml and *.net.yml; - is standard input; without PATHS, this folder.
    """
    scheduler = Scheduler(Request(config_path, assignments, rules, stdin_filename, jobs), cache)
    if watch:
        _refuse_with_watch(paths, output_format, fixing.wanted or statistics or write_baseline)
        from shapecheck.cli.watch import Watch  # only needed here

        Watch(scheduler, paths or (".",), baseline_path, output_format).run()
    reports = _checked(scheduler, paths)
    if fixing.wanted:
        reports, shown = fix(reports, fixing)
        if fixing.diff:
            return 1 if shown and not exit_zero else 0
    known = scheduler.baseline(baseline_path)
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
