"""A network with other sizes for its dimensions is the one that the file gives at those sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from paths import ROOT

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.graph.network import Network

FILES = sorted((ROOT / "examples").glob("*.net.yaml"))

SIZED = """\
shapecheck: 1
inputs: {x: [N, 4, H, W]}
dims: {N: 2, H: 32, W: 48}
layers:
  - {name: down, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1, expect: [N, 8, =H // 2, _]}
  - {name: up, op: upsample, size: [H, W]}
outputs: {y: {from: up, expect: [N, _, H, W]}}
"""


def told(network: Network) -> Any:
    """All that a network says, less the places where it was written."""
    nodes = []
    for node in network.nodes:
        layer = node.layer
        keys = None if layer is None else {key: getattr(layer, key) for key in layer.keys_of(node.op)}
        expect = [(e.sizes, e.same_as, e.text) for e in node.expect]
        nodes.append((node.name, node.op, keys, node.inputs, node.references, node.shape, node.dims, expect))
    dims = [(dim.name, dim.size) for dim in network.dims.values()]
    outputs = propagate(network).outputs
    return nodes, network.order, network.outputs, dims, network.symmetry, outputs


def both(text: str, sizes: dict[str, int]) -> tuple[Network, Network]:
    network = api.loads(text)
    assert network.resized is not None
    return network.resized(sizes), api.loads(text, **sizes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_every_example_is_the_same_both_ways(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    before = told(api.loads(text))
    sizes = {name: (dim.size or 1) + at for at, (name, dim) in enumerate(api.loads(text).dims.items(), 1)}
    again, afresh = both(text, sizes)
    assert told(again) == told(afresh)
    assert told(api.loads(text)) == before


def test_keys_and_expectations_follow_the_sizes() -> None:
    again, afresh = both(SIZED, {"H": 64})
    assert told(again) == told(afresh)
    assert propagate(again)["up"].output == (2, 8, 64, 48)
    assert not propagate(again).troubles


def test_expectations_of_what_is_not_copied_are_those_of_the_other_size() -> None:
    text = SIZED.replace("size: [H, W]", "scale_factor: 2")
    network = api.loads(text)
    assert network.resized is not None
    again = network.resized({"H": 64, "W": Symbolic.of("W")})
    assert [e.sizes for e in again.nodes[1].expect] == [(2, 8, 32, None)]
    assert [e.sizes for e in network.nodes[1].expect] == [(2, 8, 16, None)]
    assert told(network.resized({"H": 32})) == told(network)


def test_what_was_made_for_one_size_can_be_made_for_another() -> None:
    network = api.loads(SIZED)
    assert network.resized is not None
    other = network.resized({"H": 64})
    assert other.resized is not None
    assert told(other.resized({"H": 16})) == told(api.loads(SIZED, H=16))
