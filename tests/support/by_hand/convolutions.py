"""Convolutions, their transposes, windows to columns and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from one_layer import RESULT, layer

from by_hand.cases import (
    Arrays,
    Case,
    Draw,
    Map,
    Refused,
    draw_padding,
    each,
    edges_of,
    in_map,
    on,
    pad_edges,
    reach,
    require,
)


def convolved(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """A convolution by the language's keys, channels_first or last."""
    k, s, d = (each(keys.get(name, 1), m.count) for name in ("kernel_size", "stride", "dilation"))
    groups = m.channels if keys.get("groups") == "depthwise" else keys.get("groups", 1)
    stated = keys.get("in_channels", m.channels)
    require(stated == m.channels)
    require(m.channels % groups == 0)
    weights = jnp.zeros((keys["out_channels"], m.channels // groups, *k))
    padding = edges_of(keys.get("padding", 0), k, d)
    mode = keys.get("padding_mode", "zeros")
    if mode != "zeros":
        if isinstance(padding, str):
            spatial = [x.shape[axis] for axis in m.axes]
            padding = lax.padtype_to_pads(spatial, [reach(a, b) for a, b in zip(k, d, strict=True)], s, padding)
        x = pad_edges(x, m, [tuple(map(int, pair)) for pair in padding], mode)
        padding = "VALID"
    return lax.conv_general_dilated(
        x, weights, s, padding, rhs_dilation=d, dimension_numbers=m.numbers, feature_group_count=groups
    )


def conv_keys(draw: Draw, m: Map) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "out_channels": draw.of(1, 2, 4, 6),
        "kernel_size": draw.per_axis(m.count, 1, 5),
        "stride": draw.per_axis(m.count, 1, 3),
        "padding": draw_padding(draw, m.count),
        "dilation": draw.per_axis(m.count, 1, 3),
        "groups": draw.of(1, 1, 2, 3, "depthwise"),
        "bias": draw.of(True, False),
    }
    if draw.rarely():
        keys["in_channels"] = draw.of(m.channels, m.channels, m.channels + 1)
    return keys


def conv(draw: Draw, op: str) -> Case:
    m = draw.map()
    keys = conv_keys(draw, m) | {"padding_mode": draw.of("zeros", "zeros", "reflect", "replicate", "circular")}
    return in_map(m, op, keys, lambda x: convolved(x, m, keys))


def inverted(m: Map, i: Sequence[int], keys: Mapping[str, Any], candidates: Sequence[int]) -> None:
    """Require that the associated convolution maps the sizes ``candidates`` to the sizes ``i``."""
    require(min(candidates) >= 1)
    plain = {
        name: keys[name] for name in ("kernel_size", "stride", "padding", "dilation") if keys.get(name) is not None
    }
    one = Map(1, 1, tuple(candidates), False)
    there = jax.eval_shape(
        lambda x: convolved(x, one, {"out_channels": 1, **plain}), jax.ShapeDtypeStruct(one.shape(), jnp.float32)
    )
    require(there.shape[2:] == tuple(i))


def transposed(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """The transpose of a convolution, as a convolution of the stretched input (the guide, chapter 4)."""
    k, s, d = (each(keys.get(name, 1), m.count) for name in ("kernel_size", "stride", "dilation"))
    a = each(keys.get("output_padding", 0), m.count)
    groups = m.channels if keys.get("groups") == "depthwise" else keys.get("groups", 1)
    require(m.channels % groups == 0 and keys["out_channels"] % groups == 0)
    require("in_channels" not in keys or keys["in_channels"] == m.channels)
    require(all(extra < max(one, two) for extra, one, two in zip(a, s, d, strict=True)))
    padding = edges_of(keys.get("padding", 0), k, d)
    reaches = [reach(one, two) for one, two in zip(k, d, strict=True)]
    if "output_size" in keys:
        o = each(keys["output_size"], m.count)
        inverted(m, m.spatial, keys, o)
        return jnp.zeros(m.shape(keys["out_channels"], o))
    if padding in ("SAME", "SAME_LOWER"):
        # The smallest size that a convolution with same padding and this stride maps here; a counts from it.
        least = [next(j for j in range(1, 100) if -(-j // stride) == i) for i, stride in zip(m.spatial, s, strict=True)]
        inverted(m, m.spatial, keys, least)
        return jnp.zeros(m.shape(keys["out_channels"], [j + extra for j, extra in zip(least, a, strict=True)]))
    if padding == "VALID":
        padding = [(0, 0)] * m.count
    pads = [
        (span - 1 - before, span - 1 - after + extra)
        for span, (before, after), extra in zip(reaches, padding, a, strict=True)
    ]
    weights = jnp.zeros((keys["out_channels"], m.channels // groups, *k))
    return lax.conv_general_dilated(
        x,
        weights,
        (1,) * m.count,
        pads,
        lhs_dilation=s,
        rhs_dilation=d,
        dimension_numbers=m.numbers,
        feature_group_count=groups,
    )


def conv_transpose(draw: Draw, op: str) -> Case:
    if draw.of(True, False, False):
        return transpose_of(draw, op)
    m = draw.map(high=6)
    keys = conv_keys(draw, m)
    if draw.of(True, False):
        keys["output_padding"] = draw.per_axis(m.count, 0, 2)
    elif draw.of(True, False):
        keys["output_size"] = output_size(draw, m, keys)
    return in_map(m, op, keys, lambda x: transposed(x, m, keys))


def output_size(draw: Draw, m: Map, keys: Mapping[str, Any]) -> Any:
    """A size, or sizes near those that can be reached."""
    if draw.rarely():
        return draw.per_axis(m.count, 1, 16)
    k, s = (keys.get(name, 1) for name in ("kernel_size", "stride"))
    if any(isinstance(value, list) and len(value) != m.count for value in (k, s)):
        return draw.int(1, 16)
    return [
        max((i - 1) * stride + kernel + draw.int(-2, 2), 1)
        for i, kernel, stride in zip(m.spatial, each(k, m.count), each(s, m.count), strict=True)
    ]


def transpose_of(draw: Draw, op: str) -> Case:
    """By name: what is given back is what the convolution was given, as the adjoint has it."""
    m = draw.map()
    keys = conv_keys(draw, m) | {"groups": draw.of(1, 1, 2)}
    below: dict[str, Any] = {"transpose_of": "there"}
    if draw.of(True, False):
        below["out_channels"] = draw.of(2, 4)
    if draw.rarely():
        below["stride"] = draw.of(keys["stride"], 3)
    lines = [layer("conv", keys, "there", "x"), layer(op, below, RESULT)]

    def function(arrays: Arrays) -> Any:
        x = arrays["x"]
        y = jax.eval_shape(lambda one: convolved(one, m, keys), x)
        require(min(y.shape) >= 1)
        require(below.get("stride", keys["stride"]) == keys["stride"])
        (back,) = jax.linear_transpose(lambda one: convolved(one, m, keys), jax.ShapeDtypeStruct(x.shape, x.dtype))(
            jnp.zeros(y.shape)
        )
        out = below.get("out_channels", m.channels)
        require(out % keys["groups"] == 0)
        return jnp.zeros(m.shape(out, [back.shape[axis] for axis in m.axes]))

    return Case(lines, {"x": m.shape()}, m.last, function)


def patches(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """Windows as columns: [N, C * taps, windows]."""
    k, s, d = (each(keys.get(name, 1), m.count) for name in ("kernel_size", "stride", "dilation"))
    found = lax.conv_general_dilated_patches(
        x, k, s, edges_of(keys.get("padding", 0), k, d), rhs_dilation=d, dimension_numbers=m.numbers
    )
    require(min(found.shape) >= 1)
    columns = math.prod(found.shape[axis] for axis in m.axes)
    features = found.shape[m.channel_axis]
    return found.reshape((m.batch, columns, features) if m.last else (m.batch, features, columns))


def window_keys(draw: Draw, m: Map, high: int = 3) -> dict[str, Any]:
    return {
        "kernel_size": draw.per_axis(m.count, 1, high),
        "stride": draw.per_axis(m.count, 1, 3),
        "padding": draw_padding(draw, m.count, 2),
        "dilation": draw.per_axis(m.count, 1, 2),
    }


def unfold(draw: Draw, op: str) -> Case:
    m = draw.map(high=8, channels=(1, 2, 3))
    keys = window_keys(draw, m)
    return in_map(m, op, keys, lambda x: patches(x, m, keys))


def fold(draw: Draw, op: str) -> Case:
    """The adjoint of unfold: it needs the very columns that unfold makes of its output size."""
    m = draw.map(low=2, high=8, channels=(1, 2, 3))
    keys = window_keys(draw, m) | {"output_size": list(m.spatial)}
    try:
        columns = jax.eval_shape(lambda x: patches(x, m, keys), jax.ShapeDtypeStruct(m.shape(), jnp.float32)).shape
    except (Refused, TypeError, ValueError):
        columns = (m.batch, 4, 4)
    off = draw.of(0, 0, 0, 1)
    axis = draw.of(1, 2)
    given = tuple(size + off if at == axis else size for at, size in enumerate(columns))

    def function(x: Any) -> Any:
        assert isinstance(keys["output_size"], list)
        taps = math.prod(each(keys["kernel_size"], m.count))
        features = x.shape[2] if m.last else x.shape[1]
        require(features % taps == 0)
        there = m._replace(channels=features // taps)
        made = jax.eval_shape(lambda one: patches(one, there, keys), jax.ShapeDtypeStruct(there.shape(), jnp.float32))
        require(made.shape == x.shape)
        return jnp.zeros(there.shape())

    return on(given, op, keys, function, m.last)
