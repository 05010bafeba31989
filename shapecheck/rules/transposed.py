"""Rules on the size of transposed layers: of codes SC3xx."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import spatial_name
from shapecheck.findings.finding import Finding
from shapecheck.layers.conv_transpose import ConvTranspose


def output_padding_at_least_stride(shapes: Shapes) -> Iterable[Finding]:
    """output_padding reaches the stride: legal in PyTorch under dilation, refused by Keras and by the guide."""
    for node in shapes.network.layers:
        if not isinstance(node.layer, ConvTranspose) or node.layer.output_padding is None:
            continue
        windows = shapes.windows(node)
        for j, w in enumerate(windows):
            if isinstance(w.a, int) and w.a >= w.s:
                yield Finding.of(
                    "output-padding-at-least-stride",
                    f"{node.name}: output_padding {w.a} on {spatial_name(j, len(windows))} is not smaller than stride"
                    f" {w.s}; only PyTorch allows it, because dilation {w.d} is larger",
                    node.source.keys.get("output_padding", node.source.span),
                    node.name,
                    f"a selects one of {w.s} sizes, 0 to {w.s - 1}; pad the output explicitly if more zeros are meant",
                )
                break
