"""Lints on what windows step over: rows at the edge, elements between strides, a lattice between dilated taps."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.coverage import MOST_TAPS, exact_sizes, phases, rows_lost
from shapecheck.analysis.gridding import griddings
from shapecheck.analysis.layer_index import LayerIndex, Slide, layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import spatial_names
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.flow import AxisKind
from shapecheck.layers.window import Window

# Rows that are never read are worth a note from this share of the map on.
LEAST_SHARE = 0.005
# How many layers a message lists by name.
MOST_NAMES = 4


def unread_input(shapes: Shapes) -> Iterable[Finding]:
    """Rows or columns at the far edge of a map are read by no window: the stride does not divide what is there."""
    found = layer_index(shapes)
    for slide in found.slides:
        losses = [rows_lost(w) for w in slide.windows]
        if any(losses):
            # What a layer above added at the far edge is lost first.
            added = _added_behind(shapes, shapes.network.nodes[slide.node.inputs[0]], len(losses))
            losses = [max(lost - more, 0) for lost, more in zip(losses, added, strict=True)]
        if any(losses) and not _read_elsewhere(found, slide, losses):
            share = 1.0
            for w, lost in zip(slide.windows, losses, strict=True):
                share *= 1 - lost / w.i if isinstance(w.i, int) else 1
            if 1 - share >= LEAST_SHARE:
                yield _unread(shapes, slide, losses, 100 * (1 - share))


def _added_behind(shapes: Shapes, node: Node, count: int) -> list[int]:
    """Return how many elements a layer adds behind the last of its input on each spatial axis, as a pad does."""
    flows, output = shapes.flow(node), shapes.outputs[node.index]
    before = shapes.outputs[node.inputs[0]] if node.inputs else None
    if flows is None or output is None or before is None or len(output) != len(before) or len(output) != count + 2:
        return [0] * count
    first = 1 if shapes.network.channels_last else 2
    added = [0] * count
    for j, flow in enumerate(flows[first : first + count]):
        o, i = output[first + j], before[first + j]
        taps = flow.sources[0].taps if flow.kind is AxisKind.CUT else None
        if taps is not None and taps.advance == 1 and isinstance(o, int) and isinstance(i, int):
            added[j] = max(o + taps.reads[0].start - i, 0)
    return added


def _read_elsewhere(found: LayerIndex, slide: Slide, losses: list[int]) -> bool:
    """Say whether another layer reads what this one leaves out, or tells of the same loss before it."""
    above = slide.node.inputs[0]
    if above in found.ends:
        return True
    for reader in found.readers[above]:
        other = found.slide_at.get(reader.index)
        if reader is slide.node:
            continue
        if other is None or len(other.windows) != len(losses):
            return True
        theirs = [rows_lost(w) for w in other.windows]
        if any(lost < mine for lost, mine in zip(theirs, losses, strict=True)):
            return True
        if theirs == losses and reader.index < slide.node.index:
            return True
    return False


def _unread(shapes: Shapes, slide: Slide, losses: list[int], percent: float) -> Finding:
    node, windows = slide
    axes = [j for j, lost in enumerate(losses) if lost]
    parts, formulas = [], []
    for group in _alike(windows, axes):
        w = windows[group[0]]
        parts.append(f"the last {losses[group[0]]} of {w.i} on {spatial_names(group, len(windows))}")
        padding = w.before + w.after
        more = f", {w.after} of them padding" if w.after else ""
        formulas.append(f"({w.i}{f' + {padding}' if padding else ''} − {w.reach}) mod {w.s} = {w.unread}{more}")
    w = windows[axes[0]]
    return Finding.at(
        "unread-input",
        node.name,
        f"{' and '.join(parts)} {'is' if sum(losses) == 1 else 'are'} never read, {percent:.1f} % of the"
        f" map: {', '.join(formulas)}",
        node.source.place("stride", "kernel_size"),
        _read_all(shapes, node, w, axes[0]),
        subject=tuple(axes),
    )


def _read_all(shapes: Shapes, node: Node, w: Window, j: int) -> str:
    """Say what would let windows read all of an axis: rounding up, more padding, other sizes."""
    assert isinstance(w.i, int) and isinstance(w.unread, int)
    after = w.after + w.s - w.unread
    if node.layer is not None and "ceil_mode" in node.layer.keys and w.d == 1:
        ways = ["ceil_mode: true reads them"]
    else:
        ways = [f"padding [[{w.before}, {after}], …] reads them"]
    ways.append(f"{w.i - w.unread} and {w.i - w.unread + w.s} leave nothing over here")
    exact = exact_sizes(shapes, node, j + (1 if shapes.network.channels_last else 2), j)
    if exact is not None and exact[0].index != node.inputs[0]:
        ways.append(f"{exact[0].name} of {' or '.join(map(str, exact[1]))} makes such a size")
    return "; ".join(ways)


def stride_larger_than_kernel(shapes: Shapes) -> Iterable[Finding]:
    """The stride steps over elements that no other layer reads: they are computed and thrown away."""
    found = layer_index(shapes)
    for node, windows in found.slides:
        if all(w.s == 1 or (w.d == 1 and w.k >= w.s) for w in windows) or max(w.s for w in windows) > MOST_TAPS:
            continue
        seen = _phases_read(found, node, windows)
        axes = [j for j, w in enumerate(windows) if len(seen[j]) < w.s]
        if not axes:
            continue
        part = whole = 1
        for j in axes:
            part, whole = part * len(seen[j]), whole * windows[j].s
        w = windows[axes[0]]
        dilated = f" at dilation {w.d}" if w.d > 1 else ""
        yield Finding.at(
            "stride-larger-than-kernel",
            node.name,
            f"stride {w.s} with kernel_size {w.k}{dilated} on {spatial_names(axes, len(windows))} reads"
            f" {part} of every {whole} elements of {shapes.network.nodes[node.inputs[0]].name}, and nothing else reads"
            " the others",
            node.source.place("stride", "kernel_size"),
            f"take a kernel of at least {w.s}, stride there in a layer that has one, or pool first",
            subject=tuple(axes),
        )


def _phases_read(found: LayerIndex, node: Node, windows: tuple[Window, ...]) -> list[frozenset[int]]:
    """Return which remainders modulo the stride are read on each axis, by all readers of the map together."""
    above = node.inputs[0]
    everything = [frozenset(range(w.s)) for w in windows]
    if above in found.ends:
        return everything
    seen = [phases(w) for w in windows]
    for reader in found.readers[above]:
        other = found.slide_at.get(reader.index)
        if other is None or [w.s for w in other.windows] != [w.s for w in windows]:
            return everything
        if reader.index < node.index and reader is not node:
            return everything  # the finding stands at the first of them
        seen = [mine | phases(w) for mine, w in zip(seen, other.windows, strict=True)]
    return seen


def dilation_gridding(shapes: Shapes) -> Iterable[Finding]:
    """Dilated layers in a row share a divisor: each output reads a coarse lattice, and its neighbour another one."""
    for grid in griddings(shapes, layer_index(shapes)):
        rank = len(shapes.outputs[grid.layer.index] or ()) - 2
        j = grid.axes[0]
        rates = ", ".join(str(shapes.windows(node)[j].d) for node in grid.dilated)
        yield Finding.at(
            "dilation-gridding",
            grid.layer.name,
            f"behind dilations {rates} an output reads {grid.read} of {grid.span} positions of"
            f" {grid.start.name} on {spatial_names(list(grid.axes), rank)}; its neighbours read the others",
            grid.layer.source.place("dilation"),
            "take dilations without a common divisor (1, 2, 5), or dilation 1 in one of the layers",
            tuple(Related(f"{node.name} is dilated", node.source.span) for node in grid.dilated[:-1][:MOST_NAMES]),
            subject=tuple(grid.axes),
        )


def _alike(windows: tuple[Window, ...], axes: list[int]) -> list[list[int]]:
    """Return axes in groups that have the same numbers."""
    groups: dict[Window, list[int]] = {}
    for j in axes:
        groups.setdefault(windows[j], []).append(j)
    return list(groups.values())
