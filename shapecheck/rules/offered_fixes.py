"""Changes of a network that would mend a finding; each is proved on a copy before it is offered."""

from __future__ import annotations

from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.transposed.symmetry import geometry_differences, infer
from shapecheck.arithmetic.shape import Shape, split
from shapecheck.findings.edits import add_key, replace_entry
from shapecheck.findings.finding import Applicability, Edit, Fix, Position, Span
from shapecheck.graph.network import Node
from shapecheck.language.document import span_of
from shapecheck.layers.role import Role


def crop_before_merge(shapes: Shapes, node: Node) -> Fix | None:
    """Offer to crop the larger of two inputs of a merge to the other, where the layer stands in the file alone."""
    operands = [shapes.outputs[index] for index in node.inputs]
    mapping = node.source.mapping
    if len(operands) != 2 or mapping is None or node.source.block is not None:
        return None
    larger = _larger(operands[0], operands[1], shapes.network.channels_last)
    names = _names(mapping)
    if larger is None or names is None or len(names) != 2:
        return None
    big, small = names[larger], names[1 - larger]
    fresh = _fresh(shapes, f"{big.value}_crop".replace(".", "_"))
    column = mapping.start_mark.column
    at = Position(mapping.start_mark.line + 1, column + 1)
    layer = f"{{name: {fresh}, op: crop, from: {big.value}, like: {small.value}}}\n{' ' * (column - 2)}- "
    edits = (Edit(Span(at, at), layer), Edit(span_of(big), fresh))
    return (
        Fix(f"crop {big.value} like {small.value} before the merge", Applicability.UNSAFE, edits)
        if column >= 2
        else None
    )


def _larger(one: Shape | None, other: Shape | None, channels_last: bool) -> int | None:
    """Return which of two maps is at least as large on every spatial axis."""
    if one is None or other is None or len(one) != len(other) or len(one) < 3:
        return None
    pairs = list(zip(split(one, channels_last).spatial, split(other, channels_last).spatial, strict=True))
    if not all(isinstance(a, int) and isinstance(b, int) for a, b in pairs):
        return None
    for which, sign in ((0, 1), (1, -1)):
        if all((a - b) * sign >= 0 for a, b in pairs if isinstance(a, int) and isinstance(b, int)):
            return which
    return None


def _names(mapping: MappingNode) -> list[ScalarNode] | None:
    """Return the scalars of a layer's ``from`` list."""
    for key, value in mapping.value:
        if key.value == "from" and isinstance(value, SequenceNode):
            items = [item for item in value.value if isinstance(item, ScalarNode) and not item.style]
            return items if len(items) == len(value.value) else None
    return None


def _fresh(shapes: Shapes, name: str) -> str:
    taken = {node.name for node in shapes.network.nodes}
    number = 1
    while name in taken:
        number += 1
        name = f"{name.rstrip('0123456789_')}_{number}"
    return name


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
