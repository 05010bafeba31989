"""What was found before, on disk: bytes by a key that is a digest of all that they depend on.

A store is only ever a shorter way to the same answer. So every trouble with it, a folder that cannot be written, a
file cut short by a killed process, counts as not having the answer, and nothing raises.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path

_DIGEST = hashlib.sha256().digest_size


def default_folder() -> Path:
    """Return where stores live: SHAPECHECK_CACHE_DIR, or the place that the system has for caches."""
    named = os.environ.get("SHAPECHECK_CACHE_DIR")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "shapecheck"


def key(*parts: str | bytes) -> str:
    """Return the key of an answer that depends on ``parts``, in this order; no two lists of parts share one."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


class Store:
    """Answers of one kind, one file each, under ``folder / kind``. Several processes may use one at once."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder / kind

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def get(self, key: str) -> bytes | None:
        """Return what was put under ``key``, or None; a file that is not whole counts as none."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        body = data[_DIGEST:]
        return body if hashlib.sha256(body).digest() == data[:_DIGEST] else None

    def put(self, key: str, body: bytes) -> None:
        """Keep ``body`` under ``key``; readers see all of it or nothing."""
        path = self._path(key)
        draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(hashlib.sha256(body).digest() + body)
            draft.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
