"""The level run: what is finite, where the gradient goes, and what is said when it does not."""

from __future__ import annotations

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from amounts import sampled
from handmade import chain, network
from manual_pages import NAMES, examples
from runs import LINEAR, ran, verified
from tangled import tangled
from texts import check_text

import shapecheck.verification.reference.execution.random_numbers as draw
import shapecheck.verification.reference.execution.step_runner as execute
import shapecheck.verification.reference.segments as segments
from shapecheck.output.verification_json import run_json, verification_json
from shapecheck.output.verification_text import lines, run_lines
from shapecheck.verification.records.training_run import LostGradient, TrainingRun
from shapecheck.verification.reference import build, run_levels
from shapecheck.verification.reference.compile import QUICK
from shapecheck.verification.reference.execution.step_runner import RATE, StepRunner, _Piece
from shapecheck.verification.reference.trace import trace
from shapecheck.verification.wording import lost_gradient_text

CONV = {"op": "conv", "out_channels": 6, "kernel_size": 3}


def lost(run: TrainingRun) -> dict[str, tuple[tuple[str, ...], bool, bool]]:
    return {name: (one.layers, one.connected, one.silent) for one in run.lost for name in one.parameters}


def test_a_gradient_reaches_every_parameter() -> None:
    made = tangled()
    run = ran(made)
    assert run.parameters == len(build(made).specs) == 14
    assert (run.lost, run.not_finite, run.draws) == ((), None, 1)
    found = run_levels(made, "run").run
    assert found is not None and found.shapes == {len(made.nodes) - 1: (2, 3)}


