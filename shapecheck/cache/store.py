"""What was found before, on disk: bytes by a key that is a digest of all that they depend on.

A store is only ever a shorter way to the same answer. So every trouble with it, a folder that cannot be written, a
file cut short by a killed process, counts as not having the answer, and nothing raises.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from pathlib import Path

_DIGEST = hashlib.sha256().digest_size
_DAY = 86_400.0


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
        named = os.environ.get("XDG_CACHE_HOME", "")
        # The specification of XDG_CACHE_HOME has a path that is not absolute ignored.
        base = named if os.path.isabs(named) else Path.home() / ".cache"
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
        path = self._path(key)
        try:
            with open(path, "rb") as stream:
                data = stream.read()
                old = time.time() - os.fstat(stream.fileno()).st_mtime > _DAY
        except OSError:
            return None
        if old:
            with contextlib.suppress(OSError):
                os.utime(path)  # so that ``prune`` knows that it is of use
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

    def prune(self, kept: float, every: float) -> None:
        """Remove what was not asked for in ``kept`` days, if ``every`` days have gone by since this was last done.

        Another process may do the same, or put and get meanwhile: at worst an answer is to be found anew.
        """
        mark = self.folder / "pruned"
        now = time.time()
        try:
            if mark.exists() and now - mark.stat().st_mtime < every * _DAY:
                return
            mark.touch()
            for folder in list(os.scandir(self.folder)):
                if folder.is_dir(follow_symlinks=False):
                    for entry in list(os.scandir(folder.path)):
                        # What a killed process began to write counts by its age like any other.
                        with contextlib.suppress(OSError):
                            if now - entry.stat(follow_symlinks=False).st_mtime > kept * _DAY:
                                os.unlink(entry.path)
        except OSError:
            return
