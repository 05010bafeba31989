"""Networks on which the question for every size is hard: the answer is right, or says what it leaves out, soon."""

from __future__ import annotations

import random
from collections.abc import Iterator

import hard_networks
import pytest
from amounts import sampled
from every_size import load, sizes_of, working
from texts import check_text

from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.sizes import conditions, periodic
from shapecheck.analysis.sizes import every_size as every
from shapecheck.analysis.sizes.conditions import MOST_STEPS
from shapecheck.analysis.sizes.every_size import MOST_HANDLED, analyse
from shapecheck.analysis.sizes.periodic import Budget, TooLarge
from shapecheck.arithmetic import quasi_affine
from shapecheck.arithmetic.symbolic import Size


class Steps:
    """How much work an analysis did: steps of its budgets, and sizes computed one by one."""

    spent = 0
    computed = 0
    failed = 0


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    counted = Steps()
    spend, value = Budget.spend, quasi_affine.value_at

    def counting_spend(self: Budget, number: int) -> None:
        try:
            spend(self, number)
        except TooLarge:
            counted.failed += 1
            raise
        counted.spent += number

    def counting_value(size: Size, name: str, n: int) -> int:
        counted.computed += 1
        return value(size, name, n)

    monkeypatch.setattr(Budget, "spend", counting_spend)
    monkeypatch.setattr(conditions, "value_at", counting_value)
    yield counted
    assert counted.spent <= 2 * MOST_HANDLED + MOST_STEPS
    assert counted.computed <= MOST_STEPS + 10_000


def clauses(variables: int, ratio: float) -> list[hard_networks.Clause]:
    return hard_networks.random_clauses(random.Random(variables), variables, int(variables * ratio))


@pytest.mark.parametrize(("variables", "ratio"), [(3, 1.0), (4, 1.5), (5, 2.4), (6, 3.0), (7, 3.6), (8, 4.3), (8, 8.0)])
def test_formulas_that_are_solved(variables: int, ratio: float, steps: Steps) -> None:
    formula = clauses(variables, ratio)
    found = sizes_of(hard_networks.network(variables, formula))
    assert found.status == "exact"
    asked = hard_networks.sizes(variables)
    solutions = [n for n in asked if hard_networks.satisfied(n, variables, formula)]
    assert [n for n in asked if n in found] == solutions
    assert found.set.empty == (not solutions)
    # No size between stands for anything.
    assert all(hard_networks.satisfied(n, variables, formula) for n in range(5_000, 9_000) if n in found)


def test_the_encoding_is_right() -> None:
    """Otherwise the tests above would compare one program with itself."""
    formula = clauses(3, 1.0)
    network = load(hard_networks.network(3, formula))
    asked = range(31, 100)
    right = working(network, "H", asked, expands=False)
    assert right == {n for n in asked if hard_networks.satisfied(n, 3, formula)}
    assert 0 < len(right) < 40


@pytest.mark.parametrize("variables", sampled([10, 13, 18], 3))
def test_formulas_that_are_too_hard_are_left_in_part(variables: int, steps: Steps) -> None:
    formula = clauses(variables, 4.0)
    found = sizes_of(hard_networks.network(variables, formula))
    assert found.status == "partial" and steps.failed > 0
    # What was left out is named, and nothing that works was taken away.
    assert all(":" in text for text in found.unresolved)
    left = {text.partition(":")[0] for text in found.unresolved}
    assert left <= {node.name for node in load(hard_networks.network(variables, formula)).layers}
    asked = hard_networks.sizes(variables)[:3_000]
    assert all(n in found for n in asked if hard_networks.satisfied(n, variables, formula) and n > 10**6)
    assert found.causes


def test_a_budget_of_nothing_decides_nothing_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "MOST_HANDLED", 0)
    formula = clauses(5, 2.4)
    found = sizes_of(hard_networks.network(5, formula))
    assert found.status == "partial"
    asked = hard_networks.sizes(5)
    assert all(n in found for n in asked if hard_networks.satisfied(n, 5, formula))


HEAD = "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: 4096}\n"


