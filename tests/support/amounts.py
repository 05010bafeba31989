"""How much is tried: a sample by default, so that the tests answer soon, and all of it with ``pytest -m slow``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

# Set by conftest.py before any test is read: whether slow tests are wanted, and with them every example.
THOROUGH = "SHAPECHECK_TESTS_THOROUGH"

# Marks a test that draws ``amount(n)`` cases by itself: it runs by default and again, with all of them, among the slow.
drawn = pytest.mark.drawn


def thorough() -> bool:
    """Tell whether all there is to try is to be tried."""
    return bool(os.environ.get(THOROUGH))


def amount(most: int, share: int = 6) -> int:
    """Return how many cases are drawn: all, or one in so many by default."""
    return most if thorough() else max(-(-most // share), 1)


def examples(most: int, **more: Any) -> settings:
    """Return the settings of a property test that tries so many examples when it is thorough."""
    return settings(max_examples=amount(most), **more)


def sampled(cases: Iterable[Any], share: int = 6) -> list[Any]:
    """Return every case, those marked slow that are not among one in so many, spread evenly."""
    return [case if at % share == 0 else pytest.param(case, marks=pytest.mark.slow) for at, case in enumerate(cases)]
