"""A progress bar on a terminal, for what takes longer than a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TextIO

Tell = Callable[[int, int, str], None]
PATIENCE = 1.0


class Progress:
    """Makes progress callbacks, one a file: ``callback(done, total, what)``. Silent off a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def of(self, path: str) -> Tell:
        """Return the callback for one file."""

        def report(done: int, total: int, what: str) -> None:
            if self._bar is None and (not self._stream.isatty() or time.monotonic() - self._started < PATIENCE):
                return
            if self._bar is None:
                self._start()
            if path not in self._tasks:
                self._tasks[path] = self._bar.add_task(path, total=total)
            self._bar.update(self._tasks[path], completed=done, total=total, description=f"{path}: {what}")

        return report

    def _start(self) -> None:
        from rich.console import Console  # only needed on a terminal, after a second
        from rich.progress import Progress as Bar

        self._bar = Bar(console=Console(file=self._stream), transient=True)
        self._bar.start()

    def stop(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
