"""Layers that add no context, against the footprints of what they read."""

from __future__ import annotations

import random

import pytest
from texts import check_text

from shapecheck.analysis.layer_index import layer_index
from shapecheck.analysis.productive import Unproductive, unproductive
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.receptive_field import InputAxis, sights

SIZE = 60


def shapes_of(*layers: str) -> Shapes:
    lines = "".join(f"  - {{{layer}}}\n" for layer in layers)
    shapes = check_text(f"shapecheck: 1\ninputs: {{x: [1, 4, {SIZE}]}}\nlayers:\n{lines}", "net.net.yaml").shapes
    assert shapes is not None and None not in shapes.outputs
    return shapes


def found_in(shapes: Shapes) -> Unproductive | None:
    return unproductive(shapes, layer_index(shapes))


def narrowest(shapes: Shapes, index: int) -> int:
    """Return how much the position of a map sees that sees least."""
    seen = sights(shapes)[index][InputAxis(0, 2)]
    assert seen is not None
    (interval,) = seen.footprint.intervals
    pairs = [interval.at(j) for j in range(interval.period)]
    return min(pair[1] - pair[0] + 1 for pair in pairs if pair is not None)


def random_layer(rng: random.Random) -> str:
    k, s, d = rng.choice((2, 3, 5, 7)), rng.choice((1, 1, 2, 3)), rng.choice((1, 2, 3))
    return rng.choice(
        (
            f"op: conv, out_channels: 4, kernel_size: {k}, dilation: {d}, stride: {s}, padding: same",
            f"op: conv, out_channels: 4, kernel_size: {k}, padding: same",
            f"op: max_pool, kernel_size: {k}, stride: {s}, padding: same",
            "op: relu",
            "op: pad, padding: 2",
        )
    )


@pytest.mark.parametrize("seed", range(60))
def test_the_border_layer_is_the_first_of_which_each_input_element_sees_everything(seed: int) -> None:
    rng = random.Random(seed)
    shapes = shapes_of(*(random_layer(rng) for _ in range(rng.randint(3, 12))))
    convolutions = [slide.node for slide in layer_index(shapes).slides if slide.node.op == "conv"]
    late = [node for node in convolutions if narrowest(shapes, node.inputs[0]) >= SIZE]
    found = found_in(shapes)
    assert (found.layers if found else ()) == tuple(late)
    if found is not None:
        assert (found.border, found.field, found.of) == (
            late[0],
            (narrowest(shapes, late[0].inputs[0]),),
            len(convolutions),
        )


CONV = "op: conv, out_channels: 4, kernel_size: 3, padding: same"


@pytest.mark.parametrize(
    "layer",
    [
        "op: adaptive_avg_pool, output_size: 5",
        "op: slice, axis: 2, start: 9",
        "op: permute, axes: [0, 1, 2]",
        "op: upsample, scale_factor: 2, mode: linear",
    ],
)
def test_what_reads_a_part_of_an_axis_leaves_context_to_be_added(layer: str) -> None:
    assert found_in(shapes_of(layer, CONV)) is None


@pytest.mark.parametrize("layer", ["op: global_avg_pool", "op: reduce, kind: mean, axes: 2, keep_dims: true"])
def test_behind_what_reads_a_whole_axis_no_context_is_left(layer: str) -> None:
    found = found_in(shapes_of(layer, "op: upsample, size: 7", CONV))
    assert found is not None and found.field == (SIZE,)
