"""One step of training as a JAX function: forward, backward, and the optimizer's update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from shapecheck.verification.records.plan import Optimizer
from shapecheck.verification.reference.built_network import BuiltNetwork
from shapecheck.verification.reference.call import abstract

Arrays: TypeAlias = Mapping[str, Any]
Structs: TypeAlias = dict[str, jax.ShapeDtypeStruct]

# How many arrays of the size of the parameters an optimizer keeps.
SLOTS: dict[Optimizer, tuple[str, ...]] = {"sgd": (), "momentum": ("velocity",), "adam": ("mean", "square")}
_RATE, _MOMENTUM, _DECAY, _SQUARE_DECAY, _EPSILON = 1e-3, 0.9, 0.9, 0.999, 1e-8


class TrainingStep(NamedTuple):
    """``function(parameters, state, inputs, key)`` returns new parameters, new state and the loss.

    ``parameters``, ``state``, ``inputs`` and ``key`` are abstract arguments. ``state`` holds the optimizer's slots,
    of the parameters' dtypes; adam's also the number of steps. ``key`` is None unless something is drawn at random.
    """

    function: Callable[..., Any]
    parameters: Structs
    state: dict[str, Any]
    inputs: Structs
    key: jax.ShapeDtypeStruct | None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The four arguments, in order."""
        return self.parameters, self.state, self.inputs, self.key


def training_step(network: BuiltNetwork, optimizer: Optimizer = "sgd", random: bool = False) -> TrainingStep:
    """Return one step on the sum of squares of all floating-point outputs, in whose place a loss would stand.

    The gradient of a plain sum is a constant, of which XLA works out as much as it can while it compiles: less is
    left of the step, and compiling takes minutes. ``random`` says that it draws numbers in training, as
    dropout does.
    """
    parameters = {name: abstract(spec.shape, spec.dtype) for name, spec in network.specs.items()}
    state: dict[str, Any] = {slot: dict(parameters) for slot in SLOTS[optimizer]}
    if optimizer == "adam":
        state["steps"] = abstract((), jnp.dtype("int32"))

    def loss(given: Arrays, inputs: Arrays, key: Any) -> Any:
        outputs = [y for y in network.apply(given, inputs, key).values() if jnp.issubdtype(y.dtype, jnp.floating)]
        return sum((jnp.sum(jnp.square(y)) for y in outputs), start=jnp.float32(0))

    def step(given: Arrays, state: Arrays, inputs: Arrays, key: Any) -> tuple[Any, Any, Any]:
        value, gradients = jax.value_and_grad(loss)(given, inputs, key)
        updated, state = _UPDATES[optimizer](given, gradients, state)
        return updated, state, value

    key = jax.eval_shape(lambda: jax.random.key(0)) if random else None
    return TrainingStep(step, parameters, state, dict(network.inputs), key)


def _sgd(parameters: Arrays, gradients: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
    return jax.tree.map(lambda p, g: p - _RATE * g, parameters, gradients), state


def _momentum(parameters: Arrays, gradients: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
    velocity = jax.tree.map(lambda v, g: _MOMENTUM * v + g, state["velocity"], gradients)
    return jax.tree.map(lambda p, v: p - _RATE * v, parameters, velocity), {"velocity": velocity}


def _adam(parameters: Arrays, gradients: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
    """Kingma and Ba 2015, algorithm 1."""
    steps = state["steps"] + 1
    mean = jax.tree.map(lambda m, g: _DECAY * m + (1 - _DECAY) * g, state["mean"], gradients)
    square = jax.tree.map(lambda v, g: _SQUARE_DECAY * v + (1 - _SQUARE_DECAY) * g * g, state["square"], gradients)
    count = steps.astype(jnp.float32)
    correction, square_correction = 1 - _DECAY**count, 1 - _SQUARE_DECAY**count

    def moved(p: Any, m: Any, v: Any) -> Any:
        towards = (m / correction.astype(p.dtype)) / (jnp.sqrt(v / square_correction.astype(p.dtype)) + _EPSILON)
        return p - _RATE * towards

    updated = jax.tree.map(moved, parameters, mean, square)
    return updated, {"mean": mean, "square": square, "steps": steps}


_UPDATES: dict[Optimizer, Callable[[Arrays, Arrays, Arrays], tuple[Arrays, Arrays]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "adam": _adam,
}
