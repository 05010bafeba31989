"""What can be wrong with how shapecheck is called and set up; each ends a command with exit code 2."""

from __future__ import annotations


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the line and the key."""


class BaselineError(Exception):
    """The baseline cannot be used; the message says why."""
