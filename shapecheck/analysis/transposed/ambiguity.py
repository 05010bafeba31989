"""The transposed layers of a network that do not say which size they mean, and what the network demands of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.transposed.combinations import (
    Component,
    Unknown,
    below,
    components,
    sometimes_broken,
    without_effect,
)
from shapecheck.analysis.transposed.demands import AxisSolution, Blocked, DemandedPadding, solve_axes
from shapecheck.analysis.transposed.relations import axes_by_node, may_be_open
from shapecheck.arithmetic.shape import spatial_name
from shapecheck.arithmetic.symbolic import known
from shapecheck.graph.network import Network, Node
from shapecheck.layers.base import Layer
from shapecheck.layers.window import Window


class OpenAxis(NamedTuple):
    """What is demanded on one axis of an open layer. ``values`` are the a that fit, ``window`` has a = 0.

    ``status`` is ``unique``; ``several``; ``free`` where every a works, whatever that of the others; ``none`` where
    no a meets a demand; ``undecided`` where it would take too long; ``unclear`` where something else is broken behind
    it, so that nothing can be said.
    """

    axis: str
    place: int
    window: Window
    status: str
    values: Sequence[int]


class Together(NamedTuple):
    """Axes of one layer on each of which a = 0 works, and on all of which together it does not.

    ``values`` are those of the axes that work. Where ``others`` are named, a = 0 works here only if one of those layers
    has another a, and ``values`` is what works with the a chosen for them.
    """

    axes: tuple[OpenAxis, ...]
    values: tuple[tuple[int, ...], ...]
    others: tuple[Node, ...] = ()


class OpenLayer(NamedTuple):
    """What is demanded of one open layer; ``blocked`` is the demand that no a can meet, where there is one.

    ``against`` is a layer behind it that works with some a, but not with those that are demanded elsewhere.
    """

    node: Node
    axes: tuple[OpenAxis, ...]
    blocked: tuple[Blocked, ...]
    together: tuple[Together, ...] = ()
    against: Node | None = None


class PaddingRepair(NamedTuple):
    """Values of output_padding with which fewer rules are broken, by node; ``layers`` are the changed layers."""

    padding: dict[int, tuple[int, ...]]
    layers: dict[int, Layer]


def padding_repair(shapes: Shapes) -> PaddingRepair | None:
    """Return other values for the output_padding of layers that say their size, under which fewer rules are broken."""
    nodes = shapes.network.nodes
    if not shapes.troubles or not any(may_be_open(node.layer) for node in nodes):
        return None
    opened = propagate(shapes.network, {**opened_layers(shapes.network), **shapes.layers}, forgiving=True)
    said = {index: axes for index, axes in axes_by_node(opened, written=True).items() if index not in shapes.layers}
    if not said:
        return None
    solutions = solve_axes(opened, said)
    padding: dict[int, tuple[int, ...]] = {}
    layers = dict(shapes.layers)
    for index, axes in said.items():
        old, context = nodes[index].layer, opened.context(nodes[index])
        assert old is not None and context is not None
        before = tuple(known(w.a) for w in old.windows(context))
        fixed = {
            a.place: a.values[0]
            for place in axes
            for a in solutions[place].answers
            if a.node == index and a.status == "unique"
        }
        after = tuple(fixed.get(place, value) for place, value in enumerate(before))
        if after != before:
            padding[index] = after
            layers[index] = old.with_keys(output_padding=after)
    if not padding or len(propagate(shapes.network, layers).troubles) >= len(shapes.troubles):
        return None
    return PaddingRepair(padding, layers)


def opened_layers(network: Network) -> dict[int, Layer]:
    """Return the layers with an output_padding as if they had none."""
    return {
        node.index: node.layer.with_keys(output_padding=None)
        for node in network.layers
        if node.layer is not None and node.layer.output_padding is not None
    }


class Ambiguity(NamedTuple):
    """What is demanded of each open layer, and the shapes of the network when each has the value chosen for it.

    ``chosen`` maps node and spatial axis to a. ``out_of_reach`` are demands that no a comes near to meeting.
    """

    layers: list[OpenLayer]
    chosen: dict[int, dict[int, int]]
    shapes: Shapes
    out_of_reach: list[Blocked]


def resolve(shapes: Shapes) -> Ambiguity | None:
    """Solve every open layer of a network together, or return None where there is none."""
    if not any(may_be_open(node.layer) for node in shapes.network.nodes):
        return None
    forgiving = propagate(shapes.network, forgiving=True) if shapes.troubles else shapes
    open_axes = axes_by_node(forgiving)
    if not open_axes:
        return None
    solutions = solve_axes(forgiving, open_axes)
    answers = {(a.node, a.place): a for solution in solutions.values() for a in solution.answers}
    loose = {unknown: a.values for unknown, a in answers.items() if a.status in ("free", "several")}
    chosen = {
        index: {place: solutions[place].chosen.get(index, 0) for place in axes} for index, axes in open_axes.items()
    }
    parts = components(shapes.network, replaced(forgiving, chosen), loose)
    for part in parts:
        if part.working:
            for (index, place), a in zip(part.unknowns, part.chosen(), strict=True):
                chosen[index][place] = a
    solved = propagate(shapes.network, replaced(forgiving, chosen))
    if solved.troubles:
        for index, place in without_effect(shapes.network, replaced(forgiving, chosen)):
            # What asks for this a is broken whatever a is.
            chosen[index][place] = 0
            answers[index, place] = answers[index, place]._replace(status="unclear")
        solved = propagate(shapes.network, replaced(forgiving, chosen))
    found = {index: _axes(forgiving, solved, index, answers, axes, parts) for index, axes in open_axes.items()}
    conflicts = _conflicts(solved, replaced(forgiving, chosen), found)
    layers = [
        OpenLayer(
            shapes.network.nodes[index],
            axes,
            _blocked(solutions, axes),
            tuple(_together(shapes.network, found, index, parts)),
            _against(solved, index, conflicts),
        )
        for index, axes in found.items()
    ]
    out_of_reach = [
        s.blocked for s in solutions.values() if s.blocked is not None and not _near(s.blocked, forgiving, open_axes)
    ]
    return Ambiguity(layers, chosen, solved, out_of_reach)


def replaced(shapes: Shapes, chosen: Mapping[int, Mapping[int, int]]) -> dict[int, Layer]:
    """Return the open layers with their chosen output_padding."""
    layers = {}
    for index, values in chosen.items():
        layer = shapes.network.nodes[index].layer
        assert layer is not None
        count = len(shapes.windows(shapes.network.nodes[index]))
        padding = tuple(values.get(place, 0) for place in range(count))
        layers[index] = layer.with_keys(output_padding=padding)
    return layers


def _near(blocked: Blocked, shapes: Shapes, open_axes: Mapping[int, Any]) -> bool:
    """Say whether the miss is one that a person would put down to the choice of a."""
    strides = [w.s for index in open_axes for w in shapes.windows(shapes.network.nodes[index])]
    return blocked.distance < max(strides, default=1)


def _blocked(solutions: Mapping[int, AxisSolution], axes: tuple[OpenAxis, ...]) -> tuple[Blocked, ...]:
    found = []
    for axis in axes:
        blocked = solutions[axis.place].blocked
        if blocked is not None and axis.status == "none":
            found.append(blocked)
    return tuple(found)


def _axes(
    shapes: Shapes,
    solved: Shapes,
    index: int,
    answers: Mapping[Unknown, DemandedPadding],
    axes: tuple[int, ...],
    parts: list[Component],
) -> tuple[OpenAxis, ...]:
    node = shapes.network.nodes[index]
    # With what is chosen for the layers above, so that the sizes are those that the network will have.
    windows = _with_chosen(solved, node) or shapes.windows(node)
    whole = _whole(solved, index)
    found = []
    for place in axes:
        status, values = _verdict((index, place), answers[index, place], windows[place].s, parts, whole)
        found.append(OpenAxis(spatial_name(place, len(windows)), place, windows[place], status, values))
    return tuple(found)


def _verdict(
    unknown: Unknown, answer: DemandedPadding, choices: int, parts: list[Component], whole: bool
) -> tuple[str, Sequence[int]]:
    """Return the status of one axis, and the a that fit."""
    part = next((one for one in parts if unknown in one.unknowns), None)
    if part is None:
        return answer.status, answer.values
    if part.working:
        at = part.unknowns.index(unknown)
        values = tuple(a for (a,) in part.values([at]))
        if len(values) == 1:
            return "unique", values
        status = "free" if part.free(at, choices) else "several"
        # What is behind it and has no size may depend on it too.
        return (status if whole or 0 not in values else "unclear"), values
    if 0 not in answer.values:
        return answer.status, answer.values
    return ("undecided" if part.working is None and whole else "unclear"), answer.values


def _conflicts(
    solved: Shapes, layers: Mapping[int, Layer], found: Mapping[int, tuple[OpenAxis, ...]]
) -> frozenset[int]:
    """Return the nodes that do not fit with what is demanded, and fit with some other a."""
    demanded = any(axis.values and 0 not in axis.values for axes in found.values() for axis in axes)
    behind = below(solved.network, found) if demanded else set()
    if not any(problem.node in behind for problem in solved.troubles):
        return frozenset()
    choices = {(index, axis.place): range(axis.window.s) for index, axes in found.items() for axis in axes}
    return sometimes_broken(solved.network, layers, choices)


def _against(solved: Shapes, index: int, conflicts: frozenset[int]) -> Node | None:
    """Return a conflict behind a layer, or behind one that has to fit with it."""
    network = solved.network
    behind = below(network, [index])
    for at in sorted(conflicts):
        if at in behind:
            return network.nodes[at]
    for at in sorted(conflicts):
        if any(at in (others := below(network, [other])) and others & behind for other in solved.layers):
            return network.nodes[at]
    return None


def _whole(shapes: Shapes, index: int) -> bool:
    """Say whether everything behind a layer has a shape, and no rule is broken there."""
    behind = below(shapes.network, [index])
    return all(shapes.outputs[at] is not None for at in behind) and not any(t.node in behind for t in shapes.troubles)


def _with_chosen(solved: Shapes, node: Node) -> tuple[Window, ...]:
    context = solved.context(node)
    # The network's own layer, whose a is 0.
    return () if context is None or node.layer is None else node.layer.windows(context)


def _together(
    network: Network, found: Mapping[int, tuple[OpenAxis, ...]], index: int, parts: list[Component]
) -> Iterator[Together]:
    """Yield the axes of one layer on which a = 0 does not work together, though it does on each by itself."""
    for part in parts:
        at = [i for i, (node, _) in enumerate(part.unknowns) if node == index]
        if not at or not part.working or (0,) * len(part.unknowns) in part.working:
            continue
        places = [part.unknowns[i][1] for i in at]
        axes = tuple(axis for axis in found[index] if axis.place in places)
        if any(0 not in axis.values for axis in axes):
            continue
        values = part.values(at)
        chosen = part.chosen()
        if (0,) * len(at) not in values:
            yield Together(axes, values)
        elif any(chosen[i] for i in at):
            others = sorted(
                {node for (node, _), a in zip(part.unknowns, chosen, strict=True) if node != index and not a}
            )
            yield Together(axes, (tuple(chosen[i] for i in at),), tuple(network.nodes[node] for node in others))
