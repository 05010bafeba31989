"""Design lints on slips of the pen, an axis, a name or a number that was not meant: codes SC611 to SC614."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import made_by, survey
from shapecheck.arithmetic.shape import channel_axis, show, spatial_name
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.activation import Dropout, Softmax
from shapecheck.layers.merge import Concat
from shapecheck.layers.normalization import LayerNorm
from shapecheck.layers.pooling import Pool
from shapecheck.layers.rearrange import Permute
from shapecheck.layers.resize import Crop, Pad, Upsample
from shapecheck.rules.pointing import place

# Layers that leave maps with spatial axes.
MAPPING = frozenset(
    {"conv", "conv_transpose", "max_pool", "avg_pool", "lp_pool", "adaptive_avg_pool", "adaptive_max_pool"}
    | {"global_avg_pool", "global_max_pool", "max_unpool", "upsample", "pixel_shuffle", "pixel_unshuffle"}
)


def softmax_of_one(shapes: Shapes) -> Iterable[Finding]:
    """A softmax along an axis of size 1 is always 1, whatever comes in."""
    for node in survey(shapes).of("softmax", "log_softmax"):
        shape = shapes.outputs[node.index]
        if shape is None or not isinstance(node.layer, Softmax):
            continue
        axis = node.layer.axis
        size = shape[channel_axis(len(shape), shapes.network.channels_last) if axis is None else axis % len(shape)]
        if type(size) is int and size == 1:
            yield Finding.of(
                "softmax-of-one",
                f"{node.name}: the axis along which this {node.op} of {show(shape)} sums to 1 has one element, which is"
                f" always {'1' if node.op == 'softmax' else '0'}",
                place(node, "axis"),
                node.name,
                "take a sigmoid for one output, or an output for each class",
            )


def layer_does_nothing(shapes: Shapes) -> Iterable[Finding]:
    """A layer gives back what it is given: a pooling of one element, a permutation in order, a dropout of 0."""
    found = survey(shapes)
    ops = ("max_pool", "avg_pool", "lp_pool", "upsample", "pixel_shuffle", "pixel_unshuffle", "pad", "crop")
    idle = [n for n in found.of(*ops, "permute", "dropout", "concat") if _does_nothing(n)]
    if not idle:
        return
    indices = {node.index for node in idle}
    busy = {n.source.span for n in shapes.network.layers if n.index not in indices}
    for node in idle:
        if node.source.span not in busy:
            yield Finding.of(
                "layer-does-nothing",
                f"{node.name}: with these keys this {node.op} gives back what it is given",
                node.source.span,
                node.name,
                "remove it, or correct its keys",
            )


def _does_nothing(node: Node) -> bool:
    layer = node.layer
    if isinstance(layer, Pool):
        return _all(layer.kernel_size, 1) and (layer.stride is None or _all(layer.stride, 1)) and _all(layer.padding, 0)
    if isinstance(layer, Upsample):
        return layer.scale_factor is not None and _all(layer.scale_factor, 1)
    if isinstance(layer, Pad):
        return _all(layer.padding, 0)
    if isinstance(layer, Crop):
        return layer.cropping is not None and _all(layer.cropping, 0)
    if isinstance(layer, Permute):
        return list(layer.axes) == list(range(len(layer.axes)))
    if isinstance(layer, Dropout):
        return layer.p == 0
    if isinstance(layer, Concat):
        return len(node.inputs) == 1
    return getattr(layer, "factor", 0) == 1


def _all(value: object, number: int) -> bool:
    """Say whether a per-axis value is ``number`` throughout."""
    if isinstance(value, tuple):
        return all(_all(entry, number) for entry in value)
    return value == number


def acts_on_width(shapes: Shapes) -> Iterable[Finding]:
    """A linear layer or a layer norm works on the last axis of a map, and that is its width, not its channels."""
    if shapes.network.channels_last:
        return
    found = survey(shapes)
    for node in found.of("linear", "layer_norm"):
        shape = shapes.outputs[node.inputs[0]]
        if shape is None or len(shape) < 4 or made_by(shapes, node).op not in MAPPING:
            continue
        if isinstance(node.layer, LayerNorm) and (node.layer.axis != -1 or "axis" in node.source.keys):
            continue
        last: Size = shape[-1]
        yield Finding.of(
            "acts-on-width",
            f"{node.name}: {node.op} works on the last axis of {show(shape)}, which is"
            f" {spatial_name(len(shape) - 3, len(shape) - 2)} ({last}), not the {shape[1]} channels",
            node.source.span,
            node.name,
            "put a flatten before it, or take a conv with kernel_size 1"
            if node.op == "linear"
            else "give it axis: 1, or write the network with layout: channels_last",
        )


def same_input_twice(shapes: Shapes) -> Iterable[Finding]:
    """A merge reads one layer twice: a sum that doubles, a difference of 0, the same channels once more."""
    for node in survey(shapes).of("add", "subtract", "maximum", "average", "concat", "stack"):
        if len(set(node.inputs)) < len(node.inputs):
            (again, _), *_ = Counter(node.inputs).most_common(1)
            twice = shapes.network.nodes[again]
            yield Finding.of(
                "same-input-twice",
                f"{node.name}: this {node.op} reads {twice.name} {node.inputs.count(twice.index)} times",
                place(node, "from"),
                node.name,
                "name the branch that was meant",
                (Related(f"{twice.name} stands here", twice.source.span),),
            )
