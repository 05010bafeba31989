"""Rules on names that lead somewhere: of codes SC1xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules.base import reported


@reported("SC101")
def unknown_reference(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer reads, or refers to, something that does not exist here.

    ## What it does

    Looks up every name in `from`, `like`, `transpose_of`, `pool`, `same_shape_as`, `outputs` and
    `symmetry`: first among the inputs and layers of the block in which it stands, then in the file. A name
    that leads nowhere is reported with the nearest one that exists.

    ## Why it matters

    A skip that was renamed at one end is the commonest slip of a refactoring. Where it goes unnoticed the
    decoder joins another map of the same size, and the network trains, worse.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {name: encode1, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {name: pool1, op: max_pool, kernel_size: 2}
      - {name: up1, op: upsample, scale_factor: 2}
      - {name: skip1, op: concat, from: [encoder1, up1]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 64, 64]}
    layers:
      - {name: encode1, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {name: pool1, op: max_pool, kernel_size: 2}
      - {name: up1, op: upsample, scale_factor: 2}
      - {name: skip1, op: concat, from: [encode1, up1]}
    ```

    ## Instead

    Write the name that exists. A layer inside a block is `block.layer`, in a repeat `block.0.layer`.

    ## Source

    The language reference, "A layer".
    """
    return finding


@reported("SC102")
def circle(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Layers read each other in a circle, so none of them can be computed first.

    ## What it does

    Follows `from`, `like`, `transpose_of` and `pool` through the whole network and prints each circle once,
    in the order in which data would flow. What is fed from a circle is not reported besides.

    ## Why it matters

    A network without an order has no shapes at all, and a builder that recurses into it never returns. A
    recurrence is written out step by step, or as a block with `repeat`.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    layers:
      - {name: features, op: add, from: [image, gated]}  # here
      - {name: gate, op: sigmoid}
      - {name: gated, op: multiply, from: [gate, image]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    layers:
      - {name: gate, op: sigmoid}
      - {name: gated, op: multiply, from: [gate, image]}
      - {name: features, op: add, from: [image, gated]}
    ```

    ## Instead

    Let one of the layers read from above the circle.

    ## Source

    The language reference, "A layer": a name may be of a layer further down; a circle is an error.
    """
    return finding


@reported("SC108")
def unknown_block(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer places a block that the file does not define.

    ## What it does

    Looks up `block: NAME` under `blocks` and offers the nearest name.

    ## Why it matters

    What the block would have made is not known, so nothing behind it can be checked.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      residual:
        layers: [{op: conv, out_channels: 8, kernel_size: 3}]
    layers:
      - {block: residuals}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      residual:
        layers: [{op: conv, out_channels: 8, kernel_size: 3}]
    layers:
      - {block: residual}
    ```

    ## Instead

    Write the name of a block that exists, or define it under `blocks`.

    ## Source

    The language reference, "A layer": block.
    """
    return finding


@reported("SC109")
def unknown_param(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An expression uses, or a caller gives, a param that does not exist.

    ## What it does

    Reports a name in an expression that is no param here, and a key of `with` that the block does not
    declare. A dimension is no param: it may stand in shapes, in sizes such as `output_size`, and in
    `expect`.

    ## Why it matters

    A misspelt key of `with` that was let through would leave the block with its default: a stage of 64
    channels where 256 were asked for, and shapes that fit all the same.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      stage:
        params: {channels: 64}
        layers: [{op: conv, out_channels: =channels, kernel_size: 3}]
    layers:
      - {block: stage, with: {chanels: 256}}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      stage:
        params: {channels: 64}
        layers: [{op: conv, out_channels: =channels, kernel_size: 3}]
    layers:
      - {block: stage, with: {channels: 256}}
    ```

    ## Instead

    Write the name that the help offers, or declare the param under `params`.

    ## Source

    The language reference, "Top level": params, and "A layer": with.
    """
    return finding


@reported("SC110")
def missing_param(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A block's param has no default and the caller gives no value.

    ## What it does

    Reports each placing of a block that leaves out a param declared as `null`, and where the param is
    declared.

    ## Why it matters

    `null` says that there is no number which would be right for every placing. The block is not expanded
    without it.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      stage:
        params: {channels: null}
        layers: [{op: conv, out_channels: =channels, kernel_size: 3}]
    layers:
      - {block: stage}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      stage:
        params: {channels: null}
        layers: [{op: conv, out_channels: =channels, kernel_size: 3}]
    layers:
      - {block: stage, with: {channels: 8}}
    ```

    ## Instead

    Give the value by `with: {name: ...}`, or write a default in place of `null`.

    ## Source

    The language reference, "Top level": blocks.
    """
    return finding


@reported("SC111")
def unknown_dimension(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A word in a shape is not the name of any dimension.

    ## What it does

    Reports a bare word in `expect`, or in sizes such as `shape` of a reshape, that no input has, and a
    param that stands there without its `=`.

    ## Why it matters

    A word that is taken for a new dimension would agree with every size, and the expectation would state
    nothing.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    params: {width: 8}
    inputs: {image: [N, 3, H, H]}
    layers:
      - op: conv
        out_channels: =width
        kernel_size: 1
        expect: [N, width, H, H]  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    params: {width: 8}
    inputs: {image: [N, 3, H, H]}
    layers:
      - op: conv
        out_channels: =width
        kernel_size: 1
        expect: [N, =width, H, H]
    ```

    ## Instead

    Write `=name` for the value of a param, the name of a dimension that an input has, or `_` in `expect`
    for any size.

    ## Source

    The language reference, "A layer": expect.
    """
    return finding


@reported("SC114")
def missing_from(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A first layer does not say which of several inputs it reads.

    ## What it does

    Reports a first layer without `from` where the file, or the block, has more than one input.

    ## Why it matters

    With one input the first layer reads it. With two there is no right guess: subtracting the right picture
    from the left is not the reverse.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {left: [N, 3, 32, 32], right: [N, 3, 32, 32]}
    layers:
      - {name: look, op: conv, out_channels: 8, kernel_size: 3, padding: 1}  # here
      - {op: concat, from: [look, left, right]}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {left: [N, 3, 32, 32], right: [N, 3, 32, 32]}
    layers:
      - {name: look, op: conv, from: left, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: concat, from: [look, left, right]}
    ```

    ## Instead

    Add `from:` with the input that is meant.

    ## Source

    The language reference, "A layer": from.
    """
    return finding


@reported("SC115")
def wrong_number_of_inputs(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer or block is given more or fewer inputs than it takes.

    ## What it does

    Counts the names in `from`. `add`, `subtract`, `multiply`, `maximum` and `average` take two or more,
    `concat` and `stack` one or more, a block as many as its `inputs` name, everything else one.

    ## Why it matters

    A merge with one input is a skip that was forgotten: the layer passes its input on, every shape fits,
    and the residual network is a plain one.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    layers:
      - {name: look, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {name: sum, op: add}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    layers:
      - {name: look, op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {name: sum, op: add, from: [look, image]}
    ```

    ## Instead

    List every input: `from: [a, b]`. A layer that takes one reads several through `concat` or `add`.

    ## Source

    The language reference, "Ops".
    """
    return finding
