"""One layer of a network as a JAX function, made from the graph and the layer's keys alone."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.experimental
import jax.numpy as jnp

from shapecheck.arithmetic.shape import show
from shapecheck.graph.network import Network, Node
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.builders import BUILDERS
from shapecheck.verification.reference.call import LOOKUPS, PLAIN, Call, Mode, ParameterSource, ReferencedLayer

# References whose builder needs the values that the named layer reads; of all others it needs the shapes.
_VALUES = ("pool",)


def input_dtype(network: Network, node: Node) -> Any:
    """Return the dtype of an input: where it is floating point, that of the network if it has one.

    An input of which the file gives no dtype and that is only looked up holds indices: int32.
    Raises BuildError on a word that is no dtype.
    """
    if node.dtype is None:
        readers = {other.op for other in network.layers if node.index in other.inputs}
        own = jnp.dtype("int32" if readers and readers <= LOOKUPS.keys() else "float32")
    else:
        try:
            own = jnp.dtype(node.dtype)
        except TypeError:
            raise BuildError(f"JAX knows no dtype {node.dtype}") from None
    return jnp.dtype(network.dtype) if network.dtype and jnp.issubdtype(own, jnp.floating) else own


def precision(network: Network) -> contextlib.AbstractContextManager[object]:
    """Return the context in which to trace: JAX makes 64-bit numbers 32-bit unless it is told otherwise."""
    wide = any(node.dtype in ("float64", "int64") for node in network.inputs) or network.dtype == "float64"
    if not wide:
        return contextlib.nullcontext()
    # JAX before 0.8 keeps this context elsewhere.
    home: Any = jax if hasattr(jax, "enable_x64") else jax.experimental
    found: contextlib.AbstractContextManager[object] = home.enable_x64(True)
    return found


def parameter_dtype(network: Network) -> Any:
    """Return the dtype of parameters that no input decides: that of the floating-point inputs where they agree."""
    if network.dtype is not None:
        return jnp.dtype(network.dtype)
    found = set()
    for node in network.inputs:
        try:
            dtype = input_dtype(network, node)
        except BuildError:
            continue
        if jnp.issubdtype(dtype, jnp.floating):
            found.add(dtype)
    return found.pop() if len(found) == 1 else jnp.dtype("float32")


def values_read(network: Network, node: Node) -> tuple[int, ...]:
    """Return the nodes whose values the builder of ``node`` reads, each once."""
    through = (i for key in _VALUES if key in node.references for i in network.nodes[node.references[key]].inputs)
    return tuple(dict.fromkeys((*node.inputs, *through)))


def run(
    network: Network,
    node: Node,
    values: Mapping[int, jax.Array],
    structs: Mapping[int, jax.ShapeDtypeStruct],
    parameters: ParameterSource,
    dtype: Any,
    mode: Mode = PLAIN,
) -> jax.Array:
    """Return what a layer makes of its inputs' ``values``; ``structs`` holds the traced shape of every earlier node.

    Raises BuildError, or an error of JAX, where the layer does not fit its input.
    """
    layer = node.layer
    assert layer is not None
    least, most = layer.arity
    if len(node.inputs) < least or (most is not None and len(node.inputs) > most):
        raise BuildError(f"{layer.op} does not take {len(node.inputs)} inputs")
    references = {}
    for key, index in node.references.items():
        there = network.nodes[index]
        inputs: list[Any] = [(values if key in _VALUES else structs)[i] for i in there.inputs]
        references[key] = ReferencedLayer(there.name, there.layer, tuple(inputs), structs[index])
    inputs_here = tuple(values[i] for i in node.inputs)
    with jax.named_scope(f"n{node.index}"):
        call = Call(layer, inputs_here, network.channels_last, dtype, parameters, references, mode)
        result = BUILDERS[layer.op](call)
    if not result.shape:
        raise BuildError("the output would have no axis at all")
    if min(result.shape) < 1:
        raise BuildError(f"the output would have the shape {show(result.shape)}, in which an axis is empty")
    return result
