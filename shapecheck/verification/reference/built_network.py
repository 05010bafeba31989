"""A network as functions of parameters and inputs, to be run and trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from shapecheck.arithmetic.shape import show
from shapecheck.graph.network import Network, Node
from shapecheck.layers.role import Role
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.call import Mode, ParameterSpec, StatisticSource
from shapecheck.verification.reference.layer_function import parameter_dtype, precision, run
from shapecheck.verification.reference.trace import Trace, trace

# PyTorch's first slope of a prelu.
_SLOPE = 0.25

Arrays = Mapping[str, jax.Array]


class _Apply(Protocol):
    def __call__(
        self, parameters: Arrays, inputs: Arrays, key: jax.Array | None = None, statistics: Arrays | None = None
    ) -> dict[str, jax.Array]: ...


class _Statistics(Protocol):
    def __call__(self, parameters: Arrays, inputs: Arrays, key: jax.Array | None = None) -> dict[str, jax.Array]: ...


class BuiltNetwork(NamedTuple):
    """A network that can be run: ``apply(parameters, inputs)`` is pure and can be traced and differentiated.

    ``specs`` maps ``layer.parameter`` to its shape, dtype and first value; ``init(key)`` draws the first values;
    ``apply`` takes inputs by name and returns the network's outputs by name: with a ``key`` it drops elements as in
    training, with ``statistics`` batch_norm normalises by those instead of the batch's own. ``statistics`` returns
    the batch's own, ``layer.mean`` and ``layer.variance``. Nothing is allocated before ``init``.
    """

    specs: Mapping[str, ParameterSpec]
    inputs: Mapping[str, jax.ShapeDtypeStruct]
    init: Callable[[jax.Array], dict[str, jax.Array]]
    apply: _Apply
    statistics: _Statistics


def build(network: Network) -> BuiltNetwork:
    """Return the network as functions of parameters and inputs.

    Raises BuildError, naming the layer, where the network has a size that is no number or a layer is refused.
    """
    traced = trace(network)
    for failures in (traced.refused, traced.not_checked):
        for index, why in failures.items():
            raise BuildError(f"{network.nodes[index].name}: {why}")
    named = {
        parameter_name(network.nodes[i], name): (i, spec)
        for i, held in traced.specs.items()
        for name, spec in held.items()
    }
    read_by_rectifiers = rectified(network)

    def init(key: jax.Array) -> dict[str, jax.Array]:
        keys = jax.random.split(key, max(len(named), 1))
        with precision(network):
            return {
                name: _first(spec, 2 if index in read_by_rectifiers and name.endswith(".kernel") else 1, each)
                for each, (name, (index, spec)) in zip(keys, named.items(), strict=False)
            }

    def apply(
        parameters: Arrays, inputs: Arrays, key: jax.Array | None = None, statistics: Arrays | None = None
    ) -> dict[str, jax.Array]:
        with precision(network):
            return _forward(network, traced, parameters, inputs, key, _given(statistics))

    def statistics(parameters: Arrays, inputs: Arrays, key: jax.Array | None = None) -> dict[str, jax.Array]:
        found: dict[str, jax.Array] = {}

        def record(name: str, compute: Callable[[], jax.Array]) -> jax.Array:
            found[name] = compute()
            return found[name]

        with precision(network):
            _forward(network, traced, parameters, inputs, key, record)
        return found

    structs = {node.name: traced.structs[node.index] for node in network.inputs}
    return BuiltNetwork({name: spec for name, (_, spec) in named.items()}, structs, init, apply, statistics)


def _forward(
    network: Network,
    traced: Trace,
    parameters: Arrays,
    inputs: Arrays,
    key: jax.Array | None,
    statistics: StatisticSource | None,
) -> dict[str, jax.Array]:
    """Return the outputs by name. ``statistics`` is asked for a name that begins with the layer's."""
    dtype = parameter_dtype(network)
    values: dict[int, jax.Array] = {}
    for index in network.order:
        node = network.nodes[index]
        if node.layer is None:
            values[index] = _checked(node, inputs, traced.structs[index])
            continue

        def source(name: str, spec: ParameterSpec, node: Node = node) -> jax.Array:
            return _parameter(parameters, parameter_name(node, name), spec)

        def moments(name: str, compute: Callable[[], jax.Array], node: Node = node) -> jax.Array:
            assert statistics is not None
            return statistics(parameter_name(node, name), compute)

        # Each layer draws its own numbers.
        mine = jax.random.fold_in(key, index) if key is not None and Role.RANDOM in node.layer.role else None
        mode = Mode(mine, None if statistics is None else moments)
        values[index] = run(network, node, values, traced.structs, source, dtype, mode)
    return {name: values[index] for name, index in network.outputs.items()}


def parameter_name(node: Node, name: str) -> str:
    """Return the name of a parameter among those of the whole network."""
    return f"{node.name}.{name}"


def _checked(node: Node, inputs: Arrays, struct: jax.ShapeDtypeStruct) -> jax.Array:
    if node.name not in inputs:
        raise BuildError(f"the input {node.name} is missing")
    value = jnp.asarray(inputs[node.name])
    if value.shape != struct.shape or value.dtype != struct.dtype:
        found, wanted = f"{value.dtype}{show(value.shape)}", f"{struct.dtype}{show(struct.shape)}"
        raise BuildError(f"the input {node.name} is {found}, but the network reads {wanted}")
    return value


def _parameter(parameters: Arrays, name: str, spec: ParameterSpec) -> jax.Array:
    if name not in parameters:
        raise BuildError(f"the parameter {name} is missing")
    value = parameters[name]
    if jnp.shape(value) != spec.shape:
        raise BuildError(f"the parameter {name} is {show(jnp.shape(value))}, but the network has {show(spec.shape)}")
    return value


def _given(statistics: Arrays | None) -> StatisticSource | None:
    if statistics is None:
        return None

    def given(name: str, compute: Callable[[], jax.Array]) -> jax.Array:
        if name not in statistics:
            raise BuildError(f"the statistic {name} is missing")
        return statistics[name]

    return given


def draws_random_numbers(network: Network) -> bool:
    """Return whether some layer draws random numbers in training."""
    return any(node.layer is not None and Role.RANDOM in node.layer.role for node in network.layers)


def rectified(network: Network) -> set[int]:
    """Return the nodes that a rectifier reads, itself or by way of layers that let its input through."""
    readers: dict[int, list[Node]] = {}
    for node in network.layers:
        for index in node.inputs:
            readers.setdefault(index, []).append(node)
    found: set[int] = set()
    for index in reversed(network.order):
        for node in readers.get(index, []):
            role = Role.NONE if node.layer is None else node.layer.role
            if Role.RECTIFIER in role or (Role.RELAYS in role and node.index in found):
                found.add(index)
    return found


def _first(spec: ParameterSpec, gain: float, key: jax.Array) -> jax.Array:
    """Return first values: normal ones have the variance gain / fan_in (LeCun et al. 1998; He et al. 2015: gain 2)."""
    if spec.initial == "normal":
        return jax.random.normal(key, spec.shape, spec.dtype) * math.sqrt(gain / spec.fan_in)
    value = {"zeros": 0, "ones": 1, "slope": _SLOPE}[spec.initial]
    return jnp.full(spec.shape, value, spec.dtype)
