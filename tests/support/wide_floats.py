"""64-bit floats in JAX, which makes them 32-bit unless it is told otherwise."""

from __future__ import annotations

import contextlib
from typing import Any

import jax


def wide_floats() -> contextlib.AbstractContextManager[object]:
    """Return the context that keeps them, which JAX before 0.8 has elsewhere."""
    home: Any = jax if hasattr(jax, "enable_x64") else jax.experimental
    found: contextlib.AbstractContextManager[object] = home.enable_x64(True)
    return found
