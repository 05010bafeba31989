"""Where a size comes from is followed through every layer that keeps its axis, whatever the layer is called."""

from __future__ import annotations

import pytest
from texts import check_text

from shapecheck.findings.finding import Finding
from shapecheck.layers import REGISTRY
from shapecheck.layers.fields import REQUIRED
from shapecheck.layers.role import Role
from shapecheck.pipeline import Report

# A value for each key that some op requires, such that a map of rank 2 keeps its last axis where it can.
VALUES = {
    "axes": "[0, 1]",
    "axis": "0",
    "chunks": "1",
    "embedding_dim": "6272",
    "factor": "1",
    "index": "0",
    "kernel_size": "1",
    "kind": "mean",
    "num_embeddings": "9",
    "num_groups": "1",
    "num_heads": "1",
    "out_channels": "6272",
    "out_features": "6272",
    "output_size": "1",
    "padding": "0",
    "shape": "[2, -1]",
}
# Keys without a default of which a layer needs one.
ONE_OF = {"crop": "cropping: 0", "upsample": "scale_factor: 1"}
FLATTENED = "flat makes 32 x 14 x 14 = 6272 (of [2, 32, 14, 14])"


def check(layers: str, image: str = "[2, 3, 28, 28]") -> Report:
    return check_text(f"shapecheck: 1\ninputs: {{image: {image}}}\nlayers:\n{layers}", "x.net.yaml")


def related(report: Report, rule: str) -> list[str]:
    (finding,) = of(report, rule)
    return [place.message for place in finding.related]


def of(report: Report, rule: str) -> list[Finding]:
    return [finding for finding in report.diagnostics if finding.rule.name == rule]


def behind_a_flatten(op: str) -> str:
    """Return a network in which an op stands between a flatten and a linear layer that states another size."""
    kind = REGISTRY[op]
    keys = [f"{name}: {VALUES.get(name, '1')}" for name, key in kind.keys_of(op).items() if key.default is REQUIRED]
    keys += [ONE_OF[op]] if op in ONE_OF else []
    reads = "[flat, flat]" if kind.arity[0] > 1 or kind.arity[1] is None else "flat"
    reads = "[flat]" if kind.arity == (1, None) else reads
    return (
        "  - {op: conv, out_channels: 32, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: flat, op: flatten}\n"
        f"  - {{{', '.join(['name: between', f'op: {op}', f'from: {reads}', *keys])}}}\n"
        "  - {op: linear, from: between, in_features: 9216, out_features: 10}\n"
    )


def keeps_the_last_axis(op: str) -> bool:
    """Say whether an op gives back the 6272 that it is given, in a map of rank 2, and makes none of its own."""
    report = check(behind_a_flatten(op))
    output = None if report.shapes is None else report.shapes["between"].output
    return output == (2, 6272) and Role.LEARNED_MAP not in REGISTRY[op].role


KEEPING = [op for op in sorted(REGISTRY) if keeps_the_last_axis(op)]


def test_most_kinds_of_layers_keep_the_last_axis() -> None:
    assert {"relu", "silu", "group_norm", "layer_norm", "prelu", "softmax", "dropout", "add", "permute"} <= set(KEEPING)
    assert not {"linear", "conv", "unsqueeze", "embedding"} & set(KEEPING)


@pytest.mark.parametrize("op", KEEPING)
def test_a_product_is_explained_behind_every_layer_that_keeps_it(op: str) -> None:
    assert FLATTENED in related(check(behind_a_flatten(op)), "stated-size-differs")


@pytest.mark.parametrize(
    "moving",
    [
        "  - {op: unsqueeze, axis: 1}\n  - {op: squeeze, axis: 1}\n",
        "  - {op: permute, axes: [1, 0]}\n  - {op: relu}\n  - {op: permute, axes: [1, 0]}\n",
        "  - {op: unsqueeze, axis: 1}\n  - {op: reduce, kind: mean, axes: 1}\n",
        "  - {op: stack, from: [flat, flat], axis: 1}\n",
        "  - {op: concat, from: [flat, flat], axis: 0}\n",
        "  - {op: chunk, axis: 0, chunks: 2, index: 0}\n",
        "  - {op: reshape, shape: [2, 1, 6272]}\n",
    ],
)
def test_an_axis_is_followed_where_it_moves(moving: str) -> None:
    layers = (
        "  - {op: conv, out_channels: 32, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: flat, op: flatten}\n"
        f"{moving}"
        "  - {op: linear, in_features: 9216, out_features: 10}\n"
    )
    assert related(check(layers), "stated-size-differs") == [FLATTENED]


