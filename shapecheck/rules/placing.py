"""Rules on names that are given, and on blocks that are placed: of codes SC1xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.findings.finding import Finding
from shapecheck.rules.base import reported


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
        layers: [{op: batch_norm}]
    layers:
      - {block: stage, repeat: 11}  # here
    ```

    ## An example that passes

    ```yaml passes limits.repeat=10
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    blocks:
      stage:
        layers: [{op: batch_norm}]
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
        layers: [{op: batch_norm}]  # here
    layers:
      - {block: stage, repeat: 12}
    ```

    ## An example that passes

    ```yaml passes limits.layers=10
    shapecheck: 1
    inputs: {image: [N, 8, 32, 32]}
    blocks:
      stage:
        layers: [{op: batch_norm}]
    layers:
      - {block: stage, repeat: 9}
    ```

    ## Instead

    Correct the repeats, or raise the limit in `shapecheck.toml` or `pyproject.toml`.

    ## Source

    The configuration reference, "limits".
    """
    return finding
