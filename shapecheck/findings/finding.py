"""Records that describe what was found in a file, and where.

They stand at the bottom of the package and know nothing of networks, so that every other module may
build or print them without a circle of imports.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from shapecheck.findings.catalogue import RULES, Rule, Severity


class Position(NamedTuple):
    """A place in a text; line and column count from 1."""

    line: int
    column: int


class Span(NamedTuple):
    """A stretch of text; the end is exclusive."""

    start: Position
    end: Position


class Related(NamedTuple):
    """Another place that the reader should look at, and what is to be seen there."""

    message: str
    span: Span


class Edit(NamedTuple):
    """Replace the text of ``span`` with ``text``."""

    span: Span
    text: str


class Applicability(StrEnum):
    """Whether a fix keeps what the network computes (``safe``), may change it, or is only there to be read."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY = "display"


class Fix(NamedTuple):
    """A change that would mend the finding; ``tried`` says that it was made on a copy, and did."""

    message: str
    applicability: Applicability
    edits: tuple[Edit, ...]
    tried: bool = False


class Advice(NamedTuple):
    """A change that may mend a finding, to be tried before a word of it is said.

    It is told as ``verb what where``; ``told`` says that the finding's own help says it already. Of one ``kind`` are
    changes of which any will do, such as two sizes of an input: they count as one, and ``most`` of them are named.
    """

    kind: str
    verb: str
    what: str
    where: str
    applicability: Applicability
    edits: tuple[Edit, ...]
    most: int = 1
    told: bool = False

    @property
    def fix(self) -> Fix:
        """The same as it is offered."""
        return Fix(f"{self.verb} {self.what}{self.where}".strip(), self.applicability, self.edits)

    def joined(self, others: Iterable[Advice]) -> Advice:
        """Return this change and others of its kind as one."""
        every = (self, *others)
        what = " and ".join(dict.fromkeys(f"{one.what}{one.where}" for one in every))
        return self._replace(what=what, where="", edits=tuple(edit for one in every for edit in one.edits))


class Finding(NamedTuple):
    """One thing that is wrong, or worth knowing, at one place of one file; public as ``shapecheck.Diagnostic``.

    ``subject`` is what it is about at its place, such as the axes: copies of a layer in a block of which the same is
    true have the same subject, whatever their sizes. ``headed`` says that the message begins with the layer's name.
    Both count until copies are told as one, and are gone then. ``causes`` are findings that explain this one: what a
    rule that gives advice has to say of a layer through which the wrong size came. ``advice`` are the changes that
    ``help`` names, each tried.
    """

    rule: Rule
    severity: Severity
    message: str
    span: Span
    layer: str | None = None
    help: str | None = None
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    subject: tuple[object, ...] = ()
    headed: bool = False
    causes: tuple[Finding, ...] = ()
    advice: tuple[Fix, ...] = ()

    @classmethod
    def of(
        cls,
        rule: str,
        message: str,
        span: Span,
        layer: str | None = None,
        help: str | None = None,
        related: tuple[Related, ...] = (),
        fix: Fix | None = None,
        severity: Severity | None = None,
        subject: tuple[object, ...] = (),
    ) -> Finding:
        """Return a finding of the rule of that name; ``severity`` is given only where one rule has several."""
        info = RULES[rule]
        return cls(info, severity or info.severity, message, span, layer, help, related, fix, subject)

    @classmethod
    def at(
        cls,
        rule: str,
        layer: str,
        message: str,
        span: Span,
        help: str | None = None,
        related: tuple[Related, ...] = (),
        fix: Fix | None = None,
        severity: Severity | None = None,
        subject: tuple[object, ...] = (),
    ) -> Finding:
        """Return a finding whose message begins with the name of its layer."""
        info = RULES[rule]
        text = f"{layer}: {message}"
        return cls(info, severity or info.severity, text, span, layer, help, related, fix, subject, headed=True)

    @property
    def code(self) -> str:
        """The rule's code, such as ``SC204``."""
        return self.rule.code


class NetworkError(Exception):
    """A file cannot be used. ``diagnostics`` says why, at line and column."""

    def __init__(self, diagnostics: tuple[Finding, ...], path: str = "<string>") -> None:
        """Hold the ``diagnostics`` of the file ``path``; at least one is an error."""
        self.diagnostics = diagnostics
        self.path = path
        lines = (f"{path}:{d.span.start.line}:{d.span.start.column}: {d.code} {d.message}" for d in diagnostics)
        super().__init__("\n".join(lines))
