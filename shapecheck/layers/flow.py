"""How the axes of a layer's output come from the axes of its inputs: what each layer declares, once.

Every analysis that follows an axis (provenance, receptive field, gridding, alignment, sharding, liveness) is a fold
over these records, and none of them knows an op.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.layers.window import Window


class AxisKind(Enum):
    """What becomes of an axis."""

    KEPT = "kept"  # position j comes from position j, of every source
    WINDOWED = "windowed"  # position j comes from a window around s·j, or the transposed of that
    RESAMPLED = "resampled"  # position j comes from where j stands on a finer or coarser grid
    CUT = "cut"  # some positions are left out, or added at the ends: j comes from step·j + start
    CONCATENATED = "concatenated"  # the sources stand one after the other: the size is their sum
    JOINED = "joined"  # the sources are counted through as one axis: the size is their product
    SPLIT = "split"  # one of several factors of the source
    MIXED = "mixed"  # a position comes from all of the sources, or what taps say; the size is the layer's own
    NEW = "new"  # comes from no axis


class Taps(NamedTuple):
    """Which positions of a source an output position reads, in closed form.

    Position q·period + r reads the positions q·advance + t for each t in ``reads[r]``; what lies outside the source
    is padding, or another element that padding copies. ``advance / period`` is the step of the source per step of
    the output.
    """

    period: int
    advance: int
    reads: tuple[range, ...]

    def at(self, position: int) -> range:
        """Return what an output position reads, as positions of the source that may lie outside of it."""
        turns, rest = divmod(position, self.period)
        taps = self.reads[rest]
        shift = turns * self.advance
        return range(taps.start + shift, taps.stop + shift, taps.step)


SAME = Taps(1, 1, (range(1),))
# What every output position reads of an axis of size 1 that is stretched.
STRETCHED = Taps(1, 0, (range(1),))
# A stride or a ratio beyond this has no taps: nothing so coarse is followed position by position.
LONGEST_PERIOD = 4096


class Source(NamedTuple):
    """One axis of one input (``operand`` counts the inputs) that an output axis comes from.

    ``taps`` is None where an element reads every position, or where nobody can say which. Where only the place of
    the first is unknown, because it follows from a size that is not known, ``pattern`` has the taps up to a shift.
    JOINED and SPLIT have no taps: they follow from counting the axes through, the last the fastest. Of an axis of an
    input that is no source of any output axis, every output element reads all positions.
    """

    operand: int
    axis: int
    taps: Taps | None = None
    pattern: Taps | None = None


class AxisFlow(NamedTuple):
    """Where one output axis comes from.

    ``spreads`` says that each element also depends on every other position of this axis, as behind a softmax or a
    normalisation, although position j still stands for position j. ``window`` is set where a window slides.
    """

    kind: AxisKind
    sources: tuple[Source, ...] = ()
    spreads: bool = False
    window: Window | None = None


Flow = tuple[AxisFlow, ...]


def kept(axis: int, operands: int = 1, spreads: bool = False) -> AxisFlow:
    """Return the flow of an axis that stands at ``axis`` of every one of so many inputs."""
    return AxisFlow(AxisKind.KEPT, tuple(Source(operand, axis, SAME) for operand in range(operands)), spreads)


def moved(axis: int) -> AxisFlow:
    """Return the flow of an axis that stood at ``axis`` of the one input."""
    return AxisFlow(AxisKind.KEPT, (Source(0, axis, SAME),))


def mixed(*axes: int, operand: int = 0) -> AxisFlow:
    """Return the flow of an axis of which each element reads all of ``axes``."""
    return AxisFlow(AxisKind.MIXED, tuple(Source(operand, axis) for axis in axes))


def new() -> AxisFlow:
    """Return the flow of an axis that comes from none."""
    return AxisFlow(AxisKind.NEW)


def cut(axis: int, start: Size | None, step: int = 1) -> AxisFlow:
    """Return the flow of an axis that begins at ``start`` (below 0: added elements) and goes on in steps."""
    return AxisFlow(AxisKind.CUT, (_cut(0, axis, start if isinstance(start, int) else None, step),))


def _cut(operand: int, axis: int, start: int | None, step: int = 1) -> Source:
    if start is None:
        return Source(operand, axis, pattern=Taps(1, step, (range(1),)))
    return Source(operand, axis, Taps(1, step, (range(start, start + 1),)))


def windowed(axis: int, window: Window, lower: bool = False) -> AxisFlow:
    """Return the flow of an axis along which a window slides; ``lower`` where ``same`` pads more in front."""
    taps = taps_of_window(window, lower)
    # What ``same`` pads with a stride is all that can be missing of a window that does not transpose.
    pattern = None if taps is not None or window.transposes else taps_of_window(window._replace(form="conv"))
    return AxisFlow(AxisKind.WINDOWED, (Source(0, axis, taps, pattern),), window=window)


def resampled(
    axis: int,
    i: Size,
    o: Size,
    mode: str = "nearest",
    ratio: tuple[int, int] | None = None,
    copied: Sequence[int] | None = None,
) -> AxisFlow:
    """Return the flow of an axis that is stretched or shrunk from ``i`` to ``o`` elements.

    ``ratio`` is that of input to output positions where it is not i / o: a scale factor that was rounded down.
    ``copied`` says which position each output copies, where it is found in floating point, which may round it down.
    """
    if ratio is None and isinstance(i, int) and isinstance(o, int) and i > 0 and o > 0:
        ratio = (i, o)
    taps = None if ratio is None else taps_of_ratio(*ratio, mode)
    if taps is not None and copied is not None and any(taps.at(j)[0] != at for j, at in enumerate(copied)):
        # The closed form is that of exact numbers: what differs is written out, for as many periods as it takes.
        turns = -(-len(copied) // taps.period)
        places = [*copied, *(taps.at(j)[0] for j in range(len(copied), turns * taps.period))]
        taps = Taps(turns * taps.period, turns * taps.advance, tuple(range(at, at + 1) for at in places))
    return AxisFlow(AxisKind.RESAMPLED, (Source(0, axis, taps),))


def joined(axes: Iterable[int]) -> AxisFlow:
    """Return the flow of an axis into which neighbouring axes are counted through, the last the fastest."""
    return AxisFlow(AxisKind.JOINED, tuple(Source(0, axis) for axis in axes))


def split_of(axis: int) -> AxisFlow:
    """Return the flow of an axis that is a factor of ``axis``."""
    return AxisFlow(AxisKind.SPLIT, (Source(0, axis),))


def concatenated(axis: int, sizes: Iterable[Size]) -> AxisFlow:
    """Return the flow of an axis along which inputs of these sizes stand one after the other."""
    sources = []
    start: Size = 0
    for operand, size in enumerate(sizes):
        sources.append(_cut(operand, axis, -start if isinstance(start, int) else None))
        start = start + size
    return AxisFlow(AxisKind.CONCATENATED, tuple(sources))


def in_blocks(kind: AxisKind, axis: int, reads: Size, gives: Size) -> AxisFlow:
    """Return the flow of an axis of which each ``gives`` positions in a row read the next ``reads`` in a row."""
    taps = None
    if isinstance(reads, int) and isinstance(gives, int) and gives <= LONGEST_PERIOD:
        taps = Taps(gives, reads, (range(reads),) * gives)
    return AxisFlow(kind, (Source(0, axis, taps),))


def pooled(axis: int, i: Size, o: Size) -> AxisFlow:
    """Return the flow of an axis whose i elements are pooled into o: j reads from ⌊j·i/o⌋ up to ⌈(j + 1)·i/o⌉.

    So does PyTorch's adaptive pooling. One element is made of the whole axis.
    """
    if o == 1:
        return mixed(axis)
    taps = None
    if isinstance(i, int) and isinstance(o, int):
        common = math.gcd(i, o)
        i, o = i // common, o // common
        if o <= LONGEST_PERIOD:
            taps = Taps(o, i, tuple(range(r * i // o, -(-(r + 1) * i // o)) for r in range(o)))
    return AxisFlow(AxisKind.RESAMPLED, (Source(0, axis, taps),))


def counted_again(before: Shape, after: Shape) -> Flow:
    """Return the flow of a reshape: axes whose elements are counted through alike correspond, in groups."""
    flows: dict[int, AxisFlow] = {}
    for axes, places in _groups(before, after):
        if len(axes) == len(places) == 1:
            flow = moved(axes[0])
        elif len(places) == 1:
            flow = joined(axes)
        else:
            flow = split_of(axes[0]) if len(axes) == 1 else mixed(*axes)
        flows |= dict.fromkeys(places, flow)
    return tuple(flows.get(place, new()) for place in range(len(after)))


def _groups(before: Shape, after: Shape) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the smallest groups of neighbouring axes with equal products; axes of size 1 by themselves."""
    ones = [_ones(shape) for shape in (before, after)]
    lasting = [[axis for axis, size in enumerate(shape) if size != 1] for shape in (before, after)]
    products = [_products(shape, axes) for shape, axes in zip((before, after), lasting, strict=True)]
    start, first = 0, 0
    for place, product in enumerate(products[1]):
        end = next((axis for axis in range(start, len(products[0])) if products[0][axis] == product), None)
        if place == len(products[1]) - 1:
            end = len(products[0]) - 1
        if end is None:
            continue
        if place:
            yield lasting[0][start:end], lasting[1][first:place]
        # Axes of size 1 correspond where they stand between the same groups.
        pairs = zip(ones[0].get(end, ()), ones[1].get(place, ()), strict=False)
        yield from (([axis], [other]) for axis, other in pairs)
        start, first = end, place


