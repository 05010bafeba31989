"""Design lints on slips of the pen, an axis, a name or a number that was not meant: codes SC611 to SC614."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import made_by, survey
from shapecheck.arithmetic.shape import channel_axis, show, spatial_name
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Finding, Related, Severity
from shapecheck.graph.network import Node
from shapecheck.layers.activation import Dropout, Softmax
from shapecheck.layers.merge import Concat
from shapecheck.layers.normalization import LayerNorm
from shapecheck.layers.pooling import Pool
from shapecheck.layers.rearrange import Permute
from shapecheck.layers.resize import Crop, Pad, Upsample
from shapecheck.rules.base import checked
from shapecheck.rules.pointing import place

# Layers that leave maps with spatial axes.
MAPPING = frozenset(
    {"conv", "conv_transpose", "max_pool", "avg_pool", "lp_pool", "adaptive_avg_pool", "adaptive_max_pool"}
    | {"global_avg_pool", "global_max_pool", "max_unpool", "upsample", "pixel_shuffle", "pixel_unshuffle"}
)


@checked("SC611", Severity.WARNING)
def softmax_of_one(shapes: Shapes) -> Iterable[Finding]:
    """A softmax along an axis of size 1 is always 1, whatever comes in.

    ## What it does

    Looks at the axis of every `softmax` and `log_softmax`, by default that of the channels.

    ## Why it matters

    One output and a softmax for two classes: exp(x) / exp(x) = 1. The network predicts the same class always, the
    gradient is 0, and the accuracy is the share of that class. Two classes take two outputs, or a sigmoid.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 1}
      - {op: softmax}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 1}
      - {op: sigmoid}
    ```

    ## Instead

    Take a sigmoid, or as many outputs as there are classes.

    ## Source

    https://github.com/keras-team/keras/issues/1261: "LSTM always return 1 values".
    """
    for node in survey(shapes).of("softmax", "log_softmax"):
        shape = shapes.outputs[node.index]
        if shape is None or not isinstance(node.layer, Softmax):
            continue
        axis = node.layer.axis
        size = shape[channel_axis(len(shape), shapes.network.channels_last) if axis is None else axis % len(shape)]
        if type(size) is int and size == 1:
            yield Finding(
                "softmax-of-one",
                f"{node.name}: the axis along which this {node.op} of {show(shape)} sums to 1 has one element, which is"
                f" always {'1' if node.op == 'softmax' else '0'}",
                place(node, "axis"),
                node.name,
                "take a sigmoid for one output, or an output for each class",
            )


@checked("SC612", Severity.INFO)
def layer_does_nothing(shapes: Shapes) -> Iterable[Finding]:
    """A layer gives back what it is given: a pooling of one element, a permutation in order, a dropout of 0.

    ## What it does

    Notes poolings with kernel and stride 1, `upsample` and `pixel_shuffle` by 1, `pad` and `crop` of 0, `permute` in
    the order that there is, `dropout` with p 0, and `concat` of one input. A layer in a block is noted where all its
    copies do nothing.

    ## Why it matters

    It is a leftover, or a key that was meant to say more: a `max_pool` with `kernel_size: 1, stride: 1` was hardly
    wanted. `op: identity` says that nothing is meant.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}
      - {op: max_pool, kernel_size: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}
      - {op: max_pool, kernel_size: 2}
    ```

    ## Instead

    Remove it, or write `op: identity` to keep the place.

    ## Source

    Dumoulin and Visin, chapter 3, Relationship 7: with k = s = 1, o = i.
    """
    found = survey(shapes)
    ops = ("max_pool", "avg_pool", "lp_pool", "upsample", "pixel_shuffle", "pixel_unshuffle", "pad", "crop")
    idle = [n for n in found.of(*ops, "permute", "dropout", "concat") if _does_nothing(n)]
    if not idle:
        return
    indices = {node.index for node in idle}
    busy = {n.source.span for n in shapes.network.layers if n.index not in indices}
    for node in idle:
        if node.source.span not in busy:
            yield Finding(
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


@checked("SC613", Severity.WARNING)
def acts_on_width(shapes: Shapes) -> Iterable[Finding]:
    """A linear layer or a layer norm works on the last axis of a map, and that is its width, not its channels.

    ## What it does

    In `layout: channels_first`, warns of a `linear`, or a `layer_norm` without `axis`, whose input is a map of rank
    4 or more that comes from a convolution, pooling or resampling.

    ## Why it matters

    `linear` maps the last axis, as in PyTorch. Behind [N, 512, 7, 7] it mixes the seven columns of each row and
    leaves the channels apart: a flatten was forgotten. A `LayerNorm` there normalises each row of pixels. Both fit,
    and nothing is said.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 512, 14, 14]}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {op: linear, out_features: 10}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 512, 14, 14]}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, out_features: 10}
    ```

    ## Instead

    Put a `flatten` before the linear layer, or take a 1 x 1 convolution, which maps the channels. Give the layer
    norm `axis: 1`. Or write the network with `layout: channels_last`.

    ## Source

    PyTorch, `torch.nn.Linear`: (*, H_in). https://github.com/pytorch/pytorch/issues/71465 on layer norms.
    """
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
        yield Finding(
            "acts-on-width",
            f"{node.name}: {node.op} works on the last axis of {show(shape)}, which is"
            f" {spatial_name(len(shape) - 3, len(shape) - 2)} ({last}), not the {shape[1]} channels",
            node.source.span,
            node.name,
            "put a flatten before it, or take a conv with kernel_size 1"
            if node.op == "linear"
            else "give it axis: 1, or write the network with layout: channels_last",
        )


@checked("SC614", Severity.WARNING)
def same_input_twice(shapes: Shapes) -> Iterable[Finding]:
    """A merge reads one layer twice: a sum that doubles, a difference of 0, the same channels once more.

    ## What it does

    Warns of an `add`, `subtract`, `maximum`, `average`, `concat` or `stack` that names a layer twice. `multiply`
    is left alone: it squares.

    ## Why it matters

    It is how a copied line looks in which one name was not changed. The branch that was meant has no effect, and
    every shape fits.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: left, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {name: right, op: conv, from: left, out_channels: 8, kernel_size: 5, padding: 2, groups: 8}
      - {name: mixed, op: conv, out_channels: 8, kernel_size: 1}
      - {op: concat, from: [mixed, mixed]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: left, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {name: right, op: conv, from: left, out_channels: 8, kernel_size: 5, padding: 2, groups: 8}
      - {name: mixed, op: conv, out_channels: 8, kernel_size: 1}
      - {op: concat, from: [left, mixed]}
    ```

    ## Instead

    Name the branch that was meant.

    ## Source

    https://github.com/ultralytics/yolov5/issues/2991, where one index in a list of layers was another's.
    """
    for node in survey(shapes).of("add", "subtract", "maximum", "average", "concat", "stack"):
        if len(set(node.inputs)) < len(node.inputs):
            (again, _), *_ = Counter(node.inputs).most_common(1)
            twice = shapes.network.nodes[again]
            yield Finding(
                "same-input-twice",
                f"{node.name}: this {node.op} reads {twice.name} {node.inputs.count(twice.index)} times",
                place(node, "from"),
                node.name,
                "name the branch that was meant",
                (Related(f"{twice.name} stands here", twice.source.span),),
            )
