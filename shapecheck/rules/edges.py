"""Design lints on edges and padding: codes SC401, SC402, SC403, SC405 and SC414."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shapecheck.analysis.coverage import exact_sizes, idle_windows, live_taps, rows_lost, settled
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Slide, Survey, alike, join_axes, survey
from shapecheck.arithmetic import convolution
from shapecheck.findings.finding import Finding, Severity
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.layers.pooling import Pool
from shapecheck.layers.resize import Pad, pairs
from shapecheck.layers.window import Window
from shapecheck.rules.base import checked
from shapecheck.rules.pointing import place

# Rows that are never read are worth a note from this share of the map on.
LEAST_SHARE = 0.005


@checked("SC401", Severity.INFO)
def unread_input(shapes: Shapes) -> Iterable[Finding]:
    """Rows or columns at the far edge of a map are read by no window: the stride does not divide what is there.

    ## What it does

    Computes (i + 2p − k) mod s on every spatial axis, the rows that are left over behind the last window, and
    takes off those that are padding. What remains are rows of the map itself. They are reported where no other
    layer reads them and they are at least 0.5 % of the map.

    ## Why it matters

    A 2 x 2 pooling of 27 x 27 reads 26 x 26: one row and one column in 27, 7 % of what the layers above
    computed, never reach the output, and always those at the bottom and at the right. Nobody is told. With
    padding the remainder usually falls on the zeros, and nothing is lost.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 27, 27]}
    layers:
      - {op: max_pool, kernel_size: 2}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 27, 27]}
    layers:
      - {op: max_pool, kernel_size: 2, ceil_mode: true}
    ```

    ## Instead

    Let the pooling round up, add the padding that the help names, or choose one of the input sizes that it names.
    Where the loss is meant, crop: then it stands in the file.

    ## Source

    Dumoulin and Visin, section 2.4, figure 2.7. https://github.com/moberweger/deep-prior/issues/4
    """
    found = survey(shapes)
    for slide in found.slides:
        losses = [rows_lost(w) for w in slide.windows]
        above = shapes.network.nodes[slide.node.inputs[0]].layer
        if isinstance(above, Pad) and any(losses):
            # What an explicit padding added at the far edge is lost first.
            edges = pairs(above.padding, len(losses), "padding")
            losses = [max(lost - edge[1], 0) for lost, edge in zip(losses, edges, strict=True)]
        if any(losses) and not _read_elsewhere(found, slide, losses):
            share = 1.0
            for w, lost in zip(slide.windows, losses, strict=True):
                share *= 1 - lost / w.i if isinstance(w.i, int) else 1
            if 1 - share >= LEAST_SHARE:
                yield _unread(shapes, slide, losses, 100 * (1 - share))


def _read_elsewhere(found: Survey, slide: Slide, losses: list[int]) -> bool:
    """Say whether another layer reads what this one leaves out, or tells of the same loss before it."""
    above = slide.node.inputs[0]
    if above in found.ends:
        return True
    for reader in found.readers[above]:
        other = found.slide_at.get(reader.index)
        if reader is slide.node:
            continue
        if other is None or len(other.windows) != len(losses):
            return True
        theirs = [rows_lost(w) for w in other.windows]
        if any(lost < mine for lost, mine in zip(theirs, losses, strict=True)):
            return True
        if theirs == losses and reader.index < slide.node.index:
            return True
    return False


def _unread(shapes: Shapes, slide: Slide, losses: list[int], percent: float) -> Finding:
    node, windows = slide
    axes = [j for j, lost in enumerate(losses) if lost]
    parts, formulas = [], []
    for group in alike(windows, axes):
        w = windows[group[0]]
        parts.append(f"the last {losses[group[0]]} of {w.i} on {join_axes(group, len(windows))}")
        padding = w.before + w.after
        more = f", {w.after} of them padding" if w.after else ""
        formulas.append(f"({w.i}{f' + {padding}' if padding else ''} − {w.reach}) mod {w.s} = {w.unread}{more}")
    w = windows[axes[0]]
    return Finding(
        "unread-input",
        f"{node.name}: {' and '.join(parts)} {'is' if sum(losses) == 1 else 'are'} never read, {percent:.1f} % of the"
        f" map: {', '.join(formulas)}",
        place(node, "stride", "kernel_size"),
        node.name,
        _read_all(shapes, node, w, axes[0]),
    )


def _read_all(shapes: Shapes, node: Node, w: Window, j: int) -> str:
    """Say what would let windows read all of an axis: rounding up, more padding, other sizes."""
    assert isinstance(w.i, int) and isinstance(w.unread, int)
    after = w.after + w.s - w.unread
    if isinstance(node.layer, Pool) and w.d == 1:
        ways = ["ceil_mode: true reads them"]
    else:
        ways = [f"padding [[{w.before}, {after}], …] reads them"]
    ways.append(f"{w.i - w.unread} and {w.i - w.unread + w.s} leave nothing over here")
    exact = exact_sizes(shapes, node, j + (1 if shapes.network.channels_last else 2), j)
    if exact is not None and exact[0].index != node.inputs[0]:
        ways.append(f"{exact[0].name} of {' or '.join(map(str, exact[1]))} makes such a size")
    return "; ".join(ways)


@checked("SC402", Severity.INFO)
def same_with_stride(shapes: Shapes) -> Iterable[Finding]:
    """Padding same with a stride pads unevenly here, and otherwise at other sizes: the grid of outputs moves.

    ## What it does

    Notes layers with `padding: same` (or `same_lower`) and s > 1 that at this size have an odd number of zeros to
    add, max((o − 1)s + k − i, 0), and so put one more at the end (or at the beginning).

    ## Why it matters

    A 7 x 7 convolution with stride 2 on 224 pads 2 before and 3 after, on 225 it pads 3 and 3. Both give the size
    that one expects, with every output one pixel further on or not. TensorFlow puts the odd zero at the end, ONNX
    has a word for either, PyTorch refuses `same` with a stride and people write 3: weights that are moved from one
    to the other lose accuracy, and no shape tells.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 224, 224]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 7, stride: 2, padding: same}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 224, 224]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 7, stride: 2, padding: [[2, 3], [2, 3]]}
    ```

    ## Instead

    Write the padding itself, as numbers: the same in every framework, at every size.

    ## Source

    https://github.com/taehoonlee/tensornets/issues/25, https://github.com/vtjeng/MIPVerify.jl/pull/23 and
    https://github.com/pytorch/pytorch/issues/67551
    """
    for node, windows in survey(shapes).slides:
        if windows[0].form != "same":
            continue
        lower = getattr(node.layer, "padding", None) == "same_lower"
        exact = tuple(settled(w, lower) if w.s > 1 else w for w in windows)
        axes = [j for j, w in enumerate(exact) if w.before != w.after]
        if not axes:
            continue
        w = exact[axes[0]]
        edges = ", ".join(f"[{v.before}, {v.after}]" for v in exact)
        centred = f", and {w.reach // 2} the centred one that PyTorch users write" if w.reach % 2 else ""
        yield Finding(
            "same-with-stride",
            f"{node.name}: at {w.i} on {join_axes(axes, len(windows))} padding {'same_lower' if lower else 'same'} with"
            f" stride {w.s} pads {w.before} before and {w.after} after; at other sizes and in other frameworks it pads"
            " otherwise, and the outputs stand elsewhere",
            place(node, "padding"),
            node.name,
            f"write the padding itself: [{edges}] is this one{centred}",
        )


@checked("SC403", Severity.WARNING)
def even_kernel_half_padding(shapes: Shapes) -> Iterable[Finding]:
    """Half padding of an even kernel adds a row: it has no middle, and ⌊k / 2⌋ on both sides is one too many.

    ## What it does

    Looks for equal padding of ⌊k / 2⌋ (of the dilated kernel) at both edges of an even kernel, where the output is
    larger than the ⌈i / s⌉ that an odd kernel has. A warning where the file says `half`; a note where a convolution
    says the number, which may be meant. A pooling that says the number wants to round up, and is left alone.

    ## Why it matters

    Half padding is there to keep the size. With k = 4 and p = 2 it gives 65 for 64, 66 for that, and so on by one a
    layer; the grid lies half an element off, and a skip connection or a discriminator's score map has an odd size
    that nobody wrote.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 4, padding: half}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 4, padding: same}
    ```

    ## Instead

    Take an odd kernel; or `padding: same`, which puts one zero less at one edge; or, with an even stride,
    (k − s) / 2 on both sides, as k = 4, s = 2, p = 1 has it.

    ## Source

    Dumoulin and Visin, section 2.2, Relationship 3: half padding keeps the size for odd k.
    """
    for node, windows in survey(shapes).slides:
        word = getattr(node.layer, "padding", None)
        if isinstance(node.layer, Pool) and word != "half":
            continue
        if word in ("full", "same", "same_lower", "valid", 0):
            continue
        axes = [j for j, w in enumerate(windows) if _grows(w)]
        if not axes:
            continue
        w = windows[axes[0]]
        assert isinstance(w.i, int)
        kept = convolution.conv_same(w.i, w.s)
        less = convolution.conv(w.i, w.k, w.s, w.before - 1, w.after - 1, w.d)
        kernel = f"kernel_size {w.k}" if w.d == 1 else f"kernel_size {w.k} at dilation {w.d}, which reaches {w.reach},"
        yield Finding(
            "even-kernel-half-padding",
            f"{node.name}: {kernel} is even, so padding {w.before} makes {w.o} of {w.i} on"
            f" {join_axes(axes, len(windows))}, where half padding of an odd kernel makes {kept}",
            place(node, "padding", "kernel_size"),
            node.name,
            f"padding {w.before - 1} makes {kept}"
            if less == kept
            else f"an odd kernel, or padding: same, makes {kept}",
            severity=None if word == "half" else Severity.INFO,
        )


def _grows(w: Window) -> bool:
    if w.before != w.after or w.reach % 2 or w.before != w.reach // 2:
        return False
    return isinstance(w.i, int) and isinstance(w.o, int) and w.o > convolution.conv_same(w.i, w.s)


@checked("SC405", Severity.WARNING)
def padding_wider_than_kernel(shapes: Shapes) -> Iterable[Finding]:
    """Padding exceeds what the kernel reaches: the outermost windows lie wholly in the zeros and read no input.

    ## What it does

    Counts the windows of a `conv` that lie in the padding altogether: p ≥ k (k dilated) at either edge. Padding of
    up to k − 1, which `full` gives, has none.

    ## Why it matters

    Such an output is the bias, the same at every place and for every picture. With k = 3 and p = 100, as in FCN,
    the map grows from 500 to 698, and half of its elements say nothing; what reads them computes on nothing.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 5}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 2}
    ```

    ## Instead

    Take k − 1 at most. A dilated kernel keeps the size with d(k − 1) / 2, which `half` computes.

    ## Source

    Dumoulin and Visin, section 2.2: full padding k − 1 is the most at which every window meets the input.
    """
    for node, windows in survey(shapes).slides:
        if not isinstance(node.layer, Conv) or node.layer.padding_mode in ("reflect", "circular"):
            continue
        for w in windows:
            if w.before < w.reach and w.after < w.reach:
                continue
            near, far = idle_windows(w)
            if near + far == 0:
                continue
            axes = [a for a, other in enumerate(windows) if other == w]
            yield Finding(
                "padding-wider-than-kernel",
                f"{node.name}: of {w.o} outputs on {join_axes(axes, len(windows))}, {near} at the beginning and {far}"
                f" at the end read nothing but padding: padding {max(w.before, w.after)} is wider than the {w.reach}"
                " that the kernel reaches",
                place(node, "padding"),
                node.name,
                f"padding of at most {w.reach - 1} lets every window meet the input",
            )
            break


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