def _ones(shape: Shape) -> dict[int, list[int]]:
    """Return the axes of size 1, by how many others stand before each."""
    found: dict[int, list[int]] = {}
    others = 0
    for axis, size in enumerate(shape):
        if size == 1:
            found.setdefault(others, []).append(axis)
        else:
            others += 1
    return found


def _products(shape: Shape, axes: list[int]) -> list[Size]:
    """Return the products of the first 0, 1, 2, … of some axes."""
    found: list[Size] = [1]
    for axis in axes:
        found.append(found[-1] * shape[axis])
    return found


def taps_of_window(window: Window, lower: bool = False) -> Taps | None:
    """Return what a window reads: taps d apart, the first at s·j − p; of a transposed one where k, s and d let it.

    None where the padding follows from a size that is not known, or the stride is beyond LONGEST_PERIOD.
    """
    w = settled(window, lower)
    if w is None:
        return None
    if not w.transposes:
        return Taps(1, w.s, (range(-w.before, -w.before + (w.k - 1) * w.d + 1, w.d),))
    if w.s > LONGEST_PERIOD:
        return None
    return Taps(w.s, 1, tuple(_transposed(r + w.before, w.k, w.s, w.d) for r in range(w.s)))


def _transposed(position: int, k: int, s: int, d: int) -> range:
    """Return the i with position = s·i + d·t for a tap t from 0 to k − 1."""
    common = math.gcd(d, s)
    if position % common:
        return range(0)
    # t is fixed up to multiples of s / gcd, and each such multiple moves i by d / gcd.
    turn, step = s // common, d // common
    first = (position // common * pow(step, -1, turn)) % turn if turn > 1 else 0
    if first >= k:
        return range(0)
    count = (k - 1 - first) // turn + 1
    highest = (position - d * first) // s
    return range(highest - (count - 1) * step, highest + 1, step)


def settled(window: Window, lower: bool = False) -> Window | None:
    """Return a window with the padding that ``same`` works out; None where it follows from an unknown size.

    What the transposed of ``same`` crops in front is the padding of the convolution that it transposes.
    """
    if window.form not in ("same", "transposed_same"):
        return window
    # With stride 1 the padding is the same for every size. What is put back is cropped as the convolution pads it: it
    # is s·(i′ − 1) + 1 + a long, and the first term makes no difference.
    same = 1 if window.s == 1 else window.i
    i = window.a + 1 if window.form == "transposed_same" else same
    if not isinstance(i, int):
        return None
    before, after = convolution.same_padding(i, window.k, window.s, window.d, lower)
    return window._replace(before=before, after=after)


def taps_of_ratio(i: int, o: int, mode: str) -> Taps | None:
    """Return what resampling from i to o positions reads: ``nearest`` one position, ``linear`` two, ``cubic`` four.

    Positions are compared by their middles, as torch does without align_corners: output j stands at
    (j + 1/2)·i/o − 1/2, for ``nearest`` at ⌊j·i/o⌋. Between two positions with weight 0 for one of them, that one is
    not read. None where the period is beyond LONGEST_PERIOD.
    """
    common = math.gcd(i, o)
    i, o = i // common, o // common
    if o > LONGEST_PERIOD:
        return None
    if mode == "nearest":
        return Taps(o, i, tuple(range(r * i // o, r * i // o + 1) for r in range(o)))
    reads = []
    for r in range(o):
        place, rest = divmod((2 * r + 1) * i - o, 2 * o)
        if rest == 0:
            reads.append(range(place, place + 1))
        else:
            reads.append(range(place, place + 2) if mode == "linear" else range(place - 1, place + 3))
    return Taps(o, i, tuple(reads))
