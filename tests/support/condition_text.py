"""The words for a set of sizes read back: ``H >= 188 and H % 16 == 12 except 204`` is a rule that can be asked."""

from __future__ import annotations

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """What a condition says. A list that was cut short counts what it leaves out, as ``hidden``."""

    low: int
    high: int | None
    period: int
    remainders: frozenset[int] | None
    without: frozenset[int]
    extra: frozenset[int]
    hidden: int = 0

    def __contains__(self, n: object) -> bool:
        assert isinstance(n, int)
        if n in self.extra:
            return True
        if n < self.low or n in self.without or (self.high is not None and n > self.high):
            return False
        return self.remainders is None or n % self.period in self.remainders


NUMBERS = r"\d+(?:, \d+)*(?: and \d+ more)?"
REMAINDER = re.compile(r"(\w+) % (\d+) (==|!=|in|not in) (\d+|\{[^}]*\})(?: \((\d+) of (\d+)\))?")


def numbers(text: str) -> tuple[frozenset[int], int]:
    """Return the numbers of a list, and how many more it says there are."""
    listed, _, more = text.partition(" and ")
    return frozenset(map(int, listed.split(", "))), int(more.removesuffix(" more")) if more else 0


def remainders(match: re.Match[str]) -> tuple[int, frozenset[int]] | None:
    """Return the period and the remainders, or None where the text leaves some out."""
    period, relation, text = int(match[2]), match[3], match[4]
    found: set[int] = set()
    for part in text.strip("{}").split(", "):
        if part.startswith("…"):
            return None
        low, _, high = part.partition("..")
        first, last = int(low), int(high or low)
        found |= {r % period for r in range(first, (last if last >= first else last + period) + 1)}
    if relation in ("!=", "not in"):
        found = set(range(period)) - found
    if match[5]:
        assert int(match[6]) == period
        assert int(match[5]) == (len(found) if relation in ("==", "in") else period - len(found))
    return period, frozenset(found)


def read(text: str, name: str = "H") -> Rule | None:
    """Return what a condition says, or None where it leaves remainders out. What it cannot read is wrong."""
    nothing: frozenset[int] = frozenset()
    if text == f"no {name} works":
        return Rule(1, 0, 1, None, nothing, nothing)
    if found := re.fullmatch(rf"{name} == (\d+)", text):
        return Rule(int(found[1]), int(found[1]), 1, None, nothing, nothing)
    if found := re.fullmatch(rf"{name} in \{{({NUMBERS})\}}", text):
        members, hidden = numbers(found[1])
        return Rule(1, 0, 1, None, nothing, members, hidden)
    whole = re.fullmatch(rf"(.*?)(?: except ({NUMBERS}))?(?:, and ({NUMBERS}))?", text)
    assert whole is not None, text
    without, left_out = numbers(whole[2]) if whole[2] else (nothing, 0)
    extra, more = numbers(whole[3]) if whole[3] else (nothing, 0)
    low, high, period, allowed = 1, None, 1, None
    for part in whole[1].split(" and "):
        if found := re.fullmatch(rf"(\d+) <= {name} <= (\d+)", part):
            low, high = int(found[1]), int(found[2])
        elif found := re.fullmatch(rf"(?:every )?{name} >= (\d+)", part):
            low = int(found[1])
        else:
            match = REMAINDER.fullmatch(part)
            assert match is not None and match[1] == name, text
            if remainders(match) is None:
                return None
            period, allowed = remainders(match) or (1, None)
    return Rule(low, high, period, allowed, without, extra, left_out + more)
