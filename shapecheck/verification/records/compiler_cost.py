"""What a network costs, as the compiler knows it, beside what the arithmetic counts.

Memory is in bytes. A figure that the compiler does not give is None.
"""

from __future__ import annotations

from typing import NamedTuple, Optional


class Unavailable(NamedTuple):
    """Something that was asked for and is not known, and why; ``what`` is ``cost`` or ``fit``."""

    what: str
    reason: str


class CompiledFigures(NamedTuple):
    """What XLA says of one compiled function. Memory in bytes; None where XLA has no figure.

    ``lowered_flops`` is the count before any optimisation: compilers for some platforms replace a convolution, such as
    the weight gradient of a grouped one, by another that takes more.
    ``alias`` is that part of the output that takes the place of arguments that are given away.
    """

    flops: Optional[float]
    lowered_flops: Optional[float]
    bytes_accessed: Optional[float]
    argument: Optional[int]
    output: Optional[int]
    temporary: Optional[int]
    alias: Optional[int]

    @property
    def held(self) -> int | None:
        """The bytes that are held at once: peak_memory_in_bytes of XLA for the CPU leaves temporaries out."""
        if self.argument is None or self.output is None or self.temporary is None or self.alias is None:
            return None
        return self.argument + self.output + self.temporary - self.alias


class OtherFlops(NamedTuple):
    """What XLA counts of all layers of one op besides multiply-adds on input: most of it at ``layer``."""

    op: str
    flops: float
    layer: str


class CountMismatch(NamedTuple):
    """A layer of whose multiply-adds on input the two counts differ. Both in flops."""

    layer: str
    counted: int
    compiler: float


class FlopsExcess(NamedTuple):
    """The flops of one layer by XLA, less those counted here."""

    layer: str
    flops: float


class CompilerCost(NamedTuple):
    """The cost of a network by the compiler, and by the arithmetic.

    ``multiply_adds``, ``on_padding`` and ``activations`` (numbers that all layers put out) are counted by the
    arithmetic; ``itemsize`` is that of a parameter in bytes, ``slots`` counts the arrays that the optimizer keeps of
    the parameters' size. ``same`` counts the layers of whose multiply-adds on
    input XLA says the same, to the precision of its count, and ``differing`` has the others. ``other`` and
    ``optimised`` are None where XLA has no figure for some layer.
    """

    backend: str
    dtype: str
    itemsize: int
    optimizer: str
    slots: int
    parameters: int
    multiply_adds: int
    on_padding: int
    activations: int
    forward: CompiledFigures
    training: CompiledFigures
    same: int
    differing: tuple[CountMismatch, ...]
    other: Optional[tuple[OtherFlops, ...]]
    optimised: Optional[float]
    largest: tuple[FlopsExcess, ...]

    @property
    def counted(self) -> int:
        """The flops of the textbook: two for each multiply-add, padding among them."""
        return 2 * self.multiply_adds

    @property
    def ratio(self) -> float | None:
        """XLA's flops of the forward pass to those counted here."""
        return None if self.forward.flops is None or self.counted == 0 else self.forward.flops / self.counted

    @property
    def parameter_bytes(self) -> int:
        """The bytes of all parameters: as many as their gradients take, and each slot of the optimizer."""
        return self.parameters * self.itemsize

    @property
    def activation_bytes(self) -> int:
        """The bytes of all layers' outputs."""
        return self.activations * self.itemsize


class MeasuredBatch(NamedTuple):
    """The bytes that a training step holds at one batch."""

    batch: int
    held: int


class Fit(NamedTuple):
    """Whether a training step fits into ``room`` bytes, by compiling it.

    ``batch`` is the batch that was asked about and ``name`` what it is called; ``largest`` is the largest measured
    that fits, ``exceeds`` the smallest above it that does not, None where there is none. ``closed`` says that no
    batch is left between the two, ``rising`` that memory never fell with a larger batch. ``bound`` says what else
    keeps the batch from growing, ``open`` why no other batch was tried.
    """

    backend: str
    dtype: str
    optimizer: str
    room: int
    name: str
    batch: Optional[int]
    held: int
    largest: Optional[MeasuredBatch]
    exceeds: Optional[MeasuredBatch]
    closed: bool
    rising: bool
    bound: Optional[str]
    open: Optional[str]
    measured: tuple[MeasuredBatch, ...]
    seconds: float

    @property
    def searched(self) -> bool:
        """Whether no more can be found out: False where the search for the largest batch was given up."""
        return self.open is not None or self.closed

    @property
    def fits(self) -> bool:
        """Whether a step fits at the batch that was asked about."""
        return self.held <= self.room
