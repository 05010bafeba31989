"""Sizes that JAX or the build cannot count to: nothing is known of such a layer, and nobody disagrees."""

from __future__ import annotations

from typing import Any

import pytest

import shapecheck
from shapecheck.layers import REGISTRY

LONG = 2**32
TEXT = """shapecheck: 1
inputs: {{x: [1, 4, {size}]}}
layers:
  - {{name: long, {keys}}}
  - {{name: after, op: relu}}
"""


def verified(keys: str, level: Any, size: int = LONG) -> shapecheck.Verification:
    return shapecheck.verify(shapecheck.loads(TEXT.format(size=size, keys=keys)), level=level)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("op: upsample, scale_factor: 2", "a table of 8589934592 numbers"),
        ("op: upsample, size: 3", "32 bits"),
        ("op: avg_pool, kernel_size: 2", "a table of 4294967296 numbers"),
        ("op: adaptive_avg_pool, output_size: 3", "a table of 4294967298 numbers"),
        ("op: adaptive_max_pool, output_size: 3", "a table of 4294967298 numbers"),
    ],
)
def test_a_limit_of_jax_is_no_disagreement(keys: str, why: str) -> None:
    found = verified(keys, "lower")
    assert (found.result, found.disagreements) == ("not_checked", ())
    assert [layer.layer for layer in found.not_checked] == ["long", "after"]
    assert all(why in layer.reason for layer in found.not_checked)


@pytest.mark.parametrize(
    "keys", ["op: max_pool, kernel_size: 2", "op: conv, out_channels: 2, kernel_size: 3", "op: relu"]
)
def test_what_jax_counts_is_proved(keys: str) -> None:
    assert verified(keys, "lower").result == "proved"


# Ops whose keys have defaults, or these; each reads its own sort of array.
KEYS = {
    "global_avg_pool": "",
    "global_max_pool": "",
    "adaptive_avg_pool": "output_size: 7",
    "crop": "cropping: 1",
    "pad": "padding: 1",
    "upsample": "scale_factor: 0.7, mode: linear",
    "avg_pool": "kernel_size: 3, stride: 2",
    "lp_pool": "kernel_size: 3, stride: 2",
    "max_unpool": "kernel_size: 2",
    "conv_transpose": "out_channels: 1, kernel_size: 3, stride: 2",
    "unfold": "kernel_size: 3",
    "pixel_unshuffle": "factor: 2",
    "slice": "axis: 2, start: 5",
    "chunk": "chunks: 3, index: 1, axis: 2",
    "reduce": "axes: 2, kind: mean",
    "local_response_norm": "",
    "group_norm": "num_groups: 2",
}


@pytest.mark.slow
@pytest.mark.parametrize("size", [2**31 - 1, 2**31, 2**31 + 1, 2**33])
@pytest.mark.parametrize("op", KEYS)
def test_no_size_is_a_disagreement(op: str, size: int) -> None:
    assert op in REGISTRY
    keys = f"op: {op}" + (f", {KEYS[op]}" if KEYS[op] else "")
    assert verified(keys, "trace", size).disagreements == ()
