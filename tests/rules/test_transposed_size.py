"""A layer that undoes a pooling is told to name the pooling, as one that undoes a convolution names that."""

from __future__ import annotations

import random

import pytest
from amounts import sampled
from open_stacks import Stack
from texts import check_text

from shapecheck import pipeline
from shapecheck.findings import fixes

HEAD = "shapecheck: 1\ninputs: {x: [1, 2, SIZE]}\ndims: {}\nlayers:\n"
CONVOLUTION = ("conv, out_channels: 2, kernel_size: 2, stride: 2", "conv_transpose, out_channels: 2")
POOLING = ("max_pool, kernel_size: 2, stride: 2", "max_unpool")


def helps(ops: tuple[str, str], more: str, size: str = "9") -> list[str]:
    down, up = ops
    text = HEAD.replace("SIZE", size) + (
        f"  - {{name: e, op: {down}}}\n"
        f"  - {{name: d, op: {up}, kernel_size: 2, stride: 2{more}}}\n"
        "  - {name: m, op: add, from: [x, d]}\n"
    )
    report = pipeline.offered(check_text(text, "net"))
    return [f.help for f in report.diagnostics if f.help is not None and f.severity == "error"]


@pytest.mark.parametrize(
    ("ops", "key"), [(CONVOLUTION, "transpose_of: e"), (POOLING, "pool: e in place of kernel_size, stride")]
)
def test_an_open_size_follows_the_layer_that_is_undone(ops: tuple[str, str], key: str) -> None:
    (help,) = helps(ops, "")
    assert help == f"add output_padding: 1; or write {key}, which follows the input at every size"


@pytest.mark.parametrize("ops", [CONVOLUTION, POOLING])
def test_a_wrong_output_padding_is_told_which_would_fit(ops: tuple[str, str]) -> None:
    (help,) = helps(ops, ", output_padding: 0")
    assert help == "write 8 or 10 in place of 9 in the shape of x; or write output_padding: 1 on d"


@pytest.mark.parametrize(
    ("ops", "words"), [(CONVOLUTION, "transpose_of, the convolution"), (POOLING, "pool, the pooling")]
)
def test_no_constant_serves_every_size(ops: tuple[str, str], words: str) -> None:
    down, up = ops
    text = HEAD.replace("SIZE", "H").replace("dims: {}", "dims: {H: {size: 8, accepts: {min: 8, multiple_of: 1}}}") + (
        f"  - {{name: e, op: {down}}}\n"
        f"  - {{name: d, op: {up}, kernel_size: 2, stride: 2, output_padding: 0}}\n"
        "  - {name: m, op: add, from: [x, d]}\n"
    )
    found = [f for f in check_text(text, "net").diagnostics if f.rule.name == "no-constant-output-padding"]
    assert [f.help for f in found] == [
        f"write {words} whose input this layer gives back: it follows the input at every size"
    ]


@pytest.mark.parametrize("demand", ["skips", "same", "numbers"])
@pytest.mark.parametrize("seed", sampled(range(24)))
def test_what_is_unique_is_fixed_on_every_axis(seed: int, demand: str) -> None:
    """Kernels below the stride too, and where the mended network is worth advice that the error had silenced."""
    rng = random.Random(f"{seed} {demand} fixed")
    text = Stack(rng, rng.randint(1, 4)).text(rng, demand)
    report = pipeline.offered(check_text(text, "net"))
    errors = [d for d in report.diagnostics if d.severity == "error"]
    assert all(d.rule.name == "ambiguous-transposed-size" and d.fix is not None for d in errors)
    fixed = fixes.fix(check_text(text, "net"), lambda text: check_text(text, "net"), unsafe=False)
    assert not [d for d in fixed.report.diagnostics if d.severity == "error"]
    assert fixed.applied >= len(errors)


def test_where_nothing_meets_all_that_is_demanded_nothing_is_fixed() -> None:
    text = HEAD.replace("SIZE", "8") + (
        "  - {name: up, op: conv_transpose, out_channels: 2, kernel_size: 2, stride: 2}\n"
        "  - {name: stated, op: relu, expect: [1, 2, 17]}\n"
        "  - {op: flatten, from: up}\n"
        "  - {name: head, op: linear, in_features: 32, out_features: 1}\n"
    )
    found = [f for f in pipeline.offered(check_text(text, "net")).diagnostics if f.rule.name.startswith("ambiguous")]
    assert [(f.severity, f.fix) for f in found] == [("error", None)]
    assert "head does not fit with a = 1 on L (size 17), which is demanded elsewhere" in found[0].message


def test_same_that_is_one_too_large_is_told_the_a_that_fits() -> None:
    text = HEAD.replace("SIZE", "9") + (
        "  - {name: e, op: conv, out_channels: 2, kernel_size: 3, stride: 2, padding: same}\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 3, stride: 2, padding: same}\n"
        "  - {name: m, op: add, from: [x, d]}\n"
    )
    report = pipeline.offered(check_text(text, "net"))
    (finding,) = [f for f in report.diagnostics if f.severity == "error"]
    assert (finding.rule.name, finding.layer) == ("merge-mismatch", "m")
    fixed = fixes.fix(check_text(text, "net"), lambda text: check_text(text, "net"), unsafe=True)
    assert not [f for f in fixed.report.diagnostics if f.severity == "error"]
