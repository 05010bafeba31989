"""Per-axis keys and padding, as JAX takes them. Nothing here computes the size of an output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from shapecheck.verification.reference.build_errors import BuildError, OutOfReach
from shapecheck.verification.reference.call import Ints

EdgeAmounts: TypeAlias = tuple[tuple[int, int], ...]

# The words whose padding follows the input's size; JAX knows them by these names.
SAME = {"same": "SAME", "same_lower": "SAME_LOWER"}
FILL = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


# Tables with an entry for each element of an axis are constants of the program: longer ones would fill the memory.
LONGEST_TABLE = 2**26


def require_table(size: int) -> None:
    """Raise OutOfReach where a table with an entry for each of ``size`` elements would be too long."""
    if size > LONGEST_TABLE:
        raise OutOfReach(f"it would take a table of {size} numbers, one for each element of an axis")


def per_axis(value: Any, count: int, key: str, least: int = 1) -> Ints:
    """Return a whole number per axis. Raises BuildError on a list of another length or a number below ``least``."""
    values = value if isinstance(value, tuple) else (value,) * count
    if len(values) != count:
        raise BuildError(f"{key} lists {len(values)} values, but the traced input has {count} spatial axes")
    for entry in values:
        if type(entry) is not int or entry < least:
            raise BuildError(f"{key} holds {entry}, where a whole number of at least {least} is needed")
    return values


def edges(value: Any, count: int, key: str) -> EdgeAmounts:
    """Return (before, after) per axis."""
    values = value if isinstance(value, tuple) else (value,) * count
    if len(values) != count:
        raise BuildError(f"{key} lists {len(values)} values, but the traced input has {count} spatial axes")
    return tuple((per_axis(e, 2, key, 0)[0], per_axis(e, 2, key, 0)[1]) for e in values)


def reach(k: Ints, d: Ints) -> Ints:
    """Return how many elements each kernel spans: its last tap stands at (k - 1) * d, counted from 0."""
    return tuple((taps - 1) * step + 1 for taps, step in zip(k, d, strict=True))


def padding(value: Any, k: Ints, d: Ints) -> str | EdgeAmounts:
    """Return the key ``padding`` as JAX takes it: a word that depends on the input's size, or numbers."""
    if value in SAME:
        return SAME[value]
    spans = reach(k, d)
    if value == "valid":
        return ((0, 0),) * len(k)
    if value == "half":
        return tuple((span // 2, span // 2) for span in spans)
    if value == "full":
        return tuple((span - 1, span - 1) for span in spans)
    return edges(value, len(k), "padding")


def padding_at(value: Any, sizes: Ints, k: Ints, s: Ints, d: Ints) -> EdgeAmounts:
    """Return the key ``padding`` as numbers for an input of ``sizes``; the words ``same`` are resolved by JAX."""
    found = padding(value, k, d)
    if isinstance(found, str):
        return tuple((int(low), int(high)) for low, high in lax.padtype_to_pads(sizes, reach(k, d), s, found))
    return found


def fill(x: jax.Array, axes: Ints, amounts: EdgeAmounts, mode: str) -> jax.Array:
    """Pad ``axes`` by reflection, replication or going round. Raises BuildError where the input is too small."""
    widths = [(0, 0)] * x.ndim
    for axis, amount in zip(axes, amounts, strict=True):
        # jnp.pad would reflect and go round again and again; the language, as PyTorch, allows it once.
        size = x.shape[axis]
        most = {"reflect": size - 1, "circular": size}.get(mode)
        if most is not None and max(amount) > most:
            raise BuildError(f"{mode} padding of {max(amount)} on axis {axis} is too much for {size} elements")
        widths[axis] = amount
    return jnp.pad(x, widths, mode=FILL[mode])


def whole(rank: int, axes: Ints, values: Sequence[int]) -> Ints:
    """Return 1 for every axis of ``rank``, with ``values`` at ``axes``."""
    found = [1] * rank
    for axis, value in zip(axes, values, strict=True):
        found[axis] = value
    return tuple(found)


def dimension_numbers(rank: int, axes: Ints, channel_axis: int) -> lax.ConvDimensionNumbers:
    """Return the layout of a convolution whose kernel is [out, in, spatial ...]."""
    features = (0, channel_axis, *axes)
    return lax.ConvDimensionNumbers(features, tuple(range(rank)), features)
