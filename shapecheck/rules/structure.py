"""Rules on how a network is put together: codes SC1xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding, Severity
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


@reported("SC103", Severity.WARNING)
def unused_layer(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer that is no output and that nothing reads: it costs and has no effect.

    ## What it does

    Where the file lists its `outputs`, reports each layer that neither is one nor is read by another layer.
    Without `outputs` every layer that nothing reads is an output, and nothing is reported.

    ## Why it matters

    A branch that is computed and thrown away takes its time and its memory in every step, and its
    parameters never learn: they get no gradient. Usually it is a `from` that was forgotten further down.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: look, op: conv, out_channels: 8, kernel_size: 3}
      - {name: aside, op: conv, out_channels: 8, kernel_size: 5}  # here
      - {name: act, op: relu, from: look}
    outputs: [act]
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: look, op: conv, out_channels: 8, kernel_size: 3}
      - {name: aside, op: conv, out_channels: 8, kernel_size: 5}
      - {name: act, op: relu, from: look}
    outputs: [act, aside]
    ```

    ## Instead

    Read the layer where it was meant to be read, name it under `outputs`, or remove it.

    ## Source

    The language reference, "Top level": outputs.
    """
    return finding


@reported("SC104", Severity.WARNING)
def unused_block(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A block that no layer places.

    ## What it does

    Reports each entry of `blocks` that no layer names with `block:`. A block that only a `when` which is
    false here would place counts as used.

    ## Why it matters

    Nothing in it is checked: its kernels meet no input. A file whose new block is never placed passes, and
    the old network is what was checked.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      stage:  # here
        layers: [{op: conv, out_channels: 8, kernel_size: 3}]
    layers: [{op: relu}]
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    blocks:
      stage:
        layers: [{op: conv, out_channels: 8, kernel_size: 3}]
    layers: [{block: stage}]
    ```

    ## Instead

    Place it with `block: NAME`, or remove it.

    ## Source

    The language reference, "Top level": blocks.
    """
    return finding


@reported("SC105", Severity.WARNING)
def unused_param(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A param that no expression uses.

    ## What it does

    Reports each entry of the file's `params`, and of a block's, that stands in no expression.

    ## Why it matters

    `--set width=32` on a param that nothing uses changes nothing and says nothing. It usually means that a
    number was written into the layers where the param was meant.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    params: {width: 16}  # here
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 3}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    params: {width: 16}
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: =width, kernel_size: 3}
    ```

    ## Instead

    Write `=name` where the number stands, or remove the param.

    ## Source

    The language reference, "Top level": params.
    """
    return finding


@reported("SC106", Severity.WARNING)
def unused_input(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """An input that no layer reads.

    ## What it does

    Reports each entry of `inputs` that no layer names, nor reads as the layer above it.

    ## Why it matters

    A second input that was meant for the decoder and is never read is a network that ignores half of its
    data.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs:
      left: [N, 3, 32, 32]
      right: [N, 3, 32, 32]  # here
    layers:
      - {op: conv, from: left, out_channels: 8, kernel_size: 3}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs:
      left: [N, 3, 32, 32]
      right: [N, 3, 32, 32]
    layers:
      - {op: concat, from: [left, right]}
      - {op: conv, out_channels: 8, kernel_size: 3}
    ```

    ## Instead

    Read it with `from`, or remove it.

    ## Source

    The language reference, "Top level": inputs.
    """
    return finding


@reported("SC107", Severity.WARNING)
def unused_dimension(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A dimension under dims that no input and no expression names.

    ## What it does

    Reports each entry of `dims` that stands in no shape.

    ## Why it matters

    A size given to `Height` does nothing where the input says `H`: the input stays open, and its sizes are
    not checked at all.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, H, H]}
    dims: {H: 32, W: 32}  # here
    layers: [{op: relu}]
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, H, W]}
    dims: {H: 32, W: 32}
    layers: [{op: relu}]
    ```

    ## Instead

    Write the name into the shape of an input, or remove it.

    ## Source

    The language reference, "Top level": dims.
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


@reported("SC112")
def duplicate_name(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Two layers of one scope have the same name.

    ## What it does

    Reports the second layer of a file, or of a block, that takes a name which the first has.

    ## Why it matters

    `from: look` could mean either. Readers that keep the last, or the first, build two different networks
    out of one file.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: look, op: conv, out_channels: 8, kernel_size: 3}
      - {name: look, op: conv, out_channels: 16, kernel_size: 3}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: look1, op: conv, out_channels: 8, kernel_size: 3}
      - {name: look2, op: conv, out_channels: 16, kernel_size: 3}
    ```

    ## Instead

    Give one of the two another name, or none: it is then called by its op and a number.

    ## Source

    The language reference, "A layer": name.
    """
    return finding


@reported("SC113")
def name_clash(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer has the name of an input, or a param that of a dimension.

    ## What it does

    Reports a layer whose name an input has, and a name that stands under `params` as well as under `dims`.

    ## Why it matters

    `from: image` could mean the picture or the layer, `--set H=512` the param or the size of the input.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: image, op: relu}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: positive, op: relu}
    ```

    ## Instead

    Rename one of the two.

    ## Source

    The language reference, "A layer": name.
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


