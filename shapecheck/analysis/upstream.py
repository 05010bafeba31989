"""All the axes that an axis of a layer's output has its size from, up to the inputs of the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from shapecheck.analysis.other_sizes import output_for, with_size
from shapecheck.analysis.propagation import Shapes
from shapecheck.graph.network import Node
from shapecheck.layers.flow import STRETCHED, AxisKind, Source

# How many axes are followed; more are not to be told of.
MOST_AXES_FOLLOWED = 4_000


def upstream(shapes: Shapes, index: int, axis: int) -> Iterator[tuple[Node, int]]:
    """Yield the axes from which ``axis`` of node ``index`` has its size, itself the first, the nearer ones earlier.

    Unlike a passage it goes through every input of a layer, and through axes that were joined or taken apart.
    """
    start = (index, axis)
    seen, queue = {start}, deque([start])
    while queue and len(seen) < MOST_AXES_FOLLOWED:
        index, axis = queue.popleft()
        node, shape = shapes.network.nodes[index], shapes.outputs[index]
        if shape is None or axis >= len(shape):
            continue
        yield node, axis
        flows = shapes.flow(node)
        if flows is None:
            continue
        for source in flows[axis].sources:
            above = (node.inputs[source.operand], source.axis)
            if above in seen or source.taps == STRETCHED:
                continue
            plain = flows[axis].window is not None or flows[axis].kind is AxisKind.KEPT
            if not plain and not follows(shapes, node, axis, source):
                continue
            seen.add(above)
            queue.append(above)


def follows(shapes: Shapes, node: Node, axis: int, source: Source) -> bool:
    """Say whether the size of an axis changes with that of one that it is made of; not so where a key gives it."""
    context, layer, shape = shapes.context(node), shapes.layer(node), shapes.outputs[node.index]
    if context is None or layer is None or shape is None:
        return False
    inputs = list(context.inputs)
    given = inputs[source.operand]
    inputs[source.operand] = with_size(given, source.axis, given[source.axis] * 2)
    made = output_for(layer, context, inputs)
    return made is None or made[axis] != shape[axis]
