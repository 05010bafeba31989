"""Encoder against decoder: what each encoder layer was given, and what its mirror gives back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from shapecheck.analysis.explain import DirectConvolution, layer_arithmetic
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import cause
from shapecheck.arithmetic.shape import Shape, channel_axis, show_sizes, spatial_name, split
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Node
from shapecheck.layers.flow import AxisKind
from shapecheck.layers.role import Role
from shapecheck.layers.window import Window

FARTHEST = 20_000
# Levels of an encoder and decoder that are counted.
MOST_LEVELS = 200
# Sizes of an open layer that are listed one by one.
MOST_LISTED = 10_000


class Pair(NamedTuple):
    """A decoder layer and the encoder layer that it mirrors. Sizes are spatial; None where they are unknown.

    ``status`` is ``exact``, ``ambiguous`` or ``broken``; ``message`` says why, or what else is worth knowing.
    ``a`` is empty for a layer that has none, such as upsample; ``candidates`` lists the sizes per axis where a is open.
    """

    decoder: Node
    encoder: Node
    declared: bool
    encoder_input: Shape | None
    encoder_output: Shape | None
    decoder_output: Shape | None
    a: tuple[Size, ...]
    candidates: tuple[Sequence[Size], ...]
    direct: tuple[DirectConvolution, ...]
    status: str
    message: str


class Reconstruction(NamedTuple):
    """An input beside an output of the same rank: sizes, and where the difference was lost."""

    input: Node
    output: str
    before: Shape
    after: Shape
    lost_at: tuple[str, ...]


def pairs(shapes: Shapes) -> list[Pair]:
    """Return every pair of a network: those declared, and for the other decoder layers those that nesting suggests."""
    network = shapes.network
    declared = dict(network.symmetry)
    for node in network.layers:
        key = None if node.layer is None else node.layer.undoes
        if key is not None and key in node.references:
            declared.setdefault(node.index, node.references[key])
    inferred = {} if _all_declared(shapes, declared) else infer(shapes, set(declared), set(declared.values()))
    chosen = [(d, e, True) for d, e in declared.items()] + [(d, e, False) for d, e in inferred.items()]
    return [_pair(shapes, network.nodes[d], network.nodes[e], by_name) for d, e, by_name in sorted(chosen)]


def _all_declared(shapes: Shapes, declared: dict[int, int]) -> bool:
    return all(node.index in declared or _scale(shapes, node) <= 0 for node in shapes.network.layers)


def _rates(shapes: Shapes, node: Node) -> list[Fraction]:
    """Return for each spatial axis that a layer slides along or resamples the input's step per step of the output."""
    flow = shapes.flow(node)
    if flow is None or len(flow) < 3:
        return []
    channels = channel_axis(len(flow), shapes.network.channels_last)
    sources = [
        source
        for axis, one in enumerate(flow)
        if axis not in (0, channels) and one.kind in (AxisKind.WINDOWED, AxisKind.RESAMPLED, AxisKind.CUT)
        for source in one.sources
    ]
    found = [source.taps or source.pattern for source in sources]
    return [Fraction(taps.advance, taps.period) for taps in found if taps is not None]


def _scale(shapes: Shapes, node: Node) -> int:
    """Return 1 for a layer that makes maps larger by a factor, -1 for one that makes them smaller, else 0."""
    rates = _rates(shapes, node)
    if any(rate < 1 for rate in rates):
        return 1
    return -1 if any(rate > 1 for rate in rates) else 0


def infer(shapes: Shapes, decoders: set[int], encoders: set[int]) -> dict[int, int]:
    """Match each growing layer with the shrinking layer that it closes, as brackets match.

    From the growing layer the way back is followed along the deepest input of every merge; a growing layer on it
    opens another bracket, a shrinking one closes one. Layers that are paired already keep their partners.
    """
    matched: dict[int, int] = {}
    nodes = shapes.network.nodes
    for node in shapes.network.layers:
        if node.index in decoders or _scale(shapes, node) != 1:
            continue
        depth, at, lost = 1, node, 1
        for _ in range(FARTHEST):
            if not at.inputs:
                break
            at = nodes[max(at.inputs)]
            scale = _scale(shapes, at)
            depth += scale
            if scale < 0:
                lost *= math.ceil(max(_rates(shapes, at)))
            if depth == 0:
                if at.index not in encoders and _alike(shapes, node, at, lost):
                    matched[node.index] = at.index
                break
    return matched


