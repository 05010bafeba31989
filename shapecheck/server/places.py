"""What stands at a place of the tree: the keys that lead there, and the layer that it belongs to."""

from __future__ import annotations

from typing import NamedTuple

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Position


class TreePlace(NamedTuple):
    """The innermost node at a place. ``way`` are the keys and the numbers of entries that lead to it.

    ``layer`` is the mapping of the layer around it, and ``scope`` the block in which that layer is written.
    """

    way: tuple[str | int, ...]
    node: Node
    is_key: bool
    layer: MappingNode | None
    scope: str


def find(root: MappingNode, at: Position) -> TreePlace:
    """Return what stands at a place; where nothing does, the collection around it."""
    node: Node = root
    way: list[str | int] = []
    layer: MappingNode | None = None
    while isinstance(node, CollectionNode):
        found = _child(node, at)
        if found is None:
            break
        step, node, is_key = found
        way.append(step)
        if is_key:
            return TreePlace(tuple(way), node, True, layer, _scope(way))
        if isinstance(node, MappingNode) and is_layer(way):
            layer = node
    return TreePlace(tuple(way), node, False, layer, _scope(way))


def is_layer(way: list[str | int]) -> bool:
    """Say whether a way leads to an entry of a list of layers."""
    return len(way) in (2, 4) and way[-2] == "layers" and (len(way) == 2 or way[0] == "blocks")


def _scope(way: list[str | int]) -> str:
    return str(way[1]) if len(way) > 1 and way[0] == "blocks" else ""


def _child(node: CollectionNode, at: Position) -> tuple[str | int, Node, bool] | None:
    if isinstance(node, SequenceNode):
        index = _last(node.value, at)
        return (index, node.value[index], False) if index >= 0 and _holds(node.value[index], at) else None
    index = _last([key for key, _ in node.value], at)
    if index < 0:
        return None
    key, value = node.value[index]
    name = key.value if isinstance(key, ScalarNode) else ""
    if _holds(key, at):
        return name, key, True
    return (name, value, False) if _begin(value) <= at and _holds(value, at) else None


def _last(nodes: list[Node], at: Position) -> int:
    low, high = 0, len(nodes)
    while low < high:
        middle = (low + high) // 2
        if _begin(nodes[middle]) <= at:
            low = middle + 1
        else:
            high = middle
    return low - 1


def _begin(node: Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _holds(node: Node, at: Position) -> bool:
    """Say whether a place that is not above a node is in it; a collection in block style goes on to the next."""
    if isinstance(node, CollectionNode) and not node.flow_style:
        return True
    return at <= Position(node.end_mark.line + 1, node.end_mark.column + 1)


def end_of(node: Node) -> Position:
    """Return where the last letter of a node stands; of a collection in block style, that of its last scalar."""
    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return Position(node.end_mark.line + 1, node.end_mark.column + 1)
