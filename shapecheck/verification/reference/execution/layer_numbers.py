"""The numbers of a forward pass on two devices, layer by layer: every layer is fed with the first device's values.

Two correct devices add in different orders, so their results differ by rounding, and more the more is added. For a sum
of k products the difference stays below λ·√k·u times the size of what is added, but for a chance of 2·exp(−λ²/2)
(Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41(5), 2019); u is
half the distance from 1 to the next number of the dtype. How large a relative change of u in every operand comes out at
the end, normalisations and cancellation included, is measured on the layer itself, by its derivative.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from shapecheck.graph.network import Network, Node
from shapecheck.verification.records.number_comparison import LayerComparison
from shapecheck.verification.reference.build_errors import BuildError
from shapecheck.verification.reference.compile import QUICK
from shapecheck.verification.reference.device import find_device
from shapecheck.verification.reference.execution import random_numbers
from shapecheck.verification.reference.layer_function import parameter_dtype, precision, run, values_read
from shapecheck.verification.reference.trace import Trace, trace

# λ of the bound, with a chance of 2·exp(−32); there are two devices.
_CONFIDENCE, _DEVICES = 8, 2
# Directions in which operands are changed to measure what comes of it.
_DIRECTIONS = 3
# Narrower dtypes are multiplied as they are and added in float32 by cuDNN, cuBLAS and by XLA for the CPU.
_SUM = jnp.dtype("float32")

Values = tuple[Any, ...]
LayerFunction = Callable[[Values, Values], jax.Array]


def compare_numbers(network: Network, first: jax.Device, second: jax.Device, seed: int = 0) -> list[LayerComparison]:
    """Return for each layer how its numbers on two devices compare, for random parameters and inputs.

    ``first``, against which the other is measured, is a CPU.

    Products are made in full precision: the TF32 of NVIDIA's tensor cores, JAX's default there, has a u of 2⁻¹¹.
    Raises BuildError, naming the layer, where the network cannot be built.
    """
    with warnings.catch_warnings(), precision(network), jax.default_matmul_precision("highest"):
        warnings.simplefilter("ignore")
        traced = trace(network)
        for index, why in (traced.refused | traced.not_checked).items():
            raise BuildError(f"{network.nodes[index].name}: {why}")
        return list(_Comparer(network, traced, first, second).layers(seed))


def compare_with_cpu(network: Network) -> list[LayerComparison]:
    """Return for each layer how a GPU's numbers compare to a CPU's. Raises DeviceError where one is not here."""
    return compare_numbers(network, find_device("cpu"), find_device("gpu"))


class _Comparer:
    def __init__(self, network: Network, traced: Trace, first: jax.Device, second: jax.Device) -> None:
        self.network = network
        self.traced = traced
        self.first = first
        self.second = second
        self.dtype = parameter_dtype(network)

    def layers(self, seed: int) -> Iterator[LayerComparison]:
        """Yield the comparison of every layer, dropping values that nobody reads any more."""
        network = self.network
        last = {i: at for at, n in enumerate(network.order) for i in values_read(network, network.nodes[n])}
        values: dict[int, Any] = {}
        random = np.random.default_rng(seed)
        for at, index in enumerate(network.order):
            node = network.nodes[index]
            if node.layer is None:
                values[index] = random_numbers.value(network, node, self.traced.structs[index], random)
            else:
                values[index], found = self._layer(node, values, random)
                yield found
            for old in [i for i in values if last.get(i, -1) <= at]:
                del values[old]

    def _layer(
        self, node: Node, values: Mapping[int, Any], random: np.random.Generator
    ) -> tuple[jax.Array, LayerComparison]:
        read = values_read(self.network, node)
        names = tuple(self.traced.specs[node.index])
        held = tuple(random_numbers.parameter(self.traced.specs[node.index][name], 1, random) for name in names)

        def layer(parameters: Values, inputs: Values) -> jax.Array:
            given = dict(zip(names, parameters, strict=True))
            there = dict(zip(read, inputs, strict=True))
            return run(self.network, node, there, self.traced.structs, lambda name, spec: given[name], self.dtype)

        operands = held, tuple(values[i] for i in read)
        mine = run_on(self.first, layer, operands)
        theirs = run_on(self.second, layer, operands)
        difference = _difference(np.asarray(mine), np.asarray(theirs))
        with jax.default_device(self.first):
            allowed = _allowed(layer, operands, np.asarray(mine), random)
        return mine, LayerComparison(node.name, difference, allowed)


def run_on(device: jax.Device, layer: LayerFunction, operands: tuple[Values, Values]) -> jax.Array:
    """Return what a layer makes of its operands on a device."""
    made: jax.Array = jax.jit(layer, compiler_options=_options(device))(*jax.device_put(operands, device))
    return made


def _options(device: jax.Device) -> dict[str, Any]:
    """Return the options with which small computations compile fast on a CPU."""
    return QUICK if device.platform == "cpu" else {}


def _difference(mine: Any, theirs: Any) -> float:
    if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
        raise BuildError(f"{mine.dtype}{list(mine.shape)} on one device, {theirs.dtype}{list(theirs.shape)} there")
    wide = np.float64
    equal = (mine == theirs) | ((mine != mine) & (theirs != theirs))
    apart = np.where(equal, 0, np.abs(mine.astype(wide) - theirs.astype(wide)))
    return math.inf if np.isnan(apart).any() else float(apart.max(initial=0))


def _allowed(layer: LayerFunction, operands: tuple[Values, Values], result: Any, random: np.random.Generator) -> float:
    """Return how large rounding may make the difference of a layer's numbers; 0 where it computes with integers."""
    if not jnp.issubdtype(result.dtype, jnp.floating):
        return 0.0
    added, rounded = roundings(jax.make_jaxpr(layer)(*operands).jaxpr)
    if added + rounded == 0:
        return 0.0
    u, u_sum = _unit(result.dtype), min(_unit(result.dtype), _unit(_SUM))
    size = max(float(np.abs(result.astype(np.float64)).max()), _sensitivity(layer, operands, random))
    return _DEVICES * _CONFIDENCE * (math.sqrt(rounded) * u + math.sqrt(added) * u_sum) * size


