"""Design lints on what is carried along or lost: codes SC607 to SC614."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.cost import cost, total
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ELEMENTWISE, Survey, survey
from shapecheck.diagnostics import Finding, Related, Severity
from shapecheck.layers.activation import Dropout, Softmax
from shapecheck.layers.linear import Linear
from shapecheck.layers.merge import Concat
from shapecheck.layers.normalization import LayerNorm
from shapecheck.layers.pooling import Pool
from shapecheck.layers.rearrange import Permute
from shapecheck.layers.resize import Crop, Pad, Upsample
from shapecheck.rules.base import checked
from shapecheck.rules.geometry import place
from shapecheck.shape import channel_axis, show, show_sizes, spatial_name, split
from shapecheck.spec.network import Node
from shapecheck.symbolic import Size, product

# By how much the elements of a sample may fall in one layer.
LARGEST_FALL = 16
# Which share of all parameters one layer may hold, and from how many on that is worth a word.
LARGEST_SHARE = 0.9
LEAST_PARAMETERS = 100_000
# Layers that leave maps with spatial axes.
MAPPING = frozenset(
    {"conv", "conv_transpose", "max_pool", "avg_pool", "lp_pool", "adaptive_avg_pool", "adaptive_max_pool"}
    | {"global_avg_pool", "global_max_pool", "max_unpool", "upsample", "pixel_shuffle", "pixel_unshuffle"}
)


@checked("SC607", Severity.INFO, default=False)
def representational_bottleneck(shapes: Shapes) -> Iterable[Finding]:
    """A layer cuts the number of elements of a sample to less than a sixteenth: what is lost there stays lost.

    ## What it does

    Compares elements per sample (channels · H · W) before and behind convolutions, sliding poolings and linear
    layers that are no outputs. Global pooling, which is meant to sum up, is left alone.

    ## Why it matters

    A representation should shrink gently on its way: what a layer does not pass on, no layer behind it can get back.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 16, 64, 64]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 8, stride: 8}  # here
      - {op: relu}
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 16, 64, 64]}
    layers:
      - {op: conv, out_channels: 128, kernel_size: 8, stride: 8}
      - {op: relu}
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Take more channels where the map gets smaller, or shrink it in more than one step.

    ## Source

    Szegedy and others, "Rethinking the Inception architecture" (arXiv:1512.00567), section 2, principle 1.
    """
    found = survey(shapes)
    for node in found.of("conv", "linear", "max_pool", "avg_pool", "lp_pool"):
        before, after = shapes.outputs[node.inputs[0]], shapes.outputs[node.index]
        if before is None or after is None or node.index in found.ends:
            continue
        had, has = product(before[1:]), product(after[1:])
        if isinstance(had, int) and isinstance(has, int) and had > LARGEST_FALL * has:
            yield Finding(
                "representational-bottleneck",
                f"{node.name}: {had} elements of each sample become {has}, 1 in {had / has:.0f}",
                place(node, "stride", "kernel_size", "out_features"),
                node.name,
                "take more channels here, or shrink in more than one step",
            )


@checked("SC608", Severity.INFO)
def concentrated_parameters(shapes: Shapes) -> Iterable[Finding]:
    """One linear layer behind a flatten holds more than nine tenths of all parameters.

    ## What it does

    Looks at linear layers behind a `flatten` of a map, of 100,000 parameters and more, and compares them with the
    network's total.

    ## Why it matters

    Two small convolutions, a flatten of 64 x 12 x 12, and a linear layer of 128: 1.18 of 1.2 million parameters
    stand in that layer. It ties the network to one input size, learns each place by itself, and is where such a
    network overfits. A global pooling needs a hundred-and-fortieth.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {digit: [N, 1, 28, 28]}
    layers:
      - {op: conv, out_channels: 32, kernel_size: 3}
      - {op: relu}
      - {op: conv, out_channels: 64, kernel_size: 3}
      - {op: relu}
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, out_features: 128}  # here
      - {op: relu}
      - {op: linear, out_features: 10}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {digit: [N, 1, 28, 28]}
    layers:
      - {op: conv, out_channels: 32, kernel_size: 3}
      - {op: relu}
      - {op: conv, out_channels: 64, kernel_size: 3}
      - {op: relu}
      - {op: global_avg_pool}
      - {op: flatten}
      - {op: linear, out_features: 128}
      - {op: relu}
      - {op: linear, out_features: 10}
    ```

    ## Instead

    Pool before the flatten, globally or to a small size.

    ## Source

    Lin, Chen and Yan, "Network in network" (arXiv:1312.4400), section 3.2: global average pooling.
    """
    found = survey(shapes)
    for node in found.of("linear"):
        flatten = _walk(found, shapes, node)
        before = None if flatten.op != "flatten" or not flatten.inputs else shapes.outputs[flatten.inputs[0]]
        if before is None or len(before) < 3 or not isinstance(node.layer, Linear):
            continue
        _, channels, spatial = split(before, shapes.network.channels_last)
        positions, own = product(spatial), cost(shapes, node).parameters
        if not isinstance(positions, int) or not isinstance(own, int) or positions == 1 or own < LEAST_PARAMETERS:
            continue
        everything = total(shapes).parameters
        if isinstance(everything, int) and isinstance(channels, int) and own > LARGEST_SHARE * everything:
            yield Finding(
                "concentrated-parameters",
                f"{node.name}: {own:,} of the network's {everything:,} parameters stand in this layer, behind a flatten"
                f" of {channels} x {show_sizes(spatial)}",
                node.source.span,
                node.name,
                f"pool before {flatten.name}: a global_avg_pool leaves"
                f" {channels * node.layer.out_features + node.layer.out_features * node.layer.bias:,} here",
            )


def _walk(found: Survey, shapes: Shapes, node: Node) -> Node:
    """Return the first node above that does more than change values one by one."""
    above = shapes.network.nodes[node.inputs[0]]
    while above.op in ELEMENTWISE:
        above = shapes.network.nodes[above.inputs[0]]
    return above


@checked("SC609", Severity.INFO, default=False)
def activated_output(shapes: Shapes) -> Iterable[Finding]:
    """An output of the network is a softmax or a sigmoid: most losses want the scores before it.

    ## What it does

    Notes outputs that are made by `softmax`, `log_softmax` or `sigmoid`.

    ## Why it matters

    PyTorch's cross_entropy and its twins with logits apply the function themselves, and do it stably. A network that
    has applied it already is trained with a softmax of a softmax: the loss cannot fall below 1.46 for ten classes,
    and the gradients are small.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 10}
      - {op: softmax}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 10}
    ```

    ## Instead

    Let the network give scores, and put the function into the loss and into what shows the result. Off by default:
    a file does not know the loss.

    ## Source

    PyTorch, `torch.nn.CrossEntropyLoss`: "The input is expected to contain the unnormalized logits".
    """
    for node in survey(shapes).of("softmax", "log_softmax", "sigmoid"):
        if node.index in shapes.network.outputs.values():
            yield Finding(
                "activated-output",
                f"{node.name}: this {node.op} is an output; losses that take scores apply it again",
                node.source.span,
                node.name,
                "name the layer above as the output, and take a loss with logits",
            )


@checked("SC610", Severity.WARNING)
def layers_without_effect(shapes: Shapes) -> Iterable[Finding]:
    """What an input or a chain of layers computes reaches no output, though something reads it.

    ## What it does

    Follows the data back from the outputs. What it does not meet, though another layer reads it, has no effect: all
    that reads it has none either, or takes its size alone (`like`). A layer that nothing reads at all is SC103.

    ## Why it matters

    A branch that was meant to be merged and is not, or a decoder that takes its skip connections from the wrong
    layers, trains without an error: the rest learns to do without. What it costs is paid all the same.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: main, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - {name: aside, op: conv, from: image, out_channels: 8, kernel_size: 1}  # here
      - {name: back, op: upsample, from: main, like: aside}
    outputs: [back]
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: main, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - {name: aside, op: conv, from: image, out_channels: 8, kernel_size: 1}
      - {name: back, op: upsample, from: main, like: aside}
      - {name: sum, op: add, from: [back, aside]}
    outputs: [sum]
    ```

    ## Instead

    Merge it, name it under outputs, or remove it; where only a size is wanted, name the layer that the data come
    from.

    ## Source

    Issue 2991 of YOLOv5, where a head concatenates another layer than was meant:
    https://github.com/ultralytics/yolov5/issues/2991
    """
    found = survey(shapes)
    nodes = shapes.network.nodes
    alive: set[int] = set()
    waiting = list(found.ends)
    while waiting:
        index = waiting.pop()
        if index not in alive:
            alive.add(index)
            waiting += nodes[index].inputs
            pool = nodes[index].references.get("pool")
            waiting += () if pool is None else (pool,)
    if len(alive) == len(nodes) or not found.ends:
        return
    sized = {index for node in nodes for index in node.references.values()}
    dead = [n for n in nodes if n.index not in alive and (found.readers[n.index] or n.index in sized)]
    roots = [n for n in dead if not any(i not in alive for i in n.inputs)]
    for node in roots:
        behind = _behind(found, node)
        spent = sum(p for n in behind if isinstance(p := cost(shapes, n).parameters, int))
        what = "the input" if node.layer is None else node.op
        more = f", nor do the {len(behind) - 1} layers behind it" if len(behind) > 1 else ""
        yield Finding(
            "layers-without-effect",
            f"{node.name}: what this {what} gives reaches no output{more}{f' ({spent:,} parameters)' if spent else ''}",
            node.source.span,
            node.name,
            "merge it with what leads to an output, name it under outputs, or remove it",
        )


def _behind(found: Survey, node: Node) -> list[Node]:
    """Return a node and all that reads it, directly or not."""
    seen = {node.index: node}
    waiting = [node]
    while waiting:
        for reader in found.readers[waiting.pop().index]:
            if reader.index not in seen:
                seen[reader.index] = reader
                waiting.append(reader)
    return list(seen.values())


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

    Dumoulin and Visin, section 3: pooling with k = s = 1 is the identity.
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
        if shape is None or len(shape) < 4 or _walk(found, shapes, node).op not in MAPPING:
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
        again = [i for at, i in enumerate(node.inputs) if i in node.inputs[:at]]
        if again:
            twice = shapes.network.nodes[again[0]]
            yield Finding(
                "same-input-twice",
                f"{node.name}: this {node.op} reads {twice.name} {node.inputs.count(twice.index)} times",
                place(node, "from"),
                node.name,
                "name the branch that was meant",
                (Related(f"{twice.name} stands here", twice.source.span),),
            )
