"""One text through the whole pipeline. This loads every rule and layer; what only looks answers up stays without."""

from __future__ import annotations

from functools import partial

from shapecheck import pipeline
from shapecheck.cache.answers import Question
from shapecheck.cli.options import check_names, names_of
from shapecheck.findings import fixes
from shapecheck.findings.finding import Finding
from shapecheck.pipeline import Report


def report_of(
    question: Question, text: str | Finding, source: str, prepare: pipeline.Prepare | None = None
) -> tuple[Report, frozenset[str] | None]:
    """Return the report of a text, its fixes proved, and the names in it that --set can set.

    ``prepare`` changes what was read of the text before it is checked. ``text`` is a finding where a file cannot be
    read, ``source`` the path as it was given. The names are None where there is no mapping to have any. Raises
    click.BadParameter for a value that a dimension cannot have.
    """
    name, values, limits, selection = question
    if isinstance(text, Finding):
        return Report(name, "", None, None, pipeline.controlled([text], "", selection)), None
    file, findings = pipeline.read_text(text, name, limits)
    if file is None:
        return Report(name, text, None, None, pipeline.controlled(findings, text, selection)), None
    if prepare is not None:
        prepare(file)
    mine = check_names(file, values)
    report = pipeline.check_template(file, findings, text, name, mine, limits, selection)
    report.source = source
    report.again = again = partial(
        pipeline.check_text, path=name, overrides=mine, limits=limits, selection=selection, prepare=prepare
    )
    return fixes.proved(report, again), names_of(file)
