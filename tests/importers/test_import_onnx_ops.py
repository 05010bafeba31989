"""Every operator that is translated, and what it becomes; import itself compares each shape with ONNX's inference."""

from __future__ import annotations

from typing import Any

import pytest
from onnx_models import imported, keys, model, node, output

IMAGE = {"x": [2, 4, 13, 16]}
KERNEL = {"w": [8, 4, 3, 3]}
ROWS = {"x": [2, 5, 6]}

# name: (nodes, inputs, weights, values, what is written, the output's shape)
CASES: dict[str, tuple[Any, ...]] = {
    "conv": (
        [node("Conv", "x w b", strides=[2, 1], pads=[1, 0, 1, 2], dilations=[1, 2])],
        IMAGE,
        {**KERNEL, "b": [8]},
        {},
        ["op: conv, out_channels: 8, kernel_size: 3, stride: [2, 1], padding: [[1, 1], [0, 2]], dilation: [1, 2]"],
        (2, 8, 7, 14),
    ),
    "conv_same_upper": (
        [node("Conv", "x w", strides=[2, 2], auto_pad="SAME_UPPER")],
        IMAGE,
        KERNEL,
        {},
        ["op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: same, bias: false"],
        (2, 8, 7, 8),
    ),
    "conv_same_lower": (
        [node("Conv", "x w", auto_pad="SAME_LOWER")],
        IMAGE,
        KERNEL,
        {},
        ["op: conv, out_channels: 8, kernel_size: 3, padding: same_lower, bias: false"],
        (2, 8, 13, 16),
    ),
    "conv_valid_groups": (
        [node("Conv", "x w", auto_pad="VALID", group=4)],
        IMAGE,
        {"w": [8, 1, 3, 3]},
        {},
        ["op: conv, out_channels: 8, kernel_size: 3, groups: 4, bias: false"],
        (2, 8, 11, 14),
    ),
    "conv_1d": (
        [node("Conv", "x w", pads=[1, 1])],
        {"x": [1, 3, 9]},
        {"w": [5, 3, 3]},
        {},
        ["op: conv, out_channels: 5, kernel_size: 3, padding: 1, bias: false"],
        (1, 5, 9),
    ),
    "transposed": (
        [node("ConvTranspose", "x w", strides=[2, 2], pads=[1, 0, 1, 2], output_padding=[1, 0], group=2)],
        IMAGE,
        {"w": [4, 3, 3, 4]},
        {},
        [
            "op: conv_transpose, out_channels: 6, kernel_size: [3, 4], stride: 2, padding: [[1, 1], [0, 2]], "
            "groups: 2, output_padding: [1, 0], bias: false"
        ],
        (2, 6, 26, 32),
    ),
    "transposed_to_a_size": (
        [node("ConvTranspose", "x w", strides=[2, 2], output_shape=[25, 32])],
        IMAGE,
        {"w": [4, 3, 4, 4]},
        {},
        [
            "op: conv_transpose, out_channels: 3, kernel_size: 4, stride: 2, padding: [[2, 1], [1, 1]], "
            "output_padding: 0, bias: false"
        ],
        (2, 3, 25, 32),
    ),
    "transposed_same": (
        [node("ConvTranspose", "x w", strides=[2, 2], auto_pad="SAME_UPPER")],
        IMAGE,
        {"w": [4, 3, 3, 3]},
        {},
        [
            "op: conv_transpose, out_channels: 3, kernel_size: 3, stride: 2, padding: [[0, 1], [0, 1]], "
            "output_padding: 0, bias: false"
        ],
        (2, 3, 26, 32),
    ),
    "max_pool": (
        [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], dilations=[1, 2], pads=[1, 1, 1, 1])],
        IMAGE,
        {},
        {},
        ["op: max_pool, kernel_size: 3, stride: 2, padding: 1, dilation: [1, 2]"],
        (2, 4, 7, 7),
    ),
    "max_pool_ceil": (
        [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
        IMAGE,
        {},
        {},
        ["op: max_pool, kernel_size: 3, stride: 2, ceil_mode: true"],
        (2, 4, 6, 8),
    ),
    "max_unpool": (
        [
            node("MaxPool", "x", "p i", kernel_shape=[2, 2], strides=[2, 2]),
            node("MaxUnpool", "p i", kernel_shape=[2, 2], strides=[2, 2]),
        ],
        {"x": [1, 2, 8, 6]},
        {},
        {},
        ["op: max_pool, kernel_size: 2", "op: max_unpool, pool: p"],
        (1, 2, 8, 6),
    ),
    "avg_pool": (
        [node("AveragePool", "x", kernel_shape=[3, 3], strides=[3, 3], pads=[1, 1, 1, 1])],
        IMAGE,
        {},
        {},
        ["op: avg_pool, kernel_size: 3, padding: 1, count_include_pad: false"],
        (2, 4, 5, 6),
    ),
    "avg_pool_counts_padding": (
        [node("AveragePool", "x", kernel_shape=[2, 2], auto_pad="SAME_LOWER", count_include_pad=1)],
        IMAGE,
        {},
        {},
        ["op: avg_pool, kernel_size: 2, stride: 1, padding: same_lower"],
        (2, 4, 13, 16),
    ),
    "lp_pool": (
        [node("LpPool", "x", kernel_shape=[3, 3], p=3)],
        IMAGE,
        {},
        {},
        ["op: lp_pool, kernel_size: 3, stride: 1, norm_type: 3"],
        (2, 4, 11, 14),
    ),
    "global_avg": ([node("GlobalAveragePool", "x")], IMAGE, {}, {}, ["op: global_avg_pool"], (2, 4, 1, 1)),
    "global_max": ([node("GlobalMaxPool", "x")], IMAGE, {}, {}, ["op: global_max_pool"], (2, 4, 1, 1)),
    "batch_norm": (
        [node("BatchNormalization", "x w w w w")],
        IMAGE,
        {"w": [4]},
        {},
        ["op: batch_norm"],
        (2, 4, 13, 16),
    ),
    "instance_norm": (
        [node("InstanceNormalization", "x w w")],
        IMAGE,
        {"w": [4]},
        {},
        ["op: instance_norm, affine: true"],
        (2, 4, 13, 16),
    ),
    "layer_norm": ([node("LayerNormalization", "x w w")], ROWS, {"w": [6]}, {}, ["op: layer_norm"], (2, 5, 6)),
    "lrn": ([node("LRN", "x", size=3)], IMAGE, {}, {}, ["op: local_response_norm, size: 3"], (2, 4, 13, 16)),
    "gemm": (
        [node("Gemm", "x w b", transB=1)],
        {"x": [2, 6]},
        {"w": [3, 6], "b": [3]},
        {},
        ["op: linear, out_features: 3"],
        (2, 3),
    ),
    "gemm_without_bias": (
        [node("Gemm", "x w")],
        {"x": [2, 6]},
        {"w": [6, 3]},
        {},
        ["op: linear, out_features: 3, bias: false"],
        (2, 3),
    ),
    "matmul": (
        [node("MatMul", "x w")],
        ROWS,
        {"w": [6, 3]},
        {},
        ["op: linear, out_features: 3, bias: false"],
        (2, 5, 3),
    ),
    "matmul_and_bias": (
        [node("MatMul", "x w", "m"), node("Add", "b m")],
        ROWS,
        {"w": [6, 3], "b": [3]},
        {},
        ["op: linear, out_features: 3"],
        (2, 5, 3),
    ),
    "matmul_transposed_weight": (
        [node("Transpose", "w", "v", perm=[1, 0]), node("MatMul", "x v")],
        ROWS,
        {"w": [3, 6]},
        {},
        ["op: linear, out_features: 3, bias: false"],
        (2, 5, 3),
    ),
    "add": (
        [node("Relu", "x", "r"), node("Add", "x r")],
        IMAGE,
        {},
        {},
        ["op: relu", "op: add, from: [x, r]"],
        (2, 4, 13, 16),
    ),
    "multiply_stretches": (
        [node("GlobalAveragePool", "x", "g"), node("Mul", "x g")],
        IMAGE,
        {},
        {},
        ["op: global_avg_pool", "op: multiply, from: [x, g], broadcast: true"],
        (2, 4, 13, 16),
    ),
    "subtract_ranks": (
        [node("ReduceMean", "x a", "m", keepdims=0), node("Sub", "x m")],
        ROWS,
        {},
        {"a": [0]},
        [
            "op: reduce, kind: mean, axes: 0",
            "op: unsqueeze, axis: 0",
            "op: subtract, from: [x, y], broadcast: true",
        ],
        (2, 5, 6),
    ),
    "max_of_three": (
        [node("Max", "x z x")],
        {**IMAGE, "z": [2, 4, 13, 16]},
        {},
        {},
        ["op: maximum, from: [x, z, x]"],
        (2, 4, 13, 16),
    ),
    "mean_of_two": (
        [node("Mean", "x z")],
        {**IMAGE, "z": [2, 4, 13, 16]},
        {},
        {},
        ["op: average, from: [x, z]"],
        (2, 4, 13, 16),
    ),
    "sum_of_two": (
        [node("Sum", "x z")],
        {**IMAGE, "z": [2, 4, 13, 16]},
        {},
        {},
        ["op: add, from: [x, z]"],
        (2, 4, 13, 16),
    ),
    "constant_operand": (
        [node("Mul", "x c")],
        IMAGE,
        {"c": [4, 1, 1]},
        {},
        ["op: identity  # Mul with a constant"],
        (2, 4, 13, 16),
    ),
    "number_operand": (
        [node("Div", "x c")],
        IMAGE,
        {},
        {"c": 2.0},
        ["op: identity  # Div with a number"],
        (2, 4, 13, 16),
    ),
    "leaky_relu": (
        [node("LeakyRelu", "x", alpha=0.2)],
        IMAGE,
        {},
        {},
        ["op: leaky_relu, negative_slope: 0.2"],
        (2, 4, 13, 16),
    ),
    "elu": ([node("Elu", "x", alpha=0.5)], IMAGE, {}, {}, ["op: elu, alpha: 0.5"], (2, 4, 13, 16)),
    "prelu": ([node("PRelu", "x w")], IMAGE, {"w": [4, 1, 1]}, {}, ["op: prelu, num_parameters: 4"], (2, 4, 13, 16)),
    "prelu_of_one": ([node("PRelu", "x w")], IMAGE, {"w": [1]}, {}, ["op: prelu"], (2, 4, 13, 16)),
    "hardsigmoid": ([node("HardSigmoid", "x", alpha=1 / 6)], IMAGE, {}, {}, ["op: hardsigmoid"], (2, 4, 13, 16)),
    "hardsigmoid_of_onnx": (
        [node("HardSigmoid", "x")],
        IMAGE,
        {},
        {},
        ["op: hardsigmoid  # HardSigmoid of another slope than hardsigmoid's"],
        (2, 4, 13, 16),
    ),
    "hardswish_in_pieces": (
        [node("HardSigmoid", "x", "s", alpha=1 / 6), node("Mul", "x s")],
        IMAGE,
        {},
        {},
        ["op: hardswish"],
        (2, 4, 13, 16),
    ),
    "silu": ([node("Sigmoid", "x", "s"), node("Mul", "s x")], IMAGE, {}, {}, ["op: silu"], (2, 4, 13, 16)),
    "sigmoid_read_twice": (
        [node("Sigmoid", "x", "s"), node("Mul", "s x", "m"), node("Add", "m s")],
        IMAGE,
        {},
        {},
        ["op: sigmoid", "op: multiply, from: [s, x]", "op: add, from: [m, s]"],
        (2, 4, 13, 16),
    ),
    "gelu_in_pieces": (
        [
            node("Div", "x root", "d"),
            node("Erf", "d", "e"),
            node("Add", "e one", "a"),
            node("Mul", "x a", "m"),
            node("Mul", "m half"),
        ],
        IMAGE,
        {},
        {"root": 1.4142135, "one": 1.0, "half": 0.5},
        ["op: gelu"],
        (2, 4, 13, 16),
    ),
    "mish_in_pieces": (
        [node("Softplus", "x", "s"), node("Tanh", "s", "t"), node("Mul", "x t")],
        IMAGE,
        {},
        {},
        ["op: mish"],
        (2, 4, 13, 16),
    ),
    "relu6": ([node("Clip", "x low high")], IMAGE, {}, {"low": 0.0, "high": 6.0}, ["op: relu6"], (2, 4, 13, 16)),
    "clip_from_zero": ([node("Clip", "x low")], IMAGE, {}, {"low": 0.0}, ["op: relu"], (2, 4, 13, 16)),
    "softmax": ([node("Softmax", "x", axis=1)], IMAGE, {}, {}, ["op: softmax"], (2, 4, 13, 16)),
    "log_softmax": ([node("LogSoftmax", "x")], IMAGE, {}, {}, ["op: log_softmax, axis: -1"], (2, 4, 13, 16)),
    "dropout": ([node("Dropout", "x p")], IMAGE, {}, {"p": 0.1}, ["op: dropout, p: 0.1"], (2, 4, 13, 16)),
    "identity": ([node("Relu", "x", "r"), node("Identity", "r")], IMAGE, {}, {}, ["op: relu"], (2, 4, 13, 16)),
    "cast": (
        [node("Cast", "x", to=10)],
        IMAGE,
        {},
        {},
        ["op: identity  # Cast to another element type"],
        (2, 4, 13, 16),
    ),
    "concat": (
        [node("Concat", "x x z", axis=1)],
        {**IMAGE, "z": [2, 3, 13, 16]},
        {},
        {},
        ["op: concat, from: [x, x, z]"],
        (2, 11, 13, 16),
    ),
    "concat_rows": (
        [node("Concat", "x x", axis=-1)],
        IMAGE,
        {},
        {},
        ["op: concat, from: [x, x], axis: -1"],
        (2, 4, 13, 32),
    ),
    "flatten": ([node("Flatten", "x")], IMAGE, {}, {}, ["op: flatten"], (2, 832)),
    "flatten_2": (
        [node("Flatten", "x", axis=2)],
        IMAGE,
        {},
        {},
        ["op: flatten, start_axis: 2", "op: flatten, start_axis: 0, end_axis: 1"],
        (8, 208),
    ),
    "flatten_0": (
        [node("Flatten", "x", axis=0)],
        IMAGE,
        {},
        {},
        ["op: flatten, start_axis: 0", "op: unsqueeze, axis: 0"],
        (1, 1664),
    ),
    "flatten_all": (
        [node("Flatten", "x", axis=4)],
        IMAGE,
        {},
        {},
        ["op: flatten, start_axis: 0, end_axis: 3", "op: unsqueeze, axis: 1"],
        (1664, 1),
    ),
    "reshape": (
        [node("Reshape", "x s")],
        IMAGE,
        {},
        {"s": [0, 2, -1, 16]},
        ["op: reshape, shape: [2, 2, -1, 16]"],
        (2, 2, 26, 16),
    ),
    "reshape_flattens": ([node("Reshape", "x s")], IMAGE, {}, {"s": [0, -1]}, ["op: flatten"], (2, 832)),
    "transpose": (
        [node("Transpose", "x", perm=[0, 2, 3, 1])],
        IMAGE,
        {},
        {},
        ["op: permute, axes: [0, 2, 3, 1]"],
        (2, 13, 16, 4),
    ),
    "squeeze": (
        [node("GlobalAveragePool", "x", "g"), node("Squeeze", "g a")],
        IMAGE,
        {},
        {"a": [-1, 2]},
        ["op: global_avg_pool", "op: squeeze, axis: 3", "op: squeeze, axis: 2"],
        (2, 4),
    ),
    "unsqueeze": (
        [node("Unsqueeze", "x a")],
        ROWS,
        {},
        {"a": [-1, 0]},
        ["op: unsqueeze, axis: 0", "op: unsqueeze, axis: 4"],
        (1, 2, 5, 6, 1),
    ),
    "slice": (
        [node("Slice", "x b e a s")],
        IMAGE,
        {},
        {"b": [1, -9], "e": [2**63 - 1, -1], "a": [2, 3], "s": [2, 1]},
        ["op: slice, axis: 2, start: 1, step: 2", "op: slice, axis: 3, start: -9, stop: -1"],
        (2, 4, 6, 8),
    ),
    "split": (
        [node("Split", "x", "a b", axis=1, num_outputs=2), node("Add", "a b")],
        IMAGE,
        {},
        {},
        [
            "op: chunk, axis: 1, chunks: 2, index: 0",
            "op: chunk, from: x, axis: 1, chunks: 2, index: 1",
            "op: add, from: [a, b]",
        ],
        (2, 2, 13, 16),
    ),
    "split_uneven": (
        [node("Split", "x s", "a b", axis=1), node("Concat", "b b a", axis=1)],
        IMAGE,
        {},
        {"s": [1, 3]},
        ["op: slice, axis: 1, stop: 1", "op: slice, from: x, axis: 1, start: 1", "op: concat, from: [b, b, a]"],
        (2, 7, 13, 16),
    ),
    "pad": (
        [node("Pad", "x p", mode="reflect")],
        IMAGE,
        {},
        {"p": [0, 0, 1, 2, 0, 0, 1, 3]},
        ["op: pad, padding: [[1, 1], [2, 3]], mode: reflect"],
        (2, 4, 15, 21),
    ),
    "pad_edge": (
        [node("Pad", "x p - a", mode="edge")],
        IMAGE,
        {},
        {"p": [1, 1], "a": [-1]},
        ["op: pad, padding: [0, 1], mode: replicate"],
        (2, 4, 13, 18),
    ),
    "pad_and_crop": (
        [node("Pad", "x p v")],
        IMAGE,
        {},
        {"p": [0, 0, 1, -2, 0, 0, 0, 0], "v": 0.5},
        ["op: pad, padding: [[1, 0], [0, 0]], value: 0.5", "op: crop, cropping: [[0, 0], [2, 0]]"],
        (2, 4, 14, 14),
    ),
    "resize": (
        [node("Resize", "x - s", mode="linear")],
        IMAGE,
        {},
        {"s": [1.0, 1.0, 2.0, 1.5]},
        ["op: upsample, mode: linear, scale_factor: [2, 1.5]"],
        (2, 4, 26, 24),
    ),
    # ⌊13 · 1.4⌋ and ⌊16 · 1.4⌋ in 32-bit numbers.
    "resize_by_no_short_ratio": (
        [node("Resize", "x - s")],
        IMAGE,
        {},
        {"s": [1.0, 1.0, 1.4, 1.4]},
        ["op: upsample, size: [18, 22]"],
        (2, 4, 18, 22),
    ),
    "resize_to": (
        [node("Resize", "x - - s", mode="cubic")],
        IMAGE,
        {},
        {"s": [2, 4, 20, 20]},
        ["op: upsample, mode: cubic, size: 20"],
        (2, 4, 20, 20),
    ),
    "depth_to_space_crd": (
        [node("DepthToSpace", "x", blocksize=2, mode="CRD")],
        {"x": [1, 8, 5, 6]},
        {},
        {},
        ["op: pixel_shuffle, factor: 2"],
        (1, 2, 10, 12),
    ),
    "depth_to_space_dcr": (
        [node("DepthToSpace", "x", blocksize=2)],
        {"x": [1, 8, 5, 6]},
        {},
        {},
        [
            "op: reshape, shape: [1, 2, 2, 2, 5, 6]",
            "op: permute, axes: [0, 3, 4, 1, 5, 2]",
            "op: reshape, shape: [1, 2, 10, 12]",
        ],
        (1, 2, 10, 12),
    ),
    "space_to_depth": (
        [node("SpaceToDepth", "x", blocksize=2)],
        {"x": [1, 2, 10, 12]},
        {},
        {},
        [
            "op: reshape, shape: [1, 2, 5, 2, 6, 2]",
            "op: permute, axes: [0, 3, 5, 1, 2, 4]",
            "op: reshape, shape: [1, 8, 5, 6]",
        ],
        (1, 8, 5, 6),
    ),
    "space_to_depth_of_one": (
        [node("SpaceToDepth", "x", blocksize=2)],
        {"x": [1, 1, 10, 12]},
        {},
        {},
        ["op: pixel_unshuffle, factor: 2"],
        (1, 4, 5, 6),
    ),
    "reduce_space": (
        [node("ReduceMean", "x a", keepdims=0)],
        IMAGE,
        {},
        {"a": [2, -1]},
        ["op: global_avg_pool, keep_dims: false"],
        (2, 4),
    ),
    "reduce_sum": (
        [node("ReduceSum", "x a")],
        IMAGE,
        {},
        {"a": [1]},
        ["op: reduce, kind: sum, axes: 1, keep_dims: true"],
        (2, 1, 13, 16),
    ),
    "reduce_max": (
        [node("ReduceMax", "x a", keepdims=0)],
        IMAGE,
        {},
        {"a": [1, 3]},
        ["op: reduce, kind: max, axes: [1, 3]"],
        (2, 13),
    ),
    "gather": (
        [node("Gather", "x i", axis=1)],
        ROWS,
        {},
        {"i": -1},
        ["op: slice, axis: 1, start: -1", "op: squeeze, axis: 1"],
        (2, 6),
    ),
    "expand_nothing": (
        [node("Relu", "x", "r"), node("Expand", "r s")],
        ROWS,
        {},
        {"s": [5, 1]},
        ["op: relu"],
        (2, 5, 6),
    ),
}
PLAIN = {
    "Relu": "relu",
    "Selu": "selu",
    "Gelu": "gelu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "HardSwish": "hardswish",
    "Mish": "mish",
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator(name: str) -> None:
    nodes, inputs, weights, values, written, shape = CASES[name]
    found = imported(model(nodes, inputs, weights, values))
    assert keys(found) == [line.replace("  #", " #") for line in written]
    assert output(found) == shape
    assert found.agree and not found.unknown, "ONNX knows every shape"


@pytest.mark.parametrize("op", PLAIN)
def test_an_activation(op: str) -> None:
    found = imported(model([node(op, "x")], IMAGE))
    assert (keys(found), output(found)) == ([f"op: {PLAIN[op]}"], (2, 4, 13, 16))


def test_older_opsets_have_attributes_where_newer_ones_have_operands() -> None:
    nodes = [
        node("Slice", "x", "a", starts=[1], ends=[9], axes=[2]),
        node("Pad", "a", "b", pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="constant", value=0.0),
        node("Upsample", "b s", "c", mode="nearest"),
        node("Dropout", "c", "d", ratio=0.25),
        node("ReduceMean", "d", "e", axes=[2, 3]),
        node("Squeeze", "e", "f", axes=[3]),
        node("Split", "f", "g h", axis=1, split=[1, 3]),
        node("Unsqueeze", "h", "i", axes=[1]),
        node("Clip", "i", "y", min=0.0, max=6.0),
    ]
    found = imported(model(nodes, IMAGE, {}, {"s": [1.0, 1.0, 2.0, 2.0]}, opset=9))
    assert output(found) == (2, 1, 3, 1)
    assert keys(found)[2:4] == ["op: upsample, scale_factor: 2", "op: dropout, p: 0.25"]


@pytest.mark.parametrize(("opset", "scale"), [(18, 2), (21, 4)])
def test_group_norm_learns_for_groups_or_for_channels(opset: int, scale: int) -> None:
    built = model([node("GroupNormalization", "x w w", num_groups=2)], IMAGE, {"w": [scale]}, opset=opset)
    (line,) = keys(imported(built))
    assert line.startswith("op: group_norm, num_groups: 2") and ("#" in line) == (opset < 21)


def test_an_embedding_and_the_type_of_its_input() -> None:
    built = model([node("Gather", "w x")], {"x": ["batch", 7]}, {"w": [50, 16]}, dtype=7)
    found = imported(built)
    assert keys(found) == ["op: embedding, num_embeddings: 50, embedding_dim: 16"]
    assert "x: {shape: [batch, 7], dtype: int64}" in found.text
    assert output(found, batch=3) == (3, 7, 16)
