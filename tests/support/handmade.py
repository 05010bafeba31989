"""Networks made by hand, without the reader: the witness is tested on its own; and how to run them."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np

from shapecheck.findings.finding import Position, Span
from shapecheck.graph.network import Network, Node, NodeSource
from shapecheck.layers import REGISTRY, Layer
from shapecheck.layers.base import default_of
from shapecheck.verification.reference import build
from shapecheck.verification.reference.compile import QUICK

NOWHERE = NodeSource(Span(Position(1, 1), Position(1, 1)), {}, None)


def layer(op: str, **keys: Any) -> Layer:
    """Return a layer with its keys read as the language reads them."""
    declared = REGISTRY[op].keys_of(op)
    assert set(keys) <= set(declared), (op, set(keys) - set(declared))
    values = {name: key.kind.read(keys[name]) if name in keys else default_of(key) for name, key in declared.items()}
    return REGISTRY[op](op, values)


def network(*rows: tuple[str, Any, Any], channels_last: bool = False, dtypes: dict[str, str] | None = None) -> Network:
    """Return a network from rows: (name, shape, None) is an input, (name, op and keys, names that it reads) a layer.

    Op and keys are a dict with ``op``; a key that names a layer (``like`` and the like) becomes a reference.
    """
    nodes: list[Node] = []
    place: dict[str, int] = {}
    for index, (name, what, reads) in enumerate(rows):
        place[name] = index
        if reads is None:
            node = Node(index, name, None, NOWHERE)
            node.shape = tuple(what)
            node.dims = (None,) * len(node.shape)
            node.dtype = (dtypes or {}).get(name)
        else:
            keys = dict(what)
            made = layer(keys.pop("op"), **keys)
            node = Node(index, name, made, NOWHERE)
            node.inputs = tuple(place[other] for other in reads)
            node.references = {key: place[keys[key]] for key in made.references if key in keys}
        nodes.append(node)
    outputs = {nodes[-1].name: len(nodes) - 1}
    return Network("test", "test.net.yaml", nodes, list(range(len(nodes))), outputs, {}, {}, channels_last)


def chain(
    shape: tuple[int, ...], *layers: dict[str, Any], channels_last: bool = False, dtype: str | None = None
) -> Network:
    """Return an input ``x`` of ``shape`` and layers ``l1``, ``l2``, ... each of which reads the one before."""
    rows: list[tuple[str, Any, Any]] = [("x", shape, None)]
    for number, keys in enumerate(layers, 1):
        rows.append((f"l{number}", keys, (rows[-1][0],)))
    return network(*rows, channels_last=channels_last, dtypes={"x": dtype} if dtype else None)


Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(20)


def integers(*shape: int) -> Array:
    return RANDOM.integers(-4, 5, shape).astype(np.float32)


def distinct(*shape: int) -> Array:
    return RANDOM.permutation(math.prod(shape)).reshape(shape).astype(np.float32)


def run(made: Network, x: Array, **parameters: Array) -> Array:
    """Return the last layer's value; parameters of layer ``l1`` that are not given have their first value."""
    model = build(made)
    first = {"zeros": 0, "ones": 1, "slope": 0.25}
    values = {name: np.full(spec.shape, first.get(spec.initial, 0), spec.dtype) for name, spec in model.specs.items()}
    values |= {f"l1.{name}": value for name, value in parameters.items()}
    (result,) = jax.jit(model.apply, compiler_options=QUICK)(values, {"x": x}).values()
    return np.asarray(result)


def last(x: Array) -> Array:
    """Move the channels of an array to the end."""
    return np.moveaxis(x, 1, -1)
