"""Activations that exporters write in pieces: gelu by the error function, and mish."""

from __future__ import annotations

import math

from shapecheck.importers.onnx.onnx_graph import Constant, OnnxNode, Variable
from shapecheck.importers.onnx.translation import Translation


def gelu(t: Translation, node: OnnxNode) -> bool:
    """Translate x / √2, Erf, + 1, · x, · ½ as one gelu, where ``node`` begins it; say whether it does."""
    x = t.values[node.inputs[0]]
    factor = math.sqrt(2) if node.op == "Div" else math.sqrt(0.5)
    if not isinstance(x, Variable) or not _number(t, node, factor, at=1):
        return False
    source, found, places = node.inputs[0], node, []
    for op, number in (("Erf", None), ("Add", 1.0), ("Mul", None), ("Mul", 0.5)):
        step = t.only_reader(found.outputs[0])
        if step is None or step[1].op != op:
            return False
        before, found = found, step[1]
        places.append(step[0])
        if number is not None and not _number(t, found, number):
            return False
        if (op, number) == ("Mul", None) and sorted(found.inputs) != sorted((before.outputs[0], source)):
            return False
    t.done.update(places)
    t.put(found, t.emit("gelu", [x], node=found))
    return True


def mish(t: Translation, node: OnnxNode) -> bool:
    """Translate Softplus, Tanh, · x as one mish, where ``node`` begins it; say whether it does."""
    tanh = t.only_reader(node.outputs[0])
    product = t.only_reader(tanh[1].outputs[0]) if tanh is not None and tanh[1].op == "Tanh" else None
    if tanh is None or product is None or product[1].op != "Mul":
        return False
    if sorted(product[1].inputs) != sorted((tanh[1].outputs[0], node.inputs[0])):
        return False
    t.done.update((tanh[0], product[0]))
    t.put(product[1], t.emit("mish", [t.feature(node)], node=product[1]))
    return True


def _number(t: Translation, node: OnnxNode, number: float, at: int | None = None) -> bool:
    """Say whether one operand of a node, or that at one place, is a certain constant."""
    for place, name in enumerate(node.inputs):
        value = t.values.get(name)
        if at in (None, place) and isinstance(value, Constant) and value.elements == 1 and value.values:
            found = value.values[0]
            return isinstance(found, (int, float)) and math.isclose(found, number, rel_tol=1e-3)
    return False
