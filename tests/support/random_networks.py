"""Random networks of one spatial axis, as text in the language: chains, skips, branches, pyramids."""

from __future__ import annotations

import random


def layer(rng: random.Random, name: str) -> str:
    """Return one layer that changes the size of its input."""
    k, s = rng.choice([1, 2, 3, 3, 4, 5, 7]), rng.choice([1, 1, 2, 2, 3, 4, 5, 7])
    p, d = rng.randint(0, k), rng.choice([1, 1, 1, 2, 3])
    kind = rng.choice(
        ["conv", "conv", "conv", "same", "pool", "ceil", "transposed", "up", "resize", "pad", "crop", "slice", "down"]
    )
    if kind == "conv":
        return (
            f"{{name: {name}, op: conv, out_channels: 4, kernel_size: {k}, stride: {s}, padding: {p}, dilation: {d}}}"
        )
    if kind == "same":
        word = rng.choice(["same", "same_lower", "half", "full"])
        return f"{{name: {name}, op: conv, out_channels: 4, kernel_size: {k}, stride: {s}, padding: {word}}}"
    if kind in ("pool", "ceil"):
        mode = "true" if kind == "ceil" else "false"
        p = min(p, k // 2)
        return f"{{name: {name}, op: max_pool, kernel_size: {k}, stride: {s}, padding: {p}, ceil_mode: {mode}}}"
    if kind == "transposed":
        s = min(s, 4)
        return (
            f"{{name: {name}, op: conv_transpose, out_channels: 4, kernel_size: {k}, stride: {s}, padding: {min(p, 2)},"
            f" output_padding: {rng.randrange(s)}}}"
        )
    if kind == "up":
        return f"{{name: {name}, op: upsample, scale_factor: {rng.choice([2, 2, 3, 0.5, 1.5])}}}"
    if kind == "resize":
        return f"{{name: {name}, op: adaptive_avg_pool, output_size: {rng.randint(1, 9)}}}"
    if kind == "pad":
        return f"{{name: {name}, op: pad, padding: [[{rng.randint(0, 3)}, {rng.randint(0, 3)}]]}}"
    if kind == "crop":
        return f"{{name: {name}, op: crop, cropping: [[{rng.randint(0, 2)}, {rng.randint(0, 2)}]]}}"
    if kind == "slice":
        stop = rng.choice(["", f", stop: {rng.randint(2, 9)}", f", stop: -{rng.randint(1, 3)}"])
        start, step = rng.choice([0, 0, 1, 2, -3]), rng.choice([1, 1, 2])
        return f"{{name: {name}, op: slice, axis: 2, start: {start}{stop}, step: {step}}}"
    return f"{{name: {name}, op: conv, out_channels: 4, kernel_size: {s}, stride: {s}}}"


def network(rng: random.Random, size: int = 64) -> str:
    """Return a network with an input of the named dimension H."""
    names = ["x"]
    lines = ["shapecheck: 1", "inputs: {x: [1, 4, H]}", f"dims: {{H: {size}}}", "layers:"]

    def add(text: str, name: str) -> None:
        lines.append(f"  - {text}")
        names.append(name)

    for count in range(1, rng.randint(1, 5) + 1):
        source = rng.choice(names[-2:])
        text = layer(rng, f"l{count}")
        add(text[:-1] + f", from: {source}}}", f"l{count}")
        if rng.random() < 0.5:
            add(_mirror(rng, lines, count), f"m{count}")
        if rng.random() < 0.35 and len(names) > 2:
            one, other = rng.sample(names, 2)
            op = rng.choice(["concat", "add", "like"])
            if op == "like":
                add(f"{{name: j{count}, op: crop, from: {one}, like: {other}}}", f"j{count}")
            elif op == "add":
                add(f"{{name: j{count}, op: add, from: [{one}, {other}]}}", f"j{count}")
            else:
                # Back to four channels, so that what comes later differs in sizes alone.
                lines.append(f"  - {{name: q{count}, op: concat, from: [{one}, {other}]}}")
                add(f"{{name: j{count}, op: conv, out_channels: 4, kernel_size: 1}}", f"j{count}")
    if rng.random() < 0.3:
        lines.append(
            f"  - {{name: same, op: identity, from: {names[-1]}, same_shape_as: {rng.choice(['x', names[1]])}}}"
        )
    if rng.random() < 0.15:
        lines.append(
            f"  - {{name: small, op: pixel_unshuffle, from: {rng.choice(names)}, factor: {rng.randint(2, 3)}}}"
        )
    return "\n".join(lines) + "\n"


def _mirror(rng: random.Random, lines: list[str], count: int) -> str:
    """Return a layer that undoes the last one, rightly or nearly."""
    s = next((int(part.split(":")[1].strip(" }")) for part in lines[-1].split(",") if "stride" in part), 2)
    if rng.random() < 0.5:
        return f"{{name: m{count}, op: upsample, scale_factor: {s}}}"
    return f"{{name: m{count}, op: conv_transpose, out_channels: 4, kernel_size: {s}, stride: {s}, output_padding: 0}}"
