"""What a run on two devices showed of each layer's numbers: plain records, and their text."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional


class Differing(NamedTuple):
    """A layer whose numbers differ between two devices by more than rounding allows."""

    layer: str
    difference: float
    allowed: float

    def sentence(self) -> str:
        """Return it in words."""
        return f"{self.layer}: its numbers differ by {self.difference:.2g}, and rounding allows {self.allowed:.2g}"


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
        head = f"numbers on {self.second} and {self.first}: {agree} of {self.layers} layers agree within rounding{at}"
        return [head, *(f"  {each.sentence()}" for each in self.differing)]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as the interface has it."""
        return {**self._asdict(), "result": self.result, "differing": [each._asdict() for each in self.differing]}
