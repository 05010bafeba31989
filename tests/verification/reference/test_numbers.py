"""Numbers on two devices: what rounding explains and what it does not, layer by layer. There is no GPU here: the other
device is the CPU with another precision, or with a mistake planted, or a second virtual CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from amounts import sampled
from handmade import chain
from layer_choices import sample
from own_process import python
from wide_floats import wide_floats

from shapecheck.layers import REGISTRY
from shapecheck.verification.records.number_comparison import LayerComparison
from shapecheck.verification.reference import BuildError
from shapecheck.verification.reference.execution import layer_numbers
from shapecheck.verification.reference.execution.layer_numbers import compare_numbers

CPU = jax.devices("cpu")[0]
RUN = layer_numbers.run_on
Other = Callable[[Any, Any], Any]


def other_device(patch: pytest.MonkeyPatch, other: Other) -> list[Any]:
    """Let ``other(layer, operands)`` stand for the second device; return a list that gets what the first one makes."""
    made: list[Any] = []

    def run_on(device: Any, layer: Any, operands: Any) -> Any:
        turn.append(None)
        if len(turn) % 2 == 0:
            return other(layer, operands)
        made.append(np.asarray(RUN(device, layer, operands)))
        return made[-1]

    turn: list[None] = []
    patch.setattr(layer_numbers, "run_on", run_on)
    return made


def in_float64(layer: Any, operands: Any) -> Any:
    narrow = jax.eval_shape(layer, *operands).dtype

    def widened(x: Any) -> Any:
        return np.asarray(x).astype(np.float64 if jnp.issubdtype(x.dtype, jnp.floating) else x.dtype)

    with wide_floats():
        return np.asarray(RUN(CPU, layer, jax.tree.map(widened, operands))).astype(narrow)


def as_tf32(layer: Any, operands: Any) -> Any:
    """Round operands to 10 bits behind the point, as tensor cores do unless they are told otherwise."""

    def rounded(x: Any) -> Any:
        bits = np.asarray(x).view(np.int32) + 0x1000
        return (bits & ~0x1FFF).view(np.float32)

    return RUN(CPU, layer, jax.tree.map(rounded, operands))


def compared(made: Any) -> list[LayerComparison]:
    return compare_numbers(made, CPU, CPU)


@pytest.mark.parametrize("op", sampled(sorted(REGISTRY), 4))
def test_rounding_is_allowed_and_little_more(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact results, rounded once, differ by less than is allowed; and a thousandth of the largest number is more."""
    made = other_device(monkeypatch, in_float64)
    (found,) = compared(sample(op))
    assert found.agrees
    assert found.difference <= found.allowed / 4, "the bound is not a tight fit to this very case"
    assert found.allowed < 1e-3 * np.abs(made[0]).max()


@pytest.mark.parametrize(("dtype", "share"), [("bfloat16", 0.5), ("float16", 0.1)])
@pytest.mark.parametrize("op", ["conv", "linear", "batch_norm", "avg_pool", "softmax"])
def test_narrow_numbers_may_differ_by_more(op: str, dtype: str, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    made = other_device(monkeypatch, in_float64)
    network = sample(op)
    network.nodes[0].dtype = dtype
    (found,) = compared(network)
    assert found.agrees and found.difference > 0
    assert found.allowed < share * np.abs(made[0].astype(np.float64)).max()


@pytest.mark.parametrize("op", ["conv", "conv_transpose", "linear", "attention"])
def test_products_of_ten_bits_are_found(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other_device(monkeypatch, as_tf32)
    (found,) = compared(sample(op))
    assert not found.agrees


LAYERS = (
    {"op": "conv", "out_channels": 3, "kernel_size": 3},
    {"op": "tanh"},
    {"op": "conv", "out_channels": 4, "kernel_size": 2},
    {"op": "flatten"},
    {"op": "linear", "out_features": 3},
)


def test_one_wrong_layer_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    turn: list[None] = []

    def wrong_in_the_third(layer: Any, operands: Any) -> Any:
        turn.append(None)
        right = np.array(RUN(CPU, layer, operands))
        if len(turn) == 3:
            right.flat[7] += 0.01 * np.abs(right).max()
        return right

    other_device(monkeypatch, wrong_in_the_third)
    found = compared(chain((2, 3, 8, 8), *LAYERS))
    assert [one.layer for one in found] == ["l1", "l2", "l3", "l4", "l5"]
    assert [one.agrees for one in found] == [True, True, False, True, True]
    assert found[3] == LayerComparison("l4", 0.0, 0.0), "moving numbers rounds nothing"


def test_a_number_on_one_device_alone_is_no_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    other_device(monkeypatch, lambda layer, operands: np.asarray(RUN(CPU, layer, operands)) * np.nan)
    (found,) = compared(sample("conv"))
    assert found.difference == math.inf and not found.agrees


def test_more_is_allowed_where_more_is_added() -> None:
    few, many = (
        compared(chain((1, channels, 6, 6), {"op": "conv", "out_channels": 2, "kernel_size": 3}))[0].allowed
        for channels in (1, 400)
    )
    # Kernels begin with the variance 1 / fan_in, so the sums are of one size; roundings go with the root of k.
    assert 8 < many / few < 40


def test_a_network_that_cannot_be_built_is_refused() -> None:
    with pytest.raises(BuildError, match=r"^l1: .*empty"):
        compared(chain((1, 1, 5), {"op": "conv", "out_channels": 1, "kernel_size": 6}))


def test_two_devices_are_two() -> None:
    done = python(
        """
        import jax
        from handmade import chain
        from shapecheck.verification.reference.execution import layer_numbers
        used, right = [], layer_numbers.run_on
        def run_on(device, layer, operands):
            made = right(device, layer, operands)
            used.append(made.devices() == {device})
            return made * 1.001 if device.id == 1 and len(used) == 4 else made
        layer_numbers.run_on = run_on
        layers = [{"op": "conv", "out_channels": 3, "kernel_size": 3}, {"op": "tanh"}, {"op": "batch_norm"}]
        found = layer_numbers.compare_numbers(chain((2, 3, 8, 8), *layers), *jax.devices())
        print(len(jax.devices()), used, [one.agrees for one in found])
        """,
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )
    assert done.stdout == f"2 {[True] * 6} [True, False, True]\n", done.stderr
