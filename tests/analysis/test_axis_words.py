"""What an axis is called follows from what made it and what reads it, never from its place alone."""

from __future__ import annotations

import pytest
from texts import check_text

from shapecheck.analysis.axis_words import axis_word

MAP = "inputs: {x: [2, 3, 8, 8]}"
SEQUENCE = "inputs: {x: [2, 9, 16]}"
SOUND = "inputs: {x: [2, 4, 50]}"
PATCHES = (
    "{name: p, op: conv, out_channels: 16, kernel_size: 2, stride: 2}",
    "{name: f, op: flatten, start_axis: 2}",
    "{name: t, op: permute, axes: [0, 2, 1]}",
)


@pytest.mark.parametrize(
    ("head", "layers", "name", "words"),
    [
        (MAP, PATCHES, "p", ["batch (axis 0)", "channels (axis 1)", "H (axis 2)", "W (axis 3)"]),
        (MAP, PATCHES, "t", ["batch (axis 0)", "tokens (axis 1)", "features (axis 2)"]),
        (MAP, (*PATCHES, "{name: a, op: layer_norm}"), "a", ["batch (axis 0)", "tokens (axis 1)", "features (axis 2)"]),
        # Nothing made the input: what reads it says what it is.
        (
            SEQUENCE,
            ("{name: l, op: linear, out_features: 4}",),
            "x",
            ["batch (axis 0)", "tokens (axis 1)", "features (axis 2)"],
        ),
        (
            SEQUENCE,
            ("{op: gelu}", "{op: attention, num_heads: 4}"),
            "x",
            ["batch (axis 0)", "tokens (axis 1)", "features (axis 2)"],
        ),
        (
            SOUND,
            ("{name: c, op: conv, out_channels: 4, kernel_size: 3}",),
            "c",
            ["batch (axis 0)", "channels (axis 1)", "L (axis 2)"],
        ),
        (
            SOUND,
            ("{op: conv, out_channels: 4, kernel_size: 3}",),
            "x",
            ["batch (axis 0)", "channels (axis 1)", "L (axis 2)"],
        ),
        (SOUND, ("{name: f, op: flatten}",), "f", ["batch (axis 0)", "features (axis 1)"]),
    ],
)
def test_an_axis_is_called_what_it_counts(head: str, layers: tuple[str, ...], name: str, words: list[str]) -> None:
    text = f"shapecheck: 1\n{head}\nlayers:\n" + "".join(f"  - {layer}\n" for layer in layers)
    shapes = check_text(text, "x.net.yaml").shapes
    assert shapes is not None
    index = next(node.index for node in shapes.network.nodes if node.name == name)
    assert [axis_word(shapes, index, axis) for axis in range(len(words))] == words
