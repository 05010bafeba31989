"""Which layers look up numbers that are no whole numbers, and where those come from."""

from __future__ import annotations

from shapecheck.graph.network import Network, Node
from shapecheck.layers.base import Broken
from shapecheck.layers.role import Role

_WHOLE = frozenset({"int8", "int32", "int64", "uint8"})


def floats_looked_up(network: Network) -> dict[int, Node]:
    """Return the layers that look up numbers of another kind, and for each the node which first gave those.

    A layer keeps the kind of what it reads, but what is looked up is of the table's. An input without a dtype holds
    whole numbers where it is read to be looked up alone, and float32 else, as in the reference build.
    """
    kinds = {type(node.layer) for node in network.nodes if node.layer is not None}
    tables = {kind for kind in kinds if Role.LOOKS_UP in kind.role}
    if not tables:
        return {}
    lookups = {node.index for node in network.layers if type(node.layer) in tables}
    others = {index for node in network.layers if node.index not in lookups for index in node.inputs}
    read = {index for node in network.layers for index in node.inputs}
    # The node that first gave numbers which are not whole, by the node that has them.
    givers: dict[int, Node] = {}
    found: dict[int, Node] = {}
    for index in network.order:
        node = network.nodes[index]
        if node.layer is None:
            unsaid = node.dtype is None and (index in others or index not in read)
            if unsaid or (node.dtype is not None and node.dtype not in _WHOLE):
                givers[index] = node
        elif isinstance(node.layer, Broken) or not node.inputs:
            continue
        elif index in lookups:
            if node.inputs[0] in givers:
                found[index] = givers[node.inputs[0]]
            givers[index] = node
        elif node.inputs[0] in givers:
            givers[index] = givers[node.inputs[0]]
    return found