def _alike(shapes: Shapes, decoder: Node, encoder: Node, lost: int) -> bool:
    """Say whether what is given back differs from what went in by no more than lost remainders.

    ``lost`` is the product of the strides in between: a remainder lost at the bottom is multiplied on the way up. A
    network that crops its skips gives back something else by design, and its layers are no mirrors.
    """
    before, after = _spatial(shapes, encoder.inputs[0]), _spatial(shapes, decoder.index)
    if before is None or after is None or len(before) != len(after):
        return False
    pairs = zip(before, after, strict=True)
    return all(not isinstance(a, int) or not isinstance(b, int) or abs(a - b) < max(lost, 2) for a, b in pairs)


def _spatial(shapes: Shapes, index: int) -> Shape | None:
    shape = shapes.outputs[index]
    return None if shape is None or len(shape) < 3 else split(shape, shapes.network.channels_last).spatial


def _pair(shapes: Shapes, decoder: Node, encoder: Node, declared: bool) -> Pair:
    before = _spatial(shapes, encoder.inputs[0]) if encoder.inputs else _spatial(shapes, encoder.index)
    between, after = _spatial(shapes, encoder.index), _spatial(shapes, decoder.index)
    windows = shapes.windows(decoder)
    context = shapes.context(decoder)
    layer = shapes.layer(decoder)
    a: tuple[Size, ...] = tuple(w.a for w in windows) if windows else ()
    open_axes: tuple[int, ...] = ()
    direct: tuple[DirectConvolution, ...] = ()
    if context is not None and layer is not None and windows:
        if Role.LEARNED_MAP in layer.role:
            direct = tuple(step.direct for step in layer_arithmetic(layer, context) if step.direct is not None)
        open_axes = layer.ambiguous_axes(context)
    candidates = (
        tuple(_candidates(w.o - w.a, w.s) if j in open_axes else (w.o,) for j, w in enumerate(windows))
        if open_axes
        else ()
    )
    status, message = _judge(shapes, decoder, encoder, before, after, bool(open_axes))
    return Pair(decoder, encoder, declared, before, between, after, a, candidates, direct, status, message)


def listed(sizes: Sequence[Size], separator: str) -> str:
    """Return sizes one by one, or the first and the last of many."""
    return separator.join(map(str, sizes)) if len(sizes) <= 16 else f"{sizes[0]} to {sizes[-1]}"


def _candidates(least: Size, s: int) -> Sequence[Size]:
    """Return the s sizes that a transposed layer of stride s can give; s may be too large for a list."""
    if isinstance(least, int) and s > MOST_LISTED:
        return range(least, least + s)
    return tuple(least + a for a in range(min(s, MOST_LISTED)))


def _judge(
    shapes: Shapes, decoder: Node, encoder: Node, before: Shape | None, after: Shape | None, ambiguous: bool
) -> tuple[str, str]:
    if before is None or after is None:
        return "broken", "the size of one of the two is not known"
    reasons = _size_reasons(before, after)
    geometry = geometry_differences(shapes, decoder, encoder)
    if ambiguous and (geometry or len(before) != len(after)):
        return "broken", "; ".join([*geometry, *reasons])
    if ambiguous:
        missing = f"a is not given; with a = 0 {reasons[0]}" if reasons else "a is not given; a = 0 happens to fit"
        return "ambiguous", missing
    if reasons or geometry:
        return "broken", "; ".join([*reasons, *geometry])
    return "exact", _channel_note(shapes, decoder, encoder)


def _size_reasons(before: Shape, after: Shape) -> list[str]:
    if len(before) != len(after):
        return [f"{len(after)} spatial axes are given back for {len(before)}"]
    parts = []
    for j, (had, gives) in enumerate(zip(before, after, strict=True)):
        if had != gives:
            off = f", off by {gives - had:+d}" if isinstance(had, int) and isinstance(gives, int) else ""
            parts.append(f"{gives} is given back for {had} on {spatial_name(j, len(before))}{off}")
    return parts


def geometry_differences(shapes: Shapes, decoder: Node, encoder: Node) -> list[str]:
    """Say which of kernel, stride, padding and dilation differ between a conv and its transpose."""
    if not _convolutions(decoder, encoder):
        return []
    down, up = shapes.windows(encoder), shapes.windows(decoder)
    if len(down) != len(up) or not _mirrored(up, down):
        return []
    reasons = []
    for name, values in (
        ("kernel_size", [(w.k, v.k) for w, v in zip(down, up, strict=True)]),
        ("stride", [(w.s, v.s) for w, v in zip(down, up, strict=True)]),
        ("padding", [((w.before, w.after), (v.before, v.after)) for w, v in zip(down, up, strict=True)]),
        ("dilation", [(w.d, v.d) for w, v in zip(down, up, strict=True)]),
    ):
        if any(one != other for one, other in values):
            mine, theirs = (_short([pair[i] for pair in values]) for i in (1, 0))
            reasons.append(f"{name} {mine} differs from {theirs} of {encoder.name}")
    return reasons


