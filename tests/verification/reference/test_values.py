"""What layers that slide a window compute, against NumPy and against identities that hold exactly on integers."""

from __future__ import annotations

import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from handmade import Array, chain, distinct, integers, last, network, run

from shapecheck.verification.reference import build


def convolved(x: Array, kernel: Array, bias: Array, s: int, p: int, d: int, groups: int) -> Array:
    """Convolve as the definition says, one product at a time over two spatial axes."""
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    out, inner, *taps = kernel.shape
    starts = [
        [t for t in range(0, size, s) if t + (k - 1) * d < size] for size, k in zip(padded.shape[2:], taps, strict=True)
    ]
    y = np.zeros((x.shape[0], out, len(starts[0]), len(starts[1])), np.float32)
    for n, o in np.ndindex(x.shape[0], out):
        first = o // (out // groups) * inner
        for (a, row), (b, column) in itertools.product(enumerate(starts[0]), enumerate(starts[1])):
            for c, u, v in np.ndindex(inner, *taps):
                y[n, o, a, b] += padded[n, first + c, row + u * d, column + v * d] * kernel[o, c, u, v]
    return y + bias[None, :, None, None]


@pytest.mark.parametrize(("s", "p", "d", "groups"), [(1, 0, 1, 1), (2, 1, 1, 2), (1, 2, 2, 1), (3, 2, 2, 2)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_conv(s: int, p: int, d: int, groups: int, channels_last: bool) -> None:
    x, kernel, bias = integers(2, 4, 8, 7), integers(6, 4 // groups, 3, 2), integers(6)
    keys = {
        "op": "conv",
        "out_channels": 6,
        "kernel_size": [3, 2],
        "stride": s,
        "padding": p,
        "dilation": d,
        "groups": groups,
    }
    expected = convolved(x, kernel, bias, s, p, d, groups)
    fed = last(x) if channels_last else x
    found = run(chain(fed.shape, keys, channels_last=channels_last), fed, kernel=kernel, bias=bias)
    np.testing.assert_array_equal(found, last(expected) if channels_last else expected)


@pytest.mark.parametrize(("word", "edges"), [("same", (1, 2)), ("same_lower", (2, 1))])
def test_the_odd_zero(word: str, edges: tuple[int, int]) -> None:
    """A kernel of 4 over 5 elements at stride 1 needs three zeros; the word says where the third stands."""
    x, kernel = integers(1, 1, 5), integers(1, 1, 4)
    keys = {"op": "conv", "out_channels": 1, "kernel_size": 4, "bias": False}
    padded = np.pad(x[0, 0], edges)
    expected = [padded[t : t + 4] @ kernel[0, 0] for t in range(5)]
    np.testing.assert_array_equal(run(chain(x.shape, {**keys, "padding": word}), x, kernel=kernel)[0, 0], expected)


@pytest.mark.parametrize(("mode", "name"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
@pytest.mark.parametrize(("padding", "edges"), [(2, (2, 2)), ([[3, 1]], (3, 1)), ("same", (1, 2)), ("half", (2, 2))])
def test_conv_pads_with_what_is_said(mode: str, name: Any, padding: Any, edges: tuple[int, int]) -> None:
    x, kernel = integers(1, 1, 6), integers(1, 1, 4)
    keys = {"op": "conv", "out_channels": 1, "kernel_size": 4, "bias": False, "padding": padding, "padding_mode": mode}
    padded = np.pad(x[0, 0], edges, mode=name)
    expected = [padded[t : t + 4] @ kernel[0, 0] for t in range(len(padded) - 3)]
    np.testing.assert_array_equal(run(chain(x.shape, keys), x, kernel=kernel)[0, 0], expected)


@pytest.mark.parametrize(
    ("s", "d", "a", "padding"),
    [
        (1, 1, 0, 0),
        (2, 1, 1, 1),
        (3, 2, 2, [[2, 0], [0, 1]]),
        (2, 2, 0, "half"),
        (1, 1, 0, "full"),
        (2, 1, 1, "same"),
        (3, 1, 2, "same_lower"),
        (2, 1, 0, [[4, 3], [1, 4]]),
    ],
)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("channels_last", [False, True])
def test_conv_transpose_is_the_adjoint(s: int, d: int, a: int, padding: Any, groups: int, channels_last: bool) -> None:
    """<C y, x> = <y, T x> for the convolution C and its transpose T with one kernel: exact on integers."""
    shared = {"kernel_size": 3, "stride": s, "dilation": d, "padding": padding, "groups": groups, "bias": False}
    x, kernel = integers(2, 4, 4, 3), integers(4, 6 // groups, 3, 3)
    x = last(x) if channels_last else x
    up = {"op": "conv_transpose", "out_channels": 6, "output_padding": a, **shared}
    t_x = run(chain(x.shape, up, channels_last=channels_last), x, kernel=kernel)
    y = integers(*t_x.shape)
    c_y = run(
        chain(y.shape, {"op": "conv", "out_channels": 4, **shared}, channels_last=channels_last), y, kernel=kernel
    )
    assert c_y.shape == x.shape
    assert np.sum(c_y * x) == np.sum(y * t_x) != 0


@pytest.mark.parametrize(
    "keys", [{"transpose_of": "down"}, {"out_channels": 3, "kernel_size": 3, "stride": 2, "output_size": [9, 8]}]
)
def test_conv_transpose_by_target_is_the_same(keys: dict[str, Any]) -> None:
    down = {"op": "conv", "out_channels": 4, "kernel_size": 3, "stride": 2, "bias": False}
    made = network(
        ("x", (1, 3, 9, 8), None),
        ("down", down, ("x",)),
        ("l1", {"op": "conv_transpose", "bias": False, **keys}, ("down",)),
    )
    kernel, x = integers(4, 3, 3, 3), integers(1, 3, 9, 8)
    direct = {
        "op": "conv_transpose",
        "out_channels": 3,
        "kernel_size": 3,
        "stride": 2,
        "output_padding": [0, 1],
        "bias": False,
    }
    y = run(chain((1, 3, 9, 8), down), x, kernel=kernel)
    model = build(made)
    found = model.apply({"down.kernel": jnp.asarray(kernel), "l1.kernel": jnp.asarray(kernel)}, {"x": jnp.asarray(x)})[
        "l1"
    ]
    np.testing.assert_array_equal(found, run(chain(y.shape, direct), y, kernel=kernel))


def pooled(x: Array, k: int, s: int, p: int, d: int, ceil_mode: bool, function: Any, empty: float) -> Array:
    """Pool one spatial axis; ``function`` is given a window, in which the padding is ``empty``, and its start."""
    padded = np.pad(x, ((0, 0), (0, 0), (p, p + (s - 1 if ceil_mode else 0))), constant_values=empty)
    starts = [t for t in range(0, padded.shape[2], s) if t + (k - 1) * d < padded.shape[2]]
    starts = [t for t in starts if not ceil_mode or t < p + x.shape[2]]
    return np.stack([function(padded[:, :, t : t + (k - 1) * d + 1 : d], t) for t in starts], axis=2)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("k", "s", "p", "d"), [(3, 2, 1, 1), (2, 3, 1, 1), (3, 2, 1, 2), (4, 4, 2, 1)])
def test_max_pool(k: int, s: int, p: int, d: int, ceil_mode: bool) -> None:
    x = integers(2, 3, 11)
    keys = {"op": "max_pool", "kernel_size": k, "stride": s, "padding": p, "dilation": d, "ceil_mode": ceil_mode}
    expected = pooled(x, k, s, p, d, ceil_mode, lambda window, _: window.max(axis=2), -np.inf)
    np.testing.assert_array_equal(run(chain(x.shape, keys), x), expected)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("with_padding", [False, True])
@pytest.mark.parametrize(("k", "s", "p"), [(3, 2, 1), (2, 3, 1), (4, 4, 2)])
def test_avg_pool(k: int, s: int, p: int, with_padding: bool, ceil_mode: bool) -> None:
    x = integers(2, 3, 11)

    def mean(window: Array, start: int) -> Array:
        inside = range(p + 11 + p) if with_padding else range(p, p + 11)
        return window.sum(axis=2) / sum(1 for at in range(start, start + k) if at in inside)

    keys = {
        "op": "avg_pool",
        "kernel_size": k,
        "stride": s,
        "padding": p,
        "ceil_mode": ceil_mode,
        "count_include_pad": with_padding,
    }
    np.testing.assert_allclose(run(chain(x.shape, keys), x), pooled(x, k, s, p, 1, ceil_mode, mean, 0), rtol=1e-6)


def test_lp_pool() -> None:
    x = integers(1, 2, 9)
    expected = pooled(x, 3, 2, 0, 1, False, lambda window, _: (np.abs(window) ** 3).sum(axis=2) ** (1 / 3), 0)
    found = run(chain(x.shape, {"op": "lp_pool", "kernel_size": 3, "stride": 2, "norm_type": 3}), x)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("channels_last", [False, True])
def test_max_unpool_puts_each_maximum_back(dilation: int, channels_last: bool) -> None:
    x = distinct(2, 3, 9, 7)
    x = last(x) if channels_last else x
    pool = {"op": "max_pool", "kernel_size": 3, "stride": 3, "padding": 1, "dilation": dilation, "ceil_mode": True}
    made = network(
        ("x", x.shape, None),
        ("down", pool, ("x",)),
        ("l1", {"op": "max_unpool", "pool": "down"}, ("down",)),
        channels_last=channels_last,
    )
    down = run(chain(x.shape, pool, channels_last=channels_last), x)
    found = run(made, x)
    kept = found != 0
    assert set(found[kept]) == set(down[down != 0])
    if dilation == 1:  # windows do not overlap
        np.testing.assert_array_equal(found[kept], x[kept])


@pytest.mark.parametrize("o", [1, 3, 5, 7, 10, 16])
@pytest.mark.parametrize(("op", "function"), [("adaptive_avg_pool", np.mean), ("adaptive_max_pool", np.max)])
def test_adaptive_pool(op: str, function: Any, o: int) -> None:
    x = integers(2, 3, 10, 4)
    bins = [(i * 10 // o, -(-(i + 1) * 10 // o)) for i in range(o)]
    expected = np.stack([function(x[:, :, start:end, :], axis=2) for start, end in bins], axis=2)
    expected = np.stack([function(expected[..., 2 * i : 2 * i + 2], axis=-1) for i in range(2)], axis=-1)
    np.testing.assert_allclose(run(chain(x.shape, {"op": op, "output_size": [o, 2]}), x), expected, rtol=1e-6)
    found = run(chain(last(x).shape, {"op": op, "output_size": [o, 2]}, channels_last=True), last(x))
    np.testing.assert_allclose(found, last(expected), rtol=1e-6)


def test_unfold_lays_out_the_windows() -> None:
    x = integers(2, 3, 5, 6)
    keys = {"kernel_size": [2, 3], "stride": [1, 2], "padding": [0, 1]}
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1)))
    columns = [padded[:, :, r : r + 2, c : c + 3].reshape(2, -1) for r in range(4) for c in (0, 2, 4)]
    expected = np.stack(columns, axis=2)
    np.testing.assert_array_equal(run(chain(x.shape, {"op": "unfold", **keys}), x), expected)
    counted = run(
        chain(x.shape, {"op": "unfold", **keys}, {"op": "fold", "output_size": [5, 6], **keys}), np.ones_like(x)
    )
    times = np.array([1, 2, 2, 2, 1])[:, None] * np.array([1, 2, 1, 2, 1, 1])[None, :]
    np.testing.assert_array_equal(counted, np.broadcast_to(times, x.shape))
