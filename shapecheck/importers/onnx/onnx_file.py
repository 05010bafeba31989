"""An ONNX file to plain records: untrusted bytes in, a graph whose structure is sound out.

The data of weights are neither decoded nor, where they lie in files of their own, looked for.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from shapecheck.findings.limits import Limits
from shapecheck.importers.onnx.onnx_graph import MOST_VALUES, Axis, Constant, Graph, Input, OnnxNode, Unusable
from shapecheck.importers.onnx.wire import without_weights

# What protocol buffers can hold at most.
LARGEST_FILE = 2**31
_DTYPES = {
    "FLOAT": "float32",
    "FLOAT16": "float16",
    "BFLOAT16": "bfloat16",
    "DOUBLE": "float64",
    "INT32": "int32",
    "INT64": "int64",
    "INT8": "int8",
    "UINT8": "uint8",
    "BOOL": "bool",
}
_OWN_DOMAINS = ("", "ai.onnx")
# The attributes that a translation asks for, with the kinds of value that ONNX has for them in one opset or another.
_ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        ("allowzero", "axis", "blocksize", "ceil_mode", "count_include_pad", "end", "group", "keepdims", "num_groups",
         "noop_with_empty_axes", "size", "start", "to", "training_mode", "transA", "transB", "value_int"),
        (int,),
    ),
    **dict.fromkeys(
        ("axes", "dilations", "ends", "kernel_shape", "output_padding", "output_shape", "paddings", "pads", "perm",
         "shape", "split", "starts", "strides", "value_ints"),
        ([int],),
    ),
    **dict.fromkeys(("alpha", "beta", "max", "min", "ratio", "value_float"), (float,)),
    **dict.fromkeys(("auto_pad", "coordinate_transformation_mode", "keep_aspect_ratio_policy", "mode"), (str,)),
    "p": (int, float),
    "scales": ([float],),
    "value": (Constant, float),
    "value_floats": ([float],),
}  # fmt: skip


def load(path: str, limits: Limits) -> onnx.ModelProto:
    """Return the model in a file, less the data of its weights. Raises Unusable."""
    return _decoded(_without_weights(path), limits)


def _without_weights(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > LARGEST_FILE:
                raise Unusable("the file has more than 2 GiB, which no ONNX file can have; weights may lie beside it")
            if size == 0:
                raise Unusable("the file is empty")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
                return without_weights(view)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unusable(f"the file cannot be read: {reason.lower()}") from None


def _decoded(data: bytes, limits: Limits) -> onnx.ModelProto:
    if len(data) > limits.file_bytes:
        raise Unusable(f"without its weights the file has more bytes than the limit of {limits.file_bytes:,}")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RecursionError):
        raise Unusable("the file is no ONNX model, or only a part of one: it cannot be decoded") from None
    if not model.graph.node:
        raise Unusable("the file is no ONNX model: it holds no graph")
    return model


def graph_of(model: onnx.ModelProto, limits: Limits) -> Graph:
    """Return the graph of a model. Raises Unusable where it is not sound."""
    graph = model.graph
    if len(graph.node) > limits.layers:
        raise Unusable(f"the graph has {len(graph.node):,} nodes, more than the limit of {limits.layers:,}")
    constants = {_text(tensor.name): _constant(tensor) for tensor in graph.initializer}
    for sparse in graph.sparse_initializer:
        constants[_text(sparse.values.name)] = Constant(_shape(sparse.dims, sparse.values.name))
    inputs = tuple(_input(value) for value in graph.input if value.name not in constants)
    nodes = tuple(_node(node) for node in graph.node)
    opset = _opset(model)
    outputs = tuple(_text(value.name) for value in graph.output)
    problems = [*_not_of_opset(graph.node, nodes, opset), *_structure(inputs, constants, nodes, outputs)]
    if problems:
        raise Unusable(*problems)
    declared = {_text(value.name): _axes(value.type.tensor_type) for value in (*graph.value_info, *graph.output)}
    return Graph(
        _text(graph.name),
        opset,
        inputs,
        constants,
        nodes,
        outputs,
        {name: axes for name, axes in declared.items() if axes is not None},
    )


def _opset(model: onnx.ModelProto) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in _OWN_DOMAINS]
    newest = onnx.defs.onnx_opset_version()
    version = max(versions, default=1)
    if not 1 <= version <= newest:
        raise Unusable(f"the file is of opset {version}; the installed onnx {onnx.__version__} knows 1 to {newest}")
    return version


def _not_of_opset(messages: Iterable[onnx.NodeProto], nodes: Iterable[OnnxNode], opset: int) -> Iterator[str]:
    """Yield which nodes do not have the operands and attributes that their operator has in this opset."""
    context = type(onnx.checker.DEFAULT_CONTEXT)()
    context.ir_version = onnx.IR_VERSION
    context.opset_imports = {"": opset}
    for message, node in zip(messages, nodes, strict=True):
        # A constant may have lost its data, and an operator of another domain is refused where it matters.
        if message.domain in _OWN_DOMAINS and message.op_type != "Constant":
            try:
                onnx.checker.check_node(message, context)
            except onnx.checker.ValidationError as error:
                reason = str(error).splitlines()[0]
                if "is deprecated" not in reason:  # it still means what it meant
                    yield f"{node.title}: {reason[:200]}"


def _structure(
    inputs: Iterable[Input], constants: dict[str, Constant], nodes: Iterable[OnnxNode], outputs: Iterable[str]
) -> list[str]:
    """Return what is wrong with who makes and who reads what."""
    problems = []
    made = {value.name for value in inputs} | set(constants)
    later = {name for node in nodes for name in node.outputs}
    for node in nodes:
        for name in dict.fromkeys(node.inputs):
            if name and name not in made:
                where = "it is made only further down, or in a circle" if name in later else "nothing makes it"
                problems.append(f"{node.title} reads {name!r}, and {where}")
        for name in filter(None, node.outputs):
            if name in made:
                problems.append(f"{node.title} makes {name!r}, which there is already")
            made.add(name)
    problems += [f"the output {name!r} is made by no node" for name in outputs if name not in made]
    if not outputs:
        problems.append("the graph has no output")
    return problems


def _input(value: onnx.ValueInfoProto) -> Input:
    axes = _axes(value.type.tensor_type) if value.type.HasField("tensor_type") else None
    if axes is None:
        raise Unusable(f"the input {value.name!r} is a {value.type.WhichOneof('value') or 'value'} without a shape")
    for size in axes:
        if isinstance(size, int) and size < 1:
            raise Unusable(f"the input {value.name!r} has an axis of size {size}")
    kind = _type_name(value.type.tensor_type.elem_type)
    return Input(_text(value.name), axes, _DTYPES.get(kind), kind)


def _type_name(number: int) -> str:
    try:
        return str(onnx.TensorProto.DataType.Name(number))
    except ValueError:
        return f"type {number}"


def _axes(tensor: onnx.TypeProto.Tensor) -> tuple[Axis, ...] | None:
    if not tensor.HasField("shape"):
        return None
    return tuple(_axis(dim) for dim in tensor.shape.dim)


def _axis(dim: onnx.TensorShapeProto.Dimension) -> Axis:
    return int(dim.dim_value) if dim.HasField("dim_value") else _text(dim.dim_param) or None


def _node(node: onnx.NodeProto) -> OnnxNode:
    op = _text(node.op_type) if node.domain in _OWN_DOMAINS else f"{_text(node.domain)}.{_text(node.op_type)}"
    plain = OnnxNode(op, _text(node.name), tuple(map(_text, node.input)), tuple(map(_text, node.output)), {})
    for attribute in node.attribute:
        name, value = _text(attribute.name), _attribute(attribute)
        kinds = _ATTRIBUTES.get(name, ())
        if kinds and not any(_is(value, kind) for kind in kinds):
            raise Unusable(f"{plain.title}: its attribute {name} has a value of another kind than ONNX has for it")
        plain.attributes[name] = value
    return plain


def _text(value: str | bytes) -> str:
    """Return a text of the file's own. Raises Unusable for bytes, which is what text that is not UTF-8 comes as."""
    if isinstance(value, bytes):
        raise Unusable(f"the file is damaged: the name {value[:40]!r} is not UTF-8")
    return value


