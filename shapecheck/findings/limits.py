"""How much a file may ask for. Files are untrusted: every amount is bounded, and each bound can be raised."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The bounds on one file, set under ``[tool.shapecheck.limits]``."""

    file_bytes: int = 64_000_000
    nesting: int = 64
    nodes: int = 10_000_000
    repeat: int = 100_000
    layers: int = 250_000
    block_depth: int = 100
    expression_length: int = 1_000


DEFAULT_LIMITS = Limits()
