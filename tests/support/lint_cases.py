"""Small networks on which a design lint must speak, or must not, written as their inputs and layers."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    code: str
    fires: bool
    why: str
    inputs: str
    layers: tuple[str, ...]
    head: str = ""

    @property
    def text(self) -> str:
        layers = "".join(f"  - {{{line}}}\n" for line in self.layers)
        return f"shapecheck: 1\n{self.head}inputs: {{{self.inputs}}}\nlayers:\n{layers}"


def fires(code: str, why: str, inputs: str, *layers: str, head: str = "") -> Case:
    return Case(code, True, why, inputs, layers, head)


def silent(code: str, why: str, inputs: str, *layers: str, head: str = "") -> Case:
    return Case(code, False, why, inputs, layers, head)


CONV = "op: conv, out_channels: 8"
DOWN = f"{CONV}, kernel_size: 3, stride: 2, padding: 1"

CASES = [
    # SC401: rows of the map that no window reads.
    fires("SC401", "a pooling of an odd size", "x: [2, 8, 27, 27]", "op: max_pool, kernel_size: 2"),
    fires("SC401", "AlexNet on 224", "x: [2, 3, 224, 224]", f"{CONV}, kernel_size: 11, stride: 4"),
    fires("SC401", "one axis alone", "x: [2, 3, 224, 13]", "op: max_pool, kernel_size: [2, 2]"),
    fires(
        "SC401", "channels last", "x: [2, 27, 27, 8]", "op: max_pool, kernel_size: 2", head="layout: channels_last\n"
    ),
    silent("SC401", "what is left over is padding", "x: [2, 64, 56, 56]", DOWN),
    silent("SC401", "the stem of a ResNet", "x: [2, 3, 224, 224]", f"{CONV}, kernel_size: 7, stride: 2, padding: 3"),
    silent("SC401", "rounded up", "x: [2, 8, 27, 27]", "op: max_pool, kernel_size: 2, ceil_mode: true"),
    silent("SC401", "one sample in 32,001", "x: [2, 1, 32001]", f"{CONV}, kernel_size: 2, stride: 2"),
    silent("SC401", "no size is known", "x: [2, 1, T]", f"{CONV}, kernel_size: 2, stride: 2"),
    silent(
        "SC401",
        "another layer reads it all",
        "x: [2, 8, 27, 27]",
        "name: a, op: max_pool, kernel_size: 2",
        f"name: b, from: x, {CONV}, kernel_size: 3",
    ),
    silent(
        "SC401",
        "the row was added by a pad",
        "x: [2, 8, 26, 26]",
        "op: pad, padding: [[0, 1], [0, 1]], mode: reflect",
        "op: max_pool, kernel_size: 2",
    ),
    silent("SC401", "the gap of a strided 1 x 1", "x: [2, 8, 56, 56]", f"{CONV}, kernel_size: 1, stride: 2"),
    # SC402: same with a stride.
    fires("SC402", "uneven", "x: [2, 3, 224, 224]", f"{CONV}, kernel_size: 7, stride: 2, padding: same"),
    fires("SC402", "a pooling of an odd size", "x: [2, 3, 39, 39]", "op: max_pool, kernel_size: 2, padding: same"),
    silent("SC402", "even here", "x: [2, 3, 225, 225]", f"{CONV}, kernel_size: 7, stride: 2, padding: same"),
    silent("SC402", "no stride", "x: [2, 3, 32, 32]", f"{CONV}, kernel_size: 4, padding: same"),
    silent("SC402", "no size is known", "x: [2, 3, T]", f"{CONV}, kernel_size: 7, stride: 2, padding: same"),
    # SC403: half padding of an even kernel.
    fires("SC403", "the word", "x: [2, 3, 64, 64]", f"{CONV}, kernel_size: 4, padding: half"),
    fires(
        "SC403", "the number, as in pix2pixHD", "x: [2, 3, 64, 64]", f"{CONV}, kernel_size: 4, stride: 2, padding: 2"
    ),
    silent("SC403", "DCGAN", "x: [2, 3, 64, 64]", f"{CONV}, kernel_size: 4, stride: 2, padding: 1"),
    silent("SC403", "odd, dilated", "x: [2, 3, 64, 64]", f"{CONV}, kernel_size: 3, dilation: 2, padding: half"),
    silent("SC403", "causal", "x: [2, 3, 64]", f"{CONV}, kernel_size: 2, dilation: 2, padding: [[2, 0]]"),
    silent("SC403", "full padding is meant", "x: [2, 3, 64]", f"{CONV}, kernel_size: 2, padding: full"),
    silent(
        "SC403", "a pooling that rounds up", "x: [2, 3, 7, 7]", "op: max_pool, kernel_size: 2, stride: 2, padding: 1"
    ),
    # SC404: dilations that share a divisor.
    fires(
        "SC404",
        "2, 2, 2",
        "x: [2, 8, 64, 64]",
        *(f"{CONV}, kernel_size: 3, dilation: 2, padding: half", "op: relu") * 3,
    ),
    fires(
        "SC404",
        "2, 4, 8 and a residual path",
        "x: [2, 8, 64]",
        f"name: a, {CONV}, kernel_size: 3, dilation: 2, padding: half",
        f"name: b, {CONV}, kernel_size: 3, dilation: 4, padding: half",
        "name: c, op: add, from: [a, b]",
        f"name: d, {CONV}, kernel_size: 3, dilation: 8, padding: half",
    ),
    silent(
        "SC404",
        "1, 2, 4, 8: WaveNet",
        "x: [2, 8, 64]",
        *(f"{CONV}, kernel_size: 2, dilation: {d}, padding: [[{d}, 0]]" for d in (1, 2, 4, 8)),
    ),
    silent(
        "SC404",
        "1, 2, 5: the pattern that was proposed",
        "x: [2, 8, 64, 64]",
        *(f"{CONV}, kernel_size: 3, dilation: {d}, padding: half" for d in (1, 2, 5)),
    ),
    silent(
        "SC404",
        "a layer without dilation behind them",
        "x: [2, 8, 64, 64]",
        *(f"{CONV}, kernel_size: 3, dilation: {d}, padding: half" for d in (2, 2, 1)),
    ),
    silent(
        "SC404",
        "the pooling that ends the chain closes the holes",
        "x: [2, 8, 64, 64]",
        *(f"{CONV}, kernel_size: 3, dilation: {d}, padding: half" for d in (2, 2)),
        "op: max_pool, kernel_size: 2",
    ),
    silent("SC404", "one dilated layer", "x: [2, 8, 64, 64]", f"{CONV}, kernel_size: 3, dilation: 2, padding: half"),
    # SC405: windows that lie in the padding.
    fires("SC405", "FCN's padding of 100", "x: [2, 3, 50, 50]", f"{CONV}, kernel_size: 3, padding: 100"),
    silent("SC405", "full", "x: [2, 3, 50, 50]", f"{CONV}, kernel_size: 3, padding: full"),
    silent("SC405", "dilated", "x: [2, 3, 50, 50]", f"{CONV}, kernel_size: 3, dilation: 4, padding: 8"),
    silent("SC405", "reflected", "x: [2, 3, 50, 50]", f"{CONV}, kernel_size: 3, padding: 9, padding_mode: reflect"),
    # SC406: elements that are stepped over.
    fires("SC406", "1 x 1 with stride 2", "x: [2, 8, 56, 56]", f"{CONV}, kernel_size: 1, stride: 2"),
    fires(
        "SC406",
        "dilation and stride share a divisor",
        "x: [2, 8, 56]",
        f"{CONV}, kernel_size: 3, stride: 2, dilation: 2",
    ),
    silent(
        "SC406",
        "the shortcut of a residual block",
        "x: [2, 8, 56, 56]",
        f"name: main, {DOWN}",
        f"name: short, from: x, {CONV}, kernel_size: 1, stride: 2",
        "op: add, from: [main, short]",
    ),
    silent(
        "SC406",
        "a map that is an output besides",
        "x: [2, 8, 56, 56]",
        f"name: p5, {CONV}, kernel_size: 3, padding: 1",
        "name: p6, op: max_pool, kernel_size: 1, stride: 2",
        head="outputs: [p5, p6]\n",
    ),
    silent("SC406", "patches", "x: [2, 3, 56, 56]", f"{CONV}, kernel_size: 4, stride: 4"),
    silent("SC406", "dilation 3, stride 2", "x: [2, 3, 56]", f"{CONV}, kernel_size: 2, stride: 2, dilation: 3"),
    # SC407: rounding up and down.
    fires(
        "SC407",
        "one of three",
        "x: [2, 8, 64, 64]",
        "op: max_pool, kernel_size: 2",
        "op: max_pool, kernel_size: 2",
        "op: avg_pool, kernel_size: 2, ceil_mode: true",
    ),
    silent(
        "SC407",
        "without a stride both are the same",
        "x: [2, 8, 64, 64]",
        "op: max_pool, kernel_size: 2",
        "op: max_pool, kernel_size: 3, stride: 1, padding: 1, ceil_mode: true",
    ),
    # SC408: grids that lie apart.
    fires(
        "SC408",
        "up by 8 in one go",
        "x: [2, 8, 64]",
        *(f"{DOWN}", "op: relu") * 3,
        "name: up, op: upsample, scale_factor: 8",
        "op: add, from: [x, up]",
    ),
    fires(
        "SC408",
        "a crop at the wrong end",
        "x: [2, 8, 64]",
        f"name: inner, {CONV}, kernel_size: 5",
        "name: cut, op: crop, from: x, cropping: [[0, 4]]",
        "op: add, from: [inner, cut]",
    ),
    silent(
        "SC408",
        "the crop in the middle",
        "x: [2, 8, 64]",
        f"name: inner, {CONV}, kernel_size: 5",
        "name: cut, op: crop, from: x, like: inner",
        "op: add, from: [inner, cut]",
    ),
    silent(
        "SC408",
        "pooling by 2 and back",
        "x: [2, 8, 64]",
        *("op: max_pool, kernel_size: 2",) * 3,
        "name: up, op: upsample, scale_factor: 8",
        "op: add, from: [x, up]",
    ),
    silent(
        "SC408",
        "transposed layers put the grid back",
        "x: [2, 8, 63]",
        "name: a, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
        "name: b, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
        "name: c, op: conv_transpose, transpose_of: b",
        "name: d, op: conv_transpose, transpose_of: a",
        "op: add, from: [x, d]",
    ),
    silent(
        "SC408",
        "a causal layer looks back on purpose",
        "x: [2, 8, 64]",
        f"name: back, {CONV}, kernel_size: 2, dilation: 16, padding: [[16, 0]]",
        "op: add, from: [x, back]",
    ),
    silent(
        "SC408",
        "an odd size that is resized to its like",
        "x: [2, 8, 25]",
        f"name: down, {DOWN}",
        "name: up, op: upsample, like: x",
        "op: add, from: [x, up]",
    ),
    # SC409: behind the border layer.
    fires(
        "SC409",
        "three layers of 7 on 8 pixels",
        "x: [2, 8, 8, 8]",
        *(f"{CONV}, kernel_size: 7, padding: 3", "op: relu") * 3,
    ),
    silent(
        "SC409",
        "the shortest path has seen little",
        "x: [2, 8, 8, 8]",
        f"name: a, {CONV}, kernel_size: 15, padding: 7",
        "name: b, op: add, from: [a, x]",
        f"name: c, {CONV}, kernel_size: 3, padding: 1",
    ),
    # SC410: an axis of 1 under a kernel.
    fires("SC410", "one stage too many", "x: [2, 8, 2, 2]", DOWN, "op: relu", f"{CONV}, kernel_size: 3, padding: 1"),
    fires("SC410", "one axis", "x: [2, 8, 1, 32]", f"{CONV}, kernel_size: 3, padding: 1"),
    silent("SC410", "kernel 1 on it", "x: [2, 8, 1, 32]", f"{CONV}, kernel_size: [1, 3], padding: [0, 1]"),
    silent("SC410", "squeeze and excite", "x: [2, 8, 9, 9]", "op: global_avg_pool", f"{CONV}, kernel_size: 1"),
    silent("SC410", "no size is known", "x: [2, 8, T, 32]", f"{CONV}, kernel_size: 3, padding: 1"),
    # SC411: stretched both ways.
    fires("SC411", "an outer product", "x: [16, 1], y: [1, 16]", "op: subtract, from: [x, y], broadcast: true"),
    silent("SC411", "a gate", "x: [2, 8, 9, 9], y: [2, 8, 1, 1]", "op: multiply, from: [x, y], broadcast: true"),
    silent(
        "SC411",
        "two gates on a map",
        "x: [2, 8, 9, 9], y: [2, 8, 1, 9], z: [2, 8, 9, 1]",
        "op: multiply, from: [x, y, z], broadcast: true",
    ),
    # SC412: distortion.
    fires("SC412", "resized to a square", "x: [2, 3, 48, 64]", "op: upsample, size: [32, 32]"),
    silent("SC412", "a rounding", "x: [2, 3, 7, 9]", "op: upsample, size: [13, 17]"),
    silent("SC412", "an oblong input stays one", "x: [2, 3, 48, 64]", f"{CONV}, kernel_size: 3, stride: [2, 1]"),
    # SC413: the other layout.
    fires("SC413", "a photo", "x: [2, 224, 224, 3]", f"{CONV}, kernel_size: 3, padding: 1"),
    fires("SC413", "the other way", "x: [2, 3, 224, 224]", f"{CONV}, kernel_size: 3", head="layout: channels_last\n"),
    fires("SC413", "where it is an error too", "x: [2, 200, 200, 1]", f"{CONV}, kernel_size: 3"),
    fires("SC413", "a volume", "x: [2, 64, 64, 64, 3]", f"{CONV}, kernel_size: 3, padding: 1"),
    fires("SC413", "a signal", "x: [2, 16000, 1]", f"{CONV}, kernel_size: 3, padding: 1"),
    silent("SC413", "features", "x: [2, 512, 7, 3]", f"{CONV}, kernel_size: 3, padding: 1"),
    silent("SC413", "a column of samples", "x: [2, 64, 128, 1]", f"{CONV}, kernel_size: [9, 1]"),
    silent(
        "SC413",
        "it is permuted first",
        "x: [2, 64, 64, 3]",
        "op: permute, axes: [0, 3, 1, 2]",
        f"{CONV}, kernel_size: 3",
    ),
    # SC414: taps in the padding.
    fires(
        "SC414", "DeepLab's rate 36 on 28", "x: [2, 8, 28, 28]", f"{CONV}, kernel_size: 3, dilation: 36, padding: 36"
    ),
    fires("SC414", "a kernel wider than the map", "x: [2, 8, 2, 9]", f"{CONV}, kernel_size: 5, padding: same"),
    silent("SC414", "rate 24 on 28", "x: [2, 8, 28, 28]", f"{CONV}, kernel_size: 3, dilation: 24, padding: 24"),
    silent("SC414", "7 x 7 on 7 x 7", "x: [2, 8, 7, 7]", f"{CONV}, kernel_size: 7, padding: 3"),
    # SC415: padding in another order.
    fires("SC415", "3 x 5", "x: [2, 8, 32, 32]", f"{CONV}, kernel_size: [3, 5], padding: [2, 1]"),
    silent("SC415", "in order", "x: [2, 8, 32, 32]", f"{CONV}, kernel_size: [3, 5], padding: [1, 2]"),
    silent("SC415", "other numbers", "x: [2, 8, 32, 32]", f"{CONV}, kernel_size: [3, 5], padding: [0, 2]"),
    # SC416: a batch axis that is missing.
    fires("SC416", "a picture", "x: [3, 224, 224]", f"{CONV}, kernel_size: 3"),
    fires("SC416", "the colours last", "x: [224, 224, 3]", f"{CONV}, kernel_size: 3, padding: 1"),
    fires("SC416", "as in Keras", "x: [256, 256, 3]", f"{CONV}, kernel_size: 3", head="layout: channels_last\n"),
    fires("SC416", "digits", "x: [1, 28, 28]", "op: max_pool, kernel_size: 2"),
    fires("SC416", "names", "x: [C, H, W]", f"{CONV}, kernel_size: 3, padding: 1", "op: relu"),
    fires("SC416", "a frame, normalised", "x: [3, 480, 640]", "op: instance_norm", f"{CONV}, kernel_size: 3"),
    fires("SC416", "a pyramid", "x: [1, 256, 256]", DOWN, "op: conv, out_channels: 64, kernel_size: 3"),
    fires("SC416", "a square of any size", "x: [3, S, S]", f"{CONV}, kernel_size: 3, padding: 1"),
    silent("SC416", "signals", "x: [3, 80, 200]", f"{CONV}, kernel_size: 3"),
    silent("SC416", "a batch with a name", "x: [N, 224, 224]", f"{CONV}, kernel_size: 3", head="dims: {N: 3}\n"),
    silent("SC416", "as many channels as samples", "x: [4, 64, 64]", "op: conv, out_channels: 64, kernel_size: 3"),
    silent("SC416", "a list of one axis", "x: [3, 224, 224]", f"{CONV}, kernel_size: [3]"),
    silent("SC416", "the channels are stated", "x: [3, 224, 224]", f"{CONV}, in_channels: 224, kernel_size: 3"),
    silent("SC416", "the shape is stated", "x: [3, 224, 224]", f"{CONV}, kernel_size: 3, expect: [3, 8, 222]"),
    silent("SC416", "tokens", "x: [3, 224, 224]", "op: linear, out_features: 8"),
    silent(
        "SC416",
        "a bottleneck",
        "x: [1, 256, 256]",
        f"name: a, {CONV}, kernel_size: 3, padding: 1",
        "name: b, op: conv, out_channels: 256, kernel_size: 1",
        "op: add, from: [b, x]",
    ),
    silent("SC416", "features of a map", "x: [1, 64, 64, 64]", f"{CONV}, kernel_size: 3"),
    silent(
        "SC416",
        "few samples are left",
        "x: [64, 128, 3]",
        f"{CONV}, kernel_size: 3",
        "op: conv, out_channels: 32, kernel_size: 1",
    ),
    silent("SC416", "acceleration", "x: [64, 128, 3]", f"{CONV}, kernel_size: 3", head="layout: channels_last\n"),
    silent("SC416", "the batch is added", "x: [3, 224, 224]", "op: unsqueeze, axis: 0", f"{CONV}, kernel_size: 3"),
    # SC417: None, which is a name.
    fires("SC417", "Keras' shape", "x: [None, 3, None, None]", f"{CONV}, kernel_size: 3, padding: 1"),
    fires(
        "SC417", "at other axes of two inputs", "x: [None, 8], y: [3, None]", "op: relu, from: x", "op: relu, from: y"
    ),
    silent("SC417", "the batch of two inputs", "x: [None, 3], y: [None, 3]", "op: add, from: [x, y]"),
    silent("SC417", "a square", "x: [N, 3, S, S]", f"{CONV}, kernel_size: 3, padding: 1"),
    # SC418: axes that a reshape does not move.
    fires("SC418", "the channels last", "x: [N, 3, 32, 48]", "op: reshape, shape: [N, 32, 48, 3]"),
    fires("SC418", "no size is known", "x: [N, 3, H, W]", "op: reshape, shape: [N, H, W, 3]"),
    fires("SC418", "what remains", "x: [2, 3, 32, 48]", "op: reshape, shape: [2, 32, 48, -1]"),
    fires("SC418", "time first", "x: [2, 100, 64]", "op: reshape, shape: [100, 2, 64]"),
    fires("SC418", "a map to tokens", "x: [N, 768, 14, 14]", "op: reshape, shape: [N, 196, 768]"),
    fires("SC418", "tokens to a map", "x: [N, 196, 768]", "op: reshape, shape: [N, 768, 14, 14]"),
    silent("SC418", "an axis of 1", "x: [N, 1, 28, 14]", "op: reshape, shape: [N, 28, 14, 1]"),
    silent("SC418", "groups", "x: [N, 64, 8, 8]", "op: reshape, shape: [N, 8, 512]"),
    silent("SC418", "positions", "x: [N, 64, 8, 8]", "op: reshape, shape: [N, 64, 64]"),
    silent("SC418", "heads", "x: [N, 10, 512]", "op: reshape, shape: [N, 10, 8, 64]"),
    silent("SC418", "it is permuted", "x: [N, 3, 32, 48]", "op: permute, axes: [0, 2, 3, 1]"),
    # SC419: a crop that takes more away on one side.
    fires("SC419", "5 of 37", "x: [2, 8, 37, 36], y: [2, 8, 32, 32]", "op: crop, from: x, like: y"),
    fires(
        "SC419",
        "channels last",
        "x: [2, 37, 36, 8], y: [2, 32, 32, 8]",
        "op: crop, from: x, like: y",
        head="layout: channels_last\n",
    ),
    silent("SC419", "4 of 36", "x: [2, 8, 36, 34], y: [2, 8, 32, 32]", "op: crop, from: x, like: y"),
    silent("SC419", "as written", "x: [2, 8, 37, 37]", "op: crop, cropping: [[2, 3], [2, 3]]"),
    silent("SC419", "resampled", "x: [2, 8, 37, 37], y: [2, 8, 74, 75]", "op: upsample, from: x, like: y"),
    # SC601: a bias for nothing.
    fires("SC601", "conv", "x: [2, 3, 32, 32]", f"{CONV}, kernel_size: 3", "op: batch_norm"),
    fires("SC601", "linear", "x: [2, 32]", "op: linear, out_features: 8", "op: batch_norm"),
    fires("SC601", "instance norm", "x: [2, 3, 32, 32]", f"{CONV}, kernel_size: 3", "op: instance_norm"),
    silent("SC601", "no bias", "x: [2, 3, 32, 32]", f"{CONV}, kernel_size: 3, bias: false", "op: batch_norm"),
    silent("SC601", "group norm", "x: [2, 3, 32, 32]", f"{CONV}, kernel_size: 3", "op: group_norm, num_groups: 2"),
    silent(
        "SC601", "an activation between", "x: [2, 3, 32, 32]", f"{CONV}, kernel_size: 3", "op: relu", "op: batch_norm"
    ),
    silent("SC601", "features that are no channels", "x: [2, 5, 32]", "op: linear, out_features: 8", "op: batch_norm"),
    silent(
        "SC601",
        "another reader",
        "x: [2, 3, 32, 32]",
        f"name: a, {CONV}, kernel_size: 3",
        "name: b, op: batch_norm",
        "op: add, from: [a, b]",
    ),
    # SC602: an activation of an activation.
    fires("SC602", "softmax of relu", "x: [2, 8]", "op: relu", "op: dropout", "op: softmax"),
    fires("SC602", "relu twice", "x: [2, 8]", "op: relu", "op: relu"),
    silent("SC602", "mish", "x: [2, 8]", "name: s, op: softplus", "name: t, op: tanh", "op: multiply, from: [x, t]"),
    silent("SC602", "a norm between", "x: [2, 8]", "op: relu", "op: batch_norm", "op: relu"),
    silent("SC602", "silu, spelled out", "x: [2, 8]", "name: s, op: sigmoid", "op: multiply, from: [x, s]"),
    # SC603: linear of linear.
    fires("SC603", "two linear layers", "x: [2, 64]", "op: linear, out_features: 64", "op: linear, out_features: 9"),
    fires("SC603", "two 1 x 1", "x: [2, 8, 9, 9]", f"{CONV}, kernel_size: 1", f"{CONV}, kernel_size: 1"),
    fires("SC603", "two 3 x 3", "x: [2, 8, 9, 9]", f"{CONV}, kernel_size: 3", f"{CONV}, kernel_size: 3", "op: relu"),
    silent("SC603", "a sketch without activations", "x: [2, 8, 9, 9]", *(f"{CONV}, kernel_size: 3",) * 2),
    silent("SC603", "a factorisation", "x: [2, 64]", "op: linear, out_features: 4", "op: linear, out_features: 64"),
    silent(
        "SC603",
        "depthwise and pointwise",
        "x: [2, 8, 9, 9]",
        f"{CONV}, kernel_size: 3, groups: depthwise",
        f"{CONV}, kernel_size: 1",
        "op: relu",
    ),
    silent(
        "SC603",
        "1 x 3 and 3 x 1",
        "x: [2, 8, 9, 9]",
        f"{CONV}, kernel_size: [1, 3]",
        f"{CONV}, kernel_size: [3, 1]",
        "op: relu",
    ),
    silent(
        "SC603",
        "a norm between",
        "x: [2, 64]",
        "op: linear, out_features: 64",
        "op: layer_norm",
        "op: linear, out_features: 9",
    ),
    # SC604: dropout before batch norm.
    fires("SC604", "directly", "x: [2, 64]", "op: dropout", "op: batch_norm"),
    fires("SC604", "through a layer", "x: [2, 8, 9, 9]", "op: dropout", DOWN, "op: relu", "op: batch_norm"),
    silent("SC604", "the other order", "x: [2, 64]", "op: batch_norm", "op: dropout"),
    silent("SC604", "a dropout of 0", "x: [2, 64]", "op: dropout, p: 0.0", "op: batch_norm"),
    silent(
        "SC604", "two layers on", "x: [2, 64]", "op: dropout", *("op: linear, out_features: 9",) * 2, "op: batch_norm"
    ),
    # SC605: statistics of one value.
    fires("SC605", "one picture, one place", "x: [1, 8, 9, 9]", "op: global_avg_pool", "op: batch_norm"),
    fires("SC605", "a vector", "x: [1, 8]", "op: batch_norm"),
    fires("SC605", "instance norm of any batch", "x: [9, 8, 1, 1]", "op: instance_norm"),
    fires("SC605", "a channel a group", "x: [9, 8, 1, 1]", "op: group_norm, num_groups: 8"),
    fires("SC605", "a layer norm of one", "x: [9, 8, 1]", "op: layer_norm"),
    fires("SC605", "channels last", "x: [1, 1, 1, 8]", "op: batch_norm", head="layout: channels_last\n"),
    silent("SC605", "two pictures", "x: [2, 8, 9, 9]", "op: global_avg_pool", "op: batch_norm"),
    silent("SC605", "a map", "x: [1, 8, 9, 9]", "op: batch_norm"),
    silent("SC605", "a group of channels", "x: [9, 8, 1, 1]", "op: group_norm, num_groups: 4"),
    silent("SC605", "a batch without a size", "x: [N, 8, 1, 1]", "op: batch_norm"),
    silent("SC605", "a tall map", "x: [1, 8, 9, 1]", "op: batch_norm"),
    # SC606: channels that never meet.
    fires(
        "SC606",
        "to the end",
        "x: [2, 8, 9, 9]",
        f"{CONV}, kernel_size: 3, groups: 8",
        "op: relu",
        "op: global_avg_pool",
    ),
    silent(
        "SC606", "pointwise behind", "x: [2, 8, 9, 9]", f"{CONV}, kernel_size: 3, groups: 8", f"{CONV}, kernel_size: 1"
    ),
    silent(
        "SC606",
        "a linear layer",
        "x: [2, 8, 9, 9]",
        f"{CONV}, kernel_size: 3, groups: 8",
        "op: flatten",
        "op: linear, out_features: 9",
    ),
    silent("SC606", "groups of two", "x: [2, 8, 9, 9]", f"{CONV}, kernel_size: 3, groups: 4"),
    silent("SC606", "one channel", "x: [2, 1, 9, 9]", "op: conv, out_channels: 1, kernel_size: 3, groups: depthwise"),
    # SC607: a fall of more than sixteen.
    fires(
        "SC607",
        "patches of 8",
        "x: [2, 8, 64, 64]",
        f"{CONV}, kernel_size: 8, stride: 8",
        "op: relu",
        f"{CONV}, kernel_size: 3",
    ),
    silent("SC607", "an output", "x: [2, 8, 64, 64]", f"{CONV}, kernel_size: 8, stride: 8", "op: relu"),
    silent(
        "SC607",
        "a gate",
        "x: [2, 96, 1, 1]",
        "op: conv, out_channels: 4, kernel_size: 1",
        "op: conv, out_channels: 96, kernel_size: 1",
    ),
    # SC608: one layer with nearly all.
    fires(
        "SC608", "MNIST", "x: [2, 1, 28, 28]", f"{CONV}, kernel_size: 3", "op: flatten", "op: linear, out_features: 128"
    ),
    silent(
        "SC608", "LeNet", "x: [2, 1, 14, 14]", f"{CONV}, kernel_size: 5", "op: flatten", "op: linear, out_features: 10"
    ),
    silent(
        "SC608",
        "pooled",
        "x: [2, 512, 9, 9]",
        f"{CONV}, kernel_size: 3",
        "op: global_avg_pool",
        "op: flatten",
        "op: linear, out_features: 99999",
    ),
    # SC609: an activated output.
    fires("SC609", "softmax", "x: [2, 9]", "op: softmax"),
    silent("SC609", "inside", "x: [2, 9]", "op: softmax", "op: linear, out_features: 9"),
    # SC610: for nothing.
    fires(
        "SC610",
        "only its size is read",
        "x: [2, 8, 9, 9]",
        f"name: main, {DOWN}",
        f"name: aside, from: x, {CONV}, kernel_size: 1",
        "name: back, op: upsample, from: main, like: aside",
        head="outputs: [back]\n",
    ),
    silent(
        "SC610",
        "a pooling gives its places",
        "x: [2, 8, 9, 9]",
        "name: pool, op: max_pool, kernel_size: 2",
        "name: back, op: max_unpool, pool: pool",
        head="outputs: [back]\n",
    ),
    silent("SC610", "every end is an output", "x: [2, 8, 9, 9]", DOWN, f"from: x, {DOWN}"),
    # SC611: softmax of one.
    fires("SC611", "one output", "x: [2, 9]", "op: linear, out_features: 1", "op: softmax"),
    fires("SC611", "a given axis", "x: [2, 9, 1]", "op: softmax, axis: -1"),
    silent("SC611", "two outputs", "x: [2, 9]", "op: linear, out_features: 2", "op: softmax"),
    silent("SC611", "another axis", "x: [2, 9, 1]", "op: softmax"),
    # SC612: for nothing.
    fires("SC612", "a pooling of 1", "x: [2, 8, 9, 9]", "op: avg_pool, kernel_size: 1"),
    fires("SC612", "a crop of 0", "x: [2, 8, 9, 9]", "op: crop, cropping: 0"),
    silent("SC612", "a pooling that strides", "x: [2, 8, 9, 9]", "op: avg_pool, kernel_size: 1, stride: 3"),
    silent("SC612", "the absolute value of each element", "x: [2, 8, 9, 9]", "op: lp_pool, kernel_size: 1"),
    silent("SC612", "identity says it", "x: [2, 8]", "op: identity"),
    silent(
        "SC612",
        "a copy of it does something",
        "x: [2, 8, 9, 9]",
        "block: pool, with: {s: 1}",
        "block: pool, with: {s: 2}",
        head="blocks: {pool: {params: {s: 1}, layers: [{op: avg_pool, kernel_size: =s}]}}\n",
    ),
    # SC613: the last axis is the width.
    fires("SC613", "linear", "x: [2, 8, 9, 9]", DOWN, "op: relu", "op: linear, out_features: 9"),
    fires("SC613", "layer norm", "x: [2, 8, 9, 9]", DOWN, "op: layer_norm"),
    silent("SC613", "layer norm of the channels", "x: [2, 8, 9, 9]", DOWN, "op: layer_norm, axis: 1"),
    silent("SC613", "channels last", "x: [2, 9, 9, 8]", DOWN, "op: layer_norm", head="layout: channels_last\n"),
    silent(
        "SC613", "permuted", "x: [2, 8, 9, 9]", DOWN, "op: permute, axes: [0, 2, 3, 1]", "op: linear, out_features: 9"
    ),
    silent("SC613", "a sequence", "x: [2, 9, 64]", "op: linear, out_features: 9"),
    # SC614: one input twice.
    fires("SC614", "concat", "x: [2, 8, 9, 9]", "name: a, op: relu", "op: concat, from: [a, a]"),
    silent("SC614", "a square", "x: [2, 8, 9, 9]", "name: a, op: relu", "op: multiply, from: [a, a]"),
    # SC615: an output that nobody named.
    fires(
        "SC615",
        "a branch",
        "x: [2, 8, 9, 9]",
        f"name: a, {DOWN}",
        f"name: b, {DOWN}",
        f"from: a, {CONV}, kernel_size: 3",
    ),
    silent("SC615", "the only end", "x: [2, 8, 9, 9]", f"from: b, {CONV}, kernel_size: 3", f"name: b, from: x, {DOWN}"),
    silent(
        "SC615",
        "both are listed",
        "x: [2, 8, 9, 9]",
        f"name: a, {DOWN}",
        f"name: b, from: x, {DOWN}",
        head="outputs: [a, b]\n",
    ),
    # SC621, SC622: habits.
    fires(
        "SC621",
        "fewer",
        "x: [2, 8, 16, 16]",
        f"{CONV}, kernel_size: 3",
        "op: conv, out_channels: 4, kernel_size: 3, stride: 2",
    ),
    silent(
        "SC621",
        "the map stays",
        "x: [2, 8, 16, 16]",
        f"{CONV}, kernel_size: 3",
        "op: conv, out_channels: 4, kernel_size: 3",
    ),
    fires("SC622", "five", "x: [2, 8, 32, 32]", *(f"{CONV}, kernel_size: 3",) * 5, "op: max_pool, kernel_size: 2"),
    silent("SC622", "three", "x: [2, 8, 32, 32]", *(f"{CONV}, kernel_size: 3",) * 3, "op: max_pool, kernel_size: 2"),
    # SC701 to SC706: dialects.
    fires(
        "SC701",
        "a window in the padding",
        "x: [2, 8, 5, 5]",
        "op: max_pool, kernel_size: 3, padding: 1, ceil_mode: true",
    ),
    silent("SC701", "no such window", "x: [2, 8, 6, 6]", "op: max_pool, kernel_size: 3, padding: 1, ceil_mode: true"),
    fires("SC702", "k < s", "x: [2, 8, 5]", "op: conv_transpose, out_channels: 8, kernel_size: 2, stride: 3"),
    silent("SC702", "k >= s", "x: [2, 8, 5]", "op: conv_transpose, out_channels: 8, kernel_size: 4, stride: 2"),
    silent(
        "SC702",
        "given",
        "x: [2, 8, 5]",
        "op: conv_transpose, out_channels: 8, kernel_size: 2, stride: 3, output_padding: 0",
    ),
    fires("SC703", "the stem", "x: [2, 8, 112, 112]", "op: max_pool, kernel_size: 3, stride: 2, padding: 1"),
    silent("SC703", "no remainder", "x: [2, 8, 112, 112]", "op: max_pool, kernel_size: 2"),
    fires(
        "SC704",
        "k 4, s 4",
        "x: [2, 8, 128]",
        "op: conv_transpose, out_channels: 8, kernel_size: 4, stride: 4, output_padding: 0",
    ),
    silent(
        "SC704", "p = k − 1 − p", "x: [2, 8, 128]", "op: conv_transpose, out_channels: 8, kernel_size: 5, padding: 2"
    ),
    fires("SC705", "same", "x: [2, 8, 64]", f"{CONV}, kernel_size: 3, stride: 2, padding: same"),
    fires("SC706", "slopes of a vector", "x: [8]", "op: prelu, num_parameters: 8"),
    silent("SC706", "one slope", "x: [8]", "op: prelu"),
    silent("SC706", "a batch of vectors", "x: [2, 8]", "op: prelu, num_parameters: 8"),
    fires("SC706", "a shallow map", "x: [2, 8, 2, 5, 5]", "op: avg_pool, kernel_size: 3, stride: 1, padding: 1"),
    silent("SC706", "as deep as the window", "x: [2, 8, 3, 5, 5]", "op: avg_pool, kernel_size: 3, padding: 1"),
    silent("SC706", "two axes", "x: [2, 8, 2, 5]", "op: avg_pool, kernel_size: 3, stride: 1, padding: 1"),
    silent("SC706", "the largest", "x: [2, 8, 2, 5, 5]", "op: max_pool, kernel_size: 3, stride: 1, padding: 1"),
    silent("SC705", "no stride", "x: [2, 8, 64]", f"{CONV}, kernel_size: 3, padding: same"),
]
