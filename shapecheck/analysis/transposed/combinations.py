"""Which values of several open a work together: by trying them, or by the questions that depend on them.

The demands of one axis do not see what joins axes (flatten before linear, reshape) or asks for a multiple, so what they
leave open is tried on the network itself. Where that would be too many combinations, every open a becomes a named
dimension: the questions that then stay open say which of them meet at all, and only those are tried together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.arithmetic.shape import Shape, split
from shapecheck.arithmetic.symbolic import Size, Symbolic
from shapecheck.graph.network import Network
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context, Question

# One open a: the node and the spatial axis.
Unknown: TypeAlias = tuple[int, int]

# Combinations that are tried before it is asked which of them meet, and layers computed for them at the most.
FEW = 1
MOST_STEPS = 20_000
# Combinations of unknowns that meet in some question.
MOST_ANSWERS = 4_096


class Component(NamedTuple):
    """Unknowns that are decided together, and the values of all of them with which no more is broken than always is.

    ``working`` is None where that was not decided, and empty where no combination is better than every other.
    """

    unknowns: tuple[Unknown, ...]
    working: tuple[tuple[int, ...], ...] | None

    def values(self, at: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Return the values that the unknowns at some places of the component take where all works."""
        return tuple(sorted({tuple(values[i] for i in at) for values in self.working or ()}))

    def free(self, at: int, choices: int) -> bool:
        """Say whether every value of one unknown works, whatever those of the others that work."""
        working = set(self.working or ())
        return bool(working) and all(
            (*values[:at], a, *values[at + 1 :]) in working for values in working for a in range(choices)
        )

    def parted(self) -> list[Component]:
        """Return the component as several where what works is every combination of what works in each."""
        if not self.working:
            return [self]
        count = len(self.unknowns)
        groups = [{i} for i in range(count)]
        for i, j in itertools.combinations(range(count), 2):
            if len(self.values([i, j])) != len(self.values([i])) * len(self.values([j])):
                joined = next(g for g in groups if i in g) | next(g for g in groups if j in g)
                groups = [g for g in groups if not g & joined] + [joined]
        parts = [
            Component(tuple(self.unknowns[i] for i in at), self.values(at))
            for at in map(sorted, sorted(groups, key=min))
        ]
        # Three may depend on each other of which no two do.
        return parts if math.prod(len(part.working or ()) for part in parts) == len(self.working) else [self]

    def chosen(self) -> tuple[int, ...]:
        """Return the working values that have the fewest a other than 0, and the smallest of those."""
        return min(self.working or (), key=lambda values: (sum(map(bool, values)), values))


def _how_many(choices: Iterable[Sequence[int]]) -> int:
    """Return how many combinations there are; the length of a range of a huge stride is no number for Python's len."""
    return math.prod(v.stop - v.start if isinstance(v, range) else len(v) for v in choices)


def components(network: Network, fixed: Mapping[int, Layer], loose: Mapping[Unknown, Sequence[int]]) -> list[Component]:
    """Return which values of the ``loose`` unknowns work, all others being as in the layers that are ``fixed``.

    ``fixed`` has every open layer, with an output_padding on every axis.
    """
    if not loose:
        return []
    trials = _Trials(network, fixed, loose)
    count = _how_many(loose.values())
    if count > FEW:
        answers = trials.answers()
        if answers is not None:
            return answers
    if count * len(trials.changed) > MOST_STEPS:
        return [Component(tuple(loose), None)]
    return trials.all().parted()


def sometimes_broken(
    network: Network, fixed: Mapping[int, Layer], choices: Mapping[Unknown, Sequence[int]]
) -> frozenset[int]:
    """Return the nodes at which a rule is broken with ``fixed`` and not with every combination of these ``choices``.

    Empty where those are too many to be tried.
    """
    trials = _Trials(network, fixed, choices)
    if _how_many(choices.values()) * len(trials.changed) > MOST_STEPS:
        return frozenset()
    return trials.broken(fixed) - frozenset.intersection(*trials.every().values())


def without_effect(network: Network, fixed: Mapping[int, Layer]) -> list[Unknown]:
    """Return the unknowns whose a in ``fixed`` mends nothing: with 0 in its place no more is broken."""
    found = []
    for index, layer in fixed.items():
        trials = _Trials(network, fixed, {(index, place): (0,) for place, a in enumerate(layer.output_padding) if a})
        broken = trials.broken(fixed) if trials.loose else frozenset()
        found += [one for one in trials.loose if trials.broken(trials.layers_with({one: 0})) <= broken]
    return found


