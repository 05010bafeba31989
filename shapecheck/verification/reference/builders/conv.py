"""Convolutions, transposed convolutions, unfold and fold."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from shapecheck.arithmetic.shape import show_sizes
from shapecheck.verification.reference.axis_keys import (
    EdgeAmounts,
    dimension_numbers,
    fill,
    padding,
    padding_at,
    per_axis,
    reach,
)
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.call import Call, Ints, abstract, builds, is_layer, spatial_axes, spatial_sizes


class Geometry(NamedTuple):
    """Kernel, stride, dilation and padding of a convolution with ``groups``, in a layout."""

    k: Ints
    s: Ints
    d: Ints
    padding: str | EdgeAmounts
    groups: int
    channels_last: bool

    def convolve(self, x: jax.Array, kernel: jax.Array) -> jax.Array:
        """Convolve ``x`` with a kernel [out, in / groups, spatial ...]."""
        return lax.conv_general_dilated(
            x,
            kernel,
            self.s,
            self.padding,
            rhs_dilation=self.d,
            feature_group_count=self.groups,
            dimension_numbers=_numbers(x.ndim, self.channels_last),
        )


def _numbers(rank: int, channels_last: bool) -> lax.ConvDimensionNumbers:
    return dimension_numbers(rank, spatial_axes(rank, channels_last), rank - 1 if channels_last else 1)


def _geometry(layer: Any, count: int, groups: int, channels_last: bool) -> Geometry:
    k = per_axis(layer.kernel_size, count, "kernel_size")
    d = per_axis(layer.dilation, count, "dilation")
    return Geometry(k, per_axis(layer.stride, count, "stride"), d, padding(layer.padding, k, d), groups, channels_last)


def _group_count(call: Call, groups: Any, out: int) -> int:
    call.require_stated(call.layer.in_channels, call.channels, "in_channels")
    count = call.channels if groups == "depthwise" else int(groups)
    for channels, what in ((call.channels, "input"), (out, "output")):
        if channels % count:
            raise BuildError(f"groups {count} does not divide the {channels} {what} channels")
    return count


def _add_bias(call: Call, y: jax.Array, out: int) -> jax.Array:
    if not call.layer.bias:
        return y
    axis = call.channel_axis
    return y + lax.broadcast_in_dim(call.parameter("bias", (out,), added_along=axis), y.shape, (axis,))


@builds("conv")
def conv(call: Call) -> jax.Array:
    """Convolve; the kernel is [out, in / groups, spatial ...]."""
    call.require_floating()
    layer, out = call.layer, call.layer.out_channels
    geometry = _geometry(layer, len(call.spatial), _group_count(call, layer.groups, out), call.channels_last)
    inner = call.channels // geometry.groups
    kernel = call.parameter("kernel", (out, inner, *geometry.k), "normal", inner * math.prod(geometry.k))
    x = call.x
    if layer.padding_mode != "zeros":
        amounts = padding_at(layer.padding, call.spatial, geometry.k, geometry.s, geometry.d)
        x = fill(x, spatial_axes(x.ndim, call.channels_last), amounts, layer.padding_mode)
        geometry = geometry._replace(padding="VALID")
    return _add_bias(call, geometry.convolve(x, kernel), out)


@builds("conv_transpose")
def conv_transpose(call: Call) -> jax.Array:
    """Apply the transpose of a convolution whose kernel is [in, out / groups, spatial ...]: its output is our input."""
    call.require_floating()
    count = len(call.spatial)
    out = call.layer.out_channels
    if out is None:
        out = _encoder_input(call, count).shape[call.channel_axis]
    geometry = _transposed_geometry(call, count, out)
    inner = out // geometry.groups
    # With a stride only every s-th tap meets an element of the input.
    fan_in = max(1, call.channels // geometry.groups * math.prod(geometry.k) // math.prod(geometry.s))
    # With groups, those are the output channels' own, and stand one behind another along the input's.
    channels = 1 if geometry.groups == 1 else 0
    shape = (call.channels, inner, *geometry.k)
    kernel = call.parameter("kernel", shape, "normal", fan_in, channel_axis=channels)
    target = _target(call, count)
    if target is not None:
        y = _adjoint(call, geometry, kernel, out, target)
    elif isinstance(geometry.padding, str):
        y = _adjoint(call, geometry, kernel, out, _same_target(call, geometry))
    else:
        y = _stretched(call, geometry, geometry.padding, kernel)
    return _add_bias(call, y, out)


def _encoder_input(call: Call, count: int) -> jax.ShapeDtypeStruct | jax.Array:
    reference = call.references.get("transpose_of")
    if reference is None:
        raise BuildError("has neither out_channels nor transpose_of")
    source = reference.inputs[0]
    if len(source.shape) != count + 2:
        raise BuildError(f"{reference.name} reads rank {len(source.shape)}, this layer rank {count + 2}")
    return source


def _alike(own: object, theirs: object) -> bool:
    """Say whether two values mean one thing on every axis; a lone number stands for all."""
    if isinstance(own, tuple) != isinstance(theirs, tuple):
        listed, lone = (own, theirs) if isinstance(own, tuple) else (theirs, own)
        return isinstance(listed, tuple) and not isinstance(lone, str) and all(value == lone for value in listed)
    return own == theirs


def _transposed_geometry(call: Call, count: int, out: int) -> Geometry:
    reference = call.references.get("transpose_of")
    if reference is not None and not is_layer(reference.layer, "conv"):
        raise BuildError(f"transpose_of names {reference.name}, which is not a conv")
    keys = {}
    for key, default in (("kernel_size", None), ("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)):
        own = getattr(call.layer, key)
        keys[key] = default if own is None else own
        if reference is not None:
            keys[key] = getattr(reference.layer, key)
            if own is not None and "depthwise" not in (own, keys[key]) and not _alike(own, keys[key]):
                raise BuildError(f"{key} {own} differs from {key} {keys[key]} of {reference.name}")
    k = per_axis(keys["kernel_size"], count, "kernel_size")
    d = per_axis(keys["dilation"], count, "dilation")
    s = per_axis(keys["stride"], count, "stride")
    groups = keys["groups"]
    if reference is not None and groups == "depthwise":
        # One group per channel that the convolution reads, which need not be the number of those it makes.
        groups = _encoder_input(call, count).shape[call.channel_axis]
    return Geometry(k, s, d, padding(keys["padding"], k, d), _group_count(call, groups, out), call.channels_last)


def _output_padding(call: Call, geometry: Geometry) -> Ints:
    a = per_axis(call.layer.output_padding or 0, len(geometry.k), "output_padding", 0)
    for amount, s, d in zip(a, geometry.s, geometry.d, strict=True):
        if isinstance(geometry.padding, str) and amount >= s:
            raise BuildError(f"output_padding {amount} is not smaller than stride {s}, as padding same demands")
        if amount >= max(s, d):
            raise BuildError(f"output_padding {amount} is not smaller than stride {s} or dilation {d}")
    return a


def _target(call: Call, count: int) -> Ints | None:
    """Return the spatial size that the layer gives back, where a key names it."""
    if "transpose_of" in call.references:
        return spatial_sizes(_encoder_input(call, count), call.channels_last)
    if call.layer.output_size is not None:
        return per_axis(call.layer.output_size, count, "output_size")
    return None


def _same_target(call: Call, geometry: Geometry) -> Ints:
    """Return the size that ``same`` padding gives back: the smallest one that the convolution maps here, and a.

    Where a is not given it is the largest that the convolution maps here.
    """
    if call.layer.output_padding is None:
        return tuple(_smallest_input(geometry, j, size + 1) - 1 for j, size in enumerate(call.spatial))
    a = _output_padding(call, geometry)
    return tuple(_smallest_input(geometry, j, size) + a[j] for j, size in enumerate(call.spatial))


def _smallest_input(geometry: Geometry, j: int, wanted: int) -> int:
    """Return the smallest size that the convolution maps to ``wanted`` on axis ``j``, by asking JAX for sizes."""
    one = Geometry(
        geometry.k[j : j + 1],
        geometry.s[j : j + 1],
        geometry.d[j : j + 1],
        geometry.padding if isinstance(geometry.padding, str) else geometry.padding[j : j + 1],
        1,
        False,
    )
    kernel = abstract((1, 1, *one.k), jnp.float32)

    def maps_to(size: int) -> int:
        return int(jax.eval_shape(one.convolve, abstract((1, 1, size), jnp.float32), kernel).shape[2])

    high = 1
    while maps_to(high) < wanted:
        high *= 2
    low = high // 2 + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if maps_to(middle) >= wanted else (middle + 1, high)
    return high


def _stretched(call: Call, geometry: Geometry, pads: EdgeAmounts, kernel: jax.Array) -> jax.Array:
    """Convolve the stretched input with the turned kernel: the direct form of a transposed convolution."""
    count, groups = len(geometry.k), geometry.groups
    inputs, outputs = kernel.shape[:2]
    turned = lax.rev(kernel, tuple(range(2, count + 2))).reshape(groups, inputs // groups, outputs, *geometry.k)
    turned = jnp.swapaxes(turned, 1, 2).reshape(groups * outputs, inputs // groups, *geometry.k)
    spans = reach(geometry.k, geometry.d)
    a = _output_padding(call, geometry)
    amounts = [(spans[j] - 1 - low, spans[j] - 1 - high + a[j]) for j, (low, high) in enumerate(pads)]
    return lax.conv_general_dilated(
        call.x,
        turned,
        (1,) * count,
        amounts,
        lhs_dilation=geometry.s,
        rhs_dilation=geometry.d,
        feature_group_count=groups,
        dimension_numbers=_numbers(count + 2, call.channels_last),
    )


def _adjoint(call: Call, geometry: Geometry, kernel: jax.Array, out: int, target: Ints) -> jax.Array:
    """Let JAX transpose the convolution of an input of size ``target``."""
    channels = (out,)
    shape = (call.x.shape[0], *target, *channels) if call.channels_last else (call.x.shape[0], *channels, *target)
    source = abstract(shape, call.x.dtype)

    def forward(y: jax.Array) -> jax.Array:
        return geometry.convolve(y, kernel)

    made = jax.eval_shape(forward, source)
    if made.shape != call.x.shape:
        raise BuildError(
            f"cannot give back {show_sizes(target)}: the convolution makes {list(made.shape)} of it,"
            f" but this layer's input is {list(call.x.shape)}"
        )
    (y,) = jax.linear_transpose(forward, source)(call.x)
    return jnp.asarray(y)


class _Windows(NamedTuple):
    k: Ints
    s: Ints
    d: Ints
    padding: str | EdgeAmounts
    channels_last: bool

    def columns(self, x: jax.Array) -> jax.Array:
        """Return the windows of ``x`` as columns: [N, C * taps, L], or [N, L, C * taps] with the channels last."""
        patches = lax.conv_general_dilated_patches(
            x,
            self.k,
            self.s,
            self.padding,
            rhs_dilation=self.d,
            dimension_numbers=_numbers(x.ndim, self.channels_last),
        )
        shape = patches.shape
        # Written out: reshape cannot work out a -1 where a kernel that does not fit has left no window.
        if self.channels_last:
            return patches.reshape(shape[0], math.prod(shape[1:-1]), shape[-1])
        return patches.reshape(shape[0], shape[1], math.prod(shape[2:]))


def _windows(layer: Any, count: int, channels_last: bool) -> _Windows:
    g = _geometry(layer, count, 1, channels_last)
    return _Windows(g.k, g.s, g.d, g.padding, channels_last)


@builds("unfold")
def unfold(call: Call) -> jax.Array:
    """Lay windows out as columns, channels slowest within a column."""
    return _windows(call.layer, len(call.spatial), call.channels_last).columns(call.x)


@builds("fold")
def fold(call: Call) -> jax.Array:
    """Sum columns back into the map that ``unfold`` takes them from: the transpose of unfold."""
    layer = call.layer
    if call.x.ndim != 3:
        raise BuildError(f"reads columns, an array of rank 3, but its input has rank {call.x.ndim}")
    keys = (layer.output_size, layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    # One number alone means two equal axes, as in PyTorch.
    count = next((len(value) for value in keys if isinstance(value, tuple)), 2)
    windows = _windows(layer, count, call.channels_last)
    taps = math.prod(windows.k)
    if call.channels % taps:
        raise BuildError(f"the traced {call.channels} channels are no multiple of the kernel's {taps} taps")
    size, channels = per_axis(layer.output_size, count, "output_size"), (call.channels // taps,)
    shape = (call.x.shape[0], *size, *channels) if call.channels_last else (call.x.shape[0], *channels, *size)
    source = abstract(shape, call.x.dtype)
    made = jax.eval_shape(windows.columns, source)
    if made.shape != call.x.shape:
        raise BuildError(
            f"unfolding {show_sizes(size)} makes {list(made.shape)}, but the input is {list(call.x.shape)}"
        )
    (y,) = jax.linear_transpose(windows.columns, source)(call.x)
    return jnp.asarray(y)
