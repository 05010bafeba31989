"""Design lints on where elements stand and which axes there are: codes SC408 to SC415."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shapecheck.analysis.alignment import shifts
from shapecheck.analysis.coverage import live_taps, settled
from shapecheck.analysis.history import history
from shapecheck.analysis.productive import unproductive
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Slide, join_axes, survey
from shapecheck.diagnostics import Finding, Related, Severity
from shapecheck.layers.convolution import Conv
from shapecheck.layers.merge import Arithmetic
from shapecheck.layers.pooling import AdaptivePool, Pool
from shapecheck.layers.resize import Upsample
from shapecheck.layers.window import Window
from shapecheck.rules.base import checked
from shapecheck.rules.geometry import place
from shapecheck.shape import axis_name, channel_axis, show, show_sizes, spatial_name, split
from shapecheck.spec.network import Node

# The colours of a picture, and the least size of an axis that is taken for height or width.
COLOURS = (1, 3, 4)
LEAST_SIDE = 32
# A signal of this many channels and one or two elements stands the wrong way round.
LEAST_SIGNAL = 256
# By how much two axes may be scaled differently before it is called a distortion.
LARGEST_DISTORTION = 1.1


@checked("SC408", Severity.INFO)
def misaligned_branches(shapes: Shapes) -> Iterable[Finding]:
    """Two branches that meet have equal sizes, but their elements stand at different places of the picture.

    ## What it does

    Computes for every map where its elements stand over the input: a window's output at the window's middle, a
    resampled element between those it came from. Where the inputs of a merge lie more than half an element apart, it
    says how far. Layers of stride 1 that keep the size count as in place, whatever their padding.

    ## Why it matters

    A 3 x 3 convolution with stride 2 and padding 1 keeps the first element where it is; enlarging by 2 moves it by
    half an element. One such pair is off by a half, a jump over two levels by one and a half, over three by three
    and a half. The merge adds features of one place to those of another, and edges are smeared.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    layers:
      - {name: half, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - {name: quarter, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - {name: back, op: upsample, scale_factor: 4, mode: linear}
      - {name: sum, op: add, from: [image, back]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    layers:
      - {name: half, op: conv, out_channels: 8, kernel_size: 4, stride: 2, padding: 1}
      - {name: quarter, op: conv, out_channels: 8, kernel_size: 4, stride: 2, padding: 1}
      - {name: back, op: upsample, scale_factor: 4, mode: linear}
      - {name: sum, op: add, from: [image, back]}
    ```

    ## Instead

    Shrink with even kernels (2 x 2 pooling; k = 4, s = 2, p = 1), whose outputs stand in the middle of what they
    replace, or go up level by level with a merge at each. Enlarging with aligned corners fits odd sizes, k·2ⁿ + 1.

    ## Source

    Odena, Dumoulin and Olah, https://distill.pub/2016/deconv-checkerboard/, on resizing. Case fcn8s-pad100: a port
    with other rounding still crops to 500, and is off without a word,
    https://github.com/shelhamer/fcn.berkeleyvision.org/pull/5
    """
    for shift in shifts(shapes, survey(shapes)):
        rank = len(shapes.outputs[shift.merge.index] or ()) - 2
        yield Finding(
            "misaligned-branches",
            f"{shift.merge.name}: the elements of {shift.right.name} stand {shift.distance:g} elements away from those"
            f" of {shift.left.name} on {join_axes(list(shift.axes), rank)}, though the sizes agree",
            shift.merge.source.span,
            shift.merge.name,
            "shrink with even kernels (2 x 2 pooling, or k 4, s 2, p 1), or merge at every level on the way up",
            (Related(f"one branch is {shift.left.name}", shift.left.source.span),),
        )


@checked("SC409", Severity.INFO, default=False)
def unproductive_layers(shapes: Shapes) -> Iterable[Finding]:
    """Layers behind the border layer: each element of their input has seen the whole picture, so they add no context.

    ## What it does

    Computes the receptive field along the shortest path to every layer, through strides, dilations, transposed
    layers and merges. The first convolution whose input sees the whole input of the network on every axis is the
    border layer; it is noted, with how many of the convolutions stand from there on.

    ## Why it matters

    VGG16 was made for 224 pixels. On the 32 pixels of CIFAR-10 the seventh of its 13 convolutions reads elements
    that have seen the whole picture; from there on a kernel finds nothing in its surroundings that its middle does
    not know. Such layers were shown to add nothing to the accuracy, and they are the widest of all.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 8, 8]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 7, padding: 3}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 16, 16]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 7, padding: 3}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Take a larger picture, drop layers from the end, or drop a stride at the beginning.

    ## Source

    Richter, Schöning, Wiedenroth and Krumnack, "Should you go deeper?" (arXiv:2106.12307): the border layer.
    """
    found = unproductive(shapes, survey(shapes))
    if found is not None:
        yield Finding(
            "unproductive-layers",
            f"{found.border.name}: each element that it reads has seen {show_sizes(found.field)}, the whole of"
            f" {found.input.name} ({show_sizes(found.sizes)}); from here on {len(found.layers)} of the {found.of}"
            " convolutions with a kernel add no context",
            place(found.border, "kernel_size"),
            found.border.name,
            f"feed it a larger {found.input.name}, or take fewer layers or strides",
        )


@checked("SC410", Severity.WARNING)
def collapsed_axis(shapes: Shapes) -> Iterable[Finding]:
    """An axis has shrunk to 1, and a kernel larger than 1 with padding slides on it: all but one tap read zeros.

    ## What it does

    Warns at the first `conv` that has zero padding and a kernel larger than 1 on an axis of size 1, counts those
    that follow, and names the layer that made it 1.

    ## Why it matters

    A network with five strides on a picture of 32 pixels ends in 3 x 3 kernels on 1 x 1 maps. Padding makes the
    shapes fit; of nine weights one is used and learned, and eight are carried along. It means a stage too many for
    this input, or a picture fed in the wrong order of axes.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 4, 4]}
    layers:
      - {op: max_pool, kernel_size: 4}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 4, 4]}
    layers:
      - {op: max_pool, kernel_size: 4}
      - {op: conv, out_channels: 8, kernel_size: 1}
    ```

    ## Instead

    Take a larger input or fewer strides; a kernel of 1 on the axes that are 1 computes the same.

    ## Source

    Dumoulin and Visin, section 2.2, on zero padding. https://github.com/MIC-DKFZ/nnUNet/issues/1256
    """
    hits = []
    for slide in survey(shapes).slides:
        layer = slide.node.layer
        if isinstance(layer, Conv) and layer.padding_mode == "zeros":
            axes = [j for j, w in enumerate(slide.windows) if type(w.i) is int and w.i == 1 and w.k > 1]
            if axes:
                hits.append((slide, axes))
    if hits:
        (node, windows), axes = min(hits, key=lambda hit: hit[0].node.index)
        taps = math.prod(w.k for w in windows)
        alive = math.prod(1 if j in axes else w.k for j, w in enumerate(windows))
        names = join_axes(axes, len(windows))
        behind = f", and so in {len(hits) - 1} layers further on" if len(hits) > 1 else ""
        yield Finding(
            "collapsed-axis",
            f"{node.name}: {names} {'has' if len(axes) == 1 else 'have'} size 1 here, so {taps - alive} of the {taps}"
            f" taps of the kernel only ever read padding{behind}",
            place(node, "kernel_size"),
            node.name,
            f"take kernel_size 1 on {names}, fewer strides above, or a larger input",
            _collapse(shapes, node, axes[0]),
        )


def _collapse(shapes: Shapes, node: Node, j: int) -> tuple[Related, ...]:
    """Return the layer that made an axis 1."""
    axis = j + (1 if shapes.network.channels_last else 2)
    steps = [step for step in history(shapes, node.inputs[0], axis) if step.window is not None]
    if not steps or steps[-1].window is None:
        return ()
    step, window = steps[-1], steps[-1].window
    name = spatial_name(j, len(shapes.outputs[node.index] or ()) - 2)
    return (Related(f"{step.node.name} makes 1 of {window.i} on {name}: {window.formula()}", step.node.source.span),)


@checked("SC411", Severity.INFO)
def broadcast_both_ways(shapes: Shapes) -> Iterable[Finding]:
    """Both inputs of a merge are stretched, so the result is larger than either: an outer product.

    ## What it does

    Looks at merges with `broadcast: true`. Where no input has the shape of the output, because each is 1 on an axis
    on which another is not, it says which. A gate of [N, C, 1, 1] on a map of [N, C, H, W] is the use that
    broadcasting is for, and is left alone.

    ## Why it matters

    A prediction of [N, 1] less a target of [1, N] is [N, N]: every prediction compared with every target. The loss
    goes down, and the network learns the mean. It is the mistake that broadcasting is known for.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {prediction: [16, 1], target: [1, 16]}
    layers:
      - {op: subtract, from: [prediction, target], broadcast: true}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {prediction: [16, 1], target: [1, 16]}
    layers:
      - {name: column, op: permute, from: target, axes: [1, 0]}
      - {op: subtract, from: [prediction, column], broadcast: true}
    ```

    ## Instead

    Bring both to one shape with `permute`, `squeeze` or `reshape`. Where the outer product is meant, as for the
    rows and columns of a strip pooling, ignore this with its reason beside it.

    ## Source

    https://github.com/pytorch/pytorch/issues/16045: a loss between [100, 1] and [100]. NumPy, "Broadcasting".
    """
    for node in survey(shapes).of(*Arithmetic.ops):
        if not isinstance(node.layer, Arithmetic) or not node.layer.broadcast:
            continue
        output = shapes.outputs[node.index]
        inputs = [shapes.outputs[index] for index in node.inputs]
        if output is None or any(shape is None or shape == output for shape in inputs):
            continue
        if all(type(size) is int for shape in inputs for size in shape or ()):
            names = " and ".join(
                f"{shapes.network.nodes[i].name} {show(shape or ())}"
                for i, shape in zip(node.inputs, inputs, strict=True)
            )
            yield Finding(
                "broadcast-both-ways",
                f"{node.name}: {names} are all stretched, to {show(output)}",
                place(node, "broadcast"),
                node.name,
                "bring the inputs to one shape first, if no outer product is meant",
            )


@checked("SC412", Severity.INFO, default=False)
def accidental_anisotropy(shapes: Shapes) -> Iterable[Finding]:
    """A square map becomes oblong, or a map is resized by different factors on its axes.

    ## What it does

    Notes a layer whose input has one size on all spatial axes and whose output has not; and an `upsample` or an
    adaptive pooling to a fixed size that scales its axes by factors more than a tenth apart.

    ## Why it matters

    Strides of [2, 1] for text or speech are a design; a `[3, 1]` that should have been `[3, 3]` looks the same.
    Resizing 480 x 640 to 224 x 224 makes everything narrow, and a kernel learns the distortion.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, stride: [2, 1], padding: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, stride: [2, 2], padding: 1}
    ```

    ## Instead

    Write one number for all axes. Where the axes mean different things, leave this rule off, as it is by default.

    ## Source

    Dumoulin and Visin, chapter 2: the properties of an axis affect that axis alone.
    """
    if not survey(shapes).slides:
        return
    for node in shapes.network.layers:
        output, inputs = shapes.outputs[node.index], [shapes.outputs[i] for i in node.inputs]
        before = inputs[0] if len(inputs) == 1 else None
        if output is None or before is None or len(output) != len(before) or len(before) < 4:
            continue
        if node.op in ("permute", "reshape", "fold", "unfold"):
            continue
        one = split(before, shapes.network.channels_last).spatial
        other = split(output, shapes.network.channels_last).spatial
        ones = [size for size in one if isinstance(size, int)]
        others = [size for size in other if isinstance(size, int)]
        if len(ones) < len(one) or len(others) < len(other):
            continue
        fixed = isinstance(node.layer, AdaptivePool) or (isinstance(node.layer, Upsample) and node.layer.size)
        factors = [o / i for i, o in zip(ones, others, strict=True)]
        if len(set(ones)) == 1 and len(set(others)) > 1:
            message = f"{node.name}: makes {show_sizes(other)} of a square {show_sizes(one)}"
        elif fixed and max(factors) / min(factors) > LARGEST_DISTORTION and max(others) > 1:
            message = f"{node.name}: resizes {show_sizes(one)} to {show_sizes(other)}, which distorts it"
        else:
            continue
        yield Finding(
            "accidental-anisotropy",
            message,
            place(node, "stride", "kernel_size", "output_size", "size"),
            node.name,
            "write one number for all axes",
        )


@checked("SC413", Severity.WARNING)
def layout_suspected(shapes: Shapes) -> Iterable[Finding]:
    """An input looks as if its axes were in the other order: its channels are a side of a picture, its width a colour.

    ## What it does

    Looks at inputs that a sliding layer reads. With `layout: channels_first`, [N, 224, 224, 3] is suspected: the last
    axis has 1, 3 or 4 elements, and channels and height are at least 32 (and equal, where the last has 1 element).
    With `channels_last`, [N, 3, 224, 224] is. A signal of 256 and more channels and one or two elements is suspected
    too. A kernel of 1 on the short axis shows that it is meant.

    ## Why it matters

    NumPy, TensorFlow and image files have the colours last, PyTorch has them first. With padding every shape fits:
    the kernels slide over columns and colours, and mix 224 rows as if they were channels. What gives it away is a
    first layer of 224 input channels.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 224, 224, 3]}  # here
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    layout: channels_last
    inputs: {image: [N, 224, 224, 3]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Write `layout: channels_last`, or give the input its axes in the order N, C, H, W (with `permute` where the data
    come otherwise).

    ## Source

    https://github.com/asingh33/CNNGestureRecognizer/issues/56 and https://github.com/kyegomez/zeta/issues/406
    """
    for node in shapes.network.inputs:
        shape = node.shape
        if shape is None or len(shape) < 3:
            continue
        _, channels, spatial = split(shape, shapes.network.channels_last)
        short = 0 if shapes.network.channels_last else len(spatial) - 1
        if not _turned(channels, spatial, short) or not _slides_along(shapes, node, short):
            continue
        axis = channel_axis(len(shape), shapes.network.channels_last)
        other = "channels_first" if shapes.network.channels_last else "channels_last"
        yield Finding(
            "layout-suspected",
            f"the input {node.name} {show(shape)} has {channels} on {axis_name(axis, len(shape), axis != 1)} and"
            f" {spatial[short]} on {spatial_name(short, len(spatial))}: are its axes in the order meant?",
            node.source.span,
            None,
            f"write layout: {other}, or give the axes in the order of this layout",
        )


def _slides_along(shapes: Shapes, node: Node, place: int) -> bool:
    """Say whether a layer that reads a node slides a kernel of more than 1 along a spatial axis.

    It is asked of networks with errors too: a wrong order of axes is the cause of errors further down.
    """
    for reader in shapes.network.layers:
        if node.index in reader.inputs and isinstance(reader.layer, (Conv, Pool)):
            k = reader.layer.kernel_size
            if (k[place] if isinstance(k, tuple) and place < len(k) else k) != 1:
                return True
    return False


def _turned(channels: object, spatial: tuple[object, ...], short: int) -> bool:
    """Say whether channels look like a side of a picture, and the axis ``short`` like its colours."""
    sides = [size for j, size in enumerate(spatial) if j != short]
    few = spatial[short]
    if not isinstance(channels, int) or not isinstance(few, int):
        return False
    if len(spatial) == 1:
        return few <= 2 and channels >= LEAST_SIGNAL
    if few not in COLOURS or channels < LEAST_SIDE:
        return False
    if few == 1:
        return all(side == channels for side in sides)
    return all(isinstance(side, int) and side >= LEAST_SIDE for side in sides)


@checked("SC414", Severity.WARNING)
def taps_in_padding(shapes: Shapes) -> Iterable[Finding]:
    """Taps of a kernel fall into the padding in every window: weights that never meet the input.

    ## What it does

    For each tap of a `conv` with zero padding, asks whether any window brings it onto the input. Tap t stands at
    t·d − p + s·n for n = 0 … o − 1. It warns where half of the weights or more never do, and notes where some do
    not. Axes of size 1 are SC410.

    ## Why it matters

    DeepLab's 3 x 3 kernel of rate 36 on a 28 x 28 map, from 224 pixels: the outer taps lie 36 to either side and
    always outside. The size is right, and eight of nine weights are never used: a 1 x 1 convolution in disguise.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64, 28, 28]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, dilation: 36, padding: 36}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64, 28, 28]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, dilation: 24, padding: 24}
    ```

    ## Instead

    Keep d(k − 1) / 2 below the size of the map: a smaller dilation or kernel, or a larger input.

    ## Source

    https://github.com/pytorch/vision/issues/7955. Chen and others, "Rethinking atrous convolution"
    (arXiv:1706.05587), section 3.3: at large rates the filter degenerates to 1 x 1.
    """
    for node, windows in survey(shapes).slides:
        layer = node.layer
        if not isinstance(layer, Conv) or layer.padding_mode != "zeros" or layer.padding == 0:
            continue
        exact = [settled(w, layer.padding == "same_lower") for w in windows]
        alive = [w.k if w.i == 1 and type(w.i) is int else live_taps(w) for w in exact]
        axes = [j for j, w in enumerate(exact) if alive[j] < w.k]
        if not axes:
            continue
        w = exact[axes[0]]
        taps = math.prod(v.k for v in exact)
        used = math.prod(alive)
        dilated = f" at dilation {w.d}" if w.d > 1 else ""
        yield Finding(
            "taps-in-padding",
            f"{node.name}: kernel_size {w.k}{dilated} on a map of {w.i} on {join_axes(axes, len(windows))}: only {used}"
            f" of its {taps} taps ever meet the input, the others read padding in every window",
            place(node, "dilation", "kernel_size"),
            node.name,
            f"take a dilation below {w.i}" if w.d > 1 else f"a kernel of {alive[axes[0]]} computes the same",
            severity=None if 2 * used <= taps else Severity.INFO,
        )


@checked("SC415", Severity.WARNING)
def swapped_padding(shapes: Shapes) -> Iterable[Finding]:
    """Padding and kernel are given per axis in different orders: in another order every axis would keep its size.

    ## What it does

    Compares the padding of each axis with half of the (dilated) kernel. Where they differ, but are the same numbers in
    another order, it warns.

    ## Why it matters

    A kernel of [3, 5] with padding [2, 1] makes H larger by two and W smaller by two. A few layers on, a square map
    is oblong, and the error appears at a merge or a flatten. The order is that of the shape: D, H, W.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [3, 5], padding: [2, 1]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [3, 5], padding: [1, 2]}
    ```

    ## Instead

    Write `padding: half`, which follows the kernel.

    ## Source

    Dumoulin and Visin, section 2.2, Relationship 3, which holds on each axis by itself.
    """
    for slide in survey(shapes).slides:
        padding = getattr(slide.node.layer, "padding", None)
        if isinstance(padding, tuple) and isinstance(slide.node.layer, (Conv, Pool)) and _swapped(slide):
            wanted = [w.reach // 2 for w in slide.windows]
            yield Finding(
                "swapped-padding",
                f"{slide.node.name}: padding {[w.before for w in slide.windows]} is half of the kernel"
                f" {[w.reach for w in slide.windows]} in another order",
                place(slide.node, "padding"),
                slide.node.name,
                f"write padding: half, or {wanted}",
            )


def _swapped(slide: Slide) -> bool:
    windows: tuple[Window, ...] = slide.windows
    given = [w.before for w in windows]
    wanted = [w.reach // 2 for w in windows]
    symmetric = all(w.before == w.after and w.reach % 2 for w in windows)
    return symmetric and given != wanted and sorted(given) == sorted(wanted)
