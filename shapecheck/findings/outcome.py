"""What a check found in one file: all that the outputs need, and nothing of the network that it was found in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding

if TYPE_CHECKING:
    from shapecheck.verify import Verification


class Outcome:
    """What was found in one file, and its text. ``layers`` counts the expanded layers, 0 where there is no network."""

    def __init__(self, path: str, text: str, diagnostics: tuple[Finding, ...], layers: int) -> None:
        self.path = path
        self.text = text
        self.diagnostics = diagnostics
        self.layers = layers
        self.verification: Verification | None = None
        # The path as it was given, - for standard input, and how to check another text in its place.
        self.source = path
        self.again: Callable[[str], Outcome] | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing was found that is an error or a warning."""
        return all(d.severity is Severity.INFO for d in self.diagnostics)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What was found that is an error."""
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)