def test_an_axis_is_followed_through_the_stretched_input_of_a_merge() -> None:
    """The one of two inputs whose axis is not stretched is where its size comes from."""
    layers = (
        "  - {name: gate, op: linear, out_features: 1, from: features}\n"
        "  - {name: flat, op: flatten, from: image}\n"
        "  - {op: multiply, from: [gate, flat], broadcast: true}\n"
        "  - {op: linear, in_features: 9216, out_features: 10}\n"
    )
    text = f"shapecheck: 1\ninputs: {{image: [2, 32, 14, 14], features: [2, 8]}}\nlayers:\n{layers}"
    assert related(check_text(text, "x"), "stated-size-differs") == [FLATTENED]


def test_channels_that_were_concatenated_are_told_as_a_sum() -> None:
    layers = (
        "  - {name: a, op: conv, out_channels: 64, kernel_size: 1}\n"
        "  - {name: b, op: conv, from: image, out_channels: 32, kernel_size: 1}\n"
        "  - {name: both, op: concat, from: [a, b]}\n"
        "  - {op: batch_norm}\n"
        "  - {op: silu}\n"
        "  - {op: conv, in_channels: 64, out_channels: 8, kernel_size: 1}\n"
    )
    assert related(check(layers), "stated-size-differs") == ["both makes 64 + 32 = 96"]


def test_a_size_that_a_layer_chose_is_not_explained_by_what_stands_above() -> None:
    layers = (
        "  - {name: flat, op: flatten}\n"
        "  - {op: linear, out_features: 128}\n"
        "  - {op: relu}\n"
        "  - {op: linear, in_features: 256, out_features: 10}\n"
    )
    assert related(check(layers), "stated-size-differs") == []


def test_the_layer_that_made_an_axis_is_told_with_what_it_made_it_of() -> None:
    layers = (
        "  - {name: a, op: conv, out_channels: 64, kernel_size: 1}\n"
        "  - {name: both, op: concat, from: [a, image]}\n"
        "  - {op: gelu, expect: [_, 64, _, _]}\n"
    )
    assert related(check(layers), "expectation-differs") == ["both makes 67 on channels (axis 1): 64 + 3 = 67"]


@pytest.mark.parametrize("between", ["relu", "silu", "batch_norm", "softmax", "identity", "local_response_norm"])
def test_a_size_on_its_way_is_followed_through_a_change_of_axes(between: str) -> None:
    layers = (
        "  - {name: down, op: max_pool, kernel_size: 2}\n"
        f"  - {{op: {between}}}\n"
        "  - {op: permute, axes: [0, 3, 1, 2]}\n"
        "  - {name: again, op: max_pool, kernel_size: [1, 2]}\n"
        "  - {op: conv, groups: 4, out_channels: 8, kernel_size: 1}\n"
    )
    (told, *_) = related(check(layers), "groups-do-not-divide")
    assert told == "channels (axis 1) on the way here: 28 (image) -> 14 (down)"


@pytest.mark.parametrize(
    ("turned", "axes"), [("", "[0, 1, 2, 3]"), ("turned", "[0, 1, 3, 2]")], ids=["as they were", "turned"]
)
def test_branches_are_followed_to_their_fork_through_a_change_of_axes(turned: str, axes: str) -> None:
    layers = (
        "  - {name: stem, op: conv, out_channels: 8, kernel_size: 1}\n"
        "  - {name: down, op: max_pool, kernel_size: 2}\n"
        f"  - {{op: permute, axes: {axes}}}\n"
        "  - {op: silu}\n"
        "  - {name: up, op: upsample, scale_factor: 2}\n"
        f"  - {{name: beside, op: permute, from: stem, axes: {axes}}}\n"
        "  - {op: add, from: [beside, up]}\n"
    )
    report = check(layers, "[2, 3, 28, 27]")
    (finding,) = of(report, "merge-mismatch")
    assert "the branches part at down, which drops 1 of 27" in finding.related[-1].message
    assert finding.help is not None and "26 or 28 instead of 27" in finding.help
