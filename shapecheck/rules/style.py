"""Rules of another era on how a network should look, off by default: codes SC621 and SC622."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import survey
from shapecheck.arithmetic.shape import channel_axis
from shapecheck.findings.finding import Finding, Related, Severity
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.rules.base import checked
from shapecheck.rules.pointing import place

# How many convolutions a stage should have.
FEWEST, MOST = 2, 4


@checked("SC621", Severity.INFO, default=False)
def widths_shrink(shapes: Shapes) -> Iterable[Finding]:
    """A convolution behind a smaller map has fewer channels than the one before it.

    ## What it does

    Compares each convolution with a kernel larger than 1 with the nearest one above it on its first inputs. It notes
    those that have a smaller map and fewer channels.

    ## Why it matters

    From VGG on, halving the map and doubling the channels kept the work per layer the same. It is a habit, not a law:
    a network for segmentation or a codec has other reasons.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, padding: 1}
      - {op: relu}
      - {op: max_pool, kernel_size: 2}
      - {op: conv, out_channels: 32, kernel_size: 3, padding: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, padding: 1}
      - {op: relu}
      - {op: max_pool, kernel_size: 2}
      - {op: conv, out_channels: 128, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Double the channels where the map is halved.

    ## Source

    Simonyan and Zisserman (arXiv:1409.1556), section 2.1. He and others (arXiv:1512.03385), section 3.3.
    """
    above: dict[int, Node | None] = {}
    wide = {slide.node.index for slide in survey(shapes).slides if isinstance(slide.node.layer, Conv)}
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        before = above.get(node.inputs[0]) if node.inputs else None
        above[index] = node if index in wide else before
        if index not in wide or before is None:
            continue
        one, other = shapes.outputs[before.index], shapes.outputs[index]
        if one is None or other is None or len(one) != len(other):
            continue
        channels = channel_axis(len(one), shapes.network.channels_last)
        pairs = [(a, b) for axis, (a, b) in enumerate(zip(one, other, strict=True)) if axis not in (0, channels)]
        smaller = all(isinstance(a, int) and isinstance(b, int) and 10 * b <= 6 * a for a, b in pairs)
        had, has = one[channels], other[channels]
        if smaller and isinstance(had, int) and isinstance(has, int) and has < had:
            yield Finding(
                "widths-shrink",
                f"{node.name}: {has} channels on a smaller map, where {before.name} has {had}",
                place(node, "out_channels"),
                node.name,
                f"take {2 * had}, if the map is halved",
                (Related(f"{before.name} has {had} channels", before.source.span),),
            )


@checked("SC622", Severity.INFO, default=False)
def convolutions_per_stage(shapes: Shapes) -> Iterable[Finding]:
    """A stage, from one downsampling to the next, has fewer than two or more than four convolutions.

    ## What it does

    Counts the convolutions with a kernel larger than 1 on maps of one size, along first inputs, up to each pooling or
    strided convolution. It notes the layer that ends a stage of one, or of five and more.

    ## Why it matters

    The networks of 2014 had two to four. Residual networks have dozens, and mobile ones one; the rule is here for
    those who teach with VGG.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
      - {op: relu}
      - {op: max_pool, kernel_size: 2}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
      - {op: relu}
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
      - {op: relu}
      - {op: max_pool, kernel_size: 2}
    ```

    ## Instead

    Take two to four, or leave this rule off.

    ## Source

    Simonyan and Zisserman (arXiv:1409.1556), table 1.
    """
    counts: dict[int, int] = {}
    slides = survey(shapes).slide_at
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        count = counts.get(node.inputs[0], 0) if node.inputs else 0
        slide = slides.get(index)
        strided = slide is not None and any(w.s > 1 for w in slide.windows)
        if strided and not FEWEST <= count <= MOST and count:
            yield Finding(
                "convolutions-per-stage",
                f"{node.name}: this ends a stage of {count} {'convolution' if count == 1 else 'convolutions'}",
                node.source.span,
                node.name,
                f"a stage has {FEWEST} to {MOST} convolutions, by this rule",
            )
        counts[index] = (0 if strided else count) + (slide is not None and isinstance(node.layer, Conv))
