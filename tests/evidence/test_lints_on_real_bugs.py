"""Reported bugs of which no shape tells: the lint that finds each, and what it says of the mended network."""

from __future__ import annotations

import pytest
from real_bugs import CASES, REPORTED, changed, write
from texts import check_text

from shapecheck.findings.selection import Selection

pytestmark = REPORTED
EVERYTHING = Selection(extend_select=("ALL",))
FAMILIES = ("SC3", "SC4", "SC6", "SC7")

# Case: the rule that finds it, and the layer (None for an input).
FOUND = {
    "pix2pixhd-k3s2-checkerboard": ("SC307", "up"),
    "tf-same-224-k7s2": ("SC402", "tf"),
    "tf-same-6-k3s2": ("SC402", "tf"),
    "caffe-ceil-128x64": ("SC703", "torch"),
    "onnx2caffe-112-57": ("SC703", "torch"),
    "onnx-avgpool-ceil-2x2": ("SC701", "torch"),
    "ort-maxpool3d-ceil": ("SC701", "torch"),
    "deeplab-rate36-on-28": ("SC414", "r36"),
    "nhwc-nchw-keras-1x200x200": ("SC413", None),
    "bn-1x1-batch1": ("SC605", "bn"),
    "alexnet-224-55": ("SC401", "valid"),
    "theano-pool-drops-row-27-13": ("SC401", "p2"),
    "keras-valid-k-lt-s": ("SC702", "torch"),
    "jax-convtranspose-explicit-pad": ("SC704", "valid"),
}
# Cases that compare layers on one input, of which one alone loses what the others read.
ALONE = {"alexnet-224-55": "valid"}
# Mended cases that still deserve the word: the advice there was another one.
STILL = {"tf-same-224-k7s2"}


def found(text: str) -> set[tuple[str, str | None]]:
    report = check_text(text, "bug.net.yaml", selection=EVERYTHING)
    return {(d.code, d.layer) for d in report.diagnostics if d.code.startswith(FAMILIES)}


@pytest.mark.parametrize("case", [case for case in CASES if case["id"] in FOUND], ids=lambda case: case["id"])
def test_a_bug_that_no_shape_tells_is_found(case: dict) -> None:
    # What is compared with another dialect in the case is an error of shapes, and keeps advice back.
    layers = [
        e for e in case["layers"] if e["op"] != "equal" and (case["id"] not in ALONE or e["id"] == ALONE[case["id"]])
    ]
    network = write(case["input"], layers, case["expected"]["shapes"])
    assert FOUND[case["id"]] in found(network.text), f"{network.text}\n{found(network.text)}"


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["id"] in FOUND and "fixed" in case], ids=lambda case: case["id"]
)
def test_the_mended_network_is_not_blamed_for_it(case: dict) -> None:
    inputs, entries = changed(case)
    network = write(inputs, entries, case["fixed"]["shapes"])
    assert (FOUND[case["id"]] in found(network.text)) is (case["id"] in STILL), network.text


def test_every_case_is_there() -> None:
    assert set(FOUND) <= {case["id"] for case in CASES}
    kinds = {case["class"] for case in CASES if case["id"] in FOUND}
    assert {
        "checkerboard",
        "same_padding",
        "ceil_mode",
        "dilation_gt_input",
        "layout",
        "normalisation",
        "input_dropped_by_floor",
        "framework_semantics",
    } == kinds
