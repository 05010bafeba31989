"""The GitHub Action: its steps are run as a runner runs them, and no input is ever part of a script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from amounts import sampled
from paths import ROOT

FOLDER = ROOT / ".github" / "actions" / "shapecheck"
ACTION: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{ (?:inputs\.([\w-]+)|steps\.([\w-]+)\.outputs\.([\w-]+)) \}\}")

FINE = "shapecheck: 1\ninputs: {x: [1, 3, 8, 8]}\nlayers:\n  - {name: a, op: conv, out_channels: 4, kernel_size: 3}\n"
WRONG = FINE.replace("kernel_size: 3", "kernel_size: 11")

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


class Run(NamedTuple):
    code: int
    out: str
    outputs: dict[str, str]
    summary: str


def filled(value: str, inputs: dict[str, str], outputs: dict[str, dict[str, str]]) -> str:
    """Replace the expressions in a value, as a runner does before a step."""

    def replaced(found: re.Match[str]) -> str:
        name, step, output = found.groups()
        return inputs[name] if name else outputs.get(step, {}).get(output, "")

    return EXPRESSION.sub(replaced, value)


def step(one: dict[str, Any], inputs: dict[str, str], outputs: dict[str, dict[str, str]], folder: Path) -> Run:
    """Run one step in ``folder`` with the shell that GitHub documents for ``shell: bash``."""
    runner = folder.parent / "runner"
    runner.mkdir(exist_ok=True)
    files = {name: runner / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for path in files.values():
        path.write_text("", encoding="utf-8")
    script = runner / "script.sh"
    script.write_text(one["run"], encoding="utf-8")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "SHAPECHECK_CACHE_DIR") if name in os.environ},
        **{name: str(path) for name, path in files.items()},
        "PYTHONIOENCODING": "utf-8",
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_ACTION_PATH": str(FOLDER),
        "RUNNER_TEMP": str(runner),
        **{name: filled(value, inputs, outputs) for name, value in one["env"].items()},
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    # A name=value line each, as GitHub reads the file; it refuses any other.
    lines = files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
    found = dict(line.split("=", 1) for line in lines)
    return Run(done.returncode, done.stdout + done.stderr, found, files["GITHUB_STEP_SUMMARY"].read_text("utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


def check(folder: Path, **given: str) -> Run:
    """Run the step that checks, with this source tree in place of what the first step installs."""
    command = folder.parent / "shapecheck"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m shapecheck "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    inputs = {name: value["default"] for name, value in ACTION["inputs"].items()}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    return step(STEPS[1], inputs, {"install": {"command": str(command)}}, folder)


def test_the_metadata_is_whole() -> None:
    assert {"name", "description", "inputs", "outputs", "runs"} == set(ACTION)
    assert ACTION["runs"]["using"] == "composite"
    assert [one["id"] for one in STEPS] == ["install", "check"]
    for one in ACTION["inputs"].values():
        # Every value is text: GitHub turns any other into it, in its own way.
        assert isinstance(one["default"], str) and one["description"]
    for one in STEPS:
        assert set(one) == {"id", "shell", "env", "run"} and one["shell"] == "bash"
        for value in one["env"].values():
            (found,) = [EXPRESSION.fullmatch(value)]
            assert found is not None
            assert (found[1] or "python") in ACTION["inputs"]
    said = {match[3] for value in ACTION["outputs"].values() if (match := EXPRESSION.fullmatch(value["value"]))}
    assert said == set(ACTION["outputs"])
    for name in said:
        assert f'"{name}=' in STEPS[1]["run"]


def test_no_input_is_part_of_a_script() -> None:
    for one in STEPS:
        assert "${{" not in one["run"]
        assert "eval" not in one["run"]
    used = {match[1] for one in STEPS for value in one["env"].values() for match in EXPRESSION.finditer(value)} - {None}
    assert used == set(ACTION["inputs"])


def test_findings_are_annotations_and_fail_the_step(folder: Path) -> None:
    (folder / "nets").mkdir()
    (folder / "nets" / "a.net.yaml").write_text(WRONG, encoding="utf-8")
    run = check(folder)
    assert run.code == 1
    assert run.outputs == {"exit-code": "1"}
    assert "::error file=nets/a.net.yaml,line=4," in run.out
    assert run.summary.startswith("### shapecheck\n")
    assert "SC2" in run.summary
    forgiven = check(folder, fail="false", summary="false")
    assert (forgiven.code, forgiven.outputs, forgiven.summary) == (0, {"exit-code": "1"}, "")


def test_what_fits_passes(folder: Path) -> None:
    (folder / "a.net.yaml").write_text(FINE, encoding="utf-8")
    run = check(folder, paths="", format="concise")
    assert (run.code, run.outputs) == (0, {"exit-code": "0"})
    assert run.out == "All shapes fit: 1 file, 1 layer.\n"


def test_lists_have_a_word_a_line(folder: Path) -> None:
    (folder / "with spaces").mkdir()
    for name in ("with spaces/a.net.yaml", "b.net.yaml", "-c.net.yaml"):
        (folder / name).write_text(FINE.replace("8, 8", "H, H") + "dims: {H: 8}\n", encoding="utf-8")
    paths = "with spaces\r\n\nb.net.yaml\n-c.net.yaml\n"
    assert "3 files" in check(folder, paths=paths, args="--set\nH=9", format="text").out
    run = check(folder, paths=paths, args="--set\nH=2")
    assert run.code == 1
    assert run.out.count("::error ") == 3


def test_sarif(folder: Path) -> None:
    (folder / "a.net.yaml").write_text(WRONG, encoding="utf-8")
    run = check(folder, sarif="found.sarif", summary="false")
    assert (run.code, run.outputs) == (1, {"exit-code": "1", "sarif": "found.sarif"})
    log = json.loads((folder / "found.sarif").read_text(encoding="utf-8"))
    assert log["version"] == "2.1.0"
    assert [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["runs"][0]["results"]
    ]


def test_the_folder_of_the_sarif_file_is_made(folder: Path) -> None:
    (folder / "a.net.yaml").write_text(WRONG, encoding="utf-8")
    run = check(folder, sarif="of the/day/found.sarif", summary="false")
    assert run.outputs == {"exit-code": "1", "sarif": "of the/day/found.sarif"}
    assert json.loads((folder / "of the/day/found.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_wrong_options_always_fail(folder: Path) -> None:
    (folder / "a.net.yaml").write_text(FINE, encoding="utf-8")
    for given in ({"args": "--nonsense"}, {"format": "nonsense"}, {"verify": "nonsense"}):
        run = check(folder, fail="false", sarif="x.sarif", **given)
        assert (run.code, run.outputs) == (2, {"exit-code": "2"})
        assert not (folder / "x.sarif").exists()


NASTY = [
    "$(touch owned)",
    "`touch owned`",
    '"; touch owned; "',
    "a\nexit-code=0\nsarif=b",
    "${{ secrets.X }}",
]


@pytest.mark.parametrize("text", sampled(NASTY, 3))
def test_an_input_cannot_run_anything(text: str, folder: Path) -> None:
    (folder / "a.net.yaml").write_text(WRONG, encoding="utf-8")
    run = check(folder, args=text, verify=text, format=text)
    assert (run.code, run.outputs) == (2, {"exit-code": "2"})
    run = check(folder, paths=text, summary=text, fail=text)
    assert (run.code, run.outputs) == (0, {"exit-code": "1"})
    run = check(folder, sarif=text, summary="false")
    assert run.outputs["exit-code"] == "1"
    assert set(run.outputs) <= {"exit-code", "sarif"}
    assert not list(folder.rglob("owned"))


@pytest.mark.slow
def test_each_network_can_be_verified(folder: Path) -> None:
    (folder / "a.net.yaml").write_text(FINE, encoding="utf-8")
    run = check(folder, verify="trace", format="text", summary="false")
    assert (run.code, run.outputs) == (0, {"exit-code": "0"})
    assert "proved" in run.out
