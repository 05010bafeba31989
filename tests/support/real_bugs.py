"""The shape bugs that people reported, written as networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml
from facts import DATA, required
from one_layer import layer, scalar

Entry = dict[str, Any]

NAME = "real-bugs.yaml"
REPORTED = required(NAME)
CASES: list[Entry] = (
    yaml.safe_load((DATA / NAME).read_text(encoding="utf-8"))["cases"] if (DATA / NAME).exists() else []
)


class Network(NamedTuple):
    """A case as text, and the line on which each of its layers stands."""

    text: str
    lines: dict[str, int]


def padding_of(p: Any) -> Any:
    return {"same_tf": "same"}.get(p, p) if isinstance(p, str) else p


def conv(entry: Entry, source: Callable[[str], list[int]]) -> list[tuple[str, Entry]]:
    names = {"out": "out_channels", "k": "kernel_size", "s": "stride", "d": "dilation", "g": "groups"}
    keys = {names[name]: value for name, value in entry.items() if name in names}
    if "p" in entry:
        keys["padding"] = padding_of(entry["p"])
    if "in_channels" in entry:
        keys["in_channels"] = entry["in_channels"]
    return [("conv", keys)]


def conv_transpose(entry: Entry, source: Callable[[str], list[int]]) -> list[tuple[str, Entry]]:
    ((_, keys),) = conv(entry, source)
    k, s, mode, a = entry["k"], entry.get("s", 1), entry.get("mode"), entry.get("op_")
    if mode == "keras_same":
        # Unset, Keras gives i·s; set, it pads half the kernel on both edges.
        keys |= {"padding": "same"} if a is None else {"padding": k // 2, "output_padding": a}
    elif mode == "keras_valid":
        # i·s + max(k − s, 0): where the kernel is smaller than the stride, Keras fills the tail up.
        keys["output_padding"] = max(s - k, 0)
    elif mode == "jax_explicit":
        keys["padding"] = k - 1 - entry["p"]
    elif a is not None:
        keys["output_padding"] = a
    return [("conv_transpose", keys)]


def pool(op: str) -> Callable[[Entry, Callable[[str], list[int]]], list[tuple[str, Entry]]]:
    def translate(entry: Entry, source: Callable[[str], list[int]]) -> list[tuple[str, Entry]]:
        dialect = entry.get("ceil", False)
        k, s, p = entry["k"], entry.get("s", entry["k"]), entry.get("p", 0)
        if dialect in ("caffe", "onnx"):
            return [
                ("pad", {"padding": [foreign_edges(i, k, s, p, dialect) for i in source("x")[2:]]}),
                (op, {"kernel_size": k, "stride": s}),
            ]
        return [(op, {"kernel_size": k, "stride": s, "padding": padding_of(p), "ceil_mode": dialect == "torch"})]

    return translate


def foreign_edges(i: int, k: int, s: int, p: int, dialect: str) -> list[int]:
    """Return the explicit padding that gives a floor pooling the size of another dialect's ceil mode."""
    o = -(-(i + 2 * p - k) // s) + 1
    if dialect == "caffe" and p > 0 and (o - 1) * s >= i + p:
        o -= 1
    return [p, max((o - 1) * s + k - i - p, 0)]


def crop(entry: Entry, source: Callable[[str], list[int]]) -> list[tuple[str, Entry]]:
    """A crop that begins at an offset; ours names both edges."""
    have, want = source("x")[2:], source(entry["like"])[2:]
    offsets = entry["offset"]
    edges = [[offset, i - offset - o] for offset, i, o in zip(offsets, have, want, strict=True)]
    return [("crop", {"cropping": edges})]


def renamed(op: str, **names: str) -> Callable[[Entry, Callable[[str], list[int]]], list[tuple[str, Entry]]]:
    def translate(entry: Entry, source: Callable[[str], list[int]]) -> list[tuple[str, Entry]]:
        keys = {names.get(n, n): v for n, v in entry.items() if n not in ("id", "op", "in") and v is not None}
        return [(op, keys)]

    return translate


TRANSLATIONS: dict[str, Callable[[Entry, Callable[[str], list[int]]], list[tuple[str, Entry]]]] = {
    "conv": conv,
    "convt": conv_transpose,
    "maxpool": pool("max_pool"),
    "avgpool": pool("avg_pool"),
    "upsample": renamed("upsample", scale="scale_factor"),
    "pixel_shuffle": renamed("pixel_shuffle", r="factor"),
    "concat": renamed("concat"),
    "add": renamed("add"),
    "flatten": renamed("flatten", start="start_axis"),
    "linear": renamed("linear", out="out_features"),
    "pad": renamed("pad", p="padding"),
    "crop": crop,
    "adaptive_avgpool": renamed("adaptive_avg_pool", size="output_size"),
    "reshape": renamed("reshape"),
    "batchnorm_train": renamed("batch_norm"),
}


def write(inputs: Mapping[str, Any], entries: list[Entry], shapes: Mapping[str, list[int]]) -> Network:
    """Translate a case. ``shapes`` are the measured ones, for keys that another dialect computes from them."""
    lines = ["shapecheck: 1", "inputs:", *(f"  {name}: {scalar(shape)}" for name, shape in inputs.items()), "layers:"]
    places = {}
    above = "x" if "x" in inputs else next(iter(inputs))
    known = {**inputs, **shapes}
    for entry in entries:
        reads = entry.get("in", above)
        name = entry["id"]
        if entry["op"] == "equal":
            expected, found = entry["in"]
            lines.append(layer("identity", {"same_shape_as": expected}, name, found))
        else:

            def source(which: str, reads: Any = reads) -> list[int]:
                return known[reads if which == "x" else which]

            steps = TRANSLATIONS[entry["op"]](entry, source)
            for at, (op, keys) in enumerate(steps):
                last = at == len(steps) - 1
                lines.append(layer(op, keys, name if last else f"{name}_{op}", reads if at == 0 else None))
            above = name
        places[name] = len(lines)
    return Network("\n".join(lines) + "\n", places)


def changed(case: Entry) -> tuple[Mapping[str, Any], list[Entry]]:
    """Return inputs and layers with the overrides of ``fixed``."""
    fixed = case["fixed"]
    entries = []
    for entry in case["layers"]:
        override = fixed.get("layers", {}).get(entry["id"], {})
        base = {k: entry[k] for k in ("id", "in") if k in entry} if "op" in override else entry
        entries.append({**base, **override})
    return {**case["input"], **fixed.get("input", {})}, entries
