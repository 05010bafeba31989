"""What is asked of a text, and what a check found in it: all that the outputs need, and no code of networks.

A report that comes from the cache loads neither YAML nor rules nor layers; it has no network and no shapes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shapecheck.findings.catalogue import Phase, Severity
from shapecheck.findings.finding import Advice, Finding
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits
from shapecheck.findings.selection import DEFAULT, Selection

if TYPE_CHECKING:
    from shapecheck.analysis.propagation import Shapes
    from shapecheck.graph.network import Network
    from shapecheck.verification import Verification


class Settings(NamedTuple):
    """All that findings depend on besides the text and the program.

    ``path`` is the name that the text is shown with; ``values`` give params and dimensions other values by name, and
    may hold names that the text does not have.
    """

    path: str
    values: Mapping[str, Any] = {}
    limits: Limits = DEFAULT_LIMITS
    selection: Selection = DEFAULT


class Origin(NamedTuple):
    """What a network was loaded from, and what reading and assembling found: enough to check it as its text is checked.

    ``names`` are the params and dimensions; ``baseline`` lists findings that are not shown.
    """

    text: str
    settings: Settings
    findings: tuple[Finding, ...] = ()
    names: frozenset[str] | None = None
    baseline: Path | None = None


class Report:
    """What was found in one text.

    ``diagnostics`` are the findings in file order. ``network`` and ``shapes`` are None where there is no network, and
    where what was found before was looked up. ``layers`` counts the expanded layers, 0 where there is no network.

    ``reached`` is the last phase that was finished, ``unclean`` the first in which there was an error, whether or not
    a comment or the choice of rules keeps it quiet. ``not_run`` names the rules that were asked for and could not run.
    ``names`` are the params and dimensions of the file, None where there is no mapping to have any.
    """

    def __init__(
        self,
        settings: Settings,
        text: str,
        diagnostics: tuple[Finding, ...] = (),
        network: Network | None = None,
        shapes: Shapes | None = None,
    ) -> None:
        self.path = settings.path
        self.settings = settings
        self.text = text
        self.diagnostics = diagnostics
        self.network = network
        self.shapes = shapes
        self.layers = 0 if network is None else len(network.layers)
        self.reached: Phase | None = None
        self.unclean: Phase | None = None
        self.not_run: tuple[str, ...] = ()
        self.names: frozenset[str] | None = None
        self.verification: Verification | None = None
        # The path as it was given, - for standard input, and how to check another text in the place of this one.
        self.source = settings.path
        self.again: Callable[[str], Report] | None = None
        # What may mend a finding, the smallest change first; None where that is not known any more.
        self.advise: Callable[[Finding], Iterator[Advice]] | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing was found that is an error or a warning."""
        return all(d.severity is Severity.INFO for d in self.diagnostics)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What was found that is an error."""
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that were finished, in their order."""
        asked = self.verification is not None and self.verification.result != "not_checked"
        reached = Phase.VERIFIED if asked else self.reached
        return tuple(phase for phase in Phase if reached is not None and phase <= reached)

    def clean(self, phase: Phase) -> bool:
        """Say whether a phase was finished without an error in it or before it."""
        return phase in self.phases and (self.unclean is None or self.unclean > phase)

    def changed(
        self, diagnostics: tuple[Finding, ...], network: Network | None = None, shapes: Shapes | None = None
    ) -> Report:
        """Return a copy with other findings, and where they are given with another network and its shapes."""
        other = copy.copy(self)
        other.diagnostics = diagnostics
        if network is not None:
            other.network, other.shapes = network, shapes
        return other
