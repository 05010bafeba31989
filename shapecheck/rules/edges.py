"""Design lints on edges and padding: codes SC401, SC402, SC403, SC405 and SC414."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shapecheck.analysis.coverage import exact_sizes, idle_windows, live_taps, rows_lost, settled
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Slide, Survey, alike, join_axes, survey
from shapecheck.arithmetic import convolution
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.layers.pooling import Pool
from shapecheck.layers.resize import Pad, pairs
from shapecheck.layers.window import Window
from shapecheck.rules.pointing import place

# Rows that are never read are worth a note from this share of the map on.
LEAST_SHARE = 0.005


def unread_input(shapes: Shapes) -> Iterable[Finding]:
    """Rows or columns at the far edge of a map are read by no window: the stride does not divide what is there."""
    found = survey(shapes)
    for slide in found.slides:
        losses = [rows_lost(w) for w in slide.windows]
        above = shapes.network.nodes[slide.node.inputs[0]].layer
        if isinstance(above, Pad) and any(losses):
            # What an explicit padding added at the far edge is lost first.
            edges = pairs(above.padding, len(losses), "padding")
            losses = [max(lost - edge[1], 0) for lost, edge in zip(losses, edges, strict=True)]
        if any(losses) and not _read_elsewhere(found, slide, losses):
            share = 1.0
            for w, lost in zip(slide.windows, losses, strict=True):
                share *= 1 - lost / w.i if isinstance(w.i, int) else 1
            if 1 - share >= LEAST_SHARE:
                yield _unread(shapes, slide, losses, 100 * (1 - share))


def _read_elsewhere(found: Survey, slide: Slide, losses: list[int]) -> bool:
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
    for group in alike(windows, axes):
        w = windows[group[0]]
        parts.append(f"the last {losses[group[0]]} of {w.i} on {join_axes(group, len(windows))}")
        padding = w.before + w.after
        more = f", {w.after} of them padding" if w.after else ""
        formulas.append(f"({w.i}{f' + {padding}' if padding else ''} − {w.reach}) mod {w.s} = {w.unread}{more}")
    w = windows[axes[0]]
    return Finding.of(
        "unread-input",
        f"{node.name}: {' and '.join(parts)} {'is' if sum(losses) == 1 else 'are'} never read, {percent:.1f} % of the"
        f" map: {', '.join(formulas)}",
        place(node, "stride", "kernel_size"),
        node.name,
        _read_all(shapes, node, w, axes[0]),
    )


def _read_all(shapes: Shapes, node: Node, w: Window, j: int) -> str:
    """Say what would let windows read all of an axis: rounding up, more padding, other sizes."""
    assert isinstance(w.i, int) and isinstance(w.unread, int)
    after = w.after + w.s - w.unread
    if isinstance(node.layer, Pool) and w.d == 1:
        ways = ["ceil_mode: true reads them"]
    else:
        ways = [f"padding [[{w.before}, {after}], …] reads them"]
    ways.append(f"{w.i - w.unread} and {w.i - w.unread + w.s} leave nothing over here")
    exact = exact_sizes(shapes, node, j + (1 if shapes.network.channels_last else 2), j)
    if exact is not None and exact[0].index != node.inputs[0]:
        ways.append(f"{exact[0].name} of {' or '.join(map(str, exact[1]))} makes such a size")
    return "; ".join(ways)


def same_with_stride(shapes: Shapes) -> Iterable[Finding]:
    """Padding same with a stride pads unevenly here, and otherwise at other sizes: the grid of outputs moves."""
    for node, windows in survey(shapes).slides:
        if windows[0].form != "same":
            continue
        lower = getattr(node.layer, "padding", None) == "same_lower"
        exact = tuple(settled(w, lower) if w.s > 1 else w for w in windows)
        axes = [j for j, w in enumerate(exact) if w.before != w.after]
        if not axes:
            continue
        w = exact[axes[0]]
        edges = ", ".join(f"[{v.before}, {v.after}]" for v in exact)
        centred = f", and {w.reach // 2} the centred one that PyTorch users write" if w.reach % 2 else ""
        yield Finding.of(
            "same-with-stride",
            f"{node.name}: at {w.i} on {join_axes(axes, len(windows))} padding {'same_lower' if lower else 'same'} with"
            f" stride {w.s} pads {w.before} before and {w.after} after; at other sizes and in other frameworks it pads"
            " otherwise, and the outputs stand elsewhere",
            place(node, "padding"),
            node.name,
            f"write the padding itself: [{edges}] is this one{centred}",
        )


def even_kernel_half_padding(shapes: Shapes) -> Iterable[Finding]:
    """Half padding of an even kernel adds a row: it has no middle, and ⌊k / 2⌋ on both sides is one too many."""
    for node, windows in survey(shapes).slides:
        word = getattr(node.layer, "padding", None)
        if isinstance(node.layer, Pool) and word != "half":
            continue
        if word in ("full", "same", "same_lower", "valid", 0):
            continue
        axes = [j for j, w in enumerate(windows) if _grows(w)]
        if not axes:
            continue
        w = windows[axes[0]]
        assert isinstance(w.i, int)
        kept = convolution.conv_same(w.i, w.s)
        less = convolution.conv(w.i, w.k, w.s, w.before - 1, w.after - 1, w.d)
        kernel = f"kernel_size {w.k}" if w.d == 1 else f"kernel_size {w.k} at dilation {w.d}, which reaches {w.reach},"
        yield Finding.of(
            "even-kernel-half-padding",
            f"{node.name}: {kernel} is even, so padding {w.before} makes {w.o} of {w.i} on"
            f" {join_axes(axes, len(windows))}, where half padding of an odd kernel makes {kept}",
            place(node, "padding", "kernel_size"),
            node.name,
            f"padding {w.before - 1} makes {kept}"
            if less == kept
            else f"an odd kernel, or padding: same, makes {kept}",
            severity=None if word == "half" else Severity.INFO,
        )


def _grows(w: Window) -> bool:
    if w.before != w.after or w.reach % 2 or w.before != w.reach // 2:
        return False
    return isinstance(w.i, int) and isinstance(w.o, int) and w.o > convolution.conv_same(w.i, w.s)


def padding_wider_than_kernel(shapes: Shapes) -> Iterable[Finding]:
    """Padding exceeds what the kernel reaches: the outermost windows lie wholly in the zeros and read no input."""
    for node, windows in survey(shapes).slides:
        if not isinstance(node.layer, Conv) or node.layer.padding_mode in ("reflect", "circular"):
            continue
        for w in windows:
            if w.before < w.reach and w.after < w.reach:
                continue
            near, far = idle_windows(w)
            if near + far == 0:
                continue
            axes = [a for a, other in enumerate(windows) if other == w]
            yield Finding.of(
                "padding-wider-than-kernel",
                f"{node.name}: of {w.o} outputs on {join_axes(axes, len(windows))}, {near} at the beginning and {far}"
                f" at the end read nothing but padding: padding {max(w.before, w.after)} is wider than the {w.reach}"
                " that the kernel reaches",
                place(node, "padding"),
                node.name,
                f"padding of at most {w.reach - 1} lets every window meet the input",
            )
            break


def taps_in_padding(shapes: Shapes) -> Iterable[Finding]:
    """Taps of a kernel fall into the padding in every window: weights that never meet the input."""
    for node, windows in survey(shapes).slides:
        layer = node.layer
        if not isinstance(layer, Conv) or layer.padding_mode != "zeros" or layer.padding == 0:
            continue
        exact = [settled(w, layer.padding == "same_lower") for w in windows]
        alive = [w.k if w.i == 1 and type(w.i) is int else live_taps(w) for w in exact]
        axes = [j for j, w in enumerate(exact) if alive[j] < w.k]
        if not axes:
            continue
        w = exact[axes[0]]
        taps = math.prod(v.k for v in exact)
        used = math.prod(alive)
        dilated = f" at dilation {w.d}" if w.d > 1 else ""
        yield Finding.of(
            "taps-in-padding",
            f"{node.name}: kernel_size {w.k}{dilated} on a map of {w.i} on {join_axes(axes, len(windows))}: only {used}"
            f" of its {taps} taps ever meet the input, the others read padding in every window",
            place(node, "dilation", "kernel_size"),
            node.name,
            f"take a dilation below {w.i}" if w.d > 1 else f"a kernel of {alive[axes[0]]} computes the same",
            severity=None if 2 * used <= taps else Severity.INFO,
        )
