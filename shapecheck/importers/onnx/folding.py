"""Tensors that no input reaches but by its shape: what the nodes between them make, computed where they are small.

Exporters write a shape as a piece of graph: Shape, Gather, Concat. Its integers are folded here, a dimension without
a size staying a name. Of anything larger only the shape is found.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from shapecheck.arithmetic import symbolic
from shapecheck.arithmetic.shape import Shape
from shapecheck.importers.onnx.onnx_graph import MOST_VALUES, Constant, OnnxNode, Refused

_KEEP = {
    "Identity",
    "DequantizeLinear",
    "QuantizeLinear",
    "Neg",
    "Sqrt",
    "Exp",
    "Abs",
    "Floor",
    "Ceil",
    "Erf",
    "Reciprocal",
}
_JOIN: dict[str, Callable[[Any, Any], Any]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: _divided(a, b),
    "Mod": lambda a, b: a % b if _divided(a, b) is not None else None,
    "Pow": lambda a, b: None,
}
# Of TensorProto.DataType: the types of whole numbers that sizes are computed in.
_INTEGERS = (6, 7, 12, 13)


def shape_of(node: OnnxNode, shape: Shape) -> Constant:
    """Return the output of Shape or Size."""
    if node.op == "Size":
        return Constant((), (symbolic.product(shape),), computed=True)
    part = shape[slice(node.attributes.get("start", 0), node.attributes.get("end"))]
    return Constant((len(part),), tuple(part), computed=True)


def folds(op: str) -> bool:
    """Say whether an operator on constants is followed."""
    return op in _RULES or op in _KEEP or op in ("Shape", "Size")


def fold(node: OnnxNode, inputs: Sequence[Constant | None], opset: int) -> Constant:
    """Return the one output of a node that reads constants only. Raises Refused where even its shape is not found."""
    rule = _RULES.get(node.op)
    computed = any(i is not None and i.computed for i in inputs)
    if rule is not None:
        try:
            found = rule(node, [*inputs, None, None, None, None])
        except (IndexError, KeyError, ValueError, AttributeError, TypeError, ZeroDivisionError):
            raise Refused("its constant operands do not fit each other") from None
        return _small(found)._replace(computed=computed)
    if node.op in _KEEP and inputs and inputs[0] is not None:
        return Constant(inputs[0].shape, inputs[0].values if node.op == "Identity" else None, computed)
    raise Refused("it computes a constant in a way that is not followed")


def _small(constant: Constant) -> Constant:
    return constant if constant.elements <= MOST_VALUES else constant._replace(values=None)


def _divided(a: Any, b: Any) -> Any:
    # ONNX rounds towards zero; that is down where nothing is negative.
    if isinstance(b, int) and b > 0 and symbolic.at_least(a, 0):
        return a // b
    return None


def _whole(constant: Constant) -> bool:
    return constant.values is not None and all(
        isinstance(v, (int, symbolic.Symbolic)) and not isinstance(v, bool) for v in constant.values
    )


def _join(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    left, right = _given(inputs[0]), _given(inputs[1])
    rank = max(len(left.shape), len(right.shape))
    sizes = [(1,) * (rank - len(c.shape)) + c.shape for c in (left, right)]
    if any(a != b and 1 not in (a, b) for a, b in zip(*sizes, strict=True)):
        raise ValueError
    shape = tuple(b if a == 1 else a for a, b in zip(*sizes, strict=True))
    if not (_whole(left) and _whole(right)) or (1 not in (left.elements, right.elements) and left.shape != right.shape):
        return Constant(shape)
    count = math.prod(shape)
    a, b = ((c.values or ()) * (count if c.elements == 1 else 1) for c in (left, right))
    values = tuple(_JOIN[node.op](x, y) for x, y in zip(a, b, strict=True))
    return Constant(shape, None if any(v is None for v in values) else values)


def _given(constant: Constant | None) -> Constant:
    if constant is None:
        raise ValueError
    return constant


def _vector(constant: Constant | None) -> tuple[Any, ...]:
    values = _given(constant).values
    if values is None:
        raise ValueError
    return values


def _axes(node: OnnxNode, constant: Constant | None) -> list[int] | None:
    if constant is not None:
        return [int(v) for v in _vector(constant)]
    return node.attributes.get("axes")


def _constant(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    for key, value in node.attributes.items():
        if key == "value" and isinstance(value, Constant):
            return value
        if key in ("value_int", "value_float"):
            return Constant((), (value,))
        if key in ("value_ints", "value_floats"):
            return Constant((len(value),), tuple(value))
    raise ValueError


def _cast(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    source = _given(inputs[0])
    if node.attributes.get("to") in _INTEGERS and source.values is not None and not _whole(source):
        return Constant(source.shape, tuple(int(v) for v in source.values))
    # A size as a floating-point number stays the size; what is rounded later is not followed.
    return source


def _gather(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    data, at = _given(inputs[0]), _given(inputs[1])
    axis = node.attributes.get("axis", 0) % max(len(data.shape), 1)
    shape = data.shape[:axis] + at.shape + data.shape[axis + 1 :]
    if len(data.shape) != 1 or data.values is None or at.values is None:
        return Constant(shape)
    return Constant(shape, tuple(data.values[i] for i in at.values))


def _concat(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    parts = [part for part in inputs if part is not None]
    axis = node.attributes["axis"] % len(parts[0].shape)
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    if len(shape) > 1 or any(part.values is None for part in parts):
        return Constant(tuple(shape))
    return Constant(tuple(shape), tuple(itertools.chain.from_iterable(part.values or () for part in parts)))


def _unsqueeze(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    source = _given(inputs[0])
    axes = _axes(node, inputs[1]) or []
    rank = len(source.shape) + len(axes)
    at = {axis % rank for axis in axes}
    rest = iter(source.shape)
    return Constant(tuple(1 if axis in at else next(rest) for axis in range(rank)), source.values)


def _squeeze(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    source = _given(inputs[0])
    axes = _axes(node, inputs[1])
    gone = {axis % len(source.shape) for axis in axes} if axes else None
    shape = tuple(s for axis, s in enumerate(source.shape) if (s != 1 if gone is None else axis not in gone))
    return Constant(shape, source.values)


def _reshape(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    source = _given(inputs[0])
    target = [source.shape[axis] if size == 0 else size for axis, size in enumerate(_vector(inputs[1]))]
    known = math.prod(size for size in target if size != -1)
    shape = tuple(source.elements // known if size == -1 else size for size in target)
    if math.prod(shape) != source.elements:
        raise ValueError
    return Constant(shape, source.values)


def _transpose(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    source = _given(inputs[0])
    order = list(node.attributes.get("perm") or range(len(source.shape))[::-1])
    if sorted(order) != list(range(len(source.shape))):
        raise ValueError
    shape = tuple(source.shape[axis] for axis in order)
    if source.values is None:
        return Constant(shape)
    steps = [_steps(source.shape)[axis] for axis in order]
    return Constant(shape, _picked(source.values, [range(0, n * s, s) for n, s in zip(shape, steps, strict=True)]))


def _steps(shape: tuple[int, ...]) -> list[int]:
    """Return how far apart two neighbours on each axis stand in row-major order."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _picked(values: tuple[Any, ...], places: Sequence[Sequence[int]]) -> tuple[Any, ...]:
    """Return the values whose place is a sum of one number for each axis."""
    return tuple(values[sum(place)] for place in itertools.product(*places))


