"""Rules on every input size at once: codes SC5xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding, Severity
from shapecheck.rules.base import reported


@reported("SC501")
def promise_broken(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The file promises, by accepts, sizes at which the network does not work.

    ## What it does

    Finds, without trying sizes one by one, every size of each named dimension at which all layers fit, and
    compares them with what `accepts` promises. The first promised size that does not work is named, the
    layer that refuses it, and the widest promise that would be true.

    ## Why it matters

    A U-Net on a ResNet-34 encoder works at 640 x 960 and fails at 160 x 240: "Certain image sizes seem to
    work, certain don't. Any ideas?" A size that no test tries fails at the first user who has it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {min: 32, max: 128}}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {min: 32, max: 128, multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Promise what the help says is true, or make the network follow its input: `like` on an upsample,
    `transpose_of` on a transposed convolution.

    ## Source

    https://github.com/qubvel-org/segmentation_models.pytorch/issues/57
    """
    return finding


@reported("SC502", Severity.INFO)
def promise_too_narrow(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The network works at more sizes than the file promises by accepts.

    ## What it does

    Notes the first size between `min` and `max` that works and that `accepts` does not promise. A list of
    `sizes` is left alone: it says which are tried, not which work.

    ## Why it matters

    Pictures are padded to a multiple of 32 where the network needs a multiple of 8: up to 31 rows are
    computed in place of up to 7.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 32}}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Promise all that works, unless the narrower promise has a reason of its own.

    ## Source

    The language reference, "Top level": dims.
    """
    return finding


@reported("SC503")
def no_size_works(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """There is no size of a dimension at which the network works.

    ## What it does

    Reports a named dimension whose conditions contradict each other, though each can be met by itself.

    ## Why it matters

    With the size left open each layer passes: H even for the one skip, H odd for the other. Every size that
    is tried fails at one of two layers, by turns.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}  # here
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {name: even, op: concat, from: [image, up]}
      - {name: grown, op: pad, padding: [[0, 1], [0, 0]], from: image}
      - {name: down2, op: max_pool, kernel_size: 2}
      - {name: up2, op: upsample, scale_factor: 2}
      - {name: odd, op: concat, from: [grown, up2]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {accepts: {multiple_of: 2}}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {name: even, op: concat, from: [image, up]}
      - {name: grown, op: pad, padding: [[0, 2], [0, 0]], from: image}
      - {name: down2, op: max_pool, kernel_size: 2}
      - {name: up2, op: upsample, scale_factor: 2}
      - {name: odd, op: concat, from: [grown, up2]}
    ```

    ## Instead

    Look at the layers that are named: one of their conditions has to go. `shapecheck sizes` prints them
    all.

    ## Source

    Dumoulin and Visin, chapter 2: axes do not interact, so each dimension is a question of its own.
    """
    return finding


@reported("SC504", Severity.INFO)
def neighbour_works(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The size given for a dimension does not work, but a neighbour does.

    ## What it does

    Where the network fails at its own size, notes the nearest sizes below and above at which it works. It
    stands beside the error of the layer that does not fit.

    ## Why it matters

    700 x 700 fails in a U-Net of depth 4. Knowing that 688 and 704 work saves the rest of the search:
    resize the pictures, or pad 4 rows.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 65}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Feed one of the sizes, or mend the layer that the error names.

    ## Source

    https://github.com/bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets/issues/52
    """
    return finding


@reported("SC505", Severity.INFO)
def bounded_above(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Only finitely many sizes of a dimension work.

    ## What it does

    Notes a dimension of which no size beyond some bound works, and the sizes that do. Usually a flatten in
    front of a linear layer with a given number of features.

    ## Why it matters

    ResNet-50 with its pooling replaced by a flatten to 2,048 features takes pictures of 193 to 224 rows: 32
    sizes give a 7 x 7 map, and the next one does not. Such a network cannot be used on larger pictures, and
    nothing in it says so.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 4]}
    dims: {H: 16}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, in_features: 128, out_features: 10}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 4]}
    dims: {H: 16}
    layers:
      - {op: max_pool, kernel_size: 2, padding: 1}
      - {op: global_avg_pool, keep_dims: false}
      - {op: linear, in_features: 8, out_features: 10}
    ```

    ## Instead

    Pool to one element (`global_avg_pool`) or to a fixed size (`adaptive_avg_pool`) in front of the linear
    layer, or state the sizes under `accepts`.

    ## Source

    Lin, Chen and Yan, Network in Network (arXiv:1312.4400), section 3.2: global average pooling.
    """
    return finding


@reported("SC506", Severity.INFO)
def sizes_not_decided(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Some condition on a dimension could not be decided for every size.

    ## What it does

    Notes a dimension for which the answer is partial: a layer has no exact form for every size, or the
    search ran out of its budget. The network was checked at the size which is given.

    ## Why it matters

    ⌊1.4 · 45⌋ is 63, and in floating point 62.99..., so 62: what a framework makes of such a factor is no
    rule that holds for every size. An answer that hides this would promise too much.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 45}  # here
    layers:
      - {op: upsample, scale_factor: 1.4}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 45}
    layers:
      - {op: upsample, scale_factor: 1.5}
    ```

    ## Instead

    Use a ratio that binary fractions hold, such as 1.5, or `size` or `like` in place of `scale_factor`.

    ## Source

    https://github.com/pytorch/pytorch/issues/71877
    """
    return finding


@reported("SC507", Severity.INFO)
def valid_sizes(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The sizes of a dimension at which the network works, where that is not every size.

    ## What it does

    Notes the exact condition on a dimension that has no `accepts`. Dimensions with one condition are told
    together.

    ## Why it matters

    The condition is part of the network and stands in no line of it: multiples of 16 for a padded U-Net of
    depth 4, 188 and every 16th size from there for the U-Net of 2015.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims: {H: 64}  # here
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 8, H, 64]}
    dims:
      H: {size: 64, accepts: {multiple_of: 2}}
    layers:
      - {op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {op: concat, from: [image, up]}
    ```

    ## Instead

    Write the condition down as a promise under `accepts`: it is then checked, and the note is gone.
    `shapecheck sizes` says which layer is the cause of each part.

    ## Source

    Dumoulin and Visin, chapter 2. Ronneberger, Fischer and Brox, U-Net (arXiv:1505.04597), section 2.
    """
    return finding
