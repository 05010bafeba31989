"""Where the measured facts stand, and how a test asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from paths import ROOT

DATA = ROOT.resolve().parent / "shared" / "data"


def required(name: str) -> Callable[[Any], Any]:
    """Skip a test where the facts are not there, saying so: they are no part of the project."""
    return pytest.mark.skipif(not (DATA / name).exists(), reason=f"the measured facts ../shared/data/{name} are absent")
