"""Every op, with random keys, inputs and layouts, against the same thing written with lax and jnp.

What is written here knows nothing of shapecheck's arithmetic, nor of ``shapecheck.xla``. JAX does the counting:
``jax.eval_shape`` traces each function. JAX accepts an axis of size 0, which the language does not; and a few rules of
the language, those that have no counterpart in JAX, are written out as ``require``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax import lax
from one_layer import RESULT, ask, layer, text

from shapecheck import arithmetic
from shapecheck.layers import REGISTRY

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


# --- convolution ----------------------------------------------------------------------------------------------------


def convolved(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """A convolution by the language's keys, channels_first or last."""
    k, s, d = (each(keys.get(name, 1), m.count) for name in ("kernel_size", "stride", "dilation"))
    groups = m.channels if keys.get("groups") == "depthwise" else keys.get("groups", 1)
    stated = keys.get("in_channels", m.channels)
    require(stated == m.channels)
    require(m.channels % groups == 0)
    weights = jnp.zeros((keys["out_channels"], m.channels // groups, *k))
    padding = edges_of(keys.get("padding", 0), k, d)
    mode = keys.get("padding_mode", "zeros")
    if mode != "zeros":
        if isinstance(padding, str):
            spatial = [x.shape[axis] for axis in m.axes]
            padding = lax.padtype_to_pads(spatial, [reach(a, b) for a, b in zip(k, d, strict=True)], s, padding)
        x = pad_edges(x, m, [tuple(map(int, pair)) for pair in padding], mode)
        padding = "VALID"
    return lax.conv_general_dilated(
        x, weights, s, padding, rhs_dilation=d, dimension_numbers=m.numbers, feature_group_count=groups
    )


def conv_keys(draw: Draw, m: Map) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "out_channels": draw.of(1, 2, 4, 6),
        "kernel_size": draw.per_axis(m.count, 1, 5),
        "stride": draw.per_axis(m.count, 1, 3),
        "padding": draw_padding(draw, m.count),
        "dilation": draw.per_axis(m.count, 1, 3),
        "groups": draw.of(1, 1, 2, 3, "depthwise"),
        "bias": draw.of(True, False),
    }
    if draw.rarely():
        keys["in_channels"] = draw.of(m.channels, m.channels, m.channels + 1)
    return keys


def conv(draw: Draw, op: str) -> Case:
    m = draw.map()
    keys = conv_keys(draw, m) | {"padding_mode": draw.of("zeros", "zeros", "reflect", "replicate", "circular")}
    return in_map(m, op, keys, lambda x: convolved(x, m, keys))


def inverted(m: Map, i: Sequence[int], keys: Mapping[str, Any], candidates: Sequence[int]) -> None:
    """Require that the associated convolution maps the sizes ``candidates`` to the sizes ``i``."""
    require(min(candidates) >= 1)
    plain = {
        name: keys[name] for name in ("kernel_size", "stride", "padding", "dilation") if keys.get(name) is not None
    }
    one = Map(1, 1, tuple(candidates), False)
    there = jax.eval_shape(
        lambda x: convolved(x, one, {"out_channels": 1, **plain}), jax.ShapeDtypeStruct(one.shape(), jnp.float32)
    )
    require(there.shape[2:] == tuple(i))


def transposed(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """The transpose of a convolution, as a convolution of the stretched input (the guide, chapter 4)."""
    k, s, d = (each(keys.get(name, 1), m.count) for name in ("kernel_size", "stride", "dilation"))
    a = each(keys.get("output_padding", 0), m.count)
    groups = m.channels if keys.get("groups") == "depthwise" else keys.get("groups", 1)
    require(m.channels % groups == 0 and keys["out_channels"] % groups == 0)
    require("in_channels" not in keys or keys["in_channels"] == m.channels)
    require(all(extra < max(one, two) for extra, one, two in zip(a, s, d, strict=True)))
    padding = edges_of(keys.get("padding", 0), k, d)
    reaches = [reach(one, two) for one, two in zip(k, d, strict=True)]
    if "output_size" in keys:
        o = each(keys["output_size"], m.count)
        inverted(m, m.spatial, keys, o)
        return jnp.zeros(m.shape(keys["out_channels"], o))
    if padding in ("SAME", "SAME_LOWER"):
        # The smallest size that a convolution with same padding and this stride maps here; a counts from it.
        least = [next(j for j in range(1, 100) if -(-j // stride) == i) for i, stride in zip(m.spatial, s, strict=True)]
        inverted(m, m.spatial, keys, least)
        return jnp.zeros(m.shape(keys["out_channels"], [j + extra for j, extra in zip(least, a, strict=True)]))
    if padding == "VALID":
        padding = [(0, 0)] * m.count
    pads = [
        (span - 1 - before, span - 1 - after + extra)
        for span, (before, after), extra in zip(reaches, padding, a, strict=True)
    ]
    weights = jnp.zeros((keys["out_channels"], m.channels // groups, *k))
    return lax.conv_general_dilated(
        x,
        weights,
        (1,) * m.count,
        pads,
        lhs_dilation=s,
        rhs_dilation=d,
        dimension_numbers=m.numbers,
        feature_group_count=groups,
    )


def conv_transpose(draw: Draw, op: str) -> Case:
    if draw.of(True, False, False):
        return transpose_of(draw, op)
    m = draw.map(high=6)
    keys = conv_keys(draw, m)
    if draw.of(True, False):
        keys["output_padding"] = draw.per_axis(m.count, 0, 2)
    elif draw.of(True, False):
        keys["output_size"] = output_size(draw, m, keys)
    return in_map(m, op, keys, lambda x: transposed(x, m, keys))


def output_size(draw: Draw, m: Map, keys: Mapping[str, Any]) -> Any:
    """A size, or sizes near those that can be reached."""
    if draw.rarely():
        return draw.per_axis(m.count, 1, 16)
    k, s = (keys.get(name, 1) for name in ("kernel_size", "stride"))
    if any(isinstance(value, list) and len(value) != m.count for value in (k, s)):
        return draw.int(1, 16)
    return [
        max((i - 1) * stride + kernel + draw.int(-2, 2), 1)
        for i, kernel, stride in zip(m.spatial, each(k, m.count), each(s, m.count), strict=True)
    ]


def transpose_of(draw: Draw, op: str) -> Case:
    """By name: what is given back is what the convolution was given, as the adjoint has it."""
    m = draw.map()
    keys = conv_keys(draw, m) | {"groups": draw.of(1, 1, 2)}
    below: dict[str, Any] = {"transpose_of": "there"}
    if draw.of(True, False):
        below["out_channels"] = draw.of(2, 4)
    if draw.rarely():
        below["stride"] = draw.of(keys["stride"], 3)
    lines = [layer("conv", keys, "there", "x"), layer(op, below, RESULT)]

    def function(arrays: Arrays) -> Any:
        x = arrays["x"]
        y = jax.eval_shape(lambda one: convolved(one, m, keys), x)
        require(min(y.shape) >= 1)
        require(below.get("stride", keys["stride"]) == keys["stride"])
        (back,) = jax.linear_transpose(lambda one: convolved(one, m, keys), jax.ShapeDtypeStruct(x.shape, x.dtype))(
            jnp.zeros(y.shape)
        )
        out = below.get("out_channels", m.channels)
        require(out % keys["groups"] == 0)
        return jnp.zeros(m.shape(out, [back.shape[axis] for axis in m.axes]))

    return Case(lines, {"x": m.shape()}, m.last, function)


def patches(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """Windows as columns: [N, C * taps, windows]."""
    k, s, d = (each(keys.get(name, 1), m.count) for name in ("kernel_size", "stride", "dilation"))
    found = lax.conv_general_dilated_patches(
        x, k, s, edges_of(keys.get("padding", 0), k, d), rhs_dilation=d, dimension_numbers=m.numbers
    )
    require(min(found.shape) >= 1)
    columns = math.prod(found.shape[axis] for axis in m.axes)
    features = found.shape[m.channel_axis]
    return found.reshape((m.batch, columns, features) if m.last else (m.batch, features, columns))


def window_keys(draw: Draw, m: Map, high: int = 3) -> dict[str, Any]:
    return {
        "kernel_size": draw.per_axis(m.count, 1, high),
        "stride": draw.per_axis(m.count, 1, 3),
        "padding": draw_padding(draw, m.count, 2),
        "dilation": draw.per_axis(m.count, 1, 2),
    }


def unfold(draw: Draw, op: str) -> Case:
    m = draw.map(high=8, channels=(1, 2, 3))
    keys = window_keys(draw, m)
    return in_map(m, op, keys, lambda x: patches(x, m, keys))


def fold(draw: Draw, op: str) -> Case:
    """The adjoint of unfold: it needs the very columns that unfold makes of its output size."""
    m = draw.map(low=2, high=8, channels=(1, 2, 3))
    keys = window_keys(draw, m) | {"output_size": list(m.spatial)}
    try:
        columns = jax.eval_shape(lambda x: patches(x, m, keys), jax.ShapeDtypeStruct(m.shape(), jnp.float32)).shape
    except (Refused, TypeError, ValueError):
        columns = (m.batch, 4, 4)
    off = draw.of(0, 0, 0, 1)
    axis = draw.of(1, 2)
    given = tuple(size + off if at == axis else size for at, size in enumerate(columns))

    def function(x: Any) -> Any:
        assert isinstance(keys["output_size"], list)
        taps = math.prod(each(keys["kernel_size"], m.count))
        features = x.shape[2] if m.last else x.shape[1]
        require(features % taps == 0)
        there = m._replace(channels=features // taps)
        made = jax.eval_shape(lambda one: patches(one, there, keys), jax.ShapeDtypeStruct(there.shape(), jnp.float32))
        require(made.shape == x.shape)
        return jnp.zeros(there.shape())

    return on(given, op, keys, function, m.last)


# --- pooling --------------------------------------------------------------------------------------------------------


def windowed(x: Any, m: Map, keys: Mapping[str, Any]) -> Any:
    """A pooling: floor or ceil mode, at most half the window of padding."""
    k = each(keys["kernel_size"], m.count)
    s = k if keys.get("stride") is None else each(keys["stride"], m.count)
    d = each(keys.get("dilation", 1), m.count)
    padding = edges_of(keys.get("padding", 0), k, d)
    same = padding in ("SAME", "SAME_LOWER")
    pairs = [(0, 0)] * m.count if padding == "VALID" else padding
    if not same:
        require(all(2 * max(pair) <= size for pair, size in zip(pairs, k, strict=True)))
    ceil = keys.get("ceil_mode", False) and not same

    def whole(values: Sequence[int]) -> tuple[int, ...]:
        result = [1] * x.ndim
        for axis, value in zip(m.axes, values, strict=True):
            result[axis] = value
        return tuple(result)

    edges: Any = padding
    if not same:
        edges = [(0, 0)] * x.ndim
        for axis, (before, after), stride in zip(m.axes, pairs, s, strict=True):
            edges[axis] = (before, after + stride - 1 if ceil else after)
    found = lax.reduce_window(x, -jnp.inf, lax.max, whole(k), whole(s), edges, window_dilation=whole(d))
    if ceil:
        # A last window that starts behind the input is dropped.
        for axis, (before, _), stride in zip(m.axes, pairs, s, strict=True):
            starts = len(range(0, x.shape[axis] + before, stride))
            found = lax.slice_in_dim(found, 0, min(starts, found.shape[axis]), axis=axis)
    return found


def pool_keys(draw: Draw, m: Map, op: str) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "kernel_size": draw.per_axis(m.count, 1, 5),
        "padding": draw_padding(draw, m.count, 2),
        "ceil_mode": draw.of(True, False),
    }
    if draw.of(True, False):
        keys["stride"] = draw.per_axis(m.count, 1, 4)
    if op == "max_pool" and draw.of(True, False):
        keys["dilation"] = draw.per_axis(m.count, 1, 3)
    if op == "avg_pool":
        keys["count_include_pad"] = draw.of(True, False)
    if op == "lp_pool":
        keys["norm_type"] = draw.of(1, 2, 2.5)
    return keys


def pool(draw: Draw, op: str) -> Case:
    m = draw.map()
    keys = pool_keys(draw, m, op)
    return in_map(m, op, keys, lambda x: windowed(x, m, keys))


def max_unpool(draw: Draw, op: str) -> Case:
    if draw.of(True, False):
        return unpool_of(draw, op)
    m = draw.map(high=6)
    keys: dict[str, Any] = {
        "kernel_size": draw.per_axis(m.count, 1, 4),
        "padding": draw.of("valid", "half", "full") if draw.rarely() else draw.edges(m.count, 1),
    }
    if draw.of(True, False):
        keys["stride"] = draw.per_axis(m.count, 1, 4)
    if draw.of(True, False):
        keys["output_padding"] = draw.per_axis(m.count, 0, 2)
    elif draw.of(True, False):
        keys["output_size"] = output_size(draw, m, {"stride": keys["kernel_size"], **keys})

    def function(x: Any) -> Any:
        stride = keys.get("stride", keys["kernel_size"])
        a = each(keys.get("output_padding", 0), m.count)
        require(all(extra < s for extra, s in zip(a, each(stride, m.count), strict=True)))
        return transposed(x, m, keys | {"stride": stride, "groups": "depthwise", "out_channels": m.channels})

    return in_map(m, op, keys, function)


def unpool_of(draw: Draw, op: str) -> Case:
    """By name: the map must be as large as the one that the pooling made, and becomes what the pooling was given."""
    m = draw.map()
    keys = pool_keys(draw, m, "max_pool")
    lines = [layer("max_pool", keys, "there", "x")]
    kernel = draw.of(1, 1, 1, 2)
    lines += [
        layer("conv", {"out_channels": draw.of(m.channels, m.channels, 5), "kernel_size": kernel}, "between"),
        layer(op, {"pool": "there"}, RESULT),
    ]
    channels = 5 if "out_channels: 5" in lines[1] else m.channels

    def function(arrays: Arrays) -> Any:
        made = jax.eval_shape(lambda x: windowed(x, m, keys), arrays["x"])
        require(min(made.shape) >= 1)
        between = [made.shape[axis] - kernel + 1 for axis in m.axes]
        require(between == [made.shape[axis] for axis in m.axes] and channels == m.channels)
        return arrays["x"]

    return Case(lines, {"x": m.shape()}, m.last, function)


def adaptive_pool(draw: Draw, op: str) -> Case:
    m = draw.map()
    keys = {"output_size": draw.per_axis(m.count, 1, 9)}

    def function(x: Any) -> Any:
        reduce = jnp.mean if "avg" in op else jnp.max
        for axis, o in zip(m.axes, each(keys["output_size"], m.count), strict=True):
            i = x.shape[axis]
            parts = [
                reduce(lax.slice_in_dim(x, j * i // o, -(-(j + 1) * i // o), axis=axis), axis, keepdims=True)
                for j in range(o)
            ]
            x = jnp.concatenate(parts, axis)
        return x

    return in_map(m, op, keys, function)


def global_pool(draw: Draw, op: str) -> Case:
    m = draw.map()
    keep = draw.of(True, False)
    reduce = jnp.mean if "avg" in op else jnp.max
    return in_map(m, op, {"keep_dims": keep}, lambda x: reduce(x, m.axes, keepdims=keep))


# --- resampling and moving ------------------------------------------------------------------------------------------


def upsample(draw: Draw, op: str) -> Case:
    m = draw.map()
    mode = draw.of("nearest", "linear", "cubic")
    keys: dict[str, Any] = {"mode": mode}
    inputs = {"x": m.shape()}
    which = draw.of("scale_factor", "size", "like")
    target: list[int] = []
    if which == "scale_factor":
        scales = (2, 3, 0.5, 1.5, 0.25, 1.4, 1 / 3, 120 / 88)
        keys[which] = draw.of(*scales) if draw.of(True, False) else [draw.of(*scales) for _ in m.spatial]
    elif which == "size":
        keys[which] = draw.per_axis(m.count, 1, 20)
    else:
        other = draw.map()
        target = list(other.spatial)
        keys[which] = "y"
        inputs["y"] = other._replace(last=m.last).shape()

    def function(arrays: Arrays) -> Any:
        x = arrays["x"]
        if which == "scale_factor":
            o = [math.floor(i * float(r)) for i, r in zip(m.spatial, each(keys[which], m.count), strict=True)]
        else:
            o = each(keys.get("size", target), m.count)
        require(min(o) >= 1)
        return jax.image.resize(x, m.shape(spatial=o), mode)

    return Case([layer(op, keys, RESULT, "x")], inputs, m.last, function)


def pad(draw: Draw, op: str) -> Case:
    m = draw.map()
    mode = draw.of("constant", "zeros", "reflect", "replicate", "circular")
    keys = {"padding": draw.edges(m.count, 6), "mode": mode}

    def function(x: Any) -> Any:
        pairs = [tuple(e) if isinstance(e, list) else (e, e) for e in each(keys["padding"], m.count)]
        return pad_edges(x, m, pairs, mode)

    return in_map(m, op, keys, function)


def crop(draw: Draw, op: str) -> Case:
    m = draw.map()
    if draw.of(True, False):
        other = draw.map(high=8)._replace(last=m.last)

        def centre(arrays: Arrays) -> Any:
            x = arrays["x"]
            for axis, o in zip(m.axes, other.spatial, strict=True):
                start = (x.shape[axis] - o) // 2
                require(start >= 0 and x.shape[axis] >= o)
                x = lax.slice_in_dim(x, start, start + o, axis=axis)
            return x

        return Case([layer(op, {"like": "y"}, RESULT, "x")], {"x": m.shape(), "y": other.shape()}, m.last, centre)
    keys = {"cropping": draw.edges(m.count, 4)}

    def function(x: Any) -> Any:
        for axis, edge in zip(m.axes, each(keys["cropping"], m.count), strict=True):
            before, after = edge if isinstance(edge, list) else (edge, edge)
            require(before + after < x.shape[axis])
            x = lax.slice_in_dim(x, before, x.shape[axis] - after, axis=axis)
        return x

    return in_map(m, op, keys, function)


def pixel_shuffle(draw: Draw, op: str) -> Case:
    m = draw.map(high=6, channels=(1, 4, 8, 9, 12, 16, 27))
    r = draw.of(1, 2, 2, 3)

    def function(x: Any) -> Any:
        x = jnp.moveaxis(x, m.channel_axis, 1)
        block = r**m.count
        x = x.reshape(m.batch, m.channels // block, *(r,) * m.count, *m.spatial)
        order = [0, 1]
        for j in range(m.count):
            order += [2 + m.count + j, 2 + j]
        x = x.transpose(order).reshape(m.batch, m.channels // block, *(i * r for i in m.spatial))
        return jnp.moveaxis(x, 1, m.channel_axis)

    return in_map(m, op, {"factor": r}, function)


def pixel_unshuffle(draw: Draw, op: str) -> Case:
    m = draw.map()
    r = draw.of(1, 2, 2, 3)
    if draw.of(True, False):
        m = m._replace(spatial=tuple(r * i for i in m.spatial))

    def function(x: Any) -> Any:
        x = jnp.moveaxis(x, m.channel_axis, 1)
        shape = [m.batch, m.channels]
        order = [0, 1, *(3 + 2 * j for j in range(m.count)), *(2 + 2 * j for j in range(m.count))]
        for i in m.spatial:
            shape += [i // r, r]
        x = x.reshape(shape).transpose(order).reshape(m.batch, m.channels * r**m.count, *(i // r for i in m.spatial))
        return jnp.moveaxis(x, 1, m.channel_axis)

    return in_map(m, op, {"factor": r}, function)


# --- vectors --------------------------------------------------------------------------------------------------------


def linear(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    keys: dict[str, Any] = {"out_features": draw.int(1, 5), "bias": draw.of(True, False)}
    if draw.of(True, False):
        keys["in_features"] = draw.of(shape[-1], shape[-1], shape[-1] + 1)
    width = keys.get("in_features", shape[-1])
    return on(shape, op, keys, lambda x: x @ jnp.zeros((width, keys["out_features"])), draw.of(True, False))


def embedding(draw: Draw, op: str) -> Case:
    shape = draw.shape(high=3)
    keys = {"num_embeddings": draw.int(1, 9), "embedding_dim": draw.int(1, 5)}
    case = on(shape, op, keys, lambda x: jnp.take(jnp.zeros(tuple(keys.values())), x, axis=0))
    return case._replace(dtype="int32")


def attention(draw: Draw, op: str) -> Case:
    shape = tuple(draw.list(draw.of(2, 3, 3, 3, 4), 1, 6))
    heads = draw.of(1, 2, 3)

    def function(x: Any) -> Any:
        batch, length, features = x.shape
        q = k = v = x.reshape(batch, length, heads, features // heads)
        weights = jax.nn.softmax(jnp.einsum("nqhd,nkhd->nhqk", q, k))
        return jnp.einsum("nhqk,nkhd->nqhd", weights, v).reshape(batch, length, heads * q.shape[-1])

    return on(shape, op, {"num_heads": heads}, function)


# --- normalisation --------------------------------------------------------------------------------------------------


def channel_of(shape: Shape, last: bool) -> int:
    return len(shape) - 1 if last or len(shape) < 2 else 1


def norm(draw: Draw, op: str) -> Case:
    shape, last = draw.shape(high=5, size=6), draw.of(True, False)
    keys: dict[str, Any] = {}
    if op == "layer_norm":
        if draw.of(True, False):
            keys["axis"] = draw.int(-len(shape) - 1, len(shape))
        feature = keys.get("axis", -1)
    else:
        feature = channel_of(shape, last)
    if draw.of(True, False) and -len(shape) <= feature < len(shape):
        keys["num_features"] = draw.of(shape[feature], shape[feature], shape[feature] + 1)
    if op == "group_norm":
        keys["num_groups"] = draw.of(1, 2, 3)
    if draw.of(True, False):
        keys["affine"] = draw.of(True, False)

    def function(x: Any) -> Any:
        require(op == "layer_norm" or x.ndim >= 2)
        size = jnp.moveaxis(x, feature, 0).shape[0]  # refuses an axis that is not there
        require(keys.get("num_features", size) == size)
        if op == "group_norm":
            groups = keys["num_groups"]
            split = jnp.moveaxis(x, feature, 1)
            rest = split.reshape(x.shape[0], groups, size // groups, *split.shape[2:])
            rest = rest - rest.mean(tuple(range(2, rest.ndim)), keepdims=True)
            return jnp.moveaxis(rest.reshape(split.shape), 1, feature)
        other = tuple(axis for axis in range(x.ndim) if axis != feature % x.ndim)
        axes = {"batch_norm": other, "instance_norm": tuple(a for a in other if a), "layer_norm": (feature,)}[op]
        return (x - x.mean(axes, keepdims=True)) / jnp.sqrt(x.var(axes, keepdims=True) + 1e-5)

    return on(shape, op, keys, function, last)


def local_response_norm(draw: Draw, op: str) -> Case:
    shape, last = tuple(draw.list(draw.of(2, 3, 4, 5), 1, 6)), draw.of(True, False)
    size = draw.int(1, 5)
    axis = channel_of(shape, last)
    keys: dict[str, Any] = {"size": size}
    if draw.rarely():
        keys["num_features"] = draw.of(shape[axis], shape[axis] + 1)

    def function(x: Any) -> Any:
        require(x.ndim >= 3)
        require(keys.get("num_features", x.shape[axis]) == x.shape[axis])
        edges = [(0, 0)] * x.ndim
        edges[axis] = (size // 2, size - 1 - size // 2)
        window = tuple(size if at == axis else 1 for at in range(x.ndim))
        return x / lax.reduce_window(x * x, 0.0, lax.add, window, (1,) * x.ndim, edges) ** 0.75

    return on(shape, op, keys, function, last)


# --- activation -----------------------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "hardswish": jax.nn.hard_swish,
    "sigmoid": jax.nn.sigmoid,
    "hardsigmoid": jax.nn.hard_sigmoid,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "identity": lambda x: x,
    "dropout": lambda x: jnp.where(x > 0.5, x / 0.5, 0),
}


def elementwise(draw: Draw, op: str) -> Case:
    names = {"leaky_relu": "negative_slope", "elu": "alpha", "softplus": "beta", "dropout": "p"}
    keys = {names[op]: draw.of(0.1, 0.5, 1)} if op in names and draw.of(True, False) else {}
    return on(draw.shape(high=5), op, keys, FUNCTIONS[op], draw.of(True, False))


def prelu(draw: Draw, op: str) -> Case:
    shape, last = draw.shape(), draw.of(True, False)
    axis = channel_of(shape, last)
    count = draw.of(1, shape[axis], 3)

    def function(x: Any) -> Any:
        require(count in (1, x.shape[axis]))
        slopes = jnp.zeros([count if at == axis else 1 for at in range(x.ndim)])
        return jnp.where(x > 0, x, slopes * x)

    return on(shape, op, {"num_parameters": count}, function, last)


def softmax(draw: Draw, op: str) -> Case:
    shape, last = draw.shape(), draw.of(True, False)
    function = jax.nn.softmax if op == "softmax" else jax.nn.log_softmax
    if draw.of(True, False):
        return on(shape, op, {}, lambda x: function(x, axis=channel_of(shape, last)), last)
    axis = draw.int(-len(shape) - 1, len(shape))

    def along(x: Any) -> Any:
        require(-x.ndim <= axis < x.ndim)
        return function(x, axis=axis)

    return on(shape, op, {"axis": axis}, along, last)


# --- merging --------------------------------------------------------------------------------------------------------


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


# --- rearranging ----------------------------------------------------------------------------------------------------


def flatten(draw: Draw, op: str) -> Case:
    shape = draw.shape(high=5)
    keys = {}
    if draw.of(True, False):
        keys["start_axis"] = draw.int(-len(shape) - 1, len(shape))
    if draw.of(True, False):
        keys["end_axis"] = draw.int(-len(shape) - 1, len(shape))

    def function(x: Any) -> Any:
        places = range(x.ndim)
        start, end = places[keys.get("start_axis", 1)], places[keys.get("end_axis", -1)]
        require(start <= end)
        return lax.collapse(x, start, end + 1)

    return on(shape, op, keys, function)


def reshape(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    count = math.prod(shape)
    divisors = [n for n in range(1, count + 1) if count % n == 0]
    target = [draw.of(*divisors) for _ in range(draw.int(0, 2))]
    if draw.of(True, False):
        target.append(max(count // max(math.prod(target), 1), 1))
    if draw.of(True, False) or not target:
        target.insert(draw.int(0, len(target)), -1)
    return on(shape, op, {"shape": target}, lambda x: x.reshape(target))


def permute(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    axes = draw.data.draw(st.permutations(range(len(shape))))
    if draw.of(True, False):
        axes = [axis - len(shape) if draw.of(True, False) else axis for axis in axes]
    if draw.rarely():
        axes = [*axes[:-1], draw.int(-2, 5)]
    return on(shape, op, {"axes": list(axes)}, lambda x: jnp.transpose(x, tuple(axes)))


def squeeze(draw: Draw, op: str) -> Case:
    shape = draw.shape(size=2)
    axis = draw.int(-len(shape) - 1, len(shape))

    def function(x: Any) -> Any:
        found = jnp.squeeze(x, axis)
        require(found.ndim >= 1)
        return found

    return on(shape, op, {"axis": axis}, function)


def unsqueeze(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    axis = draw.int(-len(shape) - 2, len(shape) + 1)
    return on(shape, op, {"axis": axis}, lambda x: jnp.expand_dims(x, axis))


def slice_(draw: Draw, op: str) -> Case:
    shape = draw.shape(size=7)
    keys: dict[str, Any] = {"axis": draw.int(-len(shape), len(shape))}
    for name, low in (("start", -8), ("stop", -8), ("step", 1)):
        if draw.of(True, False):
            keys[name] = draw.int(low, 8)
    where = slice(keys.get("start", 0), keys.get("stop"), keys.get("step", 1))

    def function(x: Any) -> Any:
        place = range(x.ndim)[keys["axis"]]
        return x[(slice(None),) * place + (where,)]

    return on(shape, op, keys, function)


def chunk(draw: Draw, op: str) -> Case:
    shape = draw.shape(size=9)
    keys = {"axis": draw.int(-len(shape), len(shape)), "chunks": draw.int(1, 4), "index": draw.int(0, 3)}

    def function(x: Any) -> Any:
        place = range(x.ndim)[keys["axis"]]
        require(keys["index"] < keys["chunks"])
        piece = -(-x.shape[place] // keys["chunks"])
        return jnp.split(x, list(range(piece, x.shape[place], piece)), axis=place)[keys["index"]]

    return on(shape, op, keys, function)


def reduce(draw: Draw, op: str) -> Case:
    shape = draw.shape()
    rank = len(shape)
    axes = draw.int(-rank - 1, rank) if draw.of(True, False) else draw.list(draw.int(1, 3), -rank, rank - 1)
    keys = {"kind": draw.of("mean", "sum", "max"), "axes": axes, "keep_dims": draw.of(True, False)}

    def function(x: Any) -> Any:
        apply = {"mean": jnp.mean, "sum": jnp.sum, "max": jnp.max}[keys["kind"]]
        found = apply(x, tuple(axes) if isinstance(axes, list) else axes, keepdims=keys["keep_dims"])
        require(found.ndim >= 1)
        return found

    return on(shape, op, keys, function)


# --- the table ------------------------------------------------------------------------------------------------------

OPS: dict[str, Callable[[Draw, str], Case]] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "unfold": unfold,
    "fold": fold,
    "max_pool": pool,
    "avg_pool": pool,
    "lp_pool": pool,
    "max_unpool": max_unpool,
    "adaptive_avg_pool": adaptive_pool,
    "adaptive_max_pool": adaptive_pool,
    "global_avg_pool": global_pool,
    "global_max_pool": global_pool,
    "upsample": upsample,
    "pad": pad,
    "crop": crop,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "linear": linear,
    "embedding": embedding,
    "attention": attention,
    "batch_norm": norm,
    "instance_norm": norm,
    "layer_norm": norm,
    "group_norm": norm,
    "local_response_norm": local_response_norm,
    "prelu": prelu,
    "softmax": softmax,
    "log_softmax": softmax,
    "add": arithmetic_merge,
    "subtract": arithmetic_merge,
    "multiply": arithmetic_merge,
    "maximum": arithmetic_merge,
    "average": arithmetic_merge,
    "concat": concat,
    "stack": stack,
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "slice": slice_,
    "chunk": chunk,
    "reduce": reduce,
    **dict.fromkeys(FUNCTIONS, elementwise),
}
# Ops that fit every input that is drawn for them here.
NEVER_REFUSED = {*FUNCTIONS, "embedding", "global_avg_pool", "global_max_pool"}


def test_no_op_is_missing() -> None:
    assert set(OPS) == set(REGISTRY)


def jax_shape(case: Case) -> Shape | None:
    """Return the shape that JAX gives, or None where it, or a rule of the language, refuses."""
    dtype = jnp.int32 if case.dtype else jnp.float32
    structs = {name: jax.ShapeDtypeStruct(shape, dtype) for name, shape in case.inputs.items()}
    try:
        found = jax.eval_shape(case.function, structs).shape
    except (Refused, TypeError, ValueError, IndexError):
        return None
    return found if min(found, default=0) >= 1 else None


@pytest.mark.parametrize("op", REGISTRY)
def test_shape_or_refusal_is_that_of_jax(op: str) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=60)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = OPS[op](Draw(data), op)
        source = text(case.inputs, case.layers, case.channels_last, case.dtype)
        ours, theirs = ask(source), jax_shape(case)
        seen["refused" if theirs is None else "accepted"] += 1
        assert (ours.shape is None) == bool(ours.errors), source
        assert ours.shape == (None if theirs is None else list(theirs)), f"{source}\njax: {theirs}, ours: {ours[:4]}"

    run()
    assert seen["accepted"] >= 10
    assert op in NEVER_REFUSED or seen["refused"] >= 1


# --- the adjoint ----------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.data())
def test_a_transposed_convolution_is_the_adjoint(data: st.DataObject) -> None:
    """<C x, y> = <x, C^T y> on integers, with C^T as the direct convolution that the guide says equals it."""
    draw = Draw(data)
    axes = draw.of(1, 2)
    i, k, s, d = (draw.list(axes, low, high) for low, high in ((1, 8), (1, 4), (1, 3), (1, 3)))
    pairs = [tuple(draw.list(2, 0, 3)) for _ in range(axes)]
    o = [arithmetic.conv(*row[:3], *row[4], row[3]) for row in zip(i, k, s, d, pairs, strict=True)]
    assume(min(o) >= 1)
    c_in, c_out = draw.of(1, 2), draw.of(1, 2)
    rng = np.random.default_rng(draw.int(0, 1000))
    w = jnp.asarray(rng.integers(-3, 4, (c_out, c_in, *k)), jnp.float32)
    x = jnp.asarray(rng.integers(-3, 4, (1, c_in, *i)), jnp.float32)
    y = jnp.asarray(rng.integers(-3, 4, (1, c_out, *o)), jnp.float32)

    def c(one: Any) -> Any:
        return lax.conv_general_dilated(one, w, s, pairs, rhs_dilation=d)

    forward = c(x)
    assert forward.shape == y.shape
    a = [arithmetic.unread(*row[:3], *row[4], row[3]) for row in zip(i, k, s, d, pairs, strict=True)]
    pads = [arithmetic.transposed_padding(row[0], *row[2], row[1], row[3]) for row in zip(k, d, pairs, a, strict=True)]
    flipped = jnp.flip(w, tuple(range(2, 2 + axes))).swapaxes(0, 1)
    back = lax.conv_general_dilated(y, flipped, (1,) * axes, pads, lhs_dilation=s, rhs_dilation=d)
    (adjoint,) = jax.linear_transpose(c, x)(y)
    assert back.shape == adjoint.shape == x.shape
    assert (back == adjoint).all()
    assert int((forward * y).sum()) == int((x * back).sum())
    ours = ask(
        text(
            {"x": y.shape},
            [
                layer(
                    "conv_transpose",
                    {
                        "out_channels": c_in,
                        "kernel_size": k,
                        "stride": s,
                        "dilation": d,
                        "padding": [list(pair) for pair in pairs],
                        "output_padding": a,
                    },
                    RESULT,
                )
            ],
        )
    )
    assert ours.shape == list(x.shape)
