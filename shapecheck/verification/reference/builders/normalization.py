"""Normalisations; their statistics are those of the array at hand, but that batch_norm may be given others."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from shapecheck.verification.reference.axis_keys import whole
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.builders.rearrange import axis_of
from shapecheck.verification.reference.call import Call, Ints, builds, spatial_axes

EPSILON = 1e-5
# Of Krizhevsky et al. 2012, in PyTorch's form: x / (1 + alpha * mean of squares) ** beta.
ALPHA, BETA = 1e-4, 0.75


def _standardise(x: jax.Array, axes: Ints) -> jax.Array:
    mean = jnp.mean(x, axis=axes, keepdims=True)
    variance = jnp.mean(jnp.square(x - mean), axis=axes, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + EPSILON)


def _affine(call: Call, x: jax.Array, axis: int) -> jax.Array:
    if not call.layer.affine:
        return x
    scale = call.parameter("scale", (x.shape[axis],), "ones")
    shift = call.parameter("shift", (x.shape[axis],), added_along=axis)
    return x * lax.broadcast_in_dim(scale, x.shape, (axis,)) + lax.broadcast_in_dim(shift, x.shape, (axis,))


def _feature_axis(call: Call) -> int:
    call.require_floating()
    if call.layer.op == "layer_norm":
        axis = axis_of(call.layer.axis, call.x.ndim, "axis")
    elif call.x.ndim < 2:
        raise BuildError(f"{call.layer.op} needs batch and channels, but its input has rank {call.x.ndim}")
    else:
        axis = call.channel_axis
    call.require_stated(call.layer.num_features, call.x.shape[axis], "num_features")
    return axis


@builds("batch_norm")
def batch_norm(call: Call) -> jax.Array:
    """Normalise each channel over the batch and space."""
    axis, x = _feature_axis(call), call.x
    axes = tuple(i for i in range(x.ndim) if i != axis)

    def spread(statistic: jax.Array) -> jax.Array:
        return lax.broadcast_in_dim(statistic, x.shape, (axis,))

    centred = x - spread(call.statistic("mean", lambda: jnp.mean(x, axis=axes)))

    variance = call.statistic("variance", lambda: jnp.mean(jnp.square(centred), axis=axes))
    return _affine(call, centred * spread(lax.rsqrt(variance + EPSILON)), axis)


@builds("instance_norm")
def instance_norm(call: Call) -> jax.Array:
    """Normalise each channel of each sample over space."""
    axis = _feature_axis(call)
    return _affine(call, _standardise(call.x, tuple(i for i in range(1, call.x.ndim) if i != axis)), axis)


@builds("layer_norm")
def layer_norm(call: Call) -> jax.Array:
    """Normalise over one axis."""
    axis = _feature_axis(call)
    return _affine(call, _standardise(call.x, (axis,)), axis)


@builds("group_norm")
def group_norm(call: Call) -> jax.Array:
    """Normalise groups of channels of each sample over space."""
    axis = _feature_axis(call)
    x, groups = call.x, call.layer.num_groups
    if x.shape[axis] % groups:
        raise BuildError(f"num_groups {groups} does not divide the traced {x.shape[axis]} channels")
    parts = x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])
    even = _standardise(parts, tuple(i for i in range(1, parts.ndim) if i != axis))
    return _affine(call, even.reshape(x.shape), axis)


@builds("local_response_norm")
def local_response_norm(call: Call) -> jax.Array:
    """Normalise over neighbouring channels."""
    call.require_floating()
    spatial_axes(call.x.ndim, call.channels_last)
    call.require_stated(call.layer.num_features, call.channels, "num_features")
    rank, axis, size = call.x.ndim, call.channel_axis, call.layer.size
    pads = [(0, 0)] * rank
    pads[axis] = (size // 2, (size - 1) // 2)
    window = whole(rank, (axis,), (size,))
    total = lax.reduce_window(jnp.square(call.x), np.zeros((), call.x.dtype), lax.add, window, (1,) * rank, pads)
    return lax.div(call.x, (1 + ALPHA * total / size) ** BETA)
