"""Fixes: proved on a copy before they are offered, and applied until nothing changes.

A fix is kept only where the text that it makes has the same findings but this one. Two fixes that touch the same
place never go together.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from shapecheck import edits
from shapecheck.diagnostics import Diagnostic, Edit
from shapecheck.linter import Report

# Rounds of fixing, and fixes that are tried in one file.
ROUNDS = 20
MOST = 200

Check = Callable[[str], Report]


class Fixed(NamedTuple):
    """The text after fixing, what is still found in it, and how many fixes went in."""

    text: str
    report: Report
    applied: int


def _kinds(report: Report) -> Counter[tuple[str, str | None]]:
    return Counter((d.code, d.layer) for d in report.diagnostics)


def proved(report: Report, check: Check) -> Report:
    """Return the report without the fixes that would not remove their finding, or would bring another."""
    if not any(d.fix is not None for d in report.diagnostics):
        return report
    kept = []
    for number, diagnostic in enumerate(report.diagnostics):
        if diagnostic.fix is not None and (number >= MOST or not _proves(report, diagnostic, check)):
            diagnostic = diagnostic._replace(fix=None)
        kept.append(diagnostic)
    report.diagnostics = tuple(kept)
    return report


def _proves(report: Report, diagnostic: Diagnostic, check: Check) -> bool:
    assert diagnostic.fix is not None
    try:
        text = edits.apply(report.text, diagnostic.fix.edits)
    except (ValueError, IndexError):
        return False
    after, before = check(text), report
    return len(after.diagnostics) < len(before.diagnostics) and not (_kinds(after) - _kinds(before))


def fix(report: Report, check: Check, unsafe: bool) -> Fixed:
    """Apply every safe fix of a report, and the unsafe ones where asked, until nothing changes."""
    count = 0
    for _ in range(ROUNDS):
        report = proved(report, check)
        chosen: list[Edit] = []
        applied = 0
        for diagnostic in report.diagnostics:
            wanted = diagnostic.fix
            if wanted is None or not (wanted.applicability == "safe" or unsafe):
                continue
            together = [*chosen, *(e for e in wanted.edits if e not in chosen)]
            if _apply(report.text, together) is not None:
                chosen = together
                applied += 1
        text = _apply(report.text, chosen)
        if not applied or text is None or text == report.text:
            break
        after = check(text)
        if len(after.diagnostics) >= len(report.diagnostics):
            break
        report = after
        count += applied
    return Fixed(report.text, report, count)


def _apply(text: str, chosen: list[Edit]) -> str | None:
    try:
        return edits.apply(text, chosen)
    except (ValueError, IndexError):
        return None


def difference(path: str, before: str, after: str) -> str:
    """Return a unified diff of a file before and after fixing."""
    import difflib  # only needed for --diff

    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), path, path)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def write(path: str, text: str) -> None:
    """Replace a file whole or not at all, keeping its mode and a byte order mark. Raises OSError."""
    import tempfile  # only needed for --fix

    target = Path(path).resolve()
    data = text.encode("utf-8")
    if target.read_bytes()[:3] == b"\xef\xbb\xbf":
        data = b"\xef\xbb\xbf" + data
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, target.stat().st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
