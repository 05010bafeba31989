"""The batch of a network: the first axis of every input, under one name."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple

from shapecheck.analysis.sizes.every_size import Sizes, analyse
from shapecheck.arithmetic.shape import show
from shapecheck.arithmetic.symbolic import Size, Symbolic
from shapecheck.graph.network import Dimension, Network, Node

# What the first axis is called where the file gives it a number; underscores are added while a dimension has that name.
UNNAMED = "batch"


class NoBatch(ValueError):
    """The inputs have no batch that one number could change; the message says why."""


class Batch(NamedTuple):
    """The first axis of every input: the ``name`` of its dimension, and its size where it has one.

    In ``network`` it is that dimension in any case. ``named`` says that the file names it; otherwise it is a number
    there, and the layers may hold it to that number.
    """

    name: str
    size: int | None
    named: bool
    network: Network

    def at(self, size: int) -> Network:
        """Return the network with another batch, the other dimensions at their sizes."""
        assert self.network.resized is not None
        return self.network.resized({self.name: size})

    def sizes(self) -> Sizes:
        """Return the batches at which the network works, and what holds it to them."""
        return analyse(self.network).dims[self.name]


def batch_of(network: Network) -> Batch:
    """Return the batch: one name, or one number, that stands first in the shape of every input. Raises NoBatch."""
    inputs = network.inputs
    if network.resized is None or not inputs or any(not node.shape for node in inputs):
        raise NoBatch("the inputs could not be read")
    named = {node.dims[0] for node in inputs}
    if len(named) == 1 and (name := next(iter(named))) is not None:
        _require_alone(inputs, name)
        return Batch(name, network.sizes.get(name), True, network)
    sizes = {node.shape[0] for node in inputs if node.shape}
    if named == {None} and len(sizes) == 1 and isinstance(size := next(iter(sizes)), int):
        name = UNNAMED
        while name in network.dims:
            name += "_"
        return Batch(name, size, False, _opened(network, name, size))
    if len(inputs) == 1:
        raise NoBatch(f"the first axis of {inputs[0].name} is neither a name nor a number: name the batch there, as N")
    firsts = ", ".join(f"{_first(node)} in {node.name}" for node in inputs)
    raise NoBatch(f"the inputs have no batch in common: their first axis is {firsts}; give it one name, such as N")


def _require_alone(inputs: list[Node], name: str) -> None:
    for node in inputs:
        if name in node.dims[1:]:
            axis = node.dims.index(name, 1)
            raise NoBatch(f"{name} is no batch: it stands at axis {axis} of {node.name} {_shown(node)} as well")


def _first(node: Node) -> str:
    return node.dims[0] or ("unknown" if not node.shape else str(node.shape[0]))


def _shown(node: Node) -> str:
    return show(node.shape) if node.shape else "unknown"


def _opened(network: Network, name: str, size: int) -> Network:
    """Return the network with its first axis, a number in the file, as a dimension of this ``name`` and size."""

    def resized(sizes: Mapping[str, Any]) -> Network:
        others = {other: given for other, given in sizes.items() if other != name}
        inner = network.resized(others) if others and network.resized is not None else network
        return _with_first(inner, name, sizes.get(name, size))

    def _with_first(inner: Network, name: str, first: Size) -> Network:
        changed = copy(inner)
        changed._graph = None
        changed.nodes = [_batched(node, name, first) if node.layer is None else node for node in inner.nodes]
        span = inner.inputs[0].source.span
        known = None if isinstance(first, Symbolic) else int(first)
        changed.dims = {**inner.dims, name: Dimension(name, known, None, span)}
        changed.resized = resized
        return changed

    return _with_first(network, name, size)


def _batched(node: Node, name: str, first: Size) -> Node:
    changed = copy(node)
    changed.shape = (first, *(node.shape or ())[1:])
    changed.dims = (name, *node.dims[1:])
    return changed
