"""Functions of each element, softmax, and the learned slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax, nn

from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.call import Call, builds

_FUNCTIONS: dict[str, Callable[[jax.Array, Any], jax.Array]] = {
    "leaky_relu": lambda x, layer: nn.leaky_relu(x, layer.negative_slope),
    "elu": lambda x, layer: nn.elu(x, layer.alpha),
    "selu": lambda x, layer: nn.selu(x),
    "gelu": lambda x, layer: nn.gelu(x, approximate=False),
    "silu": lambda x, layer: nn.silu(x),
    "mish": lambda x, layer: nn.mish(x),
    "hardswish": lambda x, layer: nn.hard_swish(x),
    "sigmoid": lambda x, layer: nn.sigmoid(x),
    "hardsigmoid": lambda x, layer: nn.hard_sigmoid(x),
    "tanh": lambda x, layer: jnp.tanh(x),
    "softplus": lambda x, layer: nn.softplus(x * layer.beta) / layer.beta,
}


@builds(*_FUNCTIONS)
def smooth(call: Call) -> jax.Array:
    """Apply a function that is only defined on floating-point numbers."""
    call.require_floating()
    return _FUNCTIONS[call.layer.op](call.x, call.layer)


@builds("relu")
def relu(call: Call) -> jax.Array:
    """Zero what is negative."""
    return nn.relu(call.x)


@builds("relu6")
def relu6(call: Call) -> jax.Array:
    """Clip to 0 ... 6."""
    return nn.relu6(call.x)


@builds("identity")
def identity(call: Call) -> jax.Array:
    """Return the input."""
    return call.x


@builds("dropout")
def dropout(call: Call) -> jax.Array:
    """Zero elements at random and scale the rest, so that the mean stays; return the input where there is no key."""
    p = float(call.layer.p)
    if call.mode.key is None or p == 0:
        return call.x
    if p == 1:
        return jnp.zeros_like(call.x)
    call.require_floating()
    kept = jax.random.bernoulli(call.mode.key, 1 - p, call.x.shape)
    return jnp.where(kept, call.x / (1 - p), jnp.zeros((), call.x.dtype))


@builds("prelu")
def prelu(call: Call) -> jax.Array:
    """Leaky ReLU with one learned slope, or one per channel."""
    call.require_floating()
    count = call.layer.num_parameters
    if count not in (1, call.channels):
        raise BuildError(f"num_parameters {count} is neither 1 nor the traced {call.channels} channels")
    slope = call.parameter("slope", (count,), "slope", channel_axis=None if count == 1 else 0)
    axes = () if count == 1 else (call.channel_axis,)
    each = lax.broadcast_in_dim(slope.reshape(()) if count == 1 else slope, call.x.shape, axes)
    return jnp.where(call.x >= 0, call.x, each * call.x)


@builds("softmax", "log_softmax")
def softmax(call: Call) -> jax.Array:
    """Softmax along one axis, the channels by default."""
    call.require_floating()
    axis = call.channel_axis if call.layer.axis is None else call.layer.axis
    return nn.softmax(call.x, axis) if call.layer.op == "softmax" else nn.log_softmax(call.x, axis)
