"""Where to point at for a layer: at itself, or at the placing of its block where the layer inside serves many."""

from __future__ import annotations

from collections.abc import Mapping

from yaml.nodes import MappingNode, ScalarNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.findings.finding import Related, Span
from shapecheck.graph.network import Node
from shapecheck.language.document import span_of


def related(shapes: Shapes, node: Node, message: str, seen_from: int | None = None) -> Related:
    """Return what is to be seen of a layer, at the line that says which of the copies of a block it is in.

    ``seen_from`` is the node with the mistake: of the blocks that both are in nothing need be said.
    """
    return Related(message, _where(shapes, node, seen_from))


def _where(shapes: Shapes, node: Node, seen_from: int | None) -> Span:
    """Return the place of the outermost of a layer's blocks that is placed more than once, or of the layer itself."""
    spans = _spans(shapes)
    shared = () if seen_from is None else _blocks(shapes.network.nodes[seen_from])
    own = [name for name in _blocks(node) if name in spans and name not in shared]
    return spans[own[0]] if own else node.source.span


def _blocks(node: Node) -> list[str]:
    """Return the full names of the placings that a layer is in, the outermost first."""
    return [node.name[:at] for at, letter in enumerate(node.name) if letter == "."]


def _spans(shapes: Shapes) -> Mapping[str, Span]:
    """Return the place of each placing, by its full name, of the blocks that the file places more than once."""
    kept = shapes.kept.get("places of blocks")
    if isinstance(kept, dict):
        return kept
    lines: dict[str, set[int]] = {}
    found: dict[str, tuple[str, Span]] = {}
    for placing in shapes.network.placings:
        block = _value(placing.mapping, "block")
        if placing.mapping is not None and block is not None:
            lines.setdefault(block.value, set()).add(placing.mapping.start_mark.index)
            found[placing.path] = (block.value, span_of(_value(placing.mapping, "name") or block))
    several = {path: span for path, (block, span) in found.items() if len(lines[block]) > 1}
    shapes.kept["places of blocks"] = several
    return several


def _value(mapping: MappingNode | None, key: str) -> ScalarNode | None:
    for name, value in [] if mapping is None else mapping.value:
        if name.value == key and isinstance(value, ScalarNode):
            return value
    return None
