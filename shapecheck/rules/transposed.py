"""Rules on transposed layers: codes SC3xx."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.blame import floored_axes
from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.analysis.symmetry import pairs
from shapecheck.diagnostics import Finding, Related, Severity
from shapecheck.layers.convolution import ConvTranspose
from shapecheck.layers.pooling import MaxUnpool
from shapecheck.layers.window import Window
from shapecheck.rules.base import checked, reported
from shapecheck.shape import show_sizes, spatial_name


@reported("SC301")
def output_padding_out_of_range(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """output_padding is not smaller than the stride or the dilation.

    ## What it does

    Checks a < max(s, d) on every axis, where a is the `output_padding` of a `conv_transpose`.

    ## Why it matters

    The s sizes s(i′ − 1) + k − 2p + a with a from 0 to s − 1 are all that the associated convolution maps
    to i′. A larger a makes a size that it maps to something else, and the rows that a adds beyond get
    nothing but the bias.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 4
        stride: 2
        padding: 1
        output_padding: 2  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 4
        stride: 2
        padding: 1
        output_padding: 1
    ```

    ## Instead

    Write the a, from 0 to s − 1, that leads to the size which is meant, or `output_size`, from which it
    follows.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14. PyTorch says: "output padding must be smaller than
    either stride or dilation".
    """
    return finding


@reported("SC302")
def ambiguous_transposed_size(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A transposed layer with stride s > 1 has s possible output sizes and nothing says which is meant.

    ## What it does

    Where neither `output_padding` nor `output_size` nor `transpose_of` is given, shapes go on with a = 0,
    as PyTorch does, and the rest of the network is asked which a it demands. An error where something needs
    another a than 0, or where no a fits; a warning where several fit and their sizes differ; a note where
    nothing depends on it; nothing where a = 0 is the only one that fits.

    ## Why it matters

    24 rows become 12 under k = 3, s = 2, p = 1, and so do 23. The transposed layer gives 23 back where 24
    went in: "if we use the same kernel, stride and padding, the output must have the same shape as the
    input" is true of every second size.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 25, 25]}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - name: up
        op: conv_transpose
        out_channels: 8
        kernel_size: 2
        stride: 2  # here
      - {name: join, op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 25, 25]}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - name: up
        op: conv_transpose
        out_channels: 8
        kernel_size: 2
        stride: 2
        output_padding: 1
      - {name: join, op: concat, from: [image, up]}
    ```

    ## Instead

    Write `transpose_of` with the convolution that the layer undoes, which is right at every size; or
    `output_size`; or `output_padding`, which is right at this one.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14 and figure 4.7.
    https://pythonfixing.com/2022/02/fixed-convolution-and-convolution.html
    """
    return finding


@checked("SC303", Severity.WARNING)
def output_padding_at_least_stride(shapes: Shapes) -> Iterable[Finding]:
    """output_padding reaches the stride: legal in PyTorch under dilation, refused by Keras and by the guide.

    ## What it does

    Warns where s ≤ a < d for the `output_padding` a of a `conv_transpose` with dilation d.

    ## Why it matters

    Such a network runs in PyTorch alone. Keras demands an output_padding lower than the stride; the guide's
    a counts the s sizes from 0 to s − 1, and no convolution with stride s maps this one back to i′.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 3
        stride: 2
        dilation: 3
        output_padding: 2  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 3
        stride: 2
        dilation: 3
        output_padding: 1
    ```

    ## Instead

    Take an a below the stride, and pad the output with `op: pad` where more rows are meant.

    ## Source

    Dumoulin and Visin, section 4.6. Keras, `Conv2DTranspose`: "The amount of output padding along a given
    dimension must be lower than the stride along that same dimension".
    """
    for node in shapes.network.layers:
        if not isinstance(node.layer, ConvTranspose) or node.layer.output_padding is None:
            continue
        windows = shapes.windows(node)
        for j, w in enumerate(windows):
            if isinstance(w.a, int) and w.a >= w.s:
                yield Finding(
                    "output-padding-at-least-stride",
                    f"{node.name}: output_padding {w.a} on {spatial_name(j, len(windows))} is not smaller than stride"
                    f" {w.s}; only PyTorch allows it, because dilation {w.d} is larger",
                    node.source.keys.get("output_padding", node.source.span),
                    node.name,
                    f"a selects one of {w.s} sizes, 0 to {w.s - 1}; pad the output explicitly if more zeros are meant",
                )
                break


@reported("SC304")
def output_size_unreachable(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """No output_padding leads to the size that output_size, transpose_of or pool asks for.

    ## What it does

    Checks 0 ≤ o′ − (s(i′ − 1) + k − 2p) < s for `output_size`, and for `transpose_of` that the layer is
    given a map of the size which that convolution made.

    ## Why it matters

    PyTorch says "requested an output size of [40, 40], but valid sizes range from [32, 32] to [33, 33]"
    when the layer first runs. A framework that crops or pads to the size which is asked for hides that the
    stride is wrong.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 4
        stride: 2
        padding: 1
        output_size: 40  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 16, 16]}
    layers:
      - op: conv_transpose
        out_channels: 4
        kernel_size: 4
        stride: 2
        padding: 1
        output_size: 33
    ```

    ## Instead

    Ask for one of the s sizes that the message lists, or change the stride, the kernel or the padding.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14. PyTorch,
    `torch.nn.ConvTranspose2d.forward(output_size=...)`.
    """
    return finding


@reported("SC305")
def transpose_of_not_a_convolution(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """transpose_of names something that is no conv.

    ## What it does

    Checks that the layer named by `transpose_of` is a `conv`, from which kernel_size, stride, padding,
    dilation and groups can be taken.

    ## Why it matters

    A pooling has no weights to transpose, an input no kernel. Named by mistake, a pooling of kernel 2 and
    stride 2 would give the right size in most U-Nets, and the transposed layer would undo another layer
    than its writer believes.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 24, 24]}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: conv_transpose, out_channels: 8, transpose_of: down}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 24, 24]}
    layers:
      - {name: down, op: conv, out_channels: 8, kernel_size: 2, stride: 2}
      - {name: up, op: conv_transpose, out_channels: 8, transpose_of: down}
    ```

    ## Instead

    Name the convolution itself; inside a block it is `block.layer`. A max_pool is undone by `max_unpool`
    with `pool`.

    ## Source

    Dumoulin and Visin, section 4.1: a transposed convolution is the backward pass of a convolution.
    """
    return finding


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


@reported("SC311")
def no_constant_output_padding(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """No one output_padding is right for every size that the file promises.

    ## What it does

    Where `accepts` promises sizes at which a `conv_transpose` needs different a, reports the layer and
    which a is needed where.

    ## Why it matters

    A convolution of stride 2 maps 24 and 25 rows to 12. With `output_padding: 0` the way back makes 24 of
    either: every other size of those promised fails, and a constant that mends them breaks the rest.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {sound: [1, 8, T]}
    dims:
      T: {size: 24, accepts: {min: 16, max: 64}}
    layers:
      - {name: down, op: conv, out_channels: 16, kernel_size: 4, stride: 2, padding: 1}
      - name: up
        op: conv_transpose
        out_channels: 8
        kernel_size: 4
        stride: 2
        padding: 1
        output_padding: 0  # here
      - {op: add, from: [sound, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {sound: [1, 8, T]}
    dims:
      T: {size: 24, accepts: {min: 16, max: 64}}
    layers:
      - {name: down, op: conv, out_channels: 16, kernel_size: 4, stride: 2, padding: 1}
      - name: up
        op: conv_transpose
        transpose_of: down
      - {op: add, from: [sound, up]}
    ```

    ## Instead

    Write `transpose_of` with the convolution that the layer undoes: it gives back whatever size that one
    was given.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14: a = (i + 2p − k) mod s depends on i.
    """
    return finding
