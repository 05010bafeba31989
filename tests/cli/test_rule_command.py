"""``shapecheck rule``: the list, one page by code or by name, all pages, JSON, and a rule that does not exist."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click_runner import runner

from shapecheck.cli.main import main
from shapecheck.findings.catalogue import RULES
from shapecheck.findings.manual import page as manual

CODES = sorted(rule.code for rule in RULES.values())


def printed(*arguments: str) -> str:
    result = runner().invoke(main, ["rule", *arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    assert result.return_value == 0
    return result.output


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shapecheck", "rule", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


def test_list_has_one_line_a_rule_in_the_order_of_codes() -> None:
    lines = [line.split() for line in printed().splitlines()]
    assert [line[0] for line in lines] == CODES
    assert ["SC204", "kernel-exceeds-input", "error"] in lines


@pytest.mark.parametrize("word", ["SC204", "sc204", "kernel-exceeds-input", "Kernel-Exceeds-Input"])
def test_one_page_by_code_or_name(word: str) -> None:
    text = printed(word)
    assert text.startswith("# SC204 kernel-exceeds-input (error)\n\nA kernel, dilation counted,")
    assert text.count("\n# ") == 0
    assert "⌊(i + 2p − k − (k − 1)(d − 1)) / s⌋ + 1" in text
    assert "\n    " not in text.split("```")[0], "the indentation of the source is not printed"


def test_all_pages_stand_in_the_order_of_codes() -> None:
    text = printed("--all")
    heads = [line.split()[1] for line in text.splitlines() if line.startswith("# SC")]
    assert heads == CODES
    assert all(manual(rule).rstrip() in text for rule in RULES.values())


def test_one_page_as_json() -> None:
    document = json.loads(printed("SC204", "--output-format", "json"))
    assert document["version"] == 1
    (page,) = document["rules"]
    assert page == {
        "code": "SC204",
        "name": "kernel-exceeds-input",
        "severity": "error",
        "manual": manual(RULES["kernel-exceeds-input"]),
    }


@pytest.mark.parametrize("arguments", [(), ("--all",)])
def test_every_page_as_json(arguments: tuple[str, ...]) -> None:
    document = json.loads(printed(*arguments, "--output-format", "json"))
    assert [page["code"] for page in document["rules"]] == CODES
    assert {page["severity"] for page in document["rules"]} == {"error", "warning", "info"}


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("kernel-exceeds-inputs", "did you mean kernel-exceeds-input?"),
        ("kernel_exceeds_input", "did you mean kernel-exceeds-input?"),
        ("SC2044", "did you mean SC204?"),
        ("duplicate", "did you mean duplicate-key?"),
    ],
)
def test_unknown_rule_is_answered_with_the_nearest(word: str, nearest: str) -> None:
    done = run(word)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"there is no rule {word}; {nearest}" in " ".join(done.stderr.split())


def test_page_is_printed_by_the_installed_command() -> None:
    done = run("SC204")
    assert done.returncode == 0
    assert done.stdout == manual(RULES["kernel-exceeds-input"]) + "\n"
    assert done.stderr == ""
