"""The second witness: what JAX and XLA say of a network's shapes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias, get_args

import jax

from shapecheck.spec.network import Network
from shapecheck.xla.build import precision
from shapecheck.xla.compile import Compiler
from shapecheck.xla.device import DeviceName, find_device
from shapecheck.xla.segments import cut
from shapecheck.xla.trace import Trace, trace

Level: TypeAlias = Literal["trace", "lower", "compile"]
Progress: TypeAlias = Callable[[int, int, str], None]


class Witness(NamedTuple):
    """What was found; the keys of the mappings are indices into ``Network.nodes``.

    ``shapes`` holds every node that passed, inputs included; ``refused`` what JAX or XLA says of a layer that it does
    not take; ``not_checked`` why nobody looked. ``bytes_agree`` compares, at the level ``compile`` on a CPU, the size
    of all outputs that XLA reports with the size that ``shapes`` make, to the byte; None where that was not done.
    ``flops`` is XLA's count for one forward pass, from the level ``lower`` on. ``compiled`` counts the modules that
    XLA compiled, equal ones once.
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


def witness(
    network: Network,
    level: Level = "compile",
    device: DeviceName = "auto",
    progress: Progress | None = None,
) -> Witness:
    """Let JAX (``trace``), StableHLO (``lower``) and XLA (``compile``) find the shape of every layer.

    Nothing that shapecheck's own arithmetic computed is used. ``progress(done, total, what)`` is called before each
    step and once at the end. Raises DeviceError where ``device`` is not here, ValueError for an unknown word.
    """
    for word, words in ((level, get_args(Level)), (device, get_args(DeviceName))):
        if word not in words:
            raise ValueError(f"{word!r} is none of {', '.join(words)}")
    start = time.perf_counter()
    tell = progress or (lambda done, total, what: None)
    place = find_device(device)
    with warnings.catch_warnings(), jax.default_device(place), precision(network):
        warnings.simplefilter("ignore")
        tell(0, 1 if level == "trace" else 2, "trace")
        traced = trace(network)
        compiler = Compiler(network, traced, level == "compile")
        pieces = [] if level == "trace" else cut(network, traced)
        for done, piece in enumerate(pieces, 1):
            tell(done, len(pieces) + 1, f"{level} {len(piece)} layers")
            compiler.check(piece)
    tell(len(pieces) + 1, len(pieces) + 1, "done")
    return _record(level, place.platform, traced, compiler, time.perf_counter() - start)


def _record(level: Level, backend: str, traced: Trace, compiler: Compiler, seconds: float) -> Witness:
    refused = traced.refused | compiler.refused
    shapes = {i: tuple(struct.shape) for i, struct in compiler.structs.items() if i not in refused}
    known = [flops for flops in compiler.flops if flops is not None]
    # How XLA lays out the table of results on other backends was not measured.
    compared = compiler.bytes if backend == "cpu" else []
    return Witness(
        level,
        backend,
        shapes,
        refused,
        traced.not_checked,
        all(each.expected == each.found for each in compared) if compared else None,
        sum(each.expected for each in compared) if compared else None,
        sum(each.found for each in compared) if compared else None,
        sum(known) if known and len(known) == len(compiler.flops) else None,
        seconds,
        compiler.compiled,
    )