def _slice(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    source = _given(inputs[0])
    starts, ends = (
        _vector(inputs[at]) if inputs[at] is not None else tuple(node.attributes[key])
        for at, key in ((1, "starts"), (2, "ends"))
    )
    axes = _vector(inputs[3]) if inputs[3] is not None else node.attributes.get("axes") or range(len(starts))
    steps = _vector(inputs[4]) if inputs[4] is not None else (1,) * len(starts)
    kept = [range(size) for size in source.shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # From the last to the first ONNX has an end far below 0.
        kept[axis] = kept[axis][slice(start, None if step < 0 and end < -source.shape[axis] else end, step)]
    shape = tuple(map(len, kept))
    if source.values is None:
        return Constant(shape)
    places = [[at * step for at in row] for row, step in zip(kept, _steps(source.shape), strict=True)]
    return Constant(shape, _picked(source.values, places))


def _filled(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    shape = tuple(int(v) for v in _vector(inputs[0]))
    value = node.attributes.get("value")
    fill = value.values[0] if isinstance(value, Constant) and value.values else 0.0
    return Constant(shape, (fill,) * math.prod(shape) if 0 <= math.prod(shape) <= MOST_VALUES else None)


def _range(node: OnnxNode, inputs: list[Constant | None]) -> Constant:
    numbers = range(*(_vector(i)[0] for i in inputs[:3]))
    if len(numbers) > MOST_VALUES:
        return Constant((len(numbers),))
    return Constant((len(numbers),), tuple(numbers))


_RULES: dict[str, Callable[[OnnxNode, list[Constant | None]], Constant]] = {
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Gather": _gather,
    "Range": _range,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    **dict.fromkeys(_JOIN, _join),
}
