"""One spatial axis of a network as functions of sizes, for asking what other sizes would do.

Axes do not interact (the guide, chapter 2), so the network falls into one problem per spatial axis: a node's size
there is a function of one size above it, as its flow says, and merges and statements demand that sizes be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import NamedTuple

from shapecheck.analysis.other_sizes import output_for, with_size
from shapecheck.analysis.propagation import Shapes, follow
from shapecheck.analysis.transposed.combinations import below
from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Node
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.flow import STRETCHED, AxisFlow, AxisKind, Flow, Source

# A size to a size; None where the layer does not work at that size.
SizeFunction = Callable[[int], "int | None"]


class Relation(NamedTuple):
    """The size of ``node`` is ``function`` of that of ``source``, plus 0 to ``choices`` - 1 where that is open.

    ``function`` is None where both are equal; ``source`` is None where the size is ``constant`` or not known. The sizes
    of ``others`` are added to that of ``source``. ``rising`` says that the function never falls, and that it has a
    value from some size on; one that is not must not be searched by bisection.
    """

    node: int
    source: int | None
    function: SizeFunction | None
    choices: int
    constant: int | None
    others: tuple[int, ...] = ()
    rising: bool = True


class Equality(NamedTuple):
    """Two nodes, or a node and a number, must have one size; ``at`` is the node that demands it.

    With ``offset`` the left is to be so much larger, for asking how near a demand can be met.
    """

    left: int
    right: int | None
    value: int | None
    at: int
    offset: int = 0


class AxisProblem(NamedTuple):
    """One spatial axis: a relation per node, in order, and what is demanded."""

    place: int
    relations: list[Relation]
    demands: list[Equality]


def may_be_open(layer: Layer | None) -> bool:
    """Say whether a layer is of a kind that can leave its output size open."""
    return layer is not None and type(layer).ambiguous_axes is not Layer.ambiguous_axes


def ambiguous_axes(shapes: Shapes, node: Node) -> tuple[int, ...]:
    """Return the spatial axes on which a layer's size is not fixed; empty where its input is unknown."""
    return _open_axes(shapes, node, written=False)


def _open_axes(shapes: Shapes, node: Node, written: bool) -> tuple[int, ...]:
    layer = shapes.layer(node)
    if layer is None or not may_be_open(layer):
        return ()
    context = shapes.context(node)
    if context is None or shapes.outputs[node.index] is None:
        return ()
    try:
        return layer.selectable_axes(context) if written else layer.ambiguous_axes(context)
    except Problem:
        return ()


def axes_by_node(shapes: Shapes, written: bool = False) -> dict[int, tuple[int, ...]]:
    """Return the spatial axes on which each layer leaves its size open, by node, layers with none left out.

    With ``written`` also those on which it says its size, and another output_padding would select another.
    """
    return {node.index: axes for node in shapes.network.layers if (axes := _open_axes(shapes, node, written))}


def axis_problem(shapes: Shapes, place: int, ambiguous: Mapping[int, tuple[int, ...]]) -> AxisProblem:
    """Return the problem of spatial axis ``place``. ``ambiguous`` maps nodes to the axes that are open there."""
    network = shapes.network
    axis = place + (1 if network.channels_last else 2)
    reached = below(network, ambiguous)
    relations: list[Relation] = []
    demands: list[Equality] = []
    for index in network.order:
        node = network.nodes[index]
        shape = shapes.outputs[index]
        if shape is None or len(shape) < 3 or place >= len(shape) - 2:
            continue
        if index in reached:
            choices = shapes.windows(node)[place].s if place in ambiguous.get(index, ()) else 1
            flow = shapes.flow(node)
            relations.append(_relation(shapes, node, axis, flow, choices))
            demands += _merge_demands(node, axis, flow)
        else:
            relations.append(_constant(index, shape[axis]))
        demands += _undone_demands(shapes, node)
        demands += _stated_demands(node, axis)
    demands += [Equality(decoder, source, None, decoder) for decoder, source in network.mirrored]
    known = {relation.node for relation in relations}
    kept = [d for d in demands if d.left in known and (d.right is None or d.right in known)]
    return AxisProblem(place, relations, sorted(kept, key=lambda d: d.at))


def _constant(index: int, size: Size) -> Relation:
    return Relation(index, None, None, 1, size if isinstance(size, int) else None)


def _relation(shapes: Shapes, node: Node, axis: int, flow: Flow | None, choices: int) -> Relation:
    """Return how the size of a node below an open layer depends on one above it."""
    shape = shapes.outputs[node.index]
    assert shape is not None
    taken = _taken_from(shapes, node)
    if taken is not None:
        return Relation(node.index, taken, None, 1, None)
    if flow is None or flow[axis].kind is AxisKind.NEW:
        return _constant(node.index, shape[axis])
    found = _from_flow(shapes, node, axis, flow[axis], choices)
    # What comes from another axis may depend on what is open there.
    return Relation(node.index, None, None, choices, None) if found is None else found


