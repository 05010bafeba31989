"""The process that cross-checks what it is given, for ``verification.prover``: it loads JAX, and may be killed.

It reads and writes a line of JSON at a time. A request is answered by any number of ``progress`` and ``partial``, an
outcome on the way, and then by ``found`` or ``error``; the first line says that the process is ready.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from shapecheck import pipeline
from shapecheck.cache.codec import decode, encode
from shapecheck.findings.checked import Settings
from shapecheck.language.sharding_reader import override
from shapecheck.language.templates import FileTemplate
from shapecheck.verification import Plan, Verification


def main(devices: int, folder: str | None) -> None:
    """Prove until nobody asks any more. ``devices`` is the most that a mesh takes; XLA keeps modules in ``folder``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # nothing else may get between the answers
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    # Whoever asked may end while XLA compiles; its end of the pipe is then closed, and so are we.
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()
    # These load JAX, while we can already be told to end.
    from shapecheck.verification.crosscheck import verify
    from shapecheck.verification.reference.module_cache import keep_modules
    from shapecheck.verification.reference.multi_device.partitioning import prepare_devices

    prepare_devices([devices])
    if folder is not None:
        keep_modules(Path(folder))
    try:
        _tell(answers, "ready", None)
        while True:
            _answer(answers, json.loads(requests.get()), verify)
    except BrokenPipeError:
        os._exit(1)


def _listen(stream: IO[str], requests: queue.SimpleQueue[str]) -> None:
    for line in stream:
        requests.put(line)
    os._exit(0)


def _answer(answers: IO[str], request: dict[str, Any], verify: Callable[..., Verification]) -> None:
    try:
        settings = decode(Settings, request["settings"])
        plan = decode(Plan, request["plan"])

        def with_devices(file: FileTemplate) -> None:
            override(file, plan.mesh, plan.shard)

        found = verify(
            pipeline.check(request["text"], settings, with_devices if plan.mesh or plan.shard else None),
            plan,
            lambda done, total, what: _tell(answers, "progress", [done, total, what]),
            lambda partial: _tell(answers, "partial", encode(partial)),
        )
        _tell(answers, "found", encode(found))
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("SHAPECHECK_TRACEBACK"):
            traceback.print_exc()
        _tell(answers, "error", f"{type(error).__name__}: {error}")


def _tell(answers: IO[str], kind: str, what: Any) -> None:
    answers.write(json.dumps([kind, what]) + "\n")
    answers.flush()
