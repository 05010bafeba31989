"""Ops on sizes that are not known, against the same op on numbers.

The cases are those of ``test_layers_against_jax``. Some axes lose their size; what is then said must hold for the size
that they had: the same shape, or a question whose answer is no where the number is refused.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from amounts import amount, drawn, examples
from by_hand.cases import Case, Draw
from hypothesis import given
from hypothesis import strategies as st
from one_layer import RESULT, ask, text
from ops_by_hand import OPS

from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.layers.context import Question


def named(case: Case, draw: Draw) -> tuple[dict[str, list[Any]], dict[str, int]]:
    """Return the inputs with names for some of their sizes, and what the names stand for.

    Channels keep their numbers, for they are what the layers' weights are made of. A name may stand on several axes.
    """
    inputs: dict[str, list[Any]] = {}
    sizes: dict[str, int] = {}
    by_value = draw.of(True, False)
    for name, shape in case.inputs.items():
        channels = len(shape) - 1 if case.channels_last else 1
        entries: list[Any] = list(shape)
        for axis, size in enumerate(shape):
            if (axis != channels or len(shape) == 1) and draw.of(True, True, False):
                dim = f"d{size}" if by_value else f"{name}_{axis}"
                entries[axis] = dim
                sizes[dim] = size
        inputs[name] = entries
    return inputs, sizes


def value(size: Any, sizes: dict[str, int]) -> int:
    return size.at(sizes) if isinstance(size, Symbolic) else int(size)


def holds(question: Question, sizes: dict[str, int]) -> bool:
    left, right = value(question.left, sizes), value(question.right, sizes)
    if question.kind == "divides":
        return left % right == 0
    return left == right if question.kind == "equal" else left >= right


@drawn
@pytest.mark.parametrize("op", OPS)
def test_a_symbolic_shape_is_right_at_every_size(op: str) -> None:
    seen: Counter[str] = Counter()

    @examples(60)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        draw = Draw(data)
        case = OPS[op](draw, op)
        inputs, sizes = named(case, draw)
        with_numbers = ask(text(case.inputs, case.layers, case.channels_last, case.dtype))
        source = text(inputs, case.layers, case.channels_last, case.dtype)
        report = ask(source).report
        assert report.shapes is not None
        output = report.shapes[RESULT].output
        open_questions = report.shapes.undecided
        # A question in words alone is one that no formula could be found for.
        wordless = [one.asked for one in open_questions if one.asked is not None]
        answers = {str(question): holds(question, sizes) for question in wordless}
        assumed = all(holds(question, sizes) for question in wordless if question.kind == "assume")
        if report.shapes.troubles:
            # Refused for every size, so refused for this one.
            seen["refused"] += 1
            assert with_numbers.shape is None, source
        elif output is None:
            seen["open"] += 1
            assert len(open_questions) > len(wordless), source
        elif with_numbers.shape is None:
            seen["conditional"] += 1
            assert not all(answers.values()), (source, with_numbers.errors, answers)
        elif assumed:
            seen["right"] += 1
            assert all(answers.values()), (source, answers, sizes)
            assert [value(size, sizes) for size in output] == with_numbers.shape, (source, sizes)

    run()
    assert seen["right"] >= amount(10, 10), seen