def _unit(dtype: Any) -> float:
    limits: Any = jnp.finfo  # JAX leaves it without types
    return float(limits(dtype).eps) / 2


def _sensitivity(layer: LayerFunction, operands: tuple[Values, Values], random: np.random.Generator) -> float:
    """Return the largest change of the output per relative change of every operand, up or down at random."""
    leaves, structure = jax.tree.flatten(operands)
    moving = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    if not moving:
        return 0.0

    def change(leaves: list[Any], along: list[Any]) -> jax.Array:
        def of(changed: list[Any]) -> jax.Array:
            every = list(leaves)
            for i, leaf in zip(moving, changed, strict=True):
                every[i] = leaf
            return layer(*jax.tree.unflatten(structure, every))

        moved: jax.Array = jax.jvp(of, ([leaves[i] for i in moving],), (along,))[1]
        return moved

    changed = jax.jit(change, compiler_options=QUICK)
    largest = 0.0
    for _ in range(_DIRECTIONS):
        along = [
            np.asarray(leaves[i]) * random.choice([-1, 1], leaves[i].shape).astype(leaves[i].dtype) for i in moving
        ]
        largest = max(largest, float(np.abs(np.asarray(changed(leaves, along)).astype(np.float64)).max()))
    return largest


# fmt: off
# Operations that only move or choose numbers.
_EXACT = {
    "broadcast_in_dim", "reshape", "transpose", "squeeze", "slice", "dynamic_slice", "pad", "concatenate",
    "gather", "rev", "select_n", "max", "min", "reduce_max", "reduce_min", "reduce_window_max", "argmax", "neg",
    "abs", "sign", "iota", "copy", "clamp", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not",
    "stop_gradient", "expand_dims", "optimization_barrier", "is_finite",
}
# A library's elementary function is good to about four units in the last place of float32, in which it is computed.
_ELEMENTARY = {
    "exp", "exp2", "expm1", "log", "log1p", "tanh", "logistic", "erf", "erfc", "pow", "rsqrt", "sin", "cos",
    "cbrt",
}
# fmt: on
_AS_IF_ADDED = 16


def roundings(jaxpr: Any) -> tuple[int, int]:
    """Return how many numbers are added up to make one of the output, and how many roundings follow one another."""
    added = rounded = 0
    for eqn in jaxpr.eqns:
        inner = [value for value in eqn.params.values() if hasattr(value, "eqns") or hasattr(value, "jaxpr")]
        if inner:
            for value in inner[:1]:
                more = roundings(getattr(value, "jaxpr", value))
                added, rounded = added + more[0], rounded + more[1]
            continue
        (out, *_) = eqn.outvars
        if not jnp.issubdtype(out.aval.dtype, jnp.floating) or eqn.primitive.name in _EXACT:
            continue
        rounded += 1
        added += _AS_IF_ADDED if eqn.primitive.name in _ELEMENTARY else _added(eqn)
    return added, rounded


def _added(eqn: Any) -> int:
    name, out = eqn.primitive.name, eqn.outvars[0].aval
    shapes: list[tuple[int, ...]] = [v.aval.shape for v in eqn.invars]
    if name == "dot_general":
        ((contracted, _), _) = eqn.params["dimension_numbers"]
        return math.prod(shapes[0][axis] for axis in contracted)
    if name == "conv_general_dilated":
        outs = shapes[1][eqn.params["dimension_numbers"].rhs_spec[0]]
        return math.prod(shapes[1]) // int(outs)
    if name.startswith("reduce_window"):
        window: tuple[int, ...] = eqn.params["window_dimensions"]
        return math.prod(window)
    if name in ("reduce_sum", "reduce_prod"):
        return math.prod(shapes[0]) // max(int(math.prod(out.shape)), 1)
    if name.startswith(("select_and_scatter", "scatter")):
        # At most every number that is scattered meets at one place.
        meeting: tuple[int, ...] = eqn.params.get("window_dimensions", shapes[-1])
        return math.prod(meeting)
    return 0
