"""Rules on numbers of elements, and on axes: of codes SC2xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules.base import reported
from shapecheck.rules.explaining import with_origin


@reported("SC209")
def reshape_count_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A reshape asks for another number of elements than there are.

    ## What it does

    Multiplies the sizes of the input and of `shape` and compares. With one −1 it checks that the others
    divide the number of elements.

    ## Why it matters

    A reshape written for one input size is where another size comes to light, layers behind its cause:
    "shape '[-1, 1, 32000]' is invalid for input of size 31992" is a codec that lost a row in its third
    strided layer.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [2, 10, 3]}
    layers:
      - {op: reshape, shape: [4, 16]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [2, 10, 3]}
    layers:
      - {op: reshape, shape: [4, -1]}
    ```

    ## Instead

    Write −1 for what remains, and names of dimensions for what varies: `shape: [N, -1]`. Look above for the
    layer that made another size than you counted on.

    ## Source

    https://github.com/descriptinc/descript-audio-codec/issues/37
    """
    return finding


@reported("SC213")
def channels_do_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Channels are no multiple of what pixel_shuffle or fold divides them by.

    ## What it does

    Checks that rⁿ divides the channels for a `pixel_shuffle` of factor r over n axes, and that the product
    of `kernel_size` does for a `fold`.

    ## Why it matters

    A super-resolution network for factor 3 that was built for 4: each output channel is made of 3·3 = 9
    input channels, and 16 are no multiple of 9.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 63, 24, 24]}
    layers:
      - {op: pixel_shuffle, factor: 4}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64, 24, 24]}
    layers:
      - {op: pixel_shuffle, factor: 4}
    ```

    ## Instead

    Let the convolution above make C·rⁿ channels, where C is what should come out.

    ## Source

    Shi et al., ESPCN (arXiv:1609.05158), section 2.2. PyTorch, `torch.nn.PixelShuffle`: (C·r², H, W) to (C,
    H·r, W·r).
    """
    return with_origin(finding, shapes, trouble)


@reported("SC214")
def size_does_not_divide(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A spatial size is no multiple of pixel_unshuffle's factor.

    ## What it does

    Checks that the factor r divides every spatial size of the input.

    ## Why it matters

    Each block of r x r elements becomes r² channels; of 33 rows in pairs one is left over. There is no
    rounding that would keep every element, which is what the layer is for.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 33, 32]}
    layers:
      - {op: pixel_unshuffle, factor: 2}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 33, 32]}
    layers:
      - {op: pad, padding: [[0, 1], [0, 0]]}
      - {op: pixel_unshuffle, factor: 2}
    ```

    ## Instead

    Pad or crop to a multiple of r, or feed sizes that are multiples.

    ## Source

    PyTorch, `torch.nn.PixelUnshuffle`.
    """
    return with_origin(finding, shapes, trouble)


@reported("SC215")
def axis_out_of_range(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An axis, an order of axes or an index does not exist in the input.

    ## What it does

    Checks `axis`, `axes`, `start_axis`, `end_axis` and the `index` of a chunk against the input's rank.
    Axes count from 0, the batch; −1 is the last. An order of axes names every axis once.

    ## Why it matters

    An order written for `[N, C, L]` and given `[N, C, H, W]` moves other axes than were meant. Where it
    happens to be in range, the sizes may even fit.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: permute, axes: [0, 2, 1]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: permute, axes: [0, 2, 3, 1]}
    ```

    ## Instead

    Count from 0, with the batch as axis 0. The message gives the shape and the axes that it allows.

    ## Source

    PyTorch says: "Dimension out of range (expected to be in range of [-4, 3], but got 4)".
    """
    return finding


