"""What a rule is: a function whose docstring is its manual page.

Most mistakes are met where something is read or computed, in modules below this one; their rules are ``reported``:
the function takes the finding as it was made and may add to it what only the whole network can tell. A ``checked``
rule looks at a whole network by itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import NamedTuple, Optional

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding, RuleInfo, Severity

Enrich = Callable[[Finding, Optional[Shapes], Optional[Trouble]], Finding]
Check = Callable[[Shapes], Iterable[Finding]]


class Rule(NamedTuple):
    """A rule: its record, and the function that adds to a finding or finds by itself."""

    info: RuleInfo
    enrich: Enrich | None
    check: Check | None


RULES: dict[str, Rule] = {}


def _info(code: str, severity: Severity, function: Callable[..., object], default: bool = True) -> RuleInfo:
    return RuleInfo(code, function.__name__.replace("_", "-"), severity, function.__doc__ or "", default)


def reported(code: str, severity: Severity = Severity.ERROR) -> Callable[[Enrich], Enrich]:
    """Register a rule whose findings are made elsewhere under the function's name, with - for _."""

    def register(function: Enrich) -> Enrich:
        info = _info(code, severity, function)
        RULES[info.name] = Rule(info, function, None)
        return function

    return register


def checked(code: str, severity: Severity, default: bool = True) -> Callable[[Check], Check]:
    """Register a rule that looks at a propagated network by itself; off unless selected where ``default`` is False."""

    def register(function: Check) -> Check:
        info = _info(code, severity, function, default)
        RULES[info.name] = Rule(info, None, function)
        return function

    return register


def manual(info: RuleInfo) -> str:
    """Return a rule's manual page, free of the indentation of the source."""
    return f"# {info.code} {info.name} ({info.severity})\n\n{inspect.cleandoc(info.manual)}\n"
