"""What an outcome says of one and of many, in words."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from shapecheck.output.cost_text import cost_rows
from shapecheck.output.verification_json import numbers_json
from shapecheck.output.verification_text import number_lines, run_lines, sentence
from shapecheck.verification import Disagreement, LevelOutcome, NotChecked, Verification
from shapecheck.verification.records.compiler_cost import CompiledFigures, CompilerCost, CountMismatch
from shapecheck.verification.records.number_comparison import LayerComparison, NumberComparison
from shapecheck.verification.records.partition import Partition, Refusal
from shapecheck.verification.records.training_run import LostGradient, NotFinite, TrainingRun

REFUSED = Partition({"data": 2}, "compile", "refuted", None, refusals=(Refusal("input x", "x", "no"),))
RAN = (LevelOutcome("trace", "proved", 0.1, "a"), LevelOutcome("run", "refuted", 0.1, "b"))
WRONG = TrainingRun(1, 1, 1, NotFinite("l1", "value", True), (), (), False)


def differing(count: int) -> tuple[LayerComparison, ...]:
    return tuple(LayerComparison(f"l{n}", 1.0, 0.5) for n in range(1, count + 1))


def outcome(result: str, agree: int) -> Verification:
    return Verification("compile", "cpu", result, agree, (), (), {}, 0.5)


@pytest.mark.parametrize(
    ("found", "one", "many"),
    [
        (
            lambda n: outcome("proved", n),
            "proved: compiled by XLA for cpu, the one layer agrees",
            "proved: compiled by XLA for cpu, all 12 layers agree",
        ),
        (
            lambda n: outcome("refuted", n)._replace(mesh=REFUSED),
            "refuted: JAX refuses the mesh, though 1 layer agrees",
            "refuted: JAX refuses the mesh, though 12 layers agree",
        ),
        (
            lambda n: outcome("refuted", n)._replace(numbers=NumberComparison("cpu", "gpu", n, 2.0, differing(1))),
            "refuted: the one shape agrees, but not all numbers on cpu",
            "refuted: all 12 shapes agree, but not all numbers on cpu",
        ),
        (
            lambda n: outcome("refuted", n)._replace(run=WRONG, levels=RAN),
            "refuted: the one layer agrees, but not all is well in a run",
            "refuted: all 12 layers agree, but not all is well in a run",
        ),
        (
            lambda n: outcome("refuted", n),
            "refuted: the network does not fit, and JAX says the same of 1 layer",
            "refuted: the network does not fit, and JAX says the same of 12 layers",
        ),
        (
            lambda n: outcome("refuted", 0)._replace(disagreements=(Disagreement("l", None, None, "no"),) * n),
            "refuted: 1 of 1 layer disagrees with JAX",
            "refuted: 12 of 12 layers disagree with JAX",
        ),
        (
            lambda n: outcome("not_checked", n)._replace(
                stopped="late", levels=RAN[:1], not_checked=(NotChecked(None, "late"), NotChecked("l", "why"))
            ),
            "not checked: late; before that: 1 layer agrees",
            "not checked: late; before that: 12 layers agree",
        ),
    ],
)
def test_one_layer_and_many(found: Callable[[int], Verification], one: str, many: str) -> None:
    assert sentence(found(1)) == one
    assert sentence(found(12)) == many


def test_a_run_of_one_layer_and_of_many() -> None:
    assert run_lines(TrainingRun(1, 1, 1, None, (), (), False)) == [
        "run: all numbers of 1 layer are finite; the gradient reaches 1 of 1 parameter (1 random draw)"
    ]
    lost = tuple(LostGradient((f"l{n}.scale",), (f"l{n}",), True, False) for n in range(5))
    first, *_, last = run_lines(TrainingRun(4, 9, 7, None, lost, (), False))
    assert first == "run: all numbers of 9 layers are finite; the gradient reaches 2 of 7 parameters (4 random draws)"
    assert last == "run: and likewise at 1 more place"


@pytest.mark.parametrize(
    ("layers", "wrong", "told"),
    [
        (1, 0, "1 of 1 layer agrees"),
        (1, 1, "0 of 1 layer agree"),
        (3, 2, "1 of 3 layers agrees"),
        (3, 0, "3 of 3 layers agree"),
    ],
)
def test_numbers_of_one_layer_and_of_many(layers: int, wrong: int, told: str) -> None:
    compared = NumberComparison("cpu", "gpu", layers, 2.0, differing(wrong))
    assert number_lines(compared)[0] == f"numbers on gpu and cpu: {told} within rounding"
    assert len(number_lines(compared)) == 1 + wrong


def test_an_infinite_difference_is_null_in_json() -> None:
    told = numbers_json(NumberComparison("cpu", "gpu", 2, math.inf, (LayerComparison("l1", math.inf, 0.5),)))
    assert (told["closest"], told["differing"]) == (None, [{"layer": "l1", "difference": None, "allowed": 0.5}])


@pytest.mark.parametrize(
    ("same", "wrong", "told"),
    [
        (0, 1, "differs for the layer that multiplies and adds"),
        (2, 1, "differs for 1 of 3 layers that multiply and add"),
        (1, 0, "is the same for the layer that multiplies and adds"),
        (2, 0, "is the same for all 2 layers that multiply and add"),
    ],
)
def test_counts_of_one_layer_and_of_many(same: int, wrong: int, told: str) -> None:
    nothing = CompiledFigures(*(None,) * 7)
    counted = (CountMismatch("l", 8, 9.0),) * wrong
    cost = CompilerCost("cpu", "float32", 4, "sgd", 0, 1, 4, 0, 1, nothing, nothing, same, counted, None, None, ())
    assert ("  multiply-adds on padding", f"none (XLA's count {told})") in cost_rows(cost)
