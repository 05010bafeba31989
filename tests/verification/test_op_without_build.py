"""An op that the reference build does not know is not checked, by its layer's name, and everything else is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from texts import check_text

from shapecheck.layers import REGISTRY
from shapecheck.layers.activation import Identity
from shapecheck.output.verification_text import sentence
from shapecheck.verification import Level, NotChecked, Plan, Verification
from shapecheck.verification.crosscheck import verify
from shapecheck.verification.records.compiler_cost import Unavailable

TEXT = """\
shapecheck: 1
inputs: {x: [2, 3, 9, 9]}
layers:
  - {name: before, op: conv, out_channels: 4, kernel_size: 3}
  - {name: odd, op: sprinkle}
  - {name: after, op: relu}
  - {name: aside, op: conv, out_channels: 5, kernel_size: 3, from: x}
outputs: [after, aside]
"""
WHY = "its op sprinkle has no build in JAX"


@pytest.fixture(autouse=True)
def _sprinkle() -> Iterator[None]:
    class Sprinkle(Identity):
        ops = ("sprinkle",)

    yield
    del REGISTRY["sprinkle"]


def verified(text: str, plan: Plan) -> Verification:
    return verify(check_text(text, "net"), plan)


@pytest.mark.parametrize("level", ["trace", "lower", "compile", "run"])
def test_only_what_depends_on_it_is_not_checked(level: Level) -> None:
    found = verified(TEXT, Plan(level, "cpu"))
    assert found.result == "not_checked"
    assert found.agree == 2, "before and aside"
    assert found.not_checked[:2] == (NotChecked("odd", WHY), NotChecked("after", f"odd: {WHY}"))
    assert found.disagreements == ()
    assert sentence(found) == f"not checked: odd: {WHY}"


def test_a_mistake_beside_it_is_refuted() -> None:
    found = verified(TEXT.replace("name: aside, op: conv", "name: aside, groups: 2, op: conv"), Plan("trace", "cpu"))
    assert found.result == "refuted"
    assert NotChecked("odd", WHY) in found.not_checked


def test_its_cost_is_not_known_by_its_name() -> None:
    found = verified(TEXT, Plan("lower", "cpu", cost=True))
    assert found.cost == Unavailable("cost", f"odd: {WHY}")
