"""Rules on shapes: codes SC2xx."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shapecheck.analysis.blame import cause, explain_cause, factors, floored_above
from shapecheck.analysis.history import history
from shapecheck.analysis.propagation import Open, Shapes, Trouble
from shapecheck.diagnostics import Finding, Related, Severity
from shapecheck.layers.base import Broken
from shapecheck.layers.pooling import AdaptivePool
from shapecheck.rules.base import checked, reported
from shapecheck.rules.mending import crop_before_merge
from shapecheck.shape import axis_name, channel_axis, show
from shapecheck.spec.network import Node
from shapecheck.symbolic import Symbolic, at_least

# How many sizes are told of the way from an input to a mistake.
LONGEST_HISTORY = 8


def with_cause(finding: Finding, shapes: Shapes, left: int, right: int, axis: int) -> Finding:
    """Add to a finding why two nodes differ on an axis: the layer that dropped the remainder, and sizes that fit."""
    found = cause(shapes, left, right, axis)
    if found is None or (found.layer is None and found.scales is None):
        return finding
    blamed = found.layer or found.fork
    related = (*finding.related, Related(explain_cause(found), blamed.source.span))
    help = finding.help
    if help is None and found.fitting:
        sizes = " or ".join(map(str, sorted(found.fitting)))
        what = f"the input {found.fork.name}" if found.fork.layer is None else found.fork.name
        help = f"they agree where {what} has {sizes} instead of {found.fork_size} on this axis"
        if found.window is not None and found.window.form == "pool" and found.window.unread:
            help += f"; or keep the remainder with ceil_mode: true on {blamed.name}"
    elif help is None and found.scales:
        help = "join maps of one stride: name another layer in from, or resample one of the two"
    return finding._replace(related=related, help=help)


def _with_origin(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Add how the size that is too small, or does not divide, came about on its way from the input."""
    if shapes is None or trouble is None or trouble.problem.axis is None:
        return finding
    node, axis = shapes.network.nodes[trouble.node], trouble.problem.axis
    steps = history(shapes, node.inputs[trouble.problem.operand], axis)
    if len(steps) < 2:
        return finding
    last = steps[-1]
    shape = shapes.outputs[last.node.index] or ()
    name = axis_name(axis, len(shape), shapes.network.channels_last)
    told = [f"{step.size} ({step.node.name})" for step in steps]
    if len(told) > LONGEST_HISTORY:
        told = [*told[:2], "…", *told[3 - LONGEST_HISTORY :]]
    related = Related(f"{name} on the way here: {' -> '.join(told)}", last.node.source.span)
    return finding._replace(related=(*finding.related, related))


def _made_by(shapes: Shapes, index: int, axis: int) -> Related | None:
    """Return the place of the layer that gave an axis its size, with the formula where there is one."""
    steps = history(shapes, index, axis)
    if not steps:
        return None
    node, size, window = steps[-1]
    name = axis_name(axis, len(shapes.outputs[node.index] or ()), shapes.network.channels_last)
    made = f"{node.name} has {size}" if node.layer is None else f"{node.name} makes {size}"
    formula = f": {window.formula()}" if window is not None else ""
    return Related(f"{made} on {name}{formula}", node.source.span)


def _with_floored_padding(finding: Finding, shapes: Shapes, index: int) -> Finding:
    """Point at transposed layers whose padding was rounded down, a usual source of an output that is too long."""
    for node, w in floored_above(shapes, index)[:2]:
        extra = w.k - w.s - 2 * w.before
        message = (
            f"{node.name} makes {w.o} of {w.i}, {w.s}·{w.i} + {extra}:"
            f" padding {w.before} is half of {w.k} − {w.s} rounded down"
        )
        help = f"padding {w.before + 1} with output_padding {extra} on {node.name} gives {w.s}·{w.i} = {w.i * w.s}"
        finding = finding._replace(
            related=(*finding.related, Related(message, node.source.span)), help=finding.help or help
        )
    return finding


