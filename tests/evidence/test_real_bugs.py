"""Fifty-nine shape bugs that people reported: what we say of each, and of its mended version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
import yaml
from facts import DATA, required
from one_layer import layer, scalar

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding
from shapecheck.pipeline import Report, check_text

Entry = dict[str, Any]

NAME = "real-bugs.yaml"
pytestmark = required(NAME)
CASES: list[Entry] = (
    yaml.safe_load((DATA / NAME).read_text(encoding="utf-8"))["cases"] if (DATA / NAME).exists() else []
)

# The kinds of error in the collection, and our code for each.
CODES = {
    "reconstruction_mismatch": "SC207",
    "concat_spatial_mismatch": "SC208",
    "add_spatial_mismatch": "SC208",
    "linear_mismatch": "SC206",
    "channel_mismatch": "SC206",
    "kernel_gt_input": "SC204",
    "groups_indivisible": "SC205",
    "pixel_shuffle_indivisible": "SC213",
    "pool_padding_too_large": "SC210",
    "zero_channels": "SC011",
}
# A statistic of one value is a mistake of training, not of shapes, and a warning (SC605).
NO_SHAPE_ERROR = {"bn_single_value": 1}
# What no framework tells, and we do: the rule and the layer.
TOLD = {
    "bn-1x1-batch1": ("SC605", "bn"),
    "deeplab-rate36-on-28": ("SC414", "r36"),
    "keras-valid-k-lt-s": ("SC307", "torch"),
    "onnx-avgpool-ceil-2x2": ("SC701", "torch"),
    "ort-maxpool3d-ceil": ("SC701", "torch"),
    "pix2pixhd-k3s2-checkerboard": ("SC307", "up"),
    "tf-same-6-k3s2": ("SC402", "tf"),
    "theano-pool-drops-row-27-13": ("SC401", "p2"),
}
# A transposed convolution that says nothing of its `a` has several sizes with us. Where that is the reason for a
# mismatch, that layer is reported (SC302) instead of the one that depends on it, which is told of it.
AMBIGUOUS = "SC302"
DEPENDENT = {"SC207", "SC208"}
BLAMED = {
    "convt-k3s2p1-24-12-23": "dec",
    "dac-16khz-odd-stride-8-samples": "d5",
    "nnunet-patch-2x320x256": "u3",
    "openpcdet-bev-199": "up1",
    "soundstream-225360": "y",
    "encodec-161856": "y",
}


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
        keys |= {"padding": "same", "output_padding": s - 1} if a is None else {"padding": k // 2, "output_padding": a}
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


def check(network: Network) -> Report:
    return check_text(network.text, "bug.net.yaml")


def errors(report: Report) -> list[Finding]:
    return [d for d in report.diagnostics if d.severity is Severity.ERROR]


def require_shapes(report: Report, shapes: Mapping[str, list[int]], network: Network) -> None:
    assert report.shapes is not None
    found = {name: report.shapes[name].output for name in shapes}
    assert found == {name: tuple(shape) for name, shape in shapes.items()}, network.text


def require_error(name: str, report: Report, error: Entry, network: Network) -> None:
    found = [(d.code, d.layer, d.span.start.line) for d in errors(report)]
    code, at = CODES[error["kind"]], error["at"]
    if name in BLAMED:
        assert code in DEPENDENT
        blamed = BLAMED[name]
        assert found == [(AMBIGUOUS, blamed, network.lines[blamed])], f"{network.text}\n{report.diagnostics}"
        # The layer that demands another size is pointed at.
        places = {related.span.start.line for d in errors(report) for related in d.related}
        assert network.lines[at] in places
    else:
        assert found == [(code, at, network.lines[at])], f"{network.text}\n{report.diagnostics}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_bug_is_found(case: Entry) -> None:
    expected = case["expected"]
    network = write(case["input"], case["layers"], expected["shapes"])
    report = check(network)
    require_shapes(report, expected["shapes"], network)
    error = expected["error"]
    if error is None or error["kind"] in NO_SHAPE_ERROR:
        assert errors(report) == [], network.text
        told = {(d.code, d.layer) for d in report.diagnostics}
        assert case["id"] not in TOLD or TOLD[case["id"]] in told
    else:
        require_error(case["id"], report, error, network)


@pytest.mark.parametrize("case", [case for case in CASES if "fixed" in case], ids=lambda case: case["id"])
def test_the_mended_network_is_clean(case: Entry) -> None:
    inputs, entries = changed(case)
    network = write(inputs, entries, case["fixed"]["shapes"])
    report = check(network)
    assert case["fixed"]["error"] is None
    require_shapes(report, case["fixed"]["shapes"], network)
    assert errors(report) == [], network.text


def test_every_case_is_expressed() -> None:
    assert len(CASES) == 59
    assert sum("fixed" in case for case in CASES) == 28
    kinds = [case["expected"]["error"]["kind"] for case in CASES if case["expected"]["error"]]
    assert {kind: kinds.count(kind) for kind in set(kinds) - set(CODES)} == NO_SHAPE_ERROR
    assert set(CODES) <= set(kinds)
    assert set(TOLD) | set(BLAMED) <= {case["id"] for case in CASES}
    ops = {entry["op"] for case in CASES for entry in case["layers"]}
    assert ops == {*TRANSLATIONS, "equal"}


def test_other_dialects_of_ceil_mode_are_explicit_padding() -> None:
    assert foreign_edges(128, 3, 2, 1, "caffe") == [1, 2]
    assert foreign_edges(5, 3, 3, 1, "onnx") == [1, 3]
    assert foreign_edges(4, 2, 2, 0, "caffe") == [0, 0]
