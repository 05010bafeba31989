"""Rules on layers that do not fit their input: of codes SC2xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules.base import reported
from shapecheck.rules.explaining import with_origin


@reported("SC201")
def wrong_rank(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer needs an input of another rank: a conv without spatial axes, attention on a picture.

    ## What it does

    Compares the number of axes of the input with what the op reads: batch, channels and at least one
    spatial axis for everything that slides a window or resamples; `[N, L, E]` for `attention`; columns,
    rank 3, for `fold`; batch and channels for a normalisation. Where a layer refers to another (`like`,
    `transpose_of`, `pool`) both must have the same number of spatial axes.

    ## Why it matters

    Frameworks guess. PyTorch takes `[80, 200]`, given to a Conv1d with 80 input channels, for one sample
    without its batch axis: a batch of 80 vectors passes, and is convolved across the samples.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 512]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 512]}
    layers:
      - {op: unsqueeze, axis: 1}
      - {op: conv, out_channels: 8, kernel_size: 3}
    ```

    ## Instead

    Give the input the axis that is missing (`unsqueeze`, `reshape`), or join the axes that are too many
    (`flatten`, `permute`).

    ## Source

    Dumoulin and Visin, chapter 2. PyTorch, `torch.nn.Conv1d`: input (N, C, L) or (C, L).
    """
    return finding


