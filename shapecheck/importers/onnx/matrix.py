"""Products with a weight, and tables of vectors."""

from __future__ import annotations

import itertools

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import show
from shapecheck.importers.onnx.onnx_graph import Constant, OnnxNode, Refused, Variable
from shapecheck.importers.onnx.translation import Translation


def gemm(t: Translation, node: OnnxNode) -> None:
    """Translate Gemm with a weight: linear."""
    x = t.feature(node)
    if node.attributes.get("transA", 0):
        raise Refused("it transposes its input (transA)")
    weight = t.weight(node, 1)
    if len(weight) != 2 or len(x.shape) != 2:
        raise Refused(f"a weight of shape {list(weight)} and an input {show(x.shape)} are no two matrices")
    features, out = weight[::-1] if node.attributes.get("transB", 0) else weight
    bias = t.constant(node, 2)
    if bias is not None and (bias.elements != out or bias.shape[-1:] != (out,)):
        raise Refused(f"its third operand has the shape {list(bias.shape)}, which is no bias of {out} features")
    t.put(node, _linear(t, node, x, features, out, bias is not None))


def matmul(t: Translation, node: OnnxNode) -> None:
    """Translate MatMul with a weight on its right; the sum with a bias behind it is part of the layer."""
    if isinstance(t.values[node.inputs[0]], Constant):
        raise Refused("its left operand is the constant; the language multiplies by a weight on the right (linear)")
    if isinstance(t.values[node.inputs[1]], Variable):
        raise Refused("it multiplies two feature maps; the language has no layer for that but attention")
    x, weight = t.feature(node), t.weight(node, 1)
    if len(weight) < 2 or any(size != 1 for size in weight[:-2]) or len(weight) > len(x.shape):
        raise Refused(f"its weight has the shape {list(weight)}; linear has [in, out]")
    bias = _bias_behind(t, node, weight[-1])
    if bias is not None:
        t.done.add(bias[0])
    y = _linear(t, node, x, weight[-2], weight[-1], bias is not None)
    t.put(node if bias is None else bias[1], y)


def _linear(t: Translation, node: OnnxNode, x: Variable, features: int, out: int, bias: bool) -> Variable:
    if symbolic.same(x.shape[-1], features) is not True:
        raise Refused(f"its weight is for {features} features, but its input {show(x.shape)} has {x.shape[-1]}")
    return t.emit("linear", [x], {"out_features": out, "bias": None if bias else False}, node)


def _bias_behind(t: Translation, node: OnnxNode, out: int) -> tuple[int, OnnxNode] | None:
    found = t.only_reader(node.outputs[0])
    if found is None or found[1].op != "Add" or len(found[1].inputs) != 2:
        return None
    (other,) = [name for name in found[1].inputs if name != node.outputs[0]] or [""]
    value = t.values.get(other)
    return found if isinstance(value, Constant) and value.shape == (out,) else None


def gather(t: Translation, node: OnnxNode) -> None:
    """Translate Gather: an embedding, or elements of an axis that stand in a row."""
    axis = node.attributes.get("axis", 0)
    table = t.values[node.inputs[0]]
    if isinstance(table, Constant):
        if len(table.shape) != 2 or axis != 0:
            raise Refused(f"a table of shape {list(table.shape)} read along axis {axis} is no embedding")
        x = t.feature(node, 1)
        t.put(node, t.emit("embedding", [x], {"num_embeddings": table.shape[0], "embedding_dim": table.shape[1]}))
        return
    x = t.feature(node)
    at = t.constant(node, 1)
    indices = t.integers(node, 1) or ()
    if at is None or len(at.shape) > 1 or not indices or any(b - a != 1 for a, b in itertools.pairwise(indices)):
        raise Refused("it takes elements that do not stand in a row")
    stop = indices[-1] + 1
    y = t.emit("slice", [x], {"axis": axis, "start": indices[0], "stop": stop if stop != 0 else None})
    t.put(node, y if at.shape else t.emit("squeeze", [y], {"axis": axis}))


RULES = {"Gemm": gemm, "MatMul": matmul, "Gather": gather}
