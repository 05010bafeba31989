"""What an editor offers to do about a finding: its fix, a comment that keeps it quiet, all safe fixes at once."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from shapecheck.findings import fixes, suppressions
from shapecheck.findings.catalogue import Phase
from shapecheck.findings.finding import Applicability, Finding
from shapecheck.server import convert
from shapecheck.server.checker import Analysis

FIX_ALL = "source.fixAll.shapecheck"
KINDS: list[types.CodeActionKind | str] = [types.CodeActionKind.QuickFix, FIX_ALL]
# Findings of one request whose fixes are proved, each by a check of its own.
MOST = 12


class Actions:
    """Makes code actions for one version of a file."""

    def __init__(self, analysis: Analysis, uri: str, versioned: bool) -> None:
        self.analysis = analysis
        self.uri = uri
        self.versioned = versioned

    def of(self, wanted: types.Range, only: list[types.CodeActionKind | str] | None) -> list[types.CodeAction]:
        """Return the actions for the findings in a range, of the kinds that are wanted."""
        found: list[types.CodeAction] = []
        if _asks_for(types.CodeActionKind.QuickFix.value, only):
            here = [d for d in self.analysis.report.diagnostics if self._touches(d, wanted)]
            for diagnostic in here[:MOST]:
                found += self._fix(diagnostic)
            for diagnostic in here[:MOST]:
                found += self._ignore(diagnostic)
        # Made only where it is asked for: it checks the text many times.
        if only is not None and _asks_for(FIX_ALL, only):
            found += self._fix_all()
        return found

    def _touches(self, diagnostic: Finding, wanted: types.Range) -> bool:
        span = self.analysis.text.span(diagnostic.span)
        return (span.start.line, span.start.character) <= (wanted.end.line, wanted.end.character) and (
            (wanted.start.line, wanted.start.character) <= (span.end.line, span.end.character)
        )

    def _fix(self, diagnostic: Finding) -> Iterator[types.CodeAction]:
        tried = self._tried(diagnostic)
        for fix in dict.fromkeys([*([tried.fix] if tried.fix else []), *tried.advice]):
            if fix.applicability is Applicability.DISPLAY:
                continue
            safe = fix.applicability is Applicability.SAFE
            yield types.CodeAction(
                title=fix.message if safe else f"{fix.message} (changes what the network computes)",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[self._shown(diagnostic)],
                is_preferred=safe,
                edit=self._edit(convert.edits(fix.edits, self.analysis.text)),
            )

    def _tried(self, diagnostic: Finding) -> Finding:
        """Return a finding with the changes that do what they say, as ``check`` tries them."""
        if fixes.settled(diagnostic):
            return diagnostic
        known = self.analysis.settled.get(diagnostic)
        if known is None:
            report = self.analysis.report
            place = report.diagnostics.index(diagnostic)
            copy = report.changed(report.diagnostics)
            known = fixes.proved(copy, self.analysis.again, only=diagnostic).diagnostics[place]
            self.analysis.settled[diagnostic] = known
        return known

    def _ignore(self, diagnostic: Finding) -> Iterator[types.CodeAction]:
        if diagnostic.rule.phase is Phase.READ:
            return
        edit = self._comment(diagnostic)
        if edit is None:
            return
        yield types.CodeAction(
            title=f"Ignore {diagnostic.code} ({diagnostic.rule.name}) on this line",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[self._shown(diagnostic)],
            is_preferred=False,
            edit=self._edit([edit]),
        )

    def _comment(self, diagnostic: Finding) -> types.TextEdit | None:
        """Return the edit that keeps a finding quiet, in the comment that is there or in a new one."""
        text = self.analysis.text
        start = text.at(diagnostic.span.start)
        number = text.position(start).line
        line = text.lines[number]
        end = text.starts[number] + len(line)
        old = next((m for m in suppressions.COMMENT.finditer(line) if m["kind"] == "ignore" and m["codes"]), None)
        if old is not None:
            at = text.starts[number] + old.end("list")
            written = f"{', ' if old['list'].strip() else ''}{diagnostic.code}"
        else:
            at = text.starts[number] + len(line.rstrip())
            written = f"  # shapecheck: ignore[{diagnostic.code}]" if line.strip() else ""
        source = text.source[:at] + written + text.source[at:]
        return types.TextEdit(text.range(at, at), written) if at <= end and self._quiet(diagnostic, source) else None

    def _quiet(self, diagnostic: Finding, source: str) -> bool:
        """Say whether a finding, and no other, is gone from a text; in a text of several lines # begins no comment."""
        known = self.analysis.tried.get((diagnostic, source))
        if known is None:
            # A comment at the end of a line moves nothing.
            before = [(d.rule, d.layer, d.span) for d in self.analysis.report.diagnostics]
            after = [(d.rule, d.layer, d.span) for d in self.analysis.again(source).diagnostics]
            gone = [found for found in before if found not in after]
            known = bool(gone) and all(rule is diagnostic.rule for rule, _, _ in gone)
            known = known and all(found in before for found in after)
            self.analysis.tried[diagnostic, source] = known
        return known

    def _fix_all(self) -> Iterator[types.CodeAction]:
        report = self.analysis.report
        if not any(d.fix is not None and d.fix.applicability is Applicability.SAFE for d in report.diagnostics):
            return
        fixed = fixes.fix(report.changed(report.diagnostics), self.analysis.again, unsafe=False)
        mark = "\ufeff" if self.analysis.text.source.startswith("\ufeff") else ""
        edits = convert.replacement(self.analysis.text, mark + fixed.text)
        if edits:
            title = "Apply every safe fix of shapecheck"
            yield types.CodeAction(title=title, kind=FIX_ALL, edit=self._edit(edits))

    def _shown(self, diagnostic: Finding) -> types.Diagnostic:
        return convert.diagnostic(diagnostic, self.analysis.text, self.uri)

    def _edit(self, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
        return workspace_edit(self.uri, self.analysis.version, edits, self.versioned)


def workspace_edit(uri: str, version: int | None, edits: list[types.TextEdit], versioned: bool) -> types.WorkspaceEdit:
    """Return edits of one file, bound to its version where the editor can tell versions apart."""
    if versioned:
        document = types.OptionalVersionedTextDocumentIdentifier(uri, version)
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, list(edits))])
    return types.WorkspaceEdit(changes={uri: edits})


def _asks_for(kind: str, only: list[types.CodeActionKind | str] | None) -> bool:
    """Say whether a kind of action, or one that it is a kind of, is asked for; nothing asked for is everything."""
    if only is None:
        return True
    asked = [one.value if isinstance(one, types.CodeActionKind) else one for one in only]
    return any(one == "" or kind == one or kind.startswith(f"{one}.") for one in asked)
