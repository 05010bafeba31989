"""What XLA says that a network costs: floating-point operations, bytes moved, memory.

Every figure is read from something lowered or compiled; nothing is run, and nothing is allocated.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import jax

from shapecheck.graph.network import Network
from shapecheck.verify.reference.built_network import build
from shapecheck.verify.reference.call import abstract
from shapecheck.verify.reference.compile import QUICK, compiled, flops, segment
from shapecheck.verify.reference.device import DeviceName, find_device
from shapecheck.verify.reference.layer_function import parameter_dtype, precision
from shapecheck.verify.reference.trace import Trace, kind, trace
from shapecheck.verify.reference.training_step import Optimizer, Step, training_step

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


class Compiled(NamedTuple):
    """What XLA says of one compiled function. Memory in bytes; None where XLA has no figure.

    ``lowered_flops`` is the count before any optimisation: compilers for some platforms replace a convolution, such as
    the weight gradient of a grouped one, by another that takes more.
    ``alias`` is that part of the output that takes the place of arguments that are given away.
    """

    flops: float | None
    lowered_flops: float | None
    bytes_accessed: float | None
    argument: int | None
    output: int | None
    temporary: int | None
    alias: int | None
    seconds: float

    @property
    def memory(self) -> int | None:
        """The bytes that are held at once: peak_memory_in_bytes of XLA for the CPU leaves temporaries out."""
        if self.argument is None or self.output is None or self.temporary is None or self.alias is None:
            return None
        return self.argument + self.output + self.temporary - self.alias


@contextlib.contextmanager
def on_device(network: Network, device: DeviceName) -> Iterator[str]:
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


def forward(network: Network, platform: str) -> Compiled:
    """Return what XLA says of one forward pass, compiled for ``platform``."""
    model = build(network)
    parameters = {name: abstract(spec.shape, spec.dtype) for name, spec in model.specs.items()}
    start = time.perf_counter()
    lowered = jax.jit(model.apply, keep_unused=True).lower(parameters, dict(model.inputs))
    return _figures(lowered, compiled(lowered, dict(QUICK) if platform == "cpu" else {}), start)


def training(network: Network, optimizer: Optimizer, platform: str, exact: bool = True) -> Compiled:
    """Return what XLA says of one training step whose parameters and optimizer slots are updated in place.

    ``exact`` compiles so that memory is that of a step compiled for use; otherwise several times faster, and memory
    is a guess.
    """
    step = step_of(network, optimizer)
    start = time.perf_counter()
    options = (_SAME_BUFFERS if exact else QUICK) if platform == "cpu" else {}
    # Arguments that nothing reads are held by whoever trains all the same.
    jitted = jax.jit(step.function, donate_argnums=(0, 1), keep_unused=True)
    lowered = jitted.lower(*step.arguments)
    return _figures(lowered, compiled(lowered, dict(options)), start)


def step_of(network: Network, optimizer: Optimizer) -> Step:
    """Return a training step of a network. Raises BuildError where the network cannot be built."""
    drops = any(node.op == "dropout" for node in network.layers)
    return training_step(build(network), optimizer, random=drops)


def _figures(lowered: Any, executable: Any, start: float) -> Compiled:
    costs: Mapping[str, Any] = executable.cost_analysis() or {}
    accessed = costs.get("bytes accessed")
    memory = executable.memory_analysis()
    argument, output, temporary, alias = (
        getattr(memory, f"{what}_size_in_bytes", None) for what in ("argument", "output", "temp", "alias")
    )
    bytes_accessed = accessed if accessed is None else float(accessed)
    seconds = time.perf_counter() - start
    return Compiled(flops(executable), flops(lowered), bytes_accessed, argument, output, temporary, alias, seconds)