@reported("SC201")
def wrong_rank(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer needs an input of another rank: a conv without spatial axes, attention on a picture.

    ## What it does

    Compares the number of axes of the input with what the op reads: batch, channels and at least one
    spatial axis for everything that slides a window or resamples; `[N, L, E]` for `attention`; columns,
    rank 3, for `fold`; batch and channels for a normalisation. Where a layer refers to another (`like`,
    `transpose_of`, `pool`) both must have the same number of spatial axes.

    ## Why it matters

    Frameworks guess. PyTorch takes `[80, 200]`, given to a Conv1d with 80 input channels, for one sample
    without its batch axis: a batch of 80 vectors passes, and is convolved across the samples.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 512]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 512]}
    layers:
      - {op: unsqueeze, axis: 1}
      - {op: conv, out_channels: 8, kernel_size: 3}
    ```

    ## Instead

    Give the input the axis that is missing (`unsqueeze`, `reshape`), or join the axes that are too many
    (`flatten`, `permute`).

    ## Source

    Dumoulin and Visin, chapter 2. PyTorch, `torch.nn.Conv1d`: input (N, C, L) or (C, L).
    """
    return finding


@reported("SC202")
def wrong_number_of_axes(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A list with one value per spatial axis has another length than the input has axes.

    ## What it does

    Compares the length of each list under `kernel_size`, `stride`, `padding`, `dilation`, `output_padding`,
    `output_size`, `scale_factor` and `cropping` with the number of spatial axes, which is the input's rank
    less two.

    ## Why it matters

    The same word serves sound, pictures and volumes. A kernel of `[3, 3]` on a volume `[N, C, D, H, W]`
    leaves one axis without a size; a framework that fills it up, or reads the two as the last axes,
    computes another network.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {clip: [N, 3, 16, 112, 112]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [3, 3]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {clip: [N, 3, 16, 112, 112]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [1, 3, 3]}
    ```

    ## Instead

    Write one number for all axes, or one per axis in the order of the shape: D, H, W.

    ## Source

    Dumoulin and Visin, chapter 2: the properties of an axis affect that axis alone.
    """
    return finding


@reported("SC203")
def size_below_one(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer's output would have a size below 1 on some axis.

    ## What it does

    Reports a transposed convolution or an unpooling whose padding crops everything, an upsampling whose ⌊i
    · scale_factor⌋ is 0, and a slice or chunk that selects nothing. A kernel larger than its input is
    SC204.

    ## Why it matters

    An axis of size 0 is a legal tensor in most frameworks. It goes through the network without an error,
    the mean over it is NaN, and what is noticed is a loss of NaN.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 3, 3]}
    layers:
      - {op: upsample, scale_factor: 0.25}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 4, 4]}
    layers:
      - {op: upsample, scale_factor: 0.25}
    ```

    ## Instead

    Take less padding, a larger factor, or a larger input. The sizes on the way, printed below the mistake,
    show where the size was lost.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14: o′ = s(i′ − 1) + a + k − 2p is below 1 where 2p
    ≥ s(i′ − 1) + a + k.
    """
    return _with_origin(finding, shapes, trouble)


