"""What XLA says of a network that is split over a mesh of devices."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, Optional

from shapecheck.verification.records.compiler_cost import CompiledFigures

# XLA's CPU backend takes 1,024; each costs a thread and some memory, and more than this is no mesh to draw by hand.
MOST_DEVICES = 512


class LayerCollective(NamedTuple):
    """Collectives of one kind in one layer: how many, over which mesh axes, and the bytes that a device moves.

    ``layer`` is None where XLA's metadata names none, ``axes`` where the groups of devices could not be read.
    ``in_loop`` says that some stand in a loop whose turns are not known; each is then counted once.
    """

    layer: Optional[str]
    step: Literal["forward", "backward"]
    kind: str
    axes: Optional[tuple[str, ...]]
    number: int
    bytes: int
    in_loop: bool


class PartitionPass(NamedTuple):
    """One compiled function, ``forward`` or ``training``: on one device, and on each device of the mesh.

    ``collectives`` counts those that XLA put in; one that serves several layers stands in ``exchanges`` for each.
    """

    name: Literal["forward", "training"]
    whole: CompiledFigures
    each: CompiledFigures
    collectives: int
    exchanges: tuple[LayerCollective, ...]

    @property
    def speed_up(self) -> float | None:
        """How many times fewer operations a device of the mesh has to do than one device alone."""
        if not self.whole.flops or not self.each.flops:
            return None
        return self.whole.flops / self.each.flops


class LayerSplit(NamedTuple):
    """Over which mesh axes XLA split each axis of a layer's output, and the axes that its parts do not divide.

    ``repeated`` are the mesh axes along which every device computes the same output.
    """

    layer: str
    shape: tuple[int, ...]
    split: tuple[tuple[str, ...], ...]
    uneven: tuple[int, ...]
    repeated: tuple[str, ...]


class Refusal(NamedTuple):
    """An input or a parameter that JAX does not split as it is asked, and what it says.

    ``layer`` is None where it is the network as a whole.
    """

    name: str
    layer: Optional[str]
    reason: str


class Partition(NamedTuple):
    """The outcome for a mesh. ``argument`` is what parameters and inputs take on each device, in bytes.

    ``reason`` says why ``result`` is ``not_checked``. ``note`` names what was left out of a proof. ``unpadded`` are
    the layers whose parts the rule expects to differ in size, and which XLA split otherwise or gathered.
    """

    mesh: dict[str, int]
    level: str
    result: Literal["proved", "refuted", "not_checked"]
    reason: Optional[str]
    note: Optional[str] = None
    refusals: tuple[Refusal, ...] = ()
    argument: Optional[int] = None
    passes: tuple[PartitionPass, ...] = ()
    splits: tuple[LayerSplit, ...] = ()
    seconds: float = 0.0
    unpadded: tuple[str, ...] = ()

    @property
    def devices(self) -> int:
        """How many devices the mesh has."""
        return math.prod(self.mesh.values())
