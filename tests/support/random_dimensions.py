"""Random networks of several named dimensions with every op that changes a shape, as text in the language.

They grow layer by layer, and a layer that fails at the given sizes is taken back most of the time.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.findings.finding import NetworkError


class Shaped(NamedTuple):
    """A layer or input of the network so far, and its shape at the given sizes."""

    name: str
    shape: tuple[int, ...]


DIMS = {"N": (1, 4), "H": (3, 40), "W": (3, 40), "T": (2, 30)}


def entry(rng: random.Random, name: str) -> str:
    """Return a size that stands in an input: a dimension, or arithmetic on it."""
    if rng.random() < 0.75:
        return name
    return rng.choice(
        [
            f'"={name} - {rng.randint(1, 3)}"',
            f'"={name} // {rng.randint(2, 4)} + 1"',
            f'"=2 * {name}"',
            f'"={name} // 2"',
        ]
    )


def expression(rng: random.Random, size: int, dims: dict[str, int]) -> str:
    """Return a size that is the given one at the given sizes: a number, or arithmetic on a dimension."""
    if rng.random() < 0.3 or not dims:
        return str(size)
    name = rng.choice(sorted(dims))
    n = dims[name]
    found = [f"{name} + {size - n}" if size >= n else f"{name} - {n - size}"]
    found += [f"{name} // {k} + {size - n // k}" for k in (2, 3, 7) if size >= n // k]
    found += [f"{k} * {name}" for k in (2, 3, 4) if k * n == size] + ([name] * 3 if n == size else [])
    found += [f"{name} // {k}" for k in (2, 3, 4, 7) if n // k == size]
    found += [f"min({name}, {size})"] * (n >= size) + [f"max({name} - {n}, {size})"]
    found += [f"{size} if {name} >= {rng.randint(1, n)} else {rng.randint(1, 9)}"]
    text = rng.choice(found)
    return text if text == name else f'"={text}"'


def layer(rng: random.Random, above: Shaped, all_: list[Shaped], dims: dict[str, int], name: str) -> str:
    """Return one layer that may fit."""
    shape, rank = above.shape, len(above.shape)
    axis = rng.randrange(rank)
    like = rng.choice(all_)
    k, s = rng.randint(1, 4), rng.randint(1, 3)
    spatial = rank - 2
    kinds = ["slice", "slice", "chunk", "flatten", "reshape", "reshape", "permute", "squeeze", "unsqueeze", "reduce"]
    kinds += ["linear", "identity", "expect", "merge", "merge", "concat", "stack", "attention", "softmax"]
    if spatial in (1, 2, 3):
        kinds += ["conv", "conv", "transposed", "pool", "pool", "up", "up", "adaptive", "global", "pad", "crop", "crop"]
        kinds += ["shuffle", "unshuffle", "unfold", "fold", "norm", "size", "unpool", "of", "like"]
    kind = rng.choice(kinds)
    ends = f"from: {above.name}"
    if kind == "slice":
        start = rng.choice([0, 0, 1, 2, -3, -rng.randint(1, 9)])
        stop = rng.choice(["", f", stop: {rng.randint(1, 12)}", f", stop: -{rng.randint(1, 3)}"])
        return f"op: slice, {ends}, axis: {axis}, start: {start}{stop}, step: {rng.choice([1, 1, 2])}"
    if kind == "chunk":
        chunks = rng.randint(1, 4)
        return f"op: chunk, {ends}, axis: {axis}, chunks: {chunks}, index: {rng.randrange(chunks)}"
    if kind == "flatten":
        return f"op: flatten, {ends}, start_axis: {rng.choice([1, 1, 0, min(2, rank - 1)])}"
    if kind == "reshape":
        return f"op: reshape, {ends}, shape: [{reshaped(rng, shape, dims)}]"
    if kind == "permute":
        order = rng.sample(range(rank), rank)
        return f"op: permute, {ends}, axes: {order}"
    if kind == "squeeze":
        ones = [at for at, size in enumerate(shape) if size == 1]
        return f"op: squeeze, {ends}, axis: {rng.choice(ones or [axis])}"
    if kind == "unsqueeze":
        return f"op: unsqueeze, {ends}, axis: {axis}"
    if kind == "reduce":
        return f"op: reduce, {ends}, kind: mean, axes: {axis}, keep_dims: {rng.choice(['true', 'false'])}"
    if kind == "linear":
        stated = rng.choice(["", f", in_features: {shape[-1]}"])
        return f"op: linear, {ends}, out_features: {rng.randint(1, 6)}{stated}"
    if kind == "expect":
        stated = ", ".join("_" if rng.random() < 0.5 else expression(rng, size, dims) for size in shape)
        return f"op: identity, {ends}, expect: [{stated}]"
    if kind == "merge":
        other = rng.choice([o for o in all_ if len(o.shape) == rank])
        op = rng.choice(["add", "multiply", "maximum"])
        return f"op: {op}, from: [{above.name}, {other.name}], broadcast: {rng.choice(['true', 'true', 'false'])}"
    if kind == "concat":
        other = rng.choice([o for o in all_ if len(o.shape) == rank])
        return f"op: concat, from: [{above.name}, {other.name}], axis: {axis}"
    if kind == "stack":
        return f"op: stack, from: [{above.name}, {above.name}], axis: {axis}"
    if kind == "attention":
        return f"op: attention, {ends}, num_heads: {rng.randint(1, 4)}"
    if kind == "conv":
        mode = rng.choice(["", "", "", ", padding_mode: reflect", ", padding_mode: circular"])
        padding = rng.choice(["0", "1", "same", "half"])
        groups = rng.choice(["", "", f", groups: {rng.randint(1, 2)}"])
        keys = f"kernel_size: {k}, stride: {s}, padding: {padding}, dilation: {rng.choice([1, 1, 2])}{mode}{groups}"
        return f"op: conv, {ends}, out_channels: 4, {keys}"
    if kind == "transposed":
        a = rng.choice(["", f", output_padding: {rng.randrange(s)}"])
        return f"op: conv_transpose, {ends}, out_channels: 4, kernel_size: {k}, stride: {s}, padding: 0{a}"
    if kind == "of":
        return f"op: conv_transpose, {ends}, out_channels: 4, transpose_of: {like.name}"
    if kind == "pool":
        word = rng.choice(["max_pool", "avg_pool"])
        return f"op: {word}, {ends}, kernel_size: {k}, stride: {s}, ceil_mode: {rng.choice(['true', 'false'])}"
    if kind == "unpool":
        return f"op: max_unpool, {ends}, pool: {like.name}"
    if kind == "up":
        return f"op: upsample, {ends}, scale_factor: {rng.choice([2, 2, 3, 0.5, 1.5])}"
    if kind == "size":
        sizes = ", ".join(expression(rng, rng.randint(1, 9), dims) for _ in range(spatial))
        return f"op: {rng.choice(['upsample', 'upsample'])}, {ends}, size: [{sizes}]"
    if kind == "adaptive":
        sizes = ", ".join(expression(rng, rng.randint(1, 9), dims) for _ in range(spatial))
        return f"op: adaptive_avg_pool, {ends}, output_size: [{sizes}]"
    if kind == "global":
        return f"op: global_avg_pool, {ends}, keep_dims: {rng.choice(['true', 'false'])}"
    if kind == "pad":
        mode = rng.choice(["constant", "reflect", "circular"])
        edges = ", ".join(f"[{rng.randint(0, 3)}, {rng.randint(0, 3)}]" for _ in range(spatial))
        return f"op: pad, {ends}, padding: [{edges}], mode: {mode}"
    if kind == "crop":
        edges = ", ".join(f"[{rng.randint(0, 3)}, {rng.randint(0, 3)}]" for _ in range(spatial))
        return f"op: crop, {ends}, cropping: [{edges}]"
    if kind == "like":
        return f"op: {rng.choice(['crop', 'upsample'])}, {ends}, like: {like.name}"
    if kind == "shuffle":
        return f"op: pixel_shuffle, {ends}, factor: 2"
    if kind == "unshuffle":
        return f"op: pixel_unshuffle, {ends}, factor: {rng.randint(2, 3)}"
    if kind == "unfold":
        return f"op: unfold, {ends}, kernel_size: {k}, stride: {s}"
    if kind == "fold":
        size = expression(rng, (shape[-1] - 1) * s + k, dims)
        return f"op: fold, {ends}, kernel_size: [{k}], stride: {s}, output_size: [{size}]"
    if kind == "norm":
        return f"op: group_norm, {ends}, num_groups: {rng.randint(1, 4)}"
    if kind == "softmax":
        return f"op: layer_norm, {ends}, num_features: {expression(rng, shape[-1], {})}"
    return f"op: identity, {ends}, same_shape_as: {like.name}"


def reshaped(rng: random.Random, shape: tuple[int, ...], dims: dict[str, int]) -> str:
    """Return a shape of as many elements, written with numbers, names, arithmetic, and perhaps -1."""
    sizes: list[int] = []
    for size in shape:
        divisor = rng.choice([d for d in range(1, size + 1) if size % d == 0])
        if rng.random() < 0.5:
            sizes += [divisor, size // divisor]
        elif sizes and rng.random() < 0.3:
            sizes[-1] *= size
        else:
            sizes.append(size)
    words = [expression(rng, size, dims) for size in sizes[:6]]
    if rng.random() < 0.5:
        words[rng.randrange(len(words))] = "-1"
    return ", ".join(words)


def network(rng: random.Random) -> tuple[str, dict[str, int]]:
    """Return a network, and its given sizes."""
    used = rng.sample(["N", "H", "W", "T"], rng.randint(1, 3))
    dims = {name: rng.randint(*DIMS[name]) for name in used}
    if rng.random() < 0.3:
        dims = dict.fromkeys(dims, rng.choice([4, 7, 8, 12, 16]))
    inputs = []
    for at in range(rng.choice([1, 1, 1, 2])):
        rank = rng.randint(3, 4)
        words = [str(rng.choice([1, 2, 4, 8])) for _ in range(rank)]
        for place in rng.sample(range(rank), rng.randint(1, rank)):
            words[place] = entry(rng, rng.choice(used))
        inputs.append(f"x{at}: [{', '.join(words)}]")
    # Every dimension stands somewhere.
    inputs.append(f"y: [{', '.join([*used, '4', '4'][: max(len(used), 3)])}]")
    lines = [
        "shapecheck: 1",
        f"inputs: {{{', '.join(inputs)}}}",
        f"dims: {{{', '.join(f'{name}: {size}' for name, size in dims.items())}}}",
        "layers:",
    ]
    try:
        shapes = propagate(api.loads("\n".join([*lines, "  - {op: identity, from: y}"])))
    except NetworkError:
        return network(rng)
    known = [Shaped(name, found.output) for name, found in shapes.items() if found.output and name[0] in "xy"]
    for count in range(1, rng.randint(2, 8)):
        above = known[-1] if rng.random() < 0.6 else rng.choice(known)
        text = layer(rng, above, known, dims, f"l{count}")
        line = f"  - {{name: l{count}, {text}}}"
        try:
            shapes = propagate(api.loads("\n".join([*lines, line])))
        except NetworkError:
            continue
        output = shapes[f"l{count}"].output
        if output is None or shapes.troubles:
            if rng.random() < 0.06:
                lines.append(line)
            continue
        lines.append(line)
        known.append(Shaped(f"l{count}", output))
    if lines[-1] == "layers:":
        lines.append("  - {op: identity, from: y}")
    return "\n".join(lines) + "\n", dims
