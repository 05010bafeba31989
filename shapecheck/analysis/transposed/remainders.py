"""How the output_padding that a network demands changes with the size of its input."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.transposed.ambiguity import OpenLayer, opened_layers, resolve
from shapecheck.analysis.transposed.demands import solve_axes
from shapecheck.analysis.transposed.relations import axes_by_node
from shapecheck.arithmetic.shape import spatial_name
from shapecheck.graph.network import Network, Node

# Input sizes that are tried at the most: one period of the strides above the layer.
LONGEST_PERIOD = 64


def by_remainder(network: Network, layer: OpenLayer) -> str | None:
    """Return which a is demanded by which remainder of the input's size, or None where one a serves all.

    Sizes are tried one by one over one period from the file's own; those at which the network does not work at all
    say nothing.
    """
    if network.resized is None:
        return None
    for name, place in _dimensions(network, layer):
        size = network.dims[name].size
        period = _period(network, layer, place)
        if size is None or not 1 < period <= LONGEST_PERIOD:
            continue
        demanded: dict[int, list[int]] = {}
        for n in range(size, size + period):
            a = _demanded(network.resized({name: n}), layer.node.index, place)
            if a is not None:
                demanded.setdefault(a, []).append(n)
        if len(demanded) > 1:
            return _table(name, demanded, period)
    return None


def _dimensions(network: Network, layer: OpenLayer) -> list[tuple[str, int]]:
    shift = 1 if network.channels_last else 2
    found = []
    for axis in layer.axes:
        for node in network.inputs:
            at = axis.place + shift
            if at < len(node.dims) and (name := node.dims[at]) is not None and name in network.dims:
                found.append((name, axis.place))
    return list(dict.fromkeys(found))


def _period(network: Network, layer: OpenLayer, place: int) -> int:
    """Return the product of the strides on the way from the inputs to the layer."""
    shapes = propagate(network, forgiving=True)
    above = _ancestors(shapes, layer.node.index)
    period = 1
    for index in above:
        period *= _step(shapes, network.nodes[index], place)
        if period > LONGEST_PERIOD:
            break
    return period


def _step(shapes: Shapes, node: Node, place: int) -> int:
    """Return with which period in its input's size a layer changes how its size there goes on: a stride, mostly."""
    axis = place + (1 if shapes.network.channels_last else 2)
    flow = shapes.flow(node) or ()
    taps = [source.taps for source in flow[axis].sources] if axis < len(flow) else []
    return max((found.advance for found in taps if found is not None), default=1)


def _ancestors(shapes: Shapes, index: int) -> set[int]:
    seen: set[int] = set()
    stack = [index]
    while stack:
        at = stack.pop()
        if at not in seen:
            seen.add(at)
            stack += shapes.network.nodes[at].inputs
    return seen


def _demanded(network: Network, index: int, place: int) -> int | None:
    if index >= len(network.nodes):
        return None
    ambiguity = resolve(propagate(network))
    if ambiguity is None or ambiguity.shapes.troubles:
        return None
    for layer in ambiguity.layers:
        if layer.node.index == index:
            for axis in layer.axes:
                if axis.place == place and axis.status == "unique":
                    return axis.values[0]
    return None


def _table(name: str, demanded: dict[int, list[int]], period: int) -> str:
    parts = []
    for a, sizes in sorted(demanded.items()):
        remainders = sorted({n % period for n in sizes})
        q = _smallest_period(remainders, period)
        shown = sorted({r % q for r in remainders})
        condition = (
            f"{name} % {q} == {shown[0]}" if len(shown) == 1 else f"{name} % {q} in {{{', '.join(map(str, shown))}}}"
        )
        parts.append(f"{a} where {condition}")
    return ", ".join(parts)


def _smallest_period(remainders: list[int], period: int) -> int:
    """Return the smallest divisor of ``period`` that tells these remainders from all others."""
    whole = set(remainders)
    for q in range(1, period):
        if period % q == 0:
            classes = {r % q for r in whole}
            if all(r in whole for r in range(period) if r % q in classes):
                return q
    return period


class VaryingPadding(NamedTuple):
    """A layer whose output_padding would have to follow the input: ``table`` says which a is wanted where."""

    node: Node
    axis: str
    table: str


def varying(network: Network, name: str, sizes: Iterable[int]) -> list[VaryingPadding]:
    """Return the layers with a constant a, or none, that would need another a at another of these sizes.

    Empty where some size does not work whatever a is, or where ``sizes`` are more than are tried.
    """
    wanted: dict[tuple[int, int], dict[int, list[int]]] = {}
    tried = list(itertools.islice(sizes, LONGEST_PERIOD + 1))
    if network.resized is None or len(tried) > LONGEST_PERIOD:
        return []
    for n in tried:
        demanded = _every_a(network.resized({name: n}))
        if demanded is None:
            return []
        for key, a in demanded.items():
            wanted.setdefault(key, {}).setdefault(a, []).append(n)
    found = []
    for (index, place), by_a in wanted.items():
        if len(by_a) > 1:
            node = network.nodes[index]
            count = len(propagate(network, forgiving=True).windows(node))
            # The sizes are one period of a rule such as "every multiple of 3".
            period = tried[-1] - tried[0] + (tried[1] - tried[0])
            found.append(VaryingPadding(node, spatial_name(place, count), _table(name, by_a, period)))
    return found


def _every_a(network: Network) -> dict[tuple[int, int], int] | None:
    """Return the one a that fits on every axis of every transposed layer, as if none was written."""
    opened = opened_layers(network)
    shapes = propagate(network, opened, forgiving=True)
    found: dict[tuple[int, int], int] = {}
    for place, solution in solve_axes(shapes, axes_by_node(shapes, written=True)).items():
        if solution.blocked is not None:
            return None
        for answer in solution.answers:
            if answer.status == "unique":
                found[answer.node, place] = answer.values[0]
    return found
