"""Rules on what is declared and not used: of codes SC1xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding, Severity
from shapecheck.rules.base import reported


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
