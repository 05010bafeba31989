"""What a run shows: numbers that are not finite, and parameters that the gradient does not reach, with the cause."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from shapecheck.arithmetic.shape import channel_axis
from shapecheck.graph.network import Network, Node
from shapecheck.layers.role import Role
from shapecheck.verification.records.training_run import LostGradient, NotFinite, TrainingRun
from shapecheck.verification.reference.build_errors import one_line
from shapecheck.verification.reference.built_network import draws_random_numbers, parameter_name
from shapecheck.verification.reference.execution.step_runner import (
    DRAWS,
    PATIENCE,
    SMALLER,
    Marks,
    NotEnoughMemory,
    StepRunner,
)
from shapecheck.verification.reference.layer_function import values_read
from shapecheck.verification.reference.trace import Trace


class ReferenceRun(NamedTuple):
    """A run, and by node the ``shapes`` of the arrays that came out of it.

    ``run`` is None where there was none; ``not_run`` then says why.
    """

    shapes: Mapping[int, tuple[int, ...]] = {}
    run: TrainingRun | None = None
    not_run: str | None = None


def run_network(network: Network, traced: Trace, device: Any, tell: Callable[[str], None]) -> ReferenceRun:
    """Run a network of which every layer was traced, forward and back on random numbers.

    Where there is memory for a forward pass only, that alone is run.
    """
    try:
        runner = StepRunner(network, traced, device, tell)
    except NotEnoughMemory as error:
        return ReferenceRun(not_run=str(error))
    except Exception as error:  # XLA raises of many kinds, and each is what it has to say
        return ReferenceRun(not_run=f"the training step does not compile: {one_line(error)}")
    try:
        diagnosis = _Diagnosis(network, traced, runner)
        return diagnosis.run() if runner.forward_only is None else diagnosis.forward(runner.forward_only)
    except MemoryError:
        return ReferenceRun(not_run="the memory was used up")
    except Exception as error:
        return ReferenceRun(not_run=f"the run failed: {one_line(error)}")


class _Diagnosis:
    def __init__(self, network: Network, traced: Trace, runner: StepRunner) -> None:
        self.network = network
        self.traced = traced
        self.runner = runner
        self.keys = [(node, name) for node, held in traced.specs.items() for name in held]
        self.readers: dict[int, list[Node]] = {}
        for node in network.layers:
            for index in values_read(network, node):
                self.readers.setdefault(index, []).append(node)
        self.outputs = set(network.outputs.values())
        self.seen: list[Marks] = []

    def forward(self, why: str) -> ReferenceRun:
        """Return what a forward pass shows, where ``why`` says why there is nothing else."""
        marks = self.runner.forward(0)
        found = self._blank()._replace(draws=1, not_finite=self._value_not_finite(marks), forward_only=why)
        return ReferenceRun(marks.shapes, found)

    def _blank(self) -> TrainingRun:
        return TrainingRun(
            0, len(self.network.layers), len(self.keys), None, (), (), draws_random_numbers(self.network)
        )

    def run(self) -> ReferenceRun:
        """Return what forward passes and training steps show."""
        start = time.perf_counter()
        cancelled = {key: norm for key in self.keys if (norm := self._cancelling(*key)) is not None}
        pairs = tuple((self._name(key), self.network.nodes[norm].name) for key, norm in cancelled.items())
        found = self._blank()._replace(cancelled=pairs)
        missing: set[tuple[int, str]] = set(self.keys) - set(cancelled)
        for seed in range(DRAWS):
            marks = self.runner.once(seed)
            wrong = self._not_finite(marks)
            if wrong is not None and wrong.what == "gradient" and self._half():
                marks = self.runner.once(seed, SMALLER)
                wrong = self._not_finite(marks)
            self.seen.append(marks)
            found = found._replace(draws=seed + 1, not_finite=wrong)
            if wrong is not None:
                return ReferenceRun(marks.shapes, found)
            missing = {key for key in missing if marks.parameters[key] == 0}
            if not missing or (seed > 0 and time.perf_counter() - start > PATIENCE):
                break
        return ReferenceRun(marks.shapes, found._replace(lost=self._lost(missing)))

    def _name(self, key: tuple[int, str]) -> str:
        return parameter_name(self.network.nodes[key[0]], key[1])

    def _half(self) -> bool:
        return any(struct.dtype == jnp.float16 for struct in self.traced.structs.values())

    def _value_not_finite(self, marks: Marks) -> NotFinite | None:
        for node in (self.network.nodes[index] for index in self.network.order):
            if node.layer is not None and not math.isfinite(marks.values[node.index]):
                return NotFinite(node.name, "value", math.isnan(marks.values[node.index]))
        return None

    def _not_finite(self, marks: Marks) -> NotFinite | None:
        wrong = self._value_not_finite(marks)
        if wrong is not None:
            return wrong
        for index in reversed([i for i in self.network.order if self.network.nodes[i].layer is not None]):
            # Where the gradient by its output is sound, it is this layer that spoils the others.
            if math.isfinite(marks.gradients[index]):
                made = [marks.parameters[key] for key in self.keys if key[0] == index]
                made += [marks.gradients.get(i, 0.0) for i in values_read(self.network, self.network.nodes[index])]
                if not all(map(math.isfinite, made)):
                    return NotFinite(self.network.nodes[index].name, "gradient", any(map(math.isnan, made)))
        return None

    def _lost(self, missing: Iterable[tuple[int, str]]) -> tuple[LostGradient, ...]:
        """Return the parameters without a gradient, those together for which it ends at the same nodes."""
        groups: dict[tuple[tuple[int, ...], bool], list[str]] = {}
        for key in sorted(missing, key=self.keys.index):
            connected, at = self._ends(key[0])
            groups.setdefault((tuple(at), connected), []).append(self._name(key))
        return tuple(
            LostGradient(
                tuple(names),
                tuple(self.network.nodes[index].name for index in at),
                connected,
                not any(self._alive(index) for index in at),
            )
            for (at, connected), names in groups.items()
        )

    def _ends(self, start: int) -> tuple[bool, list[int]]:
        """Return whether an output depends on a node, and where the gradient ends that should reach it."""
        if self._flows(start):
            return True, [self._first_silent(start)]
        ends: list[int] = []
        loose: list[int] = []
        connected = False
        seen, waiting = {start}, [start]
        while waiting:
            index = waiting.pop()
            readers = [node for node in self.readers.get(index, []) if self._passes(node)]
            connected = connected or index in self.outputs
            if not readers and index not in self.outputs:
                loose.append(index)
            for reader in readers:
                if self._flows(reader.index):
                    ends.append(reader.index)
                elif reader.index not in seen:
                    seen.add(reader.index)
                    waiting.append(reader.index)
        connected = connected or bool(ends)
        return connected, sorted(set(ends)) if connected else sorted(set(loose))

    def _first_silent(self, index: int) -> int:
        """Return the node from which on all that a node reads is zero, or the node itself."""
        while reads := [i for i in values_read(self.network, self.network.nodes[index]) if not self._alive(i)]:
            index = reads[0]
        return index

    def _alive(self, index: int) -> bool:
        """Tell whether a node gave anything but zeros; an input always does."""
        return any(marks.values.get(index, 1.0) != 0 for marks in self.seen)

    def _flows(self, index: int) -> bool:
        return any(marks.gradients[index] != 0 for marks in self.seen)

    def _passes(self, node: Node) -> bool:
        return bool(jnp.issubdtype(self.traced.structs[node.index].dtype, jnp.inexact))

    def _cancelling(self, index: int, name: str) -> int | None:
        """Return the normalisation that subtracts what a parameter adds to each channel, and is all that reads it."""
        readers = self.readers.get(index, [])
        if len(readers) != 1 or readers[0].layer is None or index in self.outputs:
            return None
        channels = channel_axis(len(self.traced.structs[index].shape), self.network.channels_last)
        if self.traced.specs[index][name].added_along != channels:
            return None
        return readers[0].index if Role.CENTRES_CHANNELS in readers[0].layer.role else None