@reported("SC116")
def endless_block(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A block places itself, directly or through others, and no when ends it.

    ## What it does

    Stops where blocks are placed inside each other deeper than `limits.block_depth`, 100 by default, and
    prints the nesting.

    ## Why it matters

    A U-Net of any depth is one block that holds the next level down. Without the `when` that ends it there
    is always a next level.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    blocks:
      level:
        params: {depth: null}
        layers:
          - {op: max_pool, kernel_size: 2}
          - {block: level, with: {depth: =depth - 1}}  # here
          - {op: upsample, scale_factor: 2}
    layers:
      - {block: level, with: {depth: 3}}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 8, 64, 64]}
    blocks:
      level:
        params: {depth: null}
        layers:
          - {op: max_pool, kernel_size: 2}
          - {block: level, with: {depth: =depth - 1}, when: =depth > 1}
          - {op: upsample, scale_factor: 2}
    layers:
      - {block: level, with: {depth: 3}}
    ```

    ## Instead

    End the recursion with `when`, on a param that grows smaller with each level.

    ## Source

    The language reference, "A layer": a block may place itself where a `when` ends it.
    """
    return finding


@reported("SC117")
def too_many_repeats(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A repeat asks for more copies than `limits.repeat` allows.

    ## What it does

    Compares the value of `repeat` with `limits.repeat`, 100,000 by default, before any copy is made.

    ## Why it matters

    A few characters can ask for more layers than fit into memory: `repeat: =width * width * width` is
    16,777,216 copies at a width of 256. The deepest networks that people train have some thousand layers.

    ## An example that fails

    ```yaml fails limits.repeat=10
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    blocks:
      stage:
        layers: [{op: relu}]
    layers:
      - {block: stage, repeat: 11}  # here
    ```

    ## An example that passes

    ```yaml passes limits.repeat=10
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    blocks:
      stage:
        layers: [{op: relu}]
    layers:
      - {block: stage, repeat: 10}
    ```

    ## Instead

    Correct the expression, or raise the limit in `shapecheck.toml` or `pyproject.toml`.

    ## Source

    The configuration reference, "limits".
    """
    return finding


@reported("SC118")
def too_many_layers(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """Once its blocks are placed the network has more layers than `limits.layers` allows.

    ## What it does

    Counts layers while blocks are placed and repeats are copied, and stops at `limits.layers`, 250,000 by
    default. One finding stands for all that is beyond.

    ## Why it matters

    Repeats inside repeats multiply: three levels of 100 are a million layers, out of ten lines.

    ## An example that fails

    ```yaml fails limits.layers=10
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    blocks:
      stage:
        layers: [{op: relu}]  # here
    layers:
      - {block: stage, repeat: 12}
    ```

    ## An example that passes

    ```yaml passes limits.layers=10
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    blocks:
      stage:
        layers: [{op: relu}]
    layers:
      - {block: stage, repeat: 9}
    ```

    ## Instead

    Correct the repeats, or raise the limit in `shapecheck.toml` or `pyproject.toml`.

    ## Source

    The configuration reference, "limits".
    """
    return finding
