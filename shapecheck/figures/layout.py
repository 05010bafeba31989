"""A window on one axis as a row of cells: what stands in each, where the kernel goes, what it never reads."""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.explain import AxisArithmetic
from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.symbolic import known

# What a cell of the padded, stretched input can be; in a map of several axes the last in this order wins.
KINDS = ("input", "zero", "padding", "extra", "beyond", "cropped")


class NoFigure(Exception):
    """There is nothing to draw, and why."""


class Axis(NamedTuple):
    """One axis of a direct convolution or pooling, or of the direct convolution that equals a transposed one.

    ``size`` elements stand with ``gap`` zeros between neighbours; ``before`` and ``after`` count the padding (negative:
    that many cells are cropped), ``extra`` the guide's a, ``beyond`` what the last window of ceil mode reaches over.
    """

    name: str
    size: int
    outputs: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    gap: int = 0
    before: int = 0
    after: int = 0
    extra: int = 0
    beyond: int = 0
    transposed: bool = False

    @property
    def stretched(self) -> int:
        """The guide's ĩ′: the elements and the zeros between them."""
        return convolution.stretched(self.size, self.gap + 1) if self.size else 0

    @property
    def length(self) -> int:
        """How many cells there are, padding and cropped ones among them."""
        return max(self.before, 0) + self.stretched + max(self.after, 0) + self.extra + self.beyond

    @property
    def reach(self) -> int:
        """The dilated kernel size."""
        return convolution.dilated_kernel(self.kernel, self.dilation)

    @property
    def starts(self) -> range:
        """The cells at which the kernel's first tap stands, one for each output."""
        first = max(-self.before, 0)
        return range(first, first + self.outputs * self.stride, self.stride)

    @property
    def taps(self) -> range:
        """How far each tap stands from the first."""
        return range(0, self.kernel * self.dilation, self.dilation)

    def kind(self, cell: int) -> str:
        """Return what stands in a cell: one of ``KINDS``."""
        place = cell - max(self.before, 0)
        if place < 0:
            return "padding"
        if place < self.stretched:
            if place < -self.before or place >= self.stretched + min(self.after, 0):
                return "cropped"
            return "zero" if place % (self.gap + 1) else "input"
        place -= self.stretched
        if place < max(self.after, 0):
            return "padding"
        return "extra" if place < max(self.after, 0) + self.extra else "beyond"

    def read(self, cell: int) -> bool:
        """Say whether the kernel stands on a cell at some position."""
        starts = self.starts
        return any(cell - tap in starts for tap in self.taps)

    @property
    def unread_end(self) -> int:
        """How many cells at the far edge no window reaches, cropped ones left out."""
        last = self.starts[-1] + self.reach if self.outputs > 0 else 0
        return max(self.length - max(-self.after, 0) - last, 0)


def axis_of(step: AxisArithmetic, lower: bool = False) -> Axis:
    """Return the picture of one explained axis. Raises NoFigure where a size is not a number."""
    w = step.window
    if not isinstance(w.i, int) or not isinstance(w.o, int) or not isinstance(w.a, int):
        raise NoFigure(
            f"its size on {step.axis} is not known: {w.i}; give the dimension a size, with --set or under dims"
        )
    if w.transposes:
        return _transposed(step, w.i, w.o, w.a)
    before, after = w.before, w.after
    if w.form == "same":
        before, after = convolution.same_padding(w.i, w.k, w.s, w.d, lower)
    flat = Axis(step.axis, w.i, w.o, w.k, w.s, w.d, before=before, after=after)
    over = flat.starts[-1] + flat.reach - flat.length + max(-after, 0)
    return flat._replace(beyond=max(over, 0)) if w.form == "ceil" else flat


def _transposed(step: AxisArithmetic, i: int, o: int, a: int) -> Axis:
    w = step.window
    if step.direct is not None:
        before, after = known(step.direct.before), known(step.direct.after)
    else:
        before, after = convolution.transposed_padding(w.k, w.before, w.after, w.d)
    edge = after + a
    # a adds to the padding of the far edge, or makes up for what is cropped there.
    after = edge if edge < after or edge < 0 else min(max(after, 0), edge)
    extra = max(edge - max(after, 0), 0)
    return Axis(step.axis, i, o, w.k, 1, w.d, w.s - 1, before, after, extra, transposed=True)


def axes_of(steps: list[AxisArithmetic], lower: bool = False) -> tuple[Axis, ...]:
    """Return the picture of every axis. ``lower`` says that ``same`` puts the odd zero first."""
    if not steps:
        raise NoFigure("it slides no window")
    return tuple(axis_of(step, lower) for step in steps)
