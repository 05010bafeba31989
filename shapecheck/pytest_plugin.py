"""Collects ``*.net.yaml`` and ``*.net.yml`` files as tests of pytest, where that is asked for.

``pytest --shapecheck`` checks each file as ``shapecheck check`` does; ``--shapecheck-level compile`` proves it as
``shapecheck verify`` does. The settings ``shapecheck`` and ``shapecheck_level`` ask for the same in a project's
configuration of pytest. Every pytest of an environment loads this module, so it imports next to nothing.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from shapecheck.findings.checked import Report

LEVELS = ("check", "trace", "lower", "compile", "run")
SUFFIXES = (".net.yaml", ".net.yml")
_LEVEL = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the settings."""
    group = parser.getgroup("shapecheck", "neural networks that fit together (shapecheck)")
    group.addoption(
        "--shapecheck", action="store_true", help="Collect *.net.yaml and *.net.yml files as tests and check them."
    )
    group.addoption(
        "--shapecheck-level",
        choices=LEVELS,
        help="Collect network files and check them, or verify them with JAX as far as this level.",
    )
    parser.addini("shapecheck", "Collect *.net.yaml and *.net.yml files as tests.", type="bool", default=False)
    parser.addini("shapecheck_level", f"How far to go: one of {', '.join(LEVELS)}.", default="check")


def pytest_configure(config: pytest.Config) -> None:
    """Find out how far to go, if at all. Raises pytest.UsageError for a level that there is not."""
    asked = config.getoption("--shapecheck-level")
    if asked or config.getoption("--shapecheck") or config.getini("shapecheck"):
        level = str(asked or config.getini("shapecheck_level"))
        if level not in LEVELS:
            raise pytest.UsageError(f"shapecheck_level is one of {', '.join(LEVELS)}; found {level}")
        config.stash[_LEVEL] = level


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> NetworkFile | None:
    """Collect a network file."""
    if _LEVEL not in parent.config.stash or not file_path.name.endswith(SUFFIXES):
        return None
    file: NetworkFile = NetworkFile.from_parent(parent, path=file_path)
    return file


class NetworkFile(pytest.File):
    """A file that holds one network."""

    def collect(self) -> Iterable[pytest.Item]:
        """Return its one test, which has the name of the level."""
        yield NetworkItem.from_parent(self, name=self.config.stash[_LEVEL])


class NetworkFailure(Exception):
    """A network has something wrong with it; the message is what shapecheck prints."""


class NetworkItem(pytest.Item):
    """The check of one network file."""

    def runtest(self) -> None:
        """Check the file. Raises NetworkFailure."""
        # Imported here: only a run that checks networks needs any of it.
        from shapecheck.config import ConfigError
        from shapecheck.findings.baseline import BaselineError
        from shapecheck.output import terminal

        try:
            report = _report(self.path, self.name, _shown(self))
        except (ConfigError, BaselineError) as error:
            raise NetworkFailure(f"shapecheck: {error}") from None
        proved = self.name == "check" or (report.verification is not None and report.verification.verdict == "proved")
        if report.ok and proved:
            return
        stream = io.StringIO()
        terminal.render([report], stream, self.config.get_terminal_writer().hasmarkup)
        raise NetworkFailure(stream.getvalue().rstrip())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what shapecheck prints, without a traceback."""
        if isinstance(excinfo.value, NetworkFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place and the heading of a failure."""
        return self.path, 0, f"{_shown(self)}::{self.name}"


def _shown(item: pytest.Item) -> str:
    """Return the path under which pytest knows the file."""
    return item.nodeid.rpartition("::")[0]


def _report(path: Path, level: str, shown: str) -> Report:
    """Return the report of a file by the configuration nearest to it, its baseline too."""
    from shapecheck.cli.checking import checked
    from shapecheck.cli.options import cache_at, configuration
    from shapecheck.findings import baseline

    (report,) = checked((str(path),), (), None, "<stdin>", (None, (), ()))
    known = configuration(None, path.parent).baseline
    if level != "check":
        from shapecheck.verification import Level, Plan
        from shapecheck.verification.proving import prove

        cache = None if os.environ.get("SHAPECHECK_NO_CACHE") else cache_at(None)
        prove([report], Plan(level=cast("Level", level)), folder=None if cache is None else cache.folder)
    if known is not None:
        baseline.apply(known, baseline.read(known), [report])
    report.path = shown
    return report
