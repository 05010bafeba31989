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

from shapecheck.spec.network import Network
from shapecheck.xla import draw
from shapecheck.xla.build import parameter_dtype, run, values_read
from shapecheck.xla.call import ParameterSpec, abstract
from shapecheck.xla.compile import QUICK, compiled, flops
from shapecheck.xla.memory import free_bytes
from shapecheck.xla.model import rectified
from shapecheck.xla.segments import cut
from shapecheck.xla.trace import Trace

RATE = 1e-3
# A gradient that is zero is looked at on other numbers, as long as that does not take too many seconds.
DRAWS, PATIENCE = 4, 20.0
# What is quick to compile is slow to run: above so many floating-point operations a forward pass, optimise.
_LARGE = 3e10
# float16 ends at 65,504: a gradient that is larger is looked at again with a smaller loss, as in mixed precision.
SMALLER = 2.0**-10
# Counts of elements are kept in 32 bits.
WRAP = 2**32


class TooLarge(Exception):
    """The run would take more memory than there is; the message says how much of which."""


class Marks(NamedTuple):
    """What was seen of each node, by its index, in one run.

    ``shapes`` are those of the arrays that came out, of the nodes that another piece or the user reads; ``finite``
    counts the elements that are finite numbers, ``alive`` says whether any is not zero. Of the gradient of the loss by
    a node's value, and by each parameter: whether any element is not zero, and whether all are finite.
    """

    shapes: dict[int, tuple[int, ...]]
    finite: dict[int, int]
    alive: dict[int, bool]
    flowing: dict[int, bool]
    sound: dict[int, bool]
    parameters_flowing: dict[tuple[int, str], bool]
    parameters_sound: dict[tuple[int, str], bool]


@jax.custom_vjp
def _probe(x: jax.Array, mark: jax.Array) -> jax.Array:
    """Return ``x``; what is called the gradient by ``mark`` says of the gradient by ``x`` what Marks has of it."""
    return x


def _probe_forward(x: jax.Array, mark: jax.Array) -> tuple[jax.Array, None]:
    return x, None


