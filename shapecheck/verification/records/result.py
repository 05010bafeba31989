"""The whole outcome of a cross-check, with its parts."""

from __future__ import annotations

from typing import Literal, NamedTuple, Optional, TypeAlias, Union

from shapecheck.verification.records.compiler_cost import CompilerCost, Fit, Unavailable
from shapecheck.verification.records.number_comparison import NumberComparison
from shapecheck.verification.records.partition import Partition
from shapecheck.verification.records.plan import Level
from shapecheck.verification.records.training_run import TrainingRun

Result: TypeAlias = Literal["proved", "refuted", "not_checked"]


class LevelOutcome(NamedTuple):
    """What one level found, how long it took, and ``what`` it is that looked."""

    level: Level
    result: Result
    seconds: float
    what: str


class Disagreement(NamedTuple):
    """A layer whose shape in JAX's build is not the one that the arithmetic computed.

    Shapes are None where one of the two refuses the layer.
    """

    layer: str
    propagated: Optional[tuple[int, ...]]
    built: Optional[tuple[int, ...]]
    reason: str


class NotChecked(NamedTuple):
    """A layer, or the whole network where ``layer`` is None, that was not checked, and why."""

    layer: Optional[str]
    reason: str


class Verification(NamedTuple):
    """The outcome of a cross-check. ``result`` is ``proved``, ``refuted`` or ``not_checked``.

    ``agree`` counts the layers on which both agree, ``dims`` are the sizes that it was proved at.
    ``levels`` tells of each level that was gone through; ``cached`` that an earlier run found it; ``lowered_for`` names
    a platform that is not here, for which the network was lowered all the same. ``stopped`` says why the proof ended
    before it was done: then the rest is what was found until then.
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
    run: Optional[TrainingRun] = None
    numbers: Optional[NumberComparison] = None
    cost: Optional[Union[CompilerCost, Unavailable]] = None
    fit: Optional[Union[Fit, Unavailable]] = None

    @property
    def verdict(self) -> Result:
        """The outcome of all that was asked for: ``result``, unless that is proved and something else is not."""
        if self.result != "proved":
            return "refuted" if self.result == "refuted" else "not_checked"
        if isinstance(self.cost, Unavailable) or isinstance(self.fit, Unavailable):
            return "not_checked"
        if self.fit is not None and not self.fit.fits:
            return "refuted"
        return "proved" if self.stopped is None else "not_checked"
