"""What the formats that other programs read have in common: paths, identities, and text that any encoding can hold."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

from shapecheck.findings.finding import Finding, Span
from shapecheck.text import printable

_HALVES = re.compile("[\ud800-\udfff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def below(path: str, variable: str | None = None) -> str | None:
    """Return a path relative to the root, with forward slashes, or None where it is not below it.

    The root is the working directory, or the folder above it that the environment ``variable`` names: what a CI
    service calls the root of the repository.
    """
    if path.startswith("<") and path.endswith(">"):
        return path  # standard input, or a string: there is no file
    root = os.getcwd()
    named = os.environ.get(variable) if variable is not None else None
    if named and _is_below(root, named):
        root = named
    elif named and _is_below(os.path.realpath(root), os.path.realpath(named)):
        root = os.path.realpath(named)
    if not _is_below(path, root):
        # Links on the way, as to /tmp on macOS, give one folder two names; the file itself keeps its own.
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        root = os.path.realpath(root)
    return Path(os.path.relpath(path, root)).as_posix() if _is_below(path, root) else None


def _is_below(path: str, root: str) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(root))


def shown(path: str, variable: str | None = None) -> str:
    """Return a path as it is shown: relative to the root where it is below it, with forward slashes."""
    return whole_characters(below(path, variable) or Path(path).as_posix())


def whole_characters(text: str) -> str:
    """Replace the bytes of a file name that were no text, and any other half of a character."""
    return _HALVES.sub("\ufffd", text)


def printable_lines(text: str) -> str:
    """Replace what could change the lines of a log or a page, but newlines."""
    return printable(text.replace("\r\n", "\n"), keep="\n")


def last_line(span: Span) -> int:
    """Return the last line that a span has a character of: the end is exclusive."""
    start, end = span
    return end.line - 1 if end.column == 1 and end.line > start.line else end.line


def as_ascii(value: Any, indent: int | None = None) -> str:
    """Return JSON in ASCII alone, which every encoding of a pipe or a file leaves as it is."""
    text = whole_characters(json.dumps(value, indent=indent, ensure_ascii=False))
    return _NOT_ASCII.sub(lambda found: json.dumps(found.group())[1:-1], text)


class Fingerprints:
    """Makes what a finding is known by from one run to the next: file, code, layer and occurrence, not the line."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def of(self, path: str, diagnostic: Finding) -> str:
        """Return the fingerprint of the next finding; unique among those of one object."""
        kind = (whole_characters(path), diagnostic.code, whole_characters(diagnostic.layer or ""))
        self._seen[kind] += 1
        return hashlib.sha256("\0".join((*kind, str(self._seen[kind]))).encode()).hexdigest()