@reported("SC204")
def kernel_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A kernel, dilation counted, is larger than its padded input, so no window fits.

    ## What it does

    Computes o = ⌊(i + 2p − k − (k − 1)(d − 1)) / s⌋ + 1 on every spatial axis and reports the first on
    which it is below 1, with the numbers in it. It holds for convolution, pooling and `unfold`. The sizes
    on the way from the input are listed below.

    ## Why it matters

    One stage more than the picture can bear: 28, 26, 13, 11, 5, 3, 1, and another 3 x 3. "Negative
    dimension size caused by subtracting 3 from 1" names neither the layer nor the stage that was one too
    many. XLA accepts such a kernel and makes an axis of size 0.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 256, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, dilation: 18}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 256, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, dilation: 18, padding: 18}
    ```

    ## Instead

    Pad the input, take a smaller kernel or dilation, or drop one of the strided layers above. A 3 x 3
    kernel at dilation 18 spans 3 + 2·17 = 37; padding 18 keeps the size.

    ## Source

    Dumoulin and Visin, section 5.1, Relationship 15. https://github.com/keras-team/keras/issues/12951 and
    https://github.com/sthalles/deeplab_v3/issues/2
    """
    return _with_origin(finding, shapes, trouble)


@reported("SC205")
def groups_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Groups or heads do not divide the channels that they are to split.

    ## What it does

    Checks that `groups` divides the input's channels and `out_channels`, that `num_groups` of a group_norm
    divides the channels, and that `num_heads` of an attention divides the features.

    ## Why it matters

    ShuffleNet with 8 groups: the bottleneck was taken from the 384 − 24 channels that the shortcut leaves,
    360 / 4 = 90, and 90 is no multiple of 8. With 1, 2 and 3 groups nobody saw it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 90, 56, 56]}
    layers:
      - {op: conv, out_channels: 360, kernel_size: 1, groups: 8}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 96, 56, 56]}
    layers:
      - {op: conv, out_channels: 360, kernel_size: 1, groups: 8}
    ```

    ## Instead

    Change the channels to one of the nearest multiples, which the help names, or the number of groups.

    ## Source

    https://github.com/jaxony/ShuffleNet/issues/5. PyTorch, `torch.nn.Conv2d`: in_channels and out_channels
    must both be divisible by groups.
    """
    return _with_origin(finding, shapes, trouble)


@reported("SC206")
def stated_size_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """in_channels, in_features or num_features states a number that the input does not have.

    ## What it does

    Compares the number with the input's. These keys are never needed: they state what the writer believes.
    For a `linear` behind a `flatten` it shows the product that was flattened, and where the stated number
    stands elsewhere in the shape, it says so.

    ## Why it matters

    AlexNet counts on 227 x 227. Fed the 224 x 224 crops that its paper speaks of, 55, 27, 13, 6 becomes 54,
    26, 12, 5, and the first linear layer gets 256·5·5 = 6,400 features for its 9,216: "dimension mismatch
    in args to gemm (256,6400)x(9216,4096)".

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 5}
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, in_features: 4096, out_features: 10}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 5, padding: 2}
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, in_features: 4096, out_features: 10}
    ```

    ## Instead

    Correct the layers above where the number is right (16·16·16 = 4,096 needs padding 2 here), or the
    number where they are, or leave it out.

    ## Source

    https://github.com/uoguelph-mlrg/theano_alexnet/issues/20
    """
    made = factors(shapes, shapes.network.nodes[trouble.node].inputs[0]) if shapes and trouble else None
    if made is None:
        return finding
    node, product = made
    return finding._replace(related=(Related(f"{node.name} makes {product}", node.source.span), *finding.related))


@reported("SC207")
def expectation_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Expect or same_shape_as states a shape that the layer does not have.

    ## What it does

    Compares the output with `expect` axis by axis (`_` is any size) and with the shape that `same_shape_as`
    names. It names each axis that differs, the layer that made the first of them, and, for two shapes that
    should be equal, the layer at which their branches part.

    ## Why it matters

    DCGAN's discriminator halves 64 x 64 four times and ends in a 4 x 4 kernel. On 128 x 128 every layer
    fits, and it gives 5 x 5 scores a picture. What fails is the loss, which is given 128 targets and 3,200
    scores.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 512, 8, 8]}
    layers:
      - {op: conv, out_channels: 1, kernel_size: 4, expect: [N, 1, 1, 1]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 512, 4, 4]}
    layers:
      - {op: conv, out_channels: 1, kernel_size: 4, expect: [N, 1, 1, 1]}
    ```

    ## Instead

    Correct the layer that is named, or the expectation.

    ## Source

    https://github.com/pytorch/examples/issues/1278
    """
    if shapes is None or trouble is None or trouble.expectation is None:
        return finding
    node = shapes.network.nodes[trouble.node]
    other, axis = trouble.expectation.same_as, trouble.problem.axis
    made = None if axis is None else _made_by(shapes, trouble.node, axis)
    finding = finding._replace(related=(made or Related(f"{node.name} is {node.op}", node.source.span),))
    finding = _with_floored_padding(finding, shapes, trouble.node)
    if other is None or axis is None:
        return finding
    there = shapes.network.nodes[other]
    finding = finding._replace(
        related=(*finding.related, Related(f"{there.name} has {show(shapes.outputs[other] or ())}", there.source.span))
    )
    return with_cause(finding, shapes, other, trouble.node, axis)


@reported("SC208")
def merge_mismatch(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The inputs of a merge differ on an axis where they must be equal.

    ## What it does

    Compares the inputs of `add`, `subtract`, `multiply`, `maximum` and `average` on every axis, of `concat`
    on every axis but its own, and of `stack` on all. It walks both branches back to where they part and
    names the strided layer that dropped or rounded a remainder, and the sizes at which both would agree.

    ## Why it matters

    A padded U-Net of depth 4 on 700 x 700: 700, 350, 175, 87, 43 on the way down, 86 on the way up, against
    87. "400x400 and 800x800 work", says the thread; 700 is no multiple of 16.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 175, 175]}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {name: join, op: concat, from: [image, up]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 175, 175]}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, like: image}
      - {name: join, op: concat, from: [image, up]}
    ```

    ## Instead

    Feed a size that fits, recover the size on the way up (`like`, `transpose_of`, `output_padding`), crop
    the larger map, or round up on the way down with `ceil_mode: true`. An axis of size 1 stretches only
    where `broadcast: true` says so.

    ## Source

    Dumoulin and Visin, figure 2.7: the rows that no window reads.
    https://github.com/bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets/issues/52
    """
    if shapes is None or trouble is None or trouble.problem.against is None:
        return finding
    node = shapes.network.nodes[trouble.node]
    ends = (node.inputs[trouble.problem.against], node.inputs[trouble.problem.operand])
    both = tuple(
        Related(
            f"{shapes.network.nodes[end].name} gives {show(shapes.outputs[end] or ())}",
            shapes.network.nodes[end].source.span,
        )
        for end in ends
    )
    finding = finding._replace(fix=crop_before_merge(shapes, node), related=both)
    axis = trouble.problem.axis
    if axis is None:
        return finding
    finding = with_cause(finding, shapes, *ends, axis)
    if finding.help is None:
        rank = len(shapes.outputs[ends[0]] or ())
        if axis == channel_axis(rank, shapes.network.channels_last):
            return finding._replace(help="a conv with kernel_size 1 changes the channels; concat joins different ones")
        return finding._replace(help="crop, pad or resample one of the two" if axis and rank > 2 else None)
    return finding


