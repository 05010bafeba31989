"""Rules on the size of transposed layers: of codes SC3xx."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.arithmetic.shape import spatial_name
from shapecheck.findings.finding import Finding, Severity
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.rules.base import checked, reported


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
