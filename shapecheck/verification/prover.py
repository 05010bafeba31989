"""Cross-checks in a process of their own, which can be ended whatever XLA is doing there.

Within one process a compilation cannot be stopped: Python hears of Ctrl-C when it is over, and a process that is made
to leave it crashes. The other process is started anew, never forked: threads of JAX do not survive that.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from shapecheck.cache.codec import decode, encode
from shapecheck.findings.checked import Settings
from shapecheck.verification import Plan, Verification
from shapecheck.verification.interrupted import interrupted
from shapecheck.verification.records.plan import ProgressCallback

# The modules are looked for where this process found its own, never in the folder that the command runs in.
_CODE = (
    "import sys; sys.path[:] = {path!r};"
    " from shapecheck.verification.child_process import main; main({devices!r}, {folder!r})"
)
# How long JAX may take to load on the slowest disk, in seconds.
_LOADING = 300.0
# How long to wait for a line before looking again whether we are to stop, in seconds.
_LOOK = 0.2


class Prover:
    """Proves one network after another, in one process as long as that lives; to be used as a context.

    ``timeout`` is how many seconds a network may take, ``devices`` the most that a mesh takes, ``folder`` where XLA
    keeps what it compiled.
    """

    def __init__(self, timeout: float | None, devices: int, folder: Path | None) -> None:
        self.timeout = timeout
        self._code = _CODE.format(path=sys.path, devices=devices, folder=None if folder is None else os.fspath(folder))
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listener: threading.Thread | None = None
        self._noise: IO[bytes] | None = None

    def __enter__(self) -> Prover:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def prove(self, settings: Settings, text: str, plan: Plan, progress: ProgressCallback) -> Verification:
        """Return the outcome; what is not finished when time runs out or the process dies is not checked in it.

        Raises RuntimeError for a mistake of our own.
        """
        what, limit, partial = "the start of JAX", _LOADING, None
        try:
            if self._process is None:
                progress(0, 1, what)
                self._start()
                self._next(time.monotonic() + limit)
            what, limit = "the check of the file", math.inf if self.timeout is None else self.timeout
            request = {"settings": encode(settings), "text": text, "plan": encode(plan)}
            self._send(json.dumps(request))
            end = time.monotonic() + limit
            while True:
                kind, content = self._next(end)
                if kind == "progress":
                    done, total, step = content
                    progress(done, total, step)
                    what = step if done < total else what
                elif kind == "partial":
                    partial = decode(Verification, content)
                elif kind == "found":
                    return decode(Verification, content)
                else:
                    raise RuntimeError(content)
        except TimeoutError:
            self.stop()
            return interrupted(plan, partial, f"it took longer than {limit:g} s and was stopped, in: {what}")
        except (EOFError, OSError) as error:
            return interrupted(plan, partial, self._death(error, what))

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._reap(self._process)
        self._close(self._noise)

    def _reap(self, process: subprocess.Popen[str]) -> int:
        self._process = None
        code = process.wait()
        self._close(process.stdin)
        if self._listener is not None:
            self._listener.join()
        self._close(process.stdout)
        return code

    def _close(self, stream: IO[Any] | None) -> None:
        if stream is not None:
            with contextlib.suppress(OSError):  # what was not sent yet has nobody to go to
                stream.close()

    def _start(self) -> None:
        self._close(self._noise)
        # What XLA says when it gives up is worth a line; where somebody looks for a defect it is all shown.
        self._noise = None if os.environ.get("SHAPECHECK_TRACEBACK") else tempfile.TemporaryFile()  # noqa: SIM115
        self._lines = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", self._code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            encoding="ascii",
            **_own_group(),
        )
        self._listener = threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True)
        self._listener.start()

    def _send(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _next(self, end: float) -> tuple[str, Any]:
        """Return the next thing that the process says. Raises TimeoutError, and EOFError where it has ended."""
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                # Without a bound an interrupt would go unheard on Windows.
                line = self._lines.get(timeout=min(_LOOK, left))
            except queue.Empty:
                continue
            if line is None:
                raise EOFError
            kind, content = json.loads(line)
            return kind, content

    def _death(self, error: BaseException, what: str) -> str:
        if self._process is None:
            return f"the compiler process could not be started: {error}"
        code = self._reap(self._process)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if code == -getattr(signal, "SIGKILL", 0):
            how += ", as the system ends a process when memory runs out"
        return f"the compiler process died ({how}) in: {what}{self._last_words()}"

    def _last_words(self) -> str:
        if self._noise is None:
            return ""
        self._noise.seek(0)
        lines = [line.strip() for line in self._noise.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return f"; it said: {lines[-1][:200]}" if lines else ""


def _own_group() -> dict[str, Any]:
    """Keep the interrupt of a terminal from the process: we hear it, and end it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def _listen(stream: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in stream:
            if line.endswith("\n"):  # whoever was killed may have left half of one
                lines.put(line)
    lines.put(None)