@reported("SC209")
def reshape_count_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A reshape asks for another number of elements than there are.

    ## What it does

    Multiplies the sizes of the input and of `shape` and compares. With one −1 it checks that the others
    divide the number of elements.

    ## Why it matters

    A reshape written for one input size is where another size comes to light, layers behind its cause:
    "shape '[-1, 1, 32000]' is invalid for input of size 31992" is a codec that lost a row in its third
    strided layer.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [2, 10, 3]}
    layers:
      - {op: reshape, shape: [4, 16]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [2, 10, 3]}
    layers:
      - {op: reshape, shape: [4, -1]}
    ```

    ## Instead

    Write −1 for what remains, and names of dimensions for what varies: `shape: [N, -1]`. Look above for the
    layer that made another size than you counted on.

    ## Source

    https://github.com/descriptinc/descript-audio-codec/issues/37
    """
    return finding


@reported("SC210")
def pool_padding_over_half(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A pooling is padded by more than half its window, so a window could lie wholly in the padding.

    ## What it does

    Checks p ≤ ⌊k / 2⌋ at both edges of every axis, for `max_pool`, `avg_pool` and `lp_pool`.

    ## Why it matters

    The maximum of a window that lies in the padding alone is −∞, its mean without the padding 0 / 0.
    PyTorch refuses such a pooling; XLA computes it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 1, 20, 20]}
    layers:
      - {op: max_pool, kernel_size: 4, padding: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 1, 20, 20]}
    layers:
      - {op: max_pool, kernel_size: 4, padding: 2}
    ```

    ## Instead

    Take padding of at most ⌊k / 2⌋. Where more is meant, pad with `op: pad` first, which says with what.

    ## Source

    https://github.com/pytorch/pytorch/issues/3298
    """
    return finding


@checked("SC211", Severity.WARNING)
def adaptive_output_larger(shapes: Shapes) -> Iterable[Finding]:
    """An adaptive pooling is asked for more than its input has: elements are repeated.

    ## What it does

    Warns where `output_size` is larger than the input on some spatial axis. Window j covers ⌊j·i / o⌋ to
    ⌈(j + 1)·i / o⌉; with o > i neighbouring windows cover the same element.

    ## Why it matters

    VGG ends in a pooling to 7 x 7. On CIFAR's 32 x 32 pictures its map is 1 x 1: the pooling copies it 49
    times, the linear layer behind it has 25,088 · 4,096 = 103 million weights, and 49 of them at a time see
    the same number.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 512, 1, 1]}
    layers:
      - {op: adaptive_avg_pool, output_size: 7}  # here
      - {op: flatten}
      - {op: linear, out_features: 4096}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 512, 14, 14]}
    layers:
      - {op: adaptive_avg_pool, output_size: 7}
      - {op: flatten}
      - {op: linear, out_features: 4096}
    ```

    ## Instead

    Ask for no more than there is, feed a larger picture, or stride less above. Where enlarging is meant,
    write `op: upsample`.

    ## Source

    PyTorch, `torch.nn.AdaptiveAvgPool2d`; torchvision, `vgg.py`: AdaptiveAvgPool2d((7, 7)).
    """
    for node in shapes.network.layers:
        before = shapes.outputs[node.inputs[0]] if node.inputs else None
        after = shapes.outputs[node.index]
        if not isinstance(node.layer, AdaptivePool) or before is None or after is None:
            continue
        channels = channel_axis(len(after), shapes.network.channels_last)
        spatial = [axis for axis in range(1, len(after)) if axis != channels]
        larger = [axis for axis in spatial if at_least(after[axis] - before[axis], 1)]
        if not larger:
            continue
        parts = (
            f"{after[axis]} against {before[axis]} on {axis_name(axis, len(after), shapes.network.channels_last)}"
            for axis in larger
        )
        made = _made_by(shapes, node.inputs[0], larger[0])
        yield Finding(
            "adaptive-output-larger",
            f"{node.name}: output_size exceeds the input, {' and '.join(parts)}: elements are repeated",
            node.source.keys.get("output_size", node.source.span),
            node.name,
            "ask for no more than there is, or feed a larger map; to enlarge on purpose write op: upsample",
            () if made is None else (made,),
        )


@reported("SC212")
def crop_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A crop takes away more than there is, or is to become as large as a larger map.

    ## What it does

    Checks i − before − after ≥ 1 on every axis for `cropping`, and for `like` that the named map is no
    larger than the input.

    ## Why it matters

    In the U-Net of 2015 the encoder's map is the larger one: 64 against 56 at the lowest skip. Cropped the
    wrong way round, 56 to 64, there is nothing to take away: code that crops by a negative padding adds
    zeros, and the skip is framed in black.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {encoder: [N, 512, 64, 64], decoder: [N, 512, 56, 56]}
    layers:
      - {name: cut, op: crop, from: decoder, like: encoder}  # here
      - {op: concat, from: [encoder, cut]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {encoder: [N, 512, 64, 64], decoder: [N, 512, 56, 56]}
    layers:
      - {name: cut, op: crop, from: encoder, like: decoder}
      - {op: concat, from: [cut, decoder]}
    ```

    ## Instead

    Crop the larger of the two, to the smaller.

    ## Source

    Ronneberger, Fischer and Brox, U-Net (arXiv:1505.04597), figure 1.
    """
    return _with_origin(finding, shapes, trouble)


@reported("SC213")
def channels_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Channels are no multiple of what pixel_shuffle or fold divides them by.

    ## What it does

    Checks that rⁿ divides the channels for a `pixel_shuffle` of factor r over n axes, and that the product
    of `kernel_size` does for a `fold`.

    ## Why it matters

    A super-resolution network for factor 3 that was built for 4: each output channel is made of 3·3 = 9
    input channels, and 16 are no multiple of 9.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 63, 24, 24]}
    layers:
      - {op: pixel_shuffle, factor: 4}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64, 24, 24]}
    layers:
      - {op: pixel_shuffle, factor: 4}
    ```

    ## Instead

    Let the convolution above make C·rⁿ channels, where C is what should come out.

    ## Source

    Shi et al., ESPCN (arXiv:1609.05158), section 2.2. PyTorch, `torch.nn.PixelShuffle`: (C·r², H, W) to (C,
    H·r, W·r).
    """
    return _with_origin(finding, shapes, trouble)


