"""Rules on the second witness: codes SC8xx."""

from __future__ import annotations

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.diagnostics import Finding
from shapecheck.rules.base import reported


@reported("SC801")
def witness_disagrees(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """JAX/XLA gives this layer another shape than the arithmetic, or refuses it.

    ## What it does

    `shapecheck verify` builds the network with JAX, without looking at the shapes that the arithmetic
    computed, traces and compiles it, and compares every layer. A layer on which the two differ is reported
    with both shapes.

    ## Why it matters

    Two programs that compute the same number in two ways are wrong together more rarely than one. A
    difference means that the arithmetic, the build, or JAX is wrong about this layer: trust neither shape
    until it is known which.

    ## An example that fails

    No file can show it: a network on which the two differ is a defect of shapecheck, and is mended when it
    is found.

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [1, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
    ```

    ## Instead

    Please report the network, with the output of `shapecheck verify` and of `shapecheck explain` for the
    layer.

    ## Source

    JAX, `jax.eval_shape` and `jax.jit(...).lower(...).compile()`.
    """
    return finding
