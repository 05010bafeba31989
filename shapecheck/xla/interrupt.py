"""Leave at once on Ctrl-C: a process that goes on after an interrupted compilation waits for it, and then crashes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

EXIT_CODE = 130


@contextlib.contextmanager
def leave_on_interrupt() -> Iterator[None]:
    """Within this context Ctrl-C ends the process with exit code 130, having flushed what was printed."""
    try:
        yield
    except KeyboardInterrupt:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(EXIT_CODE)
