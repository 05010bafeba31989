"""Every layer of the language as PyTorch computes it, from the same keys and the same numbers as the reference build.

Where PyTorch's own layer lacks a key (padding that differs between the edges, ``same`` with a stride, a third axis),
it is composed of PyTorch's primitives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch_windows  # noqa: F401 -- it registers what it computes
from torch import Tensor
from torch.nn import functional
from torch_call import FUNCTIONS, Given, Undone, compute, computes, each, on_channels, padded, pairs

from shapecheck.arithmetic.shape import channel_axis

__all__ = ["FUNCTIONS", "Given", "Undone", "compute"]


EPSILON = 1e-5
_ELEMENTS: dict[str, Callable[[Tensor, Any], Tensor]] = {
    "relu": lambda x, layer: functional.relu(x),
    "relu6": lambda x, layer: functional.relu6(x),
    "leaky_relu": lambda x, layer: functional.leaky_relu(x, layer.negative_slope),
    "elu": lambda x, layer: functional.elu(x, layer.alpha),
    "selu": lambda x, layer: functional.selu(x),
    "gelu": lambda x, layer: functional.gelu(x),
    "silu": lambda x, layer: functional.silu(x),
    "mish": lambda x, layer: functional.mish(x),
    "hardswish": lambda x, layer: functional.hardswish(x),
    "sigmoid": lambda x, layer: functional.sigmoid(x),
    "hardsigmoid": lambda x, layer: functional.hardsigmoid(x),
    "tanh": lambda x, layer: functional.tanh(x),
    "softplus": lambda x, layer: functional.softplus(x, layer.beta),
    "identity": lambda x, layer: torch.nn.Identity()(x),
    "dropout": lambda x, layer: functional.dropout(x, layer.p, training=False),
}


@computes(*_ELEMENTS, by_place=True)
def element(given: Given) -> Tensor:
    return _ELEMENTS[given.layer.op](given.x, given.layer)


@computes("prelu")
def prelu(given: Given) -> Tensor:
    return functional.prelu(given.x, given.parameters["slope"])


@computes("softmax", "log_softmax", by_place=True)
def softmax(given: Given) -> Tensor:
    axis = given.layer.axis
    if axis is None:
        axis = channel_axis(given.x.ndim, given.channels_last)
    return getattr(functional, given.layer.op)(given.x, axis)


@computes("upsample")
def upsample(given: Given) -> Tensor:
    layer, n = given.layer, given.axes
    size = given.references["like"].output[2:] if "like" in given.references else layer.size
    asked: dict[str, Any] = (
        {"size": each(size, n)} if size is not None else {"scale_factor": each(layer.scale_factor, n)}
    )
    if layer.mode == "cubic" and n != 2:
        return _cubic_by_axis(given.x, asked)
    mode = {"nearest": "nearest", "linear": ("linear", "bilinear", "trilinear")[n - 1], "cubic": "bicubic"}
    return functional.interpolate(given.x, mode=mode[layer.mode], **asked)


def _cubic_by_axis(x: Tensor, asked: Mapping[str, Any]) -> Tensor:
    """Resample axis by axis: PyTorch has cubic interpolation for two axes alone."""
    ((key, values),) = asked.items()
    for j, value in enumerate(values):
        moved = x.movedim(j + 2, -1)
        flat = moved.reshape(1, -1, 1, moved.shape[-1])
        y = functional.interpolate(flat, mode="bicubic", **{key: (1, value)})
        x = y.reshape(*moved.shape[:-1], y.shape[-1]).movedim(-1, j + 2)
    return x


@computes("pad")
def pad(given: Given) -> Tensor:
    layer = given.layer
    value = 0 if layer.mode == "zeros" else layer.value
    return padded(given.x, pairs(layer.padding, given.axes), layer.mode, value)


@computes("crop")
def crop(given: Given) -> Tensor:
    x = given.x
    if "like" in given.references:
        target = given.references["like"].output[2:]
        amounts = [((i - o) // 2, i - o - (i - o) // 2) for i, o in zip(x.shape[2:], target, strict=True)]
    else:
        amounts = pairs(given.layer.cropping, given.axes)
    return padded(x, [(-before, -after) for before, after in amounts])


@computes("pixel_shuffle")
def pixel_shuffle(given: Given) -> Tensor:
    x, r, n = given.x, given.layer.factor, given.axes
    if n == 2:
        return functional.pixel_shuffle(x, r)
    parts = x.reshape(x.shape[0], -1, *[r] * n, *x.shape[2:])
    order = [0, 1, *(axis for j in range(n) for axis in (2 + n + j, 2 + j))]
    return parts.permute(order).reshape(x.shape[0], -1, *(size * r for size in x.shape[2:]))


@computes("pixel_unshuffle")
def pixel_unshuffle(given: Given) -> Tensor:
    x, r, n = given.x, given.layer.factor, given.axes
    if n == 2:
        return functional.pixel_unshuffle(x, r)
    parts = x.reshape(*x.shape[:2], *(part for size in x.shape[2:] for part in (size // r, r)))
    order = [0, 1, *(3 + 2 * j for j in range(n)), *(2 + 2 * j for j in range(n))]
    return parts.permute(order).reshape(x.shape[0], -1, *(size // r for size in x.shape[2:]))


@computes("batch_norm")
def batch_norm(given: Given) -> Tensor:
    if given.x.numel() == given.x.shape[1]:
        return _of_one_value(given)
    scale, shift = _learned(given)
    return functional.batch_norm(given.x, None, None, scale, shift, training=True, eps=EPSILON)


@computes("instance_norm")
def instance_norm(given: Given) -> Tensor:
    if math.prod(given.x.shape[2:]) == 1:
        return _of_one_value(given)
    scale, shift = _learned(given)
    return functional.instance_norm(given.x, weight=scale, bias=shift, eps=EPSILON)


@computes("group_norm")
def group_norm(given: Given) -> Tensor:
    if given.x.numel() == given.layer.num_groups:
        return _of_one_value(given)
    return functional.group_norm(given.x, given.layer.num_groups, *_learned(given), eps=EPSILON)


def _of_one_value(given: Given) -> Tensor:
    """Return 0, or the shift: PyTorch refuses to normalise one value (SC605 warns of it)."""
    shift = given.parameters.get("shift")
    return given.x * 0 if shift is None else given.x * 0 + on_channels(shift, given.x.ndim)


def _learned(given: Given) -> tuple[Tensor | None, Tensor | None]:
    return given.parameters.get("scale"), given.parameters.get("shift")


@computes("layer_norm", by_place=True)
def layer_norm(given: Given) -> Tensor:
    x = given.x.movedim(given.layer.axis, -1)
    y = functional.layer_norm(x, x.shape[-1:], *_learned(given), eps=EPSILON)
    return y.movedim(-1, given.layer.axis)


@computes("local_response_norm")
def local_response_norm(given: Given) -> Tensor:
    return functional.local_response_norm(given.x, given.layer.size)


@computes("linear", by_place=True)
def linear(given: Given) -> Tensor:
    return functional.linear(given.x, given.parameters["kernel"].T, given.parameters.get("bias"))


@computes("embedding", by_place=True)
def embedding(given: Given) -> Tensor:
    return functional.embedding(given.x, given.parameters["table"])


@computes("attention", by_place=True)
def attention(given: Given) -> Tensor:
    held, features = given.parameters, given.x.shape[-1]
    module = torch.nn.MultiheadAttention(
        features, given.layer.num_heads, bias=given.layer.bias, batch_first=True, dtype=given.x.dtype
    )
    names = ("query", "key", "value")
    state = {"in_proj_weight": torch.cat([held[f"{name}_kernel"].T for name in names])}
    state["out_proj.weight"] = held["output_kernel"].T
    if given.layer.bias:
        state["in_proj_bias"] = torch.cat([held[f"{name}_bias"] for name in names])
        state["out_proj.bias"] = held["output_bias"]
    module.load_state_dict(state)
    with torch.no_grad():
        found: Tensor = module(given.x, given.x, given.x, need_weights=False)[0]
    return found


@computes("flatten", by_place=True)
def flatten(given: Given) -> Tensor:
    return given.x.flatten(given.layer.start_axis, given.layer.end_axis)


@computes("reshape", by_place=True)
def reshape(given: Given) -> Tensor:
    return given.x.reshape(given.layer.shape)


@computes("permute", by_place=True)
def permute(given: Given) -> Tensor:
    return given.x.permute(given.layer.axes)


@computes("squeeze", by_place=True)
def squeeze(given: Given) -> Tensor:
    return given.x.squeeze(given.layer.axis)


@computes("unsqueeze", by_place=True)
def unsqueeze(given: Given) -> Tensor:
    return given.x.unsqueeze(given.layer.axis)


@computes("slice", by_place=True)
def cut(given: Given) -> Tensor:
    layer = given.layer
    places: list[Any] = [slice(None)] * given.x.ndim
    places[layer.axis] = slice(layer.start, layer.stop, layer.step)
    return given.x[tuple(places)]


@computes("chunk", by_place=True)
def chunk(given: Given) -> Tensor:
    return given.x.chunk(given.layer.chunks, given.layer.axis)[given.layer.index]


@computes("reduce", by_place=True)
def reduce(given: Given) -> Tensor:
    layer = given.layer
    axes = layer.axes if isinstance(layer.axes, tuple) else (layer.axes,)
    function = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax}[layer.kind]
    return function(given.x, dim=axes, keepdim=layer.keep_dims)


@computes("concat", by_place=True)
def concat(given: Given) -> Tensor:
    axis = given.layer.axis
    return torch.cat(given.inputs, channel_axis(given.x.ndim, given.channels_last) if axis is None else axis)


@computes("stack", by_place=True)
def stack(given: Given) -> Tensor:
    return torch.stack(given.inputs, given.layer.axis)


@computes("add", "subtract", "multiply", "maximum", "average", by_place=True)
def arithmetic(given: Given) -> Tensor:
    first, *others = given.inputs
    names = {"multiply": torch.mul, "subtract": torch.sub, "maximum": torch.maximum}
    for other in others:
        first = names.get(given.layer.op, torch.add)(first, other)
    return first / len(given.inputs) if given.layer.op == "average" else first
