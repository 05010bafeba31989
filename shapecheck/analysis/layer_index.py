"""The layers of a network by op, by part and by who reads them: gathered in one walk, and kept with its shapes."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.graph.network import Node
from shapecheck.layers.base import Layer
from shapecheck.layers.role import Role
from shapecheck.layers.window import Window


class Slide(NamedTuple):
    """A layer that slides a window of more than one element, or in strides, and the numbers of each axis."""

    node: Node
    windows: tuple[Window, ...]


class LayerIndex:
    """A network in which nothing is wrong, sorted for the lints.

    ``readers`` lists for each node who reads its data, ``ends`` the nodes that are outputs of the network.
    """

    def __init__(self, shapes: Shapes) -> None:
        network = shapes.network
        self.slides: list[Slide] = []
        by_op: dict[str, list[Node]] = {}
        self._by_role: dict[tuple[Role, Role], list[Node]] = {}
        self._indices: dict[Role, frozenset[int]] = {}
        self.readers: list[list[Node]] = [[] for _ in network.nodes]
        self.ends = frozenset(network.outputs.values())
        for node in network.nodes:
            by_op.setdefault(node.op, []).append(node)
            for index in node.inputs:
                self.readers[index].append(node)
        # Layers of one op are of one class: what they play is asked once of each op, and kept as numbers, because a
        # flag is slow to combine.
        self._ops = [(nodes[0].layer.role.value, nodes) for nodes in by_op.values() if nodes[0].layer]
        for node in self.playing(Role.SLIDES):
            layer = node.layer
            if getattr(layer, "kernel_size", None) == 1 and getattr(layer, "stride", None) in (1, None):
                continue  # most layers of a large network, and seen at once
            windows = shapes.windows(node)
            if any(w.k > 1 or w.s > 1 for w in windows):
                self.slides.append(Slide(node, windows))

    def playing(self, role: Role, but: Role = Role.NONE) -> list[Node]:
        """Return the layers that play one part at least of ``role``, and none of ``but``, in the order of the file."""
        found = self._by_role.get((role, but))
        if found is None:
            wanted, unwanted = role.value, but.value
            groups = [nodes for played, nodes in self._ops if played & wanted and not played & unwanted]
            found = sorted((node for nodes in groups for node in nodes), key=lambda node: node.index)
            self._by_role[role, but] = found
        return found

    def answering(self, question: str) -> list[Node]:
        """Return the layers of a class with an answer of its own to a question of Layer's, such as ``does_nothing``."""
        base = getattr(Layer, question)
        own = (nodes for _, nodes in self._ops if getattr(type(nodes[0].layer), question) is not base)
        return sorted((node for nodes in own for node in nodes), key=lambda node: node.index)

    def indices(self, role: Role) -> frozenset[int]:
        """Return the indices of the layers that play one part at least of ``role``."""
        found = self._indices.get(role)
        if found is None:
            found = self._indices[role] = frozenset(node.index for node in self.playing(role))
        return found

    def only_reader(self, node: Node) -> Node | None:
        """Return the one layer that reads a node, or None where several do or the node is an output."""
        readers = self.readers[node.index]
        return readers[0] if len(readers) == 1 and node.index not in self.ends else None

    @cached_property
    def slide_at(self) -> dict[int, Slide]:
        """The slides by the index of their node."""
        return {slide.node.index: slide for slide in self.slides}


def layer_index(shapes: Shapes) -> LayerIndex:
    """Return the index of the layers of a network; it is made once."""
    found = shapes.kept.get("layer index")
    if not isinstance(found, LayerIndex):
        found = shapes.kept["layer index"] = LayerIndex(shapes)
    return found
