"""The transposed layers of a network that do not say which size they mean, and what the network demands of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.transposed.demands import AxisSolution, Blocked, solve_axes
from shapecheck.analysis.transposed.relations import axes_by_node, may_be_open
from shapecheck.arithmetic.shape import spatial_name
from shapecheck.graph.network import Network, Node
from shapecheck.layers.base import Layer, per_axis
from shapecheck.layers.window import Window

# Combinations of free values tried against rules that join axes (flatten before linear, reshape).
MOST_COMBINATIONS = 256


class OpenAxis(NamedTuple):
    """What is demanded on one axis of an open layer. ``values`` are the a that fit, ``window`` has a = 0."""

    axis: str
    place: int
    window: Window
    status: str
    values: Sequence[int]


class OpenLayer(NamedTuple):
    """What is demanded of one open layer; ``blocked`` is the demand that no a can meet, where there is one."""

    node: Node
    axes: tuple[OpenAxis, ...]
    blocked: tuple[Blocked, ...]


class PaddingRepair(NamedTuple):
    """Values of output_padding with which fewer rules are broken, by node; ``layers`` are the changed layers."""

    padding: dict[int, tuple[int, ...]]
    layers: dict[int, Layer]


def padding_repair(shapes: Shapes) -> PaddingRepair | None:
    """Return other values for the output_padding that was written, under which fewer rules are broken."""
    nodes = shapes.network.nodes
    written = opened_layers(shapes.network)
    if not written or not shapes.troubles:
        return None
    forgiving = propagate(shapes.network, written, forgiving=True)
    open_axes = {index: axes for index, axes in axes_by_node(forgiving).items() if index in written}
    solutions = solve_axes(forgiving, open_axes)
    padding: dict[int, tuple[int, ...]] = {}
    for index, axes in open_axes.items():
        old = nodes[index].layer
        assert old is not None
        before = per_axis(old.output_padding, len(forgiving.windows(nodes[index])), "output_padding")
        fixed = {
            a.place: a.values[0]
            for place in axes
            for a in solutions[place].answers
            if a.node == index and a.status == "unique"
        }
        after = tuple(fixed.get(place, value) for place, value in enumerate(before))
        if after != before:
            padding[index] = after
    layers = {index: written[index].with_keys(output_padding=values) for index, values in padding.items()}
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
    chosen = {
        index: {place: solutions[place].chosen.get(index, 0) for place in axes} for index, axes in open_axes.items()
    }
    solved = propagate(shapes.network, replaced(forgiving, chosen))
    free = _free(solutions)
    joined = _joined(forgiving, solved, chosen, free) if solved.troubles and free else None
    layers = [
        OpenLayer(
            shapes.network.nodes[index],
            _axes(forgiving, solved, index, solutions, axes, joined),
            _blocked(index, solutions, axes),
        )
        for index, axes in open_axes.items()
    ]
    out_of_reach = [
        s.blocked for s in solutions.values() if s.blocked is not None and not _near(s.blocked, forgiving, open_axes)
    ]
    if joined:
        for index, place in free:
            chosen[index][place] = joined[0][index, place]
        solved = propagate(shapes.network, replaced(forgiving, chosen))
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


def _blocked(index: int, solutions: Mapping[int, AxisSolution], axes: tuple[int, ...]) -> tuple[Blocked, ...]:
    found = []
    for place in axes:
        blocked = solutions[place].blocked
        if blocked is not None and any(a.node == index and a.status == "none" for a in solutions[place].answers):
            found.append(blocked)
    return tuple(found)


def _axes(
    shapes: Shapes,
    solved: Shapes,
    index: int,
    solutions: Mapping[int, AxisSolution],
    axes: tuple[int, ...],
    joined: list[dict[tuple[int, int], int]] | None,
) -> tuple[OpenAxis, ...]:
    node = shapes.network.nodes[index]
    # With what is chosen for the layers above, so that the sizes are those that the network will have.
    windows = _with_chosen(solved, node) or shapes.windows(node)
    found = []
    for place in axes:
        answer = next(a for a in solutions[place].answers if a.node == index)
        status, values = answer.status, answer.values
        if status == "free" and joined:
            values = tuple(sorted({combination[index, place] for combination in joined}))
            alone = [{**joined[0], (index, place): a} for a in range(windows[place].s)]
            status = "unique" if len(values) == 1 else "free" if all(c in joined for c in alone) else "several"
        found.append(OpenAxis(spatial_name(place, len(windows)), place, windows[place], status, values))
    return tuple(found)


def _with_chosen(solved: Shapes, node: Node) -> tuple[Window, ...]:
    context = solved.context(node)
    # The network's own layer, whose a is 0.
    return () if context is None or node.layer is None else node.layer.windows(context)


def _free(solutions: Mapping[int, AxisSolution]) -> list[tuple[int, int]]:
    return [(a.node, a.place) for s in solutions.values() for a in s.answers if a.status == "free"]


def _joined(
    shapes: Shapes,
    solved: Shapes,
    chosen: Mapping[int, Mapping[int, int]],
    free: list[tuple[int, int]],
) -> list[dict[tuple[int, int], int]] | None:
    """Return the values of the free unknowns under which fewer rules are broken, where a rule joins axes."""
    count = 1
    for index, place in free:
        count *= shapes.windows(shapes.network.nodes[index])[place].s
    if count > MOST_COMBINATIONS:
        return None
    best: list[dict[tuple[int, int], int]] = []
    least = len(solved.troubles)
    for combination in _combinations(shapes, free):
        trial = {
            index: {**values, **{p: v for (i, p), v in combination.items() if i == index}}
            for index, values in chosen.items()
        }
        troubles = len(propagate(shapes.network, replaced(shapes, trial)).troubles)
        if troubles < least:
            best, least = [combination], troubles
        elif troubles == least and best:
            best.append(combination)
    return best if best and len(best) < count else None


def _combinations(shapes: Shapes, free: list[tuple[int, int]]) -> Iterator[dict[tuple[int, int], int]]:
    strides = [shapes.windows(shapes.network.nodes[index])[place].s for index, place in free]
    for values in itertools.product(*(range(s) for s in strides)):
        yield dict(zip(free, values, strict=True))
