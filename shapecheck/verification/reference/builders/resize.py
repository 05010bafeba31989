"""Upsampling, padding, cropping, and moving elements between channels and space."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from shapecheck.verification.reference.axis_keys import FILL, edges, fill, per_axis, require_table
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.call import Call, Ints, builds, spatial_axes, spatial_sizes


def _like(call: Call) -> Ints:
    reference = call.references["like"]
    rank = len(reference.output.shape)
    if rank != call.x.ndim:
        raise BuildError(f"like names {reference.name}, whose rank is {rank}, not {call.x.ndim}")
    return spatial_sizes(reference.output, call.channels_last)


@builds("upsample")
def upsample(call: Call) -> jax.Array:
    """Resample every spatial axis, with pixel centres half a pixel in, as PyTorch does without align_corners."""
    layer, x, sizes = call.layer, call.x, call.spatial
    factors: tuple[float | None, ...] = (None,) * len(sizes)
    if "like" in call.references:
        target = _like(call)
    elif layer.size is not None:
        target = per_axis(layer.size, len(sizes), "size")
    else:
        given = _factors(layer.scale_factor, len(sizes))
        target = tuple(math.floor(n * factor) for n, factor in zip(sizes, given, strict=True))
        factors = given
    if min(target) < 1:
        raise BuildError(f"the output would have the size {list(target)}")
    if layer.mode != "nearest":
        call.require_floating()
    for axis, o, factor in zip(spatial_axes(x.ndim, call.channels_last), target, factors, strict=True):
        require_table(o)
        if layer.mode == "nearest":
            x = _copy(x, axis, _nearest(x.shape[axis], o, factor, len(sizes), x.dtype))
        else:
            x = _blend(x, axis, o, factor, layer.mode)
    return x


def _factors(value: Any, count: int) -> tuple[float, ...]:
    factors = value if isinstance(value, tuple) else (value,) * count
    if len(factors) != count:
        raise BuildError(f"scale_factor lists {len(factors)} values, but the traced input has {count} spatial axes")
    return factors


def _nearest(n: int, o: int, factor: float | None, count: int, dtype: Any) -> np.ndarray[Any, Any]:
    """Return which of ``n`` elements each of ``o`` copies: floor(j * step), in the floating point of PyTorch.

    With one or three spatial axes PyTorch steps in the dtype of the map and rounds the place to 32 bits. With two it
    steps in 32 bits, and takes the size or twice the size for what was meant, whatever the factor.
    """
    if count == 2 and o in (n, 2 * n):
        return np.arange(o) * n // o
    own: Any = np.float64 if count != 2 and jnp.dtype(dtype) == jnp.float64 else np.float32
    step = own(n) / own(o) if factor is None else own(1 / factor)
    places = np.floor((np.arange(o).astype(own) * step).astype(np.float32))
    found: np.ndarray[Any, Any] = np.minimum(places.astype(np.int32), n - 1)
    return found


def _copy(x: jax.Array, axis: int, places: np.ndarray[Any, Any]) -> jax.Array:
    n, o = x.shape[axis], len(places)
    if o % n == 0 and (places == np.arange(o) // (o // n)).all():
        return x if o == n else jnp.repeat(x, o // n, axis=axis, total_repeat_length=o)
    return jnp.take(x, places, axis=axis)


def _blend(x: jax.Array, axis: int, o: int, factor: float | None, mode: str) -> jax.Array:
    """Mix the 2 (linear) or 4 (cubic) nearest elements of one axis; edges are repeated."""
    n = x.shape[axis]
    if mode == "linear" and o == n:
        # PyTorch copies, also where a factor was rounded down to 1.
        return x
    centre = (np.arange(o) + 0.5) * (n / o if factor is None else 1 / factor) - 0.5
    base = np.floor(centre).astype(np.int32)
    along = centre - base
    weights = {0: 1 - along, 1: along} if mode == "linear" else _cubic(along)
    total = jnp.zeros((*x.shape[:axis], o, *x.shape[axis + 1 :]), x.dtype)
    for offset, weight in weights.items():
        part = jnp.take(x, np.clip(base + offset, 0, n - 1), axis=axis)
        total = total + part * lax.broadcast_in_dim(jnp.asarray(weight, x.dtype), part.shape, (axis,))
    return total


def _cubic(along: np.ndarray[Any, Any]) -> dict[int, np.ndarray[Any, Any]]:
    """Return the weights of Keys' cubic convolution with the coefficient -0.75 that PyTorch uses."""
    a = -0.75
    weights = {}
    for offset in (-1, 0, 1, 2):
        t = np.abs(along - offset)
        near = ((a + 2) * t - (a + 3)) * t * t + 1
        far = a * (((t - 5) * t + 8) * t - 4)
        weights[offset] = np.where(t <= 1, near, far)
    return weights


