"""What is asked for, and the whole outcome with its parts."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Optional, TypeAlias, Union

from shapecheck.text import every, plural
from shapecheck.verify.records.compiler_cost import Cost, Fit, Unknown
from shapecheck.verify.records.number_comparison import Comparison
from shapecheck.verify.records.partition import Partition
from shapecheck.verify.records.training_run import Execution

# How far JAX goes, and what the network is built for.
Level: TypeAlias = Literal["trace", "lower", "compile", "run"]
Device: TypeAlias = Literal["auto", "cpu", "gpu"]
Optimizer: TypeAlias = Literal["sgd", "momentum", "adam"]
Result: TypeAlias = Literal["proved", "refuted", "not_checked"]

LEVELS: tuple[Level, ...] = ("trace", "lower", "compile", "run")


class Plan(NamedTuple):
    """What is asked for; everything on which an outcome depends, besides the network and the machine.

    ``dtype`` and ``batch`` stand in for those of the file. ``cost`` asks what the compiler knows of flops and
    memory, ``fit`` whether a training step with ``optimizer`` fits into so many bytes. ``mesh`` is the axes of a
    mesh of devices and their sizes, in order, in place of the file's own; ``shard`` the mesh axes over which
    dimensions, and ``channels``, are split in place of what the file says.
    """

    level: Level = "compile"
    device: Device = "auto"
    dtype: Optional[str] = None
    batch: Optional[int] = None
    cost: bool = False
    fit: Optional[int] = None
    optimizer: Optimizer = "sgd"
    mesh: tuple[tuple[str, int], ...] = ()
    shard: tuple[tuple[str, tuple[str, ...]], ...] = ()


class LevelOutcome(NamedTuple):
    """What one level found, how long it took, and ``what`` it is that looked."""

    level: Level
    result: Result
    seconds: float
    what: str

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as the interface has it."""
        return {**self._asdict(), "seconds": round(self.seconds, 3)}


class Disagreement(NamedTuple):
    """A layer on which the two witnesses differ. Shapes are None where one refuses the layer."""

    layer: str
    propagated: Optional[tuple[int, ...]]
    witnessed: Optional[tuple[int, ...]]
    reason: str


class NotChecked(NamedTuple):
    """A layer, or the whole network where ``layer`` is None, that was not checked, and why."""

    layer: Optional[str]
    reason: str


