"""Lowering for a platform that is not here, by ``jax.export``: all that can be proved of a GPU without one."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import jax
from jax import export

from shapecheck.graph.network import Network
from shapecheck.text import plural
from shapecheck.verification.records.plan import ProgressCallback
from shapecheck.verification.reference.compile import CompiledModule, Compiler, Segment
from shapecheck.verification.reference.device import find_device
from shapecheck.verification.reference.layer_function import precision
from shapecheck.verification.reference.levels import ReferenceResult, record
from shapecheck.verification.reference.segments import cut
from shapecheck.verification.reference.trace import Trace, trace


class _Exporter(Compiler):
    """Lowers segments for ``platform``, whose rules of lowering JAX has, whether such a device is here or not."""

    def __init__(self, network: Network, traced: Trace, platform: str) -> None:
        super().__init__(network, traced, with_xla=False)
        self.platform = platform

    def _lower(self, piece: Segment) -> tuple[Any, Sequence[Any]]:
        exported = export.export(jax.jit(piece.function), platforms=[self.platform])(piece.parameters, piece.arguments)
        return exported, exported.out_avals

    def _module(self, lowered: Any) -> CompiledModule:
        # XLA counts for the devices that it finds here.
        return CompiledModule(None, None)


def lower_for_platform(network: Network, platform: str, progress: ProgressCallback | None = None) -> ReferenceResult:
    """Return what ``run_levels`` at the level ``lower`` finds, every layer lowered for ``platform``, such as ``cuda``.

    Raises DeviceError where JAX finds no device at all.
    """
    start = time.perf_counter()
    tell = progress or (lambda done, total, what: None)
    with warnings.catch_warnings(), jax.default_device(find_device("auto")), precision(network):
        warnings.simplefilter("ignore")
        tell(0, 2, "trace")
        traced = trace(network)
        exporter = _Exporter(network, traced, platform)
        exporter.seconds["trace"] = time.perf_counter() - start
        pieces = cut(network, traced)
        for done, piece in enumerate(pieces, 1):
            tell(done, len(pieces) + 1, f"lower {plural(len(piece), 'layer')} for {platform}")
            exporter.check(piece)
    tell(len(pieces) + 1, len(pieces) + 1, "done")
    return record("lower", platform, traced, exporter, time.perf_counter() - start)
