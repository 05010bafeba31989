"""Rules of another era on how a network should look, off by default: codes SC621 and SC622."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.layer_index import layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import channel_axis
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.role import Role

# How many convolutions a stage should have.
FEWEST, MOST = 2, 4


def widths_shrink(shapes: Shapes) -> Iterable[Finding]:
    """A convolution behind a smaller map has fewer channels than the one before it."""
    above: dict[int, Node | None] = {}
    wide = {slide.node.index for slide in layer_index(shapes).slides if _convolves(slide.node)}
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
            yield Finding.at(
                "widths-shrink",
                node.name,
                f"{has} channels on a smaller map, where {before.name} has {had}",
                node.source.place("out_channels"),
                f"take {2 * had}, if the map is halved",
                (Related(f"{before.name} has {had} channels", before.source.span),),
            )


def convolutions_per_stage(shapes: Shapes) -> Iterable[Finding]:
    """A stage, from one downsampling to the next, has fewer than two or more than four convolutions."""
    counts: dict[int, int] = {}
    slides = layer_index(shapes).slide_at
    for index in shapes.network.order:
        node = shapes.network.nodes[index]
        count = counts.get(node.inputs[0], 0) if node.inputs else 0
        slide = slides.get(index)
        strided = slide is not None and any(w.s > 1 for w in slide.windows)
        if strided and not FEWEST <= count <= MOST and count:
            yield Finding.at(
                "convolutions-per-stage",
                node.name,
                f"this ends a stage of {count} {'convolution' if count == 1 else 'convolutions'}",
                node.source.span,
                f"a stage has {FEWEST} to {MOST} convolutions, by this rule",
            )
        counts[index] = (0 if strided else count) + (slide is not None and _convolves(node))


def _convolves(node: Node) -> bool:
    """Say whether a layer slides a learned kernel."""
    return node.layer is not None and Role.SLIDES | Role.LEARNED_MAP in node.layer.role
