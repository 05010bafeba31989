"""The level run where memory is short: what is run then, and what is said of the rest."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jax
import pytest
from handmade import chain
from runs import LINEAR, ran, verified

import shapecheck
import shapecheck.verification.reference.execution.free_memory as memory
import shapecheck.verification.reference.execution.step_runner as execute
import shapecheck.verification.reference.segments as segments
from shapecheck.cache.codec import decode, encode
from shapecheck.output.verification_json import verification_json
from shapecheck.output.verification_text import lines, sentence
from shapecheck.verification import Verification
from shapecheck.verification.reference import run_levels
from shapecheck.verification.reference.execution.step_runner import StepRunner
from shapecheck.verification.reference.trace import trace
from shapecheck.verification.verification_cache import settled


def test_what_does_not_fit_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "free_bytes", lambda device: 5_000_000)
    found = run_levels(chain((2, 1000), {"op": "linear", "out_features": 1000}), "run").run
    assert found is not None
    assert found.run is None
    told = r"a training step here would take \d\d\.\d\d MiB, a forward pass alone \d+\.\d\d MiB, and 4\.77 MiB are free"
    assert re.fullmatch(told, found.not_run or "")
    monkeypatch.setattr(execute, "free_bytes", lambda device: None)
    assert ran(chain((2, 10), LINEAR)).lost == ()


def deep_and_square(dtype: str = "float32") -> str:
    """Return layers whose parameters and gradients take eight times as much as one of them and what it gives."""
    layers = "".join(f"  - {{name: l{n}, op: linear, out_features: 700}}\n" for n in range(8))
    return f"shapecheck: 1\ninputs: {{x: {{shape: [2, 700], dtype: {dtype}}}}}\nlayers:\n{layers}"


SQUARED = ["l7", "m0", "m1", "m2", "m3", "m4"]


@pytest.fixture
def only_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so much memory be free that a forward pass fits, piece after piece, and a training step does not."""
    monkeypatch.setattr(segments, "LONGEST", 1)
    monkeypatch.setattr(execute, "free_bytes", lambda device: 6_000_000)


@pytest.mark.usefixtures("only_forward")
def test_without_memory_for_a_step_the_forward_pass_is_run() -> None:
    found = verified(deep_and_square()).verification
    assert found is not None and found.run is not None
    assert re.fullmatch(r"it would take \d\d\.\d\d MiB, and 5\.72 MiB are free", found.run.forward_only or "")
    assert (found.result, found.verdict, found.agree) == ("not_checked", "not_checked", 8)
    assert [one.result for one in found.levels] == ["proved", "proved", "proved", "not_checked"]
    reason = f"the training step was not run: {found.run.forward_only}"
    assert sentence(found) == f"not checked: {reason}"
    assert lines(found)[2:] == [
        "  run: all numbers of 8 layers are finite (1 random draw)",
        f"  run: {reason}",
    ]
    told = verification_json(found)["run"]
    assert (told["reached"], told["forward_only"]) == (None, found.run.forward_only)
    assert decode(Verification, json.loads(json.dumps(encode(found)))) == found
    assert not settled(found)


@pytest.mark.usefixtures("only_forward")
def test_a_forward_pass_alone_refutes_what_is_not_finite() -> None:
    squares = "".join(f"  - {{name: m{n}, op: multiply, from: [{read}, {read}]}}\n" for n, read in enumerate(SQUARED))
    report = verified(deep_and_square("float16") + squares)
    found = report.verification
    assert found is not None and found.run is not None
    assert found.run.forward_only is not None
    assert found.run.not_finite is not None and found.result == "refuted"
    assert [d.code for d in report.diagnostics if d.code.startswith("SC8")] == ["SC802"]


@pytest.mark.slow
@pytest.mark.usefixtures("only_forward")
def test_a_forward_pass_alone_shows_the_values_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    made = shapecheck.loads(deep_and_square())
    device = jax.devices()[0]
    alone = StepRunner(made, trace(made), device, lambda what: None)
    assert alone.forward_only is not None
    monkeypatch.setattr(execute, "free_bytes", lambda device: None)
    whole = StepRunner(made, trace(made), device, lambda what: None)
    assert whole.forward_only is None
    found, expected = alone.forward(0), whole.once(0)
    assert found.values == pytest.approx(expected.values, rel=1e-5)
    assert len(found.values) == 8 and found.shapes == expected.shapes
    assert found.gradients == {} and found.parameters == {}


def test_free_memory_is_the_least_of_all_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = jax.devices("cpu")[0]
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 99 kB\nMemAvailable: 7 kB\n", encoding="ascii")
    most, used = tmp_path / "memory.max", tmp_path / "memory.current"
    monkeypatch.setattr(memory, "_MEMINFO", info)
    monkeypatch.setattr(memory, "_GROUPS", ((most, used),))
    assert memory.free_bytes(cpu) == 7 * 1024
    (tmp_path / "memory.stat").write_text("anon 2000\ninactive_file 500\n", encoding="ascii")
    used.write_text("3000\n", encoding="ascii")
    for limit, free in (("max", 7 * 1024), ("4000", 1500), ("2600", 100), ("100", 0), ("1000000", 7 * 1024)):
        most.write_text(f"{limit}\n", encoding="ascii")
        assert memory.free_bytes(cpu) == free
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "nothing")
    monkeypatch.setattr(memory, "_GROUPS", ())
    assert (memory.free_bytes(cpu) or 0) > 2**28
