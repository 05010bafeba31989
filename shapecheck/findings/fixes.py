"""Fixes: proved on a copy before they are offered, and applied until nothing changes.

Two fixes that touch the same place never go together.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shapecheck.findings.attempts import MOST_LINES, Attempts, Check, applied, grave, kinds, surest, told
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Advice, Applicability, Finding

# Rounds of fixing.
ROUNDS = 20


class Fixed(NamedTuple):
    """The text after fixing, what is still found in it, and how many fixes went in."""

    text: str
    report: Report
    applied: int


def proved(
    report: Report, check: Check, lines: int = MOST_LINES, lazy: bool = False, only: Finding | None = None
) -> Report:
    """Return the report with those changes only that were tried, and what they mend told by the best of them.

    ``lines`` are checked at most for it. What is left over is not offered; with ``lazy`` it stays to be tried later.
    ``only`` is the finding that it is about, where it is about one alone.
    """
    tried = Attempts(report, check, lines)
    if lazy and tried.spent:
        return report
    kept = list(report.diagnostics)
    fixed = {place: d for place, d in enumerate(kept) if not settled(d) and (only is None or d == only)}
    light = {
        place: next(_candidates(report, d), None) for place, d in fixed.items() if d.severity is not Severity.ERROR
    }
    first = {place: tried.with_line_ends(advice) for place, advice in light.items() if advice is not None}
    # One check for all that is no error, where the changes do not touch each other and each does what it says.
    alike = len(first) > 1 and tried.together([(kept[place], advice.fix) for place, advice in first.items()])
    for place, finding in sorted(fixed.items(), key=lambda item: item[1].severity is not Severity.ERROR):
        if alike and place in first:
            kept[place] = _told(finding, [first[place]])
        elif not (lazy and tried.spent):
            kept[place] = _told(finding, tried.best(finding, _candidates(report, finding)))
    report.diagnostics = tuple(kept)
    return report


def settled(finding: Finding) -> bool:
    """Say whether what mends a finding was tried already."""
    return bool(finding.advice) or (finding.fix is not None and finding.fix.tried)


def _candidates(report: Report, finding: Finding) -> Iterator[Advice]:
    """Yield what may mend a finding, the smallest change first."""
    if report.advise is not None:
        yield from report.advise(finding)
    if finding.fix is not None:
        fix = finding.fix
        yield Advice("fix", "", fix.message, "", fix.applicability, fix.edits, told=True)


def _told(finding: Finding, best: list[Advice]) -> Finding:
    """Return a finding with the changes that mend it: in words, where its own do not say it already, and as its fix."""
    named = [advice for advice in best if not advice.told]
    help = told(named) if named else finding.help
    return finding._replace(
        help=help, fix=surest(best), advice=tuple(advice.fix._replace(tried=True) for advice in named)
    )


def fix(report: Report, check: Check, unsafe: bool) -> Fixed:
    """Apply every safe fix of a report, and the unsafe ones where asked, until nothing changes."""
    count = 0
    for _ in range(ROUNDS):
        report = proved(report, check)
        wanted = [d.fix for d in report.diagnostics if d.fix and (unsafe or d.fix.applicability is Applicability.SAFE)]
        chosen = list(dict.fromkeys(edit for one in wanted for edit in one.edits))
        count_now = len(wanted)
        if applied(report.text, chosen) is None:
            chosen, count_now = [], 0
            for one in wanted:
                together = list(dict.fromkeys([*chosen, *one.edits]))
                if applied(report.text, together) is not None:
                    chosen = together
                    count_now += 1
        text = applied(report.text, chosen)
        if not count_now or text is None or text == report.text:
            break
        after = check(text)
        if len(wanted) > 1 and kinds(after.errors) - kinds(report.diagnostics):
            # Two that do not go together, such as two new layers of one name.
            text, count_now = applied(report.text, wanted[0].edits) or text, 1
            after = check(text)
        if _gravity(after) >= _gravity(report):
            break
        report = after
        count += count_now
    return Fixed(report.text, report, count)


def _gravity(report: Report) -> tuple[int, int, int]:
    """Count errors, then what is no mere note, then all: advice that an error had silenced is no step back."""
    errors = sum(d.severity is Severity.ERROR for d in report.diagnostics)
    return errors, len(grave(report)), len(report.diagnostics)


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
