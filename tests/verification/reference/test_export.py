"""Lowering for a GPU that is not here: every op, long networks, what JAX refuses, and what a proof says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import jax
import pytest
from handmade import chain
from layer_choices import expected, sample
from paths import ROOT
from tangled import tangled

import shapecheck
import shapecheck.verification.reference.segments as segments
from shapecheck.layers import REGISTRY
from shapecheck.output.verification_text import sentence
from shapecheck.verification.reference import BUILDERS, BuildError, lower_for_platform, run_levels

LENET = str(ROOT / "examples" / "lenet5.net.yaml")


def gpu() -> bool:
    try:
        return bool(jax.devices("gpu"))
    except RuntimeError:
        return False


without_gpu = pytest.mark.skipif(gpu(), reason="a GPU is here")


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_op_is_lowered_for_cuda(op: str) -> None:
    made = sample(op)
    found = lower_for_platform(made, "cuda")
    assert not found.refused
    assert found.shapes[len(made.nodes) - 1] == expected(op)
    assert (found.backend, found.level, found.compiled, found.bytes_agree) == ("cuda", "lower", 0, None)


@pytest.mark.parametrize("length", [3, 300])
def test_segments_are_lowered_as_the_whole_is(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LONGEST", length)
    made = tangled()
    calls: list[tuple[int, int, str]] = []
    found = lower_for_platform(made, "cuda", lambda *call: calls.append(call))
    assert found.shapes == run_levels(made, "trace").shapes
    assert calls[0] == (0, 2, "trace") and calls[-1][0] == calls[-1][1]
    assert calls[1][2].endswith("layers for cuda")
    assert list(found.levels) == ["trace", "lower"]


def test_what_is_lowered_is_for_the_platform_that_was_asked_for() -> None:
    """An operation that JAX can lower for a CPU and not for CUDA is refused for CUDA, at its layer alone."""

    def only_here(call: Any) -> jax.Array:
        return jax.lax.platform_dependent(call.x, cpu=lambda x: x + 1)

    right = BUILDERS["tanh"]
    made = chain((1, 2, 6), {"op": "relu"}, {"op": "tanh"}, {"op": "relu"})
    try:
        BUILDERS["tanh"] = only_here
        assert not run_levels(made, "lower").refused
        found = lower_for_platform(made, "cuda")
    finally:
        BUILDERS["tanh"] = right
    assert set(found.refused) == {2}
    assert "cuda" in found.refused[2]
    assert set(found.shapes) == {0, 1, 3}


def test_a_layer_that_does_not_trace_is_refused_here_too() -> None:
    made = chain((1, 1, 5), {"op": "conv", "out_channels": 1, "kernel_size": 6})
    assert "an axis is empty" in lower_for_platform(made, "cuda").refused[1]
    assert issubclass(BuildError, ValueError)


@without_gpu
def test_lowering_is_proved_and_compiling_is_not() -> None:
    network = shapecheck.load(LENET)
    lowered = shapecheck.verify(network, "lower", "gpu")
    assert (lowered.result, lowered.backend, lowered.lowered_for) == ("proved", "cuda", "cuda")
    assert sentence(lowered) == "proved: lowered by JAX for cuda, all 12 layers agree (N=1)"
    compiled = shapecheck.verify(network, "compile", "gpu")
    assert (compiled.result, compiled.agree, compiled.level) == ("not_checked", 12, "compile")
    assert sentence(compiled).startswith(
        "not checked: all 12 layers agree when JAX lowers them for CUDA, but they were not compiled: JAX finds no GPU"
    )
    assert [(outcome.level, outcome.result) for outcome in compiled.levels] == [
        ("trace", "proved"),
        ("lower", "proved"),
        ("compile", "not_checked"),
    ]
    assert shapecheck.verify(network, "lower", "cpu").lowered_for is None


@without_gpu
def test_one_layer_is_one_layer() -> None:
    network = shapecheck.loads("shapecheck: 1\ninputs: {x: [2, 8]}\nlayers: [{op: relu}]\n")
    lowered = shapecheck.verify(network, "lower", "gpu")
    assert sentence(lowered) == "proved: lowered by JAX for cuda, the one layer agrees"
    assert sentence(shapecheck.verify(network, "compile", "gpu")).startswith(
        "not checked: the one layer agrees when JAX lowers it for CUDA, but it was not compiled: JAX finds no GPU"
    )


@without_gpu
@pytest.mark.parametrize(("features", "result"), [(6, "proved"), (5, "refuted")])
def test_a_mesh_is_looked_at_without_a_gpu_too(features: int, result: str) -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [4, 8]}\nsharding: {mesh: {model: 2}, channels: model}\n"
        f"layers: [{{name: l, op: linear, out_features: {features}}}]\n"
    )
    found = shapecheck.verify(shapecheck.loads(text), "lower", "gpu")
    assert found.mesh is not None
    assert (found.mesh.result, found.result) == (result, result)
    found = shapecheck.verify(shapecheck.loads(text.replace("5}", "6}")), "compile", "gpu")
    assert found.mesh is not None and found.mesh.result == found.result == "not_checked"


@without_gpu
def test_a_disagreement_is_one_without_a_gpu_too(monkeypatch: pytest.MonkeyPatch) -> None:
    right = BUILDERS["avg_pool"]
    monkeypatch.setitem(BUILDERS, "avg_pool", lambda call: right(call)[:, :, 1:])
    found = shapecheck.verify(shapecheck.load(LENET), "compile", "gpu")
    assert (found.result, found.lowered_for) == ("refuted", "cuda")
    assert found.disagreements[0].layer == "s2"


def verify(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, "-m", "shapecheck", "verify", LENET, "--device", "gpu", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@without_gpu
def test_the_command_says_what_was_lowered_and_what_was_not_compiled() -> None:
    done = verify("--output-format", "json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["files"][0]["verification"]
    assert (found["level"], found["backend"], found["result"], found["lowered_for"]) == (
        "compile",
        "cuda",
        "not_checked",
        "cuda",
    )
    assert found["layers"] == {"agree": 12, "disagree": 0, "not_checked": 1}
    assert 'pip install "shapecheck-nn[cuda]"' in found["not_checked"][0]["reason"]


@without_gpu
def test_where_jax_has_no_device_at_all_nothing_is_claimed() -> None:
    done = verify(JAX_PLATFORMS="cuda")
    assert done.returncode == 1
    assert "lowered" not in done.stdout
    assert "not checked: JAX finds no GPU" in done.stdout
