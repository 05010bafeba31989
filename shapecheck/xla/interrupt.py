"""Leave at once on Ctrl-C, whatever XLA is doing.

Python runs a signal handler between two of its own instructions, so that a compilation delays it for as long as it
takes, or it strikes inside a callback that drops the KeyboardInterrupt; and a process that goes on after an
interrupted compilation waits for it and then crashes. So another thread is told of the signal, and ends the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

EXIT_CODE = 130


@contextlib.contextmanager
def leave_on_interrupt(before: Callable[[], object] | None = None) -> Iterator[None]:
    """Within this context Ctrl-C ends the process with exit code 130, having flushed what was printed.

    ``before`` is called first, in another thread, say to take a progress bar off the screen. Nothing else is
    cleaned up. Does nothing outside the main thread, or where somebody else has said what Ctrl-C means.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    threading.Thread(target=_watch, args=(reader, before), daemon=True).start()
    earlier = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(earlier)
        writer.close()


def _watch(reader: socket.socket, before: Callable[[], object] | None) -> None:
    with reader:
        while number := reader.recv(1):
            if number[0] == signal.SIGINT:
                _leave(before)


def _leave(before: Callable[[], object] | None) -> None:
    try:
        if before is not None:
            before()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    finally:
        os._exit(EXIT_CODE)
