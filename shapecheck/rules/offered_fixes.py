"""Changes of a network that would mend a finding; each is proved on a copy before it is offered."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.transposed.symmetry import geometry_differences, infer
from shapecheck.findings.edits import add_key, replace_entry
from shapecheck.findings.finding import Applicability, Fix
from shapecheck.graph.network import Node
from shapecheck.layers.role import Role


def follow_the_encoder(shapes: Shapes, node: Node) -> Fix | None:
    """Offer transpose_of, where the layer stands in the file alone and mirrors a convolution of its own geometry."""
    mapping = node.source.mapping
    alone = sum(1 for other in shapes.network.layers if other.source.span == node.source.span) == 1
    partner = infer(shapes, set(), set()).get(node.index)
    if mapping is None or not alone or partner is None:
        return None
    encoder = shapes.network.nodes[partner]
    undone = encoder.layer is not None and Role.SLIDES | Role.LEARNED_MAP in encoder.layer.role
    if not undone or geometry_differences(shapes, node, encoder):
        return None
    edit = replace_entry(mapping, "output_padding", "transpose_of", encoder.name) or add_key(
        mapping, "stride", "transpose_of", encoder.name
    )
    return None if edit is None else Fix(f"write transpose_of: {encoder.name}", Applicability.SAFE, (edit,))
