"""A mistake in a block is written once and found in every copy of the block: it is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from shapecheck.findings.finding import Finding

# Copies whose names are given besides the first.
MOST_NAMES = 3


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in file order, those of copies of one layer as one; the first speaks for all.

    Copies stand at one place of the file. What a rule finds there in each is the same where the subject is, and of
    several in one layer the first belongs to the first, the second to the second.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    seen: Counter[tuple[object, ...]] = Counter()
    for finding in findings:
        about = (finding.rule.code, finding.span, finding.severity, finding.subject)
        # What is said of no layer is the same only where it is said in the same words.
        mine = (*about, finding.layer, finding.message if finding.layer is None else "")
        number = 0 if finding.layer is None else seen[mine]
        seen[mine] += 1
        groups.setdefault(mine if finding.layer is None else (*about, number), []).append(finding)
    told = [_one(group) for group in groups.values()]
    return tuple(sorted(told, key=lambda d: (d.span.start, d.code)))


def _one(group: list[Finding]) -> Finding:
    first = group[0]
    message = first.message
    others = [finding.layer for finding in group[1:] if finding.layer is not None]
    if others:
        here = "" if first.headed else f"at {first.layer}, "
        more = f" and {len(others) - MOST_NAMES} more" if len(others) > MOST_NAMES else ""
        message += f" ({here}and likewise at {', '.join(others[:MOST_NAMES])}{more})"
    # A layer in a block stands for all its copies: a fix is for all of them or for none.
    fix = first.fix if all(finding.fix == first.fix for finding in group) else None
    return first._replace(message=message, fix=fix, subject=(), headed=False)
