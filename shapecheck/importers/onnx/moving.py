"""Operators of ONNX that move, cut, join and sum up elements."""

from __future__ import annotations

import itertools
from typing import Any

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.importers.onnx.onnx_graph import OnnxNode, Refused, Variable
from shapecheck.importers.onnx.translation import Translation

# What exporters write for an end that is the axis' own: the largest 32-bit or 64-bit number.
_END = 2**31 - 1
_KINDS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max"}


def concat(t: Translation, node: OnnxNode) -> None:
    """Translate Concat."""
    maps = [t.feature(node, at) for at in range(len(node.inputs))]
    axis = node.attributes.get("axis", 1)
    rank = len(maps[0].shape)
    usual = rank > 1 and axis in (1, 1 - rank)
    t.put(node, maps[0] if len(maps) == 1 else t.emit("concat", maps, {"axis": None if usual else axis}))


def flatten(t: Translation, node: OnnxNode) -> None:
    """Translate Flatten, which always gives a matrix."""
    x = t.feature(node)
    rank = len(x.shape)
    axis = node.attributes.get("axis", 1)
    if not -rank <= axis <= rank:
        raise Refused(f"axis {axis} does not exist in {show(x.shape)}")
    axis = axis + rank if axis < 0 else axis
    if axis < rank:
        x = t.emit("flatten", [x], {"start_axis": None if axis == 1 else axis})
    if axis > 1:
        x = t.emit("flatten", [x], {"start_axis": 0, "end_axis": axis - 1})
    if axis in (0, rank):
        x = t.emit("unsqueeze", [x], {"axis": 0 if axis == 0 else 1})
    t.put(node, x)


def reshape(t: Translation, node: OnnxNode) -> None:
    """Translate Reshape; what keeps the batch and joins the rest is a flatten."""
    x = t.feature(node)
    target = list(t.sizes(node, 1, "shape") or ())
    if not node.attributes.get("allowzero", 0):
        for axis, size in enumerate(target):
            if _is(size, 0):
                if axis >= len(x.shape):
                    raise Refused(f"its shape {show(tuple(target))} copies axis {axis}, which its input has not")
                target[axis] = x.shape[axis]
    t.put(node, reshaped(t, x, target))


def reshaped(t: Translation, x: Variable, target: list[Any]) -> Variable:
    """Return a feature map in another shape."""
    if len(target) == 2 and len(x.shape) > 1 and symbolic.same(target[0], x.shape[0]):
        rest = symbolic.product(x.shape[1:])
        if _is(target[1], -1) or symbolic.same(target[1], rest):
            return x if len(x.shape) == 2 else t.emit("flatten", [x])
    if len(target) == len(x.shape) and all(symbolic.same(a, b) for a, b in zip(target, x.shape, strict=True)):
        return x
    return t.emit("reshape", [x], {"shape": target})


def _is(size: Size, number: int) -> bool:
    return isinstance(size, int) and size == number


def transpose(t: Translation, node: OnnxNode) -> None:
    """Translate Transpose."""
    x = t.feature(node)
    order = list(node.attributes.get("perm") or range(len(x.shape))[::-1])
    t.put(node, t.emit("permute", [x], {"axes": order}))


def _axes(t: Translation, node: OnnxNode, rank: int, at: int = 1) -> list[int] | None:
    found = t.integers(node, at, "axes")
    if found is None:
        return None
    if any(not -rank <= axis < rank for axis in found) or len({axis % rank for axis in found}) < len(found):
        raise Refused(f"axes {list(found)} are no axes of a shape of rank {rank}")
    return sorted(axis % rank for axis in found)


def squeeze(t: Translation, node: OnnxNode) -> None:
    """Translate Squeeze, axis by axis from the last."""
    x = t.feature(node)
    axes = _axes(t, node, len(x.shape))
    if axes is None:
        if not all(isinstance(size, int) for size in x.shape):
            raise Refused(f"it names no axes, and which of {show(x.shape)} have size 1 depends on the sizes")
        axes = [axis for axis, size in enumerate(x.shape) if size == 1]
    for axis in reversed(axes):
        x = t.emit("squeeze", [x], {"axis": axis})
    t.put(node, x)


def unsqueeze(t: Translation, node: OnnxNode) -> None:
    """Translate Unsqueeze, axis by axis from the first."""
    x = t.feature(node)
    count = len(t.integers(node, 1, "axes") or ())
    for axis in _axes(t, node, len(x.shape) + count) or []:
        x = t.emit("unsqueeze", [x], {"axis": axis})
    t.put(node, x)


