"""What the witness refuses, in its own words or in JAX's: always on one line, without a path."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from handmade import chain, layer, network

import shapecheck
from shapecheck.layers import Context, Problem
from shapecheck.verification.reference import run_levels
from shapecheck.verification.reference.build_errors import one_line

MAP = (2, 4, 6, 6)


@pytest.mark.parametrize(
    ("shape", "keys", "says"),
    [
        (MAP, {"op": "conv", "out_channels": 2, "kernel_size": 7}, "empty"),
        (MAP, {"op": "conv", "out_channels": 2, "kernel_size": 3, "dilation": 3}, "empty"),
        (MAP, {"op": "conv", "out_channels": 2, "kernel_size": 3, "groups": 3}, "groups 3 does not divide the 4 input"),
        (
            MAP,
            {"op": "conv", "out_channels": 6, "kernel_size": 3, "groups": 4},
            "groups 4 does not divide the 6 output",
        ),
        (MAP, {"op": "conv", "out_channels": 2, "kernel_size": [3, 3, 3]}, "kernel_size lists 3 values"),
        (MAP, {"op": "conv", "out_channels": 2, "kernel_size": 3, "padding": [1]}, "padding lists 1 values"),
        (MAP, {"op": "conv", "out_channels": 2, "kernel_size": 3, "in_channels": 3}, "in_channels is stated as 3"),
        ((2, 4), {"op": "conv", "out_channels": 2, "kernel_size": 3}, "rank 2"),
        (MAP, {"op": "conv", "out_channels": 2, "kernel_size": 3, "padding": 6, "padding_mode": "reflect"}, "reflect"),
        (
            MAP,
            {"op": "conv", "out_channels": 2, "kernel_size": 3, "padding": 7, "padding_mode": "circular"},
            "circular",
        ),
        (MAP, {"op": "conv_transpose", "out_channels": 2, "kernel_size": 3, "output_padding": 1}, "output_padding 1"),
        (MAP, {"op": "conv_transpose", "out_channels": 2, "kernel_size": 3, "padding": 4}, "empty"),
        (MAP, {"op": "conv_transpose", "out_channels": 2, "kernel_size": 3, "padding": 9}, "Negative padding"),
        (MAP, {"op": "conv_transpose", "out_channels": 3, "kernel_size": 3, "groups": 2}, "the 3 output channels"),
        (
            MAP,
            {"op": "conv_transpose", "out_channels": 2, "kernel_size": 3, "output_size": 9},
            "cannot give back 9 x 9",
        ),
        (MAP, {"op": "max_pool", "kernel_size": 3, "padding": 2}, "more than half"),
        (MAP, {"op": "avg_pool", "kernel_size": 7}, "empty"),
        (MAP, {"op": "max_unpool", "kernel_size": 2, "output_padding": 2}, "not this layer's input"),
        (MAP, {"op": "max_unpool", "kernel_size": 2, "output_size": 11}, "not this layer's input"),
        ((2, 4), {"op": "global_avg_pool"}, "rank 2"),
        ((2, 4, 6), {"op": "adaptive_avg_pool", "output_size": [2, 2]}, "output_size lists 2"),
        (MAP, {"op": "upsample", "scale_factor": 0.1}, "the size [0, 0]"),
        (MAP, {"op": "upsample", "scale_factor": [2]}, "scale_factor lists 1"),
        (MAP, {"op": "pixel_shuffle", "factor": 3}, "no multiple of 3^2"),
        (MAP, {"op": "pixel_unshuffle", "factor": 4}, "no multiple of factor 4"),
        (MAP, {"op": "pad", "padding": 6, "mode": "reflect"}, "reflect padding of 6"),
        (MAP, {"op": "crop", "cropping": 3}, "empty"),
        (MAP, {"op": "crop", "cropping": 4}, "limit"),
        (MAP, {"op": "fold", "kernel_size": 2, "output_size": 3}, "rank 3"),
        ((2, 15, 4), {"op": "fold", "kernel_size": 2, "output_size": 3}, "no multiple of the kernel's 4 taps"),
        ((2, 16, 5), {"op": "fold", "kernel_size": 2, "output_size": 3}, "makes [2, 16, 4]"),
        (MAP, {"op": "linear", "out_features": 2, "in_features": 4}, "in_features is stated as 4"),
        (MAP, {"op": "embedding", "num_embeddings": 2, "embedding_dim": 2}, ""),
        (MAP, {"op": "attention", "num_heads": 2}, "rank 4"),
        ((2, 5, 6), {"op": "attention", "num_heads": 4}, "num_heads 4 does not divide"),
        (MAP, {"op": "batch_norm", "num_features": 6}, "num_features is stated as 6"),
        ((6,), {"op": "batch_norm"}, "rank 1"),
        (MAP, {"op": "group_norm", "num_groups": 3}, "num_groups 3"),
        (MAP, {"op": "layer_norm", "axis": 4}, "axis 4 does not exist"),
        ((2, 4), {"op": "local_response_norm"}, "rank 2"),
        (MAP, {"op": "prelu", "num_parameters": 3}, "neither 1 nor"),
        (MAP, {"op": "softmax", "axis": 5}, "5"),
        (MAP, {"op": "flatten", "start_axis": 3, "end_axis": 1}, "behind"),
        (MAP, {"op": "flatten", "start_axis": 4}, "start_axis 4"),
        (MAP, {"op": "reshape", "shape": [5, -1]}, "reshape"),
        (MAP, {"op": "reshape", "shape": [2, 4, 6]}, "reshape"),
        (MAP, {"op": "permute", "axes": [0, 1, 2]}, "permut"),
        (MAP, {"op": "permute", "axes": [0, 1, 2, 2]}, "permut"),
        (MAP, {"op": "squeeze", "axis": 1}, "squeeze"),
        (MAP, {"op": "unsqueeze", "axis": 5}, "axis 5"),
        (MAP, {"op": "slice", "axis": 1, "start": 4}, "empty"),
        (MAP, {"op": "slice", "axis": 1, "start": 3, "stop": 3}, "empty"),
        (MAP, {"op": "slice", "axis": -5}, "axis -5"),
        (MAP, {"op": "chunk", "axis": 1, "chunks": 3, "index": 2}, "no chunk 2"),
        (MAP, {"op": "chunk", "axis": 1, "chunks": 2, "index": 2}, "index 2"),
        (MAP, {"op": "reduce", "kind": "sum", "axes": 4}, "axes 4"),
        (MAP, {"op": "reduce", "kind": "sum", "axes": [0, 1, 2, 3]}, "no axis at all"),
        (MAP, {"op": "reduce", "kind": "sum", "axes": [1, -3]}, "uplicate"),
        (MAP, {"op": "concat", "axis": 4}, "axis 4"),
    ],
)
def test_refused(shape: tuple[int, ...], keys: dict[str, Any], says: str) -> None:
    dtype = "float32" if keys["op"] == "embedding" else None
    found = run_levels(chain(shape, keys, {"op": "relu"}, dtype=dtype), "trace")
    assert set(found.refused) == {1}
    assert says in found.refused[1]
    assert "\n" not in found.refused[1]
    assert ".py" not in found.refused[1]
    assert found.not_checked == {2: "l1 was refused"}
    assert set(found.shapes) == {0}


@pytest.mark.parametrize("key", ["stride", "kernel_size", "dilation"])
@pytest.mark.parametrize("op", ["conv", "max_pool", "unfold", "conv_transpose"])
def test_zero_is_refused(op: str, key: str) -> None:
    made = chain((1, 2, 6), {"op": op, "kernel_size": 2, **({"out_channels": 2} if "conv" in op else {})})
    made.nodes[1].layer.__dict__[key] = 0
    assert "at least 1" in run_levels(made, "trace").refused[1]


@pytest.mark.parametrize(
    ("op", "other", "says"),
    [
        ("add", (2, 4, 6, 1), "inputs differ on axis 3: 6 and 1"),
        ("add", (2, 4, 6), "inputs differ in rank"),
        ("concat", (2, 4, 5, 6), "inputs differ on axis 2: 6 and 5"),
        ("concat", (2, 4, 6), "inputs differ in rank"),
        ("stack", (2, 3, 6, 6), "inputs differ on axis 1: 4 and 3"),
    ],
)
def test_unlike_inputs(op: str, other: tuple[int, ...], says: str) -> None:
    keys = {"op": op, "axis": 0} if op == "stack" else {"op": op}
    found = run_levels(network(("a", MAP, None), ("b", other, None), ("l", keys, "ab")), "trace")
    assert says in found.refused[2]


def test_broadcasting_stretches_axes_of_size_one_alone() -> None:
    keys = {"op": "add", "broadcast": True}
    found = run_levels(network(("a", (2, 1, 6), None), ("b", (1, 3, 6), None), ("l", keys, "ab")), "trace")
    assert found.shapes[2] == (2, 3, 6)
    found = run_levels(network(("a", (2, 2, 6), None), ("b", (1, 3, 6), None), ("l", keys, "ab")), "trace")
    assert "inputs differ on axis 1: 2 and 3" in found.refused[2]


def test_dtypes_are_never_mixed() -> None:
    rows = ("a", MAP, None), ("b", MAP, None), ("l", {"op": "add"}, "ab")
    found = run_levels(network(*rows, dtypes={"a": "bfloat16"}), "trace")
    assert found.refused[2] == "inputs differ in dtype: bfloat16 and float32"
    found = run_levels(chain(MAP, {"op": "conv", "out_channels": 1, "kernel_size": 1}, dtype="uint8"), "trace")
    assert "its input is uint8" in found.refused[1]
    found = run_levels(
        chain((2, 3), {"op": "embedding", "num_embeddings": 2, "embedding_dim": 2}, dtype="float32"), "trace"
    )
    assert "embedding reads integers" in found.refused[1]


@pytest.mark.parametrize("op", ["max_unpool", "conv_transpose"])
def test_references_to_the_wrong_kind_of_layer(op: str) -> None:
    key = {"max_unpool": "pool", "conv_transpose": "transpose_of"}[op]
    found = run_levels(network(("x", MAP, None), ("r", {"op": "relu"}, "x"), ("l", {"op": op, key: "r"}, "r")), "trace")
    assert "names r, which is not a" in found.refused[2]


def test_unpooling_another_map() -> None:
    pool = {"op": "max_pool", "kernel_size": 2}
    made = network(
        ("x", MAP, None),
        ("p", pool, "x"),
        ("q", {"op": "crop", "cropping": 1}, "p"),
        ("l", {"op": "max_unpool", "pool": "p"}, "q"),
    )
    assert run_levels(made, "trace").refused[3] == "p gave [2, 4, 3, 3], but this layer is given [2, 4, 1, 1]"


def test_transposing_what_another_layer_made() -> None:
    conv = {"op": "conv", "out_channels": 3, "kernel_size": 3, "stride": 2}
    made = network(
        ("x", MAP, None),
        ("c", conv, "x"),
        ("l", {"op": "conv_transpose", "transpose_of": "c", "out_channels": 2}, "x"),
        ("m", {"op": "conv_transpose", "transpose_of": "c", "kernel_size": 2}, "c"),
    )
    found = run_levels(made, "trace")
    assert "cannot give back 6 x 6" in found.refused[2]
    assert "kernel_size 2 differs from kernel_size 3 of c" in found.refused[3]


@pytest.mark.parametrize("op", ["conv", "conv_transpose"])
def test_a_group_for_each_of_unknown_channels_is_not_known_on_either_side(op: str) -> None:
    text = f"""shapecheck: 1
