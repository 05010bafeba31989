"""Receptive fields, against the footprints of one-hot inputs sent through PyTorch, and by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from shapecheck import pipeline
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.receptive_field import InputAxis, receptive_fields, sights

EXAMPLES = Path(__file__).parents[2] / "examples"


def shapes_of(text: str) -> Shapes:
    return propagate(pipeline.load(text, pipeline.Settings(path="net.net.yaml")))


def widest(truth: Iterable[tuple[int, int] | None]) -> int:
    return max(0 if pair is None else pair[1] - pair[0] + 1 for pair in truth)


def compare(seed: int) -> int:
    """Compare every layer of a random network with what PyTorch shows; return how many inner positions there were."""
    pytest.importorskip("torch", reason="PyTorch, whose footprints these are held against, is not installed")
    from random_footprints import RandomNetwork

    network = RandomNetwork(seed)
    shapes = shapes_of(network.text)
    found, within, fields = sights(shapes), sights(shapes, within=True), receptive_fields(shapes)
    compared = 0
    for node in shapes.network.nodes[1:]:
        truth = network.measured(node.name)
        exact = within[node.index][InputAxis(0, 2)]
        assert exact is not None and [exact.footprint.at(j) for j in range(len(truth))] == truth, network.text
        seen = found[node.index][InputAxis(0, 2)]
        if seen is None:
            # Behind a seam, where every position counts.
            assert "axis: 2}" in network.text and fields[node.index] == (widest(truth),), network.text
            continue
        # Near the edges something on the way may have been cut off.
        inside = range(len(truth) // 3, 2 * len(truth) // 3)
        free = [j for j in inside if (pair := truth[j]) is None or (pair[0] > 0 and pair[1] < network.size - 1)]
        for j in free:
            assert seen.footprint.at(j) == truth[j], (node.name, j, network.text)
        if len(seen.footprint.intervals) == 1 and seen.footprint.intervals[0].period <= len(free):
            assert fields[node.index] == (widest(truth[j] for j in free),), (node.name, network.text)
        compared += len(free)
    return compared


def test_fields_are_the_footprints_that_pytorch_shows() -> None:
    assert sum(map(compare, range(10))) > 1_000


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1_000, 2_000, 50))
def test_fields_of_many_networks_are_the_footprints_that_pytorch_shows(start: int) -> None:
    assert sum(map(compare, range(start, start + 50))) > 5_000


def fields(inputs: str, *layers: str, head: str = "") -> list[tuple[object, ...]]:
    """Return the fields of the layers of a network, in their order."""
    lines = "".join(f"  - {{{layer}}}\n" for layer in layers)
    shapes = shapes_of(f"shapecheck: 1\n{head}inputs: {{{inputs}}}\nlayers:\n{lines}")
    assert None not in shapes.outputs
    found = receptive_fields(shapes)
    return [found[node.index] for node in shapes.network.nodes if node.layer is not None]


def conv(k: int, more: str = "") -> str:
    return f"op: conv, out_channels: 4, kernel_size: {k}{more}"


def test_fields_are_those_of_an_inner_position_of_a_large_input() -> None:
    shapes = shapes_of((EXAMPLES / "resnet50.net.yaml").read_text())
    pool = next(node for node in shapes.network.nodes if node.op == "global_avg_pool")
    found = receptive_fields(shapes)
    assert found[pool.inputs[0]] == (427, 427)
    assert found[pool.index] == (224, 224)


def test_an_axis_is_followed_where_it_goes() -> None:
    moved = fields("x: [1, 3, 64, 32]", conv(3), "op: permute, axes: [0, 2, 3, 1]", "op: linear, out_features: 4")
    assert moved == [(3, 3)] * 3
    swapped = fields("x: [1, 4, 64, 32]", "op: permute, axes: [0, 1, 3, 2]", conv(5, ", stride: [1, 2]"))
    assert swapped == [(1, 1), (5, 5)]
    # Along a permuted axis a convolution mixes channels, of which it sees all.
    assert fields("x: [1, 4, 64, 32]", "op: permute, axes: [0, 2, 1, 3]", conv(3)) == [(1, 1), (64, 3)]
    assert fields("x: [1, 4, 64, 32]", conv(3), "op: linear, out_features: 7") == [(3, 3), (3, 32)]


def test_tokens_stand_for_their_places_until_they_are_mixed() -> None:
    patches = conv(16, ", stride: 16")
    tokens = (
        "op: flatten, start_axis: 2",
        "op: permute, axes: [0, 2, 1]",
        "op: layer_norm",
        "op: linear, out_features: 4",
    )
    found = fields("x: [1, 3, 64, 96]", patches, *tokens, "op: attention, num_heads: 2")
    assert found == [(16, 16)] * 5 + [(64, 96)]


def test_space_moved_into_channels_by_hand_is_what_pixel_unshuffle_does() -> None:
    by_hand = (
        "op: reshape, shape: [1, 4, 4, 2, 4, 2]",
        "op: permute, axes: [0, 1, 3, 5, 2, 4]",
        "op: reshape, shape: [1, 16, 4, 4]",
    )
    assert fields("x: [1, 4, 8, 8]", *by_hand, conv(3))[-1] == (6, 6)
    assert fields("x: [1, 4, 8, 8]", "op: pixel_unshuffle, factor: 2", conv(3)) == [(2, 2), (6, 6)]


def test_what_mixes_an_axis_sees_the_whole_input_and_so_does_all_behind_it() -> None:
    assert fields("x: [1, 3, 64, 32]", conv(3), "op: flatten", "op: linear, out_features: 4") == [
        (3, 3),
        (64, 32),
        (64, 32),
    ]
    gate = ("op: global_avg_pool", conv(1), "op: sigmoid", "op: multiply, from: [a, sigmoid_1], broadcast: true")
    assert fields("x: [1, 4, 64, 32]", f"name: a, {conv(3)}", *gate) == [(3, 3)] + [(64, 32)] * 4
    assert fields("x: [1, 4, 32]", "op: reduce, kind: mean, axes: 2") == [(32,)]
    assert fields(
        "x: [1, 4, 32]", "op: adaptive_avg_pool, output_size: 5", "op: adaptive_max_pool, output_size: 1"
    ) == [
        (8,),
        (32,),
    ]


def test_statistics_of_a_whole_axis_do_not_count() -> None:
    norms = ("op: group_norm, num_groups: 2", "op: instance_norm", "op: softmax, axis: 2")
    assert fields("x: [1, 4, 64]", conv(3), *norms) == [(3,)] * 4


def test_an_axis_of_one_element_is_what_that_element_sees() -> None:
    assert fields("x: [1, 4, 32]", conv(30, ", stride: 3"), "op: squeeze, axis: 2", "op: linear, out_features: 3") == [
        (30,),
        (30,),
        (30,),
    ]


def test_of_several_inputs_the_one_counts_of_which_most_is_seen() -> None:
    layers = (f"name: a, {conv(3)}, padding: same, from: x", f"name: b, {conv(7)}, padding: same, from: y")
    assert fields("x: [1, 3, 64], y: [1, 3, 64]", *layers, "op: add, from: [a, b]") == [(3,), (7,), (7,)]
    # One input without spatial axes does not hide those of the other.
    text = (
        "name: a, op: linear, out_features: 4, from: y",
        "op: unsqueeze, axis: 2",
        "op: add, from: [x, unsqueeze_1], broadcast: true",
    )
    assert fields("x: [1, 4, 64], y: [1, 8]", *text) == [(), (), (1,)]


def test_crops_of_different_edges_see_more_together() -> None:
    crops = (
        "name: a, op: crop, cropping: [[5, 0]], from: x",
        "name: b, op: crop, cropping: [[1, 4]], from: x",
    )
    assert fields("x: [1, 4, 64]", *crops, "op: add, from: [a, b]") == [(1,), (1,), (5,)]


def test_paths_of_different_scale_are_compared_position_by_position() -> None:
    down = f"name: a, {conv(3)}, stride: 2, padding: 1"
    assert fields("x: [1, 4, 57]", down, "op: upsample, like: x", "op: add, from: [x, upsample_1]") == [
        (3,),
        (3,),
        (3,),
    ]
    # At the end of 100 elements the path that is cut and stretched is 49 elements ahead.
    cut = ("name: a, op: slice, axis: 2, start: 50", "name: b, op: upsample, size: 100", "op: add, from: [x, b]")
    assert fields("x: [1, 4, 100]", *cut)[-1] == (51,)


def test_inputs_that_stand_one_after_the_other_are_seen_each_by_its_own_part() -> None:
    wide = f"name: a, {conv(5)}, padding: 2"
    joined = ("name: j, op: concat, from: [x, a], axis: 2", conv(3, ", padding: 1"))
    # On the seam the last positions of one part are seen with the first of the other.
    assert fields("x: [1, 4, 64]", wide, *joined) == [(5,), (5,), (64,)]
    apart = ("name: j, op: concat, from: [x, y], axis: 2", conv(3, ", padding: 1"))
    assert fields("x: [1, 4, 64], y: [1, 4, 9]", *apart) == [(1,), (3,)]
    assert fields("x: [1, 4, 5000]", "op: concat, from: [x, x], axis: 2", conv(3)) == [(5000,), (5000,)]
    assert fields("x: [1, 4, 64]", "op: concat, from: [x, x]", conv(3)) == [(1,), (3,)]


def test_sizes_need_not_be_known() -> None:
    same = conv(3, ", stride: 2, padding: same")
    found = fields("x: [1, 3, H, W]", same, same, "op: upsample, scale_factor: 2", conv(3, ", padding: same"))
    assert found == [(3, 3), (7, 7), (7, 7), (11, 11)]
    mixed = fields("x: [1, 3, H, W]", conv(3), "op: global_avg_pool")
    assert [str(size) for size in mixed[-1]] == ["H", "W"]


def test_work_does_not_grow_with_sizes() -> None:
    size = 2**40
    found = fields(
        f"x: [1, 3, {size}]",
        conv(3, ", stride: 2, padding: same"),
        conv(1_000_000_007, ", stride: 77777, padding: 500000003"),
        "op: upsample, scale_factor: 2, mode: linear",
    )
    wide = 3 + 2 * 1_000_000_006
    assert found == [(3,), (wide,), (wide + 2 * 77777,)]


def test_a_network_of_thousands_of_layers_is_followed() -> None:
    layers = [conv(3, ", padding: 1") if n % 2 else "op: upsample, scale_factor: 2" for n in range(9)]
    layers += [conv(3, ", padding: same")] * 4_000
    assert fields("x: [1, 4, 64]", *layers)[-1] == (253,)
