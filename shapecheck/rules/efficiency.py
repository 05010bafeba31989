"""Design lints on layers that undo, repeat or hinder each other: codes SC601 to SC606."""

from __future__ import annotations

from collections.abc import Iterable

from yaml.nodes import MappingNode, ScalarNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ACTIVATIONS, NORMS, Survey, survey
from shapecheck.diagnostics import Edit, Finding, Fix, Position, Related, Severity, Span
from shapecheck.layers.convolution import Conv, Convolving
from shapecheck.layers.linear import Linear
from shapecheck.layers.normalization import GroupNorm, LayerNorm, Norm
from shapecheck.rules.base import checked
from shapecheck.rules.geometry import place
from shapecheck.shape import Shape, channel_axis, show, split
from shapecheck.spec.document import span_of
from shapecheck.spec.network import Node
from shapecheck.symbolic import Size

# Activations of which two in a row are one that people spell out: mish is x · tanh(softplus(x)).
SPELLED_OUT = {("softplus", "tanh")}
# Layers that mix channels, or after which nobody can tell.
MIXING = frozenset(
    {"attention", "conv", "conv_transpose", "flatten", "linear", "permute", "pixel_shuffle", "pixel_unshuffle"}
    | {"reshape", "slice", "chunk", "unfold", "fold", "reduce", "squeeze", "unsqueeze"}
)


