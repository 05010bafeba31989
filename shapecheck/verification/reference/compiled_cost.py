"""What XLA says that a network costs: floating-point operations, bytes moved, memory.

Every figure is read from something lowered or compiled; nothing is run, and nothing is allocated.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import jax

from shapecheck.graph.network import Network
from shapecheck.verification.records.compiler_cost import CompiledFigures
from shapecheck.verification.records.plan import Device, Optimizer
from shapecheck.verification.reference.built_network import build, draws_random_numbers
from shapecheck.verification.reference.call import abstract
from shapecheck.verification.reference.compile import QUICK, compiled, figures, flops, segment
from shapecheck.verification.reference.device import find_device
from shapecheck.verification.reference.layer_function import parameter_dtype, precision
from shapecheck.verification.reference.trace import Trace, kind, trace
from shapecheck.verification.reference.training_step import TrainingStep, training_step

# Machine code that is not optimised takes a third of the time, and buffers are laid out before it is made. (QUICK also
# changes what is fused, and with it the memory of a training step.)
_SAME_BUFFERS: dict[str, Any] = {"xla_backend_optimization_level": 0}
# Where JAX says no more than that something is computed over and over.
_LOOPS = ("while", "scan", "cond")
_CONTRACTIONS = ("conv_general_dilated", "dot_general")


class LayerFlops(NamedTuple):
    """XLA's count for a layer by itself, before any optimisation, and how much of it convolutions and products are.

    None where XLA does not know. XLA counts in 32-bit floating point: from 2²⁴ on a figure is rounded.
    """

    total: float | None
    contractions: float | None


@contextlib.contextmanager
def on_device(network: Network, device: Device) -> Iterator[str]:
    """Lower and compile for a device within this context; gives its platform. Raises DeviceError."""
    place = find_device(device)
    with warnings.catch_warnings(), jax.default_device(place), precision(network):
        warnings.simplefilter("ignore")
        yield place.platform


def parameter_type(network: Network) -> tuple[str, int]:
    """Return the dtype of the parameters that no input decides, and its size in bytes."""
    dtype = parameter_dtype(network)
    return str(dtype), int(dtype.itemsize)


def layer_flops(network: Network, wanted: Collection[int] | None = None) -> dict[int, LayerFlops]:
    """Return XLA's count for every layer that can be traced, or those ``wanted``, by index.

    Layers that are alike are lowered once.
    """
    traced = trace(network)
    known: dict[Any, LayerFlops] = {}
    found = {}
    for index in network.order:
        node = network.nodes[index]
        if node.layer is None or index not in traced.structs or (wanted is not None and index not in wanted):
            continue
        alike = index if node.references else kind(node, traced.structs)
        if alike not in known:
            known[alike] = _one_layer(network, index, traced)
        found[index] = known[alike]
    return found


def _one_layer(network: Network, index: int, traced: Trace) -> LayerFlops:
    piece = segment(network, [index], traced.structs, traced.specs)
    made = jax.jit(piece.function).trace(piece.parameters, piece.arguments)
    return LayerFlops(flops(made.lower()), _contractions(made.jaxpr))


def _contractions(closed: Any) -> float | None:
    """Return XLA's count for the convolutions and matrix products in what was traced, each lowered by itself."""
    total: float = 0
    for equation in getattr(closed, "jaxpr", closed).eqns:
        name = equation.primitive.name
        found: float | None
        if name in _CONTRACTIONS:
            found = _alone(equation)
        else:
            inner = [part for part in equation.params.values() if hasattr(getattr(part, "jaxpr", part), "eqns")]
            parts = [_contractions(part) for part in inner]
            found = None if None in parts or (name in _LOOPS and any(parts)) else sum(p for p in parts if p)
        if found is None:
            return None
        total += found
    return total


def _alone(equation: Any) -> float | None:
    def function(*operands: Any) -> Any:
        return equation.primitive.bind(*operands, **equation.params)

    operands = [abstract(v.aval.shape, v.aval.dtype) for v in equation.invars]
    return flops(jax.jit(function).lower(*operands))


def forward(network: Network, platform: str) -> CompiledFigures:
    """Return what XLA says of one forward pass, compiled for ``platform``."""
    model = build(network)
    parameters = {name: abstract(spec.shape, spec.dtype) for name, spec in model.specs.items()}
    lowered = jax.jit(model.apply, keep_unused=True).lower(parameters, dict(model.inputs))
    return figures(compiled(lowered, dict(QUICK) if platform == "cpu" else {}), lowered)


def training(network: Network, optimizer: Optimizer, platform: str, exact: bool = True) -> CompiledFigures:
    """Return what XLA says of one training step whose parameters and optimizer slots are updated in place.

    ``exact`` compiles so that memory is that of a step compiled for use; otherwise several times faster, and memory
    is a guess.
    """
    step = step_of(network, optimizer)
    options = (_SAME_BUFFERS if exact else QUICK) if platform == "cpu" else {}
    # Arguments that nothing reads are held by whoever trains all the same.
    jitted = jax.jit(step.function, donate_argnums=(0, 1), keep_unused=True)
    lowered = jitted.lower(*step.arguments)
    return figures(compiled(lowered, dict(options)), lowered)


def step_of(network: Network, optimizer: Optimizer) -> TrainingStep:
    """Return a training step of a network. Raises BuildError where the network cannot be built."""
    return training_step(build(network), optimizer, random=draws_random_numbers(network))
