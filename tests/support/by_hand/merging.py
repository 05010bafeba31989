"""Layers that merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from one_layer import RESULT, layer

from by_hand.cases import Case, Draw, Shape, require
from by_hand.vectors import channel_of


def several(draw: Draw, alike: int) -> tuple[dict[str, Shape], bool]:
    """Draw one to three shapes: copies of one, now and then with a size changed or an axis more."""
    first = draw.shape(low=1, high=4)
    shapes = {"x0": first}
    for index in range(1, draw.int(alike, 3)):
        changed = list(first)
        if draw.of(True, False, False):
            changed[draw.int(0, len(first) - 1)] = draw.of(1, 1, 2, 5)
        if draw.rarely():
            changed.append(1)
        shapes[f"x{index}"] = tuple(changed)
    return shapes, draw.of(True, False)


def merged(op: str, keys: Mapping[str, Any], drawn: tuple[dict[str, Shape], bool], function: Any) -> Case:
    shapes, last = drawn
    lines = [layer(op, keys, RESULT, list(shapes))]
    return Case(lines, shapes, last, lambda arrays: function([arrays[name] for name in shapes]))


def arithmetic_merge(draw: Draw, op: str) -> Case:
    broadcast = draw.of(True, False)
    apply: dict[str, Any] = {
        "add": (lax.add, jnp.add),
        "subtract": (lax.sub, jnp.subtract),
        "multiply": (lax.mul, jnp.multiply),
        "maximum": (lax.max, jnp.maximum),
        "average": (lambda a, b: lax.add(a, b) / 2, lambda a, b: (a + b) / 2),
    }

    def function(arrays: Sequence[Any]) -> Any:
        result = arrays[0]
        for array in arrays[1:]:
            require(array.ndim == result.ndim)
            require(broadcast or array.shape == result.shape)
            result = apply[op][broadcast](result, array)
        return result

    return merged(op, {"broadcast": broadcast}, several(draw, 2), function)


def concat(draw: Draw, op: str) -> Case:
    drawn = several(draw, 1)
    rank = len(drawn[0]["x0"])
    if draw.of(True, False):
        axis = draw.int(-rank - 1, rank)
        return merged(op, {"axis": axis}, drawn, lambda arrays: jnp.concatenate(arrays, axis))
    return merged(op, {}, drawn, lambda arrays: jnp.concatenate(arrays, channel_of(arrays[0].shape, drawn[1])))


def stack(draw: Draw, op: str) -> Case:
    drawn = several(draw, 1)
    axis = draw.int(-len(drawn[0]["x0"]) - 2, len(drawn[0]["x0"]) + 1)
    return merged(op, {"axis": axis}, drawn, lambda arrays: jnp.stack(arrays, axis))
