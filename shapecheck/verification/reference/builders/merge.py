"""Layers that join several inputs into one. Shapes and dtypes are compared first: JAX would stretch and convert."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import lax

from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.builders.rearrange import axis_of
from shapecheck.verification.reference.call import Call, Ints, builds

_FUNCTIONS = {"add": lax.add, "average": lax.add, "subtract": lax.sub, "multiply": lax.mul, "maximum": lax.max}


def _require_alike(inputs: tuple[jax.Array, ...], free: int | None = None) -> None:
    """Refuse inputs that differ in rank, in dtype, or on any axis but ``free``."""
    first = inputs[0]
    for x in inputs[1:]:
        if x.ndim != first.ndim:
            raise BuildError(f"inputs differ in rank: {list(first.shape)} and {list(x.shape)}")
        if x.dtype != first.dtype:
            raise BuildError(f"inputs differ in dtype: {first.dtype} and {x.dtype}")
        for axis, (mine, theirs) in enumerate(zip(first.shape, x.shape, strict=True)):
            if mine != theirs and axis != free:
                raise BuildError(f"inputs differ on axis {axis}: {mine} and {theirs}")


def _common(call: Call) -> Ints:
    """Return the shape to which axes of size 1 stretch."""
    ranks = {x.ndim for x in call.inputs}
    if len(ranks) > 1:
        raise BuildError(f"inputs differ in rank: {sorted(ranks)}")
    common = []
    for axis in range(call.x.ndim):
        sizes = {x.shape[axis] for x in call.inputs} - {1}
        if len(sizes) > 1:
            raise BuildError(f"inputs differ on axis {axis}: {' and '.join(map(str, sorted(sizes)))}")
        common.append(sizes.pop() if sizes else 1)
    return tuple(common)


@builds(*_FUNCTIONS)
def arithmetic(call: Call) -> jax.Array:
    """Join inputs element by element, from left to right."""
    inputs = call.inputs
    if call.layer.broadcast:
        shape = _common(call)
        inputs = tuple(lax.broadcast_in_dim(x, shape, tuple(range(x.ndim))) for x in inputs)
    _require_alike(inputs)
    if call.layer.op == "average":
        call.require_floating()
    total = functools.reduce(_FUNCTIONS[call.layer.op], inputs)
    return total / len(inputs) if call.layer.op == "average" else total


@builds("concat")
def concat(call: Call) -> jax.Array:
    """Join inputs along one axis, the channels by default."""
    axis = call.channel_axis if call.layer.axis is None else axis_of(call.layer.axis, call.x.ndim, "axis")
    _require_alike(call.inputs, axis)
    return lax.concatenate(call.inputs, axis)


@builds("stack")
def stack(call: Call) -> jax.Array:
    """Join inputs of one shape along a new axis."""
    _require_alike(call.inputs)
    return jnp.stack(call.inputs, axis_of(call.layer.axis, call.x.ndim + 1, "axis"))
