"""Design lints on where elements stand over the input, and what they have seen of it: codes SC408 to SC410."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shapecheck.analysis.alignment import shifts
from shapecheck.analysis.productive import unproductive
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Slide, join_axes, survey
from shapecheck.arithmetic.shape import show_sizes, spatial_name
from shapecheck.findings.finding import Finding, Related, Severity
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.rules.axes import suspected_inputs
from shapecheck.rules.base import checked
from shapecheck.rules.pointing import place


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
    if suspected_inputs(shapes):
        return
    hits: dict[int, list[tuple[Slide, list[int]]]] = {}
    origins: dict[tuple[int, int], int] = {}
    for slide in survey(shapes).slides:
        layer = slide.node.layer
        if isinstance(layer, Conv) and layer.padding_mode == "zeros":
            axes = [j for j, w in enumerate(slide.windows) if type(w.i) is int and w.i == 1 and w.k > 1]
            if axes:
                hits.setdefault(_origin(shapes, slide.node, axes[0], origins), []).append((slide, axes))
    for origin, group in hits.items():
        (node, windows), axes = min(group, key=lambda hit: hit[0].node.index)
        taps = math.prod(w.k for w in windows)
        alive = math.prod(1 if j in axes else w.k for j, w in enumerate(windows))
        names = join_axes(axes, len(windows))
        behind = f", and so at {len(group) - 1} more further on" if len(group) > 1 else ""
        yield Finding(
            "collapsed-axis",
            f"{node.name}: {names} {'has' if len(axes) == 1 else 'have'} size 1 here, so {taps - alive} of the {taps}"
            f" taps of the kernel only ever read padding{behind}",
            place(node, "kernel_size"),
            node.name,
            f"take kernel_size 1 on {names}, fewer strides above, or a larger input",
            _collapse(shapes, shapes.network.nodes[origin], axes[0]),
        )


def _origin(shapes: Shapes, node: Node, j: int, known: dict[tuple[int, int], int]) -> int:
    """Return the first node on the way to ``node`` at which spatial axis ``j`` is 1 and stays so."""
    axis = j + (1 if shapes.network.channels_last else 2)
    rank = len(shapes.outputs[node.index] or ())
    index, way = node.inputs[0], []
    while (index, j) not in known:
        way.append(index)
        above = shapes.network.nodes[index].inputs[:1]
        shape = shapes.outputs[above[0]] if above else None
        if shape is None or len(shape) != rank or shape[axis] != 1:
            known[index, j] = index
        else:
            index = above[0]
    found = known[index, j]
    known.update({(passed, j): found for passed in way})
    return found


def _collapse(shapes: Shapes, node: Node, j: int) -> tuple[Related, ...]:
    """Return the place of the layer that made an axis 1, where it slid a window along it."""
    windows = shapes.windows(node)
    if j >= len(windows):
        return ()
    name = spatial_name(j, len(windows))
    return (Related(f"{node.name} makes 1 of {windows[j].i} on {name}: {windows[j].formula()}", node.source.span),)
