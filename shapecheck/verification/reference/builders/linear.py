"""Layers that act on vectors: linear, embedding, attention."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax, nn

from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.call import Call, builds


def _project(call: Call, x: jax.Array, out: int, prefix: str = "", last: bool = True) -> jax.Array:
    """Map the last axis of ``x`` to ``out`` features, with the parameters ``prefix`` + kernel and bias.

    ``last`` says that this is what the layer puts out.
    """
    features = x.shape[-1]
    kernel = call.parameter(f"{prefix}kernel", (features, out), "normal", features, channel_axis=1)
    y = lax.dot_general(x, kernel, (((x.ndim - 1,), (0,)), ((), ())))
    if not call.layer.bias:
        return y
    bias = call.parameter(f"{prefix}bias", (out,), added_along=y.ndim - 1 if last else None)
    return y + lax.broadcast_in_dim(bias, y.shape, (y.ndim - 1,))


@builds("linear")
def linear(call: Call) -> jax.Array:
    """Map the last axis linearly."""
    call.require_floating()
    call.require_stated(call.layer.in_features, call.x.shape[-1], "in_features")
    return _project(call, call.x, call.layer.out_features)


@builds("embedding", lookup=lambda layer: layer.num_embeddings)
def embedding(call: Call) -> jax.Array:
    """Look up a learned vector for every integer."""
    if not jnp.issubdtype(call.x.dtype, jnp.integer):
        raise BuildError(f"embedding reads integers, but its input is {call.x.dtype}; give the input dtype int32")
    count, size = call.layer.num_embeddings, call.layer.embedding_dim
    table = call.parameter("table", (count, size), "normal", 1, call.dtype, channel_axis=1)
    return jnp.take(table, call.x, axis=0)


@builds("attention")
def attention(call: Call) -> jax.Array:
    """Multi-head self-attention over [N, L, E]: query, key, value and output are projections of all features."""
    call.require_floating()
    x, heads = call.x, call.layer.num_heads
    if x.ndim != 3:
        raise BuildError(f"attention reads [N, L, E], an array of rank 3, but its input has rank {x.ndim}")
    batch, length, features = x.shape
    if features % heads:
        raise BuildError(f"num_heads {heads} does not divide the traced {features} features")
    split = (batch, length, heads, features // heads)
    query, key, value = (
        _project(call, x, features, name, last=False).reshape(split) for name in ("query_", "key_", "value_")
    )
    scores = jnp.einsum("nqhe,nkhe->nhqk", query, key) / (features // heads) ** 0.5
    mixed = jnp.einsum("nhqk,nkhe->nqhe", nn.softmax(scores, axis=-1), value)
    return _project(call, mixed.reshape(batch, length, features), features, "output_")
