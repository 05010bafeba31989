"""``shapecheck report``, and what a notebook shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT

import shapecheck
from shapecheck.cli import main

LENET = str(ROOT / "examples" / "lenet5.net.yaml")
BROKEN = str(ROOT / "examples" / "broken" / "unet_700.net.yaml")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["shapecheck", "report", *words])
    return main.run()


def test_exit_codes_are_those_of_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    assert run(monkeypatch, LENET, "-o", str(path)) == 0
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert run(monkeypatch, BROKEN, "-o", str(path)) == 1
    assert "does not fit together" in path.read_text(encoding="utf-8")
    assert run(monkeypatch, BROKEN, "--set", "H=704", "--set", "W=704", "-o", str(path)) == 0
    assert run(monkeypatch, BROKEN, "--set", "nothing=3", "-o", str(path)) == 2
    assert run(monkeypatch, LENET, "-o", str(tmp_path / "no" / "report.html")) == 2


def test_a_file_that_cannot_be_read_has_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    assert run(monkeypatch, str(tmp_path / "missing.net.yaml"), "-o", str(path)) == 1
    assert "cannot be read" in path.read_text(encoding="utf-8")


def test_the_data_behind_the_page(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, LENET, "--output-format", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["version"] == 1 and data["verdict"]["state"] == "ok"
    layers = {layer["name"]: layer for layer in data["layers"]}
    first = next(layer for layer in layers.values() if layer["op"] == "conv")
    assert first["relationship"] and first["memory"] == 4 * prod(first["output_shape"])
    assert data["totals"]["parameters"] == sum(layer["parameters"] for layer in layers.values())


def prod(shape: list[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def test_verify_is_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    path = tmp_path / "report.html"
    command = [sys.executable, "-m", "shapecheck", "report", LENET, "--verify", "--level", "trace", "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    text = path.read_text(encoding="utf-8")
    assert "Proved: all shapes" in text and "✓ agrees" in text


def test_jinja_is_loaded_for_the_report_only() -> None:
    code = "import sys; from shapecheck.cli import main; sys.argv = ['shapecheck', 'shapes', sys.argv[1]]; main.run();"
    code += "print('jinja2' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, LENET], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "False"


def test_a_notebook_shows_a_network_a_table_and_a_figure() -> None:
    network = shapecheck.load(LENET)
    shown = network._repr_html_()
    assert shown is not None and "All shapes" in shown and "<table>" in shown
    assert "<script" not in shown
    table = shapecheck.propagate(network)._repr_html_()
    assert table is not None and "<table>" in table and "All shapes" not in table
    layer = next(node.name for node in network.layers if node.op == "conv")
    assert shapecheck.figure(network, layer)._repr_svg_().startswith("<svg")
    assert shapecheck.report_page(network).startswith("<!DOCTYPE html>")
    with pytest.raises(KeyError):
        shapecheck.figure(network, "nothing")
    with pytest.raises(ValueError, match="no picture"):
        shapecheck.figure(network, next(node.name for node in network.layers if node.op == "linear"))


def test_a_notebook_is_not_told_markup() -> None:
    text = 'shapecheck: 1\ninputs: {x: [1, 1, 8]}\nlayers: [{name: "<script>", op: relu}]\n'
    shown = shapecheck.loads(text)._repr_html_()
    assert shown is not None and "<script" not in shown and "&lt;script&gt;" in shown


def test_the_configuration_counts_as_in_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = tmp_path / "x.net.yaml"
    network.write_text("shapecheck: 1\ninputs: {x: [1, 1, 8]}\nlayers: [{op: conv, out_channels: 1, kernel_size: 9}]\n")
    out = str(tmp_path / "report.html")
    assert run(monkeypatch, str(network), "-o", out) == 1
    (tmp_path / "shapecheck.toml").write_text('ignore = ["SC204"]\n')
    assert run(monkeypatch, str(network), "-o", out) == 0
    assert run(monkeypatch, str(tmp_path), "-o", out) == 2
