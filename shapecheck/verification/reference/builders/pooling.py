"""Pooling: sliding, unpooling, adaptive and global."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from shapecheck.verification.reference.axis_keys import SAME, EdgeAmounts, padding_at, per_axis, require_table, whole
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.call import Call, Ints, builds, is_layer, spatial_axes, spatial_sizes


class Pooling(NamedTuple):
    """The windows of a pooling over an input whose spatial sizes are known. ``starts`` bounds where one may begin.

    ``extra`` elements behind the far padding let a last window reach past it, as ``ceil_mode`` asks.
    """

    axes: Ints
    k: Ints
    s: Ints
    d: Ints
    padding: EdgeAmounts
    extra: Ints
    starts: Ints

    def reduce(self, x: jax.Array, start: Any, function: Callable[[Any, Any], Any]) -> jax.Array:
        """Reduce every window with ``function``, and drop the windows that begin behind the input."""
        found: jax.Array = self._reduced(x, np.asarray(start, x.dtype), x.ndim, function)
        return found

    def _reduced(self, x: Any, start: Any, rank: int, function: Callable[[Any, Any], Any]) -> Any:
        """Reduce an array, or several of one shape together."""
        pads = [(0, 0)] * rank
        for axis, (low, high), more in zip(self.axes, self.padding, self.extra, strict=True):
            pads[axis] = (low, high + more)
        y = lax.reduce_window(
            x,
            start,
            function,
            whole(rank, self.axes, self.k),
            whole(rank, self.axes, self.s),
            pads,
            window_dilation=whole(rank, self.axes, self.d),
        )
        for axis, s, limit in zip(self.axes, self.s, self.starts, strict=True):

            def kept(part: jax.Array, axis: int = axis, s: int = s, limit: int = limit) -> jax.Array:
                return lax.slice_in_dim(part, 0, min(part.shape[axis], -(-limit // s)), axis=axis)

            y = jax.tree.map(kept, y)
        return y

    def largest(self, x: jax.Array) -> jax.Array:
        """Return the largest element of every window, with a gradient for dilated windows too."""
        floor = lowest(x.dtype)
        if max(self.d) == 1:
            return self.reduce(x, floor, lax.max)
        # JAX has no gradient of a dilated reduce_window, so its windows are cut out tap by tap.
        shape: Ints = jax.eval_shape(lambda v: self.reduce(v, floor, lax.max), x).shape
        pads = [(0, 0, 0)] * x.ndim
        for axis, (low, high), more in zip(self.axes, self.padding, self.extra, strict=True):
            pads[axis] = (low, high + more, 0)
        padded = lax.pad(x, np.asarray(floor, x.dtype), pads)
        taps = jnp.stack([self._tap(padded, shape, tap) for tap in np.ndindex(*self.k)])
        first: jax.Array = jnp.take_along_axis(taps, jnp.argmax(taps, axis=0)[None], axis=0)
        return lax.squeeze(first, (0,))

    def places(self, x: jax.Array) -> jax.Array:
        """Return for every window where its first largest element stands, counted through the spatial axes."""
        x = lax.stop_gradient(x)
        place = jnp.zeros(x.shape, jnp.int32)
        for axis in self.axes:
            place = place * x.shape[axis] + lax.broadcasted_iota(jnp.int32, x.shape, axis)
        floor = np.asarray(lowest(x.dtype), x.dtype)

        def larger(one: Any, other: Any) -> Any:
            (mine, here), (theirs, there) = one, other
            first = (mine > theirs) | ((mine == theirs) & (here < there))
            return jnp.where(first, mine, theirs), jnp.where(first, here, there)

        behind = np.int32(np.iinfo(np.int32).max)
        found: jax.Array = self._reduced((x, place), (floor, behind), x.ndim, larger)[1]
        return found

    def _tap(self, padded: jax.Array, shape: Ints, tap: Ints) -> jax.Array:
        for axis, at, s, d in zip(self.axes, tap, self.s, self.d, strict=True):
            padded = lax.slice_in_dim(padded, at * d, at * d + (shape[axis] - 1) * s + 1, s, axis)
        return padded

    def counts(self, y: jax.Array, x: jax.Array, with_padding: bool) -> list[np.ndarray[Any, Any]]:
        """Return, for each spatial axis, how many elements every window of ``y`` averages over."""
        found = []
        for axis, k, s, (low, high) in zip(self.axes, self.k, self.s, self.padding, strict=True):
            first, end = (0, low + x.shape[axis] + high) if with_padding else (low, low + x.shape[axis])
            require_table(y.shape[axis] * k)
            places = np.arange(y.shape[axis])[:, None] * s + np.arange(k)[None, :]
            found.append(((places >= first) & (places < end)).sum(axis=1))
        return found


def lowest(dtype: Any) -> Any:
    """Return the number that every other number of ``dtype`` is at least as large as."""
    if jnp.issubdtype(dtype, jnp.bool_):
        return False
    return -np.inf if jnp.issubdtype(dtype, jnp.floating) else np.iinfo(dtype).min


def windows_of(layer: Any, x: jax.Array, channels_last: bool) -> Pooling:
    """Return the windows of a pooling layer over ``x``, however wide its padding."""
    axes, sizes = spatial_axes(x.ndim, channels_last), spatial_sizes(x, channels_last)
    count = len(axes)
    k = per_axis(layer.kernel_size, count, "kernel_size")
    s = k if layer.stride is None else per_axis(layer.stride, count, "stride")
    d = per_axis(layer.dilation, count, "dilation")
    pads = padding_at(layer.padding, sizes, k, s, d)
    rounds_up = layer.ceil_mode and layer.padding not in SAME
    extra = tuple(stride - 1 for stride in s) if rounds_up else (0,) * count
    # PyTorch's rule: the last window must begin in the near padding or in the input.
    starts = [low + i if rounds_up else low + i + high + 1 for i, (low, high) in zip(sizes, pads, strict=True)]
    return Pooling(axes, k, s, d, pads, extra, tuple(starts))


def pooling(layer: Any, x: jax.Array, channels_last: bool) -> Pooling:
    """Return the windows of a pooling layer over ``x``. Raises BuildError where the padding is over half a window."""
    found = windows_of(layer, x, channels_last)
    for window, pair in zip(found.k, found.padding, strict=True):
        if layer.padding not in SAME and max(pair) > window // 2:
            raise BuildError(f"padding {max(pair)} is more than half of kernel_size {window}")
    return found


@builds("max_pool")
def max_pool(call: Call) -> jax.Array:
    """Take the largest element of each window."""
    return pooling(call.layer, call.x, call.channels_last).largest(call.x)


@builds("avg_pool")
def avg_pool(call: Call) -> jax.Array:
    """Take the mean of each window; elements that ``ceil_mode`` alone brings in never count."""
    call.require_floating()
    windows = pooling(call.layer, call.x, call.channels_last)
    y = windows.reduce(call.x, 0, lax.add)
    for axis, counts in zip(windows.axes, windows.counts(y, call.x, call.layer.count_include_pad), strict=True):
        y = y / lax.broadcast_in_dim(jnp.asarray(np.maximum(counts, 1), y.dtype), y.shape, (axis,))
    return y


@builds("lp_pool")
def lp_pool(call: Call) -> jax.Array:
    """Take the p-norm of each window."""
    call.require_floating()
    p = float(call.layer.norm_type)
    total = pooling(call.layer, call.x, call.channels_last).reduce(jnp.abs(call.x) ** p, 0, lax.add)
    # The root has no finite slope at 0: without the inner where, a window of zeros would make every gradient NaN.
    return jnp.where(total > 0, jnp.where(total > 0, total, 1) ** (1 / p), 0)


@builds("max_unpool")
def max_unpool(call: Call) -> jax.Array:
    """Put each element back where the named pooling took its maximum from, or, with no pooling, amid its window."""
    reference = call.references.get("pool")
    if reference is None:
        return _unpool_alone(call)
    if not is_layer(reference.layer, "max_pool"):
        raise BuildError(f"pool names {reference.name}, which is not a max_pool")
    if reference.output.shape != call.x.shape:
        raise BuildError(
            f"{reference.name} gave {list(reference.output.shape)}, but this layer is given {list(call.x.shape)}"
        )
    source = jnp.asarray(reference.inputs[0])
    windows = pooling(reference.layer, source, call.channels_last)
    if any(k > 1 and (k - 1) * d >= s for k, s, d in zip(windows.k, windows.s, windows.d, strict=True)):
        return _put_back_once(call.x, windows, source)
    _, put_back = jax.vjp(windows.largest, source)
    (y,) = put_back(call.x)
    return jnp.asarray(y)


def _put_back_once(x: jax.Array, windows: Pooling, source: jax.Array) -> jax.Array:
    """Put elements back of which several may belong at one place: as in PyTorch the last of them stays there."""
    count = math.prod(source.shape[axis] for axis in windows.axes)
    places = windows.places(source)
    lead = tuple(axis for axis in range(x.ndim) if axis not in windows.axes)
    order = (*lead, *windows.axes)
    rows = math.prod(x.shape[axis] for axis in lead)
    values, at = (array.transpose(order).reshape(rows, -1) for array in (x, places))
    row = jnp.arange(rows)[:, None]
    each = jnp.broadcast_to(jnp.arange(values.shape[1]), values.shape)
    last = jnp.full((rows, count), -1).at[row, at].max(each)
    y = jnp.where(last < 0, 0, jnp.take_along_axis(values, jnp.maximum(last, 0), axis=1))
    made = y.astype(x.dtype).reshape(tuple(source.shape[axis] for axis in order))
    return made.transpose(tuple(np.argsort(order)))


class _Window(NamedTuple):
    """The pooling that an unpooling without ``pool`` undoes, in the words of a pooling layer."""

    kernel_size: Any
    stride: Any
    padding: Any
    dilation: int = 1
    ceil_mode: bool = False


def _unpool_alone(call: Call) -> jax.Array:
    layer, count = call.layer, len(call.spatial)
    undone = _Window(layer.kernel_size, layer.stride, 0 if layer.padding is None else layer.padding)
    windows = windows_of(undone, call.x, call.channels_last)
    a = per_axis(layer.output_padding or 0, count, "output_padding", 0)
    zero = np.zeros((), call.x.dtype)
    config = [(0, 0, 0)] * call.x.ndim
    for j, axis in enumerate(windows.axes):
        # Each element takes s places; what its window has before and behind the middle, less the padding, is left over.
        before, behind = windows.k[j] // 2, windows.k[j] - 1 - windows.k[j] // 2
        low, high = windows.padding[j]
        config[axis] = (before - low, behind - high + a[j], windows.s[j] - 1)
    if layer.output_size is not None:
        made = jax.eval_shape(lambda v: lax.pad(v, zero, config), call.x)
        for axis, size in zip(windows.axes, per_axis(layer.output_size, count, "output_size"), strict=True):
            low, high, inner = config[axis]
            config[axis] = (low, high + size - made.shape[axis], inner)
    y = lax.pad(call.x, zero, config)
    back = jax.eval_shape(lambda v: windows_of(undone, v, call.channels_last).reduce(v, lowest(v.dtype), lax.max), y)
    if back.shape != call.x.shape:
        raise BuildError(
            f"pooling {list(y.shape)} makes {list(back.shape)}, which is not this layer's input {list(call.x.shape)}"
        )
    return y


@builds("adaptive_avg_pool", "adaptive_max_pool")
def adaptive_pool(call: Call) -> jax.Array:
    """Pool to a given size: element i of o covers floor(i n / o) up to ceil((i + 1) n / o) of n."""
    mean = call.layer.op == "adaptive_avg_pool"
    if mean:
        call.require_floating()
    x = call.x
    axes = spatial_axes(x.ndim, call.channels_last)
    for axis, o in zip(axes, per_axis(call.layer.output_size, len(axes), "output_size"), strict=True):
        x = _adapt(x, axis, o, mean)
    return x


def _adapt(x: jax.Array, axis: int, o: int, mean: bool) -> jax.Array:
    n = x.shape[axis]
    if n % o == 0:
        parts = x.reshape(*x.shape[:axis], o, n // o, *x.shape[axis + 1 :])
        return jnp.mean(parts, axis=axis + 1) if mean else jnp.max(parts, axis=axis + 1)
    require_table(o * -(-n // o))
    starts = np.arange(o) * n // o
    ends = -(-(np.arange(o) + 1) * n // o)
    places = starts[:, None] + np.arange((ends - starts).max())[None, :]
    parts = jnp.take(x, np.minimum(places, n - 1), axis=axis)
    inside = lax.broadcast_in_dim(jnp.asarray(places < ends[:, None]), parts.shape, (axis, axis + 1))
    if not mean:
        return jnp.max(jnp.where(inside, parts, np.asarray(lowest(x.dtype), x.dtype)), axis=axis + 1)
    total = jnp.sum(jnp.where(inside, parts, 0), axis=axis + 1)
    return total / lax.broadcast_in_dim(jnp.asarray(ends - starts, x.dtype), total.shape, (axis,))


@builds("global_avg_pool", "global_max_pool")
def global_pool(call: Call) -> jax.Array:
    """Pool every spatial axis to one element, or away without ``keep_dims``."""
    axes, keep = spatial_axes(call.x.ndim, call.channels_last), call.layer.keep_dims
    if call.layer.op == "global_max_pool":
        return jnp.max(call.x, axis=axes, keepdims=keep)
    call.require_floating()
    return jnp.mean(call.x, axis=axes, keepdims=keep)
