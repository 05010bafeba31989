"""What XLA compiled, kept on disk by JAX: a file that changed in a comment or a name gives the same modules."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import jax

_DAYS, _DAY = 30.0, 86_400.0


def keep_modules(folder: Path) -> None:
    """Have JAX keep all that it compiles in ``folder``, in this process, and forget what is old there.

    Executables are for one processor and one version of XLA: the folder is to be for these alone.
    """
    settings: Any = jax.config  # JAX leaves it without types
    settings.update("jax_compilation_cache_dir", str(folder))
    settings.update("jax_persistent_cache_min_compile_time_secs", 0)
    settings.update("jax_persistent_cache_min_entry_size_bytes", -1)
    now = time.time()
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if now - path.stat().st_mtime > _DAYS * _DAY:
                path.unlink()
