"""No analysis knows an op: under another name, as another class, a layer is told the same of."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import random_decoders
import random_networks
from paths import EXAMPLES
from twin_ops import PREFIX, twin_ops, with_twins

from shapecheck import api
from shapecheck.analysis.explain import layer_arithmetic, lines
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.sharding import follow, uneven
from shapecheck.analysis.sizes.every_size import analyse
from shapecheck.analysis.transposed.ambiguity import padding_repair, resolve
from shapecheck.analysis.transposed.symmetry import pairs, reconstructions, sentence
from shapecheck.figures import NoFigure
from shapecheck.figures.of_layer import figure_of_layer
from shapecheck.graph.network import Node
from shapecheck.layers.base import Layer


@pytest.fixture(autouse=True, scope="module")
def twins() -> Iterator[None]:
    with twin_ops():
        yield


def both(text: str) -> tuple[Shapes, Shapes]:
    first, second = (propagate(api.loads(t)) for t in (text, with_twins(text)))
    assert {type(n.layer) for n in first.network.layers}.isdisjoint(type(n.layer) for n in second.network.layers)
    assert [n.name for n in first.network.nodes] == [n.name.replace(PREFIX, "") for n in second.network.nodes]
    assert first.outputs == second.outputs
    return first, second


def demanded(shapes: Shapes) -> Any:
    ambiguity = resolve(shapes)
    if ambiguity is None:
        return None
    layers = [(one.node.name, one.axes, one.blocked) for one in ambiguity.layers]
    return layers, ambiguity.chosen, ambiguity.shapes.outputs, ambiguity.out_of_reach


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_what_is_demanded_of_open_layers(first: int) -> None:
    asked = 0
    for seed in range(first, first + 50):
        rng = random.Random(seed)
        one, other = both(random_decoders.network(rng, rng.randint(5, 40)))
        assert demanded(one) == demanded(other), seed
        asked += demanded(one) is not None
    assert asked > 20


def test_which_output_padding_would_fit() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 9]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 2, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}\n"
        "  - {name: m, op: add, from: [x, d]}\n"
    )
    repairs = [padding_repair(shapes) for shapes in both(text)]
    assert [repair and repair.padding for repair in repairs] == [{2: (0,)}] * 2


def told_of_pairs(shapes: Shapes) -> Any:
    found = [pair._replace(decoder=pair.decoder.name, encoder=pair.encoder.name) for pair in pairs(shapes)]  # type: ignore[arg-type]
    return found, [sentence(one) for one in reconstructions(shapes)]


@pytest.mark.parametrize("seed", range(80))
def test_encoder_against_decoder(seed: int) -> None:
    rng = random.Random(seed)
    one, other = both(random_decoders.network(rng, rng.randint(5, 40)))
    assert told_of_pairs(one) == told_of_pairs(other)


@pytest.mark.parametrize("seed", range(80))
def test_which_sizes_work(seed: int) -> None:
    one, other = (analyse(shapes.network) for shapes in both(random_networks.network(random.Random(seed))))
    assert one.dims.keys() == other.dims.keys()
    for name, sizes in one.dims.items():
        assert sizes.set == other.dims[name].set
        assert [c.question for c in sizes.causes] == [c.question for c in other.dims[name].causes]
        assert sizes.unresolved == other.dims[name].unresolved


SPLIT = """shapecheck: 1
inputs: {x: [8, 6, 20, 30], y: [8, 6, 1, 30]}
sharding: {mesh: {a: 2, b: 4}, inputs: {x: [a, _, b, _]}, channels: a, layers: {whole: {channels: _}}}
layers:
  - {name: c, op: conv, from: x, out_channels: 7, kernel_size: 3, stride: 2, groups: 1}
  - {name: up, op: conv_transpose, out_channels: 14, kernel_size: 2, stride: 2, groups: 7, output_padding: 0}
  - {name: whole, op: conv, out_channels: 6, kernel_size: 1, bias: false}
  - {name: norm, op: batch_norm}
  - {name: one_slope, op: prelu}
  - {name: pool, op: avg_pool, kernel_size: 2}
  - {name: turned, op: permute, axes: [0, 2, 3, 1]}
  - {name: last, op: linear, out_features: 9}
  - {name: heads, op: reduce, kind: mean, axes: 2}
  - {name: looks, op: attention, num_heads: 3}
  - {name: flat, op: flatten, start_axis: 1}
  - {name: wide, op: unsqueeze, axis: 1, from: looks}
  - {name: slim, op: squeeze, axis: 1}
  - {name: sum, op: add, broadcast: true, from: [y, x]}
  - {name: cut, op: slice, axis: 2, stop: 15}
  - {name: small, op: adaptive_avg_pool, output_size: [6, 5]}
  - {name: joined, op: concat, from: [x, sum]}
"""


def splits(shapes: Shapes) -> dict[str, tuple[str, ...]]:
    sharding = shapes.network.sharding
    assert sharding is not None
    nodes = shapes.network.nodes
    return {
        nodes[index].name: tuple(" ".join(split.axes) for split in found)
        for index, found in follow(shapes, sharding).items()
    }


def test_what_is_split_over_a_mesh() -> None:
    one, other = both(SPLIT)
    assert splits(one) == splits(other)
    found = [
        [
            (u.node.name, u.of, u.axis, u.size, u.parts, u.origin.name)
            for each in (False, True)
            for u in uneven(s, s.network.sharding, each)  # type: ignore[arg-type]
        ]
        for s in (one, other)
    ]
    assert found[0] == found[1] and len(found[0]) > 5


def test_a_split_follows_its_axis_and_nothing_is_said_of_what_is_mixed() -> None:
    found = splits(both(SPLIT.replace("channels: a, ", ""))[0])
    assert found["c"] == found["norm"] == found["pool"] == ("a", "", "b", "")
    assert found["turned"] == ("a", "b", "", "")
    assert found["last"] == ("a", "b", "", "")
    assert found["heads"] == found["looks"] == ("a", "b", "")
    assert found["flat"] == ("a", "")
    assert found["wide"] == ("a", "", "b", "") and found["slim"] == ("a", "b", "")
    # Along the axis on which y is stretched the sum is split as x.
    assert found["sum"][2] == found["cut"][2] == found["small"][2] == "b"
    assert found["joined"] == ("a", "", "b", "")


def explained(layer: Layer | None, shapes: Shapes, node: Node) -> Any:
    """Return the arithmetic of a layer in words, and the axes of its picture, or why there is none."""
    context = shapes.context(node)
    if layer is None or context is None or shapes.outputs[node.index] is None:
        return None
    words = [lines(one) for one in layer_arithmetic(layer, context)]
    try:
        return words, figure_of_layer("layer", layer, context).axes
    except NoFigure as reason:
        return words, str(reason)


@pytest.mark.parametrize("name", ["lenet5", "unet3d", "deeplabv3_resnet50", "espcn"])
def test_arithmetic_and_picture_of_a_layer(name: str) -> None:
    one, other = both((EXAMPLES / f"{name}.net.yaml").read_text(encoding="utf-8"))
    for node in one.network.layers:
        twin = other.network.nodes[node.index]
        assert explained(node.layer, one, node) == explained(twin.layer, other, twin)