@reported("SC217")
def squeeze_of_larger_axis(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Squeeze names an axis that has more than one element.

    ## What it does

    Checks that the axis has size 1.

    ## Why it matters

    PyTorch leaves a larger axis in place without a word; NumPy and JAX refuse. Code that squeezes "the last
    axis, which is 1" keeps its rank on the day that it is 2, and a later layer reads axes that are one off.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {scores: [N, 1, 5, 5]}
    layers:
      - {op: squeeze, axis: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {scores: [N, 1, 5, 5]}
    layers:
      - {op: squeeze, axis: 1}
    ```

    ## Instead

    Name the axis of size 1, or remove a larger one with `reduce`, `slice` or `flatten`.

    ## Source

    PyTorch, `torch.squeeze`; NumPy, `numpy.squeeze`. https://github.com/apache/tvm/pull/18478
    """
    return finding


@reported("SC218")
def fold_count_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Fold is given another number of columns than its output_size unfolds into.

    ## What it does

    Computes how many windows `unfold` takes from a map of `output_size`, Π o with o = ⌊(i + 2p − k − (k
    − 1)(d − 1)) / s⌋ + 1, and compares it with the length of the input.

    ## Why it matters

    `fold` is the inverse of `unfold` only with the very same kernel, stride, padding and dilation. 100
    columns are a 12 x 12 map in 3 x 3 windows, and no 8 x 8 map, which has 36.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 12, 12]}
    layers:
      - {op: unfold, kernel_size: 3}
      - {op: fold, kernel_size: 3, output_size: 8}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 12, 12]}
    layers:
      - {op: unfold, kernel_size: 3}
      - {op: fold, kernel_size: 3, output_size: 12}
    ```

    ## Instead

    Give `fold` the keys of the `unfold` that made the columns, and that layer's input size as
    `output_size`.

    ## Source

    Dumoulin and Visin, section 5.1, Relationship 15. PyTorch, `torch.nn.Fold`.
    """
    return finding


@reported("SC219")
def unpool_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """max_unpool undoes what is no max_pool, or is given a map of another size than the pooling made.

    ## What it does

    Checks that `pool` names a `max_pool`, and that the input has the shape which that pooling gave: one
    index for each element.

    ## Why it matters

    An unpooling puts each element where the maximum stood. With a map of another size there are elements
    without an index, or indices without an element, and the picture is put together from the wrong places.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 16, 16]}
    layers:
      - {name: pool, op: max_pool, kernel_size: 2}
      - {name: look, op: conv, out_channels: 8, kernel_size: 3}
      - {op: max_unpool, pool: pool}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 16, 16]}
    layers:
      - {name: pool, op: max_pool, kernel_size: 2}
      - {name: look, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: max_unpool, pool: pool}
    ```

    ## Instead

    Keep the size between the pooling and its unpooling, and the channels too.

    ## Source

    Zeiler and Fergus (arXiv:1311.2901), section 2.1. PyTorch, `torch.nn.MaxUnpool2d`.
    """
    return finding


@reported("SC221")
def array_too_large(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An array has more elements, or more axes, than any framework can count.

    ## What it does

    Checks that every input and every output has at most 64 axes and less than 2^512 elements; an axis that has no
    size counts as one. `sizes` leaves this limit out of the sets of sizes that it prints.

    ## Why it matters

    PyTorch, JAX and NumPy count elements in a signed 64-bit number, and NumPy and PyTorch stop at 64 axes. A network
    that asks for so much more has a size or a factor that nobody meant, often an expression that multiplies where it
    should add. The arithmetic is right for all sizes, far beyond what can be run; this bound keeps its numbers
    printable.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    params: {factor: =1000000000000000000000000000000 * 1000000000000000000000000000000}
    inputs: {image: [1, 3, 1000000, 1000000]}
    layers:
      - {op: upsample, scale_factor: =factor}
      - {op: upsample, scale_factor: =factor}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 3, 1000, 1000]}
    layers:
      - {op: upsample, scale_factor: 2}
    ```

    ## Instead

    Look for the size or the factor that is too large, at this layer or above it. `shapecheck explain FILE LAYER`
    shows the numbers.

    ## Source

    https://numpy.org/doc/stable/reference/c-api/array.html
    """
    return finding
