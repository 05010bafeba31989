"""Design lints on where elements stand over the input, and what they have seen of it: codes SC408 to SC410."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shapecheck.analysis.alignment import shifts
from shapecheck.analysis.productive import unproductive
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import Slide, join_axes, survey
from shapecheck.arithmetic.shape import show_sizes, spatial_name
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.conv import Conv
from shapecheck.rules.axes import suspected_inputs
from shapecheck.rules.pointing import place


def misaligned_branches(shapes: Shapes) -> Iterable[Finding]:
    """Two branches that meet have equal sizes, but their elements stand at different places of the picture."""
    for shift in shifts(shapes, survey(shapes)):
        rank = len(shapes.outputs[shift.merge.index] or ()) - 2
        yield Finding.of(
            "misaligned-branches",
            f"{shift.merge.name}: the elements of {shift.right.name} stand {shift.distance:g} elements away from those"
            f" of {shift.left.name} on {join_axes(list(shift.axes), rank)}, though the sizes agree",
            shift.merge.source.span,
            shift.merge.name,
            "shrink with even kernels (2 x 2 pooling, or k 4, s 2, p 1), or merge at every level on the way up",
            (Related(f"one branch is {shift.left.name}", shift.left.source.span),),
        )


def unproductive_layers(shapes: Shapes) -> Iterable[Finding]:
    """Layers from the border layer on: each element of their input has seen the whole picture; they add no context."""
    found = unproductive(shapes, survey(shapes))
    if found is not None:
        yield Finding.of(
            "unproductive-layers",
            f"{found.border.name}: each element that it reads has seen {show_sizes(found.field)}, the whole of"
            f" {found.input.name} ({show_sizes(found.sizes)}); from here on {len(found.layers)} of the {found.of}"
            " convolutions with a kernel add no context",
            place(found.border, "kernel_size"),
            found.border.name,
            f"feed it a larger {found.input.name}, or take fewer layers or strides",
        )


def collapsed_axis(shapes: Shapes) -> Iterable[Finding]:
    """An axis has shrunk to 1, and a kernel larger than 1 with padding slides on it: all but one tap read zeros."""
    if suspected_inputs(shapes):
        return
    hits: dict[int, list[tuple[Slide, list[int]]]] = {}
    origins: dict[tuple[int, int], int] = {}
    for slide in survey(shapes).slides:
        layer = slide.node.layer
        if isinstance(layer, Conv) and layer.padding_mode == "zeros":
            axes = [j for j, w in enumerate(slide.windows) if type(w.i) is int and w.i == 1 and w.k > 1]
            if axes:
                hits.setdefault(_origin(shapes, slide.node, axes[0], origins), []).append((slide, axes))
    for origin, group in hits.items():
        (node, windows), axes = min(group, key=lambda hit: hit[0].node.index)
        taps = math.prod(w.k for w in windows)
        alive = math.prod(1 if j in axes else w.k for j, w in enumerate(windows))
        names = join_axes(axes, len(windows))
        behind = f", and so at {len(group) - 1} more further on" if len(group) > 1 else ""
        yield Finding.of(
            "collapsed-axis",
            f"{node.name}: {names} {'has' if len(axes) == 1 else 'have'} size 1 here, so {taps - alive} of the {taps}"
            f" taps of the kernel only ever read padding{behind}",
            place(node, "kernel_size"),
            node.name,
            f"take kernel_size 1 on {names}, fewer strides above, or a larger input",
            _collapse(shapes, shapes.network.nodes[origin], axes[0]),
        )


def _origin(shapes: Shapes, node: Node, j: int, known: dict[tuple[int, int], int]) -> int:
    """Return the first node on the way to ``node`` at which spatial axis ``j`` is 1 and stays so."""
    axis = j + (1 if shapes.network.channels_last else 2)
    rank = len(shapes.outputs[node.index] or ())
    index, way = node.inputs[0], []
    while (index, j) not in known:
        way.append(index)
        above = shapes.network.nodes[index].inputs[:1]
        shape = shapes.outputs[above[0]] if above else None
        if shape is None or len(shape) != rank or shape[axis] != 1:
            known[index, j] = index
        else:
            index = above[0]
    found = known[index, j]
    known.update({(passed, j): found for passed in way})
    return found


def _collapse(shapes: Shapes, node: Node, j: int) -> tuple[Related, ...]:
    """Return the place of the layer that made an axis 1, where it slid a window along it."""
    windows = shapes.windows(node)
    if j >= len(windows):
        return ()
    name = spatial_name(j, len(windows))
    return (Related(f"{node.name} makes 1 of {windows[j].i} on {name}: {windows[j].formula()}", node.source.span),)
