"""A network as functions of parameters and inputs, to be run and trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from shapecheck.shape import show
from shapecheck.spec.network import Network, Node
from shapecheck.xla.build import parameter_dtype, run
from shapecheck.xla.call import ParameterSpec
from shapecheck.xla.errors import WitnessError
from shapecheck.xla.trace import trace

# PyTorch's first slope of a prelu.
_SLOPE = 0.25


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

            values[index] = run(network, node, values, traced.structs, source, dtype)
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
