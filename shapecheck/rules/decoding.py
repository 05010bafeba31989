"""Rules on pairs of encoder and decoder layers, and on what decoders do badly: of codes SC3xx."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import floored_axes
from shapecheck.analysis.transposed.symmetry import pairs
from shapecheck.arithmetic.shape import show_sizes, spatial_name
from shapecheck.findings.finding import Finding, Related, Severity
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.pooling import MaxUnpool
from shapecheck.layers.window import Window
from shapecheck.rules.base import checked


@checked("SC306", Severity.ERROR)
def pair_broken(shapes: Shapes) -> Iterable[Finding]:
    """A decoder layer does not give back the size that the encoder layer it mirrors was given.

    ## What it does

    For each pair under `symmetry`, compares the decoder layer's output with the encoder layer's input: an
    error where they differ. Where they agree at this size but kernel, stride, padding or dilation do not
    match, it is a warning.

    ## Why it matters

    An autoencoder that gives 24 rows back for 25 is compared with its input cropped, or resized, by the
    code around it, and the last row is never reconstructed. Where only the keys differ, the next input size
    breaks the pair.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, 25, 25]}
    layers:
      - {name: down, op: conv, out_channels: 16, kernel_size: 4, stride: 2, padding: 1}
      - name: up  # here
        op: conv_transpose
        out_channels: 8
        kernel_size: 4
        stride: 2
        padding: 1
        output_padding: 0
    symmetry: {up: down}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, 25, 25]}
    layers:
      - {name: down, op: conv, out_channels: 16, kernel_size: 4, stride: 2, padding: 1}
      - name: up
        op: conv_transpose
        out_channels: 8
        transpose_of: down
    symmetry: {up: down}
    ```

    ## Instead

    Write `transpose_of` on the decoder layer: it takes the keys of the encoder's layer and gives its input
    size back, whatever it is.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14: a = (i + 2p − k) mod s gives i back.
    """
    if not shapes.network.symmetry:
        return
    for pair in pairs(shapes):
        if (
            pair.decoder.index not in shapes.network.symmetry
            or pair.encoder_input is None
            or pair.decoder_output is None
        ):
            continue
        if pair.status != "broken":
            continue
        sizes_differ = pair.encoder_input != pair.decoder_output
        yield Finding(
            "pair-broken",
            f"{pair.decoder.name} is declared to mirror {pair.encoder.name}, but {pair.message}",
            pair.decoder.source.span,
            pair.decoder.name,
            f"write transpose_of: {pair.encoder.name} on {pair.decoder.name}, which takes all of it from there",
            (Related(f"{pair.encoder.name} takes {show_sizes(pair.encoder_input)}", pair.encoder.source.span),),
            severity=None if sizes_differ else Severity.WARNING,
        )


@checked("SC307", Severity.WARNING)
def uneven_overlap(shapes: Shapes) -> Iterable[Finding]:
    """A transposed layer's kernel is no multiple of its stride, so outputs get unequal numbers of contributions.

    ## What it does

    Warns where s > 1 and k mod s ≠ 0 on some axis of a `conv_transpose`: an output is then the sum of ⌊k
    / s⌋ or of ⌈k / s⌉ products by turns. A layer with `transpose_of` has the kernel of its convolution and
    is left alone, as is one with dilation.

    ## Why it matters

    With k = 3 and s = 2 every second row gets two contributions and the others one; in two dimensions it is
    4, 2, 2 and 1. The pictures of generators trained so have a checkerboard that no later layer takes away.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 3
        kernel_size: 3  # here
        stride: 2
        padding: 1
        output_padding: 1
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 3
        kernel_size: 4
        stride: 2
        padding: 1
        output_padding: 0
    ```

    ## Instead

    Take a kernel that is a multiple of the stride, with the padding that the help names for the same size,
    or `upsample` and a `conv` with stride 1.

    ## Source

    Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts",
    https://distill.pub/2016/deconv-checkerboard/
    """
    for node in shapes.network.layers:
        # The kernel of a layer with transpose_of is that of the convolution which it undoes.
        if not isinstance(node.layer, ConvTranspose) or node.layer.transpose_of is not None:
            continue
        windows = shapes.windows(node)
        uneven = [j for j, w in enumerate(windows) if w.s > 1 and w.k > 1 and w.k % w.s and w.d == 1]
        if not uneven:
            continue
        w = windows[uneven[0]]
        axes = " and ".join(spatial_name(j, len(windows)) for j in uneven)
        few, many = w.k // w.s, -(-w.k // w.s)
        yield Finding(
            "uneven-overlap",
            f"{node.name}: kernel_size {w.k} is no multiple of stride {w.s} on {axes}: an output gets {few} or {many}"
            " contributions by turns, which shows as a checkerboard",
            node.source.keys.get("kernel_size", node.source.span),
            node.name,
            _even_kernel(w),
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


@checked("SC308", Severity.WARNING)
def floored_padding(shapes: Shapes) -> Iterable[Finding]:
    """Padding is (kernel_size - stride) // 2 of an odd difference, so the output is one more than s times the input.

    ## What it does

    Warns where a `conv_transpose` with k > s has p = ⌊(k − s) / 2⌋, k − s is odd and no `output_padding`
    mends it: s(i′ − 1) + k − 2p = s·i′ + 1.

    ## Why it matters

    HiFi-GAN set up for 16 kHz, with rates 8, 5, 5 and kernels 16, 10, 10: (10 − 5) // 2 rounds 2.5 down,
    and 32 frames become 6,406 samples instead of 6,400. What fails is the discriminator, two modules
    further: 1,067 against 1,068.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {mel: [N, 80, 32]}
    layers:
      - op: conv_transpose
        out_channels: 64
        kernel_size: 10
        stride: 5
        padding: 2  # here
        output_padding: 0
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {mel: [N, 80, 32]}
    layers:
      - op: conv_transpose
        out_channels: 64
        kernel_size: 10
        stride: 5
        padding: 3
        output_padding: 1
    ```

    ## Instead

    Round the padding up and give the row back: p = (k − s + 1) // 2 and `output_padding: 1` make s·i′
    exactly. Or take a kernel with k − s even.

    ## Source

    https://github.com/jik876/hifi-gan/issues/12
    """
    if shapes.troubles:
        return
    for node in shapes.network.layers:
        for axis, w in floored_axes(shapes, node):
            yield Finding(
                "floored-padding",
                f"{node.name}: padding {w.before} is half of kernel_size − stride = {w.k - w.s} rounded down, so {w.i}"
                f" becomes {w.o} = {w.s}·{w.i} + {w.k - w.s - 2 * w.before} on {axis}",
                node.source.keys.get("padding", node.source.span),
                node.name,
                f"padding {w.before + 1} with output_padding {w.k - w.s - 2 * w.before} gives {w.s}·{w.i} ="
                f" {w.i * w.s}",
            )
            break


@checked("SC309", Severity.INFO)
def transposed_output_cropped(shapes: Shapes) -> Iterable[Finding]:
    """Padding is larger than kernel_size - 1, so the equivalent direct convolution has negative padding: it crops.

    ## What it does

    Notes p > k − 1 (k dilated) on some axis of a `conv_transpose`. The direct convolution that computes the
    same has p′ = k − p − 1 < 0.

    ## Why it matters

    It is legal, and every framework computes it. But −p′ rows of the stretched input at that edge are read
    by no output: what the layers above spend on them is lost.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - {op: conv_transpose, out_channels: 4, kernel_size: 3, padding: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - {op: conv_transpose, out_channels: 4, kernel_size: 3, padding: 2}
    ```

    ## Instead

    Take padding of at most k − 1, and crop with `op: crop` where cropping is meant.

    ## Source

    Dumoulin and Visin, section 4.2, Relationship 9: p′ = k − p − 1.
    """
    for node in shapes.network.layers:
        if not isinstance(node.layer, ConvTranspose):
            continue
        for j, w in enumerate(windows := shapes.windows(node)):
            widest = max(w.before, w.after)
            if w.form == "transposed" and widest > w.reach - 1:
                yield Finding(
                    "transposed-output-cropped",
                    f"{node.name}: padding {widest} on {spatial_name(j, len(windows))} exceeds kernel_size − 1 ="
                    f" {w.reach - 1}: p′ = k − p − 1 = {w.reach - 1 - widest}, so {widest - w.reach + 1} of the input"
                    " is never used at that edge",
                    node.source.keys.get("padding", node.source.span),
                    node.name,
                    f"padding up to {w.reach - 1} uses the whole input; crop explicitly if cropping is meant",
                )
                break


@checked("SC310", Severity.WARNING)
def unpool_without_pool(shapes: Shapes) -> Iterable[Finding]:
    """max_unpool does not name the pooling that it undoes, so there are no indices to put the maxima back at.

    ## What it does

    Warns of a `max_unpool` that gives `kernel_size` in place of `pool`.

    ## Why it matters

    An unpooling puts each element where its maximum stood, and only the pooling knows where. The shapes can
    be computed without, and are checked; the layer cannot be run.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 16, 16]}
    layers:
      - {name: pool, op: max_pool, kernel_size: 2}
      - {name: unpool, op: max_unpool, kernel_size: 2, output_padding: 0}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 16, 16]}
    layers:
      - {name: pool, op: max_pool, kernel_size: 2}
      - {name: unpool, op: max_unpool, pool: pool}
    ```

    ## Instead

    Write `pool: LAYER`. The size follows from it as well, at every input size.

    ## Source

    Zeiler and Fergus (arXiv:1311.2901), section 2.1. PyTorch, `torch.nn.MaxUnpool2d(input, indices)`.
    """
    for node in shapes.network.layers:
        if isinstance(node.layer, MaxUnpool) and node.layer.pool is None:
            yield Finding(
                "unpool-without-pool",
                f"{node.name}: max_unpool names no pool, so the places of the maxima and the size are not known",
                node.source.span,
                node.name,
                "write pool: LAYER, the max_pool that it undoes, in place of kernel_size, stride and padding",
            )
