"""XLA's flops and memory against what is counted here, with the difference between them explained to the last tap."""

from __future__ import annotations

import itertools
import math
import random
import struct
from pathlib import Path
from typing import Any

import jax
import numpy as np
import paths
import pytest
from amounts import amount, drawn, sampled
from texts import check_file

from shapecheck import loads, propagate
from shapecheck.analysis.cost import cost, on_padding, total
from shapecheck.graph.network import Network
from shapecheck.verification import Plan
from shapecheck.verification.cost_comparison import cost_of, retyped
from shapecheck.verification.records.compiler_cost import CompilerCost
from shapecheck.verification.reference.compiled_cost import forward, layer_flops, on_device, training
from shapecheck.verification.reference.training_step import SLOTS

EXAMPLES = sorted(paths.EXAMPLES.glob("*.net.yaml"))
# What XLA adds for each output of a module that has several: a pointer.
POINTER = 8


def single(count: float) -> float:
    """As XLA keeps a count: in 32-bit floating point."""
    (found,) = struct.unpack("f", struct.pack("f", count))
    return float(found)


def example(path: Path) -> Network:
    """An example at one picture: flops grow with the batch alike."""
    network = check_file(str(path)).network
    assert network is not None
    names = {node.dims[0] for node in network.inputs} - {None}
    return check_file(str(path), dict.fromkeys(names, 1)).network or network  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sampled(EXAMPLES, 6), ids=lambda path: path.name.partition(".")[0])
def test_each_layer_of_an_example_has_the_multiply_adds_that_xla_counts(path: Path) -> None:
    network = example(path)
    shapes = propagate(network)
    wanted = {node.index: cost(shapes, node).multiply_adds for node in network.layers}
    multiplying = {index: ours for index, ours in wanted.items() if ours}
    # Of the layers in which nothing is multiplied and added by our count, one of each kind.
    others = {node.op: node.index for node in network.layers if node.index not in multiplying}
    with on_device(network, "cpu"):
        theirs = layer_flops(network, {*multiplying, *others.values()})
    assert len(multiplying) > 2
    for index, ours in multiplying.items():
        assert isinstance(ours, int)
        expected = 2 * (ours - on_padding(shapes, network.nodes[index]))
        assert theirs[index].contractions == single(expected), network.nodes[index].name
    for op, index in others.items():
        assert theirs[index].contractions == 0, op


def one_layer(rng: random.Random) -> str:
    """A convolution or a transposed one, on a small map of one, two or three axes."""
    axes = rng.randint(1, 3)
    op = rng.choice(["conv", "conv_transpose"])
    groups = rng.choice([1, 1, 2])
    k, s, d = ([rng.randint(1, most) for _ in range(axes)] for most in (4, 3, 2))
    p = [[rng.randint(0, 3), rng.randint(0, 3)] for _ in range(axes)]
    padding = rng.choice([p, p, p, "'same'", "'same_lower'", "'full'", "'half'"])
    size = [rng.randint(5, 9) for _ in range(axes)]
    if op == "conv_transpose":
        size = [rng.randint(3, 6) for _ in range(axes)]
    return (
        f"shapecheck: 1\nname: one\ninputs: {{x: {[rng.randint(1, 3), 2 * groups, *size]}}}\nlayers:\n"
        f"  - {{name: l, op: {op}, out_channels: {3 * groups}, kernel_size: {k}, stride: {s}, dilation: {d},"
        f" padding: {padding}, groups: {groups}}}\n"
    ).replace("'", "")


def taps_one_by_one(small: tuple[int, ...], large: tuple[int, ...], edges: Any, k: Any, s: Any, d: Any) -> int:
    """Place a kernel at each element of the small map; count the taps that meet the large one, all axes at once."""
    there = np.zeros([n + low + high for n, (low, high) in zip(large, edges, strict=True)], dtype=bool)
    there[tuple(slice(low, low + n) for n, (low, _) in zip(large, edges, strict=True))] = True
    found = 0
    for place in itertools.product(*map(range, small)):
        for tap in itertools.product(*map(range, k)):
            at = tuple(i * step + t * far for i, step, t, far in zip(place, s, tap, d, strict=True))
            found += all(i < n for i, n in zip(at, there.shape, strict=True)) and bool(there[at])
    return found


