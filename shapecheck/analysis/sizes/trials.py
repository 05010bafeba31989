"""One size at a time: whether a network works where one of its dimensions has it, and if not, at which layer it fails.

This is what ``check`` asks: it is slow, and always right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.arithmetic.shape import split
from shapecheck.arithmetic.symbolic import Size, divides, same
from shapecheck.graph.network import Network

# Layers that are computed in trying the sizes of one dimension.
MOST_LAYERS = 40_000
# What reading a file again costs, in layers.
READING = 30


class Trial(NamedTuple):
    """What came of one size: ``works`` is None where it depends on a dimension that has no size.

    ``node`` is the first at which it fails, ``message`` says how.
    """

    works: bool | None
    node: int | None = None
    message: str = ""


class Trials:
    """The network at sizes of one dimension, the others as they are; each is tried once.

    ``others`` gives some of the others another size. ``read`` lists layers and spatial axes of which no row may be
    left unread.
    """

    def __init__(
        self,
        network: Network,
        name: str,
        read: list[tuple[int, int]] | None = None,
        others: Mapping[str, int] | None = None,
    ) -> None:
        self.network = network
        self.name = name
        self.read = read or []
        self.others = others or {}
        self._known: dict[int, Trial] = {}
        self._left = MOST_LAYERS

    def at(self, n: int) -> Trial:
        """Return what comes of a size."""
        if n not in self._known:
            self._known[n] = self._try(n)
        return self._known[n]

    def affords(self, count: int) -> bool:
        """Say whether so many sizes more may be tried unasked, and count them."""
        cost = count * (READING + len(self.network.nodes))
        if self.network.resized is None or cost > self._left:
            return False
        self._left -= cost
        return True

    def tried(self, n: int) -> Trial | None:
        """Return what comes of a size that nobody asked for; None where too many were tried."""
        return self.at(n) if n in self._known or self.affords(1) else None

    def _try(self, n: int) -> Trial:
        if self.network.resized is None:
            return Trial(None)
        network = self.network.resized({**self.others, self.name: n})
        if network.flaws and not self.network.flaws:
            return Trial(False, _flawed(network), network.flaws[0].message)
        return judged(propagate(network), self.read)


def judged(shapes: Shapes, read: list[tuple[int, int]]) -> Trial:
    """Return what comes of a network at the sizes that it has; of the axes in ``read`` no row may be left unread."""
    network = shapes.network
    if shapes.troubles:
        place = {index: at for at, index in enumerate(network.order)}
        first = min(shapes.troubles, key=lambda trouble: place[trouble.node])
        return Trial(False, first.node, first.message)
    for decoder, _, one, other in mirrored_sizes(shapes):
        if same(one, other) is False:
            return Trial(False, decoder, f"the pair has sizes {one} and {other}")
    for index, size, parts in split_sizes(shapes):
        if divides(parts, size) is False:
            return Trial(False, index, f"a size of {size} cannot be split over {parts} devices")
    for index, axis in read:
        if shapes.windows(network.nodes[index])[axis].unread != 0:
            return Trial(False, index, "a row of the input is left unread")
    return Trial(None if shapes.undecided else True)


def mirrored_sizes(shapes: Shapes) -> list[tuple[int, int, Size, Size]]:
    """Return (decoder, source, size, size) for each axis of each declared pair whose shapes are known.

    Of a pair of different ranks it is their numbers of spatial axes.
    """
    found: list[tuple[int, int, Size, Size]] = []
    for decoder, source in shapes.network.mirrored:
        ends = [shapes.outputs[index] for index in (decoder, source)]
        if any(shape is None or len(shape) < 3 for shape in ends):
            continue
        left, right = (split(shape, shapes.network.channels_last).spatial for shape in ends if shape is not None)
        if len(left) != len(right):
            found.append((decoder, source, len(left), len(right)))
        else:
            found += [(decoder, source, one, other) for one, other in zip(left, right, strict=True)]
    return found


def split_sizes(shapes: Shapes) -> list[tuple[int, Size, int]]:
    """Return (input, size, parts) for each axis of an input that the file splits over devices: parts divide size."""
    sharding = shapes.network.sharding
    if sharding is None or sharding.span is None:
        return []
    return [
        (index, size, parts)
        for index, splits in sharding.inputs.items()
        for size, axis in zip(shapes.outputs[index] or (), splits, strict=False)
        if (parts := sharding.parts(axis)) > 1
    ]


def _flawed(network: Network) -> int | None:
    """Return the node that could not be read with a size: the layer that is named, or an input without a shape."""
    layer = network.flaws[0].layer
    if layer is not None:
        return next((node.index for node in network.nodes if node.name == layer), None)
    return next((node.index for node in network.inputs if node.shape is None), None)
