"""Speed as ratios of two things measured in one run, so that a slow machine fails nothing."""

import subprocess
import sys

import measure
import pytest


def test_the_version_costs_little_more_than_python() -> None:
    ours, theirs = measure.version()
    assert ours < 3 * theirs


@pytest.mark.skipif(not measure.has("onnx"), reason="onnx is not installed")
def test_a_check_is_faster_than_a_script_with_onnx() -> None:
    ours, theirs = measure.check_and_onnx()
    assert ours < theirs


@pytest.mark.skipif(not measure.has("torch"), reason="torch is not installed")
def test_a_check_is_faster_than_a_script_with_torch() -> None:
    ours, theirs = measure.check_and_torch()
    assert ours < theirs


def test_findings_take_a_tenth_of_a_trace_by_jax() -> None:
    ours, theirs = measure.findings_and_jax()
    assert ours < theirs / 10


@pytest.mark.skipif(not measure.has("onnx"), reason="onnx is not installed")
def test_propagation_keeps_up_with_onnx() -> None:
    ours, theirs = measure.propagation_and_onnx()
    assert ours < 3 * theirs


def test_reading_keeps_up_with_pyyaml() -> None:
    ours, theirs = measure.reading_and_yaml()
    assert ours < 1.5 * theirs


@pytest.mark.slow
def test_time_and_memory_grow_with_the_number_of_layers_and_no_faster() -> None:
    sizes = [1_000, 4_000, 16_000]
    found = measure.growth(sizes)
    assert measure.exponent(sizes, [seconds for seconds, _ in found]) < 1.35
    assert measure.exponent(sizes, [memory for _, memory in found]) < 1.2


def test_a_check_loads_nothing_heavy() -> None:
    code = (
        "import sys; from shapecheck.cli import run; sys.argv[1:] = ['check', sys.argv[1]]; assert run() == 0;"
        "print(sorted({'jax', 'jaxlib', 'numpy', 'networkx', 'jsonschema', 'rich'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code, str(measure.RESNET)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
