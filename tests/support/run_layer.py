"""One layer as a function of arrays, by the second build: what is declared of it is held against that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from random_layers import Case

from shapecheck.arithmetic.shape import Shape
from shapecheck.verification.reference.builders import BUILDERS
from shapecheck.verification.reference.call import Call, ReferencedLayer
from shapecheck.verification.reference.compile import QUICK

Array: TypeAlias = np.ndarray[Any, Any]


def numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(int(size) for size in shape if isinstance(size, int))


def function_of(case: Case, there: Array | None) -> Callable[..., Array]:
    """Return a layer as the reference builds it, with random parameters; ``there`` is what the undone layer reads."""
    rng = np.random.default_rng(7)
    held: dict[str, Array] = {}

    def parameter(name: str, spec: Any) -> Any:
        if name not in held:
            held[name] = rng.uniform(0.5, 1.5, spec.shape).astype(np.float32)
        return jnp.asarray(held[name])

    references = {
        key: ReferencedLayer(
            reference.name,
            reference.layer,
            tuple(jax.ShapeDtypeStruct(numbers(s), np.float32) if there is None else there for s in reference.inputs),
            jax.ShapeDtypeStruct(numbers(reference.output), np.float32),
        )
        for key, reference in case.context.references.items()
    }

    def run(*inputs: jax.Array) -> jax.Array:
        call = Call(case.layer, inputs, case.context.channels_last, jnp.float32, parameter, references)
        return BUILDERS[case.layer.op](call)

    compiled = jax.jit(run, compiler_options=QUICK)
    return lambda *inputs: np.asarray(compiled(*inputs))


def base(shape: Shape, rng: np.random.Generator, op: str) -> Array:
    if op == "embedding":
        return rng.integers(0, 4, numbers(shape)).astype(np.int32)
    return rng.uniform(0.1, 0.9, numbers(shape)).astype(np.float32)
