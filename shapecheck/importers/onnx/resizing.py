"""Operators of ONNX that pad, crop and resample space, and those that trade channels for space."""

from __future__ import annotations

import math
import struct
from typing import Any

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.importers.onnx.moving import reshaped
from shapecheck.importers.onnx.onnx_graph import OnnxNode, Refused, Variable
from shapecheck.importers.onnx.pointwise import short
from shapecheck.importers.onnx.translation import Translation
from shapecheck.importers.onnx.windows import edges, one
from shapecheck.layers.resize import LONGEST_DENOMINATOR

_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def pad(t: Translation, node: OnnxNode) -> None:
    """Translate Pad of space: what it adds is a pad, what it takes away a crop."""
    x = t.feature(node)
    rank = len(x.shape)
    given = t.integers(node, 1, "pads" if t.graph.opset > 1 else "paddings")
    axes = t.integers(node, 3) or tuple(range(rank))
    if given is None or len(given) != 2 * len(axes) or any(not -rank <= axis < rank for axis in axes):
        raise Refused(f"its pads {list(given or ())} are not two for each of {len(axes)} axes")
    pairs = [(0, 0)] * rank
    for at, axis in enumerate(axes):
        pairs[axis % rank] = (given[at], given[at + len(axes)])
    if any(pair != (0, 0) for pair in pairs[:2]):
        raise Refused(f"it pads the batch or the channels: {[list(pair) for pair in pairs]}; pad is of space only")
    word = node.attributes.get("mode", "constant")
    if word not in _MODES:
        raise Refused(f"its mode {word!r} is none of {', '.join(_MODES)}")
    added = [(max(before, 0), max(after, 0)) for before, after in pairs[2:]]
    taken = [(max(-before, 0), max(-after, 0)) for before, after in pairs[2:]]
    if any(map(any, added)) and any(map(any, taken)) and word != "constant":
        raise Refused(f"it pads and crops at once, with mode {word}")
    if any(map(any, added)):
        value = (t.floats(node, 2) or (node.attributes.get("value", 0),))[0] if word == "constant" else 0
        if not math.isfinite(value):
            t.note(f"Pad with {value}")
            value = 0
        keys = {
            "padding": edges(added),
            "mode": None if word == "constant" else _MODES[word],
            "value": short(value) or None,
        }
        x = t.emit("pad", [x], keys)
    if any(map(any, taken)):
        x = t.emit("crop", [x], {"cropping": edges(taken)})
    t.put(node, x)


def resize(t: Translation, node: OnnxNode) -> None:
    """Translate Resize and Upsample."""
    x = t.feature(node)
    rank = len(x.shape)
    if node.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        raise Refused("it crops while it resizes (tf_crop_and_resize)")
    if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refused(f"its sizes follow from the ratio of the input ({node.attributes['keep_aspect_ratio_policy']})")
    place = 2 if node.op == "Resize" and t.graph.opset >= 11 else 1
    scales = t.floats(node, place, "scales") or ()
    sizes = t.sizes(node, 3) or ()
    axes = node.attributes.get("axes") or list(range(rank))
    given = sizes or scales
    if len(given) != len(axes) or any(not -rank <= axis < rank for axis in axes):
        raise Refused(f"it gives {len(given)} sizes or scales for {len(axes)} axes")
    told = dict(zip((axis % rank for axis in axes), given, strict=True))
    for axis in (0, 1):
        if axis in told and symbolic.same(told[axis], x.shape[axis] if sizes else 1) is not True:
            raise Refused(f"it resizes axis {axis} of {show(x.shape)}; upsample is of space only")
    mode = node.attributes.get("mode", "nearest")
    keys: dict[str, Any] = {"mode": None if mode == "nearest" else mode}
    if sizes:
        keys["size"] = one([told.get(axis, x.shape[axis]) for axis in range(2, rank)])
    else:
        if not all(0 < scale < math.inf for scale in scales):
            raise Refused(f"its scales {list(scales)} are not all above 0 and finite")
        keys |= _scaled(x, [float(told.get(axis, 1)) for axis in range(2, rank)])
    t.put(node, t.emit("upsample", [x], keys))


def _scaled(x: Variable, scales: list[float]) -> dict[str, Any]:
    """Return the key that gives the sizes which ONNX computes in 32-bit numbers."""
    if all(scale.as_integer_ratio()[1] <= LONGEST_DENOMINATOR for scale in scales):
        return {"scale_factor": one([int(scale) if scale.is_integer() else scale for scale in scales])}
    sizes: list[Size] = []
    for i, scale in zip(x.shape[2:], scales, strict=True):
        if not isinstance(i, int):
            raise Refused(f"its scale {short(scale)} is no short ratio, so a size that varies has no exact form")
        sizes.append(math.floor(struct.unpack("f", struct.pack("f", i * scale))[0]))
    return {"size": one(sizes)}


def depth_to_space(t: Translation, node: OnnxNode) -> None:
    """Translate DepthToSpace: pixel_shuffle where the order of the channels is PyTorch's (CRD), else three layers."""
    x = t.feature(node)
    b = _block(node, x)
    n, c, h, w = x.shape
    mode = node.attributes.get("mode", "DCR")
    if symbolic.divides(b * b, c) is not True:
        raise Refused(f"{b * b} does not divide its {c} channels")
    if mode == "CRD" or symbolic.same(c, b * b):
        t.put(node, t.emit("pixel_shuffle", [x], {"factor": b}))
        return
    y = reshaped(t, x, [n, b, b, c // (b * b), h, w])
    y = t.emit("permute", [y], {"axes": [0, 3, 4, 1, 5, 2]})
    t.put(node, reshaped(t, y, [n, c // (b * b), h * b, w * b]))


def space_to_depth(t: Translation, node: OnnxNode) -> None:
    """Translate SpaceToDepth: with one channel pixel_unshuffle, else three layers, for the channels' order differs."""
    x = t.feature(node)
    b = _block(node, x)
    n, c, h, w = x.shape
    if symbolic.same(c, 1):
        t.put(node, t.emit("pixel_unshuffle", [x], {"factor": b}))
        return
    for size in (h, w):
        if symbolic.divides(b, size) is not True:
            raise Refused(f"its blocksize {b} does not divide the size {size}, or not every size that it may have")
    y = reshaped(t, x, [n, c, h // b, b, w // b, b])
    y = t.emit("permute", [y], {"axes": [0, 3, 5, 1, 2, 4]})
    t.put(node, reshaped(t, y, [n, c * (b * b), h // b, w // b]))


def _block(node: OnnxNode, x: Variable) -> int:
    size = node.attributes.get("blocksize", 0)
    if size < 1 or len(x.shape) != 4:
        raise Refused(f"blocksize {size} and an input {show(x.shape)} do not fit: it needs [N, C, H, W]")
    return int(size)


RULES = {
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
