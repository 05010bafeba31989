"""Fixes: proved on a copy before they are offered, and applied until nothing changes.

A fix is kept only where the text that it makes has the same findings but this one, notes aside. Two fixes that
touch the same place never go together.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from shapecheck.findings import edits
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Applicability, Edit, Finding

# Rounds of fixing; fixes that are tried one by one in a file, and how many lines are checked again for them in all.
ROUNDS = 20
MOST = 200
MOST_LINES = 20_000

Check = Callable[[str], Report]


class Fixed(NamedTuple):
    """The text after fixing, what is still found in it, and how many fixes went in."""

    text: str
    report: Report
    applied: int


def _kinds(diagnostics: Iterable[Finding]) -> Counter[tuple[str, str | None]]:
    return Counter((d.code, d.layer) for d in diagnostics)


def _grave(report: Report) -> list[Finding]:
    """Return what is no mere note: a network that is mended may be worth a note that it was not before."""
    return [d for d in report.diagnostics if d.severity is not Severity.INFO]


def proved(report: Report, check: Check) -> Report:
    """Return the report without the fixes that would not remove their finding, or would bring another."""
    fixable = [d for d in report.diagnostics if d.fix is not None]
    # One check for all of them, where they do not touch each other and each does what it says.
    if not fixable or (len(fixable) > 1 and _proves(report, fixable, check)):
        return report
    tries = min(MOST, MOST_LINES // max(1, report.text.count("\n")))
    kept = []
    for diagnostic in report.diagnostics:
        if diagnostic.fix is not None:
            tries -= 1
            if tries < 0 or not _proves(report, [diagnostic], check):
                diagnostic = diagnostic._replace(fix=None)
        kept.append(diagnostic)
    report.diagnostics = tuple(kept)
    return report


def _proves(report: Report, fixed: list[Finding], check: Check) -> bool:
    """Say whether the fixes of some findings, made together, remove so many findings and bring none."""
    text = _apply(report.text, [edit for d in fixed if d.fix is not None for edit in d.fix.edits])
    if text is None:
        return False
    after = check(text)
    gone = _kinds(report.diagnostics) - _kinds(after.diagnostics)
    return _kinds(fixed) <= gone and not (_kinds(_grave(after)) - _kinds(report.diagnostics))


def fix(report: Report, check: Check, unsafe: bool) -> Fixed:
    """Apply every safe fix of a report, and the unsafe ones where asked, until nothing changes."""
    count = 0
    for _ in range(ROUNDS):
        report = proved(report, check)
        wanted = [d.fix for d in report.diagnostics if d.fix and (unsafe or d.fix.applicability is Applicability.SAFE)]
        chosen = list(dict.fromkeys(edit for one in wanted for edit in one.edits))
        applied = len(wanted)
        if _apply(report.text, chosen) is None:
            chosen, applied = [], 0
            for one in wanted:
                together = list(dict.fromkeys([*chosen, *one.edits]))
                if _apply(report.text, together) is not None:
                    chosen = together
                    applied += 1
        text = _apply(report.text, chosen)
        if not applied or text is None or text == report.text:
            break
        after = check(text)
        if (len(_grave(after)), len(after.diagnostics)) >= (len(_grave(report)), len(report.diagnostics)):
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
