"""ResNet-50 written by hand in JAX, and its output's shape by eval_shape: what shapecheck's speed is compared with."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Array = Any


def conv(x: Array, weight: Array, scale: Array, shift: Array, stride: int = 1) -> Array:
    pad = weight.shape[-1] // 2
    y = lax.conv_general_dilated(x, weight, (stride, stride), [(pad, pad), (pad, pad)])
    mean = jnp.mean(y, (0, 2, 3), keepdims=True)
    variance = jnp.mean(lax.square(y - mean), (0, 2, 3), keepdims=True)
    return (y - mean) * lax.rsqrt(variance + 1e-5) * scale[:, None, None] + shift[:, None, None]


def relu(x: Array) -> Array:
    return jnp.maximum(x, 0)


def network(parameters: list[Array], x: Array) -> Array:
    left = iter(parameters)

    def unit(x: Array, stride: int = 1) -> Array:
        return conv(x, next(left), next(left), next(left), stride)

    x = relu(unit(x, 2))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 3, 3), (1, 1, 2, 2), ((0, 0), (0, 0), (1, 1), (1, 1)))
    for stage, copies in enumerate([3, 4, 6, 3]):
        for copy in range(copies):
            stride = 2 if stage and not copy else 1
            y = unit(relu(unit(relu(unit(x)), stride)))
            x = relu(y + (x if copy else unit(x, stride)))
    return jnp.mean(x, (2, 3)) @ next(left) + next(left)


def parameters() -> Iterator[Array]:
    def unit(before: int, after: int, k: int) -> list[Array]:
        return [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((after, before, k, k), (after,), (after,))]

    yield from unit(3, 64, 7)
    channels = 64
    for width, copies in [(64, 3), (128, 4), (256, 6), (512, 3)]:
        for copy in range(copies):
            yield from [*unit(channels, width, 1), *unit(width, width, 3), *unit(width, 4 * width, 1)]
            if not copy:
                yield from unit(channels, 4 * width, 1)
            channels = 4 * width
    yield jax.ShapeDtypeStruct((channels, 1000), jnp.float32)
    yield jax.ShapeDtypeStruct((1000,), jnp.float32)


def forget() -> None:
    """Empty JAX's caches: it remembers what it traced, and a network is traced once as a rule."""
    jax.clear_caches()


def trace() -> None:
    """What is measured."""
    image = jax.ShapeDtypeStruct((1, 3, 224, 224), jnp.float32)
    assert jax.eval_shape(network, list(parameters()), image).shape == (1, 1000)
