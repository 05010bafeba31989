"""The rules. Importing this package fills ``RULES``, in the order of their codes."""

from shapecheck.rules import (
    agreement,
    comments,
    counting,
    decoding,
    fitting,
    keys,
    placing,
    reading,
    references,
    sizes,
    transposed,
    unsure,
    usage,
    verification,
)
from shapecheck.rules.base import RULES, Rule, manual

_IN_ORDER = sorted(RULES.items(), key=lambda item: item[1].info.code)
RULES.clear()
RULES.update(_IN_ORDER)

__all__ = [
    "RULES",
    "Rule",
    "agreement",
    "comments",
    "counting",
    "decoding",
    "fitting",
    "keys",
    "manual",
    "placing",
    "reading",
    "references",
    "sizes",
    "transposed",
    "unsure",
    "usage",
    "verification",
]
