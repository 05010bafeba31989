"""A progress bar on a terminal, for what takes longer than a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

Report = Callable[[int, int, str], None]
PATIENCE = 1.0


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[str], Report]]:
    """Yield a maker of progress callbacks, one a file: ``callback(done, total, what)``. Silent off a terminal."""
    if not stream.isatty():
        yield lambda path: lambda done, total, what: None
        return
    started = time.monotonic()
    bar: Any = None
    tasks: dict[str, Any] = {}

    def callback(path: str) -> Report:
        def report(done: int, total: int, what: str) -> None:
            nonlocal bar
            if bar is None and time.monotonic() - started > PATIENCE:
                from rich.console import Console  # only needed on a terminal, after a second
                from rich.progress import Progress

                bar = Progress(console=Console(file=stream), transient=True)
                bar.start()
            if bar is not None:
                if path not in tasks:
                    tasks[path] = bar.add_task(path, total=total)
                bar.update(tasks[path], completed=done, total=total, description=f"{path}: {what}")

        return report

    try:
        yield callback
    finally:
        if bar is not None:
            bar.stop()