def _probe_backward(_: None, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gradient, _seen(gradient)


_probe.defvjp(_probe_forward, _probe_backward)


def _seen(gradient: jax.Array) -> jax.Array:
    """Return whether any element is not zero, and whether all are finite."""
    seen: jax.Array = jnp.stack([jnp.any(gradient != 0), jnp.all(jnp.isfinite(gradient))])
    return seen.astype(jnp.float32)


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
        self.kept = tuple(n for n in nodes if n in wanted)
        self.real = tuple(n for n in self.kept if _real(self.structs[n]))
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

    def _checks(self, values: dict[int, jax.Array]) -> tuple[jax.Array, jax.Array]:
        mine = [values[index] for index in self.nodes]
        finite = jnp.stack([jnp.sum(jnp.isfinite(x), dtype=jnp.uint32) for x in mine])
        return finite, jnp.stack([jnp.any(x != 0) for x in mine])

    def forward(self, parameters: Any, arguments: Any) -> Any:
        """Return the values that are read elsewhere, and what was seen of all."""
        values = self._values(parameters, arguments, None)
        return tuple(values[i] for i in self.kept), self._checks(values)

    def step(self, parameters: Any, arguments: Any, gradients: Any) -> Any:
        """Go forward and back: return the kept values, the updated parameters, gradients by arguments, and marks."""
        reals = [_real(x) for x in arguments]

        def loss(parameters: Any, floating: Any, marks: Any) -> Any:
            rest = iter(floating)
            given = [next(rest) if real else x for x, real in zip(arguments, reals, strict=True)]
            values = self._values(parameters, given, marks)
            return tuple(values[i] for i in self.real), (tuple(values[i] for i in self.kept), self._checks(values))

        floating = tuple(x for x, real in zip(arguments, reals, strict=True) if real)
        marks = (jnp.zeros(2, jnp.float32),) * len(self.nodes)
        _, pull, (kept, checks) = jax.vjp(loss, parameters, floating, marks, has_aux=True)
        by_parameters, by_arguments, by_marks = pull(gradients)
        updated = tuple(p - jnp.asarray(RATE, p.dtype) * g for p, g in zip(parameters, by_parameters, strict=True))
        seen = tuple(_seen(g) for g in by_parameters)
        return kept, checks, updated, by_arguments, by_marks, seen


class Runner:
    """Compiles a network for a run and runs it, as often as wanted, each time on other numbers."""

    def __init__(self, network: Network, traced: Trace, device: Any, tell: Callable[[str], None]) -> None:
        self.network = network
        self.structs = traced.structs
        self.tell = tell
        self.pieces = [_Piece(network, traced, nodes) for nodes in cut(network, traced)]
        self._read_by_rectifiers = rectified(network)
        self._made: dict[str, Any] = {}
        self._options: dict[str, Any] | None = None
        self._bytes = 0
        self._forward = [self._compile(piece, piece.forward) for piece in self.pieces[:-1]]
        self._step = [self._compile(piece, piece.step) for piece in self.pieces]
        self._require(free_bytes(device))

    def _compile(self, piece: _Piece, function: Any) -> Any:
        self.tell(f"run: compile {len(piece.nodes)} layers")
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
            self._bytes = max(self._bytes, _bytes(self._made[key]))
        return self._made[key]

    def _require(self, free: int | None) -> None:
        """Raise TooLarge where the run would not fit: what XLA says of a piece, and what waits for it on the host."""
        held = sum(_size(spec) for piece in self.pieces for spec in piece.specs.values())
        held += sum(_size(self.structs[i]) for piece in self.pieces for i in piece.kept)
        if free is not None and self._bytes + held > free:
            raise TooLarge(f"a training step here would take {_giga(self._bytes + held)}, and {_giga(free)} are free")

    def once(self, seed: int, scale: float = 1.0) -> Marks:
        """Run forward and back on numbers of their own. ``scale`` is that of the loss."""
        self.tell(f"run: random numbers {seed + 1}")
        random = draw.generator(seed)
        nodes = self.network.nodes
        values: dict[int, Any] = {
            node.index: draw.value(self.network, node, self.structs[node.index], random) for node in self.network.inputs
        }
        parameters = [self._parameters(piece, random) for piece in self.pieces]
        marks = Marks({}, {}, {}, {}, {}, {}, {})
        for piece, given, function in zip(self.pieces, parameters, self._forward, strict=False):
            kept, checks = function(given, tuple(values[i] for i in piece.outside))
            values.update(zip(piece.kept, kept, strict=True))
            _note_values(marks, piece, kept, checks)
        gradients: dict[int, Any] = {}
        for index in self.network.outputs.values():
            struct = self.structs[index]
            if nodes[index].layer is not None and _real(struct):
                gradients[index] = (draw.normal(tuple(struct.shape), struct.dtype, random) * scale).astype(struct.dtype)
        for at in reversed(range(len(self.pieces))):
            piece = self.pieces[at]
            back = tuple(_or_zero(gradients.pop(i, None), self.structs[i]) for i in piece.real)
            found = self._step[at](parameters.pop(), tuple(values[i] for i in piece.outside), back)
            kept, checks, _, by_arguments, by_marks, seen = found
            _note_values(marks, piece, kept, checks)
            _note_gradients(marks, piece, by_marks, seen)
            reads = (i for i in piece.outside if _real(self.structs[i]))
            for index, gradient in zip(reads, by_arguments, strict=True):
                if nodes[index].layer is not None:
                    gradients[index] = gradient + gradients[index] if index in gradients else gradient
        return marks

    def _parameters(self, piece: _Piece, random: np.random.Generator) -> tuple[Any, ...]:
        return tuple(
            draw.parameter(spec, 2 if index in self._read_by_rectifiers and name == "kernel" else 1, random)
            for (index, name), spec in piece.specs.items()
        )


def _note_values(marks: Marks, piece: _Piece, kept: Any, checks: Any) -> None:
    finite, alive = (np.asarray(check) for check in checks)
    marks.shapes.update((index, tuple(value.shape)) for index, value in zip(piece.kept, kept, strict=True))
    marks.finite.update((index, int(count)) for index, count in zip(piece.nodes, finite, strict=True))
    marks.alive.update((index, bool(some)) for index, some in zip(piece.nodes, alive, strict=True))


def _note_gradients(marks: Marks, piece: _Piece, by_marks: Any, seen: Any) -> None:
    for index, mark in zip(piece.nodes, by_marks, strict=True):
        some, sound = np.asarray(mark)
        marks.flowing[index] = bool(some)
        # A value that no output depends on has no gradient at all, and nothing that could be wrong with it.
        marks.sound[index] = bool(sound) or not some
    for key, mark in zip(piece.specs, seen, strict=True):
        marks.parameters_flowing[key], marks.parameters_sound[key] = (bool(x) for x in np.asarray(mark))


def _or_zero(gradient: Any, struct: Any) -> Any:
    return np.zeros(struct.shape, struct.dtype) if gradient is None else gradient


def _size(struct: Any) -> int:
    size: int = math.prod(struct.shape) * jnp.dtype(struct.dtype).itemsize
    return size


def _bytes(executable: Any) -> int:
    memory = executable.memory_analysis()
    total = memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    return int(total - memory.alias_size_in_bytes)


def _giga(size: int) -> str:
    return f"{size / 1e9:,.2f} GB"