@checked("SC601", Severity.INFO)
def bias_before_normalisation(shapes: Shapes) -> Iterable[Finding]:
    """A bias that the batch norm behind it subtracts again: it is stored and updated, and has no effect.

    ## What it does

    Notes a convolution or linear layer with `bias: true`, which is the default, whose only reader is a `batch_norm`
    or an `instance_norm`. Both subtract the mean of each channel, and with it every constant that was added. A layer
    or group norm takes its mean over several channels, where a bias remains.

    ## Why it matters

    The bias costs little and does nothing; the batch norm has a shift of its own. It matters where somebody counts:
    the same network with and without has other numbers of parameters, and a checkpoint of one does not load in the
    other.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}  # here
      - {op: batch_norm}
      - {op: relu}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1, bias: false}
      - {op: batch_norm}
      - {op: relu}
    ```

    ## Instead

    Write `bias: false`.

    ## Source

    Ioffe and Szegedy, "Batch normalization" (arXiv:1502.03167), section 3.2: the bias can be ignored, for its
    effect is cancelled by the subtraction of the mean.
    """
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
        yield Finding(
            "bias-before-normalisation",
            f"{node.name}: {norm.name} takes the mean of each channel away, and with it this layer's bias of {channels}"
            " numbers",
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


@checked("SC602", Severity.WARNING)
def activation_twice(shapes: Shapes) -> Iterable[Finding]:
    """An activation is applied to what is an activation already, with nothing learned in between.

    ## What it does

    Warns of an activation, or a softmax, that reads another one, directly or through `dropout` and `identity`.
    `softplus` and `tanh` in this order are left alone: they are how mish is spelled out.

    ## Why it matters

    The second of two `relu` does nothing. A `sigmoid` behind a `relu` never falls below one half; a softmax behind
    one has lost every negative score, and classes that were ruled out get their share. A softmax of a softmax is
    nearly uniform. Such a network trains, badly.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 10}
      - {op: relu}
      - {op: softmax}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 10}
      - {op: softmax}
    ```

    ## Instead

    Keep one of the two; a linear layer or a convolution may be missing between them.

    ## Source

    https://github.com/pytorch/examples/pull/117, where a rectifier before the softmax stood in the first example that
    most people run.
    """
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
                yield Finding(
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


@checked("SC603", Severity.WARNING)
def linear_without_activation(shapes: Shapes) -> Iterable[Finding]:
    """Two linear layers follow each other with no activation between: together they are one linear layer.

    ## What it does

    Warns of a `linear` or 1 x 1 `conv` whose only reader is another one, directly or through `dropout` and
    `identity`, where the width between them is no smaller than both ends. A narrower middle is a factorisation,
    which saves parameters, and is left alone. Two convolutions with larger kernels are noted: their product is one
    convolution too, of a larger kernel; a depthwise one, and kernels along different axes, are left alone.

    ## Why it matters

    W₂(W₁x + b₁) + b₂ = (W₂W₁)x + (W₂b₁ + b₂). The layer between costs its parameters and its time, and the network
    computes no more than without it: a straight line through data that want a bend.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 128}
      - {op: linear, out_features: 10}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 128}
      - {op: relu}
      - {op: linear, out_features: 10}
    ```

    ## Instead

    Put an activation between them, or take one layer.

    ## Source

    Goodfellow, Bengio and Courville, "Deep learning", section 6.1: a composition of linear functions is linear.
    """
    found = survey(shapes)
    for second in found.of("linear", "conv"):
        first = shapes.network.nodes[second.inputs[0]]
        between = [first]
        while first.op in ("dropout", "identity"):
            first = shapes.network.nodes[first.inputs[0]]
            between.append(first)
        if first.op not in ("linear", "conv") or any(found.only_reader(node) is None for node in between):
            continue
        grave = _one_map(shapes, first, second)
        if grave is None:
            continue
        start, middle, end = _widths(shapes, first, second)
        yield Finding(
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


@checked("SC604", Severity.INFO)
def dropout_before_batch_norm(shapes: Shapes) -> Iterable[Finding]:
    """A batch norm stands behind a dropout, and takes over statistics that hold in training only.

    ## What it does

    Follows each `dropout` with p > 0 to a `batch_norm` behind it, through activations, pooling and at most one
    linear layer or convolution.

    ## Why it matters

    Dropout keeps the mean and raises the variance by 1 / (1 − p) while training, and does nothing afterwards. The
    batch norm stores the variance that it saw in training and divides by it in use: every channel is then scaled
    wrongly. Networks with both lose accuracy against either alone.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [16, 64]}
    layers:
      - {op: linear, out_features: 64}
      - {op: dropout}  # here
      - {op: batch_norm}
      - {op: relu}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [16, 64]}
    layers:
      - {op: linear, out_features: 64, bias: false}
      - {op: batch_norm}
      - {op: relu}
      - {op: dropout}
    ```

    ## Instead

    Put the dropout behind the last batch norm, before the layer that classifies.

    ## Source

    Li and others, "Understanding the disharmony between dropout and batch normalization by variance shift"
    (arXiv:1801.05134).
    """
    found = survey(shapes)
    if "batch_norm" not in found.by_op:
        return
    for node in found.of("dropout"):
        if not getattr(node.layer, "p", 0):
            continue
        norm = _norm_behind(found, node)
        if norm is not None:
            yield Finding(
                "dropout-before-batch-norm",
                f"{node.name}: {norm.name} stands behind this dropout and stores a variance that holds in training only",
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


@checked("SC605", Severity.WARNING)
def norm_of_one_value(shapes: Shapes) -> Iterable[Finding]:
    """A normalisation takes mean and variance of a single value: the result is 0, or the framework refuses.

    ## What it does

    Counts the values of which each mean is taken: N · H · W for a `batch_norm`, H · W for an `instance_norm`,
    C / groups · H · W for a `group_norm`, the axis for a `layer_norm`. It warns where that is 1.

    ## Why it matters

    One value less its own mean is 0, whatever the network computed. PyTorch refuses a batch norm of it while
    training, "Expected more than 1 value per channel when training, got input size [1, 256, 1, 1]", which is met
    when the last batch of an epoch has one picture, behind a global pooling; a group norm it computes in silence.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [1, 64, 32, 32]}
    layers:
      - {op: global_avg_pool}
      - {op: conv, out_channels: 16, kernel_size: 1, bias: false}
      - {op: batch_norm}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [2, 64, 32, 32]}
    layers:
      - {op: global_avg_pool}
      - {op: conv, out_channels: 16, kernel_size: 1, bias: false}
      - {op: batch_norm}
    ```

    ## Instead

    Train with larger batches and drop the last incomplete one; take no normalisation behind a global pooling; or a
    layer norm over the channels there.

    ## Source

    https://github.com/jfzhang95/pytorch-deeplab-xception/issues/143 and
    https://github.com/pytorch/pytorch/issues/19250
    """
    for node in survey(shapes).of(*NORMS - {"local_response_norm"}):
        shape = shapes.outputs[node.index]
        if shape is None or not isinstance(node.layer, Norm):
            continue
        counted, what = _values(node.layer, shape, shapes.network.channels_last)
        if not all(type(size) is int and size == 1 for size in counted):
            continue
        yield Finding(
            "norm-of-one-value",
            f"{node.name}: {node.op} of {show(shape)} takes each mean over one value ({what}), so all that comes out is 0",
            node.source.span,
            node.name,
            "train with more than one sample, or normalise before the pooling"
            if node.op == "batch_norm"
            else "leave it out, or normalise before the map is pooled to 1",
        )


def _values(layer: Norm, shape: Shape, channels_last: bool) -> tuple[tuple[Size, ...], str]:
    """Return the sizes whose product is the number of values in each mean, and their name."""
    batch, channels, spatial = split(shape, channels_last)
    if isinstance(layer, LayerNorm):
        return (shape[layer.axis % len(shape)],), "the axis that it normalises"
    if isinstance(layer, GroupNorm):
        each: Size = channels // layer.num_groups
        return (each, *spatial), "a channel group and space"
    if layer.op == "instance_norm":
        return spatial, "space"
    return (batch, *spatial), "batch and space"


@checked("SC606", Severity.INFO)
def depthwise_without_pointwise(shapes: Shapes) -> Iterable[Finding]:
    """A depthwise convolution behind which the channels never meet: each is a network of its own to the end.

    ## What it does

    Looks at convolutions with as many groups as channels. Where no layer between them and the outputs mixes channels
    (a convolution over all of them, a linear layer, attention, a reshape), it says so.

    ## Why it matters

    A depthwise convolution is cheap because it leaves the channels apart; the 1 x 1 convolution behind it, which
    brings them together, is the other half of the idea. Without it no output depends on two channels.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, padding: 1, groups: depthwise}  # here
      - {op: relu}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, padding: 1, groups: depthwise}
      - {op: relu}
      - {op: conv, out_channels: 64, kernel_size: 1}
    ```

    ## Instead

    Put a 1 x 1 convolution behind it. Where the channels are independent on purpose, as the bands of a filter bank,
    ignore this with its reason beside it.

    ## Source

    Howard and others, "MobileNets" (arXiv:1704.04861), section 3.1.
    """
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
            yield Finding(
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
