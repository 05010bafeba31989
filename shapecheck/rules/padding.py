"""Lints on padding: uneven, of an even kernel, wider than the kernel, read by taps alone, in another order."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shapecheck.analysis.coverage import idle_windows, live_taps
from shapecheck.analysis.layer_index import Slide, layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import spatial_names
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding
from shapecheck.layers.flow import settled
from shapecheck.layers.role import Role
from shapecheck.layers.window import Window


def same_with_stride(shapes: Shapes) -> Iterable[Finding]:
    """Padding same with a stride pads unevenly here, and otherwise at other sizes: the grid of outputs moves."""
    for node, windows in layer_index(shapes).slides:
        if windows[0].form != "same":
            continue
        lower = getattr(node.layer, "padding", None) == "same_lower"
        exact = tuple((settled(w, lower) or w) if w.s > 1 else w for w in windows)
        axes = [j for j, w in enumerate(exact) if w.before != w.after]
        if not axes:
            continue
        w = exact[axes[0]]
        edges = ", ".join(f"[{v.before}, {v.after}]" for v in exact)
        centred = f", and {w.reach // 2} the centred one that PyTorch users write" if w.reach % 2 else ""
        yield Finding.at(
            "same-with-stride",
            node.name,
            f"at {w.i} on {spatial_names(axes, len(windows))} padding {'same_lower' if lower else 'same'}"
            f" with stride {w.s} pads {w.before} before and {w.after} after; at other sizes and in other frameworks it"
            " pads otherwise, and the outputs stand elsewhere",
            node.source.place("padding"),
            f"write the padding itself: [{edges}] is this one{centred}",
            subject=tuple(axes),
        )


def even_kernel_half_padding(shapes: Shapes) -> Iterable[Finding]:
    """Half padding of an even kernel adds a row: it has no middle, and ⌊k / 2⌋ on both sides is one too many."""
    for node, windows in layer_index(shapes).slides:
        word = getattr(node.layer, "padding", None)
        role = Role.NONE if node.layer is None else node.layer.role
        if Role.LEARNED_MAP not in role and word != "half":
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
        yield Finding.at(
            "even-kernel-half-padding",
            node.name,
            f"{kernel} is even, so padding {w.before} makes {w.o} of {w.i} on"
            f" {spatial_names(axes, len(windows))}, where half padding of an odd kernel makes {kept}",
            node.source.place("padding", "kernel_size"),
            f"padding {w.before - 1} makes {kept}"
            if less == kept
            else f"an odd kernel, or padding: same, makes {kept}",
            severity=None if word == "half" else Severity.INFO,
            subject=tuple(axes),
        )


def _grows(w: Window) -> bool:
    if w.before != w.after or w.reach % 2 or w.before != w.reach // 2:
        return False
    return isinstance(w.i, int) and isinstance(w.o, int) and w.o > convolution.conv_same(w.i, w.s)


def padding_wider_than_kernel(shapes: Shapes) -> Iterable[Finding]:
    """Padding exceeds what the kernel reaches: the outermost windows lie wholly in the zeros and read no input."""
    for node, windows in layer_index(shapes).slides:
        if getattr(node.layer, "padding_mode", "reflect") in ("reflect", "circular"):
            continue
        for w in windows:
            if w.before < w.reach and w.after < w.reach:
                continue
            near, far = idle_windows(w)
            if near + far == 0:
                continue
            axes = [a for a, other in enumerate(windows) if other == w]
            yield Finding.at(
                "padding-wider-than-kernel",
                node.name,
                f"of {w.o} outputs on {spatial_names(axes, len(windows))}, {near} at the beginning"
                f" and {far} at the end read nothing but padding: padding {max(w.before, w.after)} is wider than the"
                f" {w.reach} that the kernel reaches",
                node.source.place("padding"),
                f"padding of at most {w.reach - 1} lets every window meet the input",
                subject=tuple(axes),
            )
            break


def taps_in_padding(shapes: Shapes) -> Iterable[Finding]:
    """Taps of a kernel fall into the padding in every window: weights that never meet the input."""
    for node, windows in layer_index(shapes).slides:
        padding = getattr(node.layer, "padding", 0)
        if getattr(node.layer, "padding_mode", None) != "zeros" or padding == 0:
            continue
        exact = [settled(w, padding == "same_lower") or w for w in windows]
        alive = [w.k if w.i == 1 and type(w.i) is int else live_taps(w) for w in exact]
        axes = [j for j, w in enumerate(exact) if alive[j] < w.k]
        if not axes:
            continue
        w = exact[axes[0]]
        taps = math.prod(v.k for v in exact)
        used = math.prod(alive)
        dilated = f" at dilation {w.d}" if w.d > 1 else ""
        yield Finding.at(
            "taps-in-padding",
            node.name,
            f"kernel_size {w.k}{dilated} on a map of {w.i} on {spatial_names(axes, len(windows))}: only"
            f" {used} of its {taps} taps ever meet the input, the others read padding in every window",
            node.source.place("dilation", "kernel_size"),
            f"take a dilation below {w.i}" if w.d > 1 else f"a kernel of {alive[axes[0]]} computes the same",
            severity=None if 2 * used <= taps else Severity.INFO,
            subject=tuple(axes),
        )


def swapped_padding(shapes: Shapes) -> Iterable[Finding]:
    """Padding and kernel are given per axis in different orders: in another order every axis would keep its size."""
    for slide in layer_index(shapes).slides:
        padding = getattr(slide.node.layer, "padding", None)
        if isinstance(padding, tuple) and _swapped(slide):
            wanted = [w.reach // 2 for w in slide.windows]
            yield Finding.at(
                "swapped-padding",
                slide.node.name,
                f"padding {[w.before for w in slide.windows]} is half of the kernel"
                f" {[w.reach for w in slide.windows]} in another order",
                slide.node.source.place("padding"),
                f"write padding: half, or {wanted}",
            )


def _swapped(slide: Slide) -> bool:
    windows: tuple[Window, ...] = slide.windows
    given = [w.before for w in windows]
    wanted = [w.reach // 2 for w in windows]
    symmetric = all(w.before == w.after and w.reach % 2 for w in windows)
    return symmetric and given != wanted and sorted(given) == sorted(wanted)
