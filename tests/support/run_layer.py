"""One layer as a function of arrays, by the reference or by PyTorch: what is declared of it is held against that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import torch
from random_layers import Case

from shapecheck.arithmetic.shape import Shape
from shapecheck.verification.reference.builders import BUILDERS
from shapecheck.verification.reference.call import Call, ReferencedLayer
from shapecheck.verification.reference.compile import QUICK

Array: TypeAlias = np.ndarray[Any, Any]
MODES = {
    "nearest": ("nearest",) * 4,
    "linear": ("", "linear", "bilinear", "trilinear"),
    "cubic": ("", "", "bicubic", ""),
}


def numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(int(size) for size in shape if isinstance(size, int))


def function_of(case: Case, there: Array | None) -> Callable[..., Array]:
    """Return a layer as a function of its inputs: by PyTorch, which has the last word, where it resamples."""
    if case.layer.op == "upsample" and MODES[vars(case.layer)["mode"]][len(case.output) - 2]:
        return by_torch(case)
    return by_reference(case, there)


def by_reference(case: Case, there: Array | None = None) -> Callable[..., Array]:
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


def by_torch(case: Case) -> Callable[..., Array]:
    """Return an upsampling as PyTorch does it, whose steps are followed where a scale factor is no ratio of sizes."""
    layer: Any = case.layer
    count = len(case.output) - 2

    def run(x: Array) -> Array:
        moved = np.moveaxis(x, -1, 1) if case.context.channels_last else x
        out = numbers(case.output)
        asked: dict[str, Any] = {"size": out[1:-1] if case.context.channels_last else out[2:]}
        if layer.scale_factor is not None:
            factors = layer.scale_factor if isinstance(layer.scale_factor, tuple) else (layer.scale_factor,) * count
            asked = {"scale_factor": factors}
        result = torch.nn.functional.interpolate(torch.tensor(moved), mode=MODES[layer.mode][count], **asked).numpy()
        return np.moveaxis(result, 1, -1) if case.context.channels_last else result

    return run


def base(shape: Shape, rng: np.random.Generator, op: str) -> Array:
    if op == "embedding":
        return rng.integers(0, 4, numbers(shape)).astype(np.int32)
    return rng.uniform(0.1, 0.9, numbers(shape)).astype(np.float32)
