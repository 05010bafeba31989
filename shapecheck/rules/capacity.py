"""Lints on where the numbers are: lost in one layer, all in one layer, in channels that never meet."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.cost import cost, total
from shapecheck.analysis.layer_index import LayerIndex, layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import passages
from shapecheck.arithmetic.shape import channel_axis, show_sizes, split
from shapecheck.arithmetic.symbolic import product
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node
from shapecheck.layers.context import Context
from shapecheck.layers.flow import AxisKind, Source
from shapecheck.layers.role import Role

# By how much the elements of a sample may fall in one layer.
LARGEST_FALL = 16
# Which share of all parameters one layer may hold, and from how many on that is worth a word.
LARGEST_SHARE = 0.9
LEAST_PARAMETERS = 100_000


def representational_bottleneck(shapes: Shapes) -> Iterable[Finding]:
    """A layer cuts the number of elements of a sample to less than a sixteenth: what is lost there stays lost."""
    found = layer_index(shapes)
    for node in found.playing(Role.SLIDES | Role.LEARNED_MAP):
        before, after = shapes.outputs[node.inputs[0]], shapes.outputs[node.index]
        if before is None or after is None:
            continue
        had, has = product(before[1:]), product(after[1:])
        gate = all(type(size) is int and size == 1 for size in split(before, shapes.network.channels_last).spatial)
        if (gate and len(before) > 2) or _ends(found, node):
            continue
        if isinstance(had, int) and isinstance(has, int) and had > LARGEST_FALL * has:
            yield Finding.at(
                "representational-bottleneck",
                node.name,
                f"{had} elements of each sample become {has}, 1 in {had / has:.0f}",
                node.source.place("stride", "kernel_size", "out_features"),
                "take more channels here, or shrink in more than one step",
            )


def _ends(found: LayerIndex, node: Node) -> bool:
    """Say whether a layer makes an output of the network, but for an activation or the like."""
    while node.index not in found.ends:
        reader = found.only_reader(node)
        if reader is None or reader.index not in found.indices(Role.POINTWISE | Role.PROBABILITIES):
            return False
        node = reader
    return True


def concentrated_parameters(shapes: Shapes) -> Iterable[Finding]:
    """One linear layer behind a flatten holds more than nine tenths of all parameters."""
    found = layer_index(shapes)
    if not found.indices(Role.LEARNED_MAP) & found.indices(Role.SLIDES):
        return
    for node in found.playing(Role.LEARNED_MAP, but=Role.MAP):
        context, flatten = shapes.context(node), _flatten_above(shapes, node)
        before = None if flatten is None else shapes.outputs[flatten.inputs[0]]
        if flatten is None or before is None or len(before) < 3 or node.layer is None or context is None:
            continue
        _, channels, spatial = split(before, shapes.network.channels_last)
        positions, own = product(spatial), cost(shapes, node).parameters
        if not isinstance(positions, int) or not isinstance(own, int) or positions == 1 or own < LEAST_PARAMETERS:
            continue
        everything = total(shapes).parameters
        if isinstance(everything, int) and isinstance(channels, int) and own > LARGEST_SHARE * everything:
            pooled = node.layer.parameters(Context(((*context.inputs[0][:-1], channels),), context.channels_last))
            yield Finding.at(
                "concentrated-parameters",
                node.name,
                f"{own:,} of the network's {everything:,} parameters stand in this layer, behind a"
                f" {flatten.op} of {channels} x {show_sizes(spatial)}",
                node.source.span,
                f"pool before {flatten.name}: a global_avg_pool leaves {pooled:,} here",
            )


def _flatten_above(shapes: Shapes, node: Node) -> Node | None:
    """Return the layer that joined the axis which a map of the last axis reads, with nothing learned between."""
    flows, shape = shapes.flow(node), shapes.outputs[node.inputs[0]]
    if flows is None or shape is None or flows[-1].kind is not AxisKind.MIXED:
        return None
    for passage in passages(shapes, node.inputs[0], len(shape) - 1):
        if passage.flow is None or passage.flow.kind is not AxisKind.KEPT:
            joined = passage.flow is not None and passage.flow.kind is AxisKind.JOINED
            return passage.node if joined else None
    return None


def depthwise_without_pointwise(shapes: Shapes) -> Iterable[Finding]:
    """A depthwise convolution behind which the channels never meet: each is a network of its own to the end."""
    found = layer_index(shapes)
    meeting: dict[tuple[int, int], bool] = {}
    for node in found.playing(Role.SLIDES):
        shape = shapes.outputs[node.index]
        channels = None if shape is None else channel_axis(len(shape), shapes.network.channels_last)
        if channels is None or not _depthwise(shapes, node, channels):
            continue
        if not _channels_meet(shapes, found, node, channels, meeting):
            yield Finding.at(
                "depthwise-without-pointwise",
                node.name,
                "no layer behind this depthwise convolution brings its channels together",
                node.source.place("groups"),
                "put a conv with kernel_size 1 behind it",
            )


def _channels_meet(
    shapes: Shapes, found: LayerIndex, node: Node, axis: int, known: dict[tuple[int, int], bool]
) -> bool:
    """Say whether a layer behind a node brings the positions of an axis together, or may do so."""
    waiting = [(node.index, axis)]
    seen: list[tuple[int, int]] = []
    meet = False
    while waiting and not meet:
        at = waiting.pop()
        if at in known:
            meet = known[at]
        elif at not in seen:
            seen.append(at)
            for reader in found.readers[at[0]]:
                further = _still_apart(shapes, reader, *at)
                meet = meet or not further
                waiting += [(reader.index, axis) for axis in further]
    # Where nothing meets behind the first, nothing does behind the others; where it does, that is known of the first.
    known.update(dict.fromkeys(seen if not meet else seen[:1], meet))
    return meet


def _still_apart(shapes: Shapes, reader: Node, index: int, axis: int) -> list[int]:
    """Return the axes of a reader's output that are an axis of node ``index``, one position for each."""
    return [
        at
        for at, flow in enumerate(shapes.flow(reader) or ())
        for source in flow.sources
        if reader.inputs[source.operand] == index and source.axis == axis and _one_each(source)
    ]


def _one_each(source: Source) -> bool:
    """Say whether each position reads at most one of the source."""
    return source.taps is not None and all(len(read) <= 1 for read in source.taps.reads)


def _depthwise(shapes: Shapes, node: Node, channels: int) -> bool:
    """Say whether a layer that slides maps each channel by itself, and there is more than one."""
    if getattr(node.layer, "groups", 1) == 1:
        return False
    flows, before = shapes.flow(node), shapes.outputs[node.inputs[0]]
    if flows is None or before is None:
        return False
    size = before[channels]
    return isinstance(size, int) and size > 1 and all(map(_one_each, flows[channels].sources))