class _Trials:
    """The part of a network that stands below some unknowns."""

    def __init__(self, network: Network, fixed: Mapping[int, Layer], loose: Mapping[Unknown, Sequence[int]]) -> None:
        self.network = network
        self.fixed = fixed
        self.loose = loose
        self.changed = below(network, {node for node, _ in loose})
        self.above = propagate(network, fixed)

    def all(self) -> Component:
        """Return the combinations with which no more is broken than with all of them."""
        broken = self.every()
        always = frozenset.intersection(*broken.values())
        return Component(tuple(self.loose), tuple(values for values, found in broken.items() if found <= always))

    def every(self) -> dict[tuple[int, ...], frozenset[int]]:
        """Try every combination, and return at which nodes a rule is broken with it."""
        return {
            values: self.broken(self.layers_with(dict(zip(self.loose, values, strict=True))))
            for values in itertools.product(*self.loose.values())
        }

    def layers_with(self, values: Mapping[Unknown, int]) -> dict[int, Layer]:
        """Return the open layers with other values of some unknowns."""
        layers = dict(self.fixed)
        for (node, place), a in values.items():
            padding = list(layers[node].output_padding)
            padding[place] = a
            layers[node] = layers[node].with_keys(output_padding=tuple(padding))
        return layers

    def broken(self, layers: Mapping[int, Layer]) -> frozenset[int]:
        """Return the nodes below the unknowns at which a rule is broken, or a pair has two sizes."""
        shapes = propagate(self.network, layers, above=self.above, changed=self.changed)
        return frozenset(problem.node for problem in shapes.troubles) | {
            node for node, left, right in _pairs(shapes) if left != right
        }

    def answers(self) -> list[Component] | None:
        """Return the components by the questions left where every a is a dimension; None where they do not say all."""
        names = {unknown: f"a {unknown[0]} {unknown[1]}" for unknown in self.loose}
        layers = dict(self.fixed)
        for node in {node for node, _ in self.loose}:
            here = {place: name for (at, place), name in names.items() if at == node}
            layers[node] = _Named(_without(layers[node], here), here)
        shapes = propagate(self.network, layers, above=self.above, changed=self.changed)
        if shapes.troubles or any(shapes.outputs[node] is None for node in self.changed):
            return None
        unknowns = {name: unknown for unknown, name in names.items()}
        questions = list(_questions(shapes))
        if not all(asked is not None and _names(asked) <= unknowns.keys() for asked in questions):
            return None
        found = []
        for members, asked in _connected(list(unknowns), [asked for asked in questions if asked is not None]):
            component = self._answered({name: unknowns[name] for name in members}, asked)
            if component is None:
                return None
            found.append(component)
        return found

    def _answered(self, unknowns: Mapping[str, Unknown], questions: list[Question]) -> Component | None:
        """Return the values for which every answer is yes; None where a shape is not right for some of them."""
        ranges = [self.loose[unknown] for unknown in unknowns.values()]
        if _how_many(ranges) > MOST_ANSWERS:
            return Component(tuple(unknowns.values()), None)
        working = []
        for values in itertools.product(*ranges):
            sizes = {name: a + 1 for name, a in zip(unknowns, values, strict=True)}
            wrong = [asked.kind for asked in questions if not _holds(asked, sizes)]
            if "assume" in wrong:
                return None
            if not wrong:
                working.append(values)
        if not working:
            # What is broken whatever they are says nothing of them.
            return None
        return Component(tuple(unknowns.values()), tuple(working))


class _Named(Layer):
    """An open layer of which some a are named dimensions less one; the others are as in ``layer``."""

    def __init__(self, layer: Layer, names: Mapping[int, str]) -> None:
        super().__init__(layer.op, {})
        self.layer = layer
        self.names = names

    def output(self, context: Context) -> Shape:
        """Return the shape with a = 0, and what is open added to it. Raises Problem."""
        shape = list(self.layer.output(context))
        for place, name in self.names.items():
            shape[context.spatial_axis(place)] += Symbolic.of(name) - 1
        return tuple(shape)


def _without(layer: Layer, places: Iterable[int]) -> Layer:
    padding = tuple(0 if place in places else a for place, a in enumerate(layer.output_padding))
    return layer.with_keys(output_padding=padding)


def below(network: Network, nodes: Iterable[int]) -> set[int]:
    """Return some nodes, and every node that reads one of them by however many layers."""
    found = set(nodes)
    for index in network.order:
        node = network.nodes[index]
        if not found.isdisjoint(node.inputs) or not found.isdisjoint(node.references.values()):
            found.add(index)
    return found


def _pairs(shapes: Shapes) -> Iterator[tuple[int, Size, Size]]:
    """Yield the sizes that declared pairs should share: the decoder's node, and both."""
    network = shapes.network
    for decoder, source in network.mirrored:
        ends = shapes.outputs[decoder], shapes.outputs[source]
        if ends[0] is not None and ends[1] is not None and len(ends[0]) == len(ends[1]) > 2:
            sizes = (split(end, network.channels_last).spatial for end in ends if end is not None)
            yield from ((decoder, left, right) for left, right in zip(*sizes, strict=True))


def _questions(shapes: Shapes) -> Iterator[Question | None]:
    for found in shapes.undecided:
        yield found.asked
    for _, left, right in _pairs(shapes):
        if left != right:
            yield Question("equal", left, right)


def _names(asked: Question) -> set[str]:
    return {name for size in (asked.left, asked.right) if isinstance(size, Symbolic) for name in size.names()}


def _holds(asked: Question, sizes: Mapping[str, int]) -> bool:
    left, right = (size.at(sizes) if isinstance(size, Symbolic) else size for size in (asked.left, asked.right))
    if asked.kind == "equal":
        return left == right
    return left % right == 0 if asked.kind == "divides" else left >= right


def _connected(names: list[str], questions: list[Question]) -> list[tuple[list[str], list[Question]]]:
    """Return the names in groups, those that one question depends on in one, each with its questions."""
    group = {name: {name} for name in names}
    for asked in questions:
        joined = set().union(*(group[name] for name in _names(asked)))
        for name in joined:
            group[name] = joined
    found = []
    for name in names:
        if name == next(other for other in names if other in group[name]):
            members = [other for other in names if other in group[name]]
            found.append((members, [asked for asked in questions if _names(asked) & group[name]]))
    return found
