"""Numbers that are no indices: check says so, the build refuses the same layers, and the two do not disagree."""

from __future__ import annotations

import pytest
from paths import ROOT

import shapecheck
from shapecheck.analysis.looked_up import floats_looked_up
from shapecheck.verification.reference import run_levels

TEXT = """shapecheck: 1
inputs: {{x: {x}, y: [2, 8]}}
layers:
  - {{name: read, op: {op}, from: x}}
  - {{name: table, op: embedding, num_embeddings: 9, embedding_dim: 4, from: {reads}}}
  - {{name: other, op: {other}, from: y}}
"""
DTYPES = ["int8", "int32", "int64", "uint8", "float16", "bfloat16", "float32", "float64", "bool"]


@pytest.mark.parametrize("x", ["[2, 8]", *(f"{{shape: [2, 8], dtype: {dtype}}}" for dtype in DTYPES)])
@pytest.mark.parametrize("op", ["flatten", "embedding, num_embeddings: 9, embedding_dim: 4"])
@pytest.mark.parametrize("reads", ["x", "read"])
def test_check_finds_what_the_build_refuses(x: str, op: str, reads: str) -> None:
    network = shapecheck.loads(TEXT.format(x=x, op=op, reads=reads, other="relu"))
    built, mistaken = run_levels(network, "trace"), floats_looked_up(network)
    # Of what reads a refused layer the build knows nothing.
    assert mistaken.keys() - built.not_checked.keys() == built.refused.keys()
    assert all("embedding reads integers" in why for why in built.refused.values())
    found = [finding.layer for finding in shapecheck.check(network).diagnostics if finding.code == "SC222"]
    assert found == [network.nodes[index].name for index in mistaken]


def test_both_refuse_and_nobody_disagrees() -> None:
    text = (ROOT / "tests" / "networks" / "lookups.net.yaml").read_text(encoding="utf-8")
    found = shapecheck.verify(shapecheck.loads(text, N=2), level="trace")
    assert (found.result, found.disagreements) == ("refuted", ())
