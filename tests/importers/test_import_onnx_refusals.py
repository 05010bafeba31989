"""What cannot be imported is refused with every reason at once: nodes, graphs, files."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx_models import imported, model, node
from running import here

from shapecheck.importers.onnx import inference
from shapecheck.importers.onnx.onnx_graph import Unusable

IMAGE = {"x": [2, 4, 13, 16]}


def reasons(built: onnx.ModelProto | bytes, **sizes: int) -> tuple[str, ...]:
    with pytest.raises(Unusable) as caught:
        imported(built, **sizes)
    return caught.value.reasons


# (nodes, inputs, weights, values, what is said)
NODES: list[tuple[Any, ...]] = [
    (
        [node("Einsum", "x", equation="abcd->ab")],
        IMAGE,
        {},
        {},
        "Einsum y: the language has no layer for this operator",
    ),
    ([node("Div", "x z")], {**IMAGE, "z": [2, 4, 13, 16]}, {}, {}, "no layer that does this to two feature maps"),
    ([node("MatMul", "x z")], {"x": [2, 3, 4], "z": [2, 4, 5]}, {}, {}, "multiplies two feature maps"),
    ([node("MatMul", "w x")], {"x": [4, 5]}, {"w": [3, 4]}, {}, "its left operand is the constant"),
    (
        [node("MatMul", "x w")],
        {"x": [4, 5]},
        {"w": [6, 3]},
        {},
        "its weight is for 6 features, but its input [4, 5] has 5",
    ),
    ([node("Gemm", "x w", transA=1)], {"x": [4, 5]}, {"w": [4, 3]}, {}, "it transposes its input"),
    ([node("Conv", "x w")], IMAGE, {"w": [8, 3, 3, 3]}, {}, "is for 3 channels, but its input has 4"),
    (
        [node("Conv", "x w", kernel_shape=[5, 5])],
        IMAGE,
        {"w": [8, 4, 3, 3]},
        {},
        "kernel_shape [5, 5] is not that of its weight",
    ),
    ([node("Conv", "x w")], IMAGE, {"w": [8, 4, 30, 3]}, {}, "kernel_size 30 does not fit into 13 on H"),
    ([node("Conv", "x w", pads=[-1, 0, 0, 0])], IMAGE, {"w": [8, 4, 3, 3]}, {}, "at least 0, found -1"),
    ([node("Conv", "x z")], {**IMAGE, "z": ["a", 4, 3, 3]}, {}, {}, "'z' is computed from the network's input"),
    (
        [node("ConvTranspose", "x w", output_shape=[90, 9])],
        IMAGE,
        {"w": [4, 3, 3, 3]},
        {},
        "its padding would be -75 in all",
    ),
    (
        [node("ConvTranspose", "x w", strides=[2, 2], auto_pad="SAME_UPPER", output_padding=[1, 1])],
        IMAGE,
        {"w": [4, 3, 3, 3]},
        {},
        "auto_pad SAME_UPPER with output_padding [1, 1] has two meanings",
    ),
    (
        [node("AveragePool", "x", kernel_shape=[2, 2], dilations=[2, 2])],
        IMAGE,
        {},
        {},
        "dilated by [2, 2], and avg_pool cannot be",
    ),
    (
        [node("MaxPool", "x", kernel_shape=[1, 1], strides=[3, 3], ceil_mode=1)],
        {"x": [2, 4, 14, 16]},
        {},
        {},
        "keeps a last window that starts in the padding",
    ),
    ([node("LayerNormalization", "x w", axis=2)], IMAGE, {"w": [13, 16]}, {}, "normalises all axes from 2 on"),
    (
        [node("BatchNormalization", "x w w w w")],
        IMAGE,
        {"w": [5]},
        {},
        "operand 2 has the shape [5], but its input [2, 4, 13, 16]",
    ),
    ([node("Clip", "x a b")], IMAGE, {}, {"a": -1.0, "b": 1.0}, "it clips to -1.0 … 1.0"),
    ([node("Add", "x c")], {"x": [2, 1]}, {"c": [2, 5]}, {}, "a constant of shape [2, 5] stretches its operand [2, 1]"),
    ([node("Add", "x z")], {"x": [2, 3], "z": [2, 4]}, {}, {}, "inputs differ on channels (axis 1): 3 and 4"),
    ([node("PRelu", "x w")], IMAGE, {"w": [16]}, {}, "its slopes of shape [16] are not one for each of the 4 channels"),
    ([node("Reshape", "x s")], IMAGE, {}, {"s": [5, -1]}, "5 does not divide it"),
    ([node("Reshape", "x z")], {**IMAGE, "z": [2]}, {}, {}, "'z' is computed from the network's input"),
    ([node("Pad", "x p")], IMAGE, {}, {"p": [0, 1, 0, 0, 0, 0, 0, 0]}, "it pads the batch or the channels"),
    ([node("Slice", "x a b a s")], IMAGE, {}, {"a": [3], "b": [0], "s": [-1]}, "its step -1 runs backwards"),
    ([node("Slice", "x a b c")], IMAGE, {}, {"a": [3], "b": [3], "c": [2]}, "nothing of axis 2 (size 13) is left"),
    ([node("Split", "x s", "y z", axis=1)], IMAGE, {}, {"s": [1, 1]}, "it splits 4 into [1, 1] for 2 outputs"),
    ([node("Squeeze", "x a")], IMAGE, {}, {"a": [1]}, "only an axis of size 1 can go"),
    ([node("Gather", "x i", axis=1)], IMAGE, {}, {"i": [0, 2]}, "do not stand in a row"),
    ([node("Expand", "x s")], {"x": [2, 1]}, {}, {"s": [2, 5]}, "it stretches [2, 1] to [2, 5]"),
    ([node("Resize", "x - s")], IMAGE, {}, {"s": [1.0, 2.0, 1.0, 1.0]}, "it resizes axis 1"),
    ([node("Resize", "x - s")], {"x": [1, 1, "H", 4]}, {}, {"s": [1.0, 1.0, 1.4, 1.0]}, "no short ratio"),
    ([node("SpaceToDepth", "x", blocksize=2)], IMAGE, {}, {}, "its blocksize 2 does not divide the size 13"),
    ([node("Flatten", "x", axis=7)], IMAGE, {}, {}, "axis 7 does not exist"),
    ([node("Transpose", "x", perm=[0, 0, 1, 2])], IMAGE, {}, {}, "no order of the 4 axes"),
    (
        [node("MaxUnpool", "x i", kernel_shape=[2, 2])],
        {**IMAGE, "i": [2, 4, 13, 16]},
        {},
        {},
        "are not those of a MaxPool",
    ),
    ([node("Shape", "x")], IMAGE, {}, {}, "the output 'y' does not depend on the values of any input"),
    ([node("Erf", "z", "e"), node("Erf", "x")], IMAGE, {}, {"z": 1.0}, "Erf y: the language has no layer"),
]


@pytest.mark.parametrize("case", NODES, ids=[f"{at}-{case[0][0].op_type}" for at, case in enumerate(NODES)])
def test_a_node(case: tuple[Any, ...]) -> None:
    nodes, inputs, weights, values, said = case
    (reason,) = reasons(model(nodes, inputs, weights, values))
    assert said in reason
    assert re.match(rf"({'|'.join(n.op_type for n in nodes)}) |the output", reason), "it names the node"


def test_every_reason_is_told_at_once_and_what_follows_from_one_is_not() -> None:
    nodes = [
        node("Einsum", "x", "a", equation="abcd->abcd"),
        node("Relu", "a", "b"),
        node("Einsum", "b", "c", equation="abcd->abcd"),
        node("Clip", "x low", "d"),
        node("Add", "c d"),
        node("Einsum", "x", "nobody_reads_this", equation="abcd->ab"),
    ]
    found = reasons(model(nodes, IMAGE, {}, {"low": 1.0}))
    assert [reason.partition(":")[0] for reason in found] == ["Einsum a", "Einsum c", "Clip d"]


STRUCTURE: list[tuple[list[onnx.NodeProto], str]] = [
    ([node("Relu", "y")], "Relu y reads 'y', and it is made only further down, or in a circle"),
    ([node("Relu", "b", "a"), node("Relu", "a", "b"), node("Add", "a x")], "Relu a reads 'b', and it is made only"),
    ([node("Relu", "missing")], "Relu y reads 'missing', and nothing makes it"),
    ([node("Relu", "x"), node("Tanh", "x")], "Tanh y makes 'y', which there is already"),
    ([node("Relu", "x", "x")], "Relu x makes 'x', which there is already"),
    ([node("Relu", "x", "z")], "the output 'y' is made by no node"),
]


@pytest.mark.parametrize(("nodes", "said"), STRUCTURE)
def test_a_graph_that_is_not_sound(nodes: list[onnx.NodeProto], said: str) -> None:
    assert reasons(model(nodes, IMAGE))[0].startswith(said)


def test_an_operator_of_another_domain_is_none_of_onnx() -> None:
    strange = node("Relu", "x")
    strange.domain = "com.example"
    assert reasons(model([strange], IMAGE)) == ("com.example.Relu y: the language has no layer for this operator",)


def test_inputs_that_have_no_shape_or_an_absurd_one() -> None:
    built = model([node("Relu", "x")], {"x": [2, 0]})
    assert reasons(built) == ("the input 'x' has an axis of size 0",)
    built = model([node("Relu", "x")], {"x": []})
    assert reasons(built) == ("the input 'x' is a single number, which has no axis",)
    built.graph.input[0].type.tensor_type.ClearField("shape")
    assert "without a shape" in reasons(built)[0]
    built = model([node("Relu", "x")], {"x": [1, 4]}, dtype=onnx.TensorProto.COMPLEX64)
    assert reasons(built) == ("the input 'x' has elements of type COMPLEX64",)
    huge = model([node("Flatten", "x", "f"), node("Flatten", "f")], {"x": [2**62] * 9})
    assert "no array is so large" in reasons(huge)[0]


def test_constants_that_are_damaged_or_absurd() -> None:
    built = model([node("Reshape", "x s")], IMAGE, {}, {"s": [0, -1]})
    built.graph.initializer[0].ClearField("int64_data")
    assert "the constant 's' of shape [2] is damaged" in reasons(built)[0]
    built.graph.initializer[0].dims[0] = -5
    assert reasons(built) == ("the constant 's' has the shape [-5]",)
    built.graph.initializer[0].dims[0] = 2**62
    assert "Reshape y" in reasons(built)[0]


def test_a_newer_opset_than_the_installed_onnx_knows() -> None:
    built = model([node("Relu", "x")], IMAGE)
    built.opset_import[0].version = 999
    assert "the file is of opset 999; the installed onnx" in reasons(built)[0]


def test_bytes_that_are_no_model() -> None:
    built = model([node("Conv", "x w")], IMAGE, {"w": [256, 4, 9, 9]}).SerializeToString()
    assert reasons(b"") == ("the file is empty",)
    assert "cannot be decoded" in reasons(b"no model at all")[0]
    assert "cannot be decoded" in reasons(built[: len(built) // 2])[0]
    assert "holds no graph" in reasons(onnx.ModelProto(ir_version=8).SerializeToString())[0]


def test_damaged_bytes_give_a_reason_or_a_network_and_nothing_else() -> None:
    nodes = [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
        node("MaxPool", "c", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Shape", "p", "s"),
        node("Reshape", "p s", "r"),
        node("Resize", "r - k", "u"),
        node("Slice", "u b e a"),
    ]
    values = {"k": [1.0, 1.0, 2.0, 2.0], "b": [1], "e": [5], "a": [2]}
    built = model(nodes, {"x": ["N", 4, "H", 16]}, {"w": [4, 4, 3, 3]}, values).SerializeToString()
    pick = random.Random(1)
    refused = 0
    for _ in range(150):
        damaged = bytearray(built)
        for _ in range(pick.randint(1, 3)):
            damaged[pick.randrange(len(damaged))] = pick.randrange(256)
        try:
            imported(bytes(damaged))
        except Unusable:
            refused += 1
    assert refused > 50


def test_a_shape_that_onnx_does_not_agree_with_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # The judge is made to find another size, for the translation knows of no disagreement.
    monkeypatch.setattr(inference, "infer", lambda *_: {"y": (2, 4, 13, 17)})
    (reason,) = reasons(model([node("Relu", "x")], IMAGE))
    assert reason == "y: shapecheck finds [2, 4, 13, 16], but ONNX infers [2, 4, 13, 17] for 'y'"


def test_where_onnx_knows_no_shape_what_the_file_declares_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "infer", lambda *_: {})
    built = model([node("Relu", "x", "a"), node("Relu", "a")], IMAGE)
    assert imported(built).unknown == ("a", "y")
    built.graph.value_info.append(onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, [2, 4, 13, 16]))
    assert imported(built).unknown == ("y",)
    built.graph.value_info[0].type.tensor_type.shape.dim[3].dim_value = 99
    (reason,) = reasons(built)
    assert reason == "a: shapecheck finds [2, 4, 13, 16], but the file declares [2, 4, 13, 99] for 'a'"


def test_a_network_that_fits_at_no_size_is_refused() -> None:
    nodes = [node("Slice", "x b e a", "s"), node("Add", "x s")]
    built = model(nodes, {"x": ["N", 3, "H"]}, {}, {"b": [1], "e": [2**62], "a": [2]})
    found = reasons(built)
    assert "inputs differ" in " ".join(found)


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Einsum", "x", equation="abcd->ab")], IMAGE).SerializeToString())
    wanted = tmp_path / "net.net.yaml"
    found = here("import", str(path), "-o", str(wanted))
    assert (found.code, found.out, wanted.exists()) == (1, "", False)
    assert found.err.splitlines() == [
        f"{path}: Einsum y: the language has no layer for this operator",
        f"{path}: nothing is written, for 1 reason",
    ]
    path.write_bytes(model([node("Relu", "x")], {"x": ["batch", 4, "height"]}).SerializeToString())
    found = here("import", str(path), "--set", "height=9")
    assert (found.code, "x: [batch, 4, 9]" in found.out) == (0, True)
    assert "1 layer, each of the shape that ONNX infers (at batch = 2; batch = 3)" in found.err
    found = here("import", str(path), "--set", "hight=9")
    assert (found.code, "did you mean height?" in found.err) == (2, True)
    assert here("import", str(path), "--set", "height=0").code == 2
    assert here("import", str(tmp_path / "net.h5")).code == 2
    assert here("import", str(tmp_path / "none.onnx")).code == 1
    assert here("import", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "no" / "folder")).code == 2