@pytest.mark.parametrize("length", sampled([3, 8], 2))
def test_pieces_show_what_the_whole_shows(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tangled()
    device = jax.devices()[0]
    whole = StepRunner(made, trace(made), device, lambda what: None).once(0)
    monkeypatch.setattr(segments, "LONGEST", length)
    parts = StepRunner(made, trace(made), device, lambda what: None)
    assert len(parts.pieces) > 1
    found = parts.once(0)
    for mine, theirs in zip(found[1:], whole[1:], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3)
    assert whole.shapes.items() <= found.shapes.items()
    assert all(whole.gradients.values())


def test_the_training_step_is_that_of_jax() -> None:
    made = tangled()
    traced = trace(made)
    model = build(made)
    piece = _Piece(made, traced, [node.index for node in made.layers])
    random = np.random.default_rng(3)
    parameters = {name: draw.parameter(spec, 1, random) for name, spec in model.specs.items()}
    x = random.standard_normal((2, 3, 21, 18), np.float32)
    weight = random.standard_normal((2, 3), np.float32)
    quick = functools.partial(jax.jit, compiler_options=QUICK)
    forward = quick(lambda p: model.apply(p, {"x": x})["y"])
    gradient = quick(jax.grad(lambda p: jnp.sum(model.apply(p, {"x": x})["y"] * weight)))(parameters)
    given = [parameters[f"{made.nodes[index].name}.{name}"] for index, name in piece.specs]
    kept, _, updated, _, _, _ = quick(piece.step)(given, (x,), (weight,))
    np.testing.assert_allclose(kept[0], forward(parameters), rtol=1e-4, atol=1e-5)
    for (index, name), mine in zip(piece.specs, updated, strict=True):
        key = f"{made.nodes[index].name}.{name}"
        theirs = np.asarray(gradient[key])
        np.testing.assert_allclose(
            (parameters[key] - np.asarray(mine)) / RATE, theirs, rtol=0.02, atol=0.02 * np.abs(theirs).max()
        )


@pytest.mark.parametrize("dtype", sampled(["float16", "bfloat16", "float64"], 3))
def test_dtypes(dtype: str) -> None:
    made = chain((4, 3, 9, 9), CONV, {"op": "batch_norm"}, {"op": "relu"}, {"op": "global_avg_pool"}, dtype=dtype)
    run = ran(made)
    assert (run.not_finite, run.lost) == (None, ())
    assert run.cancelled == (("l1.bias", "l2"),)


@pytest.mark.parametrize("dtype", [None, "int64", "uint8"])
def test_indices_have_a_row(dtype: str | None) -> None:
    """A row that is not there is NaN, and the smallest of all tables counts."""
    rows = [
        ("x", (3, 40), None),
        ("r", {"op": "reshape", "shape": [-1, 8]}, "x"),
        ("e", {"op": "embedding", "num_embeddings": 4, "embedding_dim": 3}, "r"),
        ("d", {"op": "embedding", "num_embeddings": 300, "embedding_dim": 3}, "r"),
        ("y", {"op": "add"}, ["e", "d"]),
    ]
    made = network(*rows, dtypes={"x": dtype or "int32"})
    run = ran(made)
    assert (run.not_finite, run.lost, run.parameters) == (None, (), 2)


def test_softmax_and_norms_at_the_end_hide_no_gradient() -> None:
    for last in ({"op": "softmax"}, {"op": "layer_norm", "affine": False}, {"op": "batch_norm", "affine": False}):
        run = ran(chain((8, 16), LINEAR, {"op": "relu"}, LINEAR, last))
        assert run.lost == ()
        assert run.cancelled == ((("l3.bias", "l4"),) if last["op"] == "batch_norm" else ())


def test_the_first_layer_that_is_not_finite_is_named() -> None:
    square = [(f"m{n}", {"op": "multiply"}, [f"m{n - 1}"] * 2) for n in range(1, 7)]
    made = network(("m0", (4, 100), None), *square, dtypes={"m0": "float16"})
    run = ran(made)
    assert run.not_finite is not None
    x = draw.normal((4, 100), np.float16, draw.generator(0))
    with np.errstate(over="ignore"):
        powers = [x := x * x for _ in range(6)]
    node = next(n for n, power in enumerate(powers, 1) if not np.isfinite(power).all())
    assert run.not_finite == (f"m{node}", "value", False)
    assert run.lost == ()


def test_a_gradient_that_is_not_finite_is_named() -> None:
    pole = {"op": "lp_pool", "norm_type": 0.5, "kernel_size": 2}
    made = chain((2, 3, 8, 8), CONV, {"op": "relu"}, pole)
    run = ran(made)
    assert run.not_finite is not None
    assert run.not_finite == ("l3", "gradient", True)


def test_a_gradient_too_large_for_float16_is_looked_at_with_a_smaller_loss() -> None:
    """A kernel that reads up to 57,000, with gradients of up to 4 by what it gives, has one beyond 65,504."""
    made = network(
        ("x", (8, 200), None),
        ("p", {"op": "multiply"}, "x" * 8),
        ("y", {"op": "linear", "out_features": 3000}, "p"),
        dtypes={"x": "float16"},
    )
    plain = StepRunner(made, trace(made), jax.devices()[0], lambda what: None).once(0)
    assert not all(map(math.isfinite, plain.parameters.values()))
    run = ran(made)
    assert (run.not_finite, run.lost, run.draws) == (None, (), 1)


def test_a_norm_of_one_value_stops_all_gradients() -> None:
    made = chain((1, 3, 8, 8), CONV, {"op": "global_avg_pool"}, {"op": "batch_norm"}, {"op": "relu"})
    assert lost(ran(made)) == {
        "l1.kernel": (("l3",), True, False),
        "l3.scale": (("l3",), True, False),
        "l1.bias": (("l3",), True, False),
    }


def test_what_no_output_depends_on_is_certain() -> None:
    made = network(
        ("x", (2, 3, 9, 9), None),
        ("a", CONV, "x"),
        ("b", {"op": "relu"}, "a"),
        ("c", {"op": "crop", "like": "b"}, "x"),
        ("y", CONV, "c"),
    )
    run = ran(made)
    assert lost(run) == dict.fromkeys(("a.kernel", "a.bias"), (("b",), False, False))
    assert run.draws == execute.DRAWS


def test_a_rectifier_that_gives_nothing_is_the_cause_on_both_sides() -> None:
    made = chain((2, 8), LINEAR, {"op": "log_softmax"}, {"op": "relu"}, LINEAR)
    assert lost(ran(made)) == dict.fromkeys(("l1.kernel", "l1.bias", "l4.kernel"), (("l3",), True, True))


def test_a_gradient_that_is_zero_once_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the first numbers a single rectified value is negative half of the time."""
    real = StepRunner.once

    def first_is_dead(self: StepRunner, seed: int, scale: float = 1.0) -> execute.Marks:
        marks = real(self, seed, scale)
        return marks if seed else marks._replace(parameters=dict.fromkeys(marks.parameters, 0.0))

    monkeypatch.setattr(StepRunner, "once", first_is_dead)
    run = ran(chain((16, 8), LINEAR, {"op": "relu"}))
    assert (run.draws, run.lost) == (2, ())


def test_a_layer_that_is_refused_leaves_nothing_to_run() -> None:
    found = run_levels(chain((2, 3, 4), {"op": "conv", "out_channels": 2, "kernel_size": 9}), "run")
    assert found.run is not None
    assert found.run.not_run == "not every layer could be compiled"
    assert found.refused_by == {1: "trace"}


def manual_examples() -> list[tuple[str, str]]:
    return [(e.rule, e.text) for name in NAMES for e in examples(name) if e.outcome == "verified"]


@pytest.mark.parametrize(("rule", "text"), manual_examples())
def test_the_manuals_examples_are_found_in_a_run(rule: str, text: str) -> None:
    report = verified(text)
    (line,) = (n for n, line in enumerate(text.splitlines(), 1) if "# here" in line)
    told = [d for d in report.diagnostics if d.code.startswith("SC8")]
    assert [(d.rule.name, d.span.start.line) for d in told] == [(rule, line)]
    assert told[0].help


def test_both_rules_of_a_run_have_an_example() -> None:
    assert [name for name, _ in manual_examples()] == ["not-finite", "no-gradient"]


HEAD = "shapecheck: 1\ninputs: {x: [1, 3, 9, 9]}\nlayers:\n"
BRANCH = """  - {name: look, op: conv, out_channels: 8, kernel_size: 3}
  - {name: cut, op: crop, like: look, from: x}
  - {name: mix, op: conv, out_channels: 8, kernel_size: 1}
outputs: [mix]
"""


def test_one_mistake_makes_one_diagnostic() -> None:
    """What check has said of a layer is not said again of the parameters that suffer from it."""
    pooled = "  - {op: conv, out_channels: 4, kernel_size: 3}\n  - {op: global_avg_pool}\n  - {op: batch_norm}\n"
    for text, code, result in ((HEAD + BRANCH, "SC610", "refuted"), (HEAD + pooled, "SC605", "not_checked")):
        report = verified(text)
        assert report.verification is not None and report.verification.run is not None
        assert [d.code for d in report.diagnostics if d.severity != "info"] == [code]
        assert report.verification.result == result
        assert report.verification.run.lost


def test_without_the_lint_the_run_says_it() -> None:
    report = verified(HEAD.replace("shapecheck: 1", "shapecheck: 1  # shapecheck: file-ignore[SC610] meant") + BRANCH)
    assert [d.code for d in report.diagnostics] == ["SC803"]
    assert report.diagnostics[0].message == "look: no output depends on it: look.kernel, look.bias get no gradient"


def test_a_comment_keeps_what_a_run_finds_quiet() -> None:
    text = HEAD.replace("shapecheck: 1", "shapecheck: 1  # shapecheck: file-ignore[SC610, SC803] meant") + BRANCH
    assert verified(text).diagnostics == ()
    # To check alone, the comment is no idle one: only a run could tell.
    assert check_text(text, "net").diagnostics == ()


def test_text_and_json_of_a_run() -> None:
    text = HEAD + "  - {op: conv, out_channels: 4, kernel_size: 3}\n  - {op: batch_norm}\n  - {op: dropout}\n"
    found = verified(text).verification
    assert found is not None
    first, levels, *rest = lines(found)
    assert first == "proved: compiled and run by XLA for cpu, all 3 layers agree"
    pattern = r"  trace \(JAX's shape rules\) {0}, lower \(StableHLO\) {0}, compile \(XLA\) {0}, run \(.*\) {0}"
    assert re.fullmatch(pattern.format(r"\d+\.\d\d s"), levels)
    reached = "the gradient reaches 3 of 4 parameters (1 random draw, dropout off)"
    assert rest == [
        f"  run: all numbers of 3 layers are finite; {reached}",
        "  run: batch_norm_1 subtracts the mean of each channel, and with it conv_1.bias",
    ]
    data = verification_json(found)
    assert [(one["level"], one["result"]) for one in data["levels"]] == [
        (level, "proved") for level in ("trace", "lower", "compile", "run")
    ]
    assert all(one["seconds"] >= 0 and one["what"] for one in data["levels"])
    assert data["run"]["cancelled"] == [{"parameter": "conv_1.bias", "by": "batch_norm_1"}]
    assert (data["run"]["reached"], data["run"]["parameters"], data["run"]["not_finite"]) == (3, 4, None)
    assert math.isclose(sum(one["seconds"] for one in data["levels"]), found.seconds, rel_tol=0.5)


def test_text_tells_of_some_places_and_json_of_all() -> None:
    lost = tuple(LostGradient(tuple(f"l{n}.p{i}" for i in range(n)), (f"l{n}",), True, False) for n in range(1, 8))
    found = TrainingRun(4, 7, 30, None, lost, (), False)
    first, *rest = run_lines(found)
    assert "reaches 2 of 30 parameters (4 random draws)" in first
    assert rest[0] == "run: l1: no gradient came through, whatever numbers were tried: l1.p0 gets no gradient"
    assert rest[4:] == ["run: and likewise at 3 more places"]
    assert "l7.p3 and 3 more get no gradient" in lost_gradient_text(lost[6])
    assert [len(one["parameters"]) for one in run_json(found)["without_gradient"]] == list(range(1, 8))


def test_levels_that_were_not_reached_are_not_called_proved() -> None:
    text = HEAD + "  - {op: conv, out_channels: 4, kernel_size: 11}\n  - {op: relu}\n"
    found = verified(text).verification
    assert found is not None
    assert [(one.level, one.result) for one in found.levels] == [
        ("trace", "refuted"),
        ("lower", "not_checked"),
        ("compile", "not_checked"),
        ("run", "not_checked"),
    ]
    assert found.result == "refuted"


def test_dimensions_without_a_size_get_one() -> None:
    found = verified(
        "shapecheck: 1\ninputs: {x: [N, 3, 9]}\nlayers:\n  - {op: conv, out_channels: 2, kernel_size: 3}\n"
    )
    assert found.verification is not None
    assert (found.verification.result, found.verification.dims) == ("proved", {"N": 2})
