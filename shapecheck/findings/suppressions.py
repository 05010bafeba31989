"""Comments that keep findings quiet: ``# shapecheck: ignore[SC401] reason`` and ``# shapecheck: file-ignore[SC4]``.

An ``ignore`` works on its own line and the line below; a ``file-ignore`` on the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from shapecheck.findings.catalogue import RULES, Rule
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Position, Span
from shapecheck.findings.selection import Selection, UnknownRule, check_word, covers

COMMENT = re.compile(
    r"(?:^|(?<=\s))#\s*shapecheck:\s*(?P<kind>file-ignore|ignore)\b(?P<codes>\s*\[(?P<list>[^\]]*)\])?(?P<rest>[^#\n]*)"
)
# Findings about suppressions cannot be suppressed: a comment would then be its own excuse.
OWN_RULES = ("unused-suppression", "wrong-suppression")


class Suppression(NamedTuple):
    """One word of one comment."""

    word: str
    line: int
    whole_file: bool
    span: Span
    comment: Span


def read(text: str) -> tuple[list[Suppression], list[Finding]]:
    """Return the suppressions of a file, and what is wrong with them."""
    found: list[Suppression] = []
    findings: list[Finding] = []
    if "shapecheck:" not in text:
        return found, findings
    for number, line in enumerate(text.split("\n"), 1):
        if "shapecheck:" not in line:
            continue
        for match in COMMENT.finditer(line):
            comment = _span(number, match.start(), len(line.rstrip()))
            if match.group("codes") is None:
                findings.append(
                    Finding.of(
                        "wrong-suppression",
                        f"{match.group('kind')} names no rule",
                        comment,
                        help="write the rules in brackets: ignore[SC401]",
                    )
                )
                continue
            start = match.start("list")
            for word in match.group("list").split(","):
                at = start + len(word) - len(word.lstrip())
                start += len(word) + 1
                span = _span(number, at, at + max(1, len(word.strip())))
                try:
                    check_word(word.strip())
                except UnknownRule as error:
                    findings.append(
                        Finding.of("wrong-suppression", str(error), span, help="shapecheck rule lists the rules")
                    )
                    continue
                found.append(Suppression(word.strip(), number, match.group("kind") == "file-ignore", span, comment))
    return found, findings


def _span(line: int, start: int, end: int) -> Span:
    return Span(Position(line, start + 1), Position(line, end + 1))


def apply(diagnostics: list[Finding], suppressions: list[Suppression]) -> tuple[list[Finding], list[Suppression]]:
    """Return the diagnostics that no comment keeps quiet, and the suppressions that keep none."""
    used: set[Suppression] = set()
    kept = []
    for diagnostic in diagnostics:
        quiet = [s for s in suppressions if _covers(s, diagnostic)]
        used.update(quiet)
        if not quiet:
            kept.append(diagnostic)
    return kept, [s for s in suppressions if s not in used]


def unused(
    idle: list[Suppression], every: list[Suppression], selection: Selection, knows: Callable[[Rule], bool]
) -> list[Finding]:
    """Return a finding for each idle suppression that is needless: all the rules that it covers have had their say.

    ``knows`` says of a rule whether it did. Rules that are off, and that nobody asks for, do not count.
    """
    wanted = [rule for rule in RULES.values() if rule.default or selection.allows(rule)]
    findings = []
    for suppression in idle:
        covered = [rule for rule in wanted if covers((suppression.word,), rule)]
        if covered and all(map(knows, covered)):
            findings.append(_unused(suppression, every))
    return findings


def _covers(suppression: Suppression, diagnostic: Finding) -> bool:
    if diagnostic.rule.name in OWN_RULES or not covers((suppression.word,), diagnostic.rule):
        return False
    line = diagnostic.span.start.line
    return suppression.whole_file or line in (suppression.line, suppression.line + 1)


def _unused(suppression: Suppression, every: list[Suppression]) -> Finding:
    alone = sum(1 for s in every if s.comment == suppression.comment) == 1
    fix = Fix("remove the comment", Applicability.SAFE, (Edit(suppression.comment, ""),)) if alone else None
    return Finding.of(
        "unused-suppression",
        f"nothing here is kept quiet by {suppression.word}",
        suppression.span,
        help="remove it",
        fix=fix,
    )
