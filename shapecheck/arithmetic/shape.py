"""Shapes: tuples of sizes, one an axis, and how people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from shapecheck.arithmetic.symbolic import Size

Shape: TypeAlias = tuple[Size, ...]

# Frameworks count the elements of an array in a signed 64-bit number. What is proved of sizes holds for all of them,
# so the bound here is far above that; it only keeps numbers short enough to be handled and printed.
LARGEST_BITS = 512
LARGEST = 2**LARGEST_BITS - 1
# As many axes as PyTorch and NumPy allow.
MOST_AXES = 64

SPATIAL_NAMES: dict[int, tuple[str, ...]] = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


class FeatureMap(NamedTuple):
    """A shape taken apart: batch, channels and the spatial axes, whatever the layout."""

    batch: Size
    channels: Size
    spatial: Shape


def split(shape: Shape, channels_last: bool) -> FeatureMap:
    """Take apart a shape of rank 2 or more."""
    if channels_last:
        return FeatureMap(shape[0], shape[-1], shape[1:-1])
    return FeatureMap(shape[0], shape[1], shape[2:])


def join(batch: Size, channels: Size, spatial: Shape, channels_last: bool) -> Shape:
    """Put together what ``split`` takes apart."""
    return (batch, *spatial, channels) if channels_last else (batch, channels, *spatial)


def channel_axis(rank: int, channels_last: bool) -> int:
    """Return where the channel axis of a shape of ``rank`` axes stands."""
    return rank - 1 if channels_last or rank < 2 else 1


def spatial_name(index: int, count: int) -> str:
    """Return the usual name of spatial axis ``index`` of ``count``: L; H, W; D, H, W; then by number."""
    names = SPATIAL_NAMES.get(count)
    return names[index] if names else f"spatial axis {index}"


def spatial_names(axes: list[int], count: int) -> str:
    """Return the names of spatial axes in one phrase: ``H and W``; ``D, H and W``."""
    *names, last = [spatial_name(j, count) for j in axes]
    return f"{', '.join(names)} and {last}" if names else last


def axis_name(axis: int, rank: int, channels_last: bool) -> str:
    """Return what people call axis ``axis`` of a shape of ``rank`` axes."""
    channels = channel_axis(rank, channels_last)
    if axis == 0:
        return "batch (axis 0)"
    if rank >= 2 and axis == channels:
        return f"channels (axis {axis})"
    if rank >= 3:
        return f"{spatial_name(axis - (1 if channels_last else 2), rank - 2)} (axis {axis})"
    return f"axis {axis}"


def show_number(number: int) -> str:
    """Return a whole number as a message prints it; of one that nobody could read, how long it is."""
    if number.bit_length() <= 128:
        return str(number)
    if number.bit_length() <= 4_096:
        return f"a number with {len(str(abs(number)))} digits"
    # Python refuses to print what is longer still.
    return f"a number with about {int(number.bit_length() * math.log10(2)) + 1} digits"


def show(shape: Iterable[object]) -> str:
    """Return a shape as a message prints it: ``[8, 64, 570, 570]``."""
    return "[" + ", ".join(map(str, shape)) + "]"


def too_large(found: str) -> str:
    """Return what is said of a number that is larger than any array."""
    return f"no array is so large (shapecheck counts to 2^{LARGEST_BITS}), found {found}"


def not_held(shape: Shape) -> str | None:
    """Return why no framework can hold an array of this shape, or None."""
    if len(shape) > MOST_AXES:
        return f"has {len(shape)} axes; arrays have at most {MOST_AXES}"
    elements = math.prod(size for size in shape if type(size) is int)
    if elements <= LARGEST:
        return None
    many = f"has 2^{elements.bit_length() - 1} elements or more"
    return f"{many}; no array is so large (shapecheck counts to 2^{LARGEST_BITS})"


def show_sizes(sizes: Shape) -> str:
    """Return spatial sizes as people say them: ``570 x 570``."""
    return " x ".join(map(str, sizes))
