"""ONNX models from few words, and what importing them gives."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from texts import check_text

from shapecheck.importers.onnx.model import Imported, import_onnx

OPSET = 20
Dims = Sequence[int | str | None]


def node(op: str, reads: str, makes: str = "y", **attributes: Any) -> onnx.NodeProto:
    """``node("Add", "a b", "c")``; an operand that is left out is ``-``."""
    operands = ["" if name == "-" else name for name in reads.split()]
    return helper.make_node(op, operands, makes.split(), **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Dims],
    weights: Mapping[str, Sequence[int]] = {},
    values: Mapping[str, Any] = {},
    outputs: str = "y",
    opset: int = OPSET,
    dtype: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model; ``weights`` are constants by their shapes, ``values`` vectors (or a number) of integers or floats."""
    initializers = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, bytes(4 * _count(shape)), raw=True)
        for name, shape in weights.items()
    ]
    for name, value in values.items():
        listed = value if isinstance(value, list) else [value]
        kind = TensorProto.INT64 if all(isinstance(v, int) for v in listed) else TensorProto.FLOAT
        initializers.append(helper.make_tensor(name, kind, [len(listed)] if isinstance(value, list) else [], listed))
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.split()],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def imported(built: onnx.ModelProto | bytes, **sizes: int) -> Imported:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(built if isinstance(built, bytes) else built.SerializeToString())
        return import_onnx(str(path), sizes)


def layers(found: Imported) -> list[str]:
    """The lines of the layers, less the names."""
    lines = found.text.partition("layers:\n")[2].partition("\n\noutputs")[0].splitlines()
    return [line.removeprefix("  - {").replace("}  #", " #").removesuffix("}") for line in lines]


def keys(found: Imported) -> list[str]:
    """What each layer says behind its name."""
    return [line.partition(", ")[2] for line in layers(found)]


def output(found: Imported, **sizes: int) -> tuple[Any, ...]:
    """The shape of the only output, as check finds it."""
    report = check_text(found.text, "net.net.yaml", sizes)
    assert report.shapes is not None and report.network is not None
    assert not report.errors, report.errors
    (index,) = report.network.outputs.values()
    shape = report.shapes.outputs[index]
    assert shape is not None
    return shape
