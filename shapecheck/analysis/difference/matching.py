"""Which layers of two networks are the same layer: by the names that people gave, by order, by what surrounds them.

A name that somebody gave is the best sign. A name that was numbered (``conv_2``) moves when a layer is put in above,
so layers without a name of their own are matched by their order. What is left is one layer under two names where op,
keys and neighbours agree, and one layer replaced by another where only the neighbours do.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from shapecheck.analysis.difference.sequence import aligned
from shapecheck.graph.network import Network, Node
from shapecheck.layers.fields import Edges, PerAxis, Word

_NUMBERED = re.compile(r"(.+)_[0-9]+")
# Each round of looking along the connections matches something; real networks need two or three.
MOST_ROUNDS = 50

# Who stands around a layer: the index of each neighbour, and at which operand or key.
Neighbours = tuple[tuple[str, int], ...]


class Matching(NamedTuple):
    """``to_new`` maps the index of an old node to that of the new node that it is, ``to_old`` back."""

    to_new: dict[int, int]
    to_old: dict[int, int]

    def add(self, old: int, new: int) -> None:
        """Note that two nodes are one."""
        self.to_new[old] = new
        self.to_old[new] = old


class PlacedBlock:
    """A block as it was placed: its layers, by index, and the blocks in it, each by its own part of the name."""

    def __init__(self) -> None:
        self.children: dict[str, int | PlacedBlock] = {}


def match(old: Network, new: Network) -> Matching:
    """Return the nodes of two networks that are the same. The other way round gives the same pairs."""
    if _identity(old) > _identity(new):
        back = match(new, old)
        return Matching(back.to_old, back.to_new)
    return _Matcher(old, new).run()


def _identity(network: Network) -> tuple[int, list[tuple[object, ...]]]:
    """Return what puts networks in an order: ties are broken in one way, whichever is called the old one."""
    return len(network.nodes), [(n.name, n.op, str(keys(n)), n.inputs) for n in network.nodes]


def keys(node: Node) -> dict[str, Any]:
    """Return the keys of a layer that are no names of layers; one number per axis, all alike, is one number."""
    if node.layer is None:
        return {"shape": tuple(_input_shape(node)), "dtype": node.dtype or "float32"}
    layer = node.layer
    found: dict[str, Any] = {}
    for name, key in layer.keys_of(layer.op).items():
        if name not in layer.references:
            kind = key.kind.other if isinstance(key.kind, Word) else key.kind
            value = getattr(layer, name, None)
            if isinstance(kind, Edges) and isinstance(value, tuple):
                value = tuple(_one_edge(entry) for entry in value)
            found[name] = _one_for_all(value) if isinstance(kind, (PerAxis, Edges)) else value
    return found


def _input_shape(node: Node) -> Iterable[Any]:
    sizes = node.shape or ()
    return (name or size for name, size in zip(node.dims, sizes, strict=False))


def _one_edge(entry: Any) -> Any:
    return entry[0] if isinstance(entry, tuple) and entry[0] == entry[1] else entry


def _one_for_all(value: Any) -> Any:
    if not isinstance(value, tuple) or any(item != value[0] for item in value):
        return value
    # A pair that stands for all axes stays in a list: [[1, 2]] is not [1, 2].
    return value[:1] if isinstance(value[0], tuple) else value[0]


class _Matcher:
    def __init__(self, old: Network, new: Network) -> None:
        self.networks = (old, new)
        self.found = Matching({}, {})
        self.numbers: dict[Hashable, int] = {}
        self.signatures = tuple([self._number((n.op, *keys(n).items())) for n in net.nodes] for net in self.networks)
        self.blocks = {n.source.block for net in self.networks for n in net.nodes} - {None}
        # Layers of one given name and different ops.
        self.namesakes: list[tuple[int, int]] = []

    def run(self) -> Matching:
        self._scopes(*(_tree(network) for network in self.networks))
        self._along_connections()
        for old, new in self.namesakes:
            if self._free(0, old) and self._free(1, new):
                self.found.add(old, new)
        self._along_connections()
        if self._replaced():
            self._along_connections()
        return self.found

    def _number(self, token: Hashable) -> int:
        return self.numbers.setdefault(token, len(self.numbers))

    def _free(self, side: int, index: int) -> bool:
        return index not in (self.found.to_old if side else self.found.to_new)

    # By name, and by order within a block.

    def _scopes(self, old: PlacedBlock, new: PlacedBlock) -> None:
        pairs: list[tuple[int | PlacedBlock, int | PlacedBlock]] = []
        for name in old.children:
            if name in new.children and not (self._numbered(0, old, name) or self._numbered(1, new, name)):
                one, other = old.children[name], new.children[name]
                if self._coarse(0, name, one) == self._coarse(1, name, other):
                    pairs.append((one, other))
                elif isinstance(one, int) and isinstance(other, int) and self._layers(one, other):
                    self.namesakes.append((one, other))
        for one, other in [*pairs, *self._in_order(old, new)]:
            if isinstance(one, int) and isinstance(other, int):
                self.found.add(one, other)
            elif isinstance(one, PlacedBlock) and isinstance(other, PlacedBlock):
                self._scopes(one, other)

    def _layers(self, old: int, new: int) -> bool:
        return all(network.nodes[i].layer is not None for network, i in zip(self.networks, (old, new), strict=True))

    def _numbered(self, side: int, scope: PlacedBlock, name: str) -> bool:
        """Say whether a layer or a placed block has no name of its own."""
        found = _NUMBERED.fullmatch(name)
        if found is None:
            return False
        child = scope.children[name]
        stem = found.group(1)
        return stem in self.blocks if isinstance(child, PlacedBlock) else stem == self.networks[side].nodes[child].op

    def _coarse(self, side: int, name: str, child: int | PlacedBlock) -> Hashable:
        if isinstance(child, int):
            return self.networks[side].nodes[child].op
        found = _NUMBERED.fullmatch(name)
        return ("block", found.group(1) if found and found.group(1) in self.blocks else None)

    def _fine(self, side: int, name: str, child: int | PlacedBlock) -> int:
        if isinstance(child, int):
            return self.signatures[side][child]
        inner = (self._fine(side, name, grandchild) for name, grandchild in child.children.items())
        return self._number((self._coarse(side, name, child), *inner))

    def _in_order(self, old: PlacedBlock, new: PlacedBlock) -> list[tuple[int | PlacedBlock, int | PlacedBlock]]:
        """Match what has no name of its own by order: first the same layers, then between them the same ops."""
        numbered = [
            {name for name in scope.children if self._numbered(side, scope, name)}
            for side, scope in enumerate((old, new))
        ]
        if not all(numbered):
            return []
        fine = [self._tokens(side, scope, numbered[side], self._fine) for side, scope in enumerate((old, new))]
        coarse = [self._tokens(side, scope, numbered[side], self._coarse) for side, scope in enumerate((old, new))]
        names = [list(scope.children) for scope in (old, new)]
        same = aligned(fine[0], fine[1]) or aligned(coarse[0], coarse[1])
        if same is None:
            return [
                (old.children[name], new.children[name])
                for name in old.children
                if name in numbered[0] & numbered[1]
                and self._coarse(0, name, old.children[name]) == self._coarse(1, name, new.children[name])
            ]
        places: list[tuple[int, int]] = []
        i, j = 0, 0
        for ends in [*same, (len(names[0]), len(names[1]))]:
            between = aligned(coarse[0][i : ends[0]], coarse[1][j : ends[1]]) or []
            places += [(i + one, j + other) for one, other in between]
            places.append(ends)
            i, j = ends[0] + 1, ends[1] + 1
        return [
            (old.children[names[0][one]], new.children[names[1][other]])
            for one, other in places[:-1]
            if names[0][one] in numbered[0] and names[1][other] in numbered[1]
        ]

    def _tokens(
        self,
        side: int,
        scope: PlacedBlock,
        numbered: set[str],
        token: Callable[[int, str, int | PlacedBlock], Hashable],
    ) -> list[int]:
        """Return a number for each child: that of its content where it has no name of its own, else of its name."""
        return [
            self._number(("unnamed", token(side, name, child)) if name in numbered else ("named", name))
            for name, child in scope.children.items()
        ]

    # By what surrounds a layer.

    def _along_connections(self) -> None:
        """Match layers of the same op and keys that read the same, or are read by the same, downwards and upwards."""
        for _ in range(MOST_ROUNDS):
            if not (self._pass(_reads, downwards=True) or self._pass(_readers, downwards=False)):
                return

    def _pass(self, places_of: Callable[[Network], list[Neighbours]], downwards: bool) -> bool:
        """Match one layer after the other, each by its place among what is matched; say whether any was."""
        waiting: dict[tuple[int, Neighbours], list[int]] = defaultdict(list)
        for index, place in enumerate(places_of(self.networks[0])):
            if place and self._free(0, index):
                waiting[self.signatures[0][index], place].append(index)
        matched = False
        places = places_of(self.networks[1])
        order = self.networks[1].order
        for index in order if downwards else reversed(order):
            around = self._translated(places[index]) if places[index] and self._free(1, index) else None
            known = waiting.get((self.signatures[1][index], around)) if around is not None else None
            if known:
                self.found.add(known.pop(0 if downwards else -1), index)
                matched = True
        return matched

    def _translated(self, place: Neighbours) -> Neighbours | None:
        """Return a place in the new network by the indices of the old, or None where a neighbour is not matched."""
        to_old = self.found.to_old
        if any(index not in to_old for _, index in place):
            return None
        return tuple(sorted((word, to_old[index]) for word, index in place))

    def _replaced(self) -> bool:
        """Match layers that stand alone between the same neighbours, whatever they are."""
        matched = False
        old, new = (self._alone(side) for side in (0, 1))
        for around, candidates in old.items():
            others = new.get(around, [])
            if len(candidates) == len(others) == 1:
                self.found.add(candidates[0], others[0])
                matched = True
        return matched

    def _alone(self, side: int) -> dict[tuple[Neighbours | None, ...], list[int]]:
        """Return the layers that are not matched while all around them are, by what they read and who reads them."""
        network = self.networks[side]
        above, below = _reads(network), _readers(network)
        found: dict[tuple[Neighbours | None, ...], list[int]] = defaultdict(list)
        for node in network.layers:
            if above[node.index] and self._free(side, node.index):
                # Which layers stand around counts: a key such as ``like`` may come or go with another op.
                places = (tuple(sorted({("", i) for _, i in p})) for p in (above[node.index], below[node.index]))
                around: tuple[Neighbours | None, ...] = tuple(self._translated(p) if side else p for p in places)
                if None not in around:
                    found[around].append(node.index)
        return found


def _reads(network: Network) -> list[Neighbours]:
    """Return for each node what it reads."""
    return [
        tuple(sorted([(f"{at}", i) for at, i in enumerate(n.inputs)] + list(n.references.items())))
        for n in network.nodes
    ]


def _readers(network: Network) -> list[Neighbours]:
    """Return for each node who reads it."""
    found: list[list[tuple[str, int]]] = [[] for _ in network.nodes]
    for node, reads in zip(network.nodes, _reads(network), strict=True):
        for word, index in reads:
            found[index].append((word, node.index))
    return [tuple(sorted(readers)) for readers in found]


def _tree(network: Network) -> PlacedBlock:
    root = PlacedBlock()
    for node in network.nodes:
        *path, last = node.name.split(".")
        scope = root
        for part in path:
            inner = scope.children.setdefault(part, PlacedBlock())
            if not isinstance(inner, PlacedBlock):
                break
            scope = inner
        scope.children[last] = node.index
    return root