class Verification(NamedTuple):
    """The outcome of a proof. ``result`` is ``proved``, ``refuted`` or ``not_checked``; sizes are those proved at.

    ``levels`` tells of each level that was gone through; ``cached`` that an earlier run found it; ``lowered_for`` names
    a platform that is not here, for which the network was lowered all the same. ``stopped`` says why the proof ended
    before it was done: then the rest is what was found until then. A further part of the outcome is a
    field with the default None, named in ``PARTS``, and a record with the methods ``lines()``, for people, and
    ``as_json()``.
    """

    level: str
    backend: str
    result: str
    agree: int
    disagreements: tuple[Disagreement, ...]
    not_checked: tuple[NotChecked, ...]
    dims: dict[str, int]
    seconds: float
    levels: tuple[LevelOutcome, ...] = ()
    cached: bool = False
    lowered_for: Optional[str] = None
    stopped: Optional[str] = None
    mesh: Optional[Partition] = None
    run: Optional[Execution] = None
    numbers: Optional[Comparison] = None
    cost: Optional[Union[Cost, Unknown]] = None
    fit: Optional[Union[Fit, Unknown]] = None

    @property
    def verdict(self) -> Result:
        """The outcome of all that was asked for: ``result``, unless that is proved and something else is not."""
        if self.result != "proved":
            return "refuted" if self.result == "refuted" else "not_checked"
        if isinstance(self.cost, Unknown) or isinstance(self.fit, Unknown):
            return "not_checked"
        if self.fit is not None and not self.fit.fits:
            return "refuted"
        return "proved" if self.stopped is None else "not_checked"

    def sentence(self) -> str:
        """Return the outcome in one sentence."""
        return self._of_shapes() + ("" if self.verdict == self.result else f"; but {self._but()}")

    def _but(self) -> str:
        if self.stopped is not None and self.verdict == "not_checked":
            return self.stopped
        unknown = [part.lines()[0] for part in (self.cost, self.fit) if isinstance(part, Unknown)]
        return "; ".join(unknown or ([] if self.fit is None else self.fit.lines()[:1]))

    def _of_shapes(self) -> str:
        at = ", ".join(f"{name}={size}" for name, size in self.dims.items())
        before = " (as found before)" if self.cached else ""
        if self.result == "proved":
            return f"proved: {self._by(self.level)}{f' ({at})' if at else ''}{before}"
        if self.result == "refuted" and not self.disagreements and self.mesh is not None and self.mesh.refusals:
            return f"refuted: JAX refuses the mesh, though {_agree(self.agree)}{before}"
        if self.result == "refuted":
            if self.numbers is not None and self.numbers.differing:
                shapes = every(self.agree, "shape", "agree")
                return f"refuted: {shapes}, but not all numbers on {self.backend}{before}"
            if self.run is not None and self._only_run():
                return f"refuted: {every(self.agree, 'layer', 'agree')}, but not all is well in a run{before}"
            unseen = sum(1 for each in self.not_checked if each.layer is not None)
            if not self.disagreements:
                rest = f"; {unseen} could not be looked at" if unseen else ""
                agree = plural(self.agree, "layer")
                return f"refuted: the network does not fit, and JAX says the same of {agree}{rest}{before}"
            total = self.agree + len(self.disagreements) + unseen
            verb = "disagrees" if len(self.disagreements) == 1 else "disagree"
            return f"refuted: {len(self.disagreements)} of {plural(total, 'layer')} {verb} with JAX{before}"
        why = self.not_checked[0].reason if self.not_checked else "nothing was run"
        return f"not checked: {why}{self._until_then()}"

    def _by(self, level: str) -> str:
        return f"{_BY.get(level, level)} for {self.backend}, {every(self.agree, 'layer', 'agree')}"

    def _until_then(self) -> str:
        """Return how far a proof came that was stopped."""
        gone = [outcome.level for outcome in self.levels if outcome.result == "proved"]
        if self.stopped is None or not gone:
            return ""
        if all(each.layer is None for each in self.not_checked):
            return f"; before that: {self._by(gone[-1])}"
        return f"; before that: {_agree(self.agree)}"

    def _only_run(self) -> bool:
        return all(outcome.result == "proved" or outcome.level == "run" for outcome in self.levels)

    def cost_rows(self) -> list[tuple[str, str]]:
        """Return what was found of cost and fit as rows of a table: what, and how much."""
        return [row for part in (self.cost, self.fit) if part is not None for row in part.rows()]

    def lines(self) -> list[str]:
        """Return the outcome as text: the sentence, and what each part of it has to say."""
        found = [self.sentence()]
        if self.levels:
            found.append("  " + ", ".join(_cost(outcome) for outcome in self.levels))
        for name in PARTS:
            part = getattr(self, name)
            found += [] if part is None else [f"  {line}" for line in part.lines()]
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as the interface has it."""
        parts = {name: getattr(self, name) for name in PARTS}
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
            "levels": [outcome.as_json() for outcome in self.levels],
            "cached": self.cached,
            "lowered_for": self.lowered_for,
            "stopped": self.stopped,
            **{name: None if part is None else part.as_json() for name, part in parts.items()},
        }


# The fields of Verification that are parts, in the order in which they are told.
PARTS: tuple[str, ...] = ("run", "numbers", "mesh", "cost", "fit")
_BY = {
    "trace": "traced by JAX",
    "lower": "lowered by JAX",
    "compile": "compiled by XLA",
    "run": "compiled and run by XLA",
}


def _agree(count: int) -> str:
    return f"{plural(count, 'layer')} {'agrees' if count == 1 else 'agree'}"


def _cost(outcome: LevelOutcome) -> str:
    result = "" if outcome.result == "proved" else f": {outcome.result.replace('_', ' ')}"
    return f"{outcome.level} ({outcome.what}) {outcome.seconds:.2f} s{result}"


def _list(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)
