"""The rules. Importing this package fills ``RULES``, in the order of their codes."""

from shapecheck.rules import (
    agreement,
    axes,
    comments,
    counting,
    decoding,
    dialects,
    edges,
    efficiency,
    fitting,
    keys,
    placement,
    placing,
    reading,
    references,
    sizes,
    skipping,
    slips,
    statistics,
    style,
    transposed,
    unsure,
    usage,
    verification,
    waste,
)
from shapecheck.rules.base import RULES, Rule, manual

_IN_ORDER = sorted(RULES.items(), key=lambda item: item[1].info.code)
RULES.clear()
RULES.update(_IN_ORDER)

__all__ = [
    "RULES",
    "Rule",
    "agreement",
    "axes",
    "comments",
    "counting",
    "decoding",
    "dialects",
    "edges",
    "efficiency",
    "fitting",
    "keys",
    "manual",
    "placement",
    "placing",
    "reading",
    "references",
    "sizes",
    "skipping",
    "slips",
    "statistics",
    "style",
    "transposed",
    "unsure",
    "usage",
    "verification",
    "waste",
]
