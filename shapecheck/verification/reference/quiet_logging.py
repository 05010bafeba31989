"""Keep JAX and XLA from writing to standard error. Imported before JAX is, for its effect alone."""

from __future__ import annotations

import logging
import os

# XLA writes to file descriptor 2 by itself, past Python; this variable is read once, when its library is loaded.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_LOGGER = logging.getLogger("jax")
# Whoever has already chosen a level for JAX's logger wants to read it.
if _LOGGER.level == logging.NOTSET:
    _LOGGER.setLevel(logging.CRITICAL)
