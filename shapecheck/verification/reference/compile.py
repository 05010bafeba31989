"""StableHLO and XLA: the levels ``lower`` and ``compile``."""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from shapecheck.graph.network import Network
from shapecheck.verification.records.compiler_cost import CompiledFigures
from shapecheck.verification.reference.build_errors import TOO_FEW_BITS, one_line
from shapecheck.verification.reference.call import ParameterSpec, abstract
from shapecheck.verification.reference.layer_function import parameter_dtype, run, values_read
from shapecheck.verification.reference.trace import Trace

# Shapes do not depend on how well the code is optimised; with these XLA is five to thirty times faster.
QUICK: dict[str, Any] = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
# What XLA adds for each output of a module that has several: a pointer in the table of its results.
_POINTER = 8

Structs = dict[int, jax.ShapeDtypeStruct]


class Segment(NamedTuple):
    """A piece of the network as a function of parameters and of values that earlier pieces made."""

    function: Callable[..., tuple[jax.Array, ...]]
    parameters: tuple[jax.ShapeDtypeStruct, ...]
    arguments: tuple[jax.ShapeDtypeStruct, ...]


class OutputBytes(NamedTuple):
    """How large XLA says a module's outputs are, and how large their shapes make them."""

    expected: int
    found: int


class CompiledModule(NamedTuple):
    """What XLA says of a module; ``size`` is that of its outputs, and None below the level ``compile``."""

    flops: float | None
    size: int | None


