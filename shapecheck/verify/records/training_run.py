"""What the level ``run`` found: plain records, and their text."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from shapecheck.text import plural

# How many parameters, layers and places are told by name.
_MANY = 4


class NotFinite(NamedTuple):
    """The layer whose output (``value``), or whose gradient by its input (``gradient``), is the first not finite.

    ``nan`` says that there are results that are no number at all among them, and not only infinite ones.
    """

    layer: str
    what: str
    nan: bool

    def sentence(self) -> str:
        """Return it in words."""
        of = "what it gives" if self.what == "value" else "the gradient by what it reads, or by its parameters,"
        return f"{self.layer}: {of} is {'not a number (NaN)' if self.nan else 'infinite'}, in places or everywhere"


class Lost(NamedTuple):
    """Parameters that get no gradient, and the ``layers`` at which it ends.

    ``connected`` is False where no output depends on the parameters at all; otherwise their gradient was zero on all
    numbers that were tried. ``silent`` says that the layers gave nothing but zeros then.
    """

    parameters: tuple[str, ...]
    layers: tuple[str, ...]
    connected: bool
    silent: bool

    def sentence(self) -> str:
        """Return it in words."""
        where = _listed(self.layers)
        who = f"{_listed(self.parameters)} {'gets' if len(self.parameters) == 1 else 'get'} no gradient"
        if not self.connected:
            return f"{where}: no output depends on it: {who}"
        if self.silent:
            return f"{where}: nothing but zeros came out, whatever numbers were tried: {who}"
        return f"{where}: no gradient came through, whatever numbers were tried: {who}"


class Execution(NamedTuple):
    """A forward pass and a training step on random numbers, ``draws`` times.

    ``layers`` counts those whose every number was looked at, ``parameters`` all of the network, ``cancelled`` those
    that a normalisation subtracts again, with its name: their gradient is zero but for rounding. ``forward_only`` says
    why there was a forward pass and no step back, and then nothing is known of gradients.
    """

    draws: int
    layers: int
    parameters: int
    not_finite: Optional[NotFinite]
    lost: tuple[Lost, ...]
    cancelled: tuple[tuple[str, str], ...]
    dropout: bool
    forward_only: Optional[str] = None

    @property
    def reached(self) -> int | None:
        """How many parameters the gradient reaches, None where that is not known."""
        if self.forward_only is not None:
            return None
        return self.parameters - len(self.cancelled) - sum(len(lost.parameters) for lost in self.lost)

    def lines(self) -> list[str]:
        """Return the outcome for people."""
        step = [] if self.forward_only is None else [f"run: the training step was not run: {self.forward_only}"]
        if self.not_finite is not None:
            return [f"run: {self.not_finite.sentence()}", *step]
        how = ", dropout off" if self.dropout else ""
        draws = f"({self.draws} random {'draw' if self.draws == 1 else 'draws'}{how})"
        finite = f"run: all numbers of {plural(self.layers, 'layer')} are finite"
        if self.forward_only is not None:
            return [f"{finite} {draws}", *step]
        of = plural(self.parameters, "parameter")
        found = [f"{finite}; the gradient reaches {self.reached} of {of} {draws}"]
        if self.cancelled:
            who = _listed(tuple(name for name, _ in self.cancelled))
            norm = self.cancelled[0][1] if len(self.cancelled) == 1 else "the normalisation behind it"
            found.append(f"run: {norm} subtracts the mean of each channel, and with it {who}")
        found += [f"run: {lost.sentence()}" for lost in self.lost[:_MANY]]
        more = len(self.lost) - _MANY
        return found if more <= 0 else [*found, f"run: and likewise at {plural(more, 'more place')}"]

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as the interface has it."""
        return {
            "draws": self.draws,
            "layers": self.layers,
            "parameters": self.parameters,
            "reached": self.reached,
            "not_finite": None if self.not_finite is None else self.not_finite._asdict(),
            "without_gradient": [
                {**lost._asdict(), "parameters": list(lost.parameters), "layers": list(lost.layers)}
                for lost in self.lost
            ],
            "cancelled": [{"parameter": name, "by": norm} for name, norm in self.cancelled],
            "dropout": "off" if self.dropout else None,
            "forward_only": self.forward_only,
        }


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_MANY])
    return shown if len(names) <= _MANY else f"{shown} and {len(names) - _MANY} more"
