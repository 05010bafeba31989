"""Design lints on normalisation, dropout and channels that never meet: codes SC604 to SC606."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ACTIVATIONS, NORMS, Survey, survey
from shapecheck.arithmetic.shape import Shape, channel_axis, show, split
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.layers.normalization import GroupNorm, LayerNorm, Norm
from shapecheck.rules.pointing import place

# Layers that mix channels, or after which nobody can tell.
MIXING = frozenset(
    {"attention", "conv", "conv_transpose", "flatten", "linear", "permute", "pixel_shuffle", "pixel_unshuffle"}
    | {"reshape", "slice", "chunk", "unfold", "fold", "reduce", "squeeze", "unsqueeze"}
)


def dropout_before_batch_norm(shapes: Shapes) -> Iterable[Finding]:
    """A batch norm stands behind a dropout, and takes over statistics that hold in training only."""
    found = survey(shapes)
    if "batch_norm" not in found.by_op:
        return
    for node in found.of("dropout"):
        if not getattr(node.layer, "p", 0):
            continue
        norm = _norm_behind(found, node)
        if norm is not None:
            yield Finding.of(
                "dropout-before-batch-norm",
                f"{node.name}: {norm.name} stands behind this dropout, and stores a variance that only training has",
                node.source.span,
                node.name,
                "put the dropout behind the last batch norm",
                (Related(f"{norm.name} takes the statistics", norm.source.span),),
            )


def _norm_behind(found: Survey, node: Node) -> Node | None:
    """Return the batch norm that reads a dropout by way of at most one learned layer."""
    learned = 0
    while True:
        readers = found.readers[node.index]
        if len(readers) != 1 or len(readers[0].inputs) != 1:
            return None
        node = readers[0]
        if node.op == "batch_norm":
            return node
        learned += node.op in ("linear", "conv", "conv_transpose")
        passes = node.op in ACTIVATIONS or node.op in ("linear", "conv", "conv_transpose", "identity", "max_pool")
        if not passes or learned > 1:
            return None


def norm_of_one_value(shapes: Shapes) -> Iterable[Finding]:
    """A normalisation takes mean and variance of a single value: the result is 0, or the framework refuses."""
    side = 1 if shapes.network.channels_last else 2
    for node in survey(shapes).of(*NORMS - {"local_response_norm"}):
        shape = shapes.outputs[node.index]
        if shape is None or not isinstance(node.layer, Norm):
            continue
        # Most maps are larger than 1, and that is seen at once.
        if len(shape) > 2 and shape[side] != 1 and node.op != "layer_norm":
            continue
        counted, what = _values(node.layer, shape, shapes.network.channels_last)
        if not all(type(size) is int and size == 1 for size in counted):
            continue
        yield Finding.of(
            "norm-of-one-value",
            f"{node.name}: {node.op} of {show(shape)} takes each mean over one value ({what}): what comes out is 0",
            node.source.span,
            node.name,
            "give the batch the size that it has in training, or normalise before the pooling"
            if node.op == "batch_norm"
            else "leave it out, or normalise before the map is pooled to 1",
        )


def _values(layer: Norm, shape: Shape, channels_last: bool) -> tuple[tuple[Size, ...], str]:
    """Return the sizes whose product is the number of values in each mean, and their name."""
    if isinstance(layer, LayerNorm):
        return (shape[layer.axis % len(shape)],), "the axis that it normalises"
    batch, channels, spatial = split(shape, channels_last)
    if isinstance(layer, GroupNorm):
        each: Size = channels // layer.num_groups
        return (each, *spatial), "a channel group and space"
    if layer.op == "instance_norm":
        return spatial, "space"
    return (batch, *spatial), "batch and space"


def depthwise_without_pointwise(shapes: Shapes) -> Iterable[Finding]:
    """A depthwise convolution behind which the channels never meet: each is a network of its own to the end."""
    found = survey(shapes)
    alone = [node for node in found.of("conv") if _depthwise(shapes, node)]
    if not alone:
        return
    mixed: set[int] = set()
    for index in reversed(shapes.network.order):
        if any(r.index in mixed or _mixes(shapes, r) for r in found.readers[index]):
            mixed.add(index)
    for node in alone:
        if node.index not in mixed:
            yield Finding.of(
                "depthwise-without-pointwise",
                f"{node.name}: no layer behind this depthwise convolution brings its channels together",
                place(node, "groups"),
                node.name,
                "put a conv with kernel_size 1 behind it",
            )


def _depthwise(shapes: Shapes, node: Node) -> bool:
    """Say whether a layer is a convolution of each channel by itself, of more than one."""
    layer = node.layer
    if not isinstance(layer, Conv) or layer.groups == 1:
        return False
    shape = shapes.outputs[node.inputs[0]]
    channels = None if shape is None else shape[channel_axis(len(shape), shapes.network.channels_last)]
    return isinstance(channels, int) and channels > 1 and layer.groups in ("depthwise", channels)


def _mixes(shapes: Shapes, node: Node) -> bool:
    return node.op in MIXING and not (node.op == "conv" and _depthwise(shapes, node))
