"""Which positions a chain of dilated kernels reads: dilations that share a divisor leave holes, and never fill them.

An output element of a chain of stride-1 layers reads the sums of one tap offset from each layer. The offsets are kept
as the bits of a number, one per spatial axis; a chain begins behind whatever resamples or mixes a whole axis.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.coverage import settled
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ELEMENTWISE, MERGING, Slide, Survey
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.layers.linear import Linear
from shapecheck.layers.resize import Pad, pairs
from shapecheck.layers.window import Window

# Layers behind which an element sees a whole axis, holes and all.
WHOLE = frozenset(
    {
        "global_avg_pool",
        "global_max_pool",
        "adaptive_avg_pool",
        "adaptive_max_pool",
        "attention",
        "flatten",
        "fold",
        "permute",
        "reduce",
        "reshape",
        "unfold",
    }
)
# A chain that reaches further than this is given up: the numbers would be long, and nothing is that wide.
WIDEST = 100_000


class Reads(NamedTuple):
    """What an element reads on one axis of the chain's first map: bit b stands for the offset ``base`` + b."""

    base: int
    bits: int

    @property
    def holes(self) -> bool:
        """Whether some position between the first and the last is never read."""
        run = self.bits >> ((self.bits & -self.bits).bit_length() - 1)
        return run & (run + 1) != 0


class Chain(NamedTuple):
    """A chain so far: the node it begins at, what is read on each axis, and its dilated layers."""

    start: int
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


def griddings(shapes: Shapes, survey: Survey) -> list[Gridding]:
    """Return the chains of two and more dilated layers that leave holes which nothing behind them fills."""
    if not any(w.d > 1 and w.k > 1 for slide in survey.slides for w in slide.windows):
        return []
    chains: dict[int, Chain] = {}
    found: dict[int, Gridding] = {}
    nodes = shapes.network.nodes
    for index in shapes.network.order:
        shape = shapes.outputs[index]
        node = nodes[index]
        if shape is None or len(shape) < 3 or node.op == "unfold":
            continue
        chain = _onward(survey, node, chains)
        if chain is None:
            for above in node.inputs:
                if above in chains and node.op not in WHOLE:
                    _report(nodes, chains[above], found, survey.slide_at.get(index))
            chain = Chain(index, (Reads(0, 1),) * (len(shape) - 2), ())
        elif index in survey.ends:
            _report(nodes, chain, found, None)
        chains[index] = chain
    return list(found.values())


def _onward(survey: Survey, node: Node, chains: dict[int, Chain]) -> Chain | None:
    """Return the chain behind a node, or None where the node ends it."""
    above = [chains.get(i) for i in node.inputs]
    first = above[0] if above else None
    if first is None or any(chain is None or chain.start != first.start for chain in above):
        return None
    if node.op in ELEMENTWISE or isinstance(node.layer, Linear):
        return first
    if node.op in MERGING:
        known = [chain for chain in above if chain is not None]
        reads = tuple(_union([chain.reads[j] for chain in known]) for j in range(len(first.reads)))
        dilated = tuple(dict.fromkeys(i for chain in known for i in chain.dilated))
        return Chain(first.start, reads, dilated)
    slide = survey.slide_at.get(node.index)
    if isinstance(node.layer, Pad):
        edges = pairs(node.layer.padding, len(first.reads), "padding")
        moved = (read._replace(base=read.base - edge[0]) for read, edge in zip(first.reads, edges, strict=True))
        return first._replace(reads=tuple(moved))
    if slide is None:
        return first if isinstance(node.layer, Conv) else None
    windows = slide.windows
    if any(w.s > 1 for w in windows):
        return None
    if any(read.bits.bit_length() + w.reach > WIDEST for read, w in zip(first.reads, windows, strict=True)):
        return None
    reads = tuple(_slide(read, _settled(node, w)) for read, w in zip(first.reads, windows, strict=True))
    more = (node.index,) if any(w.d > 1 and w.k > 1 for w in windows) else ()
    return Chain(first.start, reads, (*first.dilated, *more))


def _settled(node: Node, window: Window) -> Window:
    return settled(window, getattr(node.layer, "padding", None) == "same_lower")


def _slide(read: Reads, window: Window) -> Reads:
    bits = 0
    for tap in range(window.k):
        bits |= read.bits << (tap * window.d)
    return Reads(read.base - window.before, bits)


def _union(reads: list[Reads]) -> Reads:
    base = min(read.base for read in reads)
    bits = 0
    for read in reads:
        bits |= read.bits << (read.base - base)
    return Reads(base, bits)


def _report(nodes: list[Node], chain: Chain, found: dict[int, Gridding], end: Slide | None) -> None:
    """Note a chain that has holes still, when the layer that ends it has looked at it with its own window."""
    if len(chain.dilated) < 2 or chain.dilated[-1] in found:
        return
    reads = chain.reads
    if end is not None:
        reads = tuple(_slide(read, w) for read, w in zip(reads, end.windows, strict=True))
    axes = tuple(j for j, read in enumerate(reads) if read.holes)
    if axes:
        bits = chain.reads[axes[0]].bits
        last = nodes[chain.dilated[-1]]
        dilated = tuple(nodes[i] for i in chain.dilated)
        span = bits.bit_length() - (bits & -bits).bit_length() + 1
        found[last.index] = Gridding(last, nodes[chain.start], dilated, axes, bits.bit_count(), span)
