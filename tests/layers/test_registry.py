"""The registry of ops: what a layer class declares, and how it is found by other names."""

from __future__ import annotations

import pytest
from fake_ops import OPS, fakes
from random_layers import cases

import shapecheck
from shapecheck.layers import REGISTRY, Layer, aliases
from shapecheck.layers.flow import AxisKind

__all__ = ["fakes"]

NETWORK = """\
shapecheck: 1
inputs:
  image: [N, 3, 32, 32]
layers:
  - {name: first, op: conv, out_channels: 8, kernel_size: 3, padding: same}
  - {name: whirl, op: swoosh, speed: 2}
  - {name: left, op: halve, learned: true}
  - {name: right, op: conv, from: whirl, out_channels: 4, kernel_size: 2, stride: 2}
  - {name: both, op: glue, from: [left, right]}
outputs: both
"""

pytestmark = pytest.mark.usefixtures("fakes")


def test_a_file_reads_and_propagates_it() -> None:
    network = shapecheck.loads(NETWORK)
    shapes = shapecheck.propagate(network)
    assert [str(size) for size in shapes["both"].output or ()] == ["N", "12", "16", "16"]


def test_what_it_is_called_elsewhere_is_known() -> None:
    assert aliases()["whizz"] == ("swoosh",) and aliases()["velocity"] == ("speed",)
    for right, wrong in (("op: swoosh", "op: whizz"), ("speed: 2", "velocity: 2")):
        with pytest.raises(shapecheck.NetworkError) as caught:
            shapecheck.loads(NETWORK.replace(right, wrong))
        word = right.partition(": ")[2] if wrong.startswith("op") else right.partition(":")[0]
        assert any(f"did you mean {word}?" in (d.help or "") for d in caught.value.diagnostics)


@pytest.mark.parametrize("op", OPS)
def test_a_random_layer_of_it_says_how_its_axes_flow(op: str, fakes: dict[str, type[Layer]]) -> None:
    assert REGISTRY[op] is fakes[op]
    found = cases(op, 10)
    assert found
    for case in found:
        flow = case.layer.flow(case.context, case.output)
        assert len(flow) == len(case.output)
        assert all(axis.kind is AxisKind.NEW or axis.sources for axis in flow)


def test_a_class_without_ops_of_its_own_takes_none_from_its_base(fakes: dict[str, type[Layer]]) -> None:
    quieter = type("Quieter", (fakes["swoosh"],), {})
    assert REGISTRY["swoosh"] is fakes["swoosh"] is not quieter


def test_a_name_with_several_meanings_has_them_all() -> None:
    assert aliases()["sum"] == ("add", "reduce")
    assert aliases()["bilinear"] == ("linear",)
