"""What check found before, kept on disk: the answer to a question and a text.

An answer is looked up by everything that it depends on: the text, the name that the file is shown with, limits, the
choice of rules, the values of ``--set``, and the program itself. So it is never out of date, only unknown. To look
one up loads neither YAML nor rules nor layers.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from shapecheck import config
from shapecheck._version import __version__
from shapecheck.cache.store import Store, key
from shapecheck.config import Config
from shapecheck.findings.catalogue import RULES, Phase, Severity
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import Edit, Finding, Fix, Position, Related, Span
from shapecheck.findings.selection import Selection
from shapecheck.language.limits import Limits

# An answer that nobody asked for in so many days is forgotten; a folder is looked through once in so many.
KEPT_DAYS = 30.0
PRUNE_DAYS = 1.0


class Cache:
    """The answers in a folder, and the configurations, which can only be checked with every rule at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._answers = Store(folder, "check")
        self._configurations = Store(folder, "configuration")
        self._program = program()

    def key(self, settings: str, data: bytes) -> str:
        """Return what the answer is kept under; ``settings`` are Settings as text."""
        return key(self._program, settings, data)

    def get(self, key: str, settings: Settings, text: str) -> Report | None:
        """Return the answer under ``key``, to what ``settings`` ask of a text, or None."""
        data = self._answers.get(key)
        try:
            return None if data is None else report_of_bytes(data, settings, text)
        except (KeyError, TypeError, ValueError):
            return None  # somebody else put it there

    def put(self, key: str, answer: bytes) -> None:
        """Keep an answer, given as bytes."""
        self._answers.put(key, answer)

    def configuration(self, path: Path) -> Config:
        """Return the settings in a file. Raises ConfigError."""
        content = config.read(path)
        place = key(self._program, os.fspath(path), content)
        known = self._configurations.get(place)
        if known is not None:
            with contextlib.suppress(TypeError, ValueError, AttributeError):  # where somebody else put it there
                return _config_of_json(json.loads(known), path)
        settings = config.parse(path, content)
        self._configurations.put(place, json.dumps(_config_to_json(settings)).encode())
        return settings

    def prune(self) -> None:
        """Forget what was not asked for in a long time; most calls find that this was done lately, and do nothing."""
        for store in (self._answers, self._configurations):
            store.prune(KEPT_DAYS, PRUNE_DAYS)


@functools.cache
def program() -> str:
    """Return what identifies the program: its version and its source files, Python and the YAML library.

    Sources count by size and time, so that a checkout that is being worked on never has an answer of yesterday.
    """
    found = [__version__, sys.version]
    yaml = importlib.util.find_spec("yaml")
    if yaml is not None and yaml.origin is not None:
        found += _stamp(yaml.origin)
    folders = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    while folders:
        try:
            entries = sorted(os.scandir(folders.pop()), key=lambda entry: entry.name)
        except OSError:
            continue  # not a folder on disk: an archive of this version
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.name.endswith(".py"):
                found += _stamp(entry.path)
    return key(*found)


def _stamp(path: str) -> tuple[str, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return (path,)
    return path, str(status.st_size), str(status.st_mtime_ns)


def report_to_bytes(report: Report) -> bytes:
    """Return a report as one line of JSON; the text, the network and its shapes are left out."""
    names = None if report.names is None else sorted(report.names)
    found = [_diagnostic_to_json(d) for d in report.diagnostics]
    return json.dumps([report.layers, names, report.reached, report.unclean, report.not_run, found]).encode()


def report_of_bytes(data: bytes, settings: Settings, text: str) -> Report:
    """Return the report that ``report_to_bytes`` gave, for the text that it was found in."""
    layers, names, reached, unclean, not_run, found = json.loads(data)
    report = Report(settings, text, tuple(_diagnostic_of_json(*parts) for parts in found))
    report.layers = layers
    report.names = None if names is None else frozenset(names)
    report.reached = None if reached is None else Phase(reached)
    report.unclean = None if unclean is None else Phase(unclean)
    report.not_run = tuple(not_run)
    return report


def _diagnostic_to_json(d: Finding) -> list[Any]:
    fix = None if d.fix is None else [d.fix.message, d.fix.applicability, [[e.span, e.text] for e in d.fix.edits]]
    return [d.rule.name, d.severity, d.message, d.span, d.layer, d.help, d.related, fix]


def _diagnostic_of_json(
    rule: str,
    severity: str,
    message: str,
    span: list[list[int]],
    layer: str | None,
    help: str | None,
    related: list[list[Any]],
    fix: list[Any] | None,
) -> Finding:
    return Finding(
        RULES[rule],
        Severity(severity),
        message,
        _span(span),
        layer,
        help,
        tuple(Related(said, _span(at)) for said, at in related),
        None if fix is None else Fix(fix[0], fix[1], tuple(Edit(_span(at), text) for at, text in fix[2])),
    )


def _span(places: list[list[int]]) -> Span:
    start, end = places
    return Span(Position(*start), Position(*end))


def _config_to_json(settings: Config) -> list[Any]:
    baseline = None if settings.baseline is None else os.fspath(settings.baseline)
    return [settings.limits, settings.selection.as_json(), dict(settings.per_file_ignores), baseline]


def _config_of_json(parts: list[Any], path: Path) -> Config:
    limits, selection, per_file, baseline = parts
    return Config(
        Limits(*limits),
        Selection.of_json(selection),
        {pattern: tuple(words) for pattern, words in per_file.items()},
        None if baseline is None else Path(baseline),
        path,
    )
