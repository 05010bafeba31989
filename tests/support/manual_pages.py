"""Manual pages taken apart: their examples, and what the linter says of them."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from shapecheck import pipeline
from shapecheck.findings import manual
from shapecheck.findings.catalogue import RULES
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits
from shapecheck.findings.selection import Selection
from shapecheck.language.source import decode

NAMES = list(RULES)


class Example(NamedTuple):
    kind: str  # yaml or bytes
    outcome: str  # fails or passes
    options: dict[str, str]
    text: str
    rule: str


def page(name: str) -> str:
    """Return a page without its heading."""
    return manual.page(RULES[name]).partition("\n\n")[2]


def examples(name: str) -> list[Example]:
    found = []
    for info, text in re.findall(r"^```(.*?)\n(.*?)^```$", page(name), flags=re.DOTALL | re.MULTILINE):
        kind, outcome, *options = info.split()
        found.append(Example(kind, outcome, dict(option.split("=") for option in options), text, name))
    return found


def example(name: str, outcome: str) -> Example:
    (found,) = [e for e in examples(name) if e.outcome == outcome]
    return found


def run(e: Example) -> Report:
    changed = {key.removeprefix("limits."): int(v) for key, v in e.options.items() if key.startswith("limits.")}
    limits: Limits = DEFAULT_LIMITS._replace(**changed)
    data = ast.literal_eval(e.text.strip()) if e.kind == "bytes" else e.text.encode()
    text = decode(data, limits)
    # A rule that is off by default is on in the examples of its own page.
    return pipeline.check(text, Settings("example", {}, limits, Selection(extend_select=(e.rule,))))
