"""What layers that slide a kernel share: padding, windows, and whether they fit."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import Shape, spatial_name
from shapecheck.layers.base import Layer, per_axis
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.fields import Edges, Integer, PerAxis, Word, key
from shapecheck.layers.window import Window

PADDING_WORDS = ("valid", "half", "full", "same", "same_lower")
PADDING_SYNONYMS = {"same_upper": "same"}
# What other libraries call kernel_size and dilation.
KERNEL = ("kernel", "pool_size")
RATE = ("dilation_rate",)


PADDING_DOC = (
    "Zeros added at the edges: a number, one per axis, [[before, after], ...], or a word: valid (0), half (k // 2), "
    "full (k - 1), same (output = ceil(input / stride), the odd zero after), same_lower (the odd zero before)."
)


def padding_edges(
    padding: Any, count: int, k: tuple[int, ...], d: tuple[int, ...]
) -> tuple[tuple[int, int], ...] | None:
    """Return (before, after) per axis, or None for ``same`` and ``same_lower``, which follow the input's size."""
    if padding in ("same", "same_lower"):
        return None
    if padding == "valid":
        return ((0, 0),) * count
    if isinstance(padding, str):
        amount = convolution.half_padding if padding == "half" else convolution.full_padding
        return tuple((amount(k[j], d[j]),) * 2 for j in range(count))
    return tuple(e if isinstance(e, tuple) else (e, e) for e in per_axis(padding, count, "padding"))


def slide(
    spatial: Shape,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    form: str = "conv",
    whose: str = "input",
) -> tuple[Window, ...]:
    """Return the window arithmetic of every axis for a layer that slides a kernel over its input."""
    # The few that a network has are asked for at every layer, again and again. Sizes without a number are slow to look
    # up.
    worked_out = _slide if {*map(type, spatial)} == {int} else _slide.__wrapped__
    return worked_out(spatial, kernel_size, stride, padding, dilation, form, whose)


@lru_cache(maxsize=4096)
def _slide(
    spatial: Shape, kernel_size: Any, stride: Any, padding: Any, dilation: Any, form: str, whose: str
) -> tuple[Window, ...]:
    count = len(spatial)
    k = per_axis(kernel_size, count, "kernel_size", whose)
    s = per_axis(stride, count, "stride", whose)
    d = per_axis(dilation, count, "dilation", whose)
    edges = padding_edges(padding, count, k, d)
    if edges is None:
        return tuple(
            Window("same", i, convolution.conv_same(i, s[j]), k[j], s[j], 0, 0, d[j]) for j, i in enumerate(spatial)
        )
    size = convolution.pool_ceil if form == "ceil" else convolution.conv
    return tuple(
        Window(form, i, size(i, k[j], s[j], *edges[j], d[j]), k[j], s[j], *edges[j], d[j])
        for j, i in enumerate(spatial)
    )


def require_fit(context: Context, windows: tuple[Window, ...]) -> None:
    """Refuse a kernel that is larger than its padded input on some axis."""
    for j, w in enumerate(windows):
        if context.at_least(w.o, 1):
            continue
        padded = w.i + (w.before + w.after)
        kernel = (
            f"kernel_size {w.k}" if w.reach == w.k else f"kernel_size {w.k} at dilation {w.d}, which reaches {w.reach},"
        )
        short = w.reach - padded
        raise Problem(
            "kernel-exceeds-input",
            f"{kernel} does not fit into {padded} on {spatial_name(j, len(windows))}"
            f" (input {w.i}, padding {w.before} + {w.after}): {w.formula()}",
            f"the input needs {short} more on this axis",
            key="kernel_size",
            axis=context.spatial_axis(j),
        )


class Sliding(Layer):
    """A layer that slides a kernel."""

    kernel_size: Any = key(PerAxis(Integer(1)), "Size of the kernel (the guide's k).", also=KERNEL)
    stride: Any = key(PerAxis(Integer(1)), "Distance between two kernel positions (s).", 1)
    padding: Any = key(Word(*PADDING_WORDS, other=Edges(), also=PADDING_SYNONYMS), PADDING_DOC, 0)
    dilation: Any = key(PerAxis(Integer(1)), "Distance between two taps of the kernel (d).", 1, RATE)


def require_paddable(
    context: Context, spatial: Shape, edges: list[tuple[int, int]], mode: str, windows: tuple[Window, ...] = ()
) -> None:
    """Refuse padding that would need more of the input than there is: p < i to reflect, p <= i to go round.

    ``windows`` are those that slide over the padded input; under ``same`` the padding follows from its size.
    """
    least = 1 if mode == "reflect" else 0
    for j, pair in enumerate(edges):
        if windows and windows[j].form == "same" and not isinstance(spatial[j], int) and windows[j].s > 1:
            enough = _enough_for_same(context, windows[j], least)
        else:
            enough = context.at_least(spatial[j], max(pair) + least)
        if not enough:
            raise Problem(
                "padding-exceeds-input",
                f"{mode} padding of {max(pair)} on {spatial_name(j, len(spatial))} needs an input of at least "
                f"{max(pair) + least}, but it has {spatial[j]}",
                "pad less, or use padding_mode zeros or replicate",
                key="padding",
                axis=context.spatial_axis(j),
            )


def _enough_for_same(context: Context, w: Window, least: int) -> bool:
    """Ask whether i is at least ``least`` more than the larger half of what ``same`` pads, for an unknown i."""
    short = (w.o - 1) * w.s + w.reach - w.i
    return context.at_least(2 * w.i - short, 2 * least)


def _edges(w: Window, lower: bool) -> tuple[int, int]:
    """Return the padding of an axis; under ``same`` that of its size, or the most it can be where that is unknown."""
    if w.form != "same":
        return w.before, w.after
    # An input of 1 is padded by k − 1 in all, and no other by more.
    before, after = convolution.same_padding(w.i if isinstance(w.i, int) else 1, w.k, w.s, w.d, lower)
    return before, after


def rest_of(multiply_adds: int, axes: list[tuple[int, int]]) -> int:
    """Return the multiply-adds on no input, from the taps of all kernel positions of each axis: in all, on input."""
    positions = math.prod(every for every, _ in axes)
    return multiply_adds // positions * (positions - math.prod(found for _, found in axes))


def taps(windows: tuple[Window, ...]) -> int:
    """Return the number of taps of a kernel."""
    taps = 1
    for w in windows:
        taps *= w.k
    return taps
