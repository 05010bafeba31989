"""Lints on what layers have seen of the input: all of it already, or an axis of which nothing is left."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shapecheck.analysis.layer_index import Slide, layer_index
from shapecheck.analysis.productive import unproductive
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import passages
from shapecheck.arithmetic.shape import show_sizes, spatial_name, spatial_names
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.rules.axis_order import suspected_inputs


def unproductive_layers(shapes: Shapes) -> Iterable[Finding]:
    """Layers from the border layer on: each element of their input has seen the whole picture; they add no context."""
    found = unproductive(shapes, layer_index(shapes))
    if found is not None:
        yield Finding.at(
            "unproductive-layers",
            found.border.name,
            f"each element that it reads has seen {show_sizes(found.field)}, the whole of"
            f" {found.input.name} ({show_sizes(found.sizes)}); from here on {len(found.layers)} of the {found.of}"
            " convolutions with a kernel add no context",
            found.border.source.place("kernel_size"),
            f"feed it a larger {found.input.name}, or take fewer layers or strides",
        )


def collapsed_axis(shapes: Shapes) -> Iterable[Finding]:
    """An axis has shrunk to 1, and a kernel larger than 1 with padding slides on it: all but one tap read zeros."""
    if suspected_inputs(shapes):
        return
    hits: dict[tuple[int, int], list[tuple[Slide, list[int]]]] = {}
    origins: dict[tuple[int, int], tuple[int, int]] = {}
    for slide in layer_index(shapes).slides:
        if getattr(slide.node.layer, "padding_mode", None) == "zeros":
            axes = [j for j, w in enumerate(slide.windows) if type(w.i) is int and w.i == 1 and w.k > 1]
            if axes:
                axis = axes[0] + (1 if shapes.network.channels_last else 2)
                origin = _collapse(shapes, slide.node, axis, origins)
                hits.setdefault(origin, []).append((slide, axes))
    for origin, group in hits.items():
        (node, windows), axes = min(group, key=lambda hit: hit[0].node.index)
        taps = math.prod(w.k for w in windows)
        alive = math.prod(1 if j in axes else w.k for j, w in enumerate(windows))
        names = spatial_names(axes, len(windows))
        behind = f", and so at {len(group) - 1} more further on" if len(group) > 1 else ""
        yield Finding.at(
            "collapsed-axis",
            node.name,
            f"{names} {'has' if len(axes) == 1 else 'have'} size 1 here, so {taps - alive} of the {taps}"
            f" taps of the kernel only ever read padding{behind}",
            node.source.place("kernel_size"),
            f"take kernel_size 1 on {names}, fewer strides above, or a larger input",
            _shrinks(shapes, *origin),
            subject=tuple(axes),
        )


def _collapse(shapes: Shapes, node: Node, axis: int, known: dict[tuple[int, int], tuple[int, int]]) -> tuple[int, int]:
    """Return the first node, and its axis, on the way to ``axis`` of a layer's input from which on it is 1."""
    way: list[tuple[int, int]] = []
    origin = (node.inputs[0], axis)
    for passage in passages(shapes, node.inputs[0], axis):
        at = (passage.node.index, passage.axis)
        if (shapes.outputs[at[0]] or ())[at[1]] != 1:
            break
        origin = known.get(at, at)
        if at in known:
            break
        way.append(at)
    known.update(dict.fromkeys(way, origin))
    return origin


def _shrinks(shapes: Shapes, index: int, axis: int) -> tuple[Related, ...]:
    """Return the place of the layer that made an axis 1, where it slid a window along it."""
    node = shapes.network.nodes[index]
    flows = shapes.flow(node)
    window = None if flows is None else flows[axis].window
    if flows is None or window is None:
        return ()
    name = spatial_name(axis - (1 if shapes.network.channels_last else 2), len(flows) - 2)
    return (Related(f"{node.name} makes 1 of {window.i} on {name}: {window.formula()}", node.source.span),)
