"""What can only be seen from outside: the noise, and devices that are not here."""

from __future__ import annotations

import logging
import os
import runpy
from pathlib import Path
from typing import Any

import pytest
from amounts import sampled
from own_process import python

from shapecheck.verification.reference import quiet_logging as quiet


def gpu() -> bool:
    import jax

    try:
        return bool(jax.devices("gpu"))
    except RuntimeError:
        return False


def test_nothing_but_our_own_output_is_written() -> None:
    """A 64-bit input and a device that is missing make JAX talk."""
    done = python("""
        import os, sys
        os.environ["MINE"] = "kept"
        before = dict(os.environ)
        assert "jax" not in sys.modules
        from shapecheck.verification.reference import DeviceError
        from shapecheck.verification.reference import run_levels
        after = dict(os.environ)
        assert after.pop("TF_CPP_MIN_LOG_LEVEL") == "3" and after == before
        import jax
        config = dict(jax.config.values)
        from handmade import chain
        made = chain((1, 2, 64, 64), {"op": "conv", "out_channels": 2, "kernel_size": 3}, {"op": "relu"})
        try:
            run_levels(made, device="gpu")
        except DeviceError as error:
            print(error)
        found = run_levels(made)
        found = run_levels(chain((1, 2, 64), {"op": "batch_norm"}, dtype="float64"))
        assert found.bytes_agree
        assert dict(jax.config.values) == config
    """)
    assert done.stderr == ""
    assert done.returncode == 0
    if not gpu():
        assert done.stdout.startswith("JAX finds no GPU: ")
        assert "\n" not in done.stdout.strip()
        assert "use the device cpu" in done.stdout


def test_the_users_own_log_levels_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("jax")
    before = logger.level
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    try:
        for level, expected in ((logging.INFO, logging.INFO), (logging.NOTSET, logging.CRITICAL)):
            logger.setLevel(level)
            runpy.run_path(quiet.__file__)
            assert logger.level == expected
    finally:
        logger.setLevel(before)
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"


@pytest.mark.skipif(gpu(), reason="a GPU is here")
@pytest.mark.parametrize("device", sampled(["gpu", "cpu", "auto"], 3))
def test_a_platform_that_is_not_here_is_explained(device: str) -> None:
    done = python(
        f"""
        from handmade import chain
        from shapecheck.verification.reference import DeviceError
        from shapecheck.verification.reference import run_levels
        try:
            run_levels(chain((1, 2, 6), {{"op": "relu"}}), "trace", device="{device}")
        except DeviceError as error:
            print(error)
        """,
        JAX_PLATFORMS="cuda",
    )
    assert done.stderr == ""
    assert done.stdout.startswith("JAX finds no ")
    assert ("no GPU plugin" if device == "gpu" else "JAX_PLATFORMS") in done.stdout


@pytest.mark.skipif(gpu(), reason="a GPU is here")
def test_a_plugin_without_a_driver_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    import shapecheck.verification.reference.device as devices
    from shapecheck.verification.reference import DeviceError

    class Distribution:
        metadata: Any = {"Name": "jax-cuda13-plugin"}

    monkeypatch.setattr(devices.importlib.metadata, "distributions", lambda: [Distribution()])
    monkeypatch.setattr(devices, "_DRIVERS", (Path("/nowhere"),))
    with pytest.raises(DeviceError, match="jax-cuda13-plugin is installed, but this machine has no GPU driver"):
        devices.find_device("gpu")
    monkeypatch.setattr(devices, "_DRIVERS", (Path("/"),))
    with pytest.raises(DeviceError, match=r"though jax-cuda13-plugin and a driver are here \(.*gpu"):
        devices.find_device("gpu")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    with pytest.raises(DeviceError, match="JAX_PLATFORMS is 'cpu'; unset it"):
        devices.find_device("gpu")
    assert devices.find_device("cpu").platform == "cpu"
