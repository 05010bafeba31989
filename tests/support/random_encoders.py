"""Random encoder-decoders, pyramids and classifiers of one spatial axis, most of which work at some sizes."""

from __future__ import annotations

import random


def down(rng: random.Random, name: str, above: str, s: int) -> str:
    kind = rng.choice(["pool", "pool", "ceil", "conv", "conv", "even", "unshuffle", "slice"])
    if kind == "pool" or kind == "ceil":
        k = rng.choice([s, s, s + 1])
        p = rng.choice([0, 0, k // 2])
        mode = "true" if kind == "ceil" else "false"
        keys = f"kernel_size: {k}, stride: {s}, padding: {p}, ceil_mode: {mode}"
        return f"{{name: {name}, op: avg_pool, from: {above}, {keys}}}"
    if kind == "unshuffle":
        return f"{{name: {name}, op: pixel_unshuffle, from: {above}, factor: {s}}}"
    if kind == "slice":
        return f"{{name: {name}, op: slice, from: {above}, axis: 2, step: {s}}}"
    k, p = (3, 1) if kind == "conv" else (s, 0)
    word = rng.choice([str(p), str(p), "same", "half"])
    return f"{{name: {name}, op: conv, from: {above}, out_channels: 8, kernel_size: {k}, stride: {s}, padding: {word}}}"


def up(rng: random.Random, name: str, above: str, s: int, encoder: str, like: str) -> str:
    kind = rng.choice(["upsample", "upsample", "transposed", "transposed", "shuffle", "of", "like"])
    if kind == "of" and "op: conv," in encoder:
        mirrored = encoder.split(",")[0][7:]
        return f"{{name: {name}, op: conv_transpose, from: {above}, out_channels: 8, transpose_of: {mirrored}}}"
    if kind == "like" and rng.random() < 0.3:
        return f"{{name: {name}, op: upsample, from: {above}, like: {like}}}"
    if kind == "shuffle":
        # So many channels that the factor divides them.
        return f"{{name: {name}, op: upsample, from: {above}, scale_factor: {s}}}"
    if kind == "transposed":
        k, p, a = rng.choice([(s, 0, 0), (s, 0, 0), (3, 1, s - 1), (s + 2, 1, 0), (s, 0, rng.randrange(s))])
        keys = f"out_channels: 8, kernel_size: {k}, stride: {s}, padding: {p}, output_padding: {a}"
        return f"{{name: {name}, op: conv_transpose, from: {above}, {keys}}}"
    return f"{{name: {name}, op: upsample, from: {above}, scale_factor: {s}}}"


def plain(rng: random.Random, name: str, above: str, valid: bool) -> str:
    k = rng.choice([1, 3, 5])
    p = 0 if valid else k // 2
    return f"{{name: {name}, op: conv, from: {above}, out_channels: 8, kernel_size: {k}, padding: {p}}}"


def unet(rng: random.Random) -> str:
    """Return an encoder, a decoder, and skips between them."""
    valid = rng.random() < 0.3
    lines: list[str] = []
    skips: list[tuple[str, str, int]] = []
    above = "x"

    def add(text: str, name: str) -> str:
        lines.append(f"  - {text}")
        return name

    for level in range(rng.randint(1, 4)):
        if rng.random() < 0.6:
            above = add(plain(rng, f"c{level}", above, valid), f"c{level}")
        s = rng.choice([2, 2, 2, 3, 4, 5])
        text = down(rng, f"e{level}", above, s)
        skips.append((above, text, s))
        above = add(text, f"e{level}")
        if "unshuffle" in text:
            above = add(f"{{name: n{level}, op: conv, from: {above}, out_channels: 8, kernel_size: 1}}", f"n{level}")
    for level in reversed(range(len(skips))):
        skip, text, s = skips[level]
        if rng.random() < 0.3:
            above = add(plain(rng, f"k{level}", above, valid), f"k{level}")
            if "transpose_of" in text:
                continue
        above = add(up(rng, f"u{level}", above, s, text, skip), f"u{level}")
        kind = rng.choice(["concat", "concat", "add", "none"])
        if kind != "none":
            if valid and rng.random() < 0.8:
                skip = add(f"{{name: s{level}, op: crop, from: {skip}, like: {above}}}", f"s{level}")
            if kind == "concat":
                above = add(f"{{name: j{level}, op: concat, from: [{skip}, {above}]}}", f"j{level}")
                above = add(f"{{name: o{level}, op: conv, out_channels: 8, kernel_size: 1}}", f"o{level}")
            else:
                above = add(f"{{name: j{level}, op: add, from: [{skip}, {above}]}}", f"j{level}")
    if not valid and rng.random() < 0.3:
        lines.append(f"  - {{name: last, op: identity, from: {above}, expect: [_, _, H]}}")
    return network(lines)


def pyramid(rng: random.Random) -> str:
    """Return branches of different strides, all back to one size and joined."""
    lines, names = [], ["x"]
    for branch in range(rng.randint(1, 4)):
        s = rng.choice([1, 2, 2, 3, 4, 5, 6, 7])
        mode = rng.choice(["true", "false"])
        lines.append(f"  - {{name: d{branch}, op: avg_pool, from: x, kernel_size: {s}, ceil_mode: {mode}}}")
        lines.append(f"  - {plain(rng, f'c{branch}', f'd{branch}', rng.random() < 0.1)}")
        lines.append(f"  - {{name: u{branch}, op: upsample, from: c{branch}, scale_factor: {s}}}")
        names.append(f"u{branch}")
    lines.append(f"  - {{name: join, op: concat, from: [{', '.join(names)}]}}")
    return network(lines)


def inception(rng: random.Random) -> str:
    """Return branches of one stride and other kernels, joined: they agree where their roundings do."""
    lines, s = [], rng.choice([2, 3, 4, 5, 6])
    for branch in range(rng.randint(2, 4)):
        k = rng.randint(1, 7)
        p = rng.randint(0, k // 2)
        op = rng.choice(["conv, out_channels: 8", "max_pool", "max_pool, ceil_mode: true"])
        lines.append(f"  - {{name: b{branch}, from: x, op: {op}, kernel_size: {k}, stride: {s}, padding: {p}}}")
    lines.append(f"  - {{name: join, op: concat, from: [{', '.join(f'b{n}' for n in range(len(lines)))}]}}")
    if rng.random() < 0.5:
        lines.append("  - {name: half, op: max_pool, kernel_size: 2, ceil_mode: true}")
        lines.append("  - {name: back, op: upsample, scale_factor: 2}")
        lines.append("  - {name: sum, op: concat, from: [back, join]}")
    return network(lines)


def classifier(rng: random.Random) -> str:
    """Return a chain that ends in a linear layer of so many features."""
    lines = []
    for level in range(rng.randint(1, 4)):
        above = "x" if level == 0 else f"e{level - 1}"
        text = down(rng, f"e{level}", above, rng.choice([1, 2, 2, 3]))
        lines.append(f"  - {text.replace('out_channels: 8', 'out_channels: 4')}")
    lines.append("  - {name: narrow, op: conv, out_channels: 4, kernel_size: 1}")
    lines.append("  - {op: flatten}")
    lines.append(f"  - {{name: fc, op: linear, in_features: {4 * rng.randint(1, 12)}, out_features: 3}}")
    return network(lines)


def network(lines: list[str]) -> str:
    return "\n".join(["shapecheck: 1", "inputs: {x: [1, 8, H]}", "dims: {H: 64}", "layers:", *lines]) + "\n"


KINDS = (unet, unet, unet, pyramid, inception, classifier)


def any_network(rng: random.Random) -> str:
    return rng.choice(KINDS)(rng)
