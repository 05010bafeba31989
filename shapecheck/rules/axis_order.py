"""Lints on axes in another order than was meant: of an input, of the axis that a layer works on, of a reshape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shapecheck.analysis.layer_index import LayerIndex, layer_index
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.arithmetic.shape import Shape, axis_name, channel_axis, show, spatial_name, split
from shapecheck.arithmetic.symbolic import Size, product
from shapecheck.findings.edits import replace_entry
from shapecheck.findings.finding import Applicability, Finding, Fix
from shapecheck.graph.network import Node
from shapecheck.layers.context import Context, Problem
from shapecheck.layers.rearrange import Permute, Reshape
from shapecheck.layers.role import Role

# The colours of a picture, and the least size of an axis that is taken for height or width.
COLOURS = (1, 3, 4)
LEAST_SIDE = 32
# A signal of this many channels and one or two elements stands the wrong way round.
LEAST_SIGNAL = 256


def layout_suspected(shapes: Shapes) -> Iterable[Finding]:
    """An input looks as if its axes were in another order: its channels are a side of a picture, its width a colour."""
    channels_last = shapes.network.channels_last
    for node, short in suspected_inputs(shapes):
        shape = node.shape or ()
        _, channels, spatial = split(shape, channels_last)
        axis = axis_name(channel_axis(len(shape), channels_last), len(shape), channels_last)
        other = "channels_first" if channels_last else "channels_last"
        yield Finding.of(
            "layout-suspected",
            f"the input {node.name} {show(shape)} has {channels} on {axis} and"
            f" {spatial[short]} on {spatial_name(short, len(spatial))}: are its axes in the order meant?",
            node.source.span,
            None,
            f"write layout: {other}, or give the axes in the order of this layout",
        )


def suspected_inputs(shapes: Shapes) -> list[tuple[Node, int]]:
    """Return the inputs whose axes look as if they were in another order, and the spatial axis that may be colours."""
    found = []
    for node in shapes.network.inputs:
        if node.shape is not None and len(node.shape) > 2:
            _, channels, spatial = split(node.shape, shapes.network.channels_last)
            natural = 0 if shapes.network.channels_last else len(spatial) - 1
            for short in (natural, *(j for j in range(len(spatial)) if j != natural)):
                # A batch of as many as there are channels is a picture without a batch, of which another rule tells.
                if len(spatial) == 1 and node.dims[0] is None and node.shape[0] == channels:
                    continue
                if _turned(channels, spatial, short, short == natural) and _slides_along(shapes, node, short):
                    found.append((node, short))
                    break
    return found


def _slides_along(shapes: Shapes, node: Node, place: int) -> bool:
    """Say whether a layer that reads a node slides a kernel of more than 1 along a spatial axis.

    It is asked of networks with errors too: a wrong order of axes is the cause of errors further down.
    """
    for reader in shapes.network.layers:
        if node.index in reader.inputs and reader.layer is not None and Role.SLIDES in reader.layer.role:
            k = getattr(reader.layer, "kernel_size", 1)
            if (k[place] if isinstance(k, tuple) and place < len(k) else k) != 1:
                return True
    return False


def _turned(channels: Size, spatial: Shape, short: int, natural: bool) -> bool:
    """Say whether channels look like a side of a picture, and the axis ``short`` like its colours.

    Where the other layout has its channels, colours and any two sides will do; elsewhere the picture is square.
    """
    sides = [size for j, size in enumerate(spatial) if j != short]
    few = spatial[short]
    if not isinstance(channels, int) or not isinstance(few, int):
        return False
    if len(spatial) == 1:
        return few <= 2 and channels >= LEAST_SIGNAL
    if few not in COLOURS or channels < LEAST_SIDE:
        return False
    if few == 1 or not natural:
        return all(side == channels for side in sides)
    return all(isinstance(side, int) and side >= LEAST_SIDE for side in sides)


def acts_on_width(shapes: Shapes) -> Iterable[Finding]:
    """A linear layer or a layer norm works on the last axis of a map, and that is its width, not its channels."""
    if shapes.network.channels_last:
        return
    works_on_an_axis = Role.LEARNED_MAP | Role.NORMALISATION
    found = layer_index(shapes)
    for node in found.playing(works_on_an_axis, but=Role.MAP | Role.CENTRES_CHANNELS):
        shape, context, maker = shapes.outputs[node.inputs[0]], shapes.context(node), _maker(shapes, found, node).layer
        if shape is None or context is None or node.layer is None or len(shape) < 4:
            continue
        if maker is None or Role.MAP not in maker.role or "axis" in node.source.keys:
            continue
        if node.layer.added_axis(context, shapes.outputs[node.index] or ()) != len(shape) - 1:
            continue
        last: Size = shape[-1]
        yield Finding.at(
            "acts-on-width",
            node.name,
            f"{node.op} works on the last axis of {show(shape)}, which is"
            f" {spatial_name(len(shape) - 3, len(shape) - 2)} ({last}), not the {shape[1]} channels",
            node.source.span,
            "put a flatten before it, or take a conv with kernel_size 1"
            if Role.LEARNED_MAP in node.layer.role
            else "give it axis: 1, or write the network with layout: channels_last",
        )


def _maker(shapes: Shapes, found: LayerIndex, node: Node) -> Node:
    """Return the nearest node above that does more than change values one by one."""
    above = shapes.network.nodes[node.inputs[0]]
    while above.index in found.indices(Role.POINTWISE):
        above = shapes.network.nodes[above.inputs[0]]
    return above


class _Turn(NamedTuple):
    """How a reshape might be meant: axes in another order, after ``before`` or before ``after`` where not None."""

    axes: tuple[int, ...]
    before: Shape | None = None
    after: Shape | None = None


def reshape_for_permute(shapes: Shapes) -> Iterable[Finding]:
    """A reshape gives the sizes of its input in another order: it keeps the elements' order, and mixes the axes."""
    for node in shapes.network.layers:
        context = shapes.context(node) if isinstance(node.layer, Reshape) else None
        output = shapes.outputs[node.index]
        if context is None or output is None:
            continue
        shape = context.inputs[0]
        turn = next((turn for turn in _turns(shape, output) if _gives(shapes, node, shape, output, turn)), None)
        if turn is None:
            continue
        first = "" if turn.before is None else f"reshape to {show(turn.before)} first, then "
        last = "" if turn.after is None else ", then reshape"
        yield Finding.at(
            "reshape-for-permute",
            node.name,
            f"reshape from {show(shape)} to {show(output)} does not move axes: it counts the same numbers through"
            " in the same order, and so mixes the axes",
            node.source.place("shape"),
            f"if the axes are to change places, {first}use permute with axes: {list(turn.axes)}{last}",
            fix=_as_permute(shapes, node, turn),
        )


