"""``shapecheck figure``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from paths import ROOT

from shapecheck.cli import main

LENET = str(ROOT / "examples" / "lenet5.net.yaml")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["shapecheck", "figure", *words])
    return main.run()


@pytest.mark.parametrize(
    "words",
    [
        "conv -i 6 -k 3 -s 2 -p 1",
        "conv -i 4,5,5 -k 3 -p same",
        "conv -i 12 --axes 1 -k 3 -d 2",
        "pool -i 7 -k 3 -s 3 --ceil-mode",
        "conv-transpose -i 3 -k 3 -s 2 -p 1 -a 1",
        "conv-transpose -i 3 -k 3 -s 2 -p 1 --output-size 6",
    ],
)
def test_a_layer_that_is_in_no_file(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words.split()) == 0
    ElementTree.fromstring(capsys.readouterr().out)


def test_a_layer_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.net.yaml"
    path.write_text(
        "shapecheck: 1\ninputs: {x: [1, 1, H, 8]}\n"
        "layers:\n  - {name: c, op: max_pool, kernel_size: 2}\n  - {op: relu}\n"
    )
    assert run(monkeypatch, str(path), "c", "--set", "H=6", "-o", str(tmp_path / "c.svg")) == 0
    ElementTree.parse(tmp_path / "c.svg")
    capsys.readouterr()
    assert run(monkeypatch, str(path), "c") == 1
    assert "not known" in capsys.readouterr().err
    assert run(monkeypatch, str(path), "relu_1") == 1
    assert "no window" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("conv -i 6", "needs -k"),
        ("conv -k 3", "needs -i"),
        ("conv -i 6 -k 3 -a 1", "--output-padding"),
        (f"{LENET} no_such_layer", "no layer"),
        (LENET, "name a layer"),
        (f"{LENET} conv_1 -k 3", "in no file"),
    ],
)
def test_a_command_line_that_is_wrong(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words.split()) == 2
    assert said in capsys.readouterr().err


def test_the_output_is_utf_8_whatever_the_terminal_has() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "shapecheck", "figure", "conv", "-i", "6", "-k", "3"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, cwd=ROOT)
    assert "→" in done.stdout.decode("utf-8")


def test_a_layer_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "conv", "-i", "2", "-k", "5") == 1
    assert "does not fit" in capsys.readouterr().err
