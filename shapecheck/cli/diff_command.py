"""``shapecheck diff``: what changed from one network to another."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from shapecheck.analysis.difference.changes import ComparedNetwork, Difference, compare
from shapecheck.cli.fail_on import Condition, conditions, failures
from shapecheck.cli.network_commands import complain
from shapecheck.cli.options import (
    NO_RULES,
    chosen,
    configuration,
    folder_of,
    format_option,
    parse_assignments,
    read_source,
    report_of,
    require_used,
    set_option,
)
from shapecheck.cli.revisions import Revision, existing_folder, merge_base
from shapecheck.findings.catalogue import Phase
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import Finding
from shapecheck.findings.limits import Limits
from shapecheck.output.difference_json import as_json
from shapecheck.output.difference_markdown import as_markdown
from shapecheck.output.difference_text import as_text


class TextSource(NamedTuple):
    """A network to be read: the name to show, the folder whose configuration counts, and how to get the text."""

    name: str
    folder: str
    read: Callable[[Limits], str | Finding]


@click.command()
@click.argument("files", nargs=-1, metavar="OLD NEW")
@click.option("--rev", metavar="REVISION", help="Compare one file with what it was: REV, or REV..REV, REV...REV.")
@click.option(
    "--fail-on",
    "words",
    default="",
    metavar="WORDS",
    help="Exit with 1 where one of these changed: layers, shapes, outputs, receptive-field, sizes, sizes-lost, "
    "promises, findings, params, cost, memory; the last three also as 'params>5%' or 'params>1000'.",
)
@set_option
@format_option("text", "json", "markdown")
def diff(
    files: tuple[str, ...],
    rev: str | None,
    words: str,
    assignments: tuple[str, ...],
    config_path: str | None,
    output_format: str,
) -> int:
    """Print what changed from OLD to NEW: layers, shapes, cost, receptive field, valid sizes, findings.

    OLD and NEW are files, or REV:PATH as git has it (main:nets/unet.net.yaml counts from the top of the repository,
    main:./unet.net.yaml from here); a file of that name comes first. With --rev REV and one FILE, the file as it was
    in that revision is compared with the one that is there; REV..REV compares two revisions, REV...REV the second
    with the commit where both parted.

    Exit code 0 whatever changed, unless --fail-on names it; 1 where a file cannot be read as a network.
    """
    wanted = conditions(words)
    reports = _reports(_sources(files, rev), assignments, config_path)
    unreadable = [report for report in reports if not report.clean(Phase.ASSEMBLED)]
    if unreadable:
        for report in unreadable:
            complain(report)
        return 1
    sides = [ComparedNetwork(report.shapes, report.diagnostics) for report in reports if report.shapes is not None]
    difference = compare(*sides)
    failed = failures(difference, wanted)
    _show(difference, failed, output_format)
    for condition, reason in failed:
        click.echo(f"failed on {condition}: {reason}", err=True)
    return 1 if failed else 0


def _show(difference: Difference, failed: list[tuple[Condition, str]], output_format: str) -> None:
    if output_format == "json":
        document = as_json(difference)
        document["failed"] = [{"condition": str(condition), "reason": reason} for condition, reason in failed]
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(as_markdown(difference) if output_format == "markdown" else as_text(difference))


def _sources(files: tuple[str, ...], rev: str | None) -> tuple[TextSource, TextSource]:
    """Return the two networks that a command line means. Raises click.UsageError."""
    if rev is None:
        if len(files) != 2:
            raise click.UsageError("give two networks, OLD and NEW, or --rev REVISION and one FILE")
        if files == ("-", "-"):
            raise click.UsageError("standard input cannot be both networks")
        return _operand(files[0]), _operand(files[1])
    if len(files) != 1 or files[0] == "-":
        raise click.UsageError("--rev takes one FILE, which is compared with what it was in that revision")
    path = files[0]
    folder = existing_folder(Path(path))
    left, dots, right = rev.partition("...") if "..." in rev else rev.partition("..")
    if not dots:
        return _at(left, path, folder), _file(path)
    left, right = left or "HEAD", right or "HEAD"
    base = merge_base(left, right, folder) if dots == "..." else left
    return _at(base, path, folder, left if base == left else f"{base[:10]}"), _at(right, path, folder)


def _operand(argument: str) -> TextSource:
    name, colon, path = argument.partition(":")
    if argument == "-" or not colon or os.path.exists(argument) or (os.name == "nt" and len(name) == 1):
        return _file(argument)
    revision = Revision(name, Path.cwd())
    return TextSource(argument, os.curdir, lambda limits: revision.text(path, limits))


def _file(path: str) -> TextSource:
    name = "<stdin>" if path == "-" else path
    return TextSource(name, folder_of(path), lambda limits: read_source(path, name, limits)[1])


def _at(rev: str, path: str, folder: Path, shown: str | None = None) -> TextSource:
    revision = Revision(rev, folder)
    inside = "./" + Path(os.path.relpath(Path(path).absolute(), folder)).as_posix()
    return TextSource(f"{shown or rev}:{path}", str(folder), lambda limits: revision.text(inside, limits))


def _reports(
    sources: tuple[TextSource, TextSource], assignments: tuple[str, ...], config_path: str | None
) -> list[Report]:
    """Check both networks, with those values of --set that each has a name for."""
    values = parse_assignments(assignments)
    reports = []
    for source in sources:
        settings = configuration(config_path, Path(source.folder))
        selection = chosen(settings, source.name.rpartition(":")[2], NO_RULES)
        asked = Settings(source.name, values, settings.limits, selection)
        reports.append(report_of(source.read(settings.limits), asked))
    require_used(values, reports)
    return reports
