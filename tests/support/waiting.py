"""Waiting for what is going to happen, however busy the machine is."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

# Seconds after which a test gives up waiting, lest it wait for ever. None asserts how long anything takes.
PATIENCE = 300.0


def wait_for(what: Callable[[], Any]) -> Any:
    """Wait until ``what`` returns something, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return found


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Processes that are started here can be interrupted, though a shell may have begun the tests in the background.

    Such a shell has them ignore SIGINT, and what is ignored is ignored by their children too.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
