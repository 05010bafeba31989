"""Numbers of any length, anywhere in a file, end in a diagnostic: Python itself refuses to print the longest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import check_text

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.arithmetic.shape import LARGEST, show_number
from shapecheck.findings.finding import NetworkError
from shapecheck.pipeline import check_network

HUGE = st.builds(
    lambda digits, head: head * 10**digits, st.sampled_from([0, 5, 18, 19, 40, 299, 300, 400, 5_000]), st.integers(1, 9)
)

UP = """inputs: {{x: [1, 4, SIZE]}}
layers:
  - {{name: down, op: conv, out_channels: 4, kernel_size: 3, stride: STRIDE, padding: 1}}
  - {{name: up, op: conv_transpose, out_channels: 4, kernel_size: 3, stride: STRIDE, padding: 1}}
  - {{op: add, from: [x, up]}}
symmetry: {{up: down}}
"""

TEMPLATES = [
    "inputs: {{x: [1, {0}, {1}]}}\nlayers:\n  - {{op: flatten}}\n",
    "inputs: {{x: [1, {0}, {1}]}}\nlayers:\n  - {{op: reshape, shape: [-1]}}\n",
    "inputs: {{x: [1, 4, 9]}}\nlayers: [{{op: upsample, scale_factor: {0}}}, {{op: upsample, scale_factor: {1}}}]\n",
    "inputs: {{x: [1, 4, 9]}}\nlayers:\n  - {{op: conv, out_channels: {0}, kernel_size: 1, padding: {1}}}\n",
    "inputs: {{x: [1, 4, 9]}}\nlayers:\n  - {{op: conv_transpose, out_channels: 1, kernel_size: {0}, stride: {1}}}\n",
    "inputs: {{x: [1, 4, 9]}}\nlayers: [{{op: pad, padding: [[{0}, {1}]]}}, {{op: pixel_shuffle, factor: {1}}}]\n",
    "inputs: {{x: [1, 4, L]}}\ndims: {{L: {0}}}\nlayers:\n  - {{op: linear, out_features: {1}}}\n  - {{op: flatten}}\n",
    "inputs: {{x: [1, 4, L]}}\nlayers: [{{op: upsample, scale_factor: {0}}}, {{op: upsample, scale_factor: {1}}}]\n",
    "inputs: {{x: [1, 4, L]}}\ndims: {{L: {{size: 8, accepts: {{min: {0}, max: {1}}}}}}}\nlayers: [{{op: relu}}]\n",
    "params: {{w: {0}, v: {1}}}\ninputs: {{x: [1, =w, 9]}}\nlayers: [{{op: linear, out_features: =w * v}}]\n",
    "inputs: {{x: [1, 4, 9]}}\nlayers:\n  - {{op: relu, expect: [1, {0}, {1}]}}\n",
    "inputs: {{x: [1, 4, 9]}}\nlayers:\n  - {{op: slice, axis: {0}, start: {1}}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: slice, axis: 2, start: 1, stop: {1}, step: 3}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: chunk, axis: 2, chunks: {1}, index: 0}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: conv, out_channels: 1, kernel_size: {1}, padding: same}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: max_pool, kernel_size: 3, padding: 1, dilation: {1}}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: conv, out_channels: 1, kernel_size: 3, stride: {1}}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: max_pool, kernel_size: {1}, ceil_mode: true}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: adaptive_avg_pool, output_size: {1}}}\n",
    "inputs: {{x: [1, 4, {0}]}}\nlayers:\n  - {{op: unfold, kernel_size: {1}, stride: 2}}\n",
    "inputs: {{x: [1, {0}, 8]}}\nlayers:\n  - {{op: group_norm, num_groups: {1}}}\n",
    "inputs: {{x: [1, {0}, 8]}}\nlayers:\n  - {{op: conv, out_channels: 8, kernel_size: 1, groups: {1}}}\n",
    UP.replace("STRIDE", "{0}").replace("SIZE", "{1}"),
    "inputs: {{x: [1, 4, 9]}}\nlayers:\n  - {{op: embedding, num_embeddings: {0}, embedding_dim: {1}}}\n",
]


@pytest.mark.parametrize("template", TEMPLATES)
@given(HUGE, HUGE)
def test_every_number_in_every_place_is_met_with_a_diagnostic_or_fits(template: str, one: int, other: int) -> None:
    digits = [str(n) if n < 10**4_000 else "9" * 5_000 for n in (one, other)]
    report = check_text("shapecheck: 1\n" + template.format(*digits), "huge.net.yaml")
    for diagnostic in report.diagnostics:
        assert len(diagnostic.message) < 3_000
    if report.ok and report.shapes is not None:
        for shape in report.shapes.outputs:
            assert all(size <= LARGEST for size in shape or () if isinstance(size, int))


def test_values_given_by_python_may_be_too_long_to_print() -> None:
    text = "shapecheck: 1\nparams: {w: 4}\ninputs: {x: [N, =w, 9]}\nlayers: [{op: linear, out_features: =w}]\n"
    for values in ({"w": 10**5_000}, {"N": 10**5_000}):
        with pytest.raises(NetworkError) as raised:
            api.loads(text, **values)
        assert "a number with about 5001 digits" in raised.value.diagnostics[0].message


def test_sizes_that_grow_with_every_layer_are_given_up_and_said() -> None:
    layers = "".join("  - {op: upsample, scale_factor: 1000000}\n" for _ in range(300))
    network = api.loads(f"shapecheck: 1\ninputs: {{x: [1, 1, L]}}\nlayers:\n{layers}")
    shapes = propagate(network)
    assert [open.question for open in shapes.undecided if "too large numbers" in open.question]
    assert api.sizes(network)["L"].status == "partial"
    (told,) = check_network(network).diagnostics
    assert told.code == "SC506" and "was not decided in full" in told.message


def test_the_largest_array_fits_and_one_element_more_does_not() -> None:
    text = "shapecheck: 1\ninputs: {{x: [{}, 1, 1]}}\nlayers: [{{op: identity}}]\n"
    assert check_text(text.format(LARGEST), "x").ok
    (found,) = check_text(text.format(LARGEST + 1), "x").diagnostics
    assert found.code == "SC011" and "2^512" in found.message


@pytest.mark.parametrize(
    ("number", "said"),
    [(30, "1" + "0" * 30), (50, "a number with 51 digits"), (5_000, "a number with about 5001 digits")],
)
def test_long_numbers_are_told_by_their_length(number: int, said: str) -> None:
    assert show_number(10**number) == said


def test_the_message_of_an_axis_too_many(tmp_path: Path) -> None:
    layers = "".join("  - {op: unsqueeze, axis: 0}\n" for _ in range(100))
    report = check_text(f"shapecheck: 1\ninputs: {{x: [2, 3]}}\nlayers:\n{layers}", "x")
    assert [(d.code, d.layer) for d in report.diagnostics] == [("SC221", "unsqueeze_63")]
    assert "has 65 axes; arrays have at most 64" in report.diagnostics[0].message
