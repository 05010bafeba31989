"""What check found before, kept on disk: the answer to a question and a text.

An answer is looked up by everything that it depends on: the text, the name that the file is shown with, limits, the
choice of rules, the values of ``--set``, and the program itself. So it is never out of date, only unknown. To look
one up loads neither YAML nor rules nor layers.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
from pathlib import Path
from typing import NamedTuple

from shapecheck import config
from shapecheck._version import __version__
from shapecheck.cache.codec import by_name, of_line, to_line
from shapecheck.cache.store import Store, key
from shapecheck.config import Config
from shapecheck.findings.catalogue import RULES, Phase, Rule
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.finding import Finding

# An answer that nobody asked for in so many days is forgotten; a folder is looked through once in so many.
KEPT_DAYS = 30.0
PRUNE_DAYS = 1.0


by_name(Rule, lambda rule: rule.name, RULES.__getitem__)


class _Answer(NamedTuple):
    """What of a report is not known from the text and what is asked of it."""

    layers: int
    names: tuple[str, ...] | None
    reached: Phase | None
    unclean: Phase | None
    not_run: tuple[str, ...]
    findings: tuple[Finding, ...]


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
        except ValueError:
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
            with contextlib.suppress(ValueError):  # where somebody else put it there
                return of_line(Config, known)
        settings = config.parse(path, content)
        self._configurations.put(place, to_line(settings).encode())
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
    names = None if report.names is None else tuple(sorted(report.names))
    found = _Answer(report.layers, names, report.reached, report.unclean, report.not_run, report.diagnostics)
    return to_line(found).encode()


def report_of_bytes(data: bytes, settings: Settings, text: str) -> Report:
    """Return the report that ``report_to_bytes`` gave, for the text that it was found in. Raises ValueError."""
    found = of_line(_Answer, data)
    report = Report(settings, text, found.findings)
    report.layers, report.reached, report.unclean, report.not_run = found[0], *found[2:5]
    report.names = None if found.names is None else frozenset(found.names)
    return report
