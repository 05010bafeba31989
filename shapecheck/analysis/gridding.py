"""Which positions a chain of dilated kernels reads: dilations that share a divisor leave holes, and never fill them.

An output element of a chain of stride-1 layers reads the sums of one tap offset from each layer. The offsets are kept
as the bits of a number, one per spatial axis; a chain begins behind whatever resamples or mixes a whole axis.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.forward_flow import Place, places
from shapecheck.analysis.layer_index import LayerIndex
from shapecheck.analysis.propagation import Shapes
from shapecheck.graph.network import Node
from shapecheck.layers.flow import SAME, AxisKind

# A chain that reaches further than this is given up: the numbers would be long, and nothing is that wide.
WIDEST = 100_000
# How an axis may go on that is not counted anew: what ends a chain in one of these ways still shows its holes.
POSITIONS_STAY = frozenset({AxisKind.KEPT, AxisKind.WINDOWED, AxisKind.RESAMPLED, AxisKind.CUT})


class Reads(NamedTuple):
    """What an element reads on one axis of the chain's first map: bit b stands for the offset ``base`` + b."""

    base: int
    bits: int

    @property
    def holes(self) -> bool:
        """Whether some position between the first and the last is never read."""
        run = self.bits >> ((self.bits & -self.bits).bit_length() - 1)
        return run & (run + 1) != 0

    def through(self, taps: range) -> Reads | None:
        """Return what is read by an element that reads these elements by ``taps``; None where that is too wide."""
        if not taps or self.bits.bit_length() + taps[-1] - taps[0] > WIDEST:
            return None
        bits, done = self.bits, 1
        while done < len(taps):
            more = min(done, len(taps) - done)
            bits |= bits << (more * taps.step)
            done += more
        return Reads(self.base + taps[0], bits)

    def union(self, other: Reads) -> Reads:
        """Return what is read by an element that reads both."""
        base = min(self.base, other.base)
        return Reads(base, self.bits << (self.base - base) | other.bits << (other.base - base))


class Chain(NamedTuple):
    """A chain so far: the node it begins at, where its axes stand, what is read on each, and its dilated layers."""

    start: int
    axes: tuple[int, ...]
    reads: tuple[Reads, ...]
    dilated: tuple[int, ...]


class Gridding(NamedTuple):
    """A chain that ends with holes: its last dilated layer, the axes, and what is read on the first of them."""

    layer: Node
    start: Node
    dilated: tuple[Node, ...]
    axes: tuple[int, ...]
    read: int
    span: int


def griddings(shapes: Shapes, layers: LayerIndex) -> list[Gridding]:
    """Return the chains of two and more dilated layers that leave holes which nothing behind them fills."""
    if not any(w.d > 1 and w.k > 1 for slide in layers.slides for w in slide.windows):
        return []
    chains: dict[int, Chain] = {}
    found: dict[int, Gridding] = {}
    nodes = shapes.network.nodes
    first = 1 if shapes.network.channels_last else 2
    for index in shapes.network.order:
        shape = shapes.outputs[index]
        node = nodes[index]
        if shape is None or len(shape) < 3:
            continue
        onward = places(shapes, node)
        above = [chains.get(i) for i in node.inputs]
        chain = _joined([chain and _onward(chain, place) for chain, place in zip(above, onward, strict=True)])
        if chain is None:
            for ended, place in zip(above, onward, strict=True):
                if ended is not None:
                    _report(nodes, ended, found, place)
            spatial = tuple(range(first, first + len(shape) - 2))
            chain = Chain(index, spatial, (Reads(0, 1),) * len(spatial), ())
        else:
            slide = layers.slide_at.get(index)
            if slide is not None and any(w.d > 1 and w.k > 1 for w in slide.windows):
                chain = chain._replace(dilated=(*chain.dilated, index))
            if index in layers.ends:
                _report(nodes, chain, found, None)
        chains[index] = chain
    return list(found.values())


def _onward(chain: Chain, onward: dict[int, Place]) -> Chain | None:
    """Return the chain behind a node, or None where the node ends it: with a stride, or by mixing an axis."""
    axes, reads = [], []
    for axis, read in zip(chain.axes, chain.reads, strict=True):
        place = onward.get(axis)
        if place is None or place.axis is None or place.taps is None or place.kind not in POSITIONS_STAY:
            return None
        if place.taps.period != 1 or place.taps.advance != 1:
            return None
        behind = read if place.taps is SAME else read.through(place.taps.reads[0])
        if behind is None:
            return None
        axes.append(place.axis)
        reads.append(behind)
    return chain._replace(axes=tuple(axes), reads=tuple(reads))


def _joined(chains: list[Chain | None]) -> Chain | None:
    """Return the chain behind a merge of some, or None where they do not begin at one map."""
    first = chains[0] if chains else None
    if first is None:
        return None
    joined = first
    for chain in chains[1:]:
        if chain is None or chain.start != first.start or chain.axes != first.axes:
            return None
        reads = tuple(one.union(other) for one, other in zip(joined.reads, chain.reads, strict=True))
        joined = joined._replace(reads=reads, dilated=tuple(dict.fromkeys((*joined.dilated, *chain.dilated))))
    return joined


def _report(nodes: list[Node], chain: Chain, found: dict[int, Gridding], end: dict[int, Place] | None) -> None:
    """Note a chain that has holes still, when the layer that ends it has looked at it with its own window."""
    if len(chain.dilated) < 2 or chain.dilated[-1] in found:
        return
    axes = tuple(
        j
        for j, (axis, read) in enumerate(zip(chain.axes, chain.reads, strict=True))
        if read.holes and (end is None or not _filled(read, end.get(axis)))
    )
    if axes:
        bits = chain.reads[axes[0]].bits
        last = nodes[chain.dilated[-1]]
        dilated = tuple(nodes[i] for i in chain.dilated)
        span = bits.bit_length() - (bits & -bits).bit_length() + 1
        found[last.index] = Gridding(last, nodes[chain.start], dilated, axes, bits.bit_count(), span)


def _filled(read: Reads, place: Place | None) -> bool:
    """Say whether an element behind the end of a chain reads some stretch of an axis without a hole."""
    taps = None if place is None else place.taps or place.pattern
    if place is None or place.axis is None or taps is None or place.kind not in POSITIONS_STAY:
        return True
    behind = [read.through(reads) for reads in taps.reads if reads]
    return not all(one is not None and one.holes for one in behind)
