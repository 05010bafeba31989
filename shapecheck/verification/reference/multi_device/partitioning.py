"""The network on several devices: what JAX refuses to split, and what XLA makes of the rest.

Devices are virtual: XLA partitions for as many CPU devices as the mesh has, without running anything, and no array
is ever allocated. So a network that no machine at hand can hold is looked at like any other.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec

from shapecheck.graph.network import Network, Node, Sharding, Split
from shapecheck.text import plural
from shapecheck.verification.records.partition import MOST_DEVICES, LayerSplit, Partition, PartitionPass, Refusal
from shapecheck.verification.records.plan import ProgressCallback
from shapecheck.verification.reference.build_errors import one_line
from shapecheck.verification.reference.built_network import parameter_name
from shapecheck.verification.reference.call import ParameterSpec
from shapecheck.verification.reference.compile import QUICK, compiled, figures
from shapecheck.verification.reference.layer_function import parameter_dtype, precision, run
from shapecheck.verification.reference.multi_device.hlo_collectives import transfers
from shapecheck.verification.reference.multi_device.layer_collectives import exchanges, reduced
from shapecheck.verification.reference.trace import Trace, trace

Arrays = dict[str, Any]

# JAX leaves these without types.
_spec: Any = PartitionSpec
_struct: Any = jax.ShapeDtypeStruct
_update: Any = jax.config.update
_constrain: Any = jax.lax.with_sharding_constraint


class _Job(NamedTuple):
    """A network, traced, with the splits that are asked of it."""

    network: Network
    traced: Trace
    sharding: Sharding


def prepare_devices(counts: Iterable[int]) -> None:
    """Ask for as many virtual CPU devices as the largest mesh takes that is not too large.

    Has no effect once JAX's backend runs; ``partition`` says so where it matters.
    """
    count = max((count for count in counts if count <= MOST_DEVICES), default=1)
    if count > 1:
        try:
            _update("jax_num_cpu_devices", count)
        except (RuntimeError, AttributeError):
            return


def partition(network: Network, level: str, progress: ProgressCallback | None = None) -> Partition:
    """Return what becomes of a network that is split as ``network.sharding`` says. Raises ValueError without one.

    ``progress(done, total, what)`` is called before each step that compiles, and once at the end.

    At the levels ``trace`` and ``lower`` the mesh is abstract, and takes no device; so it is where the mesh has more
    than ``MOST_DEVICES``, and then the outcome is not checked at the level ``compile``.
    """
    sharding = network.sharding
    if sharding is None:
        raise ValueError("the network has no sharding")
    start = time.perf_counter()
    with warnings.catch_warnings(), precision(network):
        warnings.simplefilter("ignore")
        found = _partition(network, sharding, level, progress or (lambda done, total, what: None))
    return found._replace(seconds=time.perf_counter() - start)


def _partition(network: Network, sharding: Sharding, level: str, tell: ProgressCallback) -> Partition:
    mesh = dict(sharding.mesh)
    traced = trace(network)
    for failures in (traced.refused, traced.not_checked):
        for index, why in failures.items():
            reason = f"there is no whole network to split: {network.nodes[index].name}: {why}"
            return Partition(mesh, level, "not_checked", reason)
    job = _Job(network, traced, sharding)
    abstract = AbstractMesh(tuple(mesh.values()), tuple(mesh), axis_types=(AxisType.Auto,) * len(mesh))
    refusals, argument = _divided(job, abstract)
    if refusals:
        return Partition(mesh, level, "refuted", None, refusals=refusals)
    if level == "trace":
        return Partition(mesh, level, "proved", None, argument=argument)
    try:
        if level == "lower":
            _lower(job, abstract)
            return Partition(mesh, level, "proved", None, argument=argument)
        devices, reason = _devices(sharding.devices)
        if devices is None:
            _lower(job, abstract)
            return Partition(mesh, "lower", "not_checked", f"lowered by JAX, but {reason}", argument=argument)
        return _compiled(job, devices, argument, tell)
    except Exception as error:  # JAX and XLA raise of many kinds, and each is what it has to say of this split
        return Partition(mesh, level, "refuted", None, refusals=(Refusal("the network", None, one_line(error)),))


def _lower(job: _Job, mesh: AbstractMesh) -> None:
    # Where no device is, JAX has to be told for which platform to lower.
    jax.jit(_forward(job, mesh)).trace(*_arguments(job, mesh)).lower(lowering_platforms=("cpu",))


def _devices(count: int) -> tuple[list[jax.Device] | None, str]:
    """Return so many CPU devices, or why they are not to be had."""
    if count > MOST_DEVICES:
        return None, f"not compiled: the mesh has {count:,} devices, and at most {MOST_DEVICES} virtual ones are made"
    try:
        devices = jax.devices("cpu")
    except (RuntimeError, AssertionError) as error:
        return None, f"not compiled: JAX has no CPU devices here ({one_line(error)})"
    if len(devices) < count:
        return None, (
            f"not compiled: JAX runs with {plural(len(devices), 'CPU device')} here, and more can"
            f' only be made before its first use: jax.config.update("jax_num_cpu_devices", {count}),'
            " or shapecheck verify"
        )
    return devices[:count], ""


def _named(mesh: Any, splits: tuple[Split, ...]) -> NamedSharding:
    entries = [None if not split.axes else split.axes[0] if len(split.axes) == 1 else split.axes for split in splits]
    return NamedSharding(mesh, _spec(*entries))


def _shardings(job: _Job, mesh: Any) -> tuple[dict[str, NamedSharding], dict[str, NamedSharding]]:
    """Return how each parameter and each input is split, by name."""
    parameters = {}
    for index, held in job.traced.specs.items():
        node = job.network.nodes[index]
        for name, spec in held.items():
            splits = _parameter_splits(job, node, spec)
            parameters[parameter_name(node, name)] = _named(mesh, splits)
    inputs = {node.name: _named(mesh, job.sharding.inputs.get(node.index, ())) for node in job.network.inputs}
    return parameters, inputs


def _parameter_splits(job: _Job, node: Node, spec: ParameterSpec) -> tuple[Split, ...]:
    split = job.sharding.channels.get(node.index)
    if split is None or spec.channel_axis is None:
        return ()
    return (*(Split((), None),) * spec.channel_axis, split)


def _divided(job: _Job, mesh: AbstractMesh) -> tuple[tuple[Refusal, ...], int]:
    """Return what JAX refuses to divide, and the bytes that each device holds of the rest."""
    parameters, inputs = _shardings(job, mesh)
    arrays: list[tuple[str, Node, jax.ShapeDtypeStruct | ParameterSpec, NamedSharding]] = [
        (node.name, node, job.traced.structs[node.index], inputs[node.name]) for node in job.network.inputs
    ]
    for index, held in job.traced.specs.items():
        node = job.network.nodes[index]
        names = [(parameter_name(node, name), spec) for name, spec in held.items()]
        arrays += [(name, node, spec, parameters[name]) for name, spec in names]
    refusals, total = [], 0
    for name, node, array, sharding in arrays:
        try:
            shard = sharding.shard_shape(tuple(array.shape))
        except ValueError as error:
            said = one_line(error).partition(" implies that ")[2].partition(" (full shape")[0]
            refusals.append(Refusal(name, node.name, said or one_line(error)))
            continue
        total += int(np.prod(shard, dtype=object)) * int(array.dtype.itemsize)
    return tuple(refusals), total


def _arguments(job: _Job, mesh: Any) -> tuple[Arrays, Arrays]:
    """Return parameters and inputs as abstract arrays: split over a mesh, or whole where there is none."""
    parameters, inputs = _shardings(job, mesh) if mesh is not None else ({}, {})
    specs = {
        parameter_name(job.network.nodes[index], name): spec
        for index, held in job.traced.specs.items()
        for name, spec in held.items()
    }
    given = {name: _struct(s.shape, s.dtype, sharding=parameters.get(name)) for name, s in specs.items()}
    structs = {node.name: job.traced.structs[node.index] for node in job.network.inputs}
    return given, {name: _struct(s.shape, s.dtype, sharding=inputs.get(name)) for name, s in structs.items()}


def _forward(job: _Job, mesh: Any, seen: dict[int, Any] | None = None) -> Any:
    """Return the network as a function of parameters and inputs by name.

    What the file says of an output's split is asked of XLA where there is a ``mesh``. The split that XLA gives
    each layer's output is noted in ``seen`` while it compiles; nothing that is compiled changes by that.
    """
    network, structs = job.network, job.traced.structs
    dtype = parameter_dtype(network)

    def forward(parameters: Arrays, inputs: Arrays) -> Arrays:
        values: dict[int, jax.Array] = {}
        for index in network.order:
            node = network.nodes[index]
            if node.layer is None:
                values[index] = inputs[node.name]
                continue

            def source(name: str, spec: ParameterSpec, node: Node = node) -> jax.Array:
                value: jax.Array = parameters[parameter_name(node, name)]
                return value

            value = run(network, node, values, structs, source, dtype)
            if mesh is not None and index in job.sharding.outputs:
                value = _constrain(value, _named(mesh, job.sharding.outputs[index]))
            if seen is not None:
                jax.debug.inspect_array_sharding(value, callback=functools.partial(seen.__setitem__, index))
            values[index] = value
        return {name: values[index] for name, index in network.outputs.items()}

    return forward


def _loss(forward: Any) -> Any:
    """Return the mean square of all floating-point outputs: a loss whose gradient depends on every number."""

    def loss(parameters: Arrays, inputs: Arrays) -> Any:
        outputs = [y for y in forward(parameters, inputs).values() if jnp.issubdtype(y.dtype, jnp.floating)]
        return sum((jnp.mean(jnp.square(y)).astype(jnp.float32) for y in outputs), start=jnp.float32(0))

    return loss


def _compiled(job: _Job, devices: list[jax.Device], argument: int, tell: ProgressCallback) -> Partition:
    names = dict(job.sharding.mesh)
    mesh = Mesh(
        np.array(devices).reshape(tuple(names.values())), tuple(names), axis_types=(AxisType.Auto,) * len(names)
    )
    tell(0, 2, "forward pass on the mesh")
    seen: dict[int, Any] = {}
    split = jax.jit(_forward(job, mesh, seen)).lower(*_arguments(job, mesh))
    with jax.default_device(devices[0]):
        whole = jax.jit(_forward(job, None)).lower(*_arguments(job, None))
        passes = [_pass(job, "forward", split, whole)]
        note = None
        parameters, _ = _shardings(job, mesh)
        if any(jnp.issubdtype(job.traced.structs[i].dtype, jnp.floating) for i in job.network.outputs.values()):
            tell(1, 2, "training step on the mesh")
            # A gradient is kept as its parameter is: that is what an optimizer needs.
            shardings = (NamedSharding(mesh, _spec()), parameters)
            step = jax.value_and_grad(_loss(_forward(job, mesh)))
            split = jax.jit(step, out_shardings=shardings).lower(*_arguments(job, mesh))
            whole = jax.jit(jax.value_and_grad(_loss(_forward(job, None)))).lower(*_arguments(job, None))
            passes.append(_pass(job, "training", split, whole))
        else:
            note = "no training step was compiled: no output is a floating-point number"
    tell(2, 2, "done")
    splits = _splits(job, seen, reduced(passes[0].exchanges))
    return Partition(names, "compile", "proved", None, note, (), argument, tuple(passes), splits)


def _pass(job: _Job, name: Any, split: Any, whole: Any) -> PartitionPass:
    executable = compiled(split, dict(QUICK))
    moved = transfers(executable.as_text(), job.sharding.devices)
    return PartitionPass(
        name,
        figures(compiled(whole, dict(QUICK))),
        figures(executable),
        sum({one.instruction: one.times or 1 for one in moved}.values()),
        exchanges(moved, job.sharding.mesh, {node.index: node.name for node in job.network.nodes}),
    )


def _splits(job: _Job, seen: Mapping[int, Any], sums: set[tuple[str, str]]) -> tuple[LayerSplit, ...]:
    """Return how XLA split each layer's output. ``sums`` are the layers that add up parts along a mesh axis."""
    found = []
    for node in job.network.layers:
        spec = getattr(seen.get(node.index), "spec", None)
        if spec is None:
            continue
        shape = tuple(job.traced.structs[node.index].shape)
        split = tuple(_entry(spec[axis] if axis < len(spec) else None) for axis in range(len(shape)))
        sizes = [int(np.prod([job.sharding.mesh[name] for name in axes], dtype=int)) for axes in split]
        uneven = tuple(axis for axis, parts in enumerate(sizes) if shape[axis] % parts)
        used = {name for axes in split for name in axes} | {axis for layer, axis in sums if layer == node.name}
        learns = bool(job.traced.specs.get(node.index))
        repeated = tuple(axis for axis, size in job.sharding.mesh.items() if learns and size > 1 and axis not in used)
        found.append(LayerSplit(node.name, shape, split, uneven, repeated))
    return tuple(found)


def _entry(entry: Any) -> tuple[str, ...]:
    return () if entry is None else (entry,) if isinstance(entry, str) else tuple(entry)
