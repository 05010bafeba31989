"""Where elements stand over the input, against a ramp that is sent through the same layers."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from texts import check_text

from shapecheck.analysis.alignment import shifts
from shapecheck.analysis.layer_index import layer_index

# Enough elements that the middle is never touched by an edge.
SIZE = 240


class Ramp:
    """Values that are their places: element n stands at ``first`` + n · ``step``."""

    def __init__(self, first: Fraction, step: Fraction) -> None:
        self.first = first
        self.step = step

    def at(self, n: Fraction) -> Fraction:
        return self.first + n * self.step

    def window(self, k: int, s: int, before: int) -> Ramp:
        """The mean of each window."""
        one, two = (sum(self.at(Fraction(n * s + t - before)) for t in range(k)) / k for n in (0, 1))
        return Ramp(one, two - one)

    def enlarged(self, factor: int) -> Ramp:
        one, two = (self.at(Fraction(2 * n + 1, 2 * factor) - Fraction(1, 2)) for n in (0, 1))
        return Ramp(one, two - one)


@pytest.mark.parametrize("seed", range(80))
def test_a_shift_is_what_a_ramp_shows(seed: int) -> None:
    rng = random.Random(seed)
    lines, ramp, scale = [], Ramp(Fraction(0), Fraction(1)), 1
    for _ in range(rng.randint(1, 3)):
        k, p = rng.choice([(2, 0), (3, 1), (4, 1), (5, 2), (7, 3), (6, 2)])
        lines.append(f"  - {{op: conv, out_channels: 4, kernel_size: {k}, stride: 2, padding: {p}}}")
        ramp, scale = ramp.window(k, 2, p), scale * 2
    lines.append(f"  - {{name: up, op: upsample, scale_factor: {scale}}}")
    ramp = ramp.enlarged(scale)
    lines.append("  - {op: add, from: [x, up]}")
    text = "\n".join(["shapecheck: 1", f"inputs: {{x: [1, 4, {SIZE}]}}", "layers:", *lines]) + "\n"
    report = check_text(text, "ramp.net.yaml")
    assert report.shapes is not None and not report.shapes.troubles, text
    assert ramp.step == 1
    found = shifts(report.shapes, layer_index(report.shapes))
    distance = abs(ramp.first)
    assert bool(found) is (distance > Fraction(1, 2)), text
    if found:
        assert found[0].distance == pytest.approx(float(distance))


@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (4, 1), (5, 1), (2, 0)])
def test_a_transposed_layer_puts_back_the_grid_of_its_convolution(kernel: int, padding: int) -> None:
    text = f"""
shapecheck: 1
inputs: {{x: [1, 4, {SIZE}]}}
layers:
  - {{name: down, op: conv, out_channels: 4, kernel_size: {kernel}, stride: 2, padding: {padding}}}
  - {{name: up, op: conv_transpose, out_channels: 4, transpose_of: down}}
  - {{name: sum, op: add, from: [x, up]}}
"""
    report = check_text(text, "pair.net.yaml")
    assert report.shapes is not None
    assert not shifts(report.shapes, layer_index(report.shapes))
