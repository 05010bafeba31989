"""Every test draws the same numbers, whichever tests run before it."""

from __future__ import annotations

import handmade
import pytest

BEGINNING = handmade.RANDOM.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    handmade.RANDOM.bit_generator.state = BEGINNING
