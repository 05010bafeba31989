"""Layers that move, group, select or sum up elements."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.call import Call, builds


def axis_of(axis: int, rank: int, key: str) -> int:
    """Return ``axis`` counted from 0. Raises BuildError where there is none such."""
    if not -rank <= axis < rank:
        raise BuildError(f"{key} {axis} does not exist in an array of rank {rank}")
    return axis % rank


@builds("flatten")
def flatten(call: Call) -> jax.Array:
    """Join neighbouring axes into one."""
    x = call.x
    start = axis_of(call.layer.start_axis, x.ndim, "start_axis")
    end = axis_of(call.layer.end_axis, x.ndim, "end_axis")
    if start > end:
        raise BuildError(f"start_axis {call.layer.start_axis} stands behind end_axis {call.layer.end_axis}")
    return jnp.reshape(x, (*x.shape[:start], -1, *x.shape[end + 1 :]))


@builds("reshape")
def reshape(call: Call) -> jax.Array:
    """Give the elements another shape."""
    return jnp.reshape(call.x, call.layer.shape)


@builds("permute")
def permute(call: Call) -> jax.Array:
    """Put the axes into another order."""
    return lax.transpose(call.x, tuple(axis_of(axis, call.x.ndim, "axes") for axis in call.layer.axes))


@builds("squeeze")
def squeeze(call: Call) -> jax.Array:
    """Remove an axis of size 1."""
    return lax.squeeze(call.x, (axis_of(call.layer.axis, call.x.ndim, "axis"),))


@builds("unsqueeze")
def unsqueeze(call: Call) -> jax.Array:
    """Insert an axis of size 1."""
    return lax.expand_dims(call.x, (axis_of(call.layer.axis, call.x.ndim + 1, "axis"),))


@builds("slice")
def cut(call: Call) -> jax.Array:
    """Take every step-th element of an axis from start to stop, as Python does."""
    layer = call.layer
    axis = axis_of(layer.axis, call.x.ndim, "axis")
    if layer.step < 1:
        raise BuildError(f"step {layer.step} is less than 1")
    return call.x[(slice(None),) * axis + (slice(layer.start, layer.stop, layer.step),)]


@builds("chunk")
def chunk(call: Call) -> jax.Array:
    """Take one of several equal pieces of an axis; as in PyTorch, the last may be smaller, and there may be fewer."""
    layer = call.layer
    axis = axis_of(layer.axis, call.x.ndim, "axis")
    if layer.index >= layer.chunks:
        raise BuildError(f"index {layer.index} does not exist among {layer.chunks} chunks")
    size = call.x.shape[axis]
    piece = -(-size // layer.chunks)
    starts = range(0, size, piece)
    if layer.index >= len(starts):
        raise BuildError(f"{size} elements fall into {len(starts)} chunks: there is no chunk {layer.index}")
    first = starts[layer.index]
    return call.x[(slice(None),) * axis + (slice(first, first + piece),)]


@builds("reduce")
def reduce(call: Call) -> jax.Array:
    """Mean, sum or maximum over some axes."""
    layer = call.layer
    listed = layer.axes if isinstance(layer.axes, tuple) else (layer.axes,)
    axes = tuple(axis_of(axis, call.x.ndim, "axes") for axis in listed)
    if layer.kind == "mean":
        call.require_floating()
        return jnp.mean(call.x, axis=axes, keepdims=layer.keep_dims)
    if layer.kind == "sum":
        return jnp.sum(call.x, axis=axes, keepdims=layer.keep_dims)
    return jnp.max(call.x, axis=axes, keepdims=layer.keep_dims)