def _turns(shape: Shape, output: Shape) -> Iterator[_Turn]:
    """Yield the orders of axes that give the sizes of ``output``: at once, with neighbours joined, or split later."""
    if len(shape) == len(output):
        if (axes := _order(shape, output)) is not None:
            yield _Turn(axes)
    elif len(shape) > len(output):
        for joined in _joined(shape, len(output)):
            if (axes := _order(joined, output)) is not None and _apart(joined, output):
                yield _Turn(axes, before=joined)
    else:
        for joined in _joined(output, len(shape)):
            if (axes := _order(shape, joined)) is not None and _apart(shape, joined):
                yield _Turn(axes, after=output)


def _order(shape: Shape, output: Shape) -> tuple[int, ...] | None:
    """Return the axes that bring ``shape`` into the order of ``output``; None where only axes of size 1 move."""
    left = list(range(len(shape)))
    axes = []
    for size in output:
        axis = next((axis for axis in left if shape[axis] == size), None)
        if axis is None:
            return None
        left.remove(axis)
        axes.append(axis)
    moved = [size for size in output if size != 1] != [size for size in shape if size != 1]
    return tuple(axes) if moved else None


def _joined(shape: Shape, rank: int) -> Iterator[Shape]:
    """Yield the shape with neighbouring axes counted through as one, so that ``rank`` axes are left."""
    run = len(shape) - rank + 1
    # The last axes first: height and width are joined more often than channels and height.
    for at in reversed(range(1, rank)):
        yield (*shape[:at], product(shape[at : at + run]), *shape[at + run :])


def _apart(shape: Shape, output: Shape) -> bool:
    """Say whether no two sizes that changed places divide each other: then no axis was split into groups."""
    moved = [size for size, other in zip(shape, output, strict=True) if size != other]
    if not all(isinstance(size, int) for size in moved):
        return False
    sizes = sorted({size for size in moved if isinstance(size, int)})
    return all(b % a for j, a in enumerate(sizes) for b in sizes[j + 1 :])


def _gives(shapes: Shapes, node: Node, shape: Shape, output: Shape, turn: _Turn) -> bool:
    """Say whether the other layers give the same output; where it is one layer, the whole network is tried with it."""
    (op,) = Permute.ops
    permute = Permute(op, {"axes": turn.axes})
    if turn.before is None and turn.after is None:
        trial = propagate(shapes.network, {**shapes.layers, node.index: permute})
        return trial.outputs == shapes.outputs
    (op,) = Reshape.ops
    try:
        if turn.before is not None:
            joined = Reshape(op, {"shape": turn.before}).output(Context((shape,)))
            return permute.output(Context((joined,))) == output
        return Reshape(op, {"shape": output}).output(Context((permute.output(Context((shape,))),))) == output
    except Problem:
        return False


def _as_permute(shapes: Shapes, node: Node, turn: _Turn) -> Fix | None:
    """Offer permute in the place of a reshape that stands in the file alone. It changes what is computed."""
    mapping = node.source.mapping
    alone = sum(1 for other in shapes.network.layers if other.source.span == node.source.span) == 1
    if mapping is None or not alone or turn.before is not None or turn.after is not None:
        return None
    op = replace_entry(mapping, "op", "op", *Permute.ops)
    axes = replace_entry(mapping, "shape", "axes", str(list(turn.axes)))
    if op is None or axes is None:
        return None
    return Fix(f"use permute with axes: {list(turn.axes)}", Applicability.UNSAFE, (op, axes))
