"""Cut a long network into pieces: the time that XLA takes grows faster than the length of what it compiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from shapecheck.graph.network import Network
from shapecheck.verification.reference.layer_function import values_read
from shapecheck.verification.reference.trace import Trace

LONGEST = 300
# Lengths that are tried in search of one after which the network repeats itself.
_LENGTHS = range(250, 501)


def cut(network: Network, traced: Trace) -> list[list[int]]:
    """Return the traced layers, in order, in pieces that are compiled one after the other.

    Where the network repeats itself the length of a piece is a multiple of its period, so that pieces are equal.
    """
    layers = [i for i in network.order if i in traced.structs and network.nodes[i].layer is not None]
    if len(layers) <= LONGEST:
        return [layers] if layers else []
    length = _period(network, traced, layers) or -(-len(layers) // -(-len(layers) // LONGEST))
    return [layers[start : start + length] for start in range(0, len(layers), length)]


def _period(network: Network, traced: Trace, layers: list[int]) -> int | None:
    """Return the length of a piece after which most of the network repeats itself, or None."""
    place = {index: at for at, index in enumerate(layers)}
    seen: dict[Any, int] = {}
    marks = np.array([seen.setdefault(_mark(network, traced, place, index), len(seen)) for index in layers])
    best, share = None, 0.5
    for length in _LENGTHS:
        if 2 * length > len(layers):
            break
        found = float(np.mean(marks[length:] == marks[:-length]))
        if found > share:
            best, share = length, found
    return best


def _mark(network: Network, traced: Trace, place: dict[int, int], index: int) -> Any:
    """Return what makes two layers alike: op, keys, the shapes they read, and how far up those stand."""
    node = network.nodes[index]
    assert node.layer is not None
    keys = tuple(getattr(node.layer, key) for key in node.layer.keys_of(node.op) if key not in node.references)
    here = place[index]
    read = tuple((traced.structs[i].shape, here - place.get(i, here)) for i in values_read(network, node))
    return node.op, keys, read