@reported("SC202")
def wrong_number_of_axes(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A list with one value per spatial axis has another length than the input has axes.

    ## What it does

    Compares the length of each list under `kernel_size`, `stride`, `padding`, `dilation`, `output_padding`,
    `output_size`, `scale_factor` and `cropping` with the number of spatial axes, which is the input's rank
    less two.

    ## Why it matters

    The same word serves sound, pictures and volumes. A kernel of `[3, 3]` on a volume `[N, C, D, H, W]`
    leaves one axis without a size; a framework that fills it up, or reads the two as the last axes,
    computes another network.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {clip: [N, 3, 16, 112, 112]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [3, 3]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {clip: [N, 3, 16, 112, 112]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: [1, 3, 3]}
    ```

    ## Instead

    Write one number for all axes, or one per axis in the order of the shape: D, H, W.

    ## Source

    Dumoulin and Visin, chapter 2: the properties of an axis affect that axis alone.
    """
    return finding


@reported("SC203")
def size_below_one(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer's output would have a size below 1 on some axis.

    ## What it does

    Reports a transposed convolution or an unpooling whose padding crops everything, an upsampling whose ⌊i
    · scale_factor⌋ is 0, and a slice or chunk that selects nothing. A kernel larger than its input is
    SC204.

    ## Why it matters

    An axis of size 0 is a legal tensor in most frameworks. It goes through the network without an error,
    the mean over it is NaN, and what is noticed is a loss of NaN.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 3, 3]}
    layers:
      - {op: upsample, scale_factor: 0.25}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 4, 4]}
    layers:
      - {op: upsample, scale_factor: 0.25}
    ```

    ## Instead

    Take less padding, a larger factor, or a larger input. The sizes on the way, printed below the mistake,
    show where the size was lost.

    ## Source

    Dumoulin and Visin, section 4.6, Relationship 14: o′ = s(i′ − 1) + a + k − 2p is below 1 where 2p
    ≥ s(i′ − 1) + a + k.
    """
    return with_origin(finding, shapes, trouble)


@reported("SC204")
def kernel_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A kernel, dilation counted, is larger than its padded input, so no window fits.

    ## What it does

    Computes o = ⌊(i + 2p − k − (k − 1)(d − 1)) / s⌋ + 1 on every spatial axis and reports the first on
    which it is below 1, with the numbers in it. It holds for convolution, pooling and `unfold`. The sizes
    on the way from the input are listed below.

    ## Why it matters

    One stage more than the picture can bear: 28, 26, 13, 11, 5, 3, 1, and another 3 x 3. "Negative
    dimension size caused by subtracting 3 from 1" names neither the layer nor the stage that was one too
    many. XLA accepts such a kernel and makes an axis of size 0.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 256, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, dilation: 18}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 256, 32, 32]}
    layers:
      - {op: conv, out_channels: 64, kernel_size: 3, dilation: 18, padding: 18}
    ```

    ## Instead

    Pad the input, take a smaller kernel or dilation, or drop one of the strided layers above. A 3 x 3
    kernel at dilation 18 spans 3 + 2·17 = 37; padding 18 keeps the size.

    ## Source

    Dumoulin and Visin, section 5.1, Relationship 15. https://github.com/keras-team/keras/issues/12951 and
    https://github.com/sthalles/deeplab_v3/issues/2
    """
    return with_origin(finding, shapes, trouble)


@reported("SC205")
def groups_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Groups or heads do not divide the channels that they are to split.

    ## What it does

    Checks that `groups` divides the input's channels and `out_channels`, that `num_groups` of a group_norm
    divides the channels, and that `num_heads` of an attention divides the features.

    ## Why it matters

    ShuffleNet with 8 groups: the bottleneck was taken from the 384 − 24 channels that the shortcut leaves,
    360 / 4 = 90, and 90 is no multiple of 8. With 1, 2 and 3 groups nobody saw it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 90, 56, 56]}
    layers:
      - {op: conv, out_channels: 360, kernel_size: 1, groups: 8}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 96, 56, 56]}
    layers:
      - {op: conv, out_channels: 360, kernel_size: 1, groups: 8}
    ```

    ## Instead

    Change the channels to one of the nearest multiples, which the help names, or the number of groups.

    ## Source

    https://github.com/jaxony/ShuffleNet/issues/5. PyTorch, `torch.nn.Conv2d`: in_channels and out_channels
    must both be divisible by groups.
    """
    return with_origin(finding, shapes, trouble)


@reported("SC210")
def pool_padding_over_half(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A pooling is padded by more than half its window, so a window could lie wholly in the padding.

    ## What it does

    Checks p ≤ ⌊k / 2⌋ at both edges of every axis, for `max_pool`, `avg_pool` and `lp_pool`.

    ## Why it matters

    The maximum of a window that lies in the padding alone is −∞, its mean without the padding 0 / 0.
    PyTorch refuses such a pooling; XLA computes it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 1, 20, 20]}
    layers:
      - {op: max_pool, kernel_size: 4, padding: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 1, 20, 20]}
    layers:
      - {op: max_pool, kernel_size: 4, padding: 2}
    ```

    ## Instead

    Take padding of at most ⌊k / 2⌋. Where more is meant, pad with `op: pad` first, which says with what.

    ## Source

    https://github.com/pytorch/pytorch/issues/3298
    """
    return finding


@reported("SC212")
def crop_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A crop takes away more than there is, or is to become as large as a larger map.

    ## What it does

    Checks i − before − after ≥ 1 on every axis for `cropping`, and for `like` that the named map is no
    larger than the input.

    ## Why it matters

    In the U-Net of 2015 the encoder's map is the larger one: 64 against 56 at the lowest skip. Cropped the
    wrong way round, 56 to 64, there is nothing to take away: code that crops by a negative padding adds
    zeros, and the skip is framed in black.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {encoder: [N, 512, 64, 64], decoder: [N, 512, 56, 56]}
    layers:
      - {name: cut, op: crop, from: decoder, like: encoder}  # here
      - {op: concat, from: [encoder, cut]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {encoder: [N, 512, 64, 64], decoder: [N, 512, 56, 56]}
    layers:
      - {name: cut, op: crop, from: encoder, like: decoder}
      - {op: concat, from: [cut, decoder]}
    ```

    ## Instead

    Crop the larger of the two, to the smaller.

    ## Source

    Ronneberger, Fischer and Brox, U-Net (arXiv:1505.04597), figure 1.
    """
    return with_origin(finding, shapes, trouble)


@reported("SC216")
def padding_exceeds_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Reflecting or circular padding needs more of the input than there is.

    ## What it does

    Checks p < i for `reflect` and p ≤ i for `circular` on every axis, in a convolution's `padding_mode` and
    in `pad`.

    ## Why it matters

    To reflect 4 rows takes 5, as the edge itself is not repeated. A network with reflecting padding that
    trains on 256 x 256 fails on the first small picture, in its deepest layer: "Padding size should be less
    than the corresponding input dimension".

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 8, 4, 4]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 9, padding: 4, padding_mode: reflect}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 8, 4, 4]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 9, padding: 4, padding_mode: replicate}
    ```

    ## Instead

    Pad less, feed a larger map, or use `zeros` or `replicate`, which need nothing of the input.

    ## Source

    https://github.com/pytorch/pytorch/issues/18413
    """
    return with_origin(finding, shapes, trouble)
