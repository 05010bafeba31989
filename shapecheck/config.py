"""Settings of a project: ``[tool.shapecheck]`` in pyproject.toml, or shapecheck.toml, the nearest one upward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shapecheck.spec.limits import DEFAULT_LIMITS, Limits
from shapecheck.spec.words import suggest

# Above this PyYAML's composer, which recurses in C, could overflow the stack.
DEEPEST_NESTING = 1_000
# Above this the expander, which recurses once a placed block, could overflow Python's.
DEEPEST_BLOCKS = 200


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file and the key."""


class Config:
    """The settings in force."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, path: Path | None = None) -> None:
        self.limits = limits
        self.path = path


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


def load(path: Path | None) -> Config:
    """Return the settings in a file, or the defaults where there is none. Raises ConfigError."""
    if path is None:
        return Config()
    import tomllib  # only needed where there is a configuration

    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    settings = data.get("tool", {}).get("shapecheck", {}) if path.name == "pyproject.toml" else data
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: tool.shapecheck is not a table")
    for key in settings:
        if key != "limits":
            raise ConfigError(f"{path}: unknown setting {key}; {suggest(key, ['limits'], 'settings')}")
    return Config(_limits(settings.get("limits", {}), path), path)


def _limits(settings: Any, path: Path) -> Limits:
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: limits is not a table")
    for key, value in settings.items():
        if key not in Limits._fields:
            raise ConfigError(f"{path}: unknown limit {key}; {suggest(key, Limits._fields, 'limits')}")
        if type(value) is not int or value < 1:
            raise ConfigError(f"{path}: limits.{key} must be a whole number of at least 1, found {value!r}")
    for key, most in (("nesting", DEEPEST_NESTING), ("block_depth", DEEPEST_BLOCKS)):
        if settings.get(key, 1) > most:
            raise ConfigError(f"{path}: limits.{key} can be {most} at most")
    return DEFAULT_LIMITS._replace(**settings)
