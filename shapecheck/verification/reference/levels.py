"""What JAX and XLA say of a network's shapes, level by level."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax

from shapecheck.graph.network import Network
from shapecheck.text import plural
from shapecheck.verification.records.plan import DEVICES, LEVELS, Device, Level, ProgressCallback
from shapecheck.verification.reference.compile import Compiler
from shapecheck.verification.reference.device import find_device
from shapecheck.verification.reference.execution.run_diagnosis import ReferenceRun, run_network
from shapecheck.verification.reference.layer_function import precision
from shapecheck.verification.reference.segments import cut
from shapecheck.verification.reference.trace import Trace, trace


class ReferenceResult(NamedTuple):
    """What was found; the keys of the mappings are indices into ``Network.nodes``.

    ``shapes`` holds every node that passed, inputs included; ``refused`` what JAX or XLA says of a layer that it does
    not take; ``not_checked`` why nobody looked. ``bytes_agree`` compares, at the level ``compile`` on a CPU, the size
    of all outputs that XLA reports with the size that ``shapes`` make, to the byte; None where that was not done.
    ``flops`` is XLA's count for one forward pass, from the level ``lower`` on. ``compiled`` counts the modules that
    XLA compiled, equal ones once. ``refused_by`` tells which level refused a layer, ``levels`` how many seconds each
    level took, in order. ``parameters`` counts the learned numbers of every layer that passed. ``run`` is what the
    level ``run`` found, None below it.
    """

    level: Level
    backend: str
    shapes: Mapping[int, tuple[int, ...]]
    refused: Mapping[int, str]
    not_checked: Mapping[int, str]
    bytes_agree: bool | None
    bytes_expected: int | None
    bytes_found: int | None
    flops: float | None
    seconds: float
    compiled: int
    refused_by: Mapping[int, str]
    levels: Mapping[str, float]
    parameters: Mapping[int, int]
    run: ReferenceRun | None = None


def run_levels(
    network: Network,
    level: Level = "compile",
    device: Device = "auto",
    progress: ProgressCallback | None = None,
    so_far: Callable[[ReferenceResult], object] | None = None,
) -> ReferenceResult:
    """Let JAX (``trace``), StableHLO (``lower``) and XLA (``compile``) find the shape of every layer.

    The level ``run`` goes on to a training step on random numbers, if all layers passed. Nothing that shapecheck's
    own arithmetic computed is used. ``progress(done, total, what)`` is called before each step and once at the end,
    ``so_far`` with what was found at a lower level, when there is more to come.
    Raises DeviceError where ``device`` is not here, ValueError for an unknown word.
    """
    for word, words in ((level, LEVELS), (device, DEVICES)):
        if word not in words:
            raise ValueError(f"{word!r} is none of {', '.join(words)}")
    start = time.perf_counter()
    tell = progress or (lambda done, total, what: None)
    place = find_device(device)
    with warnings.catch_warnings(), jax.default_device(place), precision(network):
        warnings.simplefilter("ignore")
        tell(0, 1 if level == "trace" else 2, "trace")
        traced = trace(network)
        pieces = [] if level == "trace" else cut(network, traced)
        to_lower = {index for piece in pieces for index in piece}

        def seen(at: Level) -> ReferenceResult:
            return record(at, place.platform, traced, compiler, time.perf_counter() - start)

        def lowered(nodes: list[int]) -> None:
            to_lower.difference_update(nodes)
            if so_far is not None and level != "lower" and not to_lower:
                so_far(seen("lower"))

        compiler = Compiler(network, traced, level in ("compile", "run"), lowered)
        compiler.seconds["trace"] = time.perf_counter() - start
        if so_far is not None and level != "trace":
            so_far(seen("trace"))
        total = len(pieces) + (2 if level == "run" else 1)
        for done, piece in enumerate(pieces, 1):
            tell(done, total, f"{'compile' if level == 'run' else level} {plural(len(piece), 'layer')}")
            compiler.check(piece)
        found = None
        if level == "run":
            if so_far is not None:
                so_far(seen("compile"))
            begun = time.perf_counter()
            found = _run(network, traced, compiler, place, lambda what: tell(total - 1, total, what))
            compiler.seconds["run"] = time.perf_counter() - begun
    tell(total, total, "done")
    return seen(level)._replace(run=found)


def _run(
    network: Network, traced: Trace, compiler: Compiler, place: jax.Device, tell: Callable[[str], None]
) -> ReferenceRun | None:
    if traced.refused or traced.not_checked or compiler.refused or compiler.not_checked:
        return ReferenceRun(not_run="not every layer could be compiled")
    return run_network(network, traced, place, tell)


def record(level: Level, backend: str, traced: Trace, compiler: Compiler, seconds: float) -> ReferenceResult:
    """Return what was traced and compiled as a result."""
    refused = traced.refused | compiler.refused
    not_checked = traced.not_checked | compiler.not_checked
    passed = compiler.structs.keys() - refused.keys() - not_checked.keys()
    shapes = {i: tuple(struct.shape) for i, struct in compiler.structs.items() if i in passed}
    known = [flops for flops in compiler.flops if flops is not None]
    # How XLA lays out the table of results on other backends was not measured.
    compared = compiler.bytes if backend == "cpu" else []
    return ReferenceResult(
        level,
        backend,
        shapes,
        refused,
        not_checked,
        all(each.expected == each.found for each in compared) if compared else None,
        sum(each.expected for each in compared) if compared else None,
        sum(each.found for each in compared) if compared else None,
        sum(known) if known and len(known) == len(compiler.flops) else None,
        seconds,
        compiler.compiled,
        dict.fromkeys(traced.refused, "trace") | compiler.refused_by,
        {each: compiler.seconds[each] for each in LEVELS[: LEVELS.index(level) + 1]},
        {i: sum(math.prod(spec.shape) for spec in held.values()) for i, held in traced.specs.items() if i in shapes},
    )