@drawn
def test_single_layers_against_taps_counted_one_by_one() -> None:
    rng = random.Random(7)
    looked_at = padded = 0
    while looked_at < amount(60):
        network = loads(one_layer(rng))
        shapes = propagate(network)
        node = network.layers[0]
        layer: Any = node.layer
        before, after = shapes.outputs[0], shapes.outputs[1]
        if before is None or after is None:
            continue
        looked_at += 1
        x, y = (tuple(int(str(n)) for n in shape) for shape in (before, after))
        small, large = (y, x) if node.op == "conv" else (x, y)
        k, s, d, p = layer.kernel_size, layer.stride or 1, layer.dilation or 1, layer.padding or 0
        spans = [(one - 1) * far + 1 for one, far in zip(k, d, strict=True)]
        if isinstance(p, str) and p.startswith("same"):
            p = jax.lax.padtype_to_pads(large[2:], spans, s, p.upper())
        elif isinstance(p, str):
            p = [(span // 2, span // 2) if p == "half" else (span - 1, span - 1) for span in spans]
        taps = taps_one_by_one(small[2:], large[2:], p, k, s, d)
        # Every tap on input multiplies one input channel of its group into one output channel.
        expected = 2 * taps * x[0] * x[1] * (y[1] // layer.groups)
        ours, skipped = cost(shapes, node).multiply_adds, on_padding(shapes, node)
        assert isinstance(ours, int)
        with on_device(network, "cpu"):
            theirs = layer_flops(network)[node.index]
        assert theirs.contractions == expected == 2 * (ours - skipped), (node.op, vars(layer), x, y)
        # All that is left is the bias: one addition for each element of the output.
        assert theirs.total == expected + math.prod(y)
        padded += skipped > 0
    assert padded > amount(30, 12)


@pytest.mark.parametrize("name", sampled(["lenet5", "autoencoder", "dcgan_discriminator"], 3))
def test_the_difference_is_explained(name: str) -> None:
    network = example(next(path for path in EXAMPLES if path.name.startswith(name)))
    found = cost_of(network, Plan(device="cpu", optimizer="adam"))
    assert isinstance(found, CompilerCost) and found.forward.flops is not None
    assert found.other is not None and found.optimised is not None and not found.differing
    explained = found.counted - 2 * found.on_padding + sum(each.flops for each in found.other)
    assert found.forward.flops == pytest.approx(explained + found.optimised, rel=1e-6)
    # What is left to the optimiser, which nobody here counts, is little.
    assert abs(found.optimised) < 0.005 * found.forward.flops
    assert 0.8 < (found.ratio or 0) < 1.1
    # Backward costs about two forward passes; the first layer has no input to differentiate by.
    assert found.training.lowered_flops is not None
    assert 2.3 < found.training.lowered_flops / found.forward.flops < 4


NETWORK = """
shapecheck: 1
name: two
inputs: {image: [4, 3, 9, 8], words: {shape: [4, 5], dtype: int32}}
layers:
  - {name: c, op: conv, from: image, out_channels: 6, kernel_size: 3}
  - {op: batch_norm}
  - {op: global_avg_pool}
  - {name: f, op: flatten}
  - {name: e, op: embedding, from: words, num_embeddings: 50, embedding_dim: 7}
  - {name: g, op: flatten}
  - {name: both, op: concat, from: [f, g], axis: 1}
  - {name: out, op: linear, out_features: 11}
outputs: {scores: out, features: f}
"""
PARAMETERS = (6 * 3 * 9 + 6) + (6 + 6) + 50 * 7 + (6 + 35) * 11 + 11


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("bfloat16", 2), ("float16", 2)])
@pytest.mark.parametrize("optimizer", sampled(["adam", "momentum", "sgd"], 3))
def test_memory_is_that_of_the_arrays_to_the_byte(dtype: str, size: int, optimizer: Any) -> None:
    network = retyped(loads(NETWORK), dtype)
    assert total(propagate(network)).parameters == PARAMETERS
    inputs = 4 * 3 * 9 * 8 * size + 4 * 5 * 4
    with on_device(network, "cpu") as platform:
        seen = forward(network, platform)
        step = training(network, optimizer, platform, exact=False)
    assert seen.argument == PARAMETERS * size + inputs
    assert seen.output == 4 * (11 + 6) * size + 2 * POINTER
    assert seen.alias == 0
    slots = len(SLOTS[optimizer])
    counter = 4 if optimizer == "adam" else 0
    held = (1 + slots) * PARAMETERS * size + counter
    assert step.argument == held + inputs
    assert step.alias == held
    arrays = 7 * (1 + slots) + (optimizer == "adam") + 1
    # The loss is a float32.
    assert step.output == held + 4 + POINTER * arrays
    assert step.held == step.argument + step.output + (step.temporary or 0) - held


@pytest.mark.slow
def test_memory_is_that_of_default_options() -> None:
    """Buffers do not depend on the option that makes compiling fast: what is told is what training would take."""
    network = check_file(str(EXAMPLES[0].with_name("autoencoder.net.yaml"))).network
    assert network is not None
    from shapecheck.verification.reference.compiled_cost import step_of

    with on_device(network, "cpu") as platform:
        told = training(network, "adam", platform)
        step = step_of(network, "adam")
        jitted = jax.jit(step.function, donate_argnums=(0, 1), keep_unused=True)
        memory = jitted.lower(*step.arguments).compile().memory_analysis()
    assert told.temporary == memory.temp_size_in_bytes
    assert told.argument == memory.argument_size_in_bytes
    assert told.output == memory.output_size_in_bytes
