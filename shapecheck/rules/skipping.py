"""Design lints on what kernels step over, by dilation, stride or rounding: codes SC404, SC406 and SC407."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapecheck.analysis.coverage import MOST_TAPS, phases
from shapecheck.analysis.gridding import griddings
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Survey, join_axes, survey
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.window import Window
from shapecheck.rules.pointing import place

# How many layers a message lists by name.
MOST_NAMES = 4


def dilation_gridding(shapes: Shapes) -> Iterable[Finding]:
    """Dilated layers in a row share a divisor: each output reads a coarse lattice, and its neighbour another one."""
    for grid in griddings(shapes, survey(shapes)):
        rank = len(shapes.outputs[grid.layer.index] or ()) - 2
        j = grid.axes[0]
        rates = ", ".join(str(shapes.windows(node)[j].d) for node in grid.dilated)
        yield Finding.of(
            "dilation-gridding",
            f"{grid.layer.name}: behind dilations {rates} an output reads {grid.read} of {grid.span} positions of"
            f" {grid.start.name} on {join_axes(list(grid.axes), rank)}; its neighbours read the others",
            place(grid.layer, "dilation"),
            grid.layer.name,
            "take dilations without a common divisor (1, 2, 5), or dilation 1 in one of the layers",
            tuple(Related(f"{node.name} is dilated", node.source.span) for node in grid.dilated[:-1][:MOST_NAMES]),
        )


def stride_larger_than_kernel(shapes: Shapes) -> Iterable[Finding]:
    """The stride steps over elements that no other layer reads: they are computed and thrown away."""
    found = survey(shapes)
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
        yield Finding.of(
            "stride-larger-than-kernel",
            f"{node.name}: stride {w.s} with kernel_size {w.k}{dilated} on {join_axes(axes, len(windows))} reads {part}"
            f" of every {whole} elements of {shapes.network.nodes[node.inputs[0]].name}, and nothing else reads the"
            " others",
            place(node, "stride", "kernel_size"),
            node.name,
            f"take a kernel of at least {w.s}, stride there in a layer that has one, or pool first",
        )


def _phases_read(found: Survey, node: Node, windows: tuple[Window, ...]) -> list[frozenset[int]]:
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


def mixed_ceil_and_floor(shapes: Shapes) -> Iterable[Finding]:
    """Some poolings of a network round their size up and others down."""
    kinds: dict[str, list[Node]] = {"ceil": [], "pool": []}
    for node, windows in survey(shapes).slides:
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
            place(node, "ceil_mode"),
            node.name,
            f"{'leave ceil_mode out' if this == 'up' else 'write ceil_mode: true'} here, or round all of them {this}",
            (Related(f"{many[0].name} rounds {that}", many[0].source.span),),
        )
