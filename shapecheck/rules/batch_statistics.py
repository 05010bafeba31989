"""Lints on normalisation: a bias that it takes away, a dropout before it, a mean of one value."""

from __future__ import annotations

from collections.abc import Iterable

from yaml.nodes import MappingNode, ScalarNode

from shapecheck.analysis.layer_index import LayerIndex, layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, channel_axis, show
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Position, Related, Span
from shapecheck.graph.network import Node
from shapecheck.language.document import span_of
from shapecheck.layers.role import Role

# Behind these a dropout still shows in the variance.
_PASSES = Role.ACTIVATION | Role.LEARNED_MAP | Role.TRANSPARENT | Role.SLIDES


def bias_before_normalisation(shapes: Shapes) -> Iterable[Finding]:
    """A bias that the batch norm behind it subtracts again: it is stored and updated, and has no effect."""
    found = layer_index(shapes)
    hits = []
    for norm in found.playing(Role.CENTRES_CHANNELS):
        above = shapes.network.nodes[norm.inputs[0]]
        shape = shapes.outputs[above.index]
        if shape is not None and found.only_reader(above) is norm and _adds_to_channels(shapes, above, shape):
            hits.append((above, norm, shape))
    if not hits:
        return
    indices = {node.index for node, _, _ in hits}
    kept = {id(node.source.mapping) for node in shapes.network.layers if node.index not in indices}
    for node, norm, shape in hits:
        channels = shape[channel_axis(len(shape), shapes.network.channels_last)]
        yield Finding.at(
            "bias-before-normalisation",
            node.name,
            f"the {norm.op} behind it takes the mean of each channel away, and with it the bias of"
            f" {channels} numbers of this layer",
            node.source.place("bias"),
            # A layer in a block stands for all its copies; some may have another layer behind them.
            "some of its copies need theirs" if id(node.source.mapping) in kept else "write bias: false",
            fix=None if id(node.source.mapping) in kept else _without_bias(node),
        )


def _adds_to_channels(shapes: Shapes, node: Node, shape: Shape) -> bool:
    """Say whether a learned map adds a bias to each channel, not to each position of another axis."""
    layer = node.layer
    if layer is None or not getattr(layer, "bias", False) or Role.LEARNED_MAP not in layer.role:
        return False
    context = shapes.context(node)
    return context is not None and layer.added_axis(context, shape) == context.channel_axis(shape)


def _without_bias(node: Node) -> Fix | None:
    """Return the edit that writes bias: false, where the layer stands on one line in braces, or has the key."""
    mapping = node.source.mapping
    if mapping is None:
        return None
    for key, value in mapping.value:
        if key.value == "bias":
            plain = isinstance(value, ScalarNode) and value.value == "true"
            return Fix("write bias: false", Applicability.UNSAFE, (Edit(span_of(value), "false"),)) if plain else None
    at = _before_brace(mapping)
    return None if at is None else Fix("add bias: false", Applicability.UNSAFE, (Edit(Span(at, at), ", bias: false"),))


def _before_brace(mapping: MappingNode) -> Position | None:
    if not mapping.flow_style or not mapping.value or mapping.start_mark.line != mapping.end_mark.line:
        return None
    return Position(mapping.end_mark.line + 1, mapping.end_mark.column)


def dropout_before_batch_norm(shapes: Shapes) -> Iterable[Finding]:
    """A batch norm stands behind a dropout, and takes over statistics that hold in training only."""
    found = layer_index(shapes)
    if not found.playing(Role.KEEPS_STATISTICS):
        return
    for node in found.playing(Role.RANDOM):
        context = shapes.context(node)
        if context is None or node.layer is None or node.layer.does_nothing(context):
            continue
        norm = _norm_behind(found, node)
        if norm is not None:
            yield Finding.at(
                "dropout-before-batch-norm",
                node.name,
                f"{norm.name} stands behind this dropout, and stores a variance that only training has",
                node.source.span,
                "put the dropout behind the last batch norm",
                (Related(f"{norm.name} takes the statistics", norm.source.span),),
            )


def _norm_behind(found: LayerIndex, node: Node) -> Node | None:
    """Return the batch norm that reads a dropout by way of at most one learned layer."""
    learned = 0
    while True:
        readers = found.readers[node.index]
        if len(readers) != 1 or len(readers[0].inputs) != 1:
            return None
        node = readers[0]
        role = Role.NONE if node.layer is None else node.layer.role
        if Role.KEEPS_STATISTICS in role:
            return node
        learned += Role.LEARNED_MAP in role
        if not role & _PASSES or Role.RANDOM in role or learned > 1:
            return None


def norm_of_one_value(shapes: Shapes) -> Iterable[Finding]:
    """A normalisation takes mean and variance of a single value: the result is 0, or the framework refuses."""
    for node in layer_index(shapes).playing(Role.NORMALISATION):
        shape = shapes.outputs[node.index]
        if shape is None or (len(shape) > 2 and 1 not in shape):
            continue  # most maps are larger, and that is seen at once
        context = shapes.context(node)
        if context is None or node.layer is None:
            continue
        statistics = node.layer.statistics(context)
        if statistics is None or not all(type(size) is int and size == 1 for size in statistics.counted):
            continue
        yield Finding.at(
            "norm-of-one-value",
            node.name,
            f"{node.op} of {show(shape)} takes each mean over one value ({statistics.over}): what comes out is 0",
            node.source.span,
            "give the batch the size that it has in training, or normalise before the pooling"
            if Role.KEEPS_STATISTICS in node.layer.role
            else "leave it out, or normalise before the map is pooled to 1",
        )
