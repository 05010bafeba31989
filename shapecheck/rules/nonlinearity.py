"""Lints on activations: two in a row, none between two linear maps, one at the output, a softmax of one element."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shapecheck.analysis.layer_index import LayerIndex, layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.flow import AxisKind
from shapecheck.layers.role import Role

# Activations of which two in a row are one that people spell out: mish is x · tanh(softplus(x)).
SPELLED_OUT = {("softplus", "tanh")}


def activation_twice(shapes: Shapes) -> Iterable[Finding]:
    """An activation is applied to what is an activation already, with nothing learned in between."""
    activations = Role.ACTIVATION | Role.PROBABILITIES
    found = layer_index(shapes)
    for node in found.playing(activations):
        above = _behind_transparent(shapes, found, node)[-1]
        if above.index not in found.indices(activations) or (above.op, node.op) in SPELLED_OUT:
            continue
        yield Finding.at(
            "activation-twice",
            node.name,
            f"{node.op} of {above.name}, which is a {above.op}: two activations with nothing between",
            node.source.span,
            _one_of(above.op, node),
            (Related(f"{above.name} is an activation already", above.source.span),),
        )


def _behind_transparent(shapes: Shapes, found: LayerIndex, node: Node) -> list[Node]:
    """Return what a layer reads, up to the first node that is more than a dropout or the like."""
    way = [shapes.network.nodes[node.inputs[0]]]
    transparent = found.indices(Role.TRANSPARENT)
    while way[-1].index in transparent:
        way.append(shapes.network.nodes[way[-1].inputs[0]])
    return way


def _one_of(first: str, second: Node) -> str:
    if first == second.op and first in ("relu", "relu6"):
        return "the second does nothing: remove it, or put the layer between them that is missing"
    if second.layer is not None and Role.PROBABILITIES in second.layer.role:
        return f"remove the {first}: a softmax wants scores of either sign"
    if second.op == "sigmoid" and first in ("relu", "relu6"):
        return "remove the first: a sigmoid of what is never negative is never below 0.5"
    return "keep one of the two, or put the layer between them that is missing"


def linear_without_activation(shapes: Shapes) -> Iterable[Finding]:
    """Two linear layers follow each other with no activation between: together they are one linear layer."""
    found = layer_index(shapes)
    active = bool(found.playing(Role.ACTIVATION))
    for second in found.playing(Role.LEARNED_MAP):
        between = _behind_transparent(shapes, found, second)
        first = between[-1]
        if first.index not in found.indices(Role.LEARNED_MAP):
            continue
        maps = _Map.of(shapes, first), _Map.of(shapes, second)
        if maps[0] is None or maps[1] is None or any(found.only_reader(node) is None for node in between):
            continue
        grave = _one_map(maps[0], maps[1])
        if grave is None or not (grave or active):
            continue
        start, middle, end = maps[0].reads, maps[0].makes, maps[1].makes
        yield Finding.at(
            "linear-without-activation",
            second.name,
            f"nothing but linear maps from {first.name} on: {start} -> {middle} -> {end} without an"
            f" activation is one {'layer' if grave else 'convolution'} {start} -> {end}",
            second.source.span,
            f"put an activation behind {first.name}, or take one layer for both",
            (Related(f"{first.name} is linear", first.source.span),),
            severity=None if grave else Severity.INFO,
        )


class _Map(NamedTuple):
    """A learned map of ``axis``, from ``reads`` numbers to ``makes``; along the axes ``wide`` it slides a kernel."""

    axis: int
    reads: Size
    makes: Size
    wide: frozenset[int]

    @classmethod
    def of(cls, shapes: Shapes, node: Node) -> _Map | None:
        """Return the map that a layer is: of all of one axis, and of no other but in windows; None where it is not."""
        flows, output = shapes.flow(node), shapes.outputs[node.index]
        before = shapes.outputs[node.inputs[0]]
        if flows is None or output is None or before is None or len(before) != len(output):
            return None
        mapped = [axis for axis, flow in enumerate(flows) if flow.kind is AxisKind.MIXED]
        windows = {axis: flow.window for axis, flow in enumerate(flows) if flow.window is not None}
        others = len(flows) - len(mapped) - len(windows)
        kept = sum(flow.kind is AxisKind.KEPT for axis, flow in enumerate(flows) if axis not in windows)
        if len(mapped) != 1 or kept != others or any(window.transposes for window in windows.values()):
            return None
        if any(source.taps is not None for source in flows[mapped[0]].sources):
            return None  # not of all of the axis: in groups
        wide = frozenset(axis for axis, window in windows.items() if window.k > 1)
        return cls(mapped[0], before[mapped[0]], output[mapped[0]], wide)


def _one_map(first: _Map, second: _Map) -> bool | None:
    """Say whether two layers are one pointwise map (True), one convolution (False), or rightly two (None)."""
    start, middle, end = (size if isinstance(size, int) else 0 for size in (first.reads, first.makes, second.makes))
    if not start or not middle or not end or middle < min(start, end) or first.axis != second.axis:
        return None
    if not first.wide and not second.wide:
        return True
    one, other = first.wide, second.wide
    return False if one & other and (one >= other or other >= one) else None


def activated_output(shapes: Shapes) -> Iterable[Finding]:
    """An output of the network is a softmax or a sigmoid: most losses want the scores before it."""
    for node in layer_index(shapes).playing(Role.READS_LOGITS):
        if node.index in shapes.network.outputs.values():
            yield Finding.at(
                "activated-output",
                node.name,
                f"this {node.op} is an output; losses that take scores apply it again",
                node.source.span,
                "name the layer above as the output, and take a loss with logits",
            )


def softmax_of_one(shapes: Shapes) -> Iterable[Finding]:
    """A softmax along an axis of size 1 is always 1, whatever comes in."""
    for node in layer_index(shapes).playing(Role.PROBABILITIES):
        shape, flows = shapes.outputs[node.index], shapes.flow(node)
        if shape is None or flows is None:
            continue
        summed = [size for size, flow in zip(shape, flows, strict=True) if flow.spreads]
        if summed and all(type(size) is int and size == 1 for size in summed):
            yield Finding.at(
                "softmax-of-one",
                node.name,
                f"the axis along which this {node.op} of {show(shape)} sums to 1 has one element, which is"
                f" always {'0' if node.op == 'log_softmax' else '1'}",
                node.source.place("axis"),
                "take a sigmoid for one output, or an output for each class",
            )
