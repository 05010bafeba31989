"""What a case is, and how its numbers are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from hypothesis import strategies as st
from jax import lax
from one_layer import RESULT, layer

Shape = tuple[int, ...]
Arrays = Mapping[str, Any]


class Refused(Exception):
    """A rule of the language that JAX does not have is broken."""


def require(holds: bool) -> None:
    if not holds:
        raise Refused


class Case(NamedTuple):
    """A network of one layer (and what it refers to) as text, and the same as a JAX function of its inputs."""

    layers: list[str]
    inputs: dict[str, Shape]
    channels_last: bool
    function: Callable[[Arrays], Any]
    dtype: str | None = None


class Draw:
    """Draws the numbers of a case."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def int(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))

    def of(self, *choices: Any) -> Any:
        return self.data.draw(st.sampled_from(choices))

    def rarely(self) -> bool:
        return self.data.draw(st.integers(0, 9)) == 9

    def list(self, count: int, low: int, high: int) -> list[int]:
        return [self.int(low, high) for _ in range(count)]

    def per_axis(self, count: int, low: int, high: int) -> Any:
        """One number or a list; now and then a list of the wrong length."""
        if self.of(True, False):
            return self.int(low, high)
        return self.list(count + (1 if self.rarely() else 0), low, high)

    def edges(self, count: int, high: int) -> Any:
        if self.of(True, False):
            return self.per_axis(count, 0, high)
        return [self.list(2, 0, high) for _ in range(count + (1 if self.rarely() else 0))]

    def map(self, low: int = 1, high: int = 12, channels: Sequence[int] = (1, 2, 3, 4, 6)) -> Map:
        axes = self.of(1, 2, 2, 3)
        return Map(self.int(1, 3), self.of(*channels), tuple(self.list(axes, low, high)), self.of(False, True))

    def shape(self, low: int = 1, high: int = 4, size: int = 4) -> Shape:
        return tuple(self.list(self.int(low, high), 1, size))


class Map(NamedTuple):
    """A feature map in a layout."""

    batch: int
    channels: int
    spatial: Shape
    last: bool

    @property
    def count(self) -> int:
        return len(self.spatial)

    @property
    def axes(self) -> tuple[int, ...]:
        """Where the spatial axes stand."""
        return tuple(range(1, self.count + 1) if self.last else range(2, self.count + 2))

    @property
    def channel_axis(self) -> int:
        return self.count + 1 if self.last else 1

    def shape(self, channels: int | None = None, spatial: Sequence[int] | None = None) -> Shape:
        c = self.channels if channels is None else channels
        s = self.spatial if spatial is None else tuple(spatial)
        return (self.batch, *s, c) if self.last else (self.batch, c, *s)

    @property
    def numbers(self) -> lax.ConvDimensionNumbers:
        n = self.count
        spec = (0, n + 1, *range(1, n + 1)) if self.last else tuple(range(n + 2))
        return lax.ConvDimensionNumbers(spec, tuple(range(n + 2)), spec)


def each(value: Any, count: int) -> list[Any]:
    """Return a value per axis. A list of another length is refused."""
    if not isinstance(value, list):
        return [value] * count
    require(len(value) == count)
    return value


def reach(k: int, d: int) -> int:
    return len(range(0, k * d, d)[-1] * "x") + 1


def edges_of(padding: Any, k: list[int], d: list[int]) -> Any:
    """Return lax's padding for a value of the language's."""
    words = {"valid": "VALID", "same": "SAME", "same_lower": "SAME_LOWER"}
    if padding in words if isinstance(padding, str) else False:
        return words[padding]
    if padding == "half":
        return [(reach(a, b) // 2,) * 2 for a, b in zip(k, d, strict=True)]
    if padding == "full":
        return [(reach(a, b) - 1,) * 2 for a, b in zip(k, d, strict=True)]
    return [tuple(e) if isinstance(e, list) else (e, e) for e in each(padding, len(k))]


PADDING_WORDS = ("valid", "half", "full", "same", "same_lower")


def draw_padding(draw: Draw, count: int, high: int = 4) -> Any:
    return draw.of(*PADDING_WORDS) if draw.rarely() or draw.of(True, False, False) else draw.edges(count, high)


def in_map(m: Map, op: str, keys: Mapping[str, Any], function: Callable[[Any], Any]) -> Case:
    return Case([layer(op, keys, RESULT)], {"x": m.shape()}, m.last, lambda arrays: function(arrays["x"]))


def on(shape: Shape, op: str, keys: Mapping[str, Any], function: Callable[[Any], Any], last: bool = False) -> Case:
    return Case([layer(op, keys, RESULT)], {"x": shape}, last, lambda arrays: function(arrays["x"]))


def pad_edges(x: Any, m: Map, pairs: Sequence[tuple[int, int]], mode: str) -> Any:
    """Pad the spatial axes. Reflecting needs p < i and going round p <= i."""
    most = {"reflect": -1, "circular": 0}.get(mode)
    for axis, pair in zip(m.axes, pairs, strict=True):
        require(most is None or max(pair) <= x.shape[axis] + most)
    widths = [(0, 0)] * x.ndim
    for axis, pair in zip(m.axes, pairs, strict=True):
        widths[axis] = pair
    names = {"zeros": "constant", "replicate": "edge", "circular": "wrap"}
    return jnp.pad(x, widths, mode=names.get(mode, mode))
