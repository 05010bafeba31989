"""Rules on the second witness: codes SC8xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding
from shapecheck.rules.base import reported


@reported("SC801")
def witness_disagrees(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """JAX/XLA gives this layer another shape than the arithmetic, or refuses it."""
    return finding
