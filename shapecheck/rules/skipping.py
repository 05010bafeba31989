"""Design lints on what kernels step over, by dilation, stride or rounding: codes SC404, SC406 and SC407."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapecheck.analysis.coverage import MOST_TAPS, phases
from shapecheck.analysis.gridding import griddings
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Survey, join_axes, survey
from shapecheck.findings.finding import Finding, Related, Severity
from shapecheck.graph.network import Node
from shapecheck.layers.window import Window
from shapecheck.rules.base import checked
from shapecheck.rules.pointing import place

# How many layers a message lists by name.
MOST_NAMES = 4


@checked("SC404", Severity.WARNING)
def dilation_gridding(shapes: Shapes) -> Iterable[Finding]:
    """Dilated layers in a row share a divisor: each output reads a coarse lattice, and its neighbour another one.

    ## What it does

    Follows chains of stride-1 layers and adds up the tap offsets of their kernels, merges included. Where a chain of
    two or more dilated layers ends and some positions between the first and the last that are read were never read,
    the chain has holes. A layer without dilation anywhere in it closes them.

    ## Why it matters

    Three 3 x 3 layers with dilation 2 look like a field of 13 x 13. An output reads 7 of those 13 rows; the next one
    reads the other 6. Four networks lie side by side and never exchange anything, which shows as a grid in the
    result. Dilations 1, 2, 3 have the same field, and every position is read.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, dilation: 2, padding: half}
      - {op: relu}
      - {op: conv, out_channels: 8, kernel_size: 3, dilation: 2, padding: half}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 64, 64]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, dilation: 1, padding: half}
      - {op: relu}
      - {op: conv, out_channels: 8, kernel_size: 3, dilation: 2, padding: half}
    ```

    ## Instead

    Give the chain dilations without a common divisor, such as 1, 2, 5, or one layer without dilation.

    ## Source

    Wang and others, "Understanding convolution for semantic segmentation" (arXiv:1702.08502), section 3.2. Yu,
    Koltun and Funkhouser, "Dilated residual networks" (arXiv:1705.09914), section 4.
    """
    for grid in griddings(shapes, survey(shapes)):
        rank = len(shapes.outputs[grid.layer.index] or ()) - 2
        j = grid.axes[0]
        rates = ", ".join(str(shapes.windows(node)[j].d) for node in grid.dilated)
        yield Finding(
            "dilation-gridding",
            f"{grid.layer.name}: behind dilations {rates} an output reads {grid.read} of {grid.span} positions of"
            f" {grid.start.name} on {join_axes(list(grid.axes), rank)}; its neighbours read the others",
            place(grid.layer, "dilation"),
            grid.layer.name,
            "take dilations without a common divisor (1, 2, 5), or dilation 1 in one of the layers",
            tuple(Related(f"{node.name} is dilated", node.source.span) for node in grid.dilated[:-1][:MOST_NAMES]),
        )


@checked("SC406", Severity.WARNING)
def stride_larger_than_kernel(shapes: Shapes) -> Iterable[Finding]:
    """The stride steps over elements that no other layer reads: they are computed and thrown away.

    ## What it does

    Computes which remainders modulo the stride the taps of a kernel meet. Where some are missing (k < s, or a
    dilation that shares a divisor with the stride) and no other layer reads the same map whole, it warns. The
    strided 1 x 1 shortcut of a residual block is left alone: the main path reads what it steps over.

    ## Why it matters

    A 1 x 1 convolution with stride 2 reads a quarter of its input. At the head of a bottleneck, where the first
    ResNets had it, three quarters of what the stage above computed are dropped without a look. Moving the stride to
    the 3 x 3 layer costs 8 % more multiply-adds and gained half a point of accuracy.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 256, 56, 56]}
    layers:
      - {op: conv, out_channels: 128, kernel_size: 1, stride: 2}  # here
      - {op: relu}
      - {op: conv, out_channels: 128, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 256, 56, 56]}
    layers:
      - {op: conv, out_channels: 128, kernel_size: 1}
      - {op: relu}
      - {op: conv, out_channels: 128, kernel_size: 3, padding: 1, stride: 2}
    ```

    ## Instead

    Give the stride to a layer whose kernel covers it, or pool first.

    ## Source

    He and others, "Bag of tricks for image classification with convolutional neural networks" (arXiv:1812.01187),
    section 4.2, ResNet-B and ResNet-D.
    """
    found = survey(shapes)
    for node, windows in found.slides:
        if all(w.s == 1 or (w.d == 1 and w.k >= w.s) for w in windows) or max(w.s for w in windows) > MOST_TAPS:
            continue
        seen = _phases_read(found, node, windows)
        axes = [j for j, w in enumerate(windows) if len(seen[j]) < w.s]
        if not axes:
            continue
        part = whole = 1
        for j in axes:
            part, whole = part * len(seen[j]), whole * windows[j].s
        w = windows[axes[0]]
        dilated = f" at dilation {w.d}" if w.d > 1 else ""
        yield Finding(
            "stride-larger-than-kernel",
            f"{node.name}: stride {w.s} with kernel_size {w.k}{dilated} on {join_axes(axes, len(windows))} reads {part}"
            f" of every {whole} elements of {shapes.network.nodes[node.inputs[0]].name}, and nothing else reads the"
            " others",
            place(node, "stride", "kernel_size"),
            node.name,
            f"take a kernel of at least {w.s}, stride there in a layer that has one, or pool first",
        )


def _phases_read(found: Survey, node: Node, windows: tuple[Window, ...]) -> list[frozenset[int]]:
    """Return which remainders modulo the stride are read on each axis, by all readers of the map together."""
    above = node.inputs[0]
    everything = [frozenset(range(w.s)) for w in windows]
    if above in found.ends:
        return everything
    seen = [phases(w) for w in windows]
    for reader in found.readers[above]:
        other = found.slide_at.get(reader.index)
        if other is None or [w.s for w in other.windows] != [w.s for w in windows]:
            return everything
        if reader.index < node.index and reader is not node:
            return everything  # the finding stands at the first of them
        seen = [mine | phases(w) for mine, w in zip(seen, other.windows, strict=True)]
    return seen


@checked("SC407", Severity.INFO)
def mixed_ceil_and_floor(shapes: Shapes) -> Iterable[Finding]:
    """Some poolings of a network round their size up and others down.

    ## What it does

    Looks at the poolings with a stride. Where some have `ceil_mode: true` and others have not, each of the rarer
    kind is noted.

    ## Why it matters

    At a size that divides evenly both agree. At the next, one branch has 14 where the other has 13, and what a
    network does with a new picture size depends on which pooling meets the odd number. Mostly it is a layer taken
    over from another framework: Caffe rounds up by itself, PyTorch and Keras down.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: max_pool, kernel_size: 2}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: max_pool, kernel_size: 2, ceil_mode: true}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: max_pool, kernel_size: 2}
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: max_pool, kernel_size: 2}
    ```

    ## Instead

    Let all of them round alike: up where no row may be lost, down where sizes should agree with strided
    convolutions.

    ## Source

    https://github.com/uoguelph-mlrg/theano_alexnet/issues/20 and https://github.com/hahnyuan/nn_tools/issues/5
    """
    kinds: dict[str, list[Node]] = {"ceil": [], "pool": []}
    for node, windows in survey(shapes).slides:
        if windows[0].form in kinds and any(w.s > 1 for w in windows):
            kinds[windows[0].form].append(node)
    up, down = kinds["ceil"], kinds["pool"]
    if up and down:
        yield from _rounding(up, down, "up", "down") if len(up) <= len(down) else _rounding(down, up, "down", "up")


def _rounding(few: list[Node], many: list[Node], this: str, that: str) -> Iterator[Finding]:
    others = f"{many[0].name} rounds" if len(many) == 1 else f"{many[0].name} and {len(many) - 1} more round"
    for node in few:
        yield Finding(
            "mixed-ceil-and-floor",
            f"{node.name} rounds its size {this}, {others} {that}",
            place(node, "ceil_mode"),
            node.name,
            f"{'leave ceil_mode out' if this == 'up' else 'write ceil_mode: true'} here, or round all of them {this}",
            (Related(f"{many[0].name} rounds {that}", many[0].source.span),),
        )
