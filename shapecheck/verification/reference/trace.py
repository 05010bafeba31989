"""JAX's own shape rules, layer by layer: the level ``trace``."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from shapecheck.arithmetic.shape import show
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.graph.network import Network, Node
from shapecheck.layers.base import Broken
from shapecheck.verification.reference.build_errors import TOO_FEW_BITS, BuildError, OutOfReach, one_line
from shapecheck.verification.reference.builders import BUILDERS
from shapecheck.verification.reference.call import ParameterSpec, abstract
from shapecheck.verification.reference.layer_function import input_dtype, parameter_dtype, precision, run, values_read


class Trace(NamedTuple):
    """What JAX makes of every node: its shape and its parameters, why it is refused, or why nobody looked."""

    structs: dict[int, jax.ShapeDtypeStruct]
    specs: dict[int, dict[str, ParameterSpec]]
    refused: dict[int, str]
    not_checked: dict[int, str]


def trace(network: Network) -> Trace:
    """Trace every layer on abstract values; no array is ever allocated. One refused layer stops only what reads it."""
    with precision(network):
        return _trace(network)


def _trace(network: Network) -> Trace:
    found = Trace({}, {}, {}, {})
    dtype = parameter_dtype(network)
    # Layers of one kind on one shape are traced once: most networks are made of a few kinds.
    known: dict[Any, tuple[jax.ShapeDtypeStruct, dict[str, ParameterSpec]]] = {}
    for index in network.order:
        node = network.nodes[index]
        reason = _obstacle(network, node, found)
        if reason is not None:
            found.not_checked[index] = reason
            continue
        try:
            if node.layer is None:
                found.structs[index] = _input(network, node)
            else:
                alike = kind(node, found.structs)
                made = known.get(alike) or _layer(network, node, found.structs, dtype)
                found.structs[index], found.specs[index] = made
                if not node.references:
                    known[alike] = made
        except OutOfReach as error:
            found.not_checked[index] = str(error)
        except OverflowError:
            found.not_checked[index] = TOO_FEW_BITS
        except Exception as error:  # whatever JAX raises is what it has to say of this layer
            found.refused[index] = one_line(error)
    for node in network.nodes:
        if not any(node.index in held for held in (found.structs, found.refused, found.not_checked)):
            found.not_checked[node.index] = "it reads itself, by way of other layers"
    return found


def _obstacle(network: Network, node: Node, found: Trace) -> str | None:
    """Return why a node cannot be traced at all, or None."""
    if isinstance(node.layer, Broken) or (node.layer is None and node.shape is None):
        return "it could not be read"
    if _unknown(node):
        return f"its op {node.op} has no build in JAX"
    names = _open_dimensions(node)
    if names:
        return f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'} no size"
    for index in (*node.inputs, *node.references.values()):
        name = network.nodes[index].name
        if index in found.refused:
            return f"{name} was refused"
        if index in found.not_checked:
            why = found.not_checked[index]
            return f"{name}: {why}" if _unknown(network.nodes[index]) else why
        if index not in found.structs:
            return f"{name} comes after it"
    return None


def _unknown(node: Node) -> bool:
    """Return whether a layer could be read, and is of an op that nobody knows how to build."""
    return node.layer is not None and node.op not in BUILDERS and not isinstance(node.layer, Broken)


def _open_dimensions(node: Node) -> list[str]:
    """Return the names of dimensions without a size that stand in a node's shape or keys."""
    if node.layer is None:
        values: list[Any] = list(node.shape or ())
    else:
        values = [getattr(node.layer, name) for name in node.layer.keys_of(node.op)]
    names: set[str] = set()
    while values:
        value = values.pop()
        if isinstance(value, tuple):
            values.extend(value)
        elif isinstance(value, Symbolic):
            names.update(value.names())
    return sorted(names)


def _input(network: Network, node: Node) -> jax.ShapeDtypeStruct:
    shape = tuple(size for size in node.shape or () if isinstance(size, int))
    if not shape or min(shape) < 1:
        raise BuildError(f"the input has the shape {show(shape)}, in which an axis is empty")
    return abstract(shape, input_dtype(network, node))


def kind(node: Node, structs: dict[int, jax.ShapeDtypeStruct]) -> Any:
    """Return what two layers have in common that are traced alike, if they refer to no other layer."""
    assert node.layer is not None
    keys = tuple(getattr(node.layer, name) for name in node.layer.keys_of(node.op))
    return node.op, keys, tuple(structs[i] for i in node.inputs)


def _layer(
    network: Network,
    node: Node,
    structs: dict[int, jax.ShapeDtypeStruct],
    dtype: Any,
) -> tuple[jax.ShapeDtypeStruct, dict[str, ParameterSpec]]:
    read = values_read(network, node)
    specs: dict[str, ParameterSpec] = {}

    def record(name: str, spec: ParameterSpec) -> jax.Array:
        specs[name] = spec
        # Inside a trace this is one abstract operation, whatever its size.
        return jnp.zeros(spec.shape, spec.dtype)

    def forward(*values: jax.Array) -> jax.Array:
        return run(network, node, dict(zip(read, values, strict=True)), structs, record, dtype)

    return jax.eval_shape(forward, *(structs[i] for i in read)), specs
