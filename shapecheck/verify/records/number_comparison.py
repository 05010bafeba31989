"""What a run on two devices showed of each layer's numbers: plain records, and their text."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Optional

from shapecheck.text import plural


class Differing(NamedTuple):
    """A layer whose numbers differ between two devices by more than rounding allows."""

    layer: str
    difference: float
    allowed: float


class Comparison(NamedTuple):
    """The numbers of ``layers`` layers on ``first`` and ``second``, for a batch of ``batch`` where it was changed.

    Each layer was given the numbers of ``first``. ``closest`` is the largest difference as a share of what is
    allowed. ``missing`` says why nothing was compared.
    """

    first: str
    second: str
    layers: int
    closest: float
    differing: tuple[Differing, ...] = ()
    batch: Optional[int] = None
    missing: Optional[str] = None

    @property
    def result(self) -> str:
        """``proved``, ``refuted`` or ``not_checked``."""
        if self.missing is not None:
            return "not_checked"
        return "refuted" if self.differing else "proved"

    def lines(self) -> list[str]:
        """Return the comparison as text."""
        if self.missing is not None:
            return [f"numbers on {self.second} and {self.first} were not compared: {self.missing}"]
        at = "" if self.batch is None else f" (batch {self.batch})"
        agree = self.layers - len(self.differing)
        verb = "agrees" if agree == 1 else "agree"
        head = f"numbers on {self.second} and {self.first}: {agree} of {plural(self.layers, 'layer')} {verb}"
        return [f"{head} within rounding{at}", *(f"  {self.sentence(each)}" for each in self.differing)]

    def sentence(self, one: Differing) -> str:
        """Return what differs in words."""
        devices = f"its numbers on {self.second} and {self.first}"
        return f"{one.layer}: {devices} differ by {one.difference:.2g}, and rounding allows {one.allowed:.2g}"

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as the interface has it."""
        differing = [{**each._asdict(), "difference": _finite(each.difference)} for each in self.differing]
        found = {**self._asdict(), "closest": _finite(self.closest), "differing": differing}
        return {**found, "result": self.result}


def _finite(number: float) -> float | None:
    """Return what JSON has a number for; null is infinite."""
    return number if math.isfinite(number) else None