def segment(
    network: Network,
    nodes: list[int],
    structs: Structs,
    specs: Mapping[int, Mapping[str, ParameterSpec]],
) -> Segment:
    """Return the layers ``nodes`` as one function that returns the value of every one of them.

    ``structs`` holds what JAX made of every earlier node; all values that the piece reads from outside are arguments.
    """
    inside = set(nodes)
    outside = tuple(dict.fromkeys(i for n in nodes for i in values_read(network, network.nodes[n]) if i not in inside))
    held = [(n, name) for n in nodes for name in specs[n]]
    dtype = parameter_dtype(network)

    def forward(parameters: tuple[jax.Array, ...], arguments: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        given = dict(zip(held, parameters, strict=True))
        values = dict(zip(outside, arguments, strict=True))
        for index in nodes:

            def source(name: str, spec: ParameterSpec, index: int = index) -> jax.Array:
                return given[index, name]

            values[index] = run(network, network.nodes[index], values, structs, source, dtype)
        return tuple(values[index] for index in nodes)

    parameters = tuple(abstract(specs[n][name].shape, specs[n][name].dtype) for n, name in held)
    return Segment(forward, parameters, tuple(structs[i] for i in outside))


class Compiler:
    """Lowers and compiles segments; equal modules are compiled once. ``compiled`` counts those that were.

    ``refused_by`` tells which level refused a layer, ``not_checked`` why JAX could not be asked, ``seconds`` how long
    each level took. ``lowered`` is called with layers that are lowered, before XLA has them.
    """

    def __init__(
        self,
        network: Network,
        traced: Trace,
        with_xla: bool,
        lowered: Callable[[list[int]], None] = lambda nodes: None,
    ) -> None:
        self.network = network
        self.with_xla = with_xla
        self.lowered = lowered
        self.structs: Structs = dict(traced.structs)
        self.specs = traced.specs
        self.refused: dict[int, str] = {}
        self.refused_by: dict[int, str] = {}
        self.not_checked: dict[int, str] = {}
        self.seconds = {"lower": 0.0, "compile": 0.0}
        self.bytes: list[OutputBytes] = []
        self.flops: list[float | None] = []
        self.compiled = 0
        self._modules: dict[str, CompiledModule] = {}
        self._options: dict[str, Any] = dict(QUICK)

    def check(self, nodes: list[int]) -> None:
        """Lower and, at the level ``compile``, compile some layers, and take over the shapes that are found.

        A piece that is refused is halved until the layer is found that is the cause; the others count.
        """
        piece = segment(self.network, nodes, self.structs, self.specs)
        try:
            with self._timed("lower"):
                lowered, infos = self._lower(piece)
        except Exception as error:  # JAX and XLA raise of many kinds, and each is what it has to say
            self._halve(nodes, "lower", error)
            return
        outputs = [abstract(out.shape, out.dtype) for out in infos]
        self.structs.update(zip(nodes, outputs, strict=True))
        self.lowered(nodes)
        try:
            with self._timed("compile"):
                module = self._module(lowered)
        except Exception as error:
            self._halve(nodes, "compile", error)
            return
        self.flops.append(module.flops)
        if module.size is not None:
            self.bytes.append(OutputBytes(_expected(outputs), module.size))

    def _halve(self, nodes: list[int], level: str, error: Exception) -> None:
        if len(nodes) == 1 and isinstance(error, OverflowError):
            self.not_checked[nodes[0]] = TOO_FEW_BITS
            return
        if len(nodes) == 1:
            self.refused[nodes[0]] = one_line(error)
            self.refused_by[nodes[0]] = level
            return
        middle = len(nodes) // 2
        self.check(nodes[:middle])
        self.check(nodes[middle:])

    def _lower(self, piece: Segment) -> tuple[Any, Sequence[Any]]:
        """Return the lowered piece, and what has the shape and the dtype of each of its outputs."""
        lowered = jax.jit(piece.function).lower(piece.parameters, piece.arguments)
        return lowered, lowered.out_info

    @contextlib.contextmanager
    def _timed(self, level: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            # Without XLA what is left of the second level belongs to the first.
            self.seconds[level if self.with_xla else "lower"] += time.perf_counter() - start

    def _module(self, lowered: Any) -> CompiledModule:
        text = hashlib.sha256(lowered.as_text().encode()).hexdigest()
        if text not in self._modules:
            size = None
            if self.with_xla:
                size = self._compile(lowered).memory_analysis().output_size_in_bytes
                self.compiled += 1
            self._modules[text] = CompiledModule(flops(lowered), size)
        return self._modules[text]

    def _compile(self, lowered: Any) -> Any:
        return compiled(lowered, self._options)


def compiled(lowered: Any, options: dict[str, Any]) -> Any:
    """Compile with ``options``, from which those that this version of XLA does not know are taken out."""
    while True:
        try:
            return lowered.compile(compiler_options=options or None)
        except Exception as error:
            # What an option that is not known would have changed is speed alone.
            unknown = [name for name in options if name in str(error)]
            if not unknown:
                raise
            for name in unknown:
                del options[name]


def _expected(outputs: list[jax.ShapeDtypeStruct]) -> int:
    total = _POINTER * len(outputs) if len(outputs) > 1 else 0
    for out in outputs:
        total += math.prod(out.shape) * int(out.dtype.itemsize)
    return total


def flops(stage: Any) -> float | None:
    """Return XLA's count for something lowered or compiled; None where it does not know."""
    costs = stage.cost_analysis()
    if not isinstance(costs, dict):
        return None
    # A module that only moves elements has no entry at all; a negative one means that XLA does not know.
    found = float(costs.get("flops", 0))
    return found if found >= 0 else None


def figures(executable: Any, lowered: Any = None) -> CompiledFigures:
    """Return what XLA says of a compiled function, and of what it was ``lowered`` to before any optimisation."""
    costs: Mapping[str, Any] = executable.cost_analysis() or {}
    accessed = costs.get("bytes accessed")
    memory = executable.memory_analysis()
    argument, output, temporary, alias = (
        getattr(memory, f"{what}_size_in_bytes", None) for what in ("argument", "output", "temp", "alias")
    )
    return CompiledFigures(
        flops(executable),
        None if lowered is None else flops(lowered),
        None if accessed is None else float(accessed),
        argument,
        output,
        temporary,
        alias,
    )
