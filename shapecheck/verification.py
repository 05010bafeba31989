"""What the second witness said, beside what the arithmetic says."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

# How far JAX goes, and what the network is built for.
Level: TypeAlias = Literal["trace", "lower", "compile"]
Device: TypeAlias = Literal["auto", "cpu", "gpu"]


class Disagreement(NamedTuple):
    """A layer on which the two witnesses differ. Shapes are None where one refuses the layer."""

    layer: str
    propagated: tuple[int, ...] | None
    witnessed: tuple[int, ...] | None
    reason: str


class NotChecked(NamedTuple):
    """A layer, or the whole network where ``layer`` is None, that was not checked, and why."""

    layer: str | None
    reason: str


class Verification(NamedTuple):
    """The outcome of a proof. ``result`` is ``proved``, ``refuted`` or ``not_checked``; sizes are those proved at."""

    level: str
    backend: str
    result: str
    agree: int
    disagreements: tuple[Disagreement, ...]
    not_checked: tuple[NotChecked, ...]
    dims: dict[str, int]
    seconds: float

    def sentence(self) -> str:
        """Return the outcome in one sentence."""
        at = ", ".join(f"{name}={size}" for name, size in self.dims.items())
        by = {"trace": "traced by JAX", "lower": "lowered by JAX", "compile": "compiled by XLA"}.get(
            self.level, self.level
        )
        if self.result == "proved":
            return f"proved: {by} for {self.backend}, all {self.agree} layers agree{f' ({at})' if at else ''}"
        if self.result == "refuted":
            total = self.agree + len(self.disagreements) + len(self.not_checked)
            return f"refuted: {len(self.disagreements)} of {total} layers disagree with JAX"
        why = self.not_checked[0].reason if self.not_checked else "nothing was run"
        return f"not checked: {why}"

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as the interface has it."""
        return {
            "level": self.level,
            "backend": self.backend,
            "result": self.result,
            "layers": {"agree": self.agree, "disagree": len(self.disagreements), "not_checked": len(self.not_checked)},
            "disagreements": [
                {
                    "layer": d.layer,
                    "propagated": _list(d.propagated),
                    "witnessed": _list(d.witnessed),
                    "reason": d.reason,
                }
                for d in self.disagreements
            ],
            "not_checked": [{"layer": n.layer, "reason": n.reason} for n in self.not_checked],
            "dims": self.dims,
        }


def _list(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)
