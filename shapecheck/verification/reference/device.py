"""Where to compile: the device that was asked for, or a plain sentence that says why it is not here."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

import jax

from shapecheck.verification.records.plan import Device
from shapecheck.verification.reference.build_errors import DeviceError, one_line

_GPUS = {"gpu", "cuda", "rocm"}
_DRIVERS = (Path("/proc/driver/nvidia/version"), Path("/dev/kfd"), Path("/dev/dxg"))


def find_device(name: Device) -> jax.Device:
    """Return the first device of a kind; ``auto`` is JAX's own choice. Raises DeviceError where there is none."""
    try:
        return jax.devices(None if name == "auto" else name)[0]
    except (RuntimeError, AssertionError, IndexError) as error:
        # The AssertionError is bare: JAX_PLATFORMS names a platform that is not here.
        raise DeviceError(_missing(name, error)) from None


def _missing(name: str, error: Exception) -> str:
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if platforms and not {"cpu": {"cpu"}, "gpu": _GPUS}.get(name, set()) & set(platforms.split(",")):
        what = "device" if name == "auto" else name
        return f"JAX finds no {what}: the environment variable JAX_PLATFORMS is {platforms!r}; unset it"
    if name != "gpu":
        return f"JAX finds no device: {one_line(error)}"
    plugins = sorted(
        found
        for found in {str(d.metadata["Name"]).lower() for d in importlib.metadata.distributions()}
        if found.startswith(("jax-cuda", "jax-rocm")) and found.endswith("plugin")
    )
    if not plugins:
        return (
            "JAX finds no GPU: no GPU plugin of JAX is installed;"
            ' install one (for CUDA: pip install "shapecheck-nn[cuda]"), or use the device cpu'
        )
    if not any(path.exists() for path in _DRIVERS):
        return (
            f"JAX finds no GPU: {plugins[0]} is installed, but this machine has no GPU driver;"
            " install the driver, or use the device cpu"
        )
    return (
        f"JAX finds no GPU, though {plugins[0]} and a driver are here ({one_line(error)});"
        " check nvidia-smi, or use the device cpu"
    )
