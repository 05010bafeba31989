"""Resampling as the reference builds it, against PyTorch, also for sizes that a scale factor does not reach exactly."""

from __future__ import annotations

import numpy as np
import pytest
from random_layers import Case, cases, made
from run_layer import MODES, base, by_reference, by_torch

from shapecheck.layers import Context


def compare(case: Case, seed: int) -> None:
    x = base(case.context.inputs[0], np.random.default_rng(seed), "upsample")
    np.testing.assert_allclose(by_reference(case)(x), by_torch(case)(x), atol=1e-5, err_msg=str(vars(case.layer)))


@pytest.mark.parametrize("seed", range(3))
def test_an_upsampling_is_that_of_torch(seed: int) -> None:
    for number, case in enumerate(cases("upsample", 12, seed)):
        if MODES[vars(case.layer)["mode"]][len(case.output) - 2]:
            compare(case, number)


# 2 · 3.3 is 6 and 2 · 1.4 is 2, rounded down: multiples of 2, but the steps are those of the factor, or none.
@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize(
    ("i", "factor"), [(2, 3.3), (2, 1.4), (2, 2.4), (3, 2.4), (3, 3.4), (5, 0.9), (4, 3.0), (7, 1.0)]
)
def test_a_factor_that_is_rounded_down_is_that_of_torch(i: int, factor: float, mode: str) -> None:
    layer, context = made("upsample", scale_factor=factor, mode=mode), Context(((2, 3, i),))
    compare(Case(layer, context, layer.output(context)), i)
