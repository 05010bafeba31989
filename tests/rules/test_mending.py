"""Changes of a network that are offered as fixes: what they write, and that they hold."""

from __future__ import annotations

from functools import partial

from texts import check_text

from shapecheck.findings import fixes
from shapecheck.findings.checked import Report

PROMISE = """shapecheck: 1
inputs: {image: [1, 3, H, 32]}
dims: {H: {size: 32, accepts: {min: 16}}}
layers:
  - {name: down, op: conv, out_channels: 8, kernel_size: 4, stride: 2, padding: 1}
  - name: up  # gives it back
    op: conv_transpose
    out_channels: 3
    kernel_size: 4
    stride: 2  # as down
    padding: 1
    output_padding: 0  # even sizes only
outputs:
  y: {from: up, same_shape_as: image}
"""
MERGE = """shapecheck: 1
inputs: {image: [1, 3, 27, 28]}
layers:
  - {name: skip, op: conv, out_channels: 3, kernel_size: 3, padding: 1}
  - {name: down, op: max_pool, kernel_size: 2}
  - {name: up, op: upsample, scale_factor: 2}  # doubles
  - name: join  # both
    op: add
    from: [skip, up]
"""


# One row and one column less.
VALID = "op: conv, out_channels: 3, from: skip, kernel_size: 2}"
RESIZED = "op: upsample, scale_factor: 2}"


def checked(text: str) -> Report:
    again = partial(check_text, path="x")
    return fixes.proved(again(text), again)


def test_a_promise_that_no_constant_keeps_is_mended_by_following_the_encoder() -> None:
    report = checked(PROMISE)
    (finding,) = [d for d in report.diagnostics if d.code == "SC311"]
    assert "a = 0 where H % 2 == 0, 1 where H % 2 == 1" in finding.message
    assert finding.fix is not None
    assert finding.fix.applicability == "safe"
    fixed = fixes.fix(report, partial(check_text, path="x"), unsafe=False)
    assert fixed.report.diagnostics == ()
    assert fixed.text == PROMISE.replace("output_padding: 0 ", "transpose_of: down ")


def test_following_the_encoder_is_not_offered_where_the_geometry_differs() -> None:
    report = checked(
        PROMISE.replace("kernel_size: 4\n", "kernel_size: 6\n").replace("padding: 1\n    out", "padding: 2\n    out")
    )
    found = [d for d in report.diagnostics if d.code == "SC311"]
    assert found
    assert all(d.fix is None for d in found)


def test_the_larger_of_two_maps_can_be_cropped_before_a_merge() -> None:
    report = checked(MERGE.replace(RESIZED, VALID))
    (finding,) = [d for d in report.diagnostics if d.code == "SC208"]
    assert finding.fix is not None
    assert finding.fix.applicability == "unsafe"
    assert fixes.fix(report, partial(check_text, path="x"), unsafe=False).text == report.text
    fixed = fixes.fix(report, partial(check_text, path="x"), unsafe=True)
    assert fixed.report.ok
    assert "  - {name: skip_crop, op: crop, from: skip, like: up}\n  - name: join  # both\n" in fixed.text
    assert "from: [skip_crop, up]" in fixed.text


def test_nothing_is_cropped_where_neither_map_is_the_larger() -> None:
    crossed = MERGE.replace(RESIZED, VALID.replace("2}", "[2, 3], padding: [0, 2]}"))
    (finding,) = [d for d in checked(crossed).diagnostics if d.code == "SC208"]
    assert finding.fix is None


def test_an_output_padding_that_was_written_is_changed_only_when_asked() -> None:
    text = PROMISE.replace("{size: 32, accepts: {min: 16}}", "33")
    report = checked(text)
    (finding,) = [d for d in report.diagnostics if d.code == "SC207"]
    assert finding.fix is not None
    assert finding.fix.applicability == "unsafe"
    fixed = fixes.fix(report, partial(check_text, path="x"), unsafe=True)
    assert "output_padding: [1, 0]  # even sizes only" in fixed.text
    assert fixed.report.ok
