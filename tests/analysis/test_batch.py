"""Which number of a network is its batch, and at which batches it works."""

from __future__ import annotations

import pytest

from shapecheck import loads, propagate
from shapecheck.analysis.batch import NoBatch, batch_of
from shapecheck.graph.network import Network


def network(inputs: str, layers: str, dims: str = "{}") -> Network:
    return loads(f"shapecheck: 1\nname: made\ninputs: {inputs}\ndims: {dims}\nlayers: [{layers}]\n")


def test_a_name_is_the_batch() -> None:
    batch = batch_of(network("{x: [B, 3, H], y: [B, 4]}", "{op: relu, from: x}, {op: relu, from: y}", "{B: 5, H: 9}"))
    assert (batch.name, batch.size, batch.named) == ("B", 5, True)
    assert batch.sizes().set.every
    assert propagate(batch.at(7))["x"].output == (7, 3, 9)


def test_a_number_is_given_a_name_that_is_free() -> None:
    made = network("{x: [4, 6, batch]}", "{name: r, op: relu}", "{batch: 8}")
    batch = batch_of(made)
    assert (batch.name, batch.size, batch.named) == ("batch_", 4, False)
    assert propagate(batch.at(9))["r"].output == (9, 6, 8)
    assert propagate(made)["r"].output == (4, 6, 8)
    assert batch.network.resized is not None
    assert propagate(batch.network.resized({"batch": 5, "batch_": 2}))["r"].output == (2, 6, 5)


@pytest.mark.parametrize(
    ("layers", "condition"),
    [
        ("{name: r, op: relu}", "every batch >= 1"),
        ("{name: r, op: relu, expect: [4, 6, 8]}", "batch == 4"),
        ("{name: r, op: reshape, shape: [4, 48]}", "batch == 4"),
    ],
)
def test_what_the_layers_hold_a_number_to(layers: str, condition: str) -> None:
    assert batch_of(network("{x: [4, 6, 8]}", layers)).sizes().condition == condition


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ("{x: [2, 3], y: [3, 3]}", "their first axis is 2 in x, 3 in y; give it one name, such as N"),
        ("{x: [N, 3], y: [3, 3]}", "their first axis is N in x, 3 in y"),
        ("{x: [M, 3], y: [N, 3]}", "their first axis is M in x, N in y"),
        ("{x: [=2 * N, 3, N]}", "the first axis of x is neither a name nor a number"),
        ("{x: [N, N, 3]}", "N is no batch: it stands at axis 1 of x"),
    ],
)
def test_inputs_without_a_batch_in_common(inputs: str, why: str) -> None:
    with pytest.raises(NoBatch, match=why.replace("*", r"\*")):
        batch_of(network(inputs, "{op: relu, from: x}"))
