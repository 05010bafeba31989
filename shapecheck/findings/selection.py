"""Which rules run, and how grave their findings are: by code, by the beginning of a code, or by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shapecheck.findings.catalogue import RULES, Rule, Severity
from shapecheck.text import nearest

# A whole name is as specific as a word can be.
NAME = 100


class Selection(NamedTuple):
    """The choice of rules. ``select`` None means those that are on by default.

    Of two words that cover a rule the more specific decides; of two alike, ``ignore``. ``severity`` gives rules
    another severity.
    """

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = {}

    def allows(self, info: Rule) -> bool:
        """Say whether a rule's findings are wanted."""
        chosen = max(covers(self.extend_select, info), covers(self.select or (), info))
        if chosen == 0 and (self.select is not None or not info.default):
            return False
        ignored = covers(self.ignore, info)
        return ignored == 0 or chosen > ignored

    def severity_of(self, info: Rule, severity: Severity) -> Severity:
        """Return the severity of a finding of a rule, which says ``severity`` by itself."""
        best, result = 0, severity
        for word, other in self.severity.items():
            length = covers((word,), info)
            if length > best:
                best, result = length, other
        return result


DEFAULT = Selection()


def covers(words: Iterable[str], info: Rule) -> int:
    """Return how specifically words cover a rule: 0 where none does."""
    best = 0
    for word in words:
        if word == info.name:
            best = NAME
        elif info.code.startswith(word.upper()) or word.upper() == "ALL":
            best = max(best, len(word) if word.upper() != "ALL" else 1)
    return best


class UnknownRule(Exception):
    """A word covers no rule; the message suggests one."""


def check_word(word: str) -> str:
    """Return a word that selects rules. Raises UnknownRule where it covers none."""
    infos = list(RULES.values())
    if not word or not any(covers((word,), info) for info in infos):
        known = [text for info in infos for text in (info.code, info.name)]
        best = nearest(word, known)
        hint = f"did you mean {best}?" if best else "shapecheck rule lists the rules"
        raise UnknownRule(f"no rule is called {word or 'nothing'}; {hint}")
    return word
