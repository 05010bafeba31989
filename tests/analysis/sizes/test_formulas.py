"""The size of a layer as people write it, computed as a person would: it is the size."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import pytest
import random_encoders
from every_size import load

from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.sizes.every_size import analyse
from shapecheck.arithmetic.symbolic import Affine
from shapecheck.output.formula import formula


def value(text: str, n: int) -> Fraction:
    names: dict[str, Any] = {"floor": math.floor, "ceil": math.ceil, "H": Fraction(n), "__builtins__": {}}
    return Fraction(eval(text.replace("·", "*").replace("−", "-"), names))


def test_a_formula_of_the_normal_form_is_the_size() -> None:
    rng = random.Random(1)
    shown = set()
    for _ in range(2_000):
        size = Affine("H", rng.randint(1, 5), rng.randint(0, 12), rng.randint(1, 12), rng.randint(-20, 20))
        text = formula(size)
        shown.add("".join(letter for letter in text if not letter.isdigit()))
        for n in (1, 2, 3, 11, 12, 25, 100):
            assert value(text, n) == size.at({"H": n}), (text, n)
    # Of every form that there is.
    assert {"H − ", "·H", "floor(H/)", "ceil(H/)", "floor((H + )/)", "·ceil(H/) − ", "·floor((H + )/) + "} <= shown


@pytest.mark.parametrize("seed", range(40))
def test_the_formula_of_every_layer_is_its_size(seed: int) -> None:
    network = load(random_encoders.any_network(random.Random(seed)))
    analysis = analyse(network)
    asked = [n for n in analysis.dims["H"].set.extra if n < 500] + [n for n in range(1, 100) if n in analysis.dims["H"]]
    for n in asked:
        assert network.resized is not None
        shapes = propagate(network.resized({"H": n}))
        for node in network.layers:
            symbolic, output = analysis.shapes.outputs[node.index], shapes.outputs[node.index]
            assert symbolic is not None and output is not None
            assert tuple(value(formula(size), n) for size in symbolic) == output


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (Affine("H", 1, 0, 1, 0), "H"),
        (Affine("H", 1, 31, 32, 0), "ceil(H/32)"),
        (Affine("H", 1, 0, 16, 0), "floor(H/16)"),
        (Affine("H", 1, 4, 16, -8), "floor((H − 124)/16)"),
        (Affine("H", 2, 1, 2, 1), "2·ceil(H/2) + 1"),
        (Affine("H", 3, 0, 1, -7), "3·H − 7"),
        (Affine("H", 16, 4, 16, -188), "16·floor((H + 4)/16) − 188"),
        (7, "7"),
    ],
    ids=str,
)
def test_a_formula_is_short(size: Affine | int, text: str) -> None:
    assert formula(size) == text
