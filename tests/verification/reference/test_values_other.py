"""What all other layers compute, against NumPy."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from handmade import RANDOM, Array, chain, distinct, integers, last, network, run

from shapecheck.verification.reference import build
from shapecheck.verification.reference.compile import QUICK


def normal(x: Array, axes: tuple[int, ...]) -> Array:
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    ("keys", "axes"),
    [
        ({"op": "batch_norm"}, (0, 2, 3)),
        ({"op": "instance_norm", "affine": True}, (2, 3)),
    ],
)
def test_norms_by_channel(keys: dict[str, Any], axes: tuple[int, ...], channels_last: bool) -> None:
    x, scale, shift = integers(3, 4, 5, 6), integers(4), integers(4)
    expected = normal(x, axes) * scale[:, None, None] + shift[:, None, None]
    fed = last(x) if channels_last else x
    found = run(chain(fed.shape, keys, channels_last=channels_last), fed, scale=scale, shift=shift)
    np.testing.assert_allclose(found, last(expected) if channels_last else expected, atol=1e-4)


def test_group_norm_and_layer_norm() -> None:
    x = integers(3, 4, 5, 6)
    expected = normal(x.reshape(3, 2, 2, 5, 6), (2, 3, 4)).reshape(x.shape)
    np.testing.assert_allclose(run(chain(x.shape, {"op": "group_norm", "num_groups": 2}), x), expected, atol=1e-4)
    turned = run(chain(last(x).shape, {"op": "group_norm", "num_groups": 2}, channels_last=True), last(x))
    np.testing.assert_allclose(turned, last(expected), atol=1e-4)
    np.testing.assert_allclose(run(chain(x.shape, {"op": "layer_norm", "axis": 1}), x), normal(x, (1,)), atol=1e-4)


def test_local_response_norm() -> None:
    x = integers(2, 7, 3)
    padded = np.pad(x**2, ((0, 0), (2, 2), (0, 0)))
    near = sum(padded[:, at : at + 7] for at in range(5))
    found = run(chain(x.shape, {"op": "local_response_norm"}), x)
    np.testing.assert_allclose(found, x / (1 + 1e-4 * near / 5) ** 0.75, rtol=1e-6)


def test_attention() -> None:
    x = RANDOM.normal(size=(2, 5, 6)).astype(np.float32)
    held = {
        f"{name}_{part}": RANDOM.normal(size=(6, 6) if part == "kernel" else (6,)).astype(np.float32)
        for name in ("query", "key", "value", "output")
        for part in ("kernel", "bias")
    }
    query, key, value = (x @ held[f"{n}_kernel"] + held[f"{n}_bias"] for n in ("query", "key", "value"))
    heads = []
    for part in (slice(0, 2), slice(2, 4), slice(4, 6)):
        scores = np.exp(query[..., part] @ key[..., part].transpose(0, 2, 1) / np.sqrt(2))
        heads.append(scores / scores.sum(axis=-1, keepdims=True) @ value[..., part])
    expected = np.concatenate(heads, axis=-1) @ held["output_kernel"] + held["output_bias"]
    found = run(chain(x.shape, {"op": "attention", "num_heads": 3}), x, **held)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_linear_and_embedding() -> None:
    x, kernel, bias = integers(2, 3, 4), integers(4, 5), integers(5)
    found = run(chain(x.shape, {"op": "linear", "out_features": 5}), x, kernel=kernel, bias=bias)
    np.testing.assert_array_equal(found, x @ kernel + bias)
    words, table = RANDOM.integers(0, 7, (2, 3)), integers(7, 4)
    made = chain(words.shape, {"op": "embedding", "num_embeddings": 7, "embedding_dim": 4})
    np.testing.assert_array_equal(run(made, words.astype(np.int32), table=table), table[words])


@pytest.mark.parametrize(
    ("op", "keys", "function"),
    [
        ("relu", {}, lambda x: np.maximum(x, 0)),
        ("relu6", {}, lambda x: np.clip(x, 0, 6)),
        ("leaky_relu", {"negative_slope": 0.2}, lambda x: np.where(x > 0, x, 0.2 * x)),
        ("elu", {"alpha": 2}, lambda x: np.where(x > 0, x, 2 * np.expm1(x))),
        ("selu", {}, lambda x: 1.0507010 * np.where(x > 0, x, 1.6732632 * np.expm1(x))),
        ("gelu", {}, lambda x: x * (1 + np.vectorize(math.erf)(x / np.sqrt(2))) / 2),
        ("silu", {}, lambda x: x / (1 + np.exp(-x))),
        ("mish", {}, lambda x: x * np.tanh(np.log1p(np.exp(x)))),
        ("hardswish", {}, lambda x: x * np.clip(x + 3, 0, 6) / 6),
        ("sigmoid", {}, lambda x: 1 / (1 + np.exp(-x))),
        ("hardsigmoid", {}, lambda x: np.clip(x + 3, 0, 6) / 6),
        ("tanh", {}, np.tanh),
        ("softplus", {"beta": 2}, lambda x: np.log1p(np.exp(2 * x)) / 2),
        ("identity", {}, lambda x: x),
        ("dropout", {"p": 0.3}, lambda x: x),
        ("prelu", {}, lambda x: np.where(x > 0, x, 0.25 * x)),
        ("softmax", {}, lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)),
        ("log_softmax", {"axis": -1}, lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True))),
    ],
)
def test_activations(op: str, keys: dict[str, Any], function: Any) -> None:
    x = np.linspace(-7, 7, 24, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_allclose(run(chain(x.shape, {"op": op, **keys}), x), function(x), rtol=1e-4, atol=1e-5)


def test_prelu_by_channel() -> None:
    x, slope = integers(2, 3, 4), np.array([0.5, 2, 3], np.float32)
    found = run(chain(x.shape, {"op": "prelu", "num_parameters": 3}), x, slope=slope)
    np.testing.assert_array_equal(found, np.where(x > 0, x, slope[:, None] * x))


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("keys", [{"scale_factor": 2}, {"size": 9}, {"scale_factor": 0.6}, {"size": 5}])
def test_upsampling_keeps_a_constant(mode: str, keys: dict[str, Any]) -> None:
    found = run(chain((1, 2, 5, 5), {"op": "upsample", "mode": mode, **keys}), np.full((1, 2, 5, 5), 3, np.float32))
    np.testing.assert_allclose(found, 3, rtol=1e-5)


def test_upsampling_values() -> None:
    x = np.array([[[0, 4, 8]]], np.float32)
    np.testing.assert_array_equal(
        run(chain(x.shape, {"op": "upsample", "scale_factor": 2}), x)[0, 0], [0, 0, 4, 4, 8, 8]
    )
    np.testing.assert_array_equal(run(chain(x.shape, {"op": "upsample", "size": 5}), x)[0, 0], [0, 0, 4, 4, 8])
    found = run(chain(x.shape, {"op": "upsample", "scale_factor": 2, "mode": "linear"}), x)
    np.testing.assert_allclose(found[0, 0], [0, 1, 3, 5, 7, 8])
    ramp = np.arange(8, dtype=np.float32)[None, None]
    found = run(chain(ramp.shape, {"op": "upsample", "scale_factor": 2, "mode": "cubic"}), ramp)
    # Between inner elements of a straight line the cubic of PyTorch (a = -0.75) is at 1.773..., not on the line.
    weights = {-1: -0.10546875, 0: 0.87890625, 1: 0.26171875, 2: -0.03515625}
    assert found[0, 0, 5] == pytest.approx(sum(w * (2 + at) for at, w in weights.items()))


def test_pixel_shuffle_order() -> None:
    x = distinct(2, 8, 3, 5)
    expected = np.zeros((2, 2, 6, 10), np.float32)
    for c, i, j in np.ndindex(2, 2, 2):
        expected[:, c, i::2, j::2] = x[:, c * 4 + i * 2 + j]
    np.testing.assert_array_equal(run(chain(x.shape, {"op": "pixel_shuffle", "factor": 2}), x), expected)
    found = run(chain(last(x).shape, {"op": "pixel_shuffle", "factor": 2}, channels_last=True), last(x))
    np.testing.assert_array_equal(found, last(expected))
    there_and_back = chain(x.shape, {"op": "pixel_shuffle", "factor": 2}, {"op": "pixel_unshuffle", "factor": 2})
    np.testing.assert_array_equal(run(there_and_back, x), x)


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ({"value": 7}, {"constant_values": 7}),
        ({"mode": "zeros"}, {}),
        ({"mode": "reflect"}, {"mode": "reflect"}),
        ({"mode": "replicate"}, {"mode": "edge"}),
        ({"mode": "circular"}, {"mode": "wrap"}),
    ],
)
def test_pad(keys: dict[str, Any], options: dict[str, Any]) -> None:
    x = integers(1, 2, 4, 5)
    found = run(chain(x.shape, {"op": "pad", "padding": [[1, 2], 3], **keys}), x)
    np.testing.assert_array_equal(found, np.pad(x, ((0, 0), (0, 0), (1, 2), (3, 3)), **options))
    found = run(chain(last(x).shape, {"op": "pad", "padding": [[1, 2], 3], **keys}, channels_last=True), last(x))
    np.testing.assert_array_equal(found, np.pad(last(x), ((0, 0), (1, 2), (3, 3), (0, 0)), **options))


def test_crop() -> None:
    x = distinct(1, 2, 7, 8)
    np.testing.assert_array_equal(run(chain(x.shape, {"op": "crop", "cropping": [[1, 2], 3]}), x), x[:, :, 1:5, 3:5])
    made = network(
        ("x", x.shape, None),
        ("small", {"op": "slice", "axis": 2, "stop": 4}, ("x",)),
        ("smaller", {"op": "slice", "axis": 3, "stop": 3}, ("small",)),
        ("l1", {"op": "crop", "like": "smaller"}, ("x",)),
    )
    np.testing.assert_array_equal(run(made, x), x[:, :, 1:5, 2:5])


@pytest.mark.parametrize(
    ("keys", "function"),
    [
        ({"op": "flatten"}, lambda x: x.reshape(2, -1)),
        ({"op": "flatten", "start_axis": 0, "end_axis": -2}, lambda x: x.reshape(24, 5)),
        ({"op": "reshape", "shape": [-1, 6]}, lambda x: x.reshape(-1, 6)),
        ({"op": "permute", "axes": [0, 3, -3, 2]}, lambda x: x.transpose(0, 3, 1, 2)),
        ({"op": "unsqueeze", "axis": -1}, lambda x: x[..., None]),
        ({"op": "unsqueeze", "axis": 1}, lambda x: x[:, None]),
        ({"op": "slice", "axis": 3, "start": -4, "step": 2}, lambda x: x[..., -4::2]),
        ({"op": "slice", "axis": 1, "start": 1, "stop": 99}, lambda x: x[:, 1:99]),
        ({"op": "chunk", "axis": -1, "chunks": 3, "index": 2}, lambda x: x[..., 4:]),
        ({"op": "chunk", "axis": 2, "chunks": 2, "index": 1}, lambda x: x[:, :, 2:]),
        ({"op": "reduce", "kind": "mean", "axes": [2, -1]}, lambda x: x.mean(axis=(2, 3))),
        ({"op": "reduce", "kind": "max", "axes": 1, "keep_dims": True}, lambda x: x.max(axis=1, keepdims=True)),
        ({"op": "reduce", "kind": "sum", "axes": 0}, lambda x: x.sum(axis=0)),
        ({"op": "global_avg_pool"}, lambda x: x.mean(axis=(2, 3), keepdims=True)),
        ({"op": "global_max_pool", "keep_dims": False}, lambda x: x.max(axis=(2, 3))),
    ],
)
def test_rearranging(keys: dict[str, Any], function: Any) -> None:
    x = integers(2, 3, 4, 5)
    np.testing.assert_allclose(run(chain(x.shape, keys), x), function(x), rtol=1e-6)


def test_squeeze() -> None:
    x = integers(2, 1, 3)
    np.testing.assert_array_equal(run(chain(x.shape, {"op": "squeeze", "axis": -2}), x), x[:, 0])


@pytest.mark.parametrize(
    ("op", "function"),
    [
        ("add", lambda a, b, c: a + b + c),
        ("subtract", lambda a, b, c: a - b - c),
        ("multiply", lambda a, b, c: a * b * c),
        ("maximum", lambda a, b, c: np.maximum(np.maximum(a, b), c)),
        ("average", lambda a, b, c: (a + b + c) / 3),
        ("concat", lambda a, b, c: np.concatenate([a, b, c], 1)),
        ("stack", lambda a, b, c: np.stack([a, b, c], 2)),
    ],
)
def test_merging(op: str, function: Any) -> None:
    arrays = [integers(2, 3, 4) for _ in range(3)]
    keys = {"op": op, "axis": 2} if op == "stack" else {"op": op}
    made = network(*((name, (2, 3, 4), None) for name in "abc"), ("l1", keys, "abc"))
    found = build(made).apply({}, dict(zip("abc", map(jnp.asarray, arrays), strict=True)))["l1"]
    np.testing.assert_allclose(found, function(*arrays), rtol=1e-6)


def test_broadcasting_only_where_it_is_said() -> None:
    rows = ("a", (2, 3, 1), None), ("b", (1, 3, 4), None)
    a, b = integers(2, 3, 1), integers(1, 3, 4)
    made = build(network(*rows, ("l1", {"op": "multiply", "broadcast": True}, "ab")))
    np.testing.assert_array_equal(made.apply({}, {"a": jnp.asarray(a), "b": jnp.asarray(b)})["l1"], a * b)


@pytest.mark.slow
def test_a_network_learns() -> None:
    made = chain(
        (4, 3, 12, 12),
        {"op": "conv", "out_channels": 4, "kernel_size": 3},
        {"op": "batch_norm"},
        {"op": "relu"},
        {"op": "max_pool", "kernel_size": 2, "ceil_mode": True},
        {"op": "lp_pool", "kernel_size": 2},
        {"op": "conv_transpose", "out_channels": 2, "kernel_size": 2, "stride": 2, "padding": "same"},
        {"op": "max_pool", "kernel_size": 2, "dilation": 2},
        {"op": "adaptive_avg_pool", "output_size": 3},
        {"op": "flatten"},
        {"op": "linear", "out_features": 1},
    )
    model = build(made)
    parameters = model.init(jax.random.key(1))
    assert {name: value.shape for name, value in parameters.items()} == {n: s.shape for n, s in model.specs.items()}
    x = jnp.asarray(integers(4, 3, 12, 12))

    def loss(held: dict[str, jax.Array]) -> jax.Array:
        return jnp.mean((model.apply(held, {"x": x})["l10"] - jnp.arange(4.0)[:, None]) ** 2)

    step = jax.jit(jax.value_and_grad(loss), compiler_options=QUICK)
    first, gradient = step(parameters)
    assert all(jnp.all(jnp.isfinite(value)) for value in gradient.values())
    for _ in range(20):
        gradient = step(parameters)[1]
        parameters = {name: value - 0.02 * gradient[name] for name, value in parameters.items()}
    assert step(parameters)[0] < 0.5 * first
