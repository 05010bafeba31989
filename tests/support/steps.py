"""Work counted in calls, which are as many on a busy machine as on an idle one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

Found = TypeVar("Found")


class TooManySteps(BaseException):
    """More calls were made than a test allows; nothing catches it on the way."""


def within(most: int, function: Callable[[], Found]) -> Found:
    """Return what a function returns, which is to take so many calls, of Python's and of C's functions, at most.

    Raises TooManySteps at the first call beyond, so that a function without end ends too.
    """
    left = most

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left
        if event in ("call", "c_call"):
            left -= 1
            if left < 0:
                raise TooManySteps(f"more than {most:,} calls")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return function()
    finally:
        sys.setprofile(before)