def _taken_from(shapes: Shapes, node: Node) -> int | None:
    """Return the node whose spatial size a layer takes by a reference: that layer's output, or the input undone."""
    layer = shapes.layer(node)
    if layer is None:
        return None
    if layer.sized_like is not None and layer.sized_like in node.references:
        return node.references[layer.sized_like]
    undone = _undone(node, layer)
    return None if undone is None else shapes.network.nodes[undone].inputs[0]


def _undone(node: Node, layer: Layer | None) -> int | None:
    """Return the node that a layer undoes, where it names one."""
    return None if layer is None or layer.undoes is None else node.references.get(layer.undoes)


def _from_flow(shapes: Shapes, node: Node, axis: int, flow: AxisFlow, choices: int) -> Relation | None:
    """Return the relation to the same axis of an input, or None where the size comes from elsewhere."""
    context, shape, layer = shapes.context(node), shapes.outputs[node.index], shapes.layer(node)
    assert context is not None and shape is not None and layer is not None
    spatial = [source for source in flow.sources if _is_spatial(context, source)]
    here = [source.operand for source in spatial if source.axis == axis and source.taps != STRETCHED]
    if not here or any(source.axis != axis for source in spatial):
        return None
    if flow.kind is AxisKind.CONCATENATED:
        return Relation(node.index, node.inputs[here[0]], None, 1, None, tuple(node.inputs[i] for i in here[1:]))
    source = node.inputs[here[0]]
    own_rule = _own_rule(layer, context, here, axis)
    if flow.kind is AxisKind.KEPT:
        if layer.keeps or _agree(own_rule, lambda size: size, shape[axis]):
            return Relation(node.index, source, None, 1, None)
    elif flow.window is not None:
        window = flow.window._replace(a=0) if choices > 1 else flow.window
        if choices > 1 or _agree(own_rule, window.output_size, window.i):
            return Relation(node.index, source, window.output_size, choices, None)
    return Relation(node.index, source, own_rule, choices, None, rising=layer.rises())


def _agree(own_rule: SizeFunction, closed_form: SizeFunction, size: Size) -> bool:
    """Say whether a closed form holds at another size too: a layer may name a size, as a reshape does."""
    return isinstance(size, int) and own_rule(size + 1) == closed_form(size + 1)


def _is_spatial(context: Context, source: Source) -> bool:
    shape = context.inputs[source.operand]
    return len(shape) > 2 and source.axis not in (0, context.channel_axis(shape))


def _own_rule(layer: Layer, context: Context, operands: Collection[int], axis: int) -> SizeFunction:
    """Return the size on an axis as the layer's own shape rule has it, by that of some inputs there.

    Inputs that differ, on another axis perhaps, are taken to agree: how one axis goes on does not hang on the others.
    """
    given: tuple[Shape, ...] = context.inputs
    if len(given) > 1 and output_for(layer, context, given) is None:
        given = tuple(follow(shape, given[0], context.channels_last) for shape in given)

    @cache
    def function(size: int) -> int | None:
        inputs = [with_size(shape, axis, size) if operand in operands else shape for operand, shape in enumerate(given)]
        output = output_for(layer, context, inputs)
        found = None if output is None else output[axis]
        return found if isinstance(found, int) else None

    return function


def _merge_demands(node: Node, axis: int, flow: Flow | None) -> list[Equality]:
    """Return that inputs whose positions on an axis stand for each other have one size there."""
    demands = []
    for one in flow or ():
        if one.kind is AxisKind.KEPT and all(source.axis == axis for source in one.sources):
            same = [node.inputs[source.operand] for source in one.sources if source.taps != STRETCHED]
            demands += [Equality(same[0], other, None, node.index) for other in same[1:]]
    return demands


def _undone_demands(shapes: Shapes, node: Node) -> list[Equality]:
    """Return that a layer which undoes another reads a map of the size that the other made."""
    undone = _undone(node, shapes.layer(node))
    return [] if undone is None else [Equality(node.inputs[0], undone, None, node.index)]


def _stated_demands(node: Node, axis: int) -> list[Equality]:
    demands = []
    for expectation in node.expect:
        if expectation.same_as is not None:
            demands.append(Equality(node.index, expectation.same_as, None, node.index))
        elif expectation.sizes is not None and axis < len(expectation.sizes):
            size = expectation.sizes[axis]
            if isinstance(size, int):
                demands.append(Equality(node.index, None, size, node.index))
    return demands
