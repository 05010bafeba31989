"""Rules on the second witness: codes SC8xx."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from shapecheck.analysis.propagation import Shapes, Trouble
from shapecheck.arithmetic.shape import show
from shapecheck.findings.finding import Diagnostic, Finding, Severity, Span
from shapecheck.graph.network import Network, Node
from shapecheck.rules.base import reported
from shapecheck.verify import Verification
from shapecheck.verify.comparison import Comparison, Differing
from shapecheck.verify.execution import Execution, Lost, NotFinite

# Rules that have said already why no gradient comes through a layer.
_EXPLAINED = ("unused-layer", "layers-without-effect", "norm-of-one-value", "softmax-of-one")


@reported("SC801")
def witness_disagrees(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """JAX/XLA gives this layer another shape or other parameters than the arithmetic, or refuses it.

    ## What it does

    `shapecheck verify` builds the network with JAX, without looking at the shapes that the arithmetic
    computed, traces and compiles it, and compares every layer: its shape, and the number of its parameters. A
    layer on which the two differ is reported with both.

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


@reported("SC802")
def not_finite(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer gives infinite numbers, or none at all, when the network is run on random numbers.

    ## What it does

    `shapecheck verify --level run` runs the network forward and back, its inputs and parameters drawn at random:
    inputs of mean 0 and variance 1, kernels as training begins with them, all else near its first value. The
    first layer, in the order of the forward pass, of whose output some number is infinite or not a number is
    reported; or, where all outputs are finite, the first on the way back that makes a gradient so. In float16 a
    gradient is looked at again with a loss 1024 times smaller.

    ## Why it matters

    One such number is in every later one a few layers on, and after one step of training in every parameter.
    float16 ends at 65,504: a product of two maps, or a sum over a large one, leaves it soon.

    ## An example that fails

    ```yaml verified
    shapecheck: 1
    inputs: {signal: {shape: [4, 8, 32], dtype: float16}}
    layers:
      - {name: a, op: multiply, from: [signal, signal]}
      - {name: b, op: multiply, from: [a, a]}
      - {name: c, op: multiply, from: [b, b]}
      - {name: d, op: multiply, from: [c, c]}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {signal: {shape: [4, 8, 32], dtype: float16}}
    layers:
      - {name: a, op: multiply, from: [signal, signal]}
      - {name: b, op: batch_norm}
      - {name: c, op: multiply, from: [b, b]}
    ```

    ## Instead

    Normalise before numbers grow, or compute in bfloat16 or float32 there.

    ## Source

    IEEE 754; Micikevicius and others, "Mixed precision training" (arXiv:1710.03740).
    """
    return finding


@reported("SC803", Severity.WARNING)
def no_gradient(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A parameter gets no gradient: training leaves it as it is.

    ## What it does

    `shapecheck verify --level run` takes the gradient of a sum of all outputs, each element times a random number of
    its own, by every parameter. Those whose gradient is zero throughout, on up to four draws of all numbers, are
    reported at the layer in which the gradient ends, all that end there together. Where no output depends on
    them at all, that is certain, and refutes; otherwise it is what four draws have shown, and nothing is proved.

    ## Why it matters

    The layer keeps its random first values for ever. Nothing fails: the rest of the network learns around it, and is
    worse than it could be. Typical causes are a branch of which only the shape is read, a normalisation of a single
    value, and a rectifier that reads nothing positive.

    ## An example that fails

    ```yaml verified
    shapecheck: 1
    inputs: {features: [4, 16]}
    layers:
      - {name: score, op: linear, out_features: 8}
      - {name: share, op: log_softmax}
      - {name: act, op: relu}  # here
      - {name: sum, op: linear, out_features: 2}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [4, 16]}
    layers:
      - {name: score, op: linear, out_features: 8}
      - {name: act, op: relu}
      - {name: sum, op: linear, out_features: 2}
      - {name: share, op: log_softmax}
    ```

    ## Instead

    Read the layer where it was meant to be read, or take away what stops the gradient.

    ## Source

    JAX, `jax.vjp`; Lu and others, "Dying ReLU and initialization" (arXiv:1903.06733).
    """
    return finding


@reported("SC804")
def numbers_differ(finding: Finding, shapes: Shapes | None, trouble: Trouble | None) -> Finding:
    """A layer gives other numbers on a GPU than on the CPU, by more than rounding allows.

    ## What it does

    `shapecheck verify --level run` on a GPU computes every layer there and on the CPU, from the same random inputs
    and parameters, for a batch of 2 where the network takes one. Two devices add in different orders, so their
    numbers differ by rounding: for a sum of k products by about 8 · √k · u on each, u being half the distance from
    1 to the next number of the dtype, times the size of what is added. How far cancellation widens that is measured
    on the layer itself. A layer whose numbers differ by more is reported; each layer reads the CPU's numbers, so
    that it answers for no layer before it.

    ## Why it matters

    Training and inference on that GPU compute something else than the network says. Causes are a defect of a driver,
    of a library's kernel or of XLA for this layer's sizes, and defective hardware.

    ## An example that fails

    No file can show it: on a GPU that works, every layer agrees.

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [2, 3, 32, 32]}
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      - {op: relu}
    ```

    ## Instead

    Run it again, and on another GPU: hardware that errs does not err alike twice. Try other versions of the driver
    and of JAX; what remains is worth a report to JAX, with this layer as a network of its own.

    ## Source

    Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41(5), 2019.
    """
    return finding


def findings(network: Network, known: Collection[Diagnostic], verification: Verification) -> list[Finding]:
    """Return what the second witness found, at the lines of the layers; ``known`` is what was found before."""
    nodes = {node.name: node for node in network.nodes}
    found = list(_disagreements(network, nodes, verification))
    if verification.run is not None:
        found += _of_run(nodes, known, verification.run)
    if verification.numbers is not None:
        found += _of_numbers(nodes, verification.numbers)
    return found


def _disagreements(network: Network, nodes: dict[str, Node], verification: Verification) -> Iterator[Finding]:
    for d in verification.disagreements:
        node = nodes.get(d.layer) or network.nodes[0]
        ours = "refused" if d.propagated is None else show(d.propagated)
        theirs = "refused" if d.witnessed is None else show(d.witnessed)
        yield Finding(
            "witness-disagrees",
            f"{d.layer}: {d.reason}"
            if d.propagated == d.witnessed
            else f"{d.layer}: the arithmetic says {ours}, JAX says {theirs}: {d.reason}",
            node.source.span,
            d.layer,
            "one of the two is wrong; please report this network",
        )


def _of_run(nodes: dict[str, Node], known: Collection[Diagnostic], run: Execution) -> Iterator[Finding]:
    if run.not_finite is not None:
        yield _not_finite(nodes[run.not_finite.layer], run.not_finite)
    # Copies of a layer in a block stand at one place, and one diagnostic speaks for all.
    explained = {d.span for d in known if d.rule.name in _EXPLAINED}
    for lost in run.lost:
        if not any(nodes[name].source.span in explained for name in lost.layers):
            yield _no_gradient(nodes[lost.layers[0]], lost)


def _not_finite(node: Node, wrong: NotFinite) -> Finding:
    return Finding(
        "not-finite",
        wrong.sentence(),
        node.source.span,
        node.name,
        "normalise before it, or compute it in a wider dtype"
        if wrong.what == "value"
        else "its derivative has a pole where random numbers lie, or leaves the range of the dtype",
    )


def _no_gradient(node: Node, lost: Lost) -> Finding:
    return Finding(
        "no-gradient",
        lost.sentence(),
        node.source.span,
        node.name,
        "read the layer where it was meant to be read, name it under outputs, or remove it"
        if not lost.connected
        else "the layer before it gives nothing that it lets through"
        if lost.silent
        else "what it gives hardly depends on what it reads",
    )


def _of_numbers(nodes: dict[str, Node], compared: Comparison) -> Iterator[Finding]:
    """Yield a finding for each place; of the copies of a layer that stand there, for the one that differs most."""
    places: dict[Span, list[Differing]] = {}
    for one in compared.differing:
        places.setdefault(nodes[one.layer].source.span, []).append(one)
    for span, differing in places.items():
        worst = max(differing, key=lambda one: one.difference / one.allowed if one.allowed else math.inf)
        copies = len(differing) - 1
        yield Finding(
            "numbers-differ",
            compared.sentence(worst)
            + (f"; so it is with {copies} more {'copy' if copies == 1 else 'copies'}" if copies else ""),
            span,
            worst.layer,
            f"try another driver, version of JAX or {compared.second}, and report what remains to JAX",
        )
