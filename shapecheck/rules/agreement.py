"""Rules on sizes that must agree and do not: of codes SC2xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.analysis.provenance import factors
from shapecheck.arithmetic.shape import channel_axis, show
from shapecheck.findings.finding import Finding, Related
from shapecheck.rules.base import reported
from shapecheck.rules.explaining import made_by, with_cause, with_floored_padding, with_levels
from shapecheck.rules.mending import crop_before_merge


@reported("SC206")
def stated_size_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """in_channels, in_features or num_features states a number that the input does not have.

    ## What it does

    Compares the number with the input's. These keys are never needed: they state what the writer believes.
    For a `linear` behind a `flatten` it shows the product that was flattened, and where the stated number
    stands elsewhere in the shape, it says so.

    ## Why it matters

    AlexNet counts on 227 x 227. Fed the 224 x 224 crops that its paper speaks of, 55, 27, 13, 6 becomes 54,
    26, 12, 5, and the first linear layer gets 256·5·5 = 6,400 features for its 9,216: "dimension mismatch
    in args to gemm (256,6400)x(9216,4096)".

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 5}
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, in_features: 4096, out_features: 10}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 5, padding: 2}
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, in_features: 4096, out_features: 10}
    ```

    ## Instead

    Correct the layers above where the number is right (16·16·16 = 4,096 needs padding 2 here), or the
    number where they are, or leave it out.

    ## Source

    https://github.com/uoguelph-mlrg/theano_alexnet/issues/20
    """
    made = factors(shapes, shapes.network.nodes[trouble.node].inputs[0]) if shapes and trouble else None
    if made is None:
        return finding
    node, product = made
    return finding._replace(related=(Related(f"{node.name} makes {product}", node.source.span), *finding.related))


@reported("SC207")
def expectation_differs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Expect or same_shape_as states a shape that the layer does not have.

    ## What it does

    Compares the output with `expect` axis by axis (`_` is any size) and with the shape that `same_shape_as`
    names. It names each axis that differs, the layer that made the first of them, and, for two shapes that
    should be equal, the layer at which their branches part.

    ## Why it matters

    DCGAN's discriminator halves 64 x 64 four times and ends in a 4 x 4 kernel. On 128 x 128 every layer
    fits, and it gives 5 x 5 scores a picture. What fails is the loss, which is given 128 targets and 3,200
    scores.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 512, 8, 8]}
    layers:
      - {op: conv, out_channels: 1, kernel_size: 4, expect: [N, 1, 1, 1]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 512, 4, 4]}
    layers:
      - {op: conv, out_channels: 1, kernel_size: 4, expect: [N, 1, 1, 1]}
    ```

    ## Instead

    Correct the layer that is named, or the expectation.

    ## Source

    https://github.com/pytorch/examples/issues/1278
    """
    if shapes is None or trouble is None or trouble.expectation is None:
        return finding
    node = shapes.network.nodes[trouble.node]
    other, axis = trouble.expectation.same_as, trouble.problem.axis
    made = None if axis is None else made_by(shapes, trouble.node, axis)
    finding = finding._replace(related=(made or Related(f"{node.name} is {node.op}", node.source.span),))
    finding = with_floored_padding(finding, shapes, trouble.node)
    if other is None or axis is None:
        return finding
    there = shapes.network.nodes[other]
    finding = finding._replace(
        related=(*finding.related, Related(f"{there.name} has {show(shapes.outputs[other] or ())}", there.source.span))
    )
    return with_levels(with_cause(finding, shapes, other, trouble.node, axis), shapes, other, trouble.node)


@reported("SC208")
def merge_mismatch(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """The inputs of a merge differ on an axis where they must be equal.

    ## What it does

    Compares the inputs of `add`, `subtract`, `multiply`, `maximum` and `average` on every axis, of `concat`
    on every axis but its own, and of `stack` on all. It walks both branches back to where they part and
    names the strided layer that dropped or rounded a remainder, and the sizes at which both would agree.

    ## Why it matters

    A padded U-Net of depth 4 on 700 x 700: 700, 350, 175, 87, 43 on the way down, 86 on the way up, against
    87. "400x400 and 800x800 work", says the thread; 700 is no multiple of 16.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 175, 175]}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, scale_factor: 2}
      - {name: join, op: concat, from: [image, up]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 175, 175]}
    layers:
      - {name: down, op: max_pool, kernel_size: 2}
      - {name: up, op: upsample, like: image}
      - {name: join, op: concat, from: [image, up]}
    ```

    ## Instead

    Feed a size that fits, recover the size on the way up (`like`, `transpose_of`, `output_padding`), crop
    the larger map, or round up on the way down with `ceil_mode: true`. An axis of size 1 stretches only
    where `broadcast: true` says so.

    ## Source

    Dumoulin and Visin, figure 2.7: the rows that no window reads.
    https://github.com/bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets/issues/52
    """
    if shapes is None or trouble is None or trouble.problem.against is None:
        return finding
    node = shapes.network.nodes[trouble.node]
    ends = (node.inputs[trouble.problem.against], node.inputs[trouble.problem.operand])
    both = tuple(
        Related(
            f"{shapes.network.nodes[end].name} gives {show(shapes.outputs[end] or ())}",
            shapes.network.nodes[end].source.span,
        )
        for end in ends
    )
    finding = finding._replace(fix=crop_before_merge(shapes, node), related=both)
    axis = trouble.problem.axis
    if axis is None:
        return finding
    finding = with_cause(finding, shapes, *ends, axis)
    if finding.help is None:
        rank = len(shapes.outputs[ends[0]] or ())
        if axis == channel_axis(rank, shapes.network.channels_last):
            return finding._replace(help="a conv with kernel_size 1 changes the channels; concat joins different ones")
        return finding._replace(help="crop, pad or resample one of the two" if axis and rank > 2 else None)
    return finding
