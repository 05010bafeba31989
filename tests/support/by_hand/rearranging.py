"""Layers that rearrange axes."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from hypothesis import strategies as st
from jax import lax

from by_hand.cases import Case, Draw, on, require


def flatten(draw: Draw, op: str) -> Case:
    shape = draw.shape(high=5)
    keys = {}
    if draw.of(True, False):
        keys["start_axis"] = draw.int(-len(shape) - 1, len(shape))
    if draw.of(True, False):
        keys["end_axis"] = draw.int(-len(shape) - 1, len(shape))

    def function(x: Any) -> Any:
        places = range(x.ndim)
        start, end = places[keys.get("start_axis", 1)], places[keys.get("end_axis", -1)]
        require(start <= end)
        return lax.collapse(x, start, end + 1)

    return on(shape, op, keys, function)


def reshape(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    count = math.prod(shape)
    divisors = [n for n in range(1, count + 1) if count % n == 0]
    target = [draw.of(*divisors) for _ in range(draw.int(0, 2))]
    if draw.of(True, False):
        target.append(max(count // max(math.prod(target), 1), 1))
    if draw.of(True, False) or not target:
        target.insert(draw.int(0, len(target)), -1)
    return on(shape, op, {"shape": target}, lambda x: x.reshape(target))


def permute(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    axes = draw.data.draw(st.permutations(range(len(shape))))
    if draw.of(True, False):
        axes = [axis - len(shape) if draw.of(True, False) else axis for axis in axes]
    if draw.of(False, False, True):
        axes = [*axes[:-1], draw.of(draw.int(-2, 5), 6)]
    return on(shape, op, {"axes": list(axes)}, lambda x: jnp.transpose(x, tuple(axes)))


def squeeze(draw: Draw, op: str) -> Case:
    shape = draw.shape(size=2)
    axis = draw.int(-len(shape) - 1, len(shape))

    def function(x: Any) -> Any:
        found = jnp.squeeze(x, axis)
        require(found.ndim >= 1)
        return found

    return on(shape, op, {"axis": axis}, function)


def unsqueeze(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    axis = draw.int(-len(shape) - 2, len(shape) + 1)
    return on(shape, op, {"axis": axis}, lambda x: jnp.expand_dims(x, axis))


def slice_(draw: Draw, op: str) -> Case:
    shape = draw.shape(size=7)
    keys: dict[str, Any] = {"axis": draw.int(-len(shape), len(shape))}
    for name, low in (("start", -8), ("stop", -8), ("step", 1)):
        if draw.of(True, False):
            keys[name] = draw.int(low, 8)
    where = slice(keys.get("start", 0), keys.get("stop"), keys.get("step", 1))

    def function(x: Any) -> Any:
        place = range(x.ndim)[keys["axis"]]
        return x[(slice(None),) * place + (where,)]

    return on(shape, op, keys, function)


def chunk(draw: Draw, op: str) -> Case:
    shape = draw.shape(size=9)
    keys = {"axis": draw.int(-len(shape), len(shape)), "chunks": draw.int(1, 4), "index": draw.int(0, 3)}

    def function(x: Any) -> Any:
        place = range(x.ndim)[keys["axis"]]
        require(keys["index"] < keys["chunks"])
        piece = -(-x.shape[place] // keys["chunks"])
        return jnp.split(x, list(range(piece, x.shape[place], piece)), axis=place)[keys["index"]]

    return on(shape, op, keys, function)


def reduce(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    rank = len(shape)
    axes = draw.int(-rank - 1, rank) if draw.of(True, False) else draw.list(draw.int(1, 3), -rank, rank - 1)
    keys = {"kind": draw.of("mean", "sum", "max"), "axes": axes, "keep_dims": draw.of(True, False)}

    def function(x: Any) -> Any:
        apply = {"mean": jnp.mean, "sum": jnp.sum, "max": jnp.max}[keys["kind"]]
        found = apply(x, tuple(axes) if isinstance(axes, list) else axes, keepdims=keys["keep_dims"])
        require(found.ndim >= 1)
        return found

    return on(shape, op, keys, function)
