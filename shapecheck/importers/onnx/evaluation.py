"""Pieces of graph that compute with shapes, run by ONNX's own reference evaluator once the shapes are known.

ONNX's inference follows such pieces only where they are simple; what it does not follow is computed here, by nothing
of shapecheck's own, and given to it as a constant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from shapecheck.importers.onnx.onnx_graph import MOST_VALUES

# Operators whose outputs are no larger than their operands, all of them together.
_SMALL = {
    "Add", "Cast", "Ceil", "Concat", "Constant", "Div", "Floor", "Gather", "Identity", "Mod", "Mul", "Reshape", "Size",
    "Slice", "Squeeze", "Sub", "Transpose", "Unsqueeze",
}  # fmt: skip


def evaluated(
    model: onnx.ModelProto, shapes: Mapping[str, tuple[int | None, ...]], known: dict[str, Any]
) -> list[onnx.TensorProto]:
    """Return as constants what can be computed of a graph's tensors, and add it to ``known``.

    ``shapes`` are those of tensors; ``known`` holds the arrays that were computed before.
    """
    found = []
    for tensor in model.graph.initializer:
        if tensor.name not in known and 0 <= math.prod(tensor.dims) <= MOST_VALUES:
            known[tensor.name] = numpy_helper.to_array(tensor)
    for node in model.graph.node:
        if node.output[0] in known:
            continue
        array = _evaluated(node, model.opset_import, shapes, known)
        if array is not None:
            known[node.output[0]] = array
            found.append(numpy_helper.from_array(array, node.output[0]))
    return found


def _evaluated(
    node: onnx.NodeProto, opset: Sequence[Any], shapes: Mapping[str, tuple[int | None, ...]], known: Mapping[str, Any]
) -> Any:
    if node.op_type == "Shape":
        return _shape(node, shapes)
    if node.op_type == "ConstantOfShape" and node.input[0] in known:
        if not 0 <= math.prod(int(size) for size in known[node.input[0]]) <= MOST_VALUES:
            return None
    elif node.op_type not in _SMALL:
        return None
    names = [name for name in node.input if name]
    if len(node.output) != 1 or any(name not in known for name in names):
        return None
    inputs = [onnx.helper.make_tensor_value_info(name, 1, None) for name in dict.fromkeys(names)]
    outputs = [onnx.helper.make_tensor_value_info(node.output[0], 1, None)]
    graph = onnx.helper.make_graph([node], "piece", inputs, outputs)
    try:
        run = ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=list(opset)))
        made: Any = run.run(None, {name: known[name] for name in names})
        (array,) = made
    except Exception:  # whatever stops it, the piece stays unknown, and so what depends on it
        return None
    return array if array.size <= MOST_VALUES else None


def _shape(node: onnx.NodeProto, shapes: Mapping[str, tuple[int | None, ...]]) -> Any:
    shape = [size for size in shapes.get(node.input[0], (None,)) if size is not None]
    if len(shape) < len(shapes.get(node.input[0], (None,))):
        return None
    ends = {attribute.name: attribute.i for attribute in node.attribute}
    part = shape[slice(ends.get("start", 0), ends.get("end"))]
    return numpy_helper.to_array(onnx.helper.make_tensor("", onnx.TensorProto.INT64, [len(part)], part))
