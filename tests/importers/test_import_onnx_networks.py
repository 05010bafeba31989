"""Whole networks, and random chains, against what ONNX infers of the original."""

from __future__ import annotations

import itertools
from typing import Any

import onnx
import onnx.shape_inference
from amounts import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from onnx_models import imported, keys, model, node, output
from paths import ROOT
from texts import check_text

import shapecheck
from shapecheck.importers.onnx.onnx_graph import Unusable
from shapecheck.importers.onnx.wire import without_weights

OPSETS = [opset for opset in (18, 21, 22) if opset <= onnx.defs.onnx_opset_version()]


def inferred(built: onnx.ModelProto) -> tuple[int, ...]:
    found = onnx.shape_inference.infer_shapes(built, strict_mode=True)
    return tuple(dim.dim_value for dim in found.graph.output[0].type.tensor_type.shape.dim)


def test_resnet_50_is_that_of_the_examples() -> None:
    import resnet50_onnx

    found = imported(resnet50_onnx.build())
    assert (found.layers, found.agree, found.unknown, found.notes) == (175, 175, (), ())
    mine = check_text(found.text, "imported.net.yaml")
    theirs = check_text((ROOT / "examples" / "resnet50.net.yaml").read_text(encoding="utf-8"), "resnet50.net.yaml")
    assert mine.ok and mine.network is not None and theirs.network is not None
    assert [n.op for n in mine.network.layers] == [n.op for n in theirs.network.layers]
    from shapecheck.output.tables import as_json

    assert mine.shapes is not None and theirs.shapes is not None
    assert as_json(mine.shapes)["totals"]["parameters"] == as_json(theirs.shapes)["totals"]["parameters"] == 25_557_032


def unet(height: Any, width: Any) -> onnx.ModelProto:
    """Two levels, the second resized to the size of the first by what Shape says, as exporters write it."""
    nodes = [
        node("Conv", "image w1 b1", "c1", pads=[1, 1, 1, 1], name="/down.0/conv/Conv"),
        node("Relu", "c1", "r1", name="/down.0/act/Relu"),
        node("MaxPool", "r1", "p1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "p1 w2 b2", "c2", pads=[1, 1, 1, 1]),
        node("Sigmoid", "c2", "g2"),
        node("Mul", "c2 g2", "r2"),
        node("Shape", "r1", "size"),
        node("Slice", "size two four", "space"),
        node("Shape", "r2", "small"),
        node("Slice", "small zero two", "front"),
        node("Concat", "front space", "target", axis=0),
        node("Resize", "r2 - - target", "up"),
        node("Concat", "up r1", "joined", axis=1),
        node("Conv", "joined w3", "mask"),
    ]
    weights = {"w1": [8, 3, 3, 3], "b1": [8], "w2": [16, 8, 3, 3], "b2": [16], "w3": [2, 24, 1, 1]}
    values = {"zero": [0], "two": [2], "four": [4]}
    return model(nodes, {"image": ["N", 3, height, width]}, weights, values, outputs="mask")


def test_a_unet_of_any_size() -> None:
    found = imported(unet("H", "W"))
    assert output(found, N=2, H=37, W=50) == (2, 2, 37, 50)
    assert "image: [N, 3, H, W]" in found.text
    assert "name: down_0_conv, op: conv, out_channels: 8, kernel_size: 3, padding: 1}" in found.text
    assert not found.unknown
    assert keys(found)[4:6] == ["op: silu", "op: upsample, size: [H, W]"]
    assert shapecheck.sizes(shapecheck.loads(found.text))["H"].condition == "H >= 2"


def test_a_size_that_is_fixed_is_a_number() -> None:
    found = imported(unet("H", None), H=40, W=48)
    assert "image: [N, 3, 40, 48]" in found.text
    assert keys(found)[5] == "op: upsample, size: [40, 48]"
    assert output(found, N=1) == (1, 2, 40, 48)


def test_a_number_for_the_batch_does_not_hold_at_others() -> None:
    # The exporter saw a batch of 1: the file says so, and only there the two are compared.
    nodes = [node("Flatten", "x", "f"), node("Reshape", "f s", "r"), node("Reshape", "r back")]
    found = imported(model(nodes, {"x": ["N", 3, 4]}, {}, {"s": [1, 3, 4], "back": [1, 12]}))
    assert {sizes["N"] for sizes in found.sizes} == {1}


def test_weights_are_not_read() -> None:
    built = model([node("Conv", "x w")], {"x": [1, 64, 8, 8]}, {"w": [512, 64, 3, 3]})
    tensor = built.graph.initializer[0]
    full = built.SerializeToString()
    kept = without_weights(memoryview(full))
    assert len(kept) < 400 < 1_000_000 < len(full)
    assert onnx.ModelProto.FromString(kept).graph.initializer[0].dims == tensor.dims
    # Data in a field of numbers, and data in a file that is not there.
    tensor.ClearField("raw_data")
    tensor.float_data.extend([0.0] * 30_000)
    assert len(without_weights(memoryview(built.SerializeToString()))) < 400
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="missing.bin")
    assert output(imported(built)) == (1, 512, 6, 6)


