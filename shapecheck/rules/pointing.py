"""Where in the file a finding of a design lint points."""

from __future__ import annotations

from shapecheck.findings.finding import Span
from shapecheck.graph.network import Node


def place(node: Node, *keys: str) -> Span:
    """Return where the first of some keys stands that the layer has, or the layer itself."""
    return next((node.source.keys[key] for key in keys if key in node.source.keys), node.source.span)
