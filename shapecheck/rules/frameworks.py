"""Rules on what other frameworks make of the same keys: codes SC7xx."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.layer_index import layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.shape import spatial_names
from shapecheck.findings.finding import Finding
from shapecheck.layers.window import Window
from shapecheck.rules.transposed_convolution import transposed_maps


def plain_ceil(w: Window) -> int:
    """Return what rounding up gives when no window is dropped for lying in the padding."""
    assert isinstance(w.i, int)
    return (w.i + w.before + w.after - w.reach + w.s - 1) // w.s + 1


def caffe(w: Window) -> int:
    """Return what Caffe gives: it rounds up, and drops a last window in the padding only where there is padding."""
    assert isinstance(w.i, int)
    o = plain_ceil(w)
    return o - 1 if w.before and (o - 1) * w.s >= w.i + w.before else o


def ceil_mode_differs(shapes: Shapes) -> Iterable[Finding]:
    """Rounding up leaves a last window in the padding: PyTorch drops it, others keep it, so sizes differ by one."""
    for node, windows in layer_index(shapes).slides:
        if windows[0].form != "ceil":
            continue
        axes = [j for j, w in enumerate(windows) if type(w.i) is int and w.o != plain_ceil(w)]
        if axes:
            w = windows[axes[0]]
            yield Finding.at(
                "ceil-mode-differs",
                node.name,
                f"ceil_mode on {w.i} gives {w.o} on {spatial_names(axes, len(windows))} here and in"
                f" PyTorch, {plain_ceil(w)} in ONNX before 1.16, {caffe(w)} in Caffe; Keras and JAX only round down",
                node.source.place("ceil_mode"),
                "pad explicitly and round down: that means the same everywhere",
                subject=tuple(axes),
            )


def unset_output_padding_differs(shapes: Shapes) -> Iterable[Finding]:
    """A transposed convolution without output_padding has another size in Keras and JAX than in PyTorch."""
    for node, layer, windows in transposed_maps(shapes):
        said = (layer.undoes, "output_padding", "output_size")
        if any(key is not None and getattr(layer, key, None) is not None for key in said):
            continue
        # What the network demands in its place is no meaning of the file.
        unset = [w._replace(o=w.o - w.a, a=0) for w in windows]
        axes = [j for j, w in enumerate(unset) if type(w.o) is int and _keras(w) not in (None, w.o)]
        if axes:
            w = unset[axes[0]]
            yield Finding.at(
                "unset-output-padding-differs",
                node.name,
                f"output_padding is not given: {w.o} of {w.i} on {spatial_names(axes, len(windows))} here"
                f" and in PyTorch, {_keras(w)} in Keras and JAX",
                node.source.place("stride", "kernel_size"),
                "write output_padding, or transpose_of",
                subject=tuple(axes),
            )


def _keras(w: Window) -> int | None:
    """Return what Keras makes of a layer without output_padding; None where it has no such padding.

    Of ``same`` everyone makes s·i′ who has it; PyTorch has it not.
    """
    if not isinstance(w.i, int) or w.s == 1 or w.form == "transposed_same":
        return None
    return w.s * w.i + max(w.reach - w.s, 0) if w.before == w.after == 0 else None


def caffe_rounds_up(shapes: Shapes) -> Iterable[Finding]:
    """A pooling that rounds down here has one row more in Caffe, which always rounds up."""
    for node, windows in layer_index(shapes).slides:
        if windows[0].form != "pool":
            continue
        axes = [j for j, w in enumerate(windows) if type(w.i) is int and caffe(w) != w.o]
        if axes:
            w = windows[axes[0]]
            yield Finding.at(
                "caffe-rounds-up",
                node.name,
                f"{w.o} of {w.i} on {spatial_names(axes, len(windows))} here, {caffe(w)} in Caffe, which rounds up",
                node.source.place("ceil_mode", "stride", "kernel_size"),
                "take a window that leaves no remainder",
                subject=tuple(axes),
            )


def jax_transposed_padding(shapes: Shapes) -> Iterable[Finding]:
    """A number for the padding of a transposed convolution means something else in lax.conv_transpose."""
    for node, _, windows in transposed_maps(shapes):
        for w in windows:
            edges = (w.reach - 1 - w.before, w.reach - 1 - w.after + w.a)
            if w.form != "transposed" or not isinstance(w.i, int) or (w.before, w.after) == edges:
                continue
            theirs = w.s * (w.i - 1) + 1 + w.before + w.after - w.reach + 1
            yield Finding.at(
                "jax-transposed-padding",
                node.name,
                f"padding {w.before} makes {w.o} of {w.i} here, and {theirs} as a number in"
                f" lax.conv_transpose, where {edges} would mean the same",
                node.source.place("padding"),
                f"in JAX write padding {edges}",
            )
            break


def refused_by_pytorch(shapes: Shapes) -> Iterable[Finding]:
    """A layer that fits is refused by PyTorch, which asks for more."""
    for node in layer_index(shapes).answering("refused_by_pytorch"):
        context = shapes.context(node)
        refusal = None if context is None or node.layer is None else node.layer.refused_by_pytorch(context)
        if refusal is not None:
            yield Finding.at(
                "refused-by-pytorch",
                node.name,
                f"PyTorch refuses {refusal.message}",
                node.source.place(refusal.key),
                refusal.help,
            )


def same_padding_differs(shapes: Shapes) -> Iterable[Finding]:
    """Padding same with a stride: what each framework pads, or that it refuses."""
    for node, windows in layer_index(shapes).slides:
        axes = [j for j, w in enumerate(windows) if w.form == "same" and w.s > 1 and isinstance(w.i, int)]
        if axes:
            w = windows[axes[0]]
            upper, lower = (list(convolution.same_padding(w.i, w.k, w.s, w.d, last)) for last in (False, True))
            yield Finding.at(
                "same-padding-differs",
                node.name,
                f"padding same on {w.i} is {upper} in TensorFlow, Keras, JAX and"
                f" ONNX's SAME_UPPER, {lower} in SAME_LOWER; PyTorch refuses it with stride"
                f" {w.s}",
                node.source.place("padding"),
                f"write padding [{upper}, …]",
            )
