"""Network files as tests: what is collected and when, what a failure prints, what it costs who does not ask."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from paths import ROOT

FITS = "shapecheck: 1\ninputs: {x: [1, 3, 8, 8]}\nlayers:\n  - {name: c, op: conv, out_channels: 4, kernel_size: 3}\n"
TOO_LARGE = FITS.replace("kernel_size: 3", "kernel_size: 9")
WARNS = FITS.replace("layers:", "params: {width: 3}\nlayers:")
PYTEST = "[tool.pytest.ini_options]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with networks and tests; the plugin is installed as the wheel installs it."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    written = "".join(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in e.items()) for group, e in points.items())
    info = tmp_path / "site" / "shapecheck_nn-0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(written)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shapecheck-nn\nVersion: 0\n")
    folder = tmp_path / "project"
    (folder / "nets").mkdir(parents=True)
    (folder / "nets" / "good.net.yaml").write_text(FITS)
    (folder / "nets" / "bad.net.yml").write_text(TOO_LARGE)
    (folder / "nets" / "other.yaml").write_text("no network")
    (folder / "test_own.py").write_text("def test_own():\n    pass\n")
    return folder


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON", "COV_"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(project.parent / "site")]),
        "SHAPECHECK_CACHE_DIR": str(project.parent / "cache"),
    }
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "-rA", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def outcomes(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the lines of the summary that tell how each test ended."""
    return {line.partition(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("PASSED ", "FAILED "))}


def test_nothing_is_collected_or_loaded_unless_it_is_asked_for(project: Path) -> None:
    (project / "conftest.py").write_text(
        "import sys\ndef pytest_unconfigure():\n"
        "    print('LOADED', sorted(m for m in sys.modules if m.startswith('shapecheck') or m in ('jax', 'click')))\n"
    )
    done = run(project)
    assert outcomes(done) == {"PASSED test_own.py::test_own"}
    assert done.returncode == 0
    assert "LOADED ['shapecheck', 'shapecheck._version', 'shapecheck.pytest_plugin']" in done.stdout


def test_every_network_is_a_test_and_a_failure_is_what_check_prints(project: Path) -> None:
    done = run(project, "--shapecheck")
    assert outcomes(done) == {
        "PASSED test_own.py::test_own",
        "PASSED nets/good.net.yaml::check",
        "FAILED nets/bad.net.yml::check",
    }
    assert done.returncode == 1
    section = done.stdout.partition("= FAILURES =")[2]
    section = section[: section.index("\n====")]
    lines = section.strip("=\n").splitlines()
    assert lines[0].strip("_ ") == "nets/bad.net.yml::check"
    assert lines[1].startswith("error[SC204] c: ")
    assert lines[2] == " --> nets/bad.net.yml:4:55"
    assert lines[-1] == "Found 1 error in 1 file."
    assert "Traceback" not in done.stdout and "runtest" not in done.stdout


def test_a_project_can_ask_once_and_its_rules_count(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        f'{PYTEST}shapecheck = true\n[tool.shapecheck]\nignore = ["unused-param"]\nbaseline = "known.json"\n'
    )
    (project / "nets" / "good.net.yaml").write_text(WARNS)
    (project / "known.json").write_text(
        '{"version": 1, "findings": [{"path": "nets/bad.net.yml", "code": "SC204", "layer": "c", "count": 1}]}'
    )
    assert run(project, "nets").returncode == 0
    (project / "pyproject.toml").write_text(f"{PYTEST}shapecheck = true\n")
    done = run(project, "nets")
    assert outcomes(done) == {"FAILED nets/good.net.yaml::check", "FAILED nets/bad.net.yml::check"}
    assert "warning[SC105]" in done.stdout


def test_levels_verify_with_jax(project: Path) -> None:
    (project / "pyproject.toml").write_text(f'{PYTEST}shapecheck = true\nshapecheck_level = "lower"\n')
    done = run(project, "nets", "--shapecheck-level", "trace")
    assert outcomes(done) == {"PASSED nets/good.net.yaml::trace", "FAILED nets/bad.net.yml::trace"}
    assert "nets/bad.net.yml: refuted: " in done.stdout
    done = run(project, "nets/good.net.yaml")
    assert outcomes(done) == {"PASSED nets/good.net.yaml::lower"}


def test_a_wrong_setting_is_told_in_a_line(project: Path) -> None:
    (project / "pyproject.toml").write_text(f'{PYTEST}shapecheck = true\nshapecheck_level = "all"\n')
    done = run(project)
    assert done.returncode == 4
    assert "shapecheck_level is one of check, trace, lower, compile, run; found all" in done.stderr
    (project / "pyproject.toml").write_text(f'{PYTEST}shapecheck = true\n[tool.shapecheck]\nignore = ["none-such"]\n')
    done = run(project, "nets/good.net.yaml")
    assert done.returncode == 1
    assert "\nshapecheck: " in done.stdout and "pyproject.toml:4: " in done.stdout
    assert "Traceback" not in done.stdout
