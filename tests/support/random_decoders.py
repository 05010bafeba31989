"""Random encoders and decoders of one spatial axis, as text, whose transposed layers leave their size open."""

from __future__ import annotations

import random

ENCODERS = ("conv", "conv", "conv", "same", "pool", "ceil")
BETWEEN = ("conv3", "pad", "crop", "up", "pool", "slice", "relu", "join", "piece")


def encoder_layer(rng: random.Random, name: str) -> tuple[str, int, int, int, int]:
    """Return a layer that shrinks, and its k, s, p and d (p is -1 for ``same``)."""
    s = rng.choice([2, 2, 3, 4])
    k, d = rng.randint(1, 5), rng.choice([1, 1, 1, 2])
    p = rng.randint(0, k // 2)
    kind = rng.choice(ENCODERS)
    if kind == "same":
        text = f"op: conv, out_channels: 2, kernel_size: {k}, stride: {s}, padding: same, dilation: {d}"
        return f"{{name: {name}, {text}}}", k, s, -1, d
    if kind == "conv":
        text = f"op: conv, out_channels: 2, kernel_size: {k}, stride: {s}, padding: {p}, dilation: {d}"
        return f"{{name: {name}, {text}}}", k, s, p, d
    mode = "true" if kind == "ceil" else "false"
    text = f"op: max_pool, kernel_size: {k}, stride: {s}, padding: {p}, ceil_mode: {mode}"
    return f"{{name: {name}, {text}}}", k, s, p, 1


def decoder_layer(rng: random.Random, name: str, k: int, s: int, p: int, d: int) -> str:
    """Return a transposed layer that leaves its size open, with this geometry."""
    padding = "same" if p < 0 else str(p)
    if d == 1 and p >= 0 and rng.random() < 0.15:
        return f"{{name: {name}, op: max_unpool, kernel_size: {k}, stride: {s}, padding: {p}}}"
    keys = f"kernel_size: {k}, stride: {s}, padding: {padding}, dilation: {d}"
    return f"{{name: {name}, op: conv_transpose, out_channels: 2, {keys}}}"


def between(rng: random.Random, name: str, above: str, others: list[str]) -> str:
    """Return a layer that stands between two transposed ones."""
    kind = rng.choice(BETWEEN)
    if kind == "conv3":
        return (
            f"{{name: {name}, op: conv, from: {above}, out_channels: 2, kernel_size: 3, padding: {rng.randint(0, 1)}}}"
        )
    if kind == "pad":
        return f"{{name: {name}, op: pad, from: {above}, padding: [[{rng.randint(0, 2)}, {rng.randint(0, 2)}]]}}"
    if kind == "crop":
        return f"{{name: {name}, op: crop, from: {above}, cropping: [[{rng.randint(0, 1)}, {rng.randint(0, 1)}]]}}"
    if kind == "up":
        return f"{{name: {name}, op: upsample, from: {above}, scale_factor: {rng.choice([2, 1.5, 0.5])}}}"
    if kind == "pool":
        mode = rng.choice(["true", "false"])
        return f"{{name: {name}, op: avg_pool, from: {above}, kernel_size: 2, ceil_mode: {mode}}}"
    if kind == "slice":
        return f"{{name: {name}, op: slice, from: {above}, axis: 2, step: {rng.randint(1, 2)}}}"
    if kind == "join":
        return f"{{name: {name}, op: concat, from: [{above}, {rng.choice([above, *others])}], axis: 2}}"
    if kind == "piece":
        return f"{{name: {name}, op: chunk, from: {above}, axis: 2, chunks: 2, index: {rng.randint(0, 1)}}}"
    return f"{{name: {name}, op: relu, from: {above}}}"


def network(rng: random.Random, size: int) -> str:
    """Return a network with an input of ``size``; mostly one that some choice of a fits."""
    levels = []
    lines = [f"shapecheck: 1\ninputs: {{x: [1, 2, {size}]}}\nlayers:"]
    for number in range(rng.randint(1, 3)):
        text, *geometry = encoder_layer(rng, f"e{number}")
        lines.append(f"  - {text}")
        levels.append(tuple(geometry))
    above = f"e{len(levels) - 1}"
    made: list[str] = []
    pairs: list[tuple[str, str]] = []
    for number in reversed(range(len(levels))):
        name = f"d{number}"
        if rng.random() < 0.3:
            lines.append(f"  - {between(rng, f'b{number}', above, made)}")
            above = f"b{number}"
        k, s, p, d = levels[number]
        if rng.random() < 0.15:
            k, p = k + 1, max(p, 0)
        lines.append(f"  - {decoder_layer(rng, name, k, s, p, d)[:-1]}, from: {above}}}")
        above = name
        made.append(name)
        source = f"e{number - 1}" if number else "x"
        kind = rng.choice(["concat", "add", "like", "pair", "", "", ""])
        if kind in ("concat", "add"):
            lines.append(f"  - {{name: m{number}, op: {kind}, from: [{source}, {name}]}}")
            lines.append(f"  - {{name: c{number}, op: conv, out_channels: 2, kernel_size: 1}}")
            above = f"c{number}"
        elif kind == "like":
            lines.append(f"  - {{name: m{number}, op: upsample, from: {name}, like: {source}}}")
        elif kind == "pair":
            pairs.append((name, f"e{number}"))
    if rng.random() < 0.3:
        lines.append(f"  - {between(rng, 'last', above, made)}")
        above = "last"
    kind = rng.choice(["same", "same", "number", "none"])
    if kind == "same":
        lines.append(f"outputs: {{y: {{from: {above}, same_shape_as: x}}}}")
    elif kind == "number":
        lines.append(f"outputs: {{y: {{from: {above}, expect: [1, 2, {size + rng.randint(-2, 2)}]}}}}")
    else:
        lines.append(f"outputs: [{above}]")
    if pairs:
        lines.append("symmetry: {" + ", ".join(f"{d}: {e}" for d, e in pairs) + "}")
    return "\n".join(lines) + "\n"
