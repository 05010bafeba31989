"""Settings of a project: ``[tool.shapecheck]`` in pyproject.toml, or shapecheck.toml, the nearest one upward."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits
from shapecheck.findings.selection import Selection, UnknownRule, check_word
from shapecheck.text import suggest

# Above this the composer, the reader of values and the expander, which recurse, could overflow the stack.
MOST = {"nesting": 400, "block_depth": 200}
SEVERITIES = {str(severity): severity for severity in Severity}
SETTINGS = ("select", "extend-select", "ignore", "severity", "per-file-ignores", "baseline", "limits")


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the line and the key."""


class Config(NamedTuple):
    """The settings in force. ``per_file_ignores`` maps a pattern of paths to words that are ignored there."""

    limits: Limits = DEFAULT_LIMITS
    selection: Selection = Selection()
    per_file_ignores: Mapping[str, tuple[str, ...]] = {}
    baseline: Path | None = None
    path: Path | None = None

    def selection_for(self, path: str) -> Selection:
        """Return the choice of rules for one file."""
        more = tuple(
            word for pattern, words in self.per_file_ignores.items() if self._matches(path, pattern) for word in words
        )
        # What is ignored for a file is ignored there, however specific the selection.
        return self.selection._replace(ignore=(*self.selection.ignore, *more)) if more else self.selection

    def _matches(self, path: str, pattern: str) -> bool:
        shown = PurePath(path)
        if self.path is not None:
            try:
                shown = Path(path).resolve().relative_to(self.path.resolve().parent)
            except ValueError:
                shown = PurePath(path)
        return fnmatch.fnmatch(shown.as_posix(), pattern) or fnmatch.fnmatch(shown.name, pattern)


def find(start: Path) -> Path | None:
    """Return the nearest configuration file in ``start`` or above it."""
    for folder in (start, *start.parents):
        own = folder / "shapecheck.toml"
        if own.is_file():
            return own
        project = folder / "pyproject.toml"
        if project.is_file() and "[tool.shapecheck" in project.read_text(encoding="utf-8", errors="replace"):
            return project
    return None


def nearest(folder: Path) -> Config:
    """Return the settings that hold for the files of a folder. Raises ConfigError."""
    return load(find(folder.resolve()))


def load(path: Path | None) -> Config:
    """Return the settings in a file, or the defaults where there is none. Raises ConfigError."""
    return Config() if path is None else parse(path, read(path))


def read(path: Path) -> bytes:
    """Return what is in a configuration file. Raises ConfigError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def parse(path: Path, content: bytes) -> Config:
    """Return the settings in the content of a file. Raises ConfigError."""
    import tomllib  # only needed where there is a configuration

    try:
        text = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        data: dict[str, Any] = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error or 'nested too deep'}") from None
    tool = data.get("tool", {}) if path.name == "pyproject.toml" else {"shapecheck": data}
    settings = tool.get("shapecheck", {}) if isinstance(tool, dict) else {}
    return _Reader(path, text).config(settings)


class _Reader:
    """Reads the settings of one file, naming the line of what is wrong."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.split("\n")

    def error(self, key: str, message: str) -> ConfigError:
        quoted = re.compile(
            rf'^\s*["\']?{re.escape(key)}["\']?\s*=|\[.*\b{re.escape(key)}\b.*\]|["\']{re.escape(key)}["\']'
        )
        line = next((number for number, text in enumerate(self.lines, 1) if quoted.search(text)), 1)
        return ConfigError(f"{self.path}:{line}: {message}")

    def config(self, settings: Any) -> Config:
        if not isinstance(settings, dict):
            raise self.error("shapecheck", "tool.shapecheck is not a table")
        for key in settings:
            if key not in SETTINGS:
                raise self.error(key, f"unknown setting {key}; {suggest(key, SETTINGS, 'settings')}")
        selection = Selection(
            self.words(settings, "select") if "select" in settings else None,
            self.words(settings, "extend-select"),
            self.words(settings, "ignore"),
            self.severities(settings.get("severity", {})),
        )
        baseline = settings.get("baseline")
        if baseline is not None and not isinstance(baseline, str):
            raise self.error("baseline", f"baseline must be the path of a file, found {baseline!r}")
        limits = self.limits(settings.get("limits", {}))
        where = self.path.parent / baseline if baseline is not None else None
        return Config(limits, selection, self.per_file(settings.get("per-file-ignores", {})), where, self.path)

    def words(self, settings: dict[str, Any], key: str) -> tuple[str, ...]:
        value = settings.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.error(key, f"{key} must be a list of rules, found {value!r}")
        return tuple(self.word(word) for word in value)

    def word(self, word: str) -> str:
        try:
            return check_word(word)
        except UnknownRule as error:
            raise self.error(word, str(error)) from None

    def severities(self, settings: Any) -> dict[str, Severity]:
        if not isinstance(settings, dict):
            raise self.error("severity", "severity is not a table of rules")
        found = {}
        for word, value in settings.items():
            if value not in SEVERITIES:
                raise self.error(word, f"severity of {word} must be one of {', '.join(SEVERITIES)}; found {value!r}")
            found[self.word(word)] = SEVERITIES[value]
        return found

    def per_file(self, settings: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(settings, dict):
            raise self.error("per-file-ignores", "per-file-ignores is not a table of paths")
        return {pattern: self.words(settings, pattern) for pattern in settings}

    def limits(self, settings: Any) -> Limits:
        if not isinstance(settings, dict):
            raise self.error("limits", "limits is not a table")
        for key, value in settings.items():
            if key not in Limits._fields:
                raise self.error(key, f"unknown limit {key}; {suggest(key, Limits._fields, 'limits')}")
            if type(value) is not int or value < 1:
                raise self.error(key, f"limits.{key} must be a whole number of at least 1, found {value!r}")
            if value > MOST.get(key, value):
                raise self.error(key, f"limits.{key} can be {MOST[key]} at most")
        return DEFAULT_LIMITS._replace(**settings)
