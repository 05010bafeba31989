"""Convolutions and pooling as PyTorch computes them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch_call import Given, Ints, Pairs, computes, each, edges, named, on_channels, padded


@computes("conv")
def conv(given: Given) -> Tensor:
    layer, n = given.layer, given.axes
    k, s, d = (each(getattr(layer, key), n) for key in ("kernel_size", "stride", "dilation"))
    groups = given.x.shape[1] if layer.groups == "depthwise" else layer.groups
    x = padded(given.x, edges(layer.padding, given.x.shape[2:], k, s, d), layer.padding_mode)
    return named("conv", n)(x, given.parameters["kernel"], given.parameters.get("bias"), s, 0, d, groups)


@computes("conv_transpose")
def conv_transpose(given: Given) -> Tensor:
    n, undone = given.axes, given.references.get("transpose_of")
    keys = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "kernel_size": None}
    for key in keys:
        said = getattr(given.layer, key) if undone is None else getattr(undone.layer, key)
        keys[key] = keys[key] if said is None else said
    k, s, d = (each(keys[key], n) for key in ("kernel_size", "stride", "dilation"))
    groups: Any = keys["groups"]
    if groups == "depthwise":
        groups = given.x.shape[1] if undone is None else undone.input.shape[1]
    asked = undone.input.shape[2:] if undone is not None else given.layer.output_size
    target = None if asked is None else each(asked, n)
    bias = given.parameters.get("bias")
    numbers = keys["padding"] not in ("same", "same_lower")
    near = edges(keys["padding"], (1,) * n, k, s, d) if numbers else []
    a = each(given.layer.output_padding or 0, n)
    if target is None and numbers and all(before == after for before, after in near):
        padding = [before for before, _ in near]
        return named("conv_transpose", n)(given.x, given.parameters["kernel"], bias, s, padding, a, groups, d)
    whole = named("conv_transpose", n)(given.x, given.parameters["kernel"], None, s, 0, 0, groups, d)
    for j, (i, full) in enumerate(zip(given.x.shape[2:], whole.shape[2:], strict=True)):
        least = s[j] * (i - 1) + 1 if not numbers else full - sum(near[j])
        o = least + a[j] if target is None else target[j]
        before, _ = (
            edges(keys["padding"], (o,), k[j : j + 1], s[j : j + 1], d[j : j + 1])[0] if not numbers else near[j]
        )
        amounts = [(0, 0)] * n
        amounts[j] = (0, max(before + o - full, 0))
        whole = padded(whole, amounts).narrow(j + 2, before, o)
    return whole if bias is None else whole + on_channels(bias, whole.ndim)


def columns(x: Tensor, k: Ints, s: Ints, d: Ints) -> Tensor:
    """Return the windows of a padded map as columns, the last axis the fastest."""
    spans = [(taps - 1) * step + 1 for taps, step in zip(k, d, strict=True)]
    counts = [(size - span) // step + 1 for size, span, step in zip(x.shape[2:], spans, s, strict=True)]
    taps = []
    for tap in itertools.product(*map(range, k)):
        places = [slice(t * e, t * e + (o - 1) * f + 1, f) for t, e, o, f in zip(tap, d, counts, s, strict=True)]
        taps.append(x[(slice(None), slice(None), *places)].flatten(2))
    return torch.stack(taps, 2).flatten(1, 2)


@computes("unfold")
def unfold(given: Given) -> Tensor:
    layer, n = given.layer, given.axes
    k, s, d = (each(getattr(layer, key), n) for key in ("kernel_size", "stride", "dilation"))
    amounts = edges(layer.padding, given.x.shape[2:], k, s, d)
    if n == 2 and all(before == after for before, after in amounts):
        return functional.unfold(given.x, k, d, [before for before, _ in amounts], s)
    return columns(padded(given.x, amounts), k, s, d)


@computes("fold")
def fold(given: Given) -> Tensor:
    layer = given.layer
    keys = [layer.output_size, layer.kernel_size, layer.stride, layer.padding, layer.dilation]
    n = next((len(value) for value in keys if isinstance(value, tuple)), 2)
    size, k, s, d = (each(value, n) for value in (keys[0], keys[1], keys[2], keys[4]))
    amounts = edges(layer.padding, size, k, s, d)
    if n == 2 and all(before == after for before, after in amounts):
        return functional.fold(given.x, size, k, d, [before for before, _ in amounts], s)
    shape = (given.x.shape[0], given.x.shape[1] // math.prod(k), *size)
    empty = torch.zeros(shape, dtype=given.x.dtype)
    return torch.func.vjp(lambda y: columns(padded(y, amounts), k, s, d), empty)[1](given.x)[0]


class Sliding(NamedTuple):
    k: Ints
    s: Ints
    d: Ints
    amounts: Pairs
    up: bool

    @property
    def even(self) -> bool:
        return all(before == after for before, after in self.amounts)


def sliding(layer: Any, x: Tensor) -> Sliding:
    n = x.ndim - 2
    k = each(layer.kernel_size, n)
    s = k if layer.stride is None else each(layer.stride, n)
    d = each(layer.dilation, n)
    up = layer.ceil_mode and layer.padding not in ("same", "same_lower")
    return Sliding(k, s, d, edges(layer.padding, x.shape[2:], k, s, d), up)


def reaching(x: Tensor, w: Sliding, value: float) -> Tensor:
    """Return a map padded so that the windows which do not hang over are those that the layer takes."""
    amounts = []
    for i, k, s, d, (before, after) in zip(x.shape[2:], w.k, w.s, w.d, w.amounts, strict=True):
        span = (k - 1) * d + 1
        o = (i + before + after - span + (s - 1 if w.up else 0)) // s + 1
        if w.up and (o - 1) * s >= i + before:
            o -= 1
        amounts.append((before, (o - 1) * s + span - i - before))
    return padded(x, amounts, value=value)


def largest(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest elements of a max_pool, and where in the input each was, counted through its space."""
    w, n = sliding(layer, x), x.ndim - 2
    own: Callable[..., Any] = getattr(functional, f"max_pool{n}d")
    half = all(before <= k // 2 for (before, _), k in zip(w.amounts, w.k, strict=True))
    if w.even and half and not (n == 1 and w.up):
        y, places = own(x, w.k, w.s, [before for before, _ in w.amounts], w.d, w.up, return_indices=True)
        return y, places
    wide = reaching(x, w, -math.inf)
    y, places = own(wide, w.k, w.s, 0, w.d, return_indices=True)
    found = torch.unravel_index(places, wide.shape[2:])
    inside = [at - before for at, (before, _) in zip(found, w.amounts, strict=True)]
    flat = torch.zeros_like(places)
    for at, size in zip(inside, x.shape[2:], strict=True):
        flat = flat * size + at
    # A window that lies in the padding has no place.
    return y, torch.where(y == -math.inf, -1, flat)


@computes("max_pool")
def max_pool(given: Given) -> Tensor:
    return largest(given.layer, given.x)[0]


@computes("avg_pool")
def avg_pool(given: Given) -> Tensor:
    w, n, with_padding = sliding(given.layer, given.x), given.axes, given.layer.count_include_pad
    refused = n == 3 and any(i < k for i, k in zip(given.x.shape[2:], w.k, strict=True))
    if w.even and not refused:
        padding = [before for before, _ in w.amounts]
        return named("avg_pool", n)(given.x, w.k, w.s, padding, w.up, with_padding)
    wide = reaching(given.x, w, 0)
    counted = padded(torch.ones_like(given.x), w.amounts, value=float(with_padding))
    behind = [(0, there - here) for there, here in zip(wide.shape[2:], counted.shape[2:], strict=True)]
    return sums(wide, w) / sums(padded(counted, behind), w).clamp(min=1)


def sums(x: Tensor, w: Sliding) -> Tensor:
    """Return the sum of each window of a padded map."""
    y: Tensor = named("avg_pool", x.ndim - 2)(x, w.k, w.s) * math.prod(w.k)
    return y


@computes("lp_pool")
def lp_pool(given: Given) -> Tensor:
    """Take PyTorch's own of the absolute values: for an odd p it takes no absolute value of its own.

    A window that hangs over its input has another value there: the root of its mean, times the whole kernel's size.
    """
    layer, p, x = given.layer, float(given.layer.norm_type), given.x.abs()
    w = sliding(layer, x)
    if not w.up and all(pair == (0, 0) for pair in w.amounts):
        k, s = (w.k[0], w.s[0]) if given.axes == 1 else (w.k, w.s)
        return named("lp_pool", given.axes)(x, p, k, s)
    return sums(reaching(x**p, w, 0), w) ** (1 / p)


@computes("max_unpool")
def max_unpool(given: Given) -> Tensor:
    undone = given.references["pool"]
    _, places = largest(undone.layer, undone.input)
    shape = undone.input.shape[2:]
    size = math.prod(shape)
    # What has no place is put behind the map, and left out.
    rows = torch.where(places < 0, size, places).flatten(2).unsqueeze(2)
    # Along one axis, so that any number of them is served; the public function doubts sizes of unusual windows.
    flat = torch.ops.aten.max_unpool2d(given.x.flatten(2).unsqueeze(2), rows, [1, size + 1])
    y: Tensor = flat[..., :size].reshape(*given.x.shape[:2], *shape)
    return y


@computes("adaptive_avg_pool", "adaptive_max_pool")
def adaptive_pool(given: Given) -> Tensor:
    return named(given.layer.op, given.axes)(given.x, each(given.layer.output_size, given.axes))


@computes("global_avg_pool", "global_max_pool")
def global_pool(given: Given) -> Tensor:
    axes = tuple(range(2, given.x.ndim))
    function = torch.mean if given.layer.op == "global_avg_pool" else torch.amax
    return function(given.x, dim=axes, keepdim=given.layer.keep_dims)
