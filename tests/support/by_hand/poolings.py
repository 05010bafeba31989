"""Pooling and its undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from one_layer import RESULT, layer

from by_hand.cases import Arrays, Case, Draw, Map, draw_padding, each, edges_of, in_map, require
from by_hand.convolutions import output_size, transposed


def windowed(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """A pooling: floor or ceil mode, at most half the window of padding."""
    k = each(keys["kernel_size"], m.count)
    s = k if keys.get("stride") is None else each(keys["stride"], m.count)
    d = each(keys.get("dilation", 1), m.count)
    padding = edges_of(keys.get("padding", 0), k, d)
    same = padding in ("SAME", "SAME_LOWER")
    pairs = [(0, 0)] * m.count if padding == "VALID" else padding
    if not same:
        require(all(2 * max(pair) <= size for pair, size in zip(pairs, k, strict=True)))
    ceil = keys.get("ceil_mode", False) and not same

    def whole(values: Sequence[int]) -> tuple[int, ...]:
        result = [1] * x.ndim
        for axis, value in zip(m.axes, values, strict=True):
            result[axis] = value
        return tuple(result)

    edges: Any = padding
    if not same:
        edges = [(0, 0)] * x.ndim
        for axis, (before, after), stride in zip(m.axes, pairs, s, strict=True):
            edges[axis] = (before, after + stride - 1 if ceil else after)
    found = lax.reduce_window(x, -jnp.inf, lax.max, whole(k), whole(s), edges, window_dilation=whole(d))
    if ceil:
        # A last window that starts behind the input is dropped.
        for axis, (before, _), stride in zip(m.axes, pairs, s, strict=True):
            starts = len(range(0, x.shape[axis] + before, stride))
            found = lax.slice_in_dim(found, 0, min(starts, found.shape[axis]), axis=axis)
    return found


def pool_keys(draw: Draw, m: Map, op: str) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "kernel_size": draw.per_axis(m.count, 1, 5),
        "padding": draw_padding(draw, m.count, 2),
        "ceil_mode": draw.of(True, False),
    }
    if draw.of(True, False):
        keys["stride"] = draw.per_axis(m.count, 1, 4)
    if op == "max_pool" and draw.of(True, False):
        keys["dilation"] = draw.per_axis(m.count, 1, 3)
    if op == "avg_pool":
        keys["count_include_pad"] = draw.of(True, False)
    if op == "lp_pool":
        keys["norm_type"] = draw.of(1, 2, 2.5)
    return keys


def pool(draw: Draw, op: str) -> Case:
    m = draw.map()
    keys = pool_keys(draw, m, op)
    return in_map(m, op, keys, lambda x: windowed(x, m, keys))


def max_unpool(draw: Draw, op: str) -> Case:
    if draw.of(True, False):
        return unpool_of(draw, op)
    m = draw.map(high=6)
    keys: dict[str, Any] = {
        "kernel_size": draw.per_axis(m.count, 1, 4),
        "padding": draw.of("valid", "half", "full") if draw.rarely() else draw.edges(m.count, 1),
    }
    if draw.of(True, False):
        keys["stride"] = draw.per_axis(m.count, 1, 4)
    if draw.of(True, False):
        keys["output_padding"] = draw.per_axis(m.count, 0, 2)
    elif draw.of(True, False):
        keys["output_size"] = output_size(draw, m, {"stride": keys["kernel_size"], **keys})

    def function(x: Any) -> Any:
        stride = keys.get("stride", keys["kernel_size"])
        a = each(keys.get("output_padding", 0), m.count)
        require(all(extra < s for extra, s in zip(a, each(stride, m.count), strict=True)))
        return transposed(x, m, keys | {"stride": stride, "groups": "depthwise", "out_channels": m.channels})

    return in_map(m, op, keys, function)


def unpool_of(draw: Draw, op: str) -> Case:
    """By name: the map must be as large as the one that the pooling made, and becomes what the pooling was given."""
    m = draw.map()
    keys = pool_keys(draw, m, "max_pool")
    lines = [layer("max_pool", keys, "there", "x")]
    kernel = draw.of(1, 1, 1, 2)
    lines += [
        layer("conv", {"out_channels": draw.of(m.channels, m.channels, 5), "kernel_size": kernel}, "between"),
        layer(op, {"pool": "there"}, RESULT),
    ]
    channels = 5 if "out_channels: 5" in lines[1] else m.channels

    def function(arrays: Arrays) -> Any:
        made = jax.eval_shape(lambda x: windowed(x, m, keys), arrays["x"])
        require(min(made.shape) >= 1)
        between = [made.shape[axis] - kernel + 1 for axis in m.axes]
        require(between == [made.shape[axis] for axis in m.axes] and channels == m.channels)
        return arrays["x"]

    return Case(lines, {"x": m.shape()}, m.last, function)


def adaptive_pool(draw: Draw, op: str) -> Case:
    m = draw.map()
    keys = {"output_size": draw.per_axis(m.count, 1, 9)}

    def function(x: Any) -> Any:
        reduce = jnp.mean if "avg" in op else jnp.max
        for axis, o in zip(m.axes, each(keys["output_size"], m.count), strict=True):
            i = x.shape[axis]
            parts = [
                reduce(lax.slice_in_dim(x, j * i // o, -(-(j + 1) * i // o), axis=axis), axis, keepdims=True)
                for j in range(o)
            ]
            x = jnp.concatenate(parts, axis)
        return x

    return in_map(m, op, keys, function)


def global_pool(draw: Draw, op: str) -> Case:
    m = draw.map()
    keep = draw.of(True, False)
    reduce = jnp.mean if "avg" in op else jnp.max
    return in_map(m, op, {"keep_dims": keep}, lambda x: reduce(x, m.axes, keepdims=keep))
