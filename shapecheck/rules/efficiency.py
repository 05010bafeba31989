"""Design lints on layers that undo or repeat each other: codes SC601 to SC603."""

from __future__ import annotations

from collections.abc import Iterable

from yaml.nodes import MappingNode, ScalarNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ACTIVATIONS, survey
from shapecheck.arithmetic.shape import channel_axis
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Edit, Finding, Fix, Position, Related, Span
from shapecheck.graph.network import Node
from shapecheck.language.document import span_of
from shapecheck.layers.conv import Conv, Convolving
from shapecheck.layers.linear import Linear
from shapecheck.rules.pointing import place

# Activations of which two in a row are one that people spell out: mish is x · tanh(softplus(x)).
SPELLED_OUT = {("softplus", "tanh")}


def bias_before_normalisation(shapes: Shapes) -> Iterable[Finding]:
    """A bias that the batch norm behind it subtracts again: it is stored and updated, and has no effect."""
    found = survey(shapes)
    hits = []
    for norm in found.of("batch_norm", "instance_norm"):
        above = shapes.network.nodes[norm.inputs[0]]
        layer = above.layer
        if isinstance(layer, (Convolving, Linear)) and layer.bias and found.only_reader(above) is norm:
            shape = shapes.outputs[above.index]
            # The bias of a linear layer belongs to the last axis, which is that of the channels or is not.
            last = shape is not None and channel_axis(len(shape), shapes.network.channels_last) == len(shape) - 1
            if shape is not None and (last or isinstance(layer, Convolving)):
                hits.append((above, norm, shape))
    if not hits:
        return
    indices = {node.index for node, _, _ in hits}
    kept = {id(node.source.mapping) for node in shapes.network.layers if node.index not in indices}
    for node, norm, shape in hits:
        channels = shape[channel_axis(len(shape), shapes.network.channels_last)]
        yield Finding.of(
            "bias-before-normalisation",
            f"{node.name}: the {norm.op} behind it takes the mean of each channel away, and with it the bias of"
            f" {channels} numbers of this layer",
            place(node, "bias"),
            node.name,
            "write bias: false",
            # A layer in a block stands for all its copies; some may have another layer behind them.
            fix=None if id(node.source.mapping) in kept else _without_bias(node),
        )


def _without_bias(node: Node) -> Fix | None:
    """Return the edit that writes bias: false, where the layer stands on one line in braces, or has the key."""
    mapping = node.source.mapping
    if mapping is None:
        return None
    for key, value in mapping.value:
        if key.value == "bias":
            plain = isinstance(value, ScalarNode) and value.value == "true"
            return Fix("write bias: false", "unsafe", (Edit(span_of(value), "false"),)) if plain else None
    at = _before_brace(mapping)
    return None if at is None else Fix("add bias: false", "unsafe", (Edit(Span(at, at), ", bias: false"),))


def _before_brace(mapping: MappingNode) -> Position | None:
    if not mapping.flow_style or not mapping.value or mapping.start_mark.line != mapping.end_mark.line:
        return None
    return Position(mapping.end_mark.line + 1, mapping.end_mark.column)


def activation_twice(shapes: Shapes) -> Iterable[Finding]:
    """An activation is applied to what is an activation already, with nothing learned in between."""
    found = survey(shapes)
    nodes = shapes.network.nodes
    for op in (*ACTIVATIONS, "softmax", "log_softmax"):
        for node in found.by_op.get(op, ()):
            above = nodes[node.inputs[0]]
            while above.op in ("dropout", "identity"):
                above = nodes[above.inputs[0]]
            if (above.op in ACTIVATIONS or above.op in ("softmax", "log_softmax")) and (
                (above.op, op) not in SPELLED_OUT
            ):
                yield Finding.of(
                    "activation-twice",
                    f"{node.name}: {op} of {above.name}, which is a {above.op}: two activations with nothing between",
                    node.source.span,
                    node.name,
                    _one_of(above.op, op),
                    (Related(f"{above.name} is an activation already", above.source.span),),
                )


def _one_of(first: str, second: str) -> str:
    if first == second and first in ("relu", "relu6"):
        return "the second does nothing: remove it, or put the layer between them that is missing"
    if second in ("softmax", "log_softmax"):
        return f"remove the {first}: a softmax wants scores of either sign"
    if second == "sigmoid" and first in ("relu", "relu6"):
        return "remove the first: a sigmoid of what is never negative is never below 0.5"
    return "keep one of the two, or put the layer between them that is missing"


def linear_without_activation(shapes: Shapes) -> Iterable[Finding]:
    """Two linear layers follow each other with no activation between: together they are one linear layer."""
    found = survey(shapes)
    active = any(op in ACTIVATIONS for op in found.by_op)
    for second in found.of("linear", "conv"):
        first = shapes.network.nodes[second.inputs[0]]
        between = [first]
        while first.op in ("dropout", "identity"):
            first = shapes.network.nodes[first.inputs[0]]
            between.append(first)
        if first.op not in ("linear", "conv") or any(found.only_reader(node) is None for node in between):
            continue
        grave = _one_map(shapes, first, second)
        if grave is None or not (grave or active):
            continue
        start, middle, end = _widths(shapes, first, second)
        yield Finding.of(
            "linear-without-activation",
            f"{second.name}: nothing but linear maps from {first.name} on: {start} -> {middle} -> {end} without an"
            f" activation is one {'layer' if grave else 'convolution'} {start} -> {end}",
            second.source.span,
            second.name,
            f"put an activation behind {first.name}, or take one layer for both",
            (Related(f"{first.name} is linear", first.source.span),),
            severity=None if grave else Severity.INFO,
        )


def _one_map(shapes: Shapes, first: Node, second: Node) -> bool | None:
    """Say whether two layers are one pointwise map (True), one convolution (False), or rightly two (None)."""
    widths = _widths(shapes, first, second)
    start, middle, end = (size if isinstance(size, int) else 0 for size in widths)
    if not start or not middle or not end or middle < min(start, end):
        return None
    if isinstance(first.layer, Linear) and isinstance(second.layer, Linear):
        return True
    if not isinstance(first.layer, Conv) or not isinstance(second.layer, Conv):
        return None
    if first.layer.groups != 1 or second.layer.groups != 1:
        return None
    wide = [_wide_axes(shapes, node) for node in (first, second)]
    if not wide[0] and not wide[1]:
        return True
    return False if wide[0] & wide[1] and (wide[0] >= wide[1] or wide[1] >= wide[0]) else None


def _wide_axes(shapes: Shapes, node: Node) -> set[int]:
    """Return the spatial axes on which a convolution's kernel is larger than 1."""
    assert isinstance(node.layer, Conv)
    if node.layer.kernel_size == 1:
        return set()
    return {j for j, w in enumerate(shapes.windows(node)) if w.k > 1}


def _widths(shapes: Shapes, first: Node, second: Node) -> tuple[Size, Size, Size]:
    """Return the sizes of the mapped axis before, between and behind two layers."""
    start = _width(shapes, first.inputs[0], first)
    return start, _width(shapes, first.index, first), _width(shapes, second.index, second)


def _width(shapes: Shapes, index: int, node: Node) -> Size:
    """Return the size of the axis that a layer maps, at node ``index``."""
    shape = shapes.outputs[index]
    if shape is None:
        return 0
    last = isinstance(node.layer, Linear)
    return shape[-1] if last else shape[channel_axis(len(shape), shapes.network.channels_last)]
