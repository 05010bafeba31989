"""A network as a JAX function, made from the graph and the layers' keys alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from shapecheck.shape import show
from shapecheck.spec.network import Network, Node
from shapecheck.xla.builders import BUILDERS
from shapecheck.xla.call import Call, ParameterSource, ParameterSpec, Reference
from shapecheck.xla.errors import WitnessError, one_line

# References whose builder needs the values that the named layer reads; of all others it needs the shapes.
_VALUES = ("pool",)
_SLOPE = 0.25


def input_dtype(network: Network, node: Node) -> Any:
    """Return the dtype of an input.

    An input of which the file gives no dtype and which only embeddings read holds indices: int32.
    Raises WitnessError on a word that is no dtype.
    """
    if node.dtype is None:
        readers = {other.op for other in network.layers if node.index in other.inputs}
        return jnp.dtype("int32" if readers == {"embedding"} else "float32")
    try:
        return jnp.dtype(node.dtype)
    except TypeError:
        raise WitnessError(f"JAX knows no dtype {node.dtype}") from None


def precision(network: Network) -> contextlib.AbstractContextManager[object]:
    """Return the context in which to trace: JAX makes 64-bit numbers 32-bit unless it is told otherwise."""
    wide = any(node.dtype in ("float64", "int64") for node in network.inputs)
    return jax.enable_x64(True) if wide else contextlib.nullcontext()


def parameter_dtype(network: Network) -> Any:
    """Return the dtype of parameters that no input decides: that of the floating-point inputs where they agree."""
    found = set()
    for node in network.inputs:
        try:
            dtype = input_dtype(network, node)
        except WitnessError:
            continue
        if jnp.issubdtype(dtype, jnp.floating):
            found.add(dtype)
    return found.pop() if len(found) == 1 else jnp.dtype("float32")


def values_read(network: Network, node: Node) -> tuple[int, ...]:
    """Return the nodes whose values the builder of ``node`` reads, each once."""
    through = (i for key in _VALUES if key in node.references for i in network.nodes[node.references[key]].inputs)
    return tuple(dict.fromkeys((*node.inputs, *through)))


def run(
    network: Network, node: Node, values: Mapping[int, jax.Array], structs: Mapping[int, jax.ShapeDtypeStruct],
    parameters: ParameterSource, dtype: Any,
) -> jax.Array:
    """Return what a layer makes of its inputs' ``values``; ``structs`` holds the traced shape of every earlier node.

    Raises WitnessError, or an error of JAX, where the layer does not fit its input.
    """
    layer = node.layer
    assert layer is not None
    least, most = layer.arity
    if len(node.inputs) < least or (most is not None and len(node.inputs) > most):
        raise WitnessError(f"{layer.op} does not take {len(node.inputs)} inputs")
    references = {}
    for key, index in node.references.items():
        there = network.nodes[index]
        inputs: list[Any] = [(values if key in _VALUES else structs)[i] for i in there.inputs]
        references[key] = Reference(there.name, there.layer, tuple(inputs), structs[index])
    inputs_here = tuple(values[i] for i in node.inputs)
    with jax.named_scope(f"n{node.index}"):
        result = BUILDERS[layer.op](Call(layer, inputs_here, network.channels_last, dtype, parameters, references))
    if not result.shape:
        raise WitnessError("the output would have no axis at all")
    if min(result.shape) < 1:
        raise WitnessError(f"the output would have the shape {show(result.shape)}, in which an axis is empty")
    return result


class Model(NamedTuple):
    """A network that can be run: ``apply(parameters, inputs)`` is pure and can be traced and differentiated.

    ``specs`` maps ``layer.parameter`` to its shape, dtype and first value; ``init(key)`` draws the first values;
    ``apply`` takes inputs by name and returns the network's outputs by name. Nothing is allocated before ``init``.
    """

    specs: Mapping[str, ParameterSpec]
    inputs: Mapping[str, jax.ShapeDtypeStruct]
    init: Callable[[jax.Array], dict[str, jax.Array]]
    apply: Callable[[Mapping[str, jax.Array], Mapping[str, jax.Array]], dict[str, jax.Array]]


def build(network: Network) -> Model:
    """Return the network as functions of parameters and inputs. Dropout is applied as in inference.

    Raises WitnessError, naming the layer, where the network has a size that is no number or a layer is refused.
    """
    from shapecheck.xla.trace import trace  # trace is made of run, above

    traced = trace(network)
    for failures in (traced.refused, traced.not_checked):
        for index, why in failures.items():
            raise WitnessError(f"{network.nodes[index].name}: {why}")
    specs = {
        parameter_name(network.nodes[i], name): spec for i, held in traced.specs.items() for name, spec in held.items()
    }
    dtype = parameter_dtype(network)

    def init(key: jax.Array) -> dict[str, jax.Array]:
        keys = jax.random.split(key, max(len(specs), 1))
        return {name: _first(spec, keys[i]) for i, (name, spec) in enumerate(specs.items())}

    def apply(parameters: Mapping[str, jax.Array], inputs: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        values: dict[int, jax.Array] = {}
        for index in network.order:
            node = network.nodes[index]
            if node.layer is None:
                values[index] = _checked(node, inputs, traced.structs[index])
                continue

            def source(name: str, spec: ParameterSpec, node: Node = node) -> jax.Array:
                return parameters[parameter_name(node, name)]

            try:
                values[index] = run(network, node, values, traced.structs, source, dtype)
            except WitnessError as error:
                raise WitnessError(f"{node.name}: {one_line(error)}") from None
        return {name: values[index] for name, index in network.outputs.items()}

    named = {node.name: traced.structs[node.index] for node in network.inputs}
    return Model(specs, named, init, apply)


def parameter_name(node: Node, name: str) -> str:
    """Return the name of a parameter among those of the whole network."""
    return f"{node.name}.{name}"


def _checked(node: Node, inputs: Mapping[str, jax.Array], struct: jax.ShapeDtypeStruct) -> jax.Array:
    if node.name not in inputs:
        raise WitnessError(f"the input {node.name} is missing")
    value = jnp.asarray(inputs[node.name])
    if value.shape != struct.shape or value.dtype != struct.dtype:
        found, wanted = f"{value.dtype}{show(value.shape)}", f"{struct.dtype}{show(struct.shape)}"
        raise WitnessError(f"the input {node.name} is {found}, but the network reads {wanted}")
    return value


def _first(spec: ParameterSpec, key: jax.Array) -> jax.Array:
    if spec.initial == "normal":
        return jax.random.normal(key, spec.shape, spec.dtype) * math.sqrt(1 / spec.fan_in)
    value = {"zeros": 0, "ones": 1, "slope": _SLOPE}[spec.initial]
    return jnp.full(spec.shape, value, spec.dtype)