def test_names_are_identifiers_and_differ() -> None:
    tensors = ["input.1", "12", "a b", "a-b", "null", "é\n: {"]
    nodes = [onnx.helper.make_node("Relu", [one], [other]) for one, other in itertools.pairwise(tensors)]
    built = model(nodes, {"input.1": ["batch size", "batch_size", "index", "no", None]}, outputs="null", opset=13)
    built.graph.output.add().name = "é\n: {"
    found = imported(built)
    report = check_text(found.text, "net.net.yaml")
    assert report.network is not None and not report.errors
    assert [n.name for n in report.network.layers] == ["relu_12", "a_b", "a_b_2", "null_2", "relu"]
    assert list(report.network.dims) == ["batch_size", "batch_size_2", "index_2", "no", "W"]


def test_an_input_that_is_an_output_gets_a_layer() -> None:
    built = model([node("Identity", "x")], {"x": [1, 4]})
    assert keys(imported(built)) == ["op: identity"]


def pairs(low: int, high: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=2, max_size=2)


@st.composite
def layer(draw: st.DrawFn) -> tuple[str, dict[str, Any], list[int]]:
    op = draw(st.sampled_from(["Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"]))
    kernel = draw(pairs(1, 4))
    attributes: dict[str, Any] = {"strides": draw(pairs(1, 3))}
    word = draw(st.sampled_from(["NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    if word == "NOTSET":
        attributes["pads"] = [
            min(p, k // 2) for p, k in zip(draw(pairs(0, 2)) + draw(pairs(0, 2)), kernel * 2, strict=True)
        ]
    else:
        attributes["auto_pad"] = word
    if op in ("Conv", "ConvTranspose", "MaxPool"):
        attributes["dilations"] = draw(pairs(1, 2))
    if op == "ConvTranspose":
        attributes["output_padding"] = [
            min(a, s - 1) for a, s in zip(draw(pairs(0, 2)), attributes["strides"], strict=True)
        ]
    if op in ("Conv", "ConvTranspose"):
        attributes["group"] = draw(st.sampled_from([1, 2]))
    elif draw(st.booleans()) and word == "NOTSET":
        attributes["ceil_mode"] = 1
    return op, attributes, kernel


@examples(120, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(layer(), min_size=1, max_size=4), pairs(5, 40), st.sampled_from(OPSETS), st.booleans())
def test_random_chains_have_the_shapes_that_onnx_infers(
    chain: list[tuple[str, dict[str, Any], list[int]]], size: list[int], opset: int, named: bool
) -> None:
    nodes, weights, above = [], {}, "x"
    for at, (op, attributes, kernel) in enumerate(chain):
        name = "y" if at == len(chain) - 1 else f"t{at}"
        if op in ("Conv", "ConvTranspose"):
            weights[f"w{at}"] = [4, 4 // attributes["group"], *kernel]
            nodes.append(node(op, f"{above} w{at}", name, **attributes))
        else:
            nodes.append(node(op, above, name, kernel_shape=kernel, **attributes))
        above = name
    fixed = model(nodes, {"x": [2, 4, *size]}, weights, opset=opset)
    built = model(nodes, {"x": ["N", 4, "H", "W"]}, weights, opset=opset) if named else fixed
    try:
        found = imported(built)
    except Unusable as error:
        # Each is a limit of the language, or a network that does not work; never that the two disagree.
        text = " ".join(error.reasons)
        assert "ONNX infers" not in text
        assert any(
            known in text
            for known in (
                "does not fit",
                "drop it",
                "has size",
                "must be smaller",
                "would be -",
                "no sizes",
                "half of",
                "two meanings",
            )
        ), text
        return
    if named:
        report = check_text(found.text, "net.net.yaml", {"N": 2, "H": size[0], "W": size[1]})
        if report.errors:
            return  # the size drawn is too small
        assert output(found, N=2, H=size[0], W=size[1]) == inferred(fixed)
    else:
        assert output(found) == inferred(fixed)
