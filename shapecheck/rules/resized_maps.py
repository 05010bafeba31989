"""Lints on maps that get another size: oblong, larger than there was, rounded up here and down there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapecheck.analysis.axis_steps import cut_away
from shapecheck.analysis.layer_index import layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import axis_name, channel_axis, show_sizes, spatial_names, split
from shapecheck.arithmetic.symbolic import at_least
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.flow import Flow
from shapecheck.layers.pooling import AdaptivePool
from shapecheck.rules.explanations import made_by

# By how much two axes may be scaled differently before it is called a distortion.
LARGEST_DISTORTION = 1.1


def adaptive_output_larger(shapes: Shapes) -> Iterable[Finding]:
    """An adaptive pooling is asked for more than its input has: elements are repeated."""
    for node in shapes.network.layers:
        before = shapes.outputs[node.inputs[0]] if node.inputs else None
        after = shapes.outputs[node.index]
        if not isinstance(node.layer, AdaptivePool) or before is None or after is None:
            continue
        channels = channel_axis(len(after), shapes.network.channels_last)
        spatial = [axis for axis in range(1, len(after)) if axis != channels]
        larger = [axis for axis in spatial if at_least(after[axis] - before[axis], 1)]
        if not larger:
            continue
        parts = (
            f"{after[axis]} against {before[axis]} on {axis_name(axis, len(after), shapes.network.channels_last)}"
            for axis in larger
        )
        made = made_by(shapes, node.inputs[0], larger[0])
        yield Finding.at(
            "adaptive-output-larger",
            node.name,
            f"output_size exceeds the input, {' and '.join(parts)}: elements are repeated",
            node.source.place("output_size"),
            "ask for no more than there is, or feed a larger map; to enlarge on purpose write op: upsample",
            () if made is None else (made,),
            subject=tuple(larger),
        )


def uneven_crop(shapes: Shapes) -> Iterable[Finding]:
    """A crop to the size of another layer takes one more at the end than at the beginning: the difference is odd."""
    for node in shapes.network.layers:
        layer = node.layer
        if layer is None or layer.sized_like is None or layer.sized_like not in node.references:
            continue
        flows, context = shapes.flow(node), shapes.context(node)
        if flows is None or context is None:
            continue
        first = context.spatial_axis(0)
        output = shapes.outputs[node.index] or ()
        cuts = [cut_away(flow, context.inputs[0], output, at) for at, flow in enumerate(flows)]
        axes = [at - first for at, cut in enumerate(cuts) if cut is not None and cut[0] != cut[1]]
        if not axes:
            continue
        groups: dict[tuple[int, int], list[int]] = {}
        for j in axes:
            groups.setdefault(cuts[j + first] or (0, 0), []).append(j)
        parts = [
            f"{before} away before and {after} after on {spatial_names(group, len(flows) - 2)}"
            for (before, after), group in groups.items()
        ]
        like = shapes.network.nodes[node.references[layer.sized_like]]
        yield Finding.at(
            "uneven-crop",
            node.name,
            f"takes {', '.join(parts)}: its input is larger than {like.name} by an odd number",
            node.source.place(layer.sized_like),
            "say with cropping: [[before, after], ...] which side is meant",
            subject=tuple(axes),
        )


def accidental_anisotropy(shapes: Shapes) -> Iterable[Finding]:
    """A square map becomes oblong, or a map is resized by different factors on its axes."""
    for node in shapes.network.layers:
        output, inputs = shapes.outputs[node.index], [shapes.outputs[i] for i in node.inputs]
        before = inputs[0] if len(inputs) == 1 else None
        if output is None or before is None or len(output) != len(before) or len(before) < 4:
            continue
        flows = shapes.flow(node)
        if flows is None or not _spatial_axes_stay(flows, channel_axis(len(output), shapes.network.channels_last)):
            continue
        one = split(before, shapes.network.channels_last).spatial
        other = split(output, shapes.network.channels_last).spatial
        ones = [size for size in one if isinstance(size, int)]
        others = [size for size in other if isinstance(size, int)]
        if len(ones) < len(one) or len(others) < len(other):
            continue
        fixed = any(getattr(node.layer, key, None) for key in ("size", "output_size")) and not shapes.windows(node)
        factors = [o / i for i, o in zip(ones, others, strict=True)]
        if len(set(ones)) == 1 and len(set(others)) > 1:
            message = f"makes {show_sizes(other)} of a square {show_sizes(one)}"
        elif fixed and max(factors) / min(factors) > LARGEST_DISTORTION and max(others) > 1:
            message = f"resizes {show_sizes(one)} to {show_sizes(other)}, which distorts it"
        else:
            continue
        yield Finding.at(
            "accidental-anisotropy",
            node.name,
            message,
            node.source.place("stride", "kernel_size", "output_size", "size"),
            "write one number for all axes",
            subject=(len(set(ones)) == 1,),
        )


def _spatial_axes_stay(flows: Flow, channels: int) -> bool:
    """Say whether each spatial axis of an output is made of the same axis of the input, and of no other."""
    return all(
        axis in (0, channels) or [source.axis for source in flow.sources] == [axis] for axis, flow in enumerate(flows)
    )


def mixed_ceil_and_floor(shapes: Shapes) -> Iterable[Finding]:
    """Some poolings of a network round their size up and others down."""
    kinds: dict[str, list[Node]] = {"ceil": [], "pool": []}
    for node, windows in layer_index(shapes).slides:
        if windows[0].form in kinds and any(w.s > 1 for w in windows):
            kinds[windows[0].form].append(node)
    up, down = kinds["ceil"], kinds["pool"]
    if up and down:
        yield from _rounding(up, down, "up", "down") if len(up) <= len(down) else _rounding(down, up, "down", "up")


def _rounding(few: list[Node], many: list[Node], this: str, that: str) -> Iterator[Finding]:
    others = f"{many[0].name} rounds" if len(many) == 1 else f"{many[0].name} and {len(many) - 1} more round"
    for node in few:
        yield Finding.of(
            "mixed-ceil-and-floor",
            f"{node.name} rounds its size {this}, {others} {that}",
            node.source.place("ceil_mode"),
            node.name,
            f"{'leave ceil_mode out' if this == 'up' else 'write ceil_mode: true'} here, or round all of them {this}",
            (Related(f"{many[0].name} rounds {that}", many[0].source.span),),
        )
