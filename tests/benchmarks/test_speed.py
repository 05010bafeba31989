"""Speed as ratios of two things measured in one run, so that a slow machine fails nothing."""

import subprocess
import sys

import measure
import pytest
from measure import least_ratio


@pytest.mark.slow
def test_the_version_costs_little_more_than_python() -> None:
    assert least_ratio(measure.version) < 3


@pytest.mark.slow
@pytest.mark.skipif(not measure.has("onnx"), reason="onnx is not installed")
def test_a_check_that_keeps_nothing_takes_less_than_a_script_with_onnx() -> None:
    assert least_ratio(measure.check_and_onnx) < 1


@pytest.mark.slow
@pytest.mark.skipif(not measure.has("onnx"), reason="onnx is not installed")
def test_a_check_that_was_made_before_takes_half_of_a_script_with_onnx() -> None:
    assert least_ratio(measure.found_check_and_onnx) < 1 / 2


@pytest.mark.slow
@pytest.mark.skipif(not measure.has("torchinfo"), reason="torchinfo is not installed")
def test_a_check_takes_a_tenth_of_a_script_with_torchinfo() -> None:
    assert least_ratio(measure.check_and_torchinfo) < 1 / 10


@pytest.mark.slow
def test_findings_take_a_tenth_of_a_trace_by_jax() -> None:
    assert least_ratio(measure.findings_and_jax) < 1 / 10


@pytest.mark.slow
def test_a_proof_that_was_made_before_takes_half_of_one_that_was_not() -> None:
    assert least_ratio(measure.found_before_and_anew, attempts=1) < 1 / 2


@pytest.mark.slow
def test_a_proof_by_jax_takes_three_times_a_script_with_jax_at_most() -> None:
    assert least_ratio(measure.verify_and_jax, attempts=1) < 3


@pytest.mark.skipif(not measure.has("onnx"), reason="onnx is not installed")
def test_propagation_keeps_up_with_onnx() -> None:
    assert least_ratio(measure.propagation_and_onnx) < 3


@pytest.mark.slow
def test_reading_keeps_up_with_pyyaml() -> None:
    assert least_ratio(measure.reading_and_yaml) < 1.5


@pytest.mark.slow
def test_time_and_memory_grow_with_the_number_of_layers_and_no_faster() -> None:
    sizes = [1_000, 4_000, 16_000]
    found = measure.growth(sizes)
    assert measure.exponent(sizes, [seconds for seconds, _ in found]) < 1.35
    assert measure.exponent(sizes, [memory for _, memory in found]) < 1.2


def test_a_check_loads_nothing_heavy() -> None:
    code = (
        "import sys; from shapecheck.cli.main import run; sys.argv[1:] = ['check', sys.argv[1]]; assert run() == 0;"
        "print(sorted({'jax', 'jaxlib', 'numpy', 'networkx', 'jsonschema', 'rich'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code, str(measure.RESNET)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
