"""The process that proves what it is given, for ``shapecheck.verify.prover``: it loads JAX, and may be killed.

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
from pathlib import Path
from typing import IO, Any

from shapecheck import pipeline
from shapecheck.cache.answers import Question
from shapecheck.cache.codec import decode, encode
from shapecheck.cli.device_options import Devices
from shapecheck.verify import Plan, Verification


def main(devices: int, folder: str | None) -> None:
    """Prove until nobody asks any more. ``devices`` is the most that a mesh takes; XLA keeps modules in ``folder``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # nothing else may get between the answers
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    # Whoever asked may end while XLA compiles; its end of the pipe is then closed, and so are we.
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()
    from shapecheck.verify import crosscheck as proof  # loads JAX, while we can already be told to end

    proof.prepare_devices([devices])
    if folder is not None:
        proof.keep_modules(Path(folder))
    try:
        _tell(answers, "ready", None)
        while True:
            _answer(answers, json.loads(requests.get()), proof)
    except BrokenPipeError:
        os._exit(1)


def _listen(stream: IO[str], requests: queue.SimpleQueue[str]) -> None:
    for line in stream:
        requests.put(line)
    os._exit(0)


def _answer(answers: IO[str], request: dict[str, Any], proof: Any) -> None:
    try:
        question = Question.of_text(request["question"])
        plan = decode(Plan, request["plan"])
        found: Verification = proof.verify(
            _report(question, request["text"], plan),
            plan,
            lambda done, total, what: _tell(answers, "progress", [done, total, what]),
            lambda so_far: _tell(answers, "partial", encode(so_far)),
        )
        _tell(answers, "found", encode(found))
    except BrokenPipeError:
        raise
    except Exception as error:
        if os.environ.get("SHAPECHECK_TRACEBACK"):
            traceback.print_exc()
        _tell(answers, "error", f"{type(error).__name__}: {error}")


def _report(question: Question, text: str, plan: Plan) -> pipeline.Report:
    name, values, limits, selection = question
    prepare = Devices(plan.mesh, plan.shard).into([])
    return pipeline.check_text(text, name, values, limits, selection, prepare)


def _tell(answers: IO[str], kind: str, what: Any) -> None:
    answers.write(json.dumps([kind, what]) + "\n")
    answers.flush()