def cut(t: Translation, node: OnnxNode) -> None:
    """Translate Slice, a layer for each axis."""
    x = t.feature(node)
    starts, stops = t.integers(node, 1, "starts") or (), t.integers(node, 2, "ends") or ()
    axes = t.integers(node, 3, "axes") or tuple(range(len(starts)))
    steps = t.integers(node, 4) or (1,) * len(starts)
    if not len(starts) == len(stops) == len(axes) == len(steps):
        raise Refused("its starts, ends, axes and steps differ in number")
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        if step < 1:
            raise Refused(f"its step {step} runs backwards")
        x = _slice(t, x, axis, start if start > -_END else 0, stop if stop < _END else None, step)
    t.put(node, x)


def _slice(
    t: Translation, x: Variable, axis: int, start: int, stop: int | None, step: int = 1, node: OnnxNode | None = None
) -> Variable:
    rank = len(x.shape)
    if not -rank <= axis < rank:
        raise Refused(f"axis {axis} does not exist in {show(x.shape)}")
    size = x.shape[axis]
    if stop is not None and isinstance(size, int) and stop >= size:
        stop = None
    if start == 0 and stop is None and step == 1:
        return x
    keys = {"axis": axis, "start": start or None, "stop": stop, "step": None if step == 1 else step}
    return t.emit("slice", [x], keys, node)


def split(t: Translation, node: OnnxNode) -> None:
    """Translate Split: a chunk for each output that is read, or a slice where they differ in size."""
    x = t.feature(node)
    rank = len(x.shape)
    axis = node.attributes.get("axis", 0)
    if not -rank <= axis < rank:
        raise Refused(f"axis {axis} does not exist in {show(x.shape)}")
    size, count = x.shape[axis], len(node.outputs)
    sizes = t.integers(node, 1, "split")
    if sizes is not None and (len(sizes) != count or (isinstance(size, int) and sum(sizes) != size)):
        raise Refused(f"it splits {size} into {list(sizes)} for {count} outputs")
    if sizes is None and symbolic.divides(count, size) is not True:
        raise Refused(f"it splits {size} into {count} outputs, which may differ in size")
    equal = sizes is None or (len(set(sizes)) == 1 and isinstance(size, int))
    ends = list(itertools.accumulate(sizes or ()))
    for at, name in enumerate(node.outputs):
        if not t.readers.get(name):
            continue
        part = node._replace(name="", outputs=(name,))
        if equal:
            y = x if count == 1 else t.emit("chunk", [x], {"axis": axis, "chunks": count, "index": at}, part)
        else:
            y = _slice(t, x, axis, ends[at - 1] if at else 0, ends[at], node=part)
        t.put(node, y, at)


def reduce(t: Translation, node: OnnxNode) -> None:
    """Translate ReduceMean, ReduceSum and ReduceMax; the mean or maximum over all space is a global pooling."""
    x = t.feature(node)
    rank = len(x.shape)
    axes = _axes(t, node, rank)
    if not axes:
        if node.attributes.get("noop_with_empty_axes", 0):
            t.put(node, x)
            return
        axes = list(range(rank))
    keep = bool(node.attributes.get("keepdims", 1))
    kind = _KINDS[node.op]
    if rank > 2 and kind != "sum" and axes == list(range(2, rank)):
        op = "global_avg_pool" if kind == "mean" else "global_max_pool"
        t.put(node, t.emit(op, [x], {"keep_dims": None if keep else False}))
        return
    keys = {"kind": kind, "axes": axes[0] if len(axes) == 1 else axes, "keep_dims": keep or None}
    t.put(node, t.emit("reduce", [x], keys))


def expand(t: Translation, node: OnnxNode) -> None:
    """Translate Expand where it stretches nothing."""
    x = t.feature(node)
    target = t.sizes(node, 1) or ()
    tail = x.shape[len(x.shape) - len(target) :]
    if len(target) > len(x.shape) or any(
        not _is(a, 1) and symbolic.same(a, b) is not True for a, b in zip(target, tail, strict=True)
    ):
        raise Refused(f"it stretches {show(x.shape)} to {show(tuple(target))}; the language has no layer for that")
    t.put(node, x)


RULES = {
    "Concat": concat,
    "Flatten": flatten,
    "Reshape": reshape,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Slice": cut,
    "Split": split,
    "Expand": expand,
    **dict.fromkeys(_KINDS, reduce),
}
