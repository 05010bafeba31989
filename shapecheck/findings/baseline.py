"""Findings that were there before: a file of fingerprints, so that only new ones fail.

A fingerprint is path, code and layer name, not the line, so that moving a layer makes nothing new; each counts how
often it may occur.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from shapecheck.findings.checked import Report

VERSION = 1
Fingerprint = tuple[str, str, str]


class BaselineError(Exception):
    """The baseline cannot be used; the message says why."""


def _path(path: str, root: Path) -> str:
    absolute = Path(path).resolve()
    try:
        return PurePath(absolute.relative_to(root.resolve())).as_posix()
    except ValueError:
        return PurePath(path).as_posix()


def write(path: Path, reports: Sequence[Report]) -> int:
    """Write the findings of ``reports`` as a baseline and return how many there are. Raises BaselineError."""
    counts = Counter(_fingerprints(path, reports))
    findings = [{"path": p, "code": c, "layer": name or None, "count": n} for (p, c, name), n in sorted(counts.items())]
    try:
        path.write_text(
            json.dumps({"version": VERSION, "findings": findings}, indent=2, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror}") from None
    return sum(counts.values())


def _fingerprints(path: Path, reports: Sequence[Report]) -> list[Fingerprint]:
    return [(_path(report.path, path.parent), d.code, d.layer or "") for report in reports for d in report.diagnostics]


def read(path: Path) -> Counter[Fingerprint]:
    """Return the fingerprints of a baseline with their counts. Raises BaselineError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise BaselineError(f"{path}: version {data['version']} is not known; this release reads {VERSION}")
        return Counter({(f["path"], f["code"], f["layer"] or ""): int(f["count"]) for f in data["findings"]})
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BaselineError(f"{path} is no baseline; write one with --write-baseline") from None


def apply(path: Path, known: Counter[Fingerprint], reports: Sequence[Report]) -> int:
    """Take the known findings out of ``reports`` and return how many those were."""
    left = Counter(known)
    hidden = 0
    for report in reports:
        kept = []
        for diagnostic in report.diagnostics:
            fingerprint = (_path(report.path, path.parent), diagnostic.code, diagnostic.layer or "")
            if left[fingerprint] > 0:
                left[fingerprint] -= 1
                hidden += 1
            else:
                kept.append(diagnostic)
        report.diagnostics = tuple(kept)
    return hidden
