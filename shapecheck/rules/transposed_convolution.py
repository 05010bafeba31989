"""Rules on the numbers of transposed convolutions: output_padding, kernel and stride, padding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import floored_axes
from shapecheck.arithmetic.shape import spatial_name
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node
from shapecheck.layers.base import Layer
from shapecheck.layers.role import Role
from shapecheck.layers.window import Window

# A layer that slides the transposed of a learned kernel, with the numbers of each axis.
_TransposedMap = tuple[Node, Layer, tuple[Window, ...]]


def transposed_maps(shapes: Shapes) -> list[_TransposedMap]:
    """Return the layers that slide the transposed of a learned kernel; they are looked for once."""
    found = shapes.kept.get("transposed maps")
    if not isinstance(found, list):
        found = shapes.kept["transposed maps"] = list(_transposed_maps(shapes))
    return found


def _transposed_maps(shapes: Shapes) -> Iterator[_TransposedMap]:
    learned: dict[type[Layer], bool] = {}
    for node in shapes.network.layers:
        if node.layer is None:
            continue
        kind = type(node.layer)
        if kind not in learned:
            learned[kind] = Role.LEARNED_MAP in kind.role and Role.SLIDES not in kind.role
        windows = shapes.windows(node) if learned[kind] else ()
        if windows and windows[0].transposes:
            yield node, node.layer, windows


def output_padding_at_least_stride(shapes: Shapes) -> Iterable[Finding]:
    """output_padding reaches the stride: legal in PyTorch under dilation, refused by Keras and by the guide."""
    for node, layer, windows in transposed_maps(shapes):
        if layer.output_padding is None:
            continue
        for j, w in enumerate(windows):
            if isinstance(w.a, int) and w.a >= w.s:
                yield Finding.at(
                    "output-padding-at-least-stride",
                    node.name,
                    f"output_padding {w.a} on {spatial_name(j, len(windows))} is not smaller than stride"
                    f" {w.s}; only PyTorch allows it, because dilation {w.d} is larger",
                    node.source.place("output_padding"),
                    f"a selects one of {w.s} sizes, 0 to {w.s - 1}; pad the output explicitly if more zeros are meant",
                    subject=(j,),
                )
                break


def uneven_overlap(shapes: Shapes) -> Iterable[Finding]:
    """A transposed layer's kernel is no multiple of its stride, so outputs get unequal numbers of contributions."""
    for node, layer, windows in transposed_maps(shapes):
        if layer.undoes is not None and getattr(layer, layer.undoes) is not None:
            continue  # the kernel is that of the convolution which is undone
        uneven = [j for j, w in enumerate(windows) if w.s > 1 and w.k > 1 and w.k % w.s and w.d == 1]
        if not uneven:
            continue
        w = windows[uneven[0]]
        axes = " and ".join(spatial_name(j, len(windows)) for j in uneven)
        few, many = w.k // w.s, -(-w.k // w.s)
        yield Finding.at(
            "uneven-overlap",
            node.name,
            f"kernel_size {w.k} is no multiple of stride {w.s} on {axes}: an output gets {few} or {many}"
            " contributions by turns, which shows as a checkerboard",
            node.source.place("kernel_size"),
            _even_kernel(w),
            subject=(axes,),
        )


def _even_kernel(w: Window) -> str:
    """Return the smallest change that makes the kernel a multiple of the stride and keeps the output size."""
    k = -(-w.k // w.s) * w.s
    grown = k - w.k
    if w.form != "transposed" or not isinstance(w.a, int):
        return f"take kernel_size {k}"
    # s(i − 1) + a + k − 2p stays where a and 2p take up what k gains.
    for a in range(w.a, -1, -1):
        padded = w.before + w.after + grown - (w.a - a)
        if padded % 2 == 0:
            return f"kernel_size {k}, padding {padded // 2}, output_padding {a} gives the same size without it"
    return f"take kernel_size {k}, or upsample and convolve with stride 1"


def floored_padding(shapes: Shapes) -> Iterable[Finding]:
    """Padding is (kernel_size - stride) // 2 of an odd difference, so the output is one more than s times the input."""
    if shapes.troubles:
        return
    for node in shapes.network.layers:
        for axis, w in floored_axes(shapes, node):
            yield Finding.at(
                "floored-padding",
                node.name,
                f"padding {w.before} is half of kernel_size − stride = {w.k - w.s} rounded down, so {w.i}"
                f" becomes {w.o} = {w.s}·{w.i} + {w.k - w.s - 2 * w.before} on {axis}",
                node.source.place("padding"),
                f"padding {w.before + 1} with output_padding {w.k - w.s - 2 * w.before} gives {w.s}·{w.i} ="
                f" {w.i * w.s}",
                subject=(axis,),
            )
            break


def transposed_output_cropped(shapes: Shapes) -> Iterable[Finding]:
    """Padding is larger than kernel_size - 1, so the equivalent direct convolution has negative padding: it crops."""
    for node, _, windows in transposed_maps(shapes):
        for j, w in enumerate(windows):
            widest = max(w.before, w.after)
            if w.form == "transposed" and widest > w.reach - 1:
                yield Finding.at(
                    "transposed-output-cropped",
                    node.name,
                    f"padding {widest} on {spatial_name(j, len(windows))} exceeds kernel_size − 1 ="
                    f" {w.reach - 1}: p′ = k − p − 1 = {w.reach - 1 - widest}, so {widest - w.reach + 1} of the input"
                    " is never used at that edge",
                    node.source.place("padding"),
                    f"padding up to {w.reach - 1} uses the whole input; crop explicitly if cropping is meant",
                    subject=(j,),
                )
                break
