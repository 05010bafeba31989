"""Layers on vectors, norms and activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from by_hand.cases import Case, Draw, Shape, on, require


def linear(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    keys: dict[str, Any] = {"out_features": draw.int(1, 5), "bias": draw.of(True, False)}
    if draw.of(True, False):
        keys["in_features"] = draw.of(shape[-1], shape[-1], shape[-1] + 1)
    width = keys.get("in_features", shape[-1])
    return on(shape, op, keys, lambda x: x @ jnp.zeros((width, keys["out_features"])), draw.of(True, False))


def embedding(draw: Draw, op: str) -> Case:
    shape = draw.shape(high=3)
    keys = {"num_embeddings": draw.int(1, 9), "embedding_dim": draw.int(1, 5)}
    case = on(shape, op, keys, lambda x: jnp.take(jnp.zeros(tuple(keys.values())), x, axis=0))
    return case._replace(dtype="int32")


def attention(draw: Draw, op: str) -> Case:
    shape = tuple(draw.list(draw.of(2, 3, 3, 3, 4), 1, 6))
    heads = draw.of(1, 2, 3)

    def function(x: Any) -> Any:
        batch, length, features = x.shape
        q = k = v = x.reshape(batch, length, heads, features // heads)
        weights = jax.nn.softmax(jnp.einsum("nqhd,nkhd->nhqk", q, k))
        return jnp.einsum("nhqk,nkhd->nqhd", weights, v).reshape(batch, length, heads * q.shape[-1])

    return on(shape, op, {"num_heads": heads}, function)


def channel_of(shape: Shape, last: bool) -> int:
    return len(shape) - 1 if last or len(shape) < 2 else 1


def norm(draw: Draw, op: str) -> Case:
    shape, last = draw.shape(high=5, size=6), draw.of(True, False)
    keys: dict[str, Any] = {}
    if op == "layer_norm":
        if draw.of(True, False):
            keys["axis"] = draw.int(-len(shape) - 1, len(shape))
        feature = keys.get("axis", -1)
    else:
        feature = channel_of(shape, last)
    if draw.of(True, False) and -len(shape) <= feature < len(shape):
        keys["num_features"] = draw.of(shape[feature], shape[feature], shape[feature] + 1)
    if op == "group_norm":
        keys["num_groups"] = draw.of(1, 2, 3)
    if draw.of(True, False):
        keys["affine"] = draw.of(True, False)

    def function(x: Any) -> Any:
        require(op == "layer_norm" or x.ndim >= 2)
        size = jnp.moveaxis(x, feature, 0).shape[0]  # refuses an axis that is not there
        require(keys.get("num_features", size) == size)
        if op == "group_norm":
            groups = keys["num_groups"]
            split = jnp.moveaxis(x, feature, 1)
            rest = split.reshape(x.shape[0], groups, size // groups, *split.shape[2:])
            rest = rest - rest.mean(tuple(range(2, rest.ndim)), keepdims=True)
            return jnp.moveaxis(rest.reshape(split.shape), 1, feature)
        other = tuple(axis for axis in range(x.ndim) if axis != feature % x.ndim)
        axes = {"batch_norm": other, "instance_norm": tuple(a for a in other if a), "layer_norm": (feature,)}[op]
        return (x - x.mean(axes, keepdims=True)) / jnp.sqrt(x.var(axes, keepdims=True) + 1e-5)

    return on(shape, op, keys, function, last)


def local_response_norm(draw: Draw, op: str) -> Case:
    shape, last = tuple(draw.list(draw.of(2, 3, 4, 5), 1, 6)), draw.of(True, False)
    size = draw.int(1, 5)
    axis = channel_of(shape, last)
    keys: dict[str, Any] = {"size": size}
    if draw.rarely():
        keys["num_features"] = draw.of(shape[axis], shape[axis] + 1)

    def function(x: Any) -> Any:
        require(x.ndim >= 3)
        require(keys.get("num_features", x.shape[axis]) == x.shape[axis])
        edges = [(0, 0)] * x.ndim
        edges[axis] = (size // 2, size - 1 - size // 2)
        window = tuple(size if at == axis else 1 for at in range(x.ndim))
        return x / lax.reduce_window(x * x, 0.0, lax.add, window, (1,) * x.ndim, edges) ** 0.75

    return on(shape, op, keys, function, last)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "hardswish": jax.nn.hard_swish,
    "sigmoid": jax.nn.sigmoid,
    "hardsigmoid": jax.nn.hard_sigmoid,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "identity": lambda x: x,
    "dropout": lambda x: jnp.where(x > 0.5, x / 0.5, 0),
}


def elementwise(draw: Draw, op: str) -> Case:
    names = {"leaky_relu": "negative_slope", "elu": "alpha", "softplus": "beta", "dropout": "p"}
    keys = {names[op]: draw.of(0.1, 0.5, 1)} if op in names and draw.of(True, False) else {}
    return on(draw.shape(high=5), op, keys, FUNCTIONS[op], draw.of(True, False))


def prelu(draw: Draw, op: str) -> Case:
    shape, last = draw.shape(), draw.of(True, False)
    axis = channel_of(shape, last)
    count = draw.of(1, shape[axis], 3)

    def function(x: Any) -> Any:
        require(count in (1, x.shape[axis]))
        slopes = jnp.zeros([count if at == axis else 1 for at in range(x.ndim)])
        return jnp.where(x > 0, x, slopes * x)

    return on(shape, op, {"num_parameters": count}, function, last)


def softmax(draw: Draw, op: str) -> Case:
    shape, last = draw.shape(), draw.of(True, False)
    function = jax.nn.softmax if op == "softmax" else jax.nn.log_softmax
    if draw.of(True, False):
        return on(shape, op, {}, lambda x: function(x, axis=channel_of(shape, last)), last)
    axis = draw.int(-len(shape) - 1, len(shape))

    def along(x: Any) -> Any:
        require(-x.ndim <= axis < x.ndim)
        return function(x, axis=axis)

    return on(shape, op, {"axis": axis}, along, last)
