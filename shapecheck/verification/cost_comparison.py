"""What the compiler knows of a network's cost, set beside what the arithmetic counts."""

from __future__ import annotations

import struct
from copy import copy

from shapecheck.analysis.cost import activations, cost, on_padding, total
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.arithmetic.symbolic import known
from shapecheck.graph.network import Network
from shapecheck.verification import Plan
from shapecheck.verification.records.compiler_cost import (
    CompiledFigures,
    CompilerCost,
    CountMismatch,
    FlopsExcess,
    OtherFlops,
    Unavailable,
)
from shapecheck.verification.reference.build_errors import BuildError, DeviceError, one_line
from shapecheck.verification.reference.compiled_cost import (
    LayerFlops,
    forward,
    layer_flops,
    on_device,
    parameter_type,
    training,
)
from shapecheck.verification.reference.training_step import SLOTS

_LARGEST = 3


def retyped(network: Network, dtype: str | None) -> Network:
    """Return the network with a dtype for every floating-point input and parameter."""
    if dtype is None:
        return network
    changed = copy(network)
    changed.dtype = dtype
    return changed


def cost_of(network: Network, plan: Plan) -> CompilerCost | Unavailable:
    """Return the cost of a network in which every size is a number."""
    shapes = propagate(network)
    if shapes.troubles or shapes.undecided or None in shapes.outputs:
        return Unavailable("cost", "some shape is not known")
    try:
        with on_device(network, plan.device) as backend:
            layers = layer_flops(network)
            passed = forward(network, backend)
            step = training(network, plan.optimizer, backend)
            dtype, itemsize = parameter_type(network)
    except Exception as error:
        return Unavailable("cost", reason(error))
    return _compare(shapes, plan, backend, dtype, itemsize, layers, passed, step)


def reason(error: Exception) -> str:
    """Return what an error of JAX or XLA says, on one line."""
    return str(error) if isinstance(error, (DeviceError, BuildError)) else one_line(error)


def _compare(
    shapes: Shapes,
    plan: Plan,
    backend: str,
    dtype: str,
    itemsize: int,
    layers: dict[int, LayerFlops],
    passed: CompiledFigures,
    step: CompiledFigures,
) -> CompilerCost:
    whole = total(shapes)
    same, differing = _agreement(shapes, layers)
    other, excesses = _besides(shapes, layers)
    alone = None if other is None else sum(each.total or 0 for each in layers.values())
    return CompilerCost(
        backend,
        dtype,
        itemsize,
        plan.optimizer,
        len(SLOTS[plan.optimizer]),
        known(whole.parameters),
        known(whole.multiply_adds),
        sum(on_padding(shapes, node) for node in shapes.network.layers),
        known(activations(shapes)),
        passed,
        step,
        same,
        tuple(differing),
        other,
        None if alone is None or passed.flops is None else passed.flops - alone,
        tuple(sorted(excesses, key=lambda one: -abs(one.flops))[:_LARGEST]),
    )


def _agreement(shapes: Shapes, layers: dict[int, LayerFlops]) -> tuple[int, list[CountMismatch]]:
    """Compare each layer's multiply-adds on input with XLA's own count of its convolutions and products."""
    same, differing = 0, []
    for node in shapes.network.layers:
        counted = 2 * (known(cost(shapes, node).multiply_adds) - on_padding(shapes, node))
        compiler = layers[node.index].contractions
        if not counted or compiler is None:
            continue
        if _single(counted) == _single(compiler):
            same += 1
        else:
            differing.append(CountMismatch(node.name, counted, compiler))
    return same, differing


def _single(count: float) -> float:
    """Return a count as XLA keeps it, in 32-bit floating point."""
    (found,) = struct.unpack("f", struct.pack("f", count))
    return float(found)


def _besides(shapes: Shapes, layers: dict[int, LayerFlops]) -> tuple[tuple[OtherFlops, ...] | None, list[FlopsExcess]]:
    """Return what XLA counts besides multiply-adds on input, by op, and each layer's whole difference."""
    flops: dict[str, float] = {}
    most: dict[str, tuple[float, str]] = {}
    excesses = []
    for node in shapes.network.layers:
        compiler = layers[node.index].total
        if compiler is None:
            return None, []
        counted = 2 * known(cost(shapes, node).multiply_adds)
        rest = compiler - (counted - 2 * on_padding(shapes, node))
        if compiler != counted:
            excesses.append(FlopsExcess(node.name, compiler - counted))
        if rest:
            flops[node.op] = flops.get(node.op, 0) + rest
            most[node.op] = max(most.get(node.op, (0.0, "")), (rest, node.name), key=lambda pair: pair[0])
    ordered = sorted(flops, key=lambda op: -flops[op])
    return tuple(OtherFlops(op, flops[op], most[op][1]) for op in ordered), excesses
