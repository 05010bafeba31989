"""Resampling, padding, cropping, shuffling."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from one_layer import RESULT, layer

from by_hand.cases import Arrays, Case, Draw, each, in_map, pad_edges, require


def upsample(draw: Draw, op: str) -> Case:
    m = draw.map()
    mode = draw.of("nearest", "linear", "cubic")
    keys: dict[str, Any] = {"mode": mode}
    inputs = {"x": m.shape()}
    which = draw.of("scale_factor", "size", "like")
    target: list[int] = []
    if which == "scale_factor":
        scales = (2, 3, 0.5, 1.5, 0.25, 1.4, 1 / 3, 120 / 88)
        keys[which] = draw.of(*scales) if draw.of(True, False) else [draw.of(*scales) for _ in m.spatial]
    elif which == "size":
        keys[which] = draw.per_axis(m.count, 1, 20)
    else:
        other = draw.map()
        target = list(other.spatial)
        keys[which] = "y"
        inputs["y"] = other._replace(last=m.last).shape()

    def function(arrays: Arrays) -> Any:
        x = arrays["x"]
        if which == "scale_factor":
            o = [math.floor(i * float(r)) for i, r in zip(m.spatial, each(keys[which], m.count), strict=True)]
        else:
            o = each(keys.get("size", target), m.count)
        require(min(o) >= 1)
        return jax.image.resize(x, m.shape(spatial=o), mode)

    return Case([layer(op, keys, RESULT, "x")], inputs, m.last, function)


def pad(draw: Draw, op: str) -> Case:
    m = draw.map()
    mode = draw.of("constant", "zeros", "reflect", "replicate", "circular")
    keys = {"padding": draw.edges(m.count, 6), "mode": mode}

    def function(x: Any) -> Any:
        pairs = [tuple(e) if isinstance(e, list) else (e, e) for e in each(keys["padding"], m.count)]
        return pad_edges(x, m, pairs, mode)

    return in_map(m, op, keys, function)


def crop(draw: Draw, op: str) -> Case:
    m = draw.map()
    if draw.of(True, False):
        other = draw.map(high=8)._replace(last=m.last)

        def centre(arrays: Arrays) -> Any:
            x = arrays["x"]
            for axis, o in zip(m.axes, other.spatial, strict=True):
                start = (x.shape[axis] - o) // 2
                require(start >= 0 and x.shape[axis] >= o)
                x = lax.slice_in_dim(x, start, start + o, axis=axis)
            return x

        return Case([layer(op, {"like": "y"}, RESULT, "x")], {"x": m.shape(), "y": other.shape()}, m.last, centre)
    keys = {"cropping": draw.edges(m.count, 4)}

    def function(x: Any) -> Any:
        for axis, edge in zip(m.axes, each(keys["cropping"], m.count), strict=True):
            before, after = edge if isinstance(edge, list) else (edge, edge)
            require(before + after < x.shape[axis])
            x = lax.slice_in_dim(x, before, x.shape[axis] - after, axis=axis)
        return x

    return in_map(m, op, keys, function)


def pixel_shuffle(draw: Draw, op: str) -> Case:
    m = draw.map(high=6, channels=(1, 4, 8, 9, 12, 16, 27))
    r = draw.of(1, 2, 2, 3)

    def function(x: Any) -> Any:
        x = jnp.moveaxis(x, m.channel_axis, 1)
        block = r**m.count
        x = x.reshape(m.batch, m.channels // block, *(r,) * m.count, *m.spatial)
        order = [0, 1]
        for j in range(m.count):
            order += [2 + m.count + j, 2 + j]
        x = x.transpose(order).reshape(m.batch, m.channels // block, *(i * r for i in m.spatial))
        return jnp.moveaxis(x, 1, m.channel_axis)

    return in_map(m, op, {"factor": r}, function)


def pixel_unshuffle(draw: Draw, op: str) -> Case:
    m = draw.map()
    r = draw.of(1, 2, 2, 3)
    if draw.of(True, False):
        m = m._replace(spatial=tuple(r * i for i in m.spatial))

    def function(x: Any) -> Any:
        x = jnp.moveaxis(x, m.channel_axis, 1)
        shape = [m.batch, m.channels]
        order = [0, 1, *(3 + 2 * j for j in range(m.count)), *(2 + 2 * j for j in range(m.count))]
        for i in m.spatial:
            shape += [i // r, r]
        x = x.reshape(shape).transpose(order).reshape(m.batch, m.channels * r**m.count, *(i // r for i in m.spatial))
        return jnp.moveaxis(x, 1, m.channel_axis)

    return in_map(m, op, {"factor": r}, function)