def out_of_form(blocks: int) -> str:
    """A chain that leaves the normal form at every step: times 3, by 2, times 4, by 5."""
    return HEAD + (
        "blocks:\n  wave:\n    layers:\n"
        "      - {op: conv, out_channels: 4, kernel_size: 2, stride: 2}\n"
        "      - {op: upsample, scale_factor: 3}\n"
        "      - {op: conv, out_channels: 4, kernel_size: 5, stride: 5, padding: 2}\n"
        "      - {op: upsample, scale_factor: 4}\n"
        f"layers:\n  - {{name: w, block: wave, repeat: {blocks}}}\n"
    )


@pytest.mark.parametrize("blocks", [20, 60])
def test_a_chain_of_many_roundings_is_followed(blocks: int, steps: Steps) -> None:
    network = load(out_of_form(blocks))
    found = analyse(network).dims["H"]
    assert found.status == "exact"
    right = working(network, "H", range(1, 60), expands=False)
    assert {n for n in range(1, 60) if n in found} == right


@pytest.mark.parametrize("blocks", sampled([160, 1_200], 2))
def test_a_chain_of_too_many_roundings_is_left_where_they_are_too_many(blocks: int, steps: Steps) -> None:
    found = sizes_of(out_of_form(blocks))
    assert found.status == "partial"
    (text,) = found.unresolved
    assert text.endswith(": its size is built of too many roundings, or too large numbers, to be followed")


def test_a_file_with_such_a_chain_can_be_checked() -> None:
    report = check_text(out_of_form(400), "long.net.yaml")
    assert report.ok and all(d.code != "SC503" for d in report.diagnostics)


def test_a_size_that_doubles_at_every_layer_is_left_soon(steps: Steps) -> None:
    """The size of a map joined with its own half has twice as many parts, thirty layers on a thousand million."""
    lines = ["layers:"]
    above = "x"
    for n in range(30):
        lines += [f"  - {{name: p{n}, op: max_pool, from: {above}, kernel_size: 2}}"]
        lines += [f"  - {{name: c{n}, op: concat, from: [{above}, p{n}], axis: 2}}"]
        above = f"c{n}"
    network = load(HEAD + "\n".join(lines) + "\n")
    found = analyse(network).dims["H"]
    assert found.status == "partial" and "roundings" in found.unresolved[0]
    assert propagate(network)[above].output is not None


def test_merges_of_a_long_period_are_asked_within_the_budget(steps: Steps) -> None:
    """Out of the normal form a merge is asked at every remainder of its period; together that could be anything."""
    lines = ["layers:", "  - {name: n0, op: upsample, scale_factor: 1.5}"]
    for n in range(1, 15):
        s, factor = (3, 5, 7, 2)[n % 4], (1.5, 2.5)[n % 2]
        lines += [
            f"  - {{name: p{n}, op: conv, from: n{n - 1}, out_channels: 4, kernel_size: 3, padding: 1, stride: {s}}}",
            f"  - {{name: q{n}, op: upsample, scale_factor: {s}}}",
            f"  - {{name: c{n}, op: concat, from: [q{n}, n{n - 1}]}}",
            f"  - {{name: n{n}, op: upsample, scale_factor: {factor}}}",
        ]
    network = load(HEAD + "\n".join(lines) + "\n")
    found = analyse(network).dims["H"]
    assert found.status == "partial" and steps.failed > 0 and steps.computed > 1_000
    right = working(network, "H", range(2**11 * 105, 2**11 * 105 * 20, 2**11 * 105), expands=False)
    assert right and all(n in found for n in right)


def test_a_budget_ends_and_small_questions_still_fit() -> None:
    budget = Budget(100)
    budget.spend(40)
    with pytest.raises(TooLarge):
        budget.spend(61)
    assert budget.left == 30
    budget.spend(30)
    with pytest.raises(TooLarge):
        budget.spend(1)


def test_the_limits_are_those_of_the_documentation() -> None:
    assert (periodic.MOST_INTERVALS, quasi_affine.MOST_TRIED) == (100_000, 100_000)
