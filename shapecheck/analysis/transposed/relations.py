"""One spatial axis of a network as functions of sizes, for asking what other sizes would do.

Axes do not interact (the guide, chapter 2), so the network falls into one problem per spatial axis: a node's size
there is a function of one size above it, and merges and statements demand that sizes be equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import Shape
from shapecheck.graph.network import Node
from shapecheck.layers.base import Context, Problem, Undecided
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.merge import Arithmetic, Concat, Stack
from shapecheck.layers.pooling import MaxUnpool
from shapecheck.layers.rearrange import Chunk, Permute, Slice
from shapecheck.layers.resize import Crop, Upsample
from shapecheck.layers.window import Window

# A size to a size, rising; None where the layer does not work at that size.
Function = Callable[[int], "int | None"]
SAME = "same"


class Relation(NamedTuple):
    """The size of ``node`` is ``function`` of that of ``source``, plus 0 to ``choices`` - 1 where that is open.

    ``function`` is None where both are equal; ``source`` is None where the size is ``constant`` or not known. The sizes
    of ``others`` are added to that of ``source``. ``rising`` says that the function never falls, and that it has a
    value from some size on; one that is not must not be searched by bisection.
    """

    node: int
    source: int | None
    function: Function | None
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


def ambiguous_axes(shapes: Shapes, node: Node) -> tuple[int, ...]:
    """Return the spatial axes on which a layer's size is not fixed; empty where its input is unknown."""
    layer = shapes.layer(node)
    if not isinstance(layer, (ConvTranspose, MaxUnpool)):
        return ()
    context = shapes.context(node)
    if context is None or shapes.outputs[node.index] is None:
        return ()
    try:
        return layer.ambiguous_axes(context)
    except Problem:
        return ()


def axis_problem(shapes: Shapes, place: int, ambiguous: dict[int, tuple[int, ...]]) -> AxisProblem:
    """Return the problem of spatial axis ``place``. ``ambiguous`` maps nodes to the axes that are open there."""
    network = shapes.network
    relations: list[Relation] = []
    demands: list[Equality] = []
    for index in network.order:
        node = network.nodes[index]
        shape = shapes.outputs[index]
        axis = place + (1 if network.channels_last else 2)
        if shape is None or len(shape) < 3 or place >= len(shape) - 2:
            continue
        relation = _relation(shapes, node, place, axis, place in ambiguous.get(index, ()))
        relations.append(relation)
        demands += _merge_demands(shapes, node, axis)
        if isinstance(node.layer, (Crop, Upsample)) and node.layer.like is not None:
            continue
        if relation.source != node.references.get("transpose_of", node.references.get("pool", relation.source)):
            demands += _mirror_demands(shapes, node)
    for node in network.nodes:
        demands += _stated_demands(shapes, node, place, network.channels_last)
    demands += [Equality(decoder, encoder_input, None, decoder) for decoder, encoder_input in symmetry_demands(shapes)]
    known = {relation.node for relation in relations}
    kept = [d for d in demands if d.left in known and (d.right is None or d.right in known)]
    return AxisProblem(place, relations, sorted(kept, key=lambda d: d.at))


def symmetry_demands(shapes: Shapes) -> list[tuple[int, int]]:
    """Return for each declared pair the decoder layer and the node that its encoder layer reads."""
    nodes = shapes.network.nodes
    return [
        (decoder, nodes[encoder].inputs[0])
        for decoder, encoder in shapes.network.symmetry.items()
        if nodes[encoder].inputs
    ]


def _relation(shapes: Shapes, node: Node, place: int, axis: int, open_here: bool) -> Relation:
    index = node.index
    shape = shapes.outputs[index]
    assert shape is not None
    size = shape[axis]
    constant = size if isinstance(size, int) else None
    if node.layer is None or not node.inputs:
        return Relation(index, None, None, 1, constant)
    for key in ("like", "transpose_of", "pool"):
        if key in node.references:
            there = node.references[key]
            source = there if key == "like" else shapes.network.nodes[there].inputs[0]
            return Relation(index, source, None, 1, None)
    above = shapes.outputs[node.inputs[0]]
    if above is None or len(above) != len(shape):
        return Relation(index, None, None, 1, constant)
    windows = shapes.windows(node)
    if len(windows) > place and len(windows) == len(shape) - 2 and node.op != "fold" and node.op != "unfold":
        w = windows[place]
        function = window_function(w._replace(a=0) if open_here else w)
        return Relation(index, node.inputs[0], function, w.s if open_here else 1, None)
    if _keeps(node, above, shape, axis):
        return Relation(index, node.inputs[0], None, 1, None)
    if isinstance(node.layer, Concat):
        return Relation(index, node.inputs[0], None, 1, None, node.inputs[1:])
    if isinstance(node.layer, Permute):
        stays = node.layer.axes[axis] % len(shape) == axis
        return Relation(index, node.inputs[0] if stays else None, None, 1, None)
    return Relation(index, node.inputs[0], _black_box(shapes, node, axis), 1, None, rising=_rises(node))