@builds("pad")
def pad(call: Call) -> jax.Array:
    """Add elements at the edges of the spatial axes."""
    layer, x = call.layer, call.x
    axes = spatial_axes(x.ndim, call.channels_last)
    amounts = edges(layer.padding, len(axes), "padding")
    if layer.mode in FILL:
        return fill(x, axes, amounts, layer.mode)
    config = [(0, 0, 0)] * x.ndim
    for axis, (before, after) in zip(axes, amounts, strict=True):
        config[axis] = (before, after, 0)
    value = 0 if layer.mode == "zeros" else layer.value
    return lax.pad(x, np.asarray(value, x.dtype), config)


@builds("crop")
def crop(call: Call) -> jax.Array:
    """Take elements away at the edges of the spatial axes, or keep the centre of another layer's size."""
    x = call.x
    axes = spatial_axes(x.ndim, call.channels_last)
    first, limit = [0] * x.ndim, list(x.shape)
    if "like" in call.references:
        for axis, o in zip(axes, _like(call), strict=True):
            if o > x.shape[axis]:
                raise BuildError(f"cannot crop the traced {x.shape[axis]} of axis {axis} to {o}")
            first[axis] = (x.shape[axis] - o) // 2
            limit[axis] = first[axis] + o
    else:
        for axis, (before, after) in zip(axes, edges(call.layer.cropping, len(axes), "cropping"), strict=True):
            first[axis] = before
            limit[axis] -= after
    return lax.slice(x, first, limit)


@builds("pixel_shuffle")
def pixel_shuffle(call: Call) -> jax.Array:
    """Move channels into space, in PyTorch's order: channel c r^n + i takes place i of each block."""
    x = jnp.moveaxis(call.x, call.channel_axis, 1)
    r, sizes = call.layer.factor, call.spatial
    n = len(sizes)
    if call.channels % r**n:
        raise BuildError(f"the traced {call.channels} channels are no multiple of {r}^{n}")
    x = x.reshape(x.shape[0], call.channels // r**n, *(r,) * n, *sizes)
    order = [0, 1, *(axis for j in range(n) for axis in (2 + n + j, 2 + j))]
    x = x.transpose(order).reshape(x.shape[0], x.shape[1], *(size * r for size in sizes))
    return jnp.moveaxis(x, 1, call.channel_axis)


@builds("pixel_unshuffle")
def pixel_unshuffle(call: Call) -> jax.Array:
    """Move space into channels: the inverse of pixel_shuffle."""
    x = jnp.moveaxis(call.x, call.channel_axis, 1)
    r, sizes = call.layer.factor, call.spatial
    n = len(sizes)
    for size in sizes:
        if size % r:
            raise BuildError(f"the traced size {size} is no multiple of factor {r}")
    x = x.reshape(x.shape[0], x.shape[1], *(part for size in sizes for part in (size // r, r)))
    order = [0, 1, *(3 + 2 * j for j in range(n)), *(2 + 2 * j for j in range(n))]
    x = x.transpose(order).reshape(x.shape[0], x.shape[1] * r**n, *(size // r for size in sizes))
    return jnp.moveaxis(x, 1, call.channel_axis)
