"""Random decoders with up to three open layers, in which sizes are joined, counted, merged and mistaken."""

from __future__ import annotations

import random
from typing import Any

from shapecheck import api
from shapecheck.analysis.propagation import propagate

# What may stand behind the open layers, and most of it cares for their sizes.
ENDS = (
    "flatten",
    "flatten",
    "linear",
    "expect",
    "reshape",
    "chunk",
    "narrow",
    "merge",
    "wrong merge",
    "broken",
    "nothing",
    "nothing",
)


def decoder(rng: random.Random) -> str:
    """Return a network; mostly one that some values of all its open a fit."""
    axes = rng.choice([1, 1, 2])
    size = [rng.randint(2, 7) for _ in range(axes)]
    lines = [f"shapecheck: 1\ninputs: {{x: [1, 2, {', '.join(map(str, size))}]}}\nlayers:"]
    above, branches = "x", ["x"]
    if rng.random() < 0.3:
        lines.append("  - {name: e, op: conv, out_channels: 2, kernel_size: 2, stride: 2, padding: 1}")
        above = "e"
    count = rng.randint(1, 3 if axes == 1 else 2)
    for number in range(count):
        source = rng.choice(branches) if rng.random() < 0.25 else above
        k, s = rng.randint(1, 4), rng.choice([2, 2, 3]) if axes == 1 else 2
        p = rng.randint(0, k // 2)
        geometry = f"kernel_size: {k}, stride: {s}, padding: {p}"
        op = "op: max_unpool" if p == 0 and rng.random() < 0.15 else "op: conv_transpose, out_channels: 2"
        lines.append(f"  - {{name: u{number}, {op}, from: {source}, {geometry}}}")
        above = f"u{number}"
        branches.append(above)
        if rng.random() < 0.4:
            lines.append(f"  - {{name: b{number}, from: {above}, {between(rng)}}}")
            above = f"b{number}"
    for number in range(rng.randint(1, 2)):
        source = rng.choice(branches) if rng.random() < 0.4 else above
        lines += end(rng, f"z{number}", source, branches, "\n".join(lines))
    return "\n".join(lines) + "\n"


def between(rng: random.Random) -> str:
    return rng.choice(
        [
            "op: relu",
            "op: conv, out_channels: 2, kernel_size: 3, padding: 1",
            "op: conv, out_channels: 2, kernel_size: 3, stride: 2, padding: 1",
            f"op: conv, out_channels: 2, kernel_size: {rng.randint(2, 5)}",
            "op: max_pool, kernel_size: 2, ceil_mode: true",
            "op: upsample, scale_factor: 2",
        ]
    )


def end(rng: random.Random, name: str, source: str, branches: list[str], text: str) -> list[str]:
    """Return what stands behind ``source``, with numbers that some values of a make right."""
    kind = rng.choice(ENDS)
    shape = possible(rng, text, source)
    if shape is None:
        return []
    more = rng.choice([0, 0, 0, 1])
    if kind == "flatten":
        features = 2
        for one in shape[2:]:
            features *= one
        flat = f"  - {{name: {name}f, op: flatten, from: {source}}}"
        return [flat, f"  - {{name: {name}, op: linear, in_features: {features + more}, out_features: 3}}"]
    if kind == "linear":
        return [f"  - {{name: {name}, op: linear, from: {source}, in_features: {shape[-1] + more}, out_features: 3}}"]
    if kind == "expect":
        sizes = [shape[2] + more, *shape[3:]]
        if len(sizes) > 1 and rng.random() < 0.5:
            sizes[1] = "_"
        return [f"  - {{name: {name}, op: relu, from: {source}, expect: [1, 2, {', '.join(map(str, sizes))}]}}"]
    if kind == "reshape":
        return [f"  - {{name: {name}, op: reshape, from: {source}, shape: [1, -1, {rng.randint(2, 6)}]}}"]
    if kind == "chunk":
        return [f"  - {{name: {name}, op: chunk, from: {source}, axis: 2, chunks: 2, index: 1}}"]
    if kind == "narrow":
        kernel = max(shape[2] + more, 1)
        return [f"  - {{name: {name}, op: conv, from: {source}, out_channels: 2, kernel_size: {kernel}}}"]
    if kind == "merge":
        return [f"  - {{name: {name}, op: add, from: [{source}, {rng.choice(branches)}]}}"]
    if kind == "wrong merge":
        other = f"  - {{name: {name}w, op: conv, from: {source}, out_channels: 3, kernel_size: 1}}"
        return [other, f"  - {{name: {name}, op: add, from: [{source}, {name}w]}}"]
    if kind == "broken":
        return [f"  - {{name: {name}, op: conv, from: {source}, in_channels: 5, out_channels: 2, kernel_size: 1}}"]
    return []


def possible(rng: random.Random, text: str, source: str) -> tuple[Any, ...] | None:
    """Return the shape of a layer with random values of every open a; None where it has none."""
    network = api.loads(text)
    layers = {}
    for node in network.layers:
        if node.layer is not None and node.op in ("conv_transpose", "max_unpool"):
            count = len(network.nodes[0].shape) - 2
            s = node.layer.stride
            s = s if isinstance(s, int) else s[0]
            layers[node.index] = node.layer.with_keys(output_padding=tuple(rng.randrange(s) for _ in range(count)))
    return propagate(network, layers)[source].output
