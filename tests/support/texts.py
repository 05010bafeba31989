"""Checks of texts and files as they stand, without any configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapecheck import pipeline
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits
from shapecheck.findings.selection import DEFAULT, Selection
from shapecheck.graph.network import Network
from shapecheck.language.source import read_file


def check_text(
    text: str,
    path: str,
    values: Mapping[str, Any] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    selection: Selection = DEFAULT,
    prepare: pipeline.Prepare | None = None,
) -> Report:
    """Check a text that is shown as ``path``."""
    return pipeline.check(text, Settings(path, values or {}, limits, selection), prepare)


def check_file(path: str, values: Mapping[str, Any] | None = None, limits: Limits = DEFAULT_LIMITS) -> Report:
    """Check a file."""
    return pipeline.check(read_file(path, limits), Settings(path, values or {}, limits))


def load_text(text: str, path: str, values: Mapping[str, Any]) -> Network:
    """Return the network of a text."""
    return pipeline.load(text, Settings(path, values))
