"""An error tells its causes, in every format; and a choice of rules hides none of it behind "All shapes fit"."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from texts import check_text

from shapecheck.cli.main import main

CELL = """\
shapecheck: 1
inputs: {x: [2, 8, 32, 32], state: [2, 8, 32, 32]}
layers:
  - {name: gates, op: conv, from: x, out_channels: 8, kernel_size: 2, padding: half}
  - {name: next, op: add, from: [gates, state]}
"""
BLOCKS = """\
shapecheck: 1
inputs: {x: [2, 8, 32, 32]}
blocks:
  half:
    layers:
      - {op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - {op: relu}
layers:
  - {name: one, block: half}
  - {name: two, block: half}
  - {name: sum, op: add, from: [one, two]}
"""


def check(text: str, folder: Path, *arguments: str) -> str:
    path = folder / "x.net.yaml"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["check", *arguments, str(path)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


def test_an_error_has_its_causes_as_findings(tmp_path: Path) -> None:
    (file,) = json.loads(check(CELL, tmp_path, "--output-format", "json"))["files"]
    (error,) = file["diagnostics"]
    (cause,) = error["causes"]
    assert (error["code"], cause["code"], cause["layer"]) == ("SC208", "SC403", "gates")
    assert cause["causes"] == []
    assert any(cause["message"] in place["message"] for place in error["related"])


def test_a_selected_rule_speaks_where_it_explains_an_error_that_is_not_selected(tmp_path: Path) -> None:
    output = check(CELL, tmp_path, "--select", "SC403")
    assert "warning[SC403] gates" in output
    assert "SC208" not in output


@pytest.mark.parametrize("rules", ["SC404", "SC404,SC7"])
def test_a_rule_that_could_not_run_is_named(rules: str, tmp_path: Path) -> None:
    output = check(CELL, tmp_path, "--select", rules)
    assert "All shapes fit" not in output
    assert "They keep rules from running: dilation-gridding" in output


def test_an_error_that_is_ignored_is_not_denied(tmp_path: Path) -> None:
    output = check(CELL.replace("2, padding: half", "4"), tmp_path, "--ignore", "SC208")
    assert output == "No error is shown, but 1 of 1 file has errors that are ignored or not selected.\n"


def test_places_are_the_lines_where_blocks_are_placed() -> None:
    (error,) = check_text(BLOCKS, "x.net.yaml").errors
    lines = BLOCKS.split("\n")
    shown = [lines[place.span.start.line - 1] for place in error.related]
    assert shown[0].strip() == "- {name: one, block: half}"
    assert shown[1].strip() == "- {name: two, block: half}"


def test_a_place_inside_the_block_with_the_error_is_the_line_inside() -> None:
    text = BLOCKS.replace("      - {op: relu}\n", "      - {op: relu}\n      - {op: add, from: [input, relu_1]}\n")
    errors = check_text(text, "x.net.yaml").errors
    lines = text.split("\n")
    shown = [lines[place.span.start.line - 1].strip() for place in errors[0].related]
    assert "- {op: relu}" in shown
