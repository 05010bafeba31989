"""A process that checks what it is given, for ``shapecheck.cli.workers``.

It reads ``SIZE SETTINGS``, a newline and SIZE bytes of a file, and writes the answer as a line: null where there is
trouble, which the other side meets again for itself and tells.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from shapecheck import pipeline
from shapecheck.cache.answers import Cache, report_to_bytes
from shapecheck.cache.codec import of_line
from shapecheck.findings.checked import Settings
from shapecheck.language.source import decode


def main(folder: str | None) -> None:
    """Answer until there are no more questions, keeping the answers in a cache in ``folder``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    questions = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may get between the answers
    cache = None if folder is None else Cache(Path(folder))
    try:
        while header := questions.readline():
            size, _, line = header.decode().rstrip("\n").partition(" ")
            answers.write(answer(line, questions.read(int(size)), cache) + b"\n")
            answers.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more


def answer(line: str, data: bytes, cache: Cache | None) -> bytes:
    """Return the answer to one question, a line of JSON."""
    try:
        settings = of_line(Settings, line)
        report = pipeline.check(decode(data, settings.limits), settings)
        found = report_to_bytes(pipeline.offered(report))
    except Exception:
        return b"null"
    if cache is not None:
        cache.put(cache.key(line, data), found)
    return found