@reported("SC214")
def size_does_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A spatial size is no multiple of pixel_unshuffle's factor.

    ## What it does

    Checks that the factor r divides every spatial size of the input.

    ## Why it matters

    Each block of r x r elements becomes r² channels; of 33 rows in pairs one is left over. There is no
    rounding that would keep every element, which is what the layer is for.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 33, 32]}
    layers:
      - {op: pixel_unshuffle, factor: 2}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 33, 32]}
    layers:
      - {op: pad, padding: [[0, 1], [0, 0]]}
      - {op: pixel_unshuffle, factor: 2}
    ```

    ## Instead

    Pad or crop to a multiple of r, or feed sizes that are multiples.

    ## Source

    PyTorch, `torch.nn.PixelUnshuffle`.
    """
    return _with_origin(finding, shapes, trouble)


@reported("SC215")
def axis_out_of_range(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An axis, an order of axes or an index does not exist in the input.

    ## What it does

    Checks `axis`, `axes`, `start_axis`, `end_axis` and the `index` of a chunk against the input's rank.
    Axes count from 0, the batch; −1 is the last. An order of axes names every axis once.

    ## Why it matters

    An order written for `[N, C, L]` and given `[N, C, H, W]` moves other axes than were meant. Where it
    happens to be in range, the sizes may even fit.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: permute, axes: [0, 2, 1]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: permute, axes: [0, 2, 3, 1]}
    ```

    ## Instead

    Count from 0, with the batch as axis 0. The message gives the shape and the axes that it allows.

    ## Source

    PyTorch says: "Dimension out of range (expected to be in range of [-4, 3], but got 4)".
    """
    return finding


@reported("SC216")
def padding_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Reflecting or circular padding needs more of the input than there is.

    ## What it does

    Checks p < i for `reflect` and p ≤ i for `circular` on every axis, in a convolution's `padding_mode` and
    in `pad`.

    ## Why it matters

    To reflect 4 rows takes 5, as the edge itself is not repeated. A network with reflecting padding that
    trains on 256 x 256 fails on the first small picture, in its deepest layer: "Padding size should be less
    than the corresponding input dimension".

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 4, 4]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 9, padding: 4, padding_mode: reflect}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 4, 4]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 9, padding: 4, padding_mode: replicate}
    ```

    ## Instead

    Pad less, feed a larger map, or use `zeros` or `replicate`, which need nothing of the input.

    ## Source

    https://github.com/pytorch/pytorch/issues/18413
    """
    return _with_origin(finding, shapes, trouble)


