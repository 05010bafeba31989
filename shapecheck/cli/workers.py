"""Checking on several cores, each in a process of its own that is started anew.

A forked process would be ready sooner, but is safe on one system in three, and only while there are no threads.

Threads of ``concurrent.futures`` hand each process a file at a time. Its own pool of processes was tried, with those
started anew: of 500 files both have the first answer after 0.2 s, and all of them after 6.3 to 6.7 s of CPU time there
and 5.7 to 6.0 s here. But on Python 3.11 its processes go on for ever where the one that started them is killed, since
each holds both ends of the queue at which it waits; what runs can be ended by private attributes alone; and of a
process that dies it tells neither how nor over which file.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import click

from shapecheck.output.progress import Tell

# Seconds to wait for answers before looking again: without a bound an interrupt would go unheard on Windows.
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


class _Workers:
    """Processes that answer, each asked by one thread at a time; they are killed at the end."""

    def __init__(self, count: int, folder: Path | None) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self.threads = ThreadPoolExecutor(count, "worker")
        code = START.format(path=sys.path, folder=None if folder is None else os.fspath(folder))
        command = [sys.executable, "-P", "-c", code]
        with contextlib.suppress(OSError):  # there are as many as there can be
            for _ in range(count):
                worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **apart())
                self.processes.append(worker)
                self.idle.put(worker)

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self.processes:
            worker.kill()
        self.threads.shutdown(cancel_futures=True)
        for worker in self.processes:
            with contextlib.suppress(OSError), worker:
                pass

    def answers(self, tasks: Sequence[Task]) -> Iterator[tuple[int, bytes | None]]:
        """Yield the number of each task and its answer, as they come. Raises WorkerLost."""
        try:
            pending = {self.threads.submit(self.ask, task): at for at, task in enumerate(tasks)}
        except RuntimeError:  # no thread can be started
            return
        while pending:
            for future in wait(pending, LOOK, FIRST_EXCEPTION).done:
                yield pending.pop(future), future.result()

    def ask(self, task: Task) -> bytes | None:
        """Return an answer, None where the process met trouble. Raises WorkerLost."""
        worker = self.idle.get()
        try:
            answer = _exchange(worker, task)
        except (OSError, ValueError):
            answer = b""
        finally:
            self.idle.put(worker)
        if not answer.endswith(b"\n"):
            raise WorkerLost(task.path, worker.wait())
        return None if answer == b"null\n" else answer


def _exchange(worker: subprocess.Popen[bytes], task: Task) -> bytes:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(b"%d %s\n%s" % (len(task.data), task.question.encode(), task.data))
    worker.stdin.flush()
    return worker.stdout.readline()


def apart() -> dict[str, Any]:
    """Keep the interrupt of a terminal from the workers: we hear it, and end them."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def spread_out(tasks: Sequence[Task], count: int, folder: Path | None, tell: Tell) -> list[bytes | None]:
    """Return the answers to ``tasks``, in their order, from ``count`` processes that keep them in a cache ``folder``.

    An answer is None where it met trouble, and where no process could be started. Raises WorkerLost.
    """
    answers: list[bytes | None] = [None] * len(tasks)
    with _Workers(count, folder) as workers:
        if workers.processes:
            for done, (at, answer) in enumerate(workers.answers(tasks), 1):
                answers[at] = answer
                tell(done, len(tasks), tasks[at].path)
    return answers
