"""Random numbers to run a network on, drawn on the host: JAX would compile a module for every shape."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from shapecheck.graph.network import Network, Node
from shapecheck.verification.reference.call import LOOKUPS, ParameterSpec
from shapecheck.verification.reference.layer_function import values_read

Array = np.ndarray[Any, Any]


def generator(seed: int) -> np.random.Generator:
    """Return a source of random numbers: the fastest of NumPy's, for there may be a hundred million to draw."""
    return np.random.Generator(np.random.SFC64(seed))


_FIRST = {"zeros": 0.0, "ones": 1.0, "slope": 0.25}
# How far parameters lie from the first values that are all alike: a gradient that is zero only at those is no fault.
_SPREAD = 0.1
# Integers that nothing looks up.
_LARGEST = 10


def normal(shape: tuple[int, ...], dtype: Any, draw: np.random.Generator) -> Array:
    """Return numbers of mean 0 and variance 1."""
    return _normal(shape, dtype, draw).astype(dtype, copy=False)


def _normal(shape: tuple[int, ...], dtype: Any, draw: np.random.Generator) -> Array:
    kind: Any = np.float64 if jnp.dtype(dtype) == np.float64 else np.float32
    return draw.standard_normal(shape, dtype=kind)


def parameter(spec: ParameterSpec, gain: float, draw: np.random.Generator) -> Array:
    """Return a parameter near its first values: kernels of variance gain / fan_in, all others 0, 1 or a slope."""
    # In place: the parameters of a large network take a gigabyte.
    numbers = _normal(spec.shape, spec.dtype, draw)
    numbers *= math.sqrt(gain / spec.fan_in) if spec.initial == "normal" else _SPREAD
    numbers += _FIRST.get(spec.initial, 0.0)
    return numbers.astype(spec.dtype, copy=False)


def value(network: Network, node: Node, struct: jax.ShapeDtypeStruct, draw: np.random.Generator) -> Array:
    """Return an input: real numbers, or integers that every embedding that reads them has a row for."""
    if jnp.issubdtype(struct.dtype, jnp.inexact):
        return normal(tuple(struct.shape), struct.dtype, draw)
    if struct.dtype == jnp.bool_:
        return np.asarray(draw.integers(0, 2, struct.shape).astype(bool))
    largest = min(_rows(network, node), int(np.iinfo(struct.dtype).max))
    return np.asarray(draw.integers(0, largest, struct.shape).astype(struct.dtype))


def _rows(network: Network, node: Node) -> int:
    """Return how many rows the smallest embedding has that an input reaches, through layers that only move it."""
    reached = {node.index}
    rows = []
    for index in network.order:
        reader = network.nodes[index]
        if reader.layer is None or not reached.intersection(values_read(network, reader)):
            continue
        if reader.op in LOOKUPS:
            rows.append(LOOKUPS[reader.op](reader.layer))
        else:
            reached.add(index)
    return min(rows, default=_LARGEST)
