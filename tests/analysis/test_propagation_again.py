"""A propagation that takes over what an edit did not touch finds what a full one finds, in every field."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from amounts import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from paths import NETWORKS, ROOT
from random_networks import network

from shapecheck import pipeline
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.language.assembly import assemble
from shapecheck.language.limits import DEFAULT_LIMITS
from shapecheck.layers.base import Context, Problem
from shapecheck.layers.conv import Conv


@cache
def texts() -> list[str]:
    files = [*sorted((ROOT / "examples").rglob("*.net.yaml")), *sorted(NETWORKS.glob("*.net.yaml"))]
    return [text for path in files if len(text := path.read_bytes().decode("utf-8", "replace")) < 3_000]


def problem(p: Problem) -> Any:
    return (p.rule, p.message, p.help, p.key, p.axis, p.operand, p.against, p.replacement)


def everything(shapes: Shapes) -> Any:
    """All that a propagation finds, with texts besides, which tell 2 from 2.0."""
    found = (
        shapes.outputs,
        [(t.node, problem(t.problem), t.expectation) for t in shapes.troubles],
        shapes.undecided,
        shapes.own,
    )
    return (*found, repr(found[0]), repr(found[2]))


def shapes_of(text: str, earlier: Shapes | None = None) -> Shapes | None:
    file, findings = pipeline.read_text(text, "x.net.yaml", SMALL)
    if file is None:
        return None
    return propagate(assemble(file, {}, SMALL, findings)[0], earlier=earlier)


SMALL = DEFAULT_LIMITS._replace(layers=500, repeat=50, block_depth=20)
NUMBERS = ["0", "1", "2", "3", "7", "64", "1.5", "2.0", "null", "true", "[1, 2]", "H", "=H // 2", "same"]


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A network, and texts that follow it, each after one more edit."""
    if draw(st.booleans()):
        text = network(random.Random(draw(st.integers(0, 10**6))))
    else:
        text = draw(st.sampled_from(texts()))
    after, now = [], text
    for _ in range(draw(st.integers(1, 3))):
        words = [at for at, letter in enumerate(now) if letter in "0123456789"]
        lines = now.split("\n")
        kind = draw(st.sampled_from(["number", "number", "number", "drop", "twice", "swap"]))
        if kind == "number" and words:
            at = draw(st.sampled_from(words))
            now = now[:at] + draw(st.sampled_from(NUMBERS)) + now[at + 1 :]
        else:
            line = draw(st.integers(0, len(lines) - 1))
            other = draw(st.integers(0, len(lines) - 1))
            if kind == "drop":
                del lines[line]
            elif kind == "twice":
                lines.insert(line, lines[line])
            else:
                lines[line], lines[other] = lines[other], lines[line]
            now = "\n".join(lines)
        after.append(now)
    return text, after


@examples(250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(edited())
def test_what_is_taken_over_is_what_a_full_propagation_finds(edit: tuple[str, list[str]]) -> None:
    text, after = edit
    earlier = shapes_of(text)
    for new in after:
        whole = shapes_of(new)
        again = shapes_of(new, earlier)
        if whole is None or again is None:
            assert whole is again is None
            continue
        assert everything(again) == everything(whole)
        earlier = again


def counted(text: str, new: str, monkeypatch: Any) -> int:
    """How many convolutions of ``new`` are computed after a propagation of ``text``."""
    earlier = shapes_of(text)
    calls = 0
    compute = Conv.output

    def output(self: Conv, context: Context) -> Any:
        nonlocal calls
        calls += 1
        return compute(self, context)

    with monkeypatch.context() as patch:
        patch.setattr(Conv, "output", output)
        shapes_of(new, earlier)
    return calls


def chain(length: int) -> str:
    layers = [f"  - {{name: c{at}, op: conv, out_channels: 4, kernel_size: 3}}" for at in range(length)]
    return "\n".join(["shapecheck: 1", "inputs: {x: [1, 4, 400, 400]}", "layers:", *layers, ""])


def test_only_what_lies_behind_an_edit_is_computed(monkeypatch: Any) -> None:
    text = chain(20)
    edit = text.replace(
        "name: c14, op: conv, out_channels: 4, kernel_size: 3", "name: c14, op: conv, out_channels: 4, kernel_size: 5"
    )
    assert counted(text, text, monkeypatch) == 0
    assert counted(text, edit, monkeypatch) == 6
    # A change that leaves the output as it was goes no further.
    same = text.replace("name: c14, op: conv,", "name: c14, op: conv, bias: false,")
    assert counted(text, same, monkeypatch) == 1
    # Nor does a line above all layers move anything.
    assert counted(text, f"# a comment\n{text}", monkeypatch) == 0


def test_another_layout_or_input_is_another_network(monkeypatch: Any) -> None:
    text = chain(5).replace("[1, 4,", "[1, 400,")
    assert counted(text, text.replace("inputs:", "layout: channels_last\ninputs:"), monkeypatch) == 5
    assert counted(text, text.replace("400, 400, 400", "400, 300, 300"), monkeypatch) == 5
