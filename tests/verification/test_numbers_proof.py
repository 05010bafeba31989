"""What a run on a GPU adds to a proof: its numbers beside the CPU's. Without a GPU the CPU stands in for it."""

from __future__ import annotations

import json
import math
from typing import Any

import jax
import pytest
from paths import EXAMPLES
from texts import check_text

import shapecheck
from shapecheck import pipeline
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.cache.codec import decode, encode
from shapecheck.findings.finding import Finding
from shapecheck.output.verification_json import verification_json
from shapecheck.output.verification_text import lines, sentence
from shapecheck.verification import Plan, Verification
from shapecheck.verification import device_numbers as numbers_proof
from shapecheck.verification.device_numbers import add_numbers
from shapecheck.verification.records.number_comparison import LayerComparison, NumberComparison
from shapecheck.verification.reference import DeviceError, compare_numbers
from shapecheck.verification.verification_findings import findings

LENET = EXAMPLES / "lenet5.net.yaml"
RUN = Plan("run", "gpu")
PROVED = Verification("run", "gpu", "proved", 12, (), (), {"N": 7}, 1.0)


def gpu() -> bool:
    try:
        return bool(jax.devices("gpu"))
    except RuntimeError:
        return False


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let the CPU stand in for the GPU; return a list that gets the networks that are compared."""
    networks: list[Any] = []

    def compare(network: Any) -> list[LayerComparison]:
        networks.append(network)
        return compare_numbers(network, jax.devices("cpu")[0], jax.devices("cpu")[0])

    monkeypatch.setattr(numbers_proof, "compare_with_cpu", compare)
    return networks


def shapes(**values: int) -> Shapes:
    return propagate(shapecheck.load(LENET, **values))


def test_numbers_that_agree_leave_it_proved(seen: list[Any]) -> None:
    calls: list[Any] = []
    found = add_numbers(shapes(N=7), RUN, PROVED, lambda *call: calls.append(call))
    assert found.result == "proved"
    assert found.numbers == NumberComparison("cpu", "gpu", 12, 0.0, batch=2)
    assert seen[0].inputs[0].shape == (2, 1, 32, 32), "a small pass"
    assert "  numbers on gpu and cpu: 12 of 12 layers agree within rounding (batch 2)" in lines(found)
    assert [done for done, *_ in calls] == [0, 1]
    assert decode(Verification, json.loads(json.dumps(encode(found)))) == found


def test_numbers_that_differ_refute(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [LayerComparison(name, 0.5 if name == "s2" else 0.0, 0.001) for name in ("c1", "s2", "c3")]
    monkeypatch.setattr(numbers_proof, "compare_with_cpu", lambda network: layers)
    found = add_numbers(shapes(), RUN, PROVED)
    assert (found.result, found.verdict) == ("refuted", "refuted")
    assert found.numbers is not None and found.numbers.differing == (LayerComparison("s2", 0.5, 0.001),)
    assert sentence(found) == "refuted: all 12 shapes agree, but not all numbers on gpu"
    assert "    s2: its numbers on gpu and cpu differ by 0.5, and rounding allows 0.001" in lines(found)
    told = verification_json(found)["numbers"]
    assert told["result"] == "refuted"
    assert told["differing"] == [{"layer": "s2", "difference": 0.5, "allowed": 0.001}]


def differing(text: str, wrong: dict[str, float]) -> list[Finding]:
    """Return what is told where the second device adds something to the largest number of some layers."""
    checked = check_text(text, "net")
    network = checked.network
    assert network is not None and checked.shapes is not None
    planted = [
        LayerComparison(node.name, wrong.get(node.name, 0.0), 0.0 if node.op == "relu" else 0.25)
        for node in network.layers
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers_proof, "compare_with_cpu", lambda network: planted)
        found = add_numbers(checked.shapes, RUN, PROVED)
    pipeline.add_verified(checked, findings(network, checked.diagnostics, found))
    return [d for d in checked.diagnostics if d.code.startswith("SC8")]


def test_numbers_that_differ_are_told_of_at_the_line_of_their_layer() -> None:
    (told,) = differing(LENET.read_text(encoding="utf-8"), {"s2": 0.5})
    assert (told.code, told.rule.name, told.severity, told.layer) == ("SC804", "numbers-differ", "error", "s2")
    assert told.message == "s2: its numbers on gpu and cpu differ by 0.5, and rounding allows 0.25"
    assert told.help == "try another driver, version of JAX or gpu, and report what remains to JAX"
    line = LENET.read_text(encoding="utf-8").splitlines()[told.span.start.line - 1]
    assert "s2" in line
    assert differing(LENET.read_text(encoding="utf-8"), {}) == []


def test_copies_of_a_layer_that_differ_make_one_diagnostic() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [2, 8]}\nblocks:\n  unit:\n    layers:\n"
        "      - {name: sum, op: linear, out_features: 8}\n      - {name: act, op: relu}\n"
        "layers:\n  - {name: u, block: unit, repeat: 3}\n"
    )
    network = check_text(text, "net").network
    assert network is not None
    names = [node.name for node in network.layers]
    sums, acts = [names[i] for i in (0, 2, 4)], [names[i] for i in (1, 3, 5)]
    told = differing(text, {sums[0]: 1.0, sums[1]: math.inf, sums[2]: 2.0, acts[1]: 0.1, acts[2]: 0.0})
    devices = "its numbers on gpu and cpu"
    assert [(d.code, d.message) for d in told] == [
        ("SC804", f"{sums[1]}: {devices} differ by inf, and rounding allows 0.25; so it is with 2 more copies"),
        ("SC804", f"{acts[1]}: {devices} differ by 0.1, and rounding allows 0"),
    ]
    both = differing(text, {sums[0]: 1.0, sums[1]: 2.0})
    assert [d.message.rpartition("; ")[2] for d in both] == ["so it is with 1 more copy"]


def test_numbers_that_could_not_be_compared_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(network: Any) -> list[LayerComparison]:
        raise DeviceError("JAX finds no cpu: unset JAX_PLATFORMS")

    monkeypatch.setattr(numbers_proof, "compare_with_cpu", absent)
    found = add_numbers(shapes(), RUN, PROVED)
    assert found.result == "not_checked"
    assert sentence(found) == (
        "not checked: numbers on gpu and cpu were not compared: JAX finds no cpu: unset JAX_PLATFORMS"
    )


def test_only_a_run_elsewhere_is_compared(seen: list[Any]) -> None:
    for plan, found in (
        (RUN, PROVED._replace(backend="cpu")),
        (RUN, PROVED._replace(result="refuted")),
        (Plan("compile", "gpu"), PROVED._replace(level="compile")),
    ):
        assert add_numbers(shapes(), plan, found) is found
    assert not seen


def test_a_network_that_holds_to_its_batch_is_compared_at_it(seen: list[Any]) -> None:
    text = "shapecheck: 1\ninputs: {x: [6, 4]}\nlayers: [{name: r, op: reshape, shape: [3, 8]}]\n"
    found = add_numbers(propagate(shapecheck.loads(text)), RUN, PROVED)
    assert found.numbers is not None and found.numbers.batch is None
    assert seen[0].inputs[0].shape == (6, 4)


@pytest.mark.skipif(not gpu(), reason="there is no GPU here")
def test_a_gpu_makes_the_numbers_of_the_cpu() -> None:
    found = shapecheck.verify(shapecheck.load(LENET), "run", "gpu")
    assert found.result == "proved"
    assert found.numbers is not None and found.numbers.layers == 12
