"""Changes of a text, tried on copies of it: which of them do what they say, and are told or offered.

A change is kept where its finding is gone from the text that it makes, and no other came, notes aside. What a rule
says that could not run before, because of the error that is mended, was there all along: it does not count against a
change where it is about other lines, but one after which nothing is said goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from shapecheck.findings import edits
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Advice, Applicability, Edit, Finding, Fix, Position, Span

# Changes that are tried in a file, those for one finding, and how many lines are checked again for them in all.
MOST = 200
MOST_FOR_ONE = 12
MOST_LINES = 12_000
# How many kinds of changes are told of.
TOLD = 2
# How often what comes to light behind a change is mended the same way, for one change at several places.
MOST_ROUNDS = 6
# What a value holds that a change is not to take away: an anchor, an alias, a comment, a line, an expression.
_FORM = frozenset("&*#\n=")

Check = Callable[[str], Report]


def kinds(diagnostics: Iterable[Finding]) -> Counter[tuple[str, str | None]]:
    """Count findings by their rule and their layer."""
    return Counter((d.code, d.layer) for d in diagnostics)


def grave(report: Report) -> list[Finding]:
    """Return what is no mere note: a network that is mended may be worth a note that it was not before."""
    return [d for d in report.diagnostics if d.severity is not Severity.INFO]


def applied(text: str, chosen: Iterable[Edit]) -> str | None:
    """Return a text with some edits made, None where they do not fit it or each other."""
    try:
        return edits.apply(text, chosen)
    except (ValueError, IndexError):
        return None


class _Outcome(NamedTuple):
    """What a change does: ``clean`` says that nothing at all is found anew."""

    advice: Advice
    clean: bool


class Attempts:
    """Tries changes of the text of one report, each text once, until ``lines`` lines were checked."""

    def __init__(self, report: Report, check: Check, lines: int = MOST_LINES) -> None:
        self.report = report
        self._check = check
        self._left = min(MOST, lines // max(1, report.text.count("\n")))
        self._known: dict[str, Report] = {report.text: report}
        self._line_end = "\r\n" if "\r\n" in report.text else "\n"

    def _after(self, text: str) -> Report | None:
        """Return what is found in a text; None where that would take too long."""
        if text not in self._known:
            self._left -= 1
            if self._left < 0:
                return None
            self._known[text] = self._check(text)
        return self._known[text]

    @property
    def spent(self) -> bool:
        """Whether no more is tried."""
        return self._left <= 0

    def together(self, fixes: list[tuple[Finding, Fix]]) -> bool:
        """Say whether some fixes, made at once, remove so many findings and bring none."""
        text = applied(self.report.text, [edit for _, fix in fixes for edit in fix.edits])
        after = None if text is None else self._after(text)
        if after is None:
            return False
        return self._gone([finding for finding, _ in fixes], after) and not self._new(after)

    def _gone(self, findings: Iterable[Finding], after: Report) -> bool:
        return kinds(findings) <= kinds(self.report.diagnostics) - kinds(after.diagnostics)

    def _new(self, after: Report) -> list[Finding]:
        left = kinds(grave(after)) - kinds(self.report.diagnostics)
        return [d for d in grave(after) if (d.code, d.layer) in left]

    def best(self, finding: Finding, candidates: Iterable[Advice]) -> list[Advice]:
        """Return the changes that mend a finding, at most TOLD kinds of them, in the order in which they are given."""
        found: list[_Outcome] = []
        seen: set[tuple[Edit, ...]] = set()
        for candidate in candidates:
            of_kind = Counter(outcome.advice.kind for outcome in found if outcome.clean)
            if len(seen) >= MOST_FOR_ONE or self.spent or (len(of_kind) >= TOLD and candidate.kind not in of_kind):
                break
            candidate = self.with_line_ends(candidate)
            changes = tuple(sorted(candidate.edits))
            if changes in seen or of_kind[candidate.kind] >= candidate.most:
                continue
            seen.add(changes)
            outcome = self._outcome(finding, candidate)
            if outcome is not None:
                found.append(outcome)
        clean = [outcome for outcome in found if outcome.clean]
        return list(_few([outcome.advice for outcome in clean or found]))

    def with_line_ends(self, advice: Advice) -> Advice:
        """Return a change whose new lines end as those of the file do."""
        changed = tuple(Edit(e.span, e.text.replace("\n", self._line_end)) for e in advice.edits)
        return advice._replace(edits=changed)

    def _outcome(self, finding: Finding, candidate: Advice) -> _Outcome | None:
        """Return what a change does, made also where the same mistake comes to light once it is mended here."""
        for _ in range(MOST_ROUNDS):
            text = applied(self.report.text, candidate.edits) if self._keeps_form(candidate) else None
            after = None if text is None else self._after(text)
            if after is None or not self._gone([finding], after):
                return None
            new = self._new(after)
            brought = [d for d in new if d.rule.name not in self.report.not_run]
            if not brought:
                silenced = {d.span.start.line for d in new}
                return _Outcome(candidate, not new) if silenced.isdisjoint(_touched(candidate)) else None
            more = _again(brought, after, candidate)
            if more is None:
                return None
            candidate = more
        return None

    def _keeps_form(self, candidate: Advice) -> bool:
        """Say whether the values that are replaced hold nothing that is to stay."""
        if candidate.told:
            return True  # made where the value was read
        lines = self.report.text.split("\n")
        return all(_FORM.isdisjoint(_old(lines, edit)) for edit in candidate.edits if edit.text)


def _old(lines: list[str], edit: Edit) -> str:
    start, end = edit.span
    if start.line != end.line:
        return "\n"
    return lines[start.line - 1][start.column - 1 : end.column - 1] if start.line <= len(lines) else ""


def _touched(candidate: Advice) -> set[int]:
    """Return the lines, in the text that a change makes, in which it changes something."""
    touched: set[int] = set()
    moved = 0
    for edit in sorted(candidate.edits, key=lambda e: e.span.start):
        added = edit.text.count("\n")
        touched.update(range(edit.span.start.line + moved, edit.span.start.line + moved + added + 1))
        moved += added
    return touched


def _again(brought: list[Finding], after: Report, candidate: Advice) -> Advice | None:
    """Return a change with the same one made for what it brought to light; None where that was something else."""
    more: list[Advice] = []
    for finding in brought:
        advise = after.advise
        same = None if advise is None else next((a for a in advise(finding) if a.kind == candidate.kind), None)
        if same is None or not same.edits or finding.rule.phase is not brought[0].rule.phase:
            return None
        moved = [_back(edit, candidate.edits) for edit in same.edits]
        if None in moved:
            return None
        more.append(same._replace(edits=tuple(edit for edit in moved if edit is not None)))
    return candidate.joined(more)


def _back(edit: Edit, before: tuple[Edit, ...]) -> Edit | None:
    """Return an edit of a changed text as one of the text before; None where it touches a changed line."""
    moved = 0
    for other in sorted(before, key=lambda e: e.span.start):
        added = other.text.count("\n")
        first = other.span.start.line + moved
        if first <= edit.span.start.line <= first + added:
            return None
        if edit.span.start.line > first:
            moved += added
    start, end = edit.span
    return Edit(Span(Position(start.line - moved, start.column), Position(end.line - moved, end.column)), edit.text)


def _few(kept: list[Advice]) -> Iterator[Advice]:
    """Yield the first of each of the first kinds."""
    chosen: Counter[str] = Counter()
    for advice in kept:
        if advice.kind in chosen or len(chosen) < TOLD:
            chosen[advice.kind] += 1
            if chosen[advice.kind] <= advice.most:
                yield advice


def told(kept: list[Advice]) -> str:
    """Return in words what mends a finding: ``write H: 248 or H: 252; or crop a like b``."""
    parts: list[str] = []
    for kind in dict.fromkeys(advice.kind for advice in kept):
        same = [advice for advice in kept if advice.kind == kind]
        # Where they differ in one word, the rest is said once.
        alike = len({advice.where for advice in same}) == 1
        whats = dict.fromkeys(advice.what if alike else f"{advice.what}{advice.where}" for advice in same)
        first = common_words(list(whats))
        named = [what.removeprefix(first) if number else what for number, what in enumerate(whats)]
        parts.append(f"{same[0].verb} {' or '.join(named)}{same[0].where if alike else ''}".strip())
    return "; or ".join(parts)


def common_words(texts: list[str]) -> str:
    """Return the key with which all texts begin: ``H: `` of ``H: 248`` and ``H: 252``."""
    keys = {text[: text.find(": ") + 2] if text.count(": ") == 1 else "" for text in texts}
    return keys.pop() if len(keys) == 1 and len(texts) > 1 else ""


def surest(kept: list[Advice]) -> Fix | None:
    """Return the change that is offered: a safe one where there is one."""
    order = (Applicability.SAFE, Applicability.UNSAFE)
    found = [advice for which in order for advice in kept if advice.applicability is which]
    return found[0].fix._replace(tried=True) if found else None