def _keeps(node: Node, above: Shape, shape: Shape, axis: int) -> bool:
    if isinstance(node.layer, Concat):
        return node.layer.axis is None or node.layer.axis % len(shape) != axis
    return node.layer is not None and node.layer.keeps and above[axis] == shape[axis]


# Layers whose size on an axis never falls as their input's grows, and that take any size from some size on.
RISING = {
    "upsample",
    "pad",
    "crop",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "global_avg_pool",
    "global_max_pool",
    "pixel_shuffle",
}


def _rises(node: Node) -> bool:
    layer = node.layer
    if isinstance(layer, Slice):
        # From the third last to the fifth there are the fewer elements, the longer the axis is.
        return layer.start >= 0 or layer.stop is None or layer.stop < 0
    if isinstance(layer, Chunk):
        # The third of three pieces of 9 has 3 elements, that of 10 has 2.
        return layer.index < 2
    return node.op in RISING


def window_function(w: Window) -> Function:
    """Return the size function of a window, without its context."""
    k, s, before, after, d, a = w.k, w.s, w.before, w.after, w.d, w.a if isinstance(w.a, int) else 0
    if w.form == "same":
        return lambda i: convolution.conv_same(i, s) if i >= 1 else None
    if w.form == "transposed_same":
        return lambda i: _positive(convolution.transposed_same(i, s, a))
    if w.form == "transposed":
        return lambda i: _positive(convolution.transposed(i, k, s, before, after, d, a))
    if w.form == "ceil":
        return lambda i: _positive(convolution.pool_ceil(i, k, s, before, after, d))
    return lambda i: _positive(convolution.conv(i, k, s, before, after, d))


def _positive(size: int) -> int | None:
    return size if size >= 1 else None


def _black_box(shapes: Shapes, node: Node, axis: int) -> Function:
    """Ask the layer's own shape rule, with another size on one axis of its inputs."""
    context = shapes.context(node)
    layer = shapes.layer(node)
    cache: dict[int, int | None] = {}

    def function(i: int) -> int | None:
        if i not in cache:
            cache[i] = None
            if context is not None and layer is not None:
                inputs = tuple((*s[:axis], i, *s[axis + 1 :]) if len(s) > axis else s for s in context.inputs)
                try:
                    size = layer.output(Context(inputs, context.channels_last, context.references))[axis]
                    cache[i] = size if isinstance(size, int) else None
                except (Problem, Undecided):
                    pass
        return cache[i]

    return function


def _merge_demands(shapes: Shapes, node: Node, axis: int) -> list[Equality]:
    if not isinstance(node.layer, (Arithmetic, Concat, Stack)) or len(node.inputs) < 2:
        return []
    ranks = {len(s) for s in (shapes.outputs[i] for i in node.inputs) if s is not None}
    if len(ranks) != 1:
        return []
    rank = ranks.pop()
    if axis >= rank:
        return []  # a stack has an axis more than its inputs
    if isinstance(node.layer, Concat) and node.layer.axis is not None and node.layer.axis % rank == axis:
        return []
    first = node.inputs[0]
    demands = []
    for other in node.inputs[1:]:
        sizes = [s[axis] for s in (shapes.outputs[first], shapes.outputs[other]) if s is not None]
        if isinstance(node.layer, Arithmetic) and node.layer.broadcast and 1 in sizes:
            continue
        demands.append(Equality(first, other, None, node.index))
    return demands


def _mirror_demands(shapes: Shapes, node: Node) -> list[Equality]:
    there = node.references.get("transpose_of", node.references.get("pool"))
    return [] if there is None else [Equality(node.inputs[0], there, None, node.index)]


def _stated_demands(shapes: Shapes, node: Node, place: int, channels_last: bool) -> list[Equality]:
    demands = []
    axis = place + (1 if channels_last else 2)
    for expectation in node.expect:
        if expectation.same_as is not None:
            demands.append(Equality(node.index, expectation.same_as, None, node.index))
        elif expectation.sizes is not None and axis < len(expectation.sizes):
            size = expectation.sizes[axis]
            if isinstance(size, int):
                demands.append(Equality(node.index, None, size, node.index))
    return demands