inputs: {{x: [1, C, 8, 8]}}
layers:
  - {{name: each, op: {op}, out_channels: 32, kernel_size: 3, groups: depthwise}}
"""
    made = shapecheck.loads(text)
    proof = shapecheck.verify(made, level="trace")
    assert (proof.result, proof.disagreements) == ("not_checked", ())
    assert [d.code for d in shapecheck.check(made).diagnostics] == ["SC220"]
    assert shapecheck.verify(shapecheck.loads(text, C=8), level="trace").result == "proved"
    assert shapecheck.verify(shapecheck.loads(text, C=5), level="trace").result == "refuted"


def test_a_depthwise_convolution_is_transposed_by_the_groups_of_its_input() -> None:
    conv = {"op": "conv", "out_channels": 8, "kernel_size": 3, "groups": "depthwise"}
    made = network(("x", MAP, None), ("c", conv, "x"), ("l", {"op": "conv_transpose", "transpose_of": "c"}, "c"))
    assert run_levels(made, "trace").shapes[2] == MAP


def test_crop_to_a_larger_map() -> None:
    made = network(("x", MAP, None), ("y", (2, 4, 7, 5), None), ("l", {"op": "crop", "like": "y"}, "x"))
    assert "cannot crop the traced 6 of axis 2 to 7" in run_levels(made, "trace").refused[2]


def test_an_input_with_an_empty_axis() -> None:
    found = run_levels(chain((1, 0, 3), {"op": "relu"}), "trace")
    assert "[1, 0, 3]" in found.refused[0]
    assert found.not_checked == {1: "x was refused"}


def test_errors_become_one_short_line() -> None:
    error = RuntimeError("bad\n  shape at /home/me/lib/jax/core.py:12 (bind)\nend " + "x" * 900)
    text = one_line(error)
    assert text.startswith("RuntimeError: bad shape at end xxx")
    assert len(text) < 450
    assert one_line(ValueError("as it is")) == "as it is"
    assert one_line(AssertionError()) == "AssertionError: no message"


def test_helper_reads_keys_as_the_language_does() -> None:
    assert layer("conv", out_channels=1, kernel_size=[1, 2]).kernel_size == (1, 2)


@pytest.mark.parametrize("word", ["same", "same_lower", "half"])
@pytest.mark.parametrize("s", [1, 2, 3])
def test_both_refuse_an_output_padding_alike(word: str, s: int) -> None:
    """Also under a dilation above the stride, where PyTorch admits more: but it has no ``same`` here."""
    for d, a in itertools.product((1, 3), range(4)):
        keys = {"out_channels": 2, "kernel_size": 3, "stride": s, "dilation": d, "padding": word, "output_padding": a}
        refused = False
        try:
            layer("conv_transpose", **keys).output(Context(((1, 2, 5),)))
        except Problem:
            refused = True
        built = run_levels(chain((1, 2, 5), {"op": "conv_transpose", **keys}), "trace")
        assert bool(built.refused) == refused == (a >= (s if word != "half" else max(s, d))), keys
