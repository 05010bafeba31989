"""Fifty-nine shape bugs that people reported: what we say of each, and of its mended version."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from real_bugs import CASES, REPORTED, TRANSLATIONS, Entry, Network, changed, foreign_edges, write
from texts import check_text

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding

pytestmark = REPORTED

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
