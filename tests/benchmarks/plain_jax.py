"""U-Net and a long chain written by hand in JAX, beside resnet50_jax: what the levels of a proof are compared with."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import resnet50_jax
from jax import lax

Array = Any


class Plain(NamedTuple):
    """A function of parameters and an input, and both as abstract values."""

    function: Callable[[Any, Array], Array]
    parameters: list[Array]
    input: Array


def struct(*shape: int) -> Array:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def resnet50() -> Plain:
    return Plain(resnet50_jax.network, list(resnet50_jax.parameters()), struct(1, 3, 224, 224))


def _conv(x: Array, weight: Array, bias: Array) -> Array:
    return lax.conv_general_dilated(x, weight, (1, 1), "VALID") + bias[:, None, None]


def _unet_widths(depth: int = 4, width: int = 64) -> list[int]:
    return [width * 2**level for level in range(depth + 1)]


def _unet(parameters: list[Array], x: Array) -> Array:
    left = iter(parameters)

    def double(x: Array) -> Array:
        for _ in range(2):
            x = jnp.maximum(_conv(x, next(left), next(left)), 0)
        return x

    def level(x: Array, depth: int) -> Array:
        x = double(x)
        if not depth:
            return x
        skip = x
        below = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        below = level(below, depth - 1)
        up = lax.conv_transpose(below, next(left), (2, 2), "VALID", dimension_numbers=("NCHW", "OIHW", "NCHW"))
        up += next(left)[:, None, None]
        edge = (skip.shape[2] - up.shape[2]) // 2
        skip = skip[:, :, edge : edge + up.shape[2], edge : edge + up.shape[3]]
        return double(jnp.concatenate([skip, up], 1))

    return _conv(level(x, 4), next(left), next(left))


def _unet_parameters() -> Iterator[Array]:
    widths = _unet_widths()

    def double(before: int, after: int) -> Iterator[Array]:
        for channels in (before, after):
            yield from (struct(after, channels, 3, 3), struct(after))

    def level(before: int, at: int) -> Iterator[Array]:
        yield from double(before, widths[at])
        if at + 1 < len(widths):
            yield from level(widths[at], at + 1)
            yield from (struct(widths[at], widths[at + 1], 2, 2), struct(widths[at]))
            yield from double(2 * widths[at], widths[at])

    yield from level(1, 0)
    yield from (struct(2, widths[0], 1, 1), struct(2))


def unet() -> Plain:
    return Plain(_unet, list(_unet_parameters()), struct(1, 1, 572, 572))


def chain(layers: int) -> Plain:
    """The network of ``measure.long_network``."""

    def function(parameters: list[Array], x: Array) -> Array:
        left = iter(parameters)
        for _ in range(layers // 4):
            y = lax.conv_general_dilated(x, next(left), (1, 1), ((1, 1), (1, 1))) + next(left)[:, None, None]
            mean = jnp.mean(y, (0, 2, 3), keepdims=True)
            variance = jnp.mean(lax.square(y - mean), (0, 2, 3), keepdims=True)
            y = (y - mean) * lax.rsqrt(variance + 1e-5) * next(left)[:, None, None] + next(left)[:, None, None]
            x = jnp.maximum(y, 0) + x
        return x

    shapes = [struct(8, 8, 3, 3), struct(8), struct(8), struct(8)]
    return Plain(function, shapes * (layers // 4), struct(2, 8, 32, 32))
