"""Rules on what other frameworks make of the same keys: codes SC7xx."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.coverage import settled
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import join_axes, survey
from shapecheck.findings.finding import Finding, Severity
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.window import Window
from shapecheck.rules.base import checked
from shapecheck.rules.pointing import place


def plain_ceil(w: Window) -> int:
    """Return what rounding up gives when no window is dropped for lying in the padding."""
    assert isinstance(w.i, int)
    return (w.i + w.before + w.after - w.reach + w.s - 1) // w.s + 1


def caffe(w: Window) -> int:
    """Return what Caffe gives: it rounds up, and drops a last window in the padding only where there is padding."""
    assert isinstance(w.i, int)
    o = plain_ceil(w)
    return o - 1 if w.before and (o - 1) * w.s >= w.i + w.before else o


@checked("SC701", Severity.INFO)
def ceil_mode_differs(shapes: Shapes) -> Iterable[Finding]:
    """Rounding up leaves a last window in the padding: PyTorch drops it, others keep it, so sizes differ by one.

    ## What it does

    For each pooling with `ceil_mode: true` computes the size by PyTorch's rule (which is ours), by plain rounding up,
    ⌈(i + 2p − k) / s⌉ + 1, and by Caffe's rule, which drops such a window only where there is padding. Where they
    differ it says what each gives.

    ## Why it matters

    AvgPool2d(3, stride 3, padding 1, ceil_mode) of 2 x 2 is 1 x 1 in PyTorch; exported to ONNX and run elsewhere it
    was 2 x 2. The key has the same name, and the size another value.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 3, 5, 5]}
    layers:
      - {op: max_pool, kernel_size: 3, padding: 1, ceil_mode: true}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 3, 6, 6]}
    layers:
      - {op: max_pool, kernel_size: 3, padding: 1, ceil_mode: true}
    ```

    ## Instead

    Pad explicitly, unevenly if need be, and let the pooling round down: all frameworks agree on that.

    ## Source

    https://github.com/pytorch/pytorch/issues/71549, https://github.com/microsoft/onnxruntime/issues/15446, and
    https://github.com/onnx/onnx/pull/5741, since which ONNX follows PyTorch.
    """
    for node, windows in survey(shapes).slides:
        if windows[0].form != "ceil":
            continue
        axes = [j for j, w in enumerate(windows) if type(w.i) is int and w.o != plain_ceil(w)]
        if axes:
            w = windows[axes[0]]
            yield Finding(
                "ceil-mode-differs",
                f"{node.name}: ceil_mode on {w.i} gives {w.o} on {join_axes(axes, len(windows))} here and in PyTorch,"
                f" {plain_ceil(w)} in ONNX before 1.16, {caffe(w)} in Caffe; Keras and JAX only round down",
                place(node, "ceil_mode"),
                node.name,
                "pad explicitly and round down: that means the same everywhere",
            )


@checked("SC702", Severity.INFO)
def unset_output_padding_differs(shapes: Shapes) -> Iterable[Finding]:
    """A transposed convolution without output_padding has another size in Keras and JAX than in PyTorch.

    ## What it does

    Looks at `conv_transpose` layers with a stride that say nothing of their output's size. Unset, PyTorch takes
    a = 0; Keras, Flax and JAX take s·i′ + max(k − s, 0) for `valid` and s·i′ for `same`. Where that is another size
    (k < s, or `same`), both are told.

    ## Why it matters

    Keras itself gives two sizes for the same layer: with output_padding unset, and with 0. A file, or a port, that
    leaves it out has not said which it means.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 5, 5]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 4
        stride: 2  # here
        padding: same
        expect: [N, 4, 9, 9]
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 5, 5]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 4
        stride: 2
        padding: same
        output_padding: 0
        expect: [N, 4, 9, 9]
    ```

    ## Instead

    Write `output_padding`, or `transpose_of`, and the size is the same everywhere.

    ## Source

    https://github.com/tensorflow/tensorflow/issues/50168 and https://github.com/keras-team/keras/pull/10246
    """
    for node in survey(shapes).of("conv_transpose"):
        layer = node.layer
        if not isinstance(layer, ConvTranspose) or layer.transpose_of is not None:
            continue
        if layer.output_padding is not None or layer.output_size is not None:
            continue
        windows = shapes.windows(node)
        axes = [j for j, w in enumerate(windows) if type(w.o) is int and _keras(w) not in (None, w.o)]
        if axes:
            w = windows[axes[0]]
            yield Finding(
                "unset-output-padding-differs",
                f"{node.name}: output_padding is not given: {w.o} of {w.i} on {join_axes(axes, len(windows))} here and"
                f" in PyTorch, {_keras(w)} in Keras and JAX",
                place(node, "stride", "kernel_size"),
                node.name,
                "write output_padding, or transpose_of",
            )


def _keras(w: Window) -> int | None:
    """Return what Keras makes of a layer without output_padding; None where it has no such padding."""
    if not isinstance(w.i, int) or w.s == 1:
        return None
    if w.form == "transposed_same":
        return w.s * w.i
    return w.s * w.i + max(w.reach - w.s, 0) if w.before == w.after == 0 else None


@checked("SC703", Severity.INFO, default=False)
def caffe_rounds_up(shapes: Shapes) -> Iterable[Finding]:
    """A pooling that rounds down here has one row more in Caffe, which always rounds up.

    ## What it does

    Notes poolings without `ceil_mode` for which Caffe's rule, ⌈(i + 2p − k) / s⌉ + 1 less a window in the padding,
    gives another size.

    ## Why it matters

    The stem of every ResNet: 3 x 3, stride 2, padding 1 on 112 is 56 in PyTorch and 57 in Caffe, and every size
    behind it is larger by one. Off by default: few still go there.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64, 112, 112]}
    layers:
      - {op: max_pool, kernel_size: 3, stride: 2, padding: 1}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64, 112, 112]}
    layers:
      - {op: max_pool, kernel_size: 2, stride: 2}
    ```

    ## Instead

    Take a kernel and a padding that leave no remainder, such as 2 x 2 with stride 2.

    ## Source

    https://github.com/hahnyuan/nn_tools/issues/5 and https://github.com/MTLab/onnx2caffe/issues/3
    """
    for node, windows in survey(shapes).slides:
        if windows[0].form != "pool":
            continue
        axes = [j for j, w in enumerate(windows) if type(w.i) is int and caffe(w) != w.o]
        if axes:
            w = windows[axes[0]]
            yield Finding(
                "caffe-rounds-up",
                f"{node.name}: {w.o} of {w.i} on {join_axes(axes, len(windows))} here, {caffe(w)} in Caffe, which"
                " rounds up",
                place(node, "ceil_mode", "stride", "kernel_size"),
                node.name,
                "take a window that leaves no remainder",
            )


@checked("SC704", Severity.INFO, default=False)
def jax_transposed_padding(shapes: Shapes) -> Iterable[Finding]:
    """A number for the padding of a transposed convolution means something else in lax.conv_transpose.

    ## What it does

    Here, as in the guide and in PyTorch, p is the padding of the convolution that is transposed; a pair of numbers
    given to `jax.lax.conv_transpose` is the padding of the stretched input, p′ = k − 1 − p. It notes layers for which
    the two differ, with both sizes.

    ## Why it matters

    k = 4, s = 4 on 128: `VALID` gives 512, and padding ((0, 0), (0, 0)) gives 506. Six pixels are missing, and the
    call looks alike.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - {op: conv_transpose, out_channels: 4, kernel_size: 4, stride: 2, padding: 1, output_padding: 0}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - {op: conv_transpose, out_channels: 4, kernel_size: 3, padding: 1}
    ```

    ## Instead

    In JAX give k − 1 − p before and k − 1 − p + a after, or call `lax.conv_general_dilated` with `lhs_dilation`,
    whose meaning no version changed.

    ## Source

    https://github.com/jax-ml/jax/issues/17618 and https://github.com/jax-ml/jax/issues/32267
    """
    for node in survey(shapes).of("conv_transpose"):
        windows = shapes.windows(node)
        for w in windows:
            edges = (w.reach - 1 - w.before, w.reach - 1 - w.after + w.a)
            if w.form != "transposed" or not isinstance(w.i, int) or (w.before, w.after) == edges:
                continue
            theirs = w.s * (w.i - 1) + 1 + w.before + w.after - w.reach + 1
            yield Finding(
                "jax-transposed-padding",
                f"{node.name}: padding {w.before} makes {w.o} of {w.i} here, and {theirs} as a number in"
                f" lax.conv_transpose, where {edges} would mean the same",
                place(node, "padding"),
                node.name,
                f"in JAX write padding {edges}",
            )
            break


@checked("SC705", Severity.INFO, default=False)
def same_padding_differs(shapes: Shapes) -> Iterable[Finding]:
    """Padding same with a stride: what each framework pads, or that it refuses.

    ## What it does

    Notes every layer with `padding: same` or `same_lower` and s > 1, with what TensorFlow, Keras, JAX and ONNX pad at
    this size. PyTorch refuses it. Where the padding is uneven, SC402 says so without being asked.

    ## Why it matters

    The size is ⌈i / s⌉ in all that know the word; where the zeros go is not.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 225, 225]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 7, stride: 2, padding: same}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 225, 225]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 7, stride: 2, padding: half}
    ```

    ## Instead

    Write the padding as numbers.

    ## Source

    https://github.com/pytorch/pytorch/issues/67551: "padding='same' is not supported for strided convolutions".
    """
    for node, windows in survey(shapes).slides:
        axes = [j for j, w in enumerate(windows) if w.form == "same" and w.s > 1 and isinstance(w.i, int)]
        if axes:
            w = windows[axes[0]]
            upper, lower = settled(w), settled(w, True)
            yield Finding(
                "same-padding-differs",
                f"{node.name}: padding same on {w.i} is [{upper.before}, {upper.after}] in TensorFlow, Keras, JAX and"
                f" ONNX's SAME_UPPER, [{lower.before}, {lower.after}] in SAME_LOWER; PyTorch refuses it with stride"
                f" {w.s}",
                place(node, "padding"),
                node.name,
                f"write padding [[{upper.before}, {upper.after}], …]",
            )
