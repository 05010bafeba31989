"""How much memory a device has left: a network that is too large is not run, rather than killed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_MEMINFO = Path("/proc/meminfo")
# Limits of a container, in both versions of control groups: what may be used, what is.
_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def free_bytes(device: Any) -> int | None:
    """Return how many bytes an array on the device could take, None where that is not known."""
    if device.platform == "cpu":
        found = [size for size in (_machine(), *map(_group, _GROUPS)) if size is not None]
        return min(found, default=None)
    statistics = device.memory_stats()
    if not statistics or "bytes_limit" not in statistics:
        return None
    return int(statistics["bytes_limit"]) - int(statistics.get("bytes_in_use", 0))


def _machine() -> int | None:
    try:
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        # Elsewhere all that the machine has: better than no bound.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _group(files: tuple[Path, Path]) -> int | None:
    try:
        most, used = (int(path.read_text(encoding="ascii")) for path in files)
        statistics = dict(line.split() for line in (files[0].parent / "memory.stat").read_text("ascii").splitlines())
        # Pages of files that were read count as used, and are given up when memory is asked for.
        kept = int(statistics.get("inactive_file", 0))
    except (OSError, ValueError):  # no such group, or the word max
        return None
    return max(0, most - used + kept)
