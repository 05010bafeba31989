"""What the level ``run`` found."""

from __future__ import annotations

from typing import Literal, NamedTuple, Optional


class NotFinite(NamedTuple):
    """The layer whose output (``value``), or whose gradient by its input (``gradient``), is the first not finite.

    ``nan`` says that there are results that are no number at all among them, and not only infinite ones.
    """

    layer: str
    what: Literal["value", "gradient"]
    nan: bool


class LostGradient(NamedTuple):
    """Parameters that get no gradient, and the ``layers`` at which it ends.

    ``connected`` is False where no output depends on the parameters at all; otherwise their gradient was zero on all
    numbers that were tried. ``silent`` says that the layers gave nothing but zeros then.
    """

    parameters: tuple[str, ...]
    layers: tuple[str, ...]
    connected: bool
    silent: bool


class TrainingRun(NamedTuple):
    """A forward pass and a training step on random numbers, ``draws`` times.

    ``layers`` counts those whose every number was looked at, ``parameters`` all of the network. ``cancelled`` pairs
    those that a normalisation subtracts again with its name: their gradient is zero but for rounding.
    ``dropout`` says that there is a dropout, which was off. ``forward_only`` says why there was a forward pass and no
    step back, and then nothing is known of gradients.
    """

    draws: int
    layers: int
    parameters: int
    not_finite: Optional[NotFinite]
    lost: tuple[LostGradient, ...]
    cancelled: tuple[tuple[str, str], ...]
    dropout: bool
    forward_only: Optional[str] = None

    @property
    def reached(self) -> int | None:
        """How many parameters the gradient reaches, None where that is not known."""
        if self.forward_only is not None:
            return None
        return self.parameters - len(self.cancelled) - sum(len(lost.parameters) for lost in self.lost)
