"""Operators of ONNX that keep a shape: activations, normalisations, and arithmetic on maps and constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape, show
from shapecheck.importers.onnx import fusing
from shapecheck.importers.onnx.onnx_graph import Constant, OnnxNode, Refused, Variable
from shapecheck.importers.onnx.translation import Translation

_PLAIN = {
    "Relu": "relu",
    "Selu": "selu",
    "Gelu": "gelu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "HardSwish": "hardswish",
    "Mish": "mish",
    "Softplus": "softplus",
}
_ARITHMETIC = {
    "Add": "add",
    "Sum": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "Max": "maximum",
    "Mean": "average",
    "Div": None,
    "Min": None,
    "Pow": None,
}
# What PyTorch and the language mean by hardsigmoid: ONNX lets a file say.
_HARD = (1 / 6, 0.5)


def plain(t: Translation, node: OnnxNode) -> None:
    """Translate an activation without keys."""
    if node.op == "Softplus" and fusing.mish(t, node):
        return
    t.put(node, t.emit(_PLAIN[node.op], [t.feature(node)]))


def leaky_relu(t: Translation, node: OnnxNode) -> None:
    """Translate LeakyRelu."""
    slope = short(node.attributes.get("alpha", 0.01))
    t.put(node, t.emit("leaky_relu", [t.feature(node)], {"negative_slope": None if slope == 0.01 else slope}))


def elu(t: Translation, node: OnnxNode) -> None:
    """Translate Elu."""
    alpha = short(node.attributes.get("alpha", 1.0))
    t.put(node, t.emit("elu", [t.feature(node)], {"alpha": None if alpha == 1 else alpha}))


def prelu(t: Translation, node: OnnxNode) -> None:
    """Translate PRelu with a slope for all, or one for each channel."""
    x = t.feature(node)
    slope = t.weight(node, 1)
    if math.prod(slope) == 1:
        t.put(node, t.emit("prelu", [x]))
        return
    channels = x.shape[1] if len(x.shape) > 1 else 1
    stretched = (1,) * (len(x.shape) - len(slope)) + slope
    if len(stretched) < 2 or math.prod(slope) != stretched[1] or symbolic.same(channels, stretched[1]) is not True:
        raise Refused(f"its slopes of shape {list(slope)} are not one for each of the {channels} channels")
    t.put(node, t.emit("prelu", [x], {"num_parameters": stretched[1]}))


def hard_sigmoid(t: Translation, node: OnnxNode) -> None:
    """Translate HardSigmoid, and its product with what it reads."""
    x = t.feature(node)
    usual = math.isclose(node.attributes.get("alpha", 0.2), _HARD[0], rel_tol=1e-5) and math.isclose(
        node.attributes.get("beta", 0.5), _HARD[1], rel_tol=1e-5
    )
    if usual and _gate(t, node, x, "hardswish"):
        return
    if not usual:
        t.note("HardSigmoid of another slope than hardsigmoid's")
    t.put(node, t.emit("hardsigmoid", [x]))


def sigmoid(t: Translation, node: OnnxNode) -> None:
    """Translate Sigmoid, and its product with what it reads: silu."""
    x = t.feature(node)
    if not _gate(t, node, x, "silu"):
        t.put(node, t.emit("sigmoid", [x]))


def _gate(t: Translation, node: OnnxNode, x: Variable, op: str) -> bool:
    """Translate x times the output of ``node`` as one activation, where only that product reads it."""
    found = t.only_reader(node.outputs[0])
    if found is None or found[1].op != "Mul" or sorted(found[1].inputs) != sorted((node.inputs[0], node.outputs[0])):
        return False
    t.done.add(found[0])
    t.put(found[1], t.emit(op, [x], node=found[1]))
    return True


def swish(t: Translation, node: OnnxNode) -> None:
    """Translate Swish."""
    if node.attributes.get("alpha", 1.0) != 1:
        t.note(f"Swish with alpha {short(node.attributes['alpha'])}")
    t.put(node, t.emit("silu", [t.feature(node)]))


def softmax(t: Translation, node: OnnxNode) -> None:
    """Translate Softmax and LogSoftmax."""
    x = t.feature(node)
    old = t.graph.opset < 13
    axis = node.attributes.get("axis", 1 if old else -1)
    if old and axis % max(len(x.shape), 1) != len(x.shape) - 1:
        t.note(f"opset {t.graph.opset} sums over all axes from {axis} on")
    op = "softmax" if node.op == "Softmax" else "log_softmax"
    t.put(node, t.emit(op, [x], {"axis": None if len(x.shape) > 1 and axis == 1 else axis}))


def clip(t: Translation, node: OnnxNode) -> None:
    """Translate Clip where it is a rectifier: from 0 up, or from 0 to 6."""
    low, high = ((t.floats(node, at) or (node.attributes.get(name),))[0] for at, name in ((1, "min"), (2, "max")))
    unbounded = high is None or high > 3e38
    if low != 0 or not (unbounded or high == 6):
        raise Refused(f"it clips to {low} … {high}; the language has 0 … 6 (relu6) and from 0 on (relu)")
    t.put(node, t.emit("relu" if unbounded else "relu6", [t.feature(node)]))


def batch_norm(t: Translation, node: OnnxNode) -> None:
    """Translate BatchNormalization."""
    if any(node.outputs[1:]) or node.attributes.get("training_mode", 0):
        raise Refused("it is exported for training; export the network for inference")
    x = t.feature(node)
    for at in range(1, 5):
        _one_each(t, node, at, x)
    t.put(node, t.emit("batch_norm", [x]))


def instance_norm(t: Translation, node: OnnxNode) -> None:
    """Translate InstanceNormalization, which always has a scale and a shift."""
    x = t.feature(node)
    for at in (1, 2):
        _one_each(t, node, at, x)
    t.put(node, t.emit("instance_norm", [x], {"affine": True}))


def group_norm(t: Translation, node: OnnxNode) -> None:
    """Translate GroupNormalization."""
    x = t.feature(node)
    groups = node.attributes.get("num_groups")
    if t.graph.opset < 21:
        t.note(f"opset {t.graph.opset} learns a scale and a shift for each group, not for each channel")
    else:
        for at in (1, 2):
            _one_each(t, node, at, x)
    t.put(node, t.emit("group_norm", [x], {"num_groups": groups}))


def layer_norm(t: Translation, node: OnnxNode) -> None:
    """Translate LayerNormalization of the last axis."""
    if any(node.outputs[1:]):
        raise Refused("its mean or deviation is read, which layer_norm does not give")
    x = t.feature(node)
    axis = node.attributes.get("axis", -1)
    if axis % max(len(x.shape), 1) != len(x.shape) - 1:
        raise Refused(f"it normalises all axes from {axis} on of {show(x.shape)}; layer_norm takes one axis")
    scale = t.weight(node, 1)
    if math.prod(scale) != 1 and symbolic.same(math.prod(scale), x.shape[-1]) is not True:
        raise Refused(f"its scale has the shape {list(scale)}, but the axis has size {x.shape[-1]}")
    t.put(node, t.emit("layer_norm", [x]))


def local_response_norm(t: Translation, node: OnnxNode) -> None:
    """Translate LRN."""
    size = node.attributes.get("size")
    t.put(node, t.emit("local_response_norm", [t.feature(node)], {"size": None if size == 5 else size}))


def _one_each(t: Translation, node: OnnxNode, at: int, x: Variable) -> None:
    shape = t.weight(node, at)
    channels = x.shape[1] if len(x.shape) > 1 else 1
    if len(shape) != 1 or symbolic.same(channels, shape[0]) is not True:
        raise Refused(f"operand {at + 1} has the shape {list(shape)}, but its input {show(x.shape)}")


def dropout(t: Translation, node: OnnxNode) -> None:
    """Translate Dropout."""
    if len(node.outputs) > 1 and node.outputs[1] and t.readers.get(node.outputs[1]):
        raise Refused("its mask is read, which dropout does not give")
    ratio = t.floats(node, 1)
    p = short(ratio[0] if ratio else node.attributes.get("ratio", 0.5))
    t.put(node, t.emit("dropout", [t.feature(node)], {"p": None if p == 0.5 else p}))


def same(t: Translation, node: OnnxNode) -> None:
    """Let Identity and its like be what they read."""
    t.put(node, t.feature(node))


def cast(t: Translation, node: OnnxNode) -> None:
    """Translate Cast: the language has one element type throughout."""
    t.note("Cast to another element type")
    t.put(node, t.emit("identity", [t.feature(node)]))


def quantize(t: Translation, node: OnnxNode) -> None:
    """Translate QuantizeLinear and DequantizeLinear: only the element type changes."""
    t.note(node.op)
    t.put(node, t.emit("identity", [t.feature(node)]))


def arithmetic(t: Translation, node: OnnxNode) -> None:
    """Translate arithmetic on feature maps; a constant operand changes no shape."""
    operands = [t.values[name] for name in node.inputs if name]
    maps = [value for value in operands if isinstance(value, Variable)]
    constants = [value for value in operands if isinstance(value, Constant)]
    if len(operands) == 1:
        t.put(node, maps[0])
        return
    if node.op in ("Div", "Mul") and fusing.gelu(t, node):
        return
    if len(maps) == 1:
        _with_constants(t, node, maps[0], constants)
        return
    op = _ARITHMETIC[node.op]
    if op is None:
        raise Refused("the language has no layer that does this to two feature maps")
    rank = max(len(value.shape) for value in operands if value is not None)
    if any(len(value.shape) > rank or math.prod(value.shape) != 1 for value in constants):
        raise Refused("it joins several feature maps and a constant that is no single number")
    aligned = [_of_rank(t, value, rank) for value in maps]
    if constants:
        t.note(f"{node.op} of a constant besides")
    t.put(node, t.emit(op, aligned, {"broadcast": True if stretches([m.shape for m in aligned]) else None}))


def _with_constants(t: Translation, node: OnnxNode, x: Variable, constants: list[Constant]) -> None:
    for value in constants:
        tail = x.shape[len(x.shape) - len(value.shape) :]
        if len(value.shape) > len(x.shape) or any(
            size != 1 and symbolic.same(size, mine) is not True for size, mine in zip(value.shape, tail, strict=True)
        ):
            raise Refused(
                f"a constant of shape {list(value.shape)} stretches its operand {show(x.shape)}, or does not fit it"
            )
    kind = "a number" if all(value.elements == 1 for value in constants) else "a constant"
    t.note(f"{node.op} with {kind}")
    t.put(node, t.emit("identity", [x]))


def _of_rank(t: Translation, value: Variable, rank: int) -> Variable:
    for _ in range(rank - len(value.shape)):
        value = t.emit("unsqueeze", [value], {"axis": 0})
    return value


def stretches(shapes: Sequence[Shape]) -> bool:
    """Say whether an axis of size 1 stands for another size."""
    return any(1 in sizes and any(size != 1 for size in sizes) for sizes in zip(*shapes, strict=True))


def short(number: float) -> float:
    """Return the shortest decimal that is the same 32-bit number: the one that was meant."""
    for digits in range(1, 9):
        guess = float(f"{number:.{digits}g}")
        if math.isclose(guess, number, rel_tol=2**-25):
            return int(guess) if guess.is_integer() and abs(guess) < 1e6 else guess
    return number


RULES: dict[str, Any] = {
    **dict.fromkeys(_PLAIN, plain),
    "Sigmoid": sigmoid,
    "LeakyRelu": leaky_relu,
    "Elu": elu,
    "PRelu": prelu,
    "HardSigmoid": hard_sigmoid,
    "Swish": swish,
    "Softmax": softmax,
    "LogSoftmax": softmax,
    "Clip": clip,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "LRN": local_response_norm,
    "Dropout": dropout,
    "Identity": same,
    "Cast": cast,
    "QuantizeLinear": quantize,
    "DequantizeLinear": quantize,
    **dict.fromkeys(_ARITHMETIC, arithmetic),
}
