"""A layer that undoes a pooling is told to name the pooling, as one that undoes a convolution names that."""

from __future__ import annotations

import pytest
from texts import check_text

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
    return [f.help for f in check_text(text, "net").diagnostics if f.help is not None and f.severity == "error"]


@pytest.mark.parametrize(("ops", "key"), [(CONVOLUTION, "transpose_of the"), (POOLING, "pool: the")])
def test_an_open_size_follows_the_layer_that_is_undone(ops: tuple[str, str], key: str) -> None:
    (help,) = helps(ops, "")
    assert help == f"write output_padding: 1, or {key} encoder's layer, which follows the input at every size"


@pytest.mark.parametrize(("ops", "key"), [(CONVOLUTION, "transpose_of"), (POOLING, "pool")])
def test_a_wrong_output_padding_is_told_which_would_fit(ops: tuple[str, str], key: str) -> None:
    (help,) = helps(ops, ", output_padding: 0")
    assert help == (
        f"output_padding 1 on d gives the size that is asked for; or {key}, which follows the input at every size"
    )


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
