"""The independent judge of a translation: the shapes that ``onnx.shape_inference`` finds in the original.

It is asked at sizes given as numbers, so that it knows as many shapes as it can, and is never told what the
translation found.
"""

from __future__ import annotations

from typing import Any

import onnx
import onnx.shape_inference

from shapecheck.importers.onnx.onnx_graph import Unusable


def infer(
    model: onnx.ModelProto, sizes: dict[str, tuple[int, ...]], live: set[str]
) -> dict[str, tuple[int | None, ...]]:
    """Return the shape that ONNX infers for every tensor, None for a size that it does not know.

    ``sizes`` are the shapes of the inputs by name, ``live`` the tensors whose nodes are asked about. Raises Unusable.
    """
    asked = onnx.ModelProto()
    asked.ir_version = max(model.ir_version, 4)
    asked.opset_import.extend(model.opset_import)
    graph = asked.graph
    graph.name = "asked"
    graph.node.extend(node for node in model.graph.node if live.intersection(node.output))
    for value in model.graph.input:
        tensor = graph.input.add()
        tensor.CopyFrom(value)
        if value.name in sizes:
            shape = tensor.type.tensor_type.shape
            del shape.dim[:]
            for size in sizes[value.name]:
                shape.dim.add().dim_value = size
    _give_constants(model, graph)
    for output in model.graph.output:
        graph.output.add().name = output.name
    shapes = _inferred(asked)
    known: dict[str, Any] = {}
    while any(None in shapes.get(name, (None,)) for name in live):
        # More shapes make more constants, and those more shapes, until nothing comes of it.
        from shapecheck.importers.onnx.evaluation import evaluated  # loads numpy and a reference for every operator

        constants = evaluated(asked, shapes, known)
        if not constants:
            break
        names = {constant.name for constant in constants}
        kept = [node for node in graph.node if node.output[0] not in names]
        del graph.node[:]
        graph.node.extend(kept)
        graph.initializer.extend(constants)
        shapes |= _inferred(asked)
    return shapes


def _inferred(asked: onnx.ModelProto) -> dict[str, tuple[int | None, ...]]:
    try:
        found = onnx.shape_inference.infer_shapes(asked, strict_mode=False, data_prop=True).graph
    except Exception as error:  # its own kinds of errors are made in C++, and are several
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Unusable(f"ONNX cannot infer the shapes of this graph: {reason}") from None
    shapes: dict[str, tuple[int | None, ...]] = {}
    for value in (*found.input, *found.value_info, *found.output):
        if value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            shapes[value.name] = tuple(d.dim_value if d.HasField("dim_value") else None for d in dims)
    return shapes


def _give_constants(model: onnx.ModelProto, graph: onnx.GraphProto) -> None:
    """Give what is small as it is, and of a weight its shape."""
    given = {value.name for value in graph.input}
    for tensor in model.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL and _has_data(tensor):
            graph.initializer.add().CopyFrom(tensor)
        elif tensor.name not in given:
            value = graph.input.add()
            value.name = tensor.name
            value.type.tensor_type.elem_type = tensor.data_type
            for size in tensor.dims:
                value.type.tensor_type.shape.dim.add().dim_value = size


def _has_data(tensor: onnx.TensorProto) -> bool:
    fields = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")
    return any(len(getattr(tensor, name)) for name in fields) or 0 in tensor.dims