@reported("SC217")
def squeeze_of_larger_axis(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Squeeze names an axis that has more than one element.

    ## What it does

    Checks that the axis has size 1.

    ## Why it matters

    PyTorch leaves a larger axis in place without a word; NumPy and JAX refuse. Code that squeezes "the last
    axis, which is 1" keeps its rank on the day that it is 2, and a later layer reads axes that are one off.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {scores: [N, 1, 5, 5]}
    layers:
      - {op: squeeze, axis: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {scores: [N, 1, 5, 5]}
    layers:
      - {op: squeeze, axis: 1}
    ```

    ## Instead

    Name the axis of size 1, or remove a larger one with `reduce`, `slice` or `flatten`.

    ## Source

    PyTorch, `torch.squeeze`; NumPy, `numpy.squeeze`. https://github.com/apache/tvm/pull/18478
    """
    return finding


@reported("SC218")
def fold_count_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Fold is given another number of columns than its output_size unfolds into.

    ## What it does

    Computes how many windows `unfold` takes from a map of `output_size`, Π o with o = ⌊(i + 2p − k − (k
    − 1)(d − 1)) / s⌋ + 1, and compares it with the length of the input.

    ## Why it matters

    `fold` is the inverse of `unfold` only with the very same kernel, stride, padding and dilation. 100
    columns are a 12 x 12 map in 3 x 3 windows, and no 8 x 8 map, which has 36.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 12, 12]}
    layers:
      - {op: unfold, kernel_size: 3}
      - {op: fold, kernel_size: 3, output_size: 8}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 12, 12]}
    layers:
      - {op: unfold, kernel_size: 3}
      - {op: fold, kernel_size: 3, output_size: 12}
    ```

    ## Instead

    Give `fold` the keys of the `unfold` that made the columns, and that layer's input size as
    `output_size`.

    ## Source

    Dumoulin and Visin, section 5.1, Relationship 15. PyTorch, `torch.nn.Fold`.
    """
    return finding


@reported("SC219")
def unpool_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """max_unpool undoes what is no max_pool, or is given a map of another size than the pooling made.

    ## What it does

    Checks that `pool` names a `max_pool`, and that the input has the shape which that pooling gave: one
    index for each element.

    ## Why it matters

    An unpooling puts each element where the maximum stood. With a map of another size there are elements
    without an index, or indices without an element, and the picture is put together from the wrong places.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 16, 16]}
    layers:
      - {name: pool, op: max_pool, kernel_size: 2}
      - {name: look, op: conv, out_channels: 8, kernel_size: 3}
      - {op: max_unpool, pool: pool}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 16, 16]}
    layers:
      - {name: pool, op: max_pool, kernel_size: 2}
      - {name: look, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: max_unpool, pool: pool}
    ```

    ## Instead

    Keep the size between the pooling and its unpooling, and the channels too.

    ## Source

    Zeiler and Fergus (arXiv:1311.2901), section 2.1. PyTorch, `torch.nn.MaxUnpool2d`.
    """
    return finding


@checked("SC220", Severity.INFO)
def dimension_without_size(shapes: Shapes) -> Iterable[Finding]:
    """A layer's shape depends on the size of a dimension that has none, so it was not checked.

    ## What it does

    Tells, once for each dimension without a size, how many layers have no shape for want of it, and the
    first of them. Most layers need no size: H goes through them as `(H − 3) // 2 + 1`, and every question
    is answered for all sizes at once. A few have no such form, such as ⌊1.4 · H⌋ or what remains of N · T
    elements in a reshape.

    ## Why it matters

    A check that passes because nothing was asked is worth nothing. Everything behind such a layer is
    unchecked, a kernel that cannot fit at any size included.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}  # here
    layers:
      - {op: upsample, scale_factor: 1.4}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    layers:
      - {op: upsample, scale_factor: 1.5}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Give the dimension a size under `dims`, or for one run with `--set H=64`; or use a ratio that binary
    fractions hold, such as 1.5.

    ## Source

    The language reference, "Top level": dims.
    """
    for name, questions in unsized(shapes).items():
        first = shapes.network.nodes[questions[0].node]
        count = _without_shape(shapes, {question.node for question in questions})
        yield Finding(
            "dimension-without-size",
            f"{name} has no size, so {count} {'layer has' if count == 1 else 'layers have'} no shape and"
            f" {'was' if count == 1 else 'were'} not checked; the first is {first.name}: {questions[0].question}",
            shapes.network.dims[name].span,
            None,
            f"give it a size under dims, or with --set {name}=...",
            (Related(f"{first.name} has no shape without it", first.source.span),),
        )


def unsized(shapes: Shapes) -> dict[str, list[Open]]:
    """Return the dimensions without a size for whose sake a layer has no shape, with what was asked there."""
    asked: dict[str, list[Open]] = {}
    for question in shapes.undecided:
        node = shapes.network.nodes[question.node]
        if shapes.outputs[node.index] is None and not isinstance(node.layer, Broken):
            for name in sorted(_names_at(shapes, node) & set(_NAME.findall(question.question))):
                asked.setdefault(name, []).append(question)
    return asked


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _names_at(shapes: Shapes, node: Node) -> set[str]:
    """Return the dimensions without a size that stand in the shapes that a layer reads and makes, or states."""
    known = [shapes.outputs[index] or () for index in (*node.inputs, *node.references.values(), node.index)]
    stated = [expectation.sizes or () for expectation in node.expect]
    others = [shapes.outputs[e.same_as] or () for e in node.expect if e.same_as is not None]
    sizes = [size for shape in (*known, *stated, *others) for size in shape if isinstance(size, Symbolic)]
    return {name for size in sizes for name in size.names()}


def _without_shape(shapes: Shapes, start: set[int]) -> int:
    """Return how many layers have no shape because those in ``start`` have none."""
    unknown = {index for index in start if shapes.outputs[index] is None}
    for index in shapes.network.order if unknown else ():
        node = shapes.network.nodes[index]
        if shapes.outputs[index] is None and any(i in unknown for i in (*node.inputs, *node.references.values())):
            unknown.add(index)
    return len(unknown)
