"""Outcomes that were found before, on disk by all that they depend on; to look one up loads no JAX."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from pathlib import Path

from shapecheck.cache.answers import KEPT_DAYS, PRUNE_DAYS, program
from shapecheck.cache.codec import of_line, to_line
from shapecheck.cache.store import Store, key
from shapecheck.findings.checked import Settings
from shapecheck.verification import Plan, Verification
from shapecheck.verification.records.compiler_cost import Fit, Unavailable

# What the environment says to JAX, XLA and the drivers; how much they log changes nothing.
_PREFIXES = ("JAX_", "XLA_", "TF_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "ROCM_", "HSA_", "LIBTPU_", "TPU_", "OMP_")
_LOGGING = ("TF_CPP_MIN_LOG_LEVEL", "TF_CPP_VMODULE", "JAX_LOGGING_LEVEL", "JAX_DEBUG_LOG_MODULES")
# Packages that compute, by the beginnings of the names of their folders.
_PACKAGES = ("jax", "numpy-", "ml_dtypes-", "nvidia_", "libtpu")
_DRIVERS = ("/proc/driver/nvidia/version", "/sys/module/amdgpu/version")
_DEVICES = ("/proc/driver/nvidia/gpus", "/dev/kfd", "/dev/dxg")


class VerificationCache:
    """The outcomes of cross-checks in a folder."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder, "verify")

    def key(self, settings: Settings, text: str, plan: Plan) -> str:
        """Return the key of an outcome. It does not depend on what the file is called."""
        asked = to_line(settings._replace(path=""))
        return key(program(), environment(), asked, to_line(plan), text)

    def get(self, key: str) -> Verification | None:
        """Return the outcome under ``key``, or None; whatever cannot be read counts as none."""
        data = self._store.get(key)
        try:
            return None if data is None else of_line(Verification, data)._replace(cached=True)
        except ValueError:
            return None

    def put(self, key: str, found: Verification) -> None:
        """Store an outcome, if it is settled: what was not checked may be another time."""
        if settled(found):
            self._store.put(key, to_line(found).encode())

    def prune(self) -> None:
        """Forget what was not asked for in a long time."""
        self._store.prune(KEPT_DAYS, PRUNE_DAYS)


def settled(found: Verification) -> bool:
    """Tell whether an outcome would be the same if it were found again."""
    results = [found.result, *(outcome.result for outcome in found.levels)]
    results += [part.result for part in (found.numbers, found.mesh) if part is not None]
    return (
        "not_checked" not in results
        and found.stopped is None
        and not isinstance(found.cost, Unavailable)
        and (found.fit is None or (isinstance(found.fit, Fit) and found.fit.searched))
    )


@functools.cache
def environment() -> str:
    """Return what identifies all that an outcome depends on besides the network and this program.

    JAX and its plugins with their versions, the variables that it reads, the processor, and the driver of a GPU.
    """
    found = [f"{name}={value}" for name, value in sorted(os.environ.items()) if _counts(name)]
    found += sorted({name for folder in sys.path for name in _installed(folder)})
    for name in ("jax", "jaxlib"):
        # A checkout of JAX has no number that changes with it.
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            status = os.stat(spec.origin)
            found += [spec.origin, str(status.st_size), str(status.st_mtime_ns)]
    found += [_content(name) for name in _DRIVERS]
    found += [
        ",".join(sorted(os.listdir(name))) if os.path.isdir(name) else str(os.path.exists(name)) for name in _DEVICES
    ]
    return key(*found, sys.platform, _processor())


def _counts(name: str) -> bool:
    return name.startswith(_PREFIXES) and name not in _LOGGING


def _installed(folder: str) -> list[str]:
    try:
        names = os.listdir(folder or os.curdir)
    except OSError:
        return []
    return [name for name in names if name.startswith(_PACKAGES) and name.endswith((".dist-info", ".egg-info"))]


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(4096)
    except OSError:
        return ""


def _processor() -> str:
    """Return what kind of processor this is; code is compiled for what it can do."""
    telling = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    lines = [line for line in _content("/proc/cpuinfo").split("\n\n")[0].splitlines() if line.startswith(telling)]
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_IDENTIFIER", "")
    return "\n".join([machine, *lines])
