"""One forward pass and one training step on random numbers: the level ``run``.

The loss is the sum of all outputs, each element times a random number of its own. A plain sum would not do: behind a
softmax or a normalisation its gradient is exactly zero.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from shapecheck.graph.network import Network
from shapecheck.text import plural, show_bytes
from shapecheck.verification.reference.built_network import rectified
from shapecheck.verification.reference.call import ParameterSpec, abstract
from shapecheck.verification.reference.compile import QUICK, compiled, flops
from shapecheck.verification.reference.execution import random_numbers
from shapecheck.verification.reference.execution.free_memory import free_bytes
from shapecheck.verification.reference.layer_function import parameter_dtype, run, values_read
from shapecheck.verification.reference.segments import cut
from shapecheck.verification.reference.trace import Trace

RATE = 1e-3
# A gradient that is zero is looked at on other numbers, as long as that does not take too many seconds.
DRAWS, PATIENCE = 4, 20.0
# What is quick to compile is slow to run: above so many floating-point operations a forward pass, optimise.
_LARGE = 3e10
# float16 ends at 65,504: a gradient that is larger is looked at again with a smaller loss, as in mixed precision.
SMALLER = 2.0**-10
# What is told of float64 is float32.
_LEAST, _MOST = 1e-30, 1e30


class NotEnoughMemory(Exception):
    """Not even a forward pass fits into the memory that there is; the message says how much of which."""


class Marks(NamedTuple):
    """What was seen of each node, by its index, in one run.

    ``shapes`` are those of the arrays that came out, of the nodes that another piece or the user reads. The others are
    the largest magnitude, infinite or NaN where any element is: of the node's value, of the gradient of the loss by
    it, and of that by each parameter.
    """

    shapes: dict[int, tuple[int, ...]]
    values: dict[int, float]
    gradients: dict[int, float]
    parameters: dict[tuple[int, str], float]


@jax.custom_vjp
def _probe(x: jax.Array, mark: jax.Array) -> jax.Array:
    """Return ``x``; what is called the gradient by ``mark`` says of the gradient by ``x`` what Marks has of it."""
    return x


def _probe_forward(x: jax.Array, mark: jax.Array) -> tuple[jax.Array, None]:
    return x, None


def _probe_backward(_: None, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gradient, _peak(gradient)


_probe.defvjp(_probe_forward, _probe_backward)


def _peak(x: jax.Array) -> jax.Array:
    """Return the largest magnitude: one reduction says all, for each takes XLA about as long as a layer."""
    if not _real(x):
        return jnp.any(x != 0).astype(jnp.float32)
    peak = jnp.max(jnp.abs(x))
    if x.dtype == jnp.float64:
        # Neither may a large number become infinite nor a small one zero.
        held = jnp.where(peak > 0, jnp.clip(peak, _LEAST, _MOST), peak)
        peak = jnp.where(jnp.isfinite(peak), held, peak)
    return peak.astype(jnp.float32)


def _real(x: Any) -> bool:
    return bool(jnp.issubdtype(x.dtype, jnp.inexact))


class _Piece:
    """Consecutive layers as pure functions of their parameters and of the values that they read from outside."""

    def __init__(self, network: Network, traced: Trace, nodes: list[int]) -> None:
        self.network = network
        self.structs = traced.structs
        self.nodes = nodes
        inside = set(nodes)
        reads = {n: values_read(network, network.nodes[n]) for n in network.order if network.nodes[n].layer is not None}
        self.outside = tuple(dict.fromkeys(i for n in nodes for i in reads[n] if i not in inside))
        wanted = {i for n, read in reads.items() if n not in inside for i in read} | set(network.outputs.values())
        self.outputs = tuple(n for n in nodes if n in wanted)
        self.real = tuple(n for n in self.outputs if _real(self.structs[n]))
        self.specs: dict[tuple[int, str], ParameterSpec] = {
            (n, name): spec for n in nodes for name, spec in traced.specs.get(n, {}).items()
        }
        self.dtype = parameter_dtype(network)

    def _values(self, parameters: Any, arguments: Any, marks: Any) -> dict[int, jax.Array]:
        given: dict[tuple[int, str], jax.Array] = dict(zip(self.specs, parameters, strict=True))
        values = dict(zip(self.outside, arguments, strict=True))
        for at, index in enumerate(self.nodes):

            def source(name: str, spec: ParameterSpec, index: int = index) -> jax.Array:
                return given[index, name]

            made: jax.Array = run(self.network, self.network.nodes[index], values, self.structs, source, self.dtype)
            values[index] = _probe(made, marks[at]) if marks is not None and _real(made) else made
        return values

    def forward(self, parameters: Any, arguments: Any) -> Any:
        """Return the values that are read elsewhere, and what was seen of all."""
        values = self._values(parameters, arguments, None)
        return tuple(values[i] for i in self.outputs), tuple(_peak(values[i]) for i in self.nodes)

    def step(self, parameters: Any, arguments: Any, gradients: Any) -> Any:
        """Go forward and back: return the outputs, the updated parameters, gradients by arguments, and marks."""
        reals = [_real(x) for x in arguments]

        def loss(parameters: Any, floating: Any, marks: Any) -> Any:
            rest = iter(floating)
            given = [next(rest) if real else x for x, real in zip(arguments, reals, strict=True)]
            values = self._values(parameters, given, marks)
            peaks = tuple(_peak(values[i]) for i in self.nodes)
            return tuple(values[i] for i in self.real), (tuple(values[i] for i in self.outputs), peaks)

        floating = tuple(x for x, real in zip(arguments, reals, strict=True) if real)
        marks = (jnp.zeros((), jnp.float32),) * len(self.nodes)
        _, pull, (outputs, peaks) = jax.vjp(loss, parameters, floating, marks, has_aux=True)
        by_parameters, by_arguments, by_marks = pull(gradients)
        updated = tuple(p - jnp.asarray(RATE, p.dtype) * g for p, g in zip(parameters, by_parameters, strict=True))
        return outputs, peaks, updated, by_arguments, by_marks, tuple(_peak(g) for g in by_parameters)


class StepRunner:
    """Compiles a network for a run and runs it, as often as wanted, each time on other numbers.

    ``forward_only`` says why there is memory for ``forward`` and none for ``once``; it is None where there is for both.
    Raises NotEnoughMemory where there is for neither.
    """

    def __init__(self, network: Network, traced: Trace, device: Any, tell: Callable[[str], None]) -> None:
        self.network = network
        self.structs = traced.structs
        self.tell = tell
        self.pieces = [_Piece(network, traced, nodes) for nodes in cut(network, traced)]
        self._read_by_rectifiers = rectified(network)
        self._made: dict[str, Any] = {}
        self._options: dict[str, Any] | None = None
        self._forward = [self._compile(piece, piece.forward) for piece in self.pieces[:-1]]
        self._step = [self._compile(piece, piece.step) for piece in self.pieces]
        self.forward_only = self._without_step(free_bytes(device))

    def _compile(self, piece: _Piece, function: Any) -> Any:
        self.tell(f"run: compile {plural(len(piece.nodes), 'layer')}")
        parameters = tuple(abstract(spec.shape, spec.dtype) for spec in piece.specs.values())
        arguments = tuple(self.structs[i] for i in piece.outside)
        if function == piece.forward:
            lowered = jax.jit(function).lower(parameters, arguments)
        else:
            gradients = tuple(self.structs[i] for i in piece.real)
            # The updated parameters take the place of the old ones.
            lowered = jax.jit(function, donate_argnums=0).lower(parameters, arguments, gradients)
        if self._options is None:
            count = flops(lowered)
            # A training step counts about three forward passes.
            self._options = {} if count is None or count * len(self.pieces) / 3 > _LARGE else dict(QUICK)
        key = hashlib.sha256(lowered.as_text().encode()).hexdigest()
        if key not in self._made:
            self._made[key] = compiled(lowered, self._options)
        return self._made[key]

    def _without_step(self, free: int | None) -> str | None:
        """Return why a training step does not fit, or None: by what XLA says of a piece, and what waits on the host."""
        parameters = [sum(map(_size, piece.specs.values())) for piece in self.pieces]
        outputs = sum(_size(self.structs[i]) for piece in self.pieces for i in piece.outputs)
        step = max(map(_bytes, (*self._forward, *self._step)), default=0) + sum(parameters) + outputs
        if free is None or step <= free:
            return None
        self._forward.append(self._compile(self.pieces[-1], self.pieces[-1].forward))
        forward = max(map(_bytes, self._forward)) + max(parameters) + outputs
        if forward > free:
            alone = f"a forward pass alone {show_bytes(forward)}"
            raise NotEnoughMemory(
                f"a training step here would take {show_bytes(step)}, {alone}, and {show_bytes(free)} are free"
            )
        return f"it would take {show_bytes(step)}, and {show_bytes(free)} are free"

    def forward(self, seed: int) -> Marks:
        """Run forward alone, piece after piece; no more parameters are held than those of one."""
        self.tell(f"run: random numbers {seed + 1}")
        random = random_numbers.generator(seed)
        values = self._inputs(random)
        marks = Marks({}, {}, {}, {})
        for piece, function in zip(self.pieces, self._forward, strict=True):
            outputs, peaks = function(self._parameters(piece, random), tuple(values[i] for i in piece.outside))
            values.update(zip(piece.outputs, outputs, strict=True))
            _note_values(marks, piece, outputs, peaks)
        return marks

    def _inputs(self, random: np.random.Generator) -> dict[int, Any]:
        return {
            node.index: random_numbers.value(self.network, node, self.structs[node.index], random)
            for node in self.network.inputs
        }

    def once(self, seed: int, scale: float = 1.0) -> Marks:
        """Run forward and back on numbers of their own. ``scale`` is that of the loss."""
        self.tell(f"run: random numbers {seed + 1}")
        random = random_numbers.generator(seed)
        nodes = self.network.nodes
        values = self._inputs(random)
        parameters = [self._parameters(piece, random) for piece in self.pieces]
        marks = Marks({}, {}, {}, {})
        for piece, given, function in zip(self.pieces, parameters, self._forward, strict=False):
            outputs, peaks = function(given, tuple(values[i] for i in piece.outside))
            values.update(zip(piece.outputs, outputs, strict=True))
            _note_values(marks, piece, outputs, peaks)
        gradients: dict[int, Any] = {}
        for index in self.network.outputs.values():
            struct = self.structs[index]
            if nodes[index].layer is not None and _real(struct):
                gradients[index] = (random_numbers.normal(tuple(struct.shape), struct.dtype, random) * scale).astype(
                    struct.dtype
                )
        for at in reversed(range(len(self.pieces))):
            piece = self.pieces[at]
            back = tuple(_or_zero(gradients.pop(i, None), self.structs[i]) for i in piece.real)
            found = self._step[at](parameters.pop(), tuple(values[i] for i in piece.outside), back)
            outputs, peaks, _, by_arguments, by_marks, by_parameters = found
            _note_values(marks, piece, outputs, peaks)
            marks.gradients.update((n, float(peak)) for n, peak in zip(piece.nodes, by_marks, strict=True))
            marks.parameters.update((key, float(peak)) for key, peak in zip(piece.specs, by_parameters, strict=True))
            reads = (i for i in piece.outside if _real(self.structs[i]))
            for index, gradient in zip(reads, by_arguments, strict=True):
                if nodes[index].layer is not None:
                    gradients[index] = gradient + gradients[index] if index in gradients else gradient
        return marks

    def _parameters(self, piece: _Piece, random: np.random.Generator) -> tuple[Any, ...]:
        return tuple(
            random_numbers.parameter(spec, 2 if index in self._read_by_rectifiers and name == "kernel" else 1, random)
            for (index, name), spec in piece.specs.items()
        )


def _note_values(marks: Marks, piece: _Piece, outputs: Any, peaks: Any) -> None:
    marks.shapes.update((index, tuple(value.shape)) for index, value in zip(piece.outputs, outputs, strict=True))
    marks.values.update((index, float(peak)) for index, peak in zip(piece.nodes, peaks, strict=True))


def _or_zero(gradient: Any, struct: Any) -> Any:
    return np.zeros(struct.shape, struct.dtype) if gradient is None else gradient


def _size(struct: Any) -> int:
    size: int = math.prod(struct.shape) * jnp.dtype(struct.dtype).itemsize
    return size


def _bytes(executable: Any) -> int:
    memory = executable.memory_analysis()
    total = memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    return int(total - memory.alias_size_in_bytes)
