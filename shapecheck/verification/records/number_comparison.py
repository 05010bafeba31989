"""What a run on two devices showed of each layer's numbers."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional


class LayerComparison(NamedTuple):
    """The largest difference of a layer's numbers on two devices, and how large rounding may make it."""

    layer: str
    difference: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether rounding explains the difference."""
        return self.difference <= self.allowed

    @property
    def ratio(self) -> float:
        """The difference as a share of what is allowed; infinite where nothing is."""
        return self.difference / self.allowed if self.allowed else math.inf


class NumberComparison(NamedTuple):
    """The numbers of ``layers`` layers on ``first`` and ``second``, for a batch of ``batch`` where it was changed.

    Each layer was given the numbers of ``first``. ``closest`` is the largest difference as a share of what is
    allowed, ``differing`` the layers that do not agree. ``missing`` says why nothing was compared.
    """

    first: str
    second: str
    layers: int
    closest: float
    differing: tuple[LayerComparison, ...] = ()
    batch: Optional[int] = None
    missing: Optional[str] = None

    @property
    def result(self) -> str:
        """``proved``, ``refuted`` or ``not_checked``."""
        if self.missing is not None:
            return "not_checked"
        return "refuted" if self.differing else "proved"
