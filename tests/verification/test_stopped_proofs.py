"""What is left of a proof that ended before it was done: by its time limit, or because the process died."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from proofs_kept import FOUND, QUESTION, READY, SMALL, Clock, ask, faked

from shapecheck.cache.codec import decode, encode
from shapecheck.cli.main import main
from shapecheck.output import progress
from shapecheck.output.cost_text import cost_lines
from shapecheck.output.verification_json import verification_json
from shapecheck.output.verification_text import lines, sentence
from shapecheck.verification import Disagreement, Level, LevelOutcome, NotChecked, Plan, Verification
from shapecheck.verification.interrupted import interrupted
from shapecheck.verification.prover import Prover
from shapecheck.verification.records.compiler_cost import Fit, Unavailable
from shapecheck.verification.records.partition import Partition
from shapecheck.verification.verification_cache import settled

REASON = "it took longer than 9 s and was stopped, in: a step"


def gone(*levels: Level) -> tuple[LevelOutcome, ...]:
    return tuple(LevelOutcome(level, "proved", 0.1, "somebody") for level in levels)


COMPILED = FOUND._replace(levels=gone("trace", "lower", "compile"))


def through_json(found: Verification) -> Verification:
    """Return what arrives of an outcome that another process sends."""
    return decode(Verification, json.loads(json.dumps(encode(found))))


def test_nothing_found_is_nothing_checked() -> None:
    found = interrupted(Plan(cost=True, fit=9), None, REASON)
    assert sentence(found) == f"not checked: {REASON}"
    assert (found.cost, found.fit, found.stopped) == (Unavailable("cost", REASON), Unavailable("fit", REASON), REASON)
    assert (found.verdict, found.agree, found.levels) == ("not_checked", 0, ())


@pytest.mark.parametrize("count", [1, 2])
def test_levels_that_were_not_reached_are_not_checked(count: int) -> None:
    traced = FOUND._replace(level="trace", agree=count)
    found = interrupted(Plan("run"), through_json(traced), REASON)
    assert (found.level, found.result, found.verdict, found.agree) == ("run", "not_checked", "not_checked", count)
    assert [(one.level, one.result) for one in found.levels] == [
        ("trace", "proved"),
        ("lower", "not_checked"),
        ("compile", "not_checked"),
        ("run", "not_checked"),
    ]
    agree = "all 2 layers agree" if count == 2 else "the one layer agrees"
    assert sentence(found) == f"not checked: {REASON}; before that: traced by JAX for cpu, {agree}"
    unseen = traced._replace(result="not_checked", not_checked=(NotChecked("conv_1", "it reads itself"),))
    found = interrupted(Plan("lower"), unseen, REASON)
    assert sentence(found).endswith(f"; before that: {count} {'layers agree' if count == 2 else 'layer agrees'}")
    assert [each.reason for each in found.not_checked] == [REASON, "it reads itself"]


def test_what_refutes_stays_refuted() -> None:
    wrong = Disagreement("conv_1", (2, 4, 7), (2, 4, 8), "the two shapes differ")
    levels = (LevelOutcome("trace", "refuted", 0.1, "JAX's shape rules"),)
    traced = FOUND._replace(level="trace", result="refuted", agree=1, disagreements=(wrong,), levels=levels)
    found = interrupted(Plan("compile", cost=True), through_json(traced), REASON)
    assert (found.result, found.verdict) == ("refuted", "refuted")
    assert sentence(found) == "refuted: 1 of 2 layers disagrees with JAX"
    assert [one.result for one in found.levels] == ["refuted", "not_checked", "not_checked"]
    assert found.not_checked == (NotChecked(None, REASON),)
    assert found.cost == Unavailable("cost", "the network was refuted")
    assert not settled(found)


def test_parts_that_were_not_finished_are_not_checked() -> None:
    to_come = COMPILED._replace(mesh=Partition({"data": 2}, "compile", "not_checked", None))
    found = interrupted(Plan(fit=9), through_json(to_come), REASON)
    assert found.mesh == Partition({"data": 2}, "compile", "not_checked", REASON)
    assert sentence(found).startswith(f"not checked: the mesh was not checked: {REASON}; before that: compiled by XLA")
    assert found.fit == Unavailable("fit", REASON)
    elsewhere = COMPILED._replace(level="run", backend="gpu", levels=gone("trace", "lower", "compile", "run"))
    found = interrupted(Plan("run"), elsewhere, REASON)
    assert found.numbers is not None and found.numbers.missing == REASON
    assert found.verdict == "not_checked"
    assert interrupted(Plan("run"), elsewhere._replace(backend="cpu"), REASON).numbers is None


def test_what_is_finished_is_left_as_it_is() -> None:
    done = Partition({"data": 2}, "compile", "proved", None)
    found = interrupted(Plan(cost=True), COMPILED._replace(mesh=done), REASON)
    assert (found.mesh, found.result, found.agree) == (done, "proved", 2)
    assert found.verdict == "not_checked"
    assert sentence(found) == f"proved: compiled by XLA for cpu, all 2 layers agree; but {REASON}"
    assert lines(found)[-1] == f"  cost: not known: {REASON}"
    assert verification_json(found)["stopped"] == REASON


def sending(found: Verification, then: str) -> str:
    """Return a process that tells of an outcome on the way, and then does something else."""
    return READY + f"print({json.dumps(['partial', encode(found)])!r}, flush=True)\n" + then


def test_a_process_that_dies_leaves_what_it_told() -> None:
    half = "print('[1, {', end='', flush=True); sys.stderr.write('F0000 no'); sys.stderr.flush(); os._exit(3)"
    with faked(sending(COMPILED, half)) as made:
        calls: list[Any] = []
        found = made.prove(QUESTION, SMALL, Plan(cost=True), lambda *call: calls.append(call))
    assert found.levels == COMPILED.levels
    reason = "the compiler process died (exit code 3) in: the check of the file; it said: F0000 no"
    assert sentence(found) == f"proved: compiled by XLA for cpu, all 2 layers agree; but {reason}"
    assert found.verdict == "not_checked"


def test_what_was_told_of_one_file_is_not_told_of_the_next() -> None:
    with faked(sending(COMPILED, "os._exit(3)")) as made:
        assert ask(made)[0].agree == 2
        made._code = READY + "os._exit(3)"
        found, _ = ask(made)
    assert (found.agree, found.levels) == (0, ())


def until(step: str, plan: Plan, monkeypatch: pytest.MonkeyPatch, times: int = 1) -> Verification:
    """Return what is left of a real proof whose time is up when it comes to ``step`` so many times."""
    with monkeypatch.context() as patch, Prover(1_000, 2, None) as made:
        clock = Clock(patch, step, times)
        question = QUESTION._replace(values={"N": 2})
        found = made.prove(question, SMALL.replace("[2, ", "[N, "), plan, clock.tell)
    assert clock.ahead, "it never came to that step"
    assert found.stopped is not None and found.stopped.startswith("it took longer than 1000 s and was stopped, in: ")
    assert found.verdict == "not_checked" and not settled(found)
    assert (found.levels[0].level, found.levels[0].result, found.agree) == ("trace", "proved", 2)
    return found


def test_the_trace_outlives_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    found = until("compile 2 layers", Plan(), monkeypatch)
    assert sentence(found) == f"not checked: {found.stopped}; before that: traced by JAX for cpu, all 2 layers agree"


def test_the_shapes_outlive_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found = until("run: ", Plan("run"), monkeypatch)
    assert [one.result for one in found.levels] == ["proved", "proved", "proved", "not_checked"]
    assert sentence(found) == f"not checked: {found.stopped}; before that: compiled by XLA for cpu, all 2 layers agree"


def test_the_shapes_outlive_the_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(mesh=(("data", 2),), shard=(("N", ("data",)),))
    found = until("training step on the mesh", plan, monkeypatch)
    assert found.result == "not_checked"
    assert found.mesh is not None and (found.mesh.mesh, found.mesh.reason) == ({"data": 2}, found.stopped)


def test_the_shapes_outlive_the_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    found = until("compile a training step", Plan(cost=True, fit=2**30), monkeypatch)
    reason = str(found.stopped)
    assert (found.result, found.cost, found.fit) == ("proved", Unavailable("cost", reason), Unavailable("fit", reason))


def test_a_measured_step_outlives_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    found = until("compile a training step", Plan(fit=2**12), monkeypatch, times=2)
    assert isinstance(found.fit, Fit) and found.fit.fits
    assert [one.batch for one in found.fit.measured] == [2] and found.fit.largest == found.fit.measured[0]
    assert not found.fit.closed
    assert "the largest batch that fits is N = 2" in cost_lines(found.fit)[1]
    assert "perhaps larger: none was too large; the search was given up" in cost_lines(found.fit)[1]


def test_what_was_stopped_is_shown_and_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv("SHAPECHECK_CACHE_DIR", str(tmp_path / "cache"))
    arguments = ["verify", str(path), "--cost", "--device", "cpu", "--timeout", "1000", "--output-format", "json"]

    def asked(step: str) -> tuple[int, dict[str, Any]]:
        with monkeypatch.context() as patch:
            clock = Clock(patch, step)
            patch.setattr(progress.Progress, "of", lambda self, path: clock.tell)
            result = CliRunner().invoke(main, arguments, standalone_mode=False)
        assert result.exception is None, result.exception
        return int(result.return_value), json.loads(result.stdout)["files"][0]["verification"]

    code, found = asked("compile a training step")
    assert (code, found["layers"]["agree"], found["cost"]["status"]) == (1, 2, "not_known")
    assert found["stopped"] == "it took longer than 1000 s and was stopped, in: compile a training step"
    assert [one["result"] for one in found["levels"]] == ["proved"] * 3
    assert not list((tmp_path / "cache" / "verify").rglob("*/*"))
    code, found = asked("never")
    assert (code, found["cached"], found["stopped"], found["cost"]["status"]) == (0, False, None, "known")
    assert asked("never")[1]["cached"] is True