def _is(value: Any, kind: Any) -> bool:
    if isinstance(value, list):
        return bool(isinstance(kind, list)) and all(type(item) is kind[0] for item in value)
    return not isinstance(kind, list) and type(value) is kind


def _attribute(attribute: onnx.AttributeProto) -> Any:
    """Return an attribute's value; of a graph, or another kind that no translated operator has, None."""
    kinds = onnx.AttributeProto
    if attribute.type == kinds.TENSOR:
        return _constant(attribute.t)
    if attribute.type == kinds.STRING:
        return attribute.s.decode("utf-8", "replace")
    plain = {kinds.INT: "i", kinds.FLOAT: "f"}
    if attribute.type in plain:
        return getattr(attribute, plain[attribute.type])
    lists = {kinds.INTS: "ints", kinds.FLOATS: "floats"}
    return list(getattr(attribute, lists[attribute.type])) if attribute.type in lists else None


def _shape(dims: Iterable[int], name: str) -> tuple[int, ...]:
    shape = tuple(dims)
    if any(size < 0 for size in shape):
        raise Unusable(f"the constant {name!r} has the shape {list(shape)}")
    return shape


def _constant(tensor: onnx.TensorProto) -> Constant:
    constant = Constant(_shape(tensor.dims, tensor.name))
    if constant.elements > MOST_VALUES or tensor.data_location == onnx.TensorProto.EXTERNAL:
        return constant
    if tensor.data_type in (onnx.TensorProto.UNDEFINED, onnx.TensorProto.STRING):
        return constant
    try:
        array = numpy_helper.to_array(tensor)
        return constant._replace(values=tuple(array.reshape(-1).tolist()))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unusable(f"the constant {tensor.name!r} of shape {list(constant.shape)} is damaged: {reason}") from None