def _convolutions(*nodes: Node) -> bool:
    return all(node.layer is not None and Role.LEARNED_MAP in node.layer.role for node in nodes)


def _mirrored(up: Sequence[Window], down: Sequence[Window]) -> bool:
    """Say whether the one windows are those of a transposed convolution and the others of a direct one."""
    return bool(up and down) and all(w.transposes for w in up) and not any(w.transposes for w in down)


def _short(values: list[object]) -> str:
    plain = [v[0] if isinstance(v, tuple) and v[0] == v[1] else list(v) if isinstance(v, tuple) else v for v in values]
    return str(plain[0]) if all(v == plain[0] for v in plain) else str(plain)


def _channel_note(shapes: Shapes, decoder: Node, encoder: Node) -> str:
    if not _convolutions(decoder, encoder) or not _mirrored(shapes.windows(decoder), shapes.windows(encoder)):
        return ""
    ends = [shapes.outputs[i] for i in (encoder.inputs[0], encoder.index, decoder.inputs[0], decoder.index)]
    if any(shape is None for shape in ends):
        return ""
    had, made, given, back = (
        split(shape, shapes.network.channels_last).channels for shape in ends if shape is not None
    )
    if (had, made) == (back, given):
        return ""
    return f"channels do not mirror: {encoder.name} takes {had} to {made}, {decoder.name} takes {given} to {back}"


def reconstructions(shapes: Shapes) -> list[Reconstruction]:
    """Return for each output that could be a reconstruction how its sizes compare with those of an input."""
    network = shapes.network
    found = []
    for name, index in network.outputs.items():
        after = shapes.outputs[index]
        for node in network.inputs:
            before = shapes.outputs[node.index]
            if after is None or before is None or len(after) != len(before) or len(after) < 3:
                continue
            if not _reconstructs(shapes, node, index):
                continue
            channels_last = network.channels_last
            ends = split(before, channels_last).spatial, split(after, channels_last).spatial
            lost = []
            for j, (one, other) in enumerate(zip(*ends, strict=True)):
                if one != other:
                    why = cause(shapes, node.index, index, j + (1 if channels_last else 2))
                    if why is not None and why.layer is not None:
                        lost.append(why.layer.name)
            found.append(Reconstruction(node, name, *ends, tuple(dict.fromkeys(lost))))
            break
    return found


def _reconstructs(shapes: Shapes, source: Node, output: int) -> bool:
    """Say whether an output is meant to be the input again: it is said so, or it has the input's channels."""
    stated = any(expectation.same_as == source.index for expectation in shapes.network.nodes[output].expect)
    ends = [shapes.outputs[source.index], shapes.outputs[output]]
    channels = [split(shape, shapes.network.channels_last).channels for shape in ends if shape is not None]
    return stated or channels[0] == channels[1]


def sentence(summary: Reconstruction) -> str:
    """Return a summary in one line: ``image 224 x 224 -> reconstruction 223 x 224: off by -1 on H, lost at enc2``."""
    line = f"{summary.input.name} {show_sizes(summary.before)} -> {summary.output} {show_sizes(summary.after)}"
    parts = []
    for j, (one, other) in enumerate(zip(summary.before, summary.after, strict=True)):
        if one != other:
            off = f" by {other - one:+d}" if isinstance(one, int) and isinstance(other, int) else ""
            parts.append(f"off{off} on {spatial_name(j, len(summary.before))}")
    if not parts:
        return f"{line}: exact"
    return f"{line}: {', '.join(parts)}" + (f", lost at {', '.join(summary.lost_at)}" if summary.lost_at else "")


def levels(shapes: Shapes, source: int, output: int) -> tuple[list[Node], list[Node]]:
    """Return the layers that shrink and those that grow the map on the way from one node to another, in order.

    At a merge the way goes along the deepest input. Both are empty where the way does not begin at ``source``.
    """
    nodes = shapes.network.nodes
    shrinking: list[Node] = []
    growing: list[Node] = []
    at = nodes[output]
    while at.index != source:
        scale = _scale(shapes, at)
        if scale < 0:
            shrinking.insert(0, at)
        elif scale > 0:
            growing.insert(0, at)
        if not at.inputs or len(shrinking) + len(growing) > MOST_LEVELS:
            return [], []
        at = nodes[max(at.inputs)]
    return shrinking, growing
