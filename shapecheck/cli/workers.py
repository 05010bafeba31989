"""Checking on several cores, each in a process of its own that is started anew.

A forked process would be ready sooner, but is safe on one system in three, and only while there are no threads. A
thread for each process hands it a file at a time, so that none is idle while another has much left to do.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import click

from shapecheck.output.progress import Report as Tell

# How long to wait for an answer before looking again whether we are to stop, in seconds.
LOOK = 0.2
# The modules are looked for where this process found its own, never in the folder that the command runs in.
START = "import sys; sys.path[:] = {path!r}; from shapecheck.cli.worker import main; main({folder!r})"


class Task(NamedTuple):
    """A question as text, and the content of the file."""

    path: str
    question: str
    data: bytes


class WorkerLost(click.ClickException):
    """A process ended before it had answered: it was killed, or there was no memory left."""

    exit_code = 2

    def __init__(self, path: str, code: int | None) -> None:
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        super().__init__(f"a process that checked {path} ended ({how}); --jobs 1 does without such processes")


class _Pool:
    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.left = iter(range(len(tasks)))
        self.lock = threading.Lock()
        self.found: queue.SimpleQueue[tuple[int, bytes | WorkerLost | None]] = queue.SimpleQueue()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.threads: list[threading.Thread] = []

    def start(self, folder: Path | None) -> None:
        """Start one process and the thread that serves it. Raises OSError."""
        code = START.format(path=sys.path, folder=None if folder is None else os.fspath(folder))
        worker = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **apart()
        )
        thread = threading.Thread(target=self.serve, args=(worker,), daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            worker.kill()
            worker.communicate()
            raise OSError(str(error)) from None
        self.workers.append(worker)
        self.threads.append(thread)

    def serve(self, worker: subprocess.Popen[bytes]) -> None:
        stdin, stdout = worker.stdin, worker.stdout
        assert stdin is not None
        assert stdout is not None
        with stdout:
            self.hand_out(worker, stdin, stdout)
            with contextlib.suppress(OSError):
                stdin.close()

    def hand_out(self, worker: subprocess.Popen[bytes], stdin: IO[bytes], stdout: IO[bytes]) -> None:
        while (at := self.take()) is not None:
            task = self.tasks[at]
            try:
                answer = _exchange(stdin, stdout, task)
            except (OSError, ValueError):
                answer = b""
            if not answer.endswith(b"\n"):
                self.found.put((at, WorkerLost(task.path, worker.wait())))
                return
            self.found.put((at, None if answer == b"null\n" else answer))

    def take(self) -> int | None:
        with self.lock:
            return next(self.left, None)

    def next(self) -> tuple[int, bytes | None]:
        """Return the number of a task and its answer. Raises WorkerLost."""
        while True:
            try:
                # Without a bound an interrupt would go unheard on Windows.
                at, answer = self.found.get(timeout=LOOK)
            except queue.Empty:
                continue
            if isinstance(answer, WorkerLost):
                raise answer
            return at, answer

    def stop(self) -> None:
        for worker in self.workers:
            worker.kill()
        for worker, thread in zip(self.workers, self.threads, strict=True):
            worker.wait()
            thread.join()


def _exchange(stdin: IO[bytes], stdout: IO[bytes], task: Task) -> bytes:
    stdin.write(b"%d %s\n%s" % (len(task.data), task.question.encode(), task.data))
    stdin.flush()
    return stdout.readline()


def apart() -> dict[str, Any]:
    """Keep the interrupt of a terminal from the workers: we hear it, and end them."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def spread_out(tasks: Sequence[Task], count: int, folder: Path | None, tell: Tell) -> list[bytes | None]:
    """Return the answers to ``tasks``, in their order, from ``count`` processes that keep them in a cache ``folder``.

    An answer is None where it met trouble, and where no process could be started. Raises WorkerLost.
    """
    pool = _Pool(tasks)
    answers: list[bytes | None] = [None] * len(tasks)
    try:
        for _ in range(count):
            try:
                pool.start(folder)
            except OSError:
                break
        if pool.workers:
            for done in range(1, len(tasks) + 1):
                at, answers[at] = pool.next()
                tell(done, len(tasks), tasks[at].path)
    finally:
        pool.stop()
    return answers
