"""The command line as a whole: help, wrong use, exit codes, input and output."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from running import BROKEN, FINE, ROOT
from shell import UNREADABLE, Shell
from waiting import PATIENCE

from shapecheck.cli import main

EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))


def process(*arguments: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **kwargs.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "shapecheck", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment,
        check=False,
        **kwargs,
    )


def command(name: str) -> click.Command:
    found = main.main.get_command(click.Context(main.main), name)
    assert found is not None
    return found


def takes(name: str, option: str) -> bool:
    return any(option in parameter.opts for parameter in command(name).params)


# What follows the file where a command needs more than that.
REST = {"explain": ["a"]}
READING = [name for name in main.COMMANDS if takes(name, "--set")]
# Those that answer from the arithmetic alone, about one file.
LIGHT = ["check", "shapes", "explain", "sizes", "symmetry"]
# Those that fail where a shape is wrong; the others speak of other sizes, or of other layers.
SHAPED = ["check", "shapes", "explain"]


def test_the_interface_s_first_commands_are_there() -> None:
    assert {"check", "verify", "shapes", "explain", "calc", "rule", "sizes", "symmetry"} <= set(main.COMMANDS)
    assert {"verify", *LIGHT} <= set(READING)


@pytest.mark.parametrize("name", ["", *main.COMMANDS])
def test_help_is_no_error(shell: Shell, name: str) -> None:
    result = shell(*([name] if name else []), "--help")
    assert result.code == 0
    assert "Usage:" in result.out
    assert result.err == ""


@pytest.mark.parametrize("name", ["", *main.COMMANDS])
def test_an_unknown_option_is_a_wrong_command_line(shell: Shell, name: str) -> None:
    result = shell(*([name] if name else []), "--no-such-option")
    assert result.code == 2
    assert "--no-such-option" in result.err
    assert result.out == ""


def test_an_unknown_command_is_a_wrong_command_line(shell: Shell) -> None:
    result = shell("chek")
    assert result.code == 2
    assert "chek" in result.err


def test_the_version() -> None:
    for flag in ("--version", "-V"):
        result = process(flag)
        assert result.returncode == 0
        assert re.fullmatch(r"shapecheck \d+\.\d+\S*\n", result.stdout)


@pytest.mark.parametrize("name", [name for name in main.COMMANDS if takes(name, "--output-format")])
def test_an_unknown_format_is_a_wrong_command_line(shell: Shell, name: str) -> None:
    path = shell.write(FINE)
    result = shell(name, *([path] if name in READING else []), "--output-format", "yamll")
    assert result.code == 2
    assert "yamll" in result.err


@pytest.mark.parametrize("name", LIGHT)
def test_a_fine_file(shell: Shell, name: str) -> None:
    result = shell(name, shell.write(FINE), *REST.get(name, []))
    assert (result.code, result.err) == (0, "")
    assert result.out


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize(
    "text",
    [UNREADABLE, "", b"\xff\xfe", FINE.replace("op: conv", "op: convv"), FINE.replace("image: [N, 3", "image: [N, 0")],
    ids=["no YAML", "empty", "no text", "unknown op", "no size"],
)
def test_a_file_that_cannot_be_used(shell: Shell, name: str, text: str | bytes) -> None:
    result = shell(name, shell.write(text), *REST.get(name, []))
    assert result.code == 1
    assert "SC" in result.out + result.err
    assert "internal" not in result.err


@pytest.mark.parametrize("name", SHAPED)
def test_a_network_that_does_not_fit(shell: Shell, name: str) -> None:
    result = shell(name, shell.write(BROKEN), *REST.get(name, []))
    assert result.code == 1
    assert "SC204" in result.out + result.err


@pytest.mark.parametrize("name", LIGHT)
def test_a_missing_file(shell: Shell, name: str) -> None:
    result = shell(name, "nowhere.net.yaml", *REST.get(name, []))
    assert result.code == 1
    assert "nowhere.net.yaml" in result.out + result.err
    assert "no such file" in result.out + result.err


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize(
    ("assignment", "offender"),
    [
        ("H", "NAME=VALUE"),
        ("=3", "NAME=VALUE"),
        ("H=", "number"),
        ("H=x", "number"),
        ("H=nan", "number"),
        ("H=1e999", "number"),
        ("H=0", "H"),
        ("H=-8", "H"),
        ("H=8.5", "H"),
        ("H=true", "H"),
        ("H=[8]", "H"),
        ("K=3", "K"),
        ("widht=3", "width"),
        ("width=[1,x]", "number"),
    ],
)
def test_a_wrong_value_is_a_wrong_command_line(shell: Shell, name: str, assignment: str, offender: str) -> None:
    result = shell(name, shell.write(FINE), *REST.get(name, []), "--set", assignment)
    assert result.code == 2
    assert "--set" in result.err
    assert offender in result.err
    assert result.out == ""


@pytest.mark.parametrize("name", LIGHT)
def test_standard_input(shell: Shell, name: str) -> None:
    assert shell(name, "-", *REST.get(name, []), stdin=FINE.encode()).code == 0
    broken = shell(name, "-", *REST.get(name, []), stdin=UNREADABLE.encode())
    assert broken.code == 1
    assert "<stdin>:3" in broken.out + broken.err


@pytest.mark.parametrize("name", LIGHT)
def test_values_reach_the_network(shell: Shell, name: str) -> None:
    path = shell.write(FINE)
    rest = REST.get(name, [])
    plain = shell(name, path, *rest)
    assert shell(name, path, *rest, "--set", "width=4", "--set", "H=8") == plain
    assert shell(name, path, *rest, "--set", "width=0").code == 1


@pytest.mark.parametrize("name", [name for name in LIGHT if takes(name, "--output-format")])
def test_json_is_one_document_of_version_1(shell: Shell, name: str) -> None:
    result = shell(name, shell.write(FINE), *REST.get(name, []), "--output-format", "json")
    assert result.code == 0
    assert result.json["version"] == 1


def test_exit_codes_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "one.net.yaml").write_text(FINE, encoding="utf-8")
    (tmp_path / "two.net.yaml").write_text(BROKEN, encoding="utf-8")
    assert process("check", "one.net.yaml", cwd=tmp_path).returncode == 0
    broken = process("check", cwd=tmp_path)
    assert broken.returncode == 1
    assert "two.net.yaml:7" in broken.stdout
    assert broken.stderr == ""
    assert process("check", "--nonsense", cwd=tmp_path).returncode == 2


def test_a_reader_that_goes_away_is_no_trouble_of_ours() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "shapecheck", "rule", "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    errors = child.stderr.read().decode()
    child.stderr.close()
    assert child.wait(PATIENCE) == 1
    assert errors == ""


def on_a_terminal(path: Path, **environment: str) -> str:
    """Return what ``check`` prints on a terminal."""
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "shapecheck", "check", str(path)],
        stdout=theirs,
        stderr=theirs,
        env={**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", **environment},
    )
    os.close(theirs)
    printed = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the child has closed the terminal
            break
        if not part:
            break
        printed += part
    os.close(ours)
    assert child.wait(PATIENCE) == 1
    return printed.decode()


def test_colour_on_a_terminal_unless_it_is_unwanted(tmp_path: Path) -> None:
    path = tmp_path / "two.net.yaml"
    path.write_text(BROKEN, encoding="utf-8")
    assert "\x1b[" in on_a_terminal(path)
    for unwanted in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        printed = on_a_terminal(path, **unwanted)
        assert "\x1b" not in printed
        assert "SC204" in printed
    assert "\x1b" not in process("check", str(path)).stdout


def test_a_file_s_own_control_characters_do_not_reach_the_terminal(shell: Shell) -> None:
    result = shell("check", shell.write(FINE.replace("name: b", 'name: "b\\e[31m\\x07"') + "  - {op: relu, from: c}\n"))
    assert result.code == 1
    assert "\x1b" not in result.out
    assert "\x07" not in result.out


def test_our_own_trouble_is_told_in_two_lines(shell: Shell) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug\nwith a second line")

    shell.monkeypatch.setattr("shapecheck.pipeline.read_text", fail)
    result = shell("check", shell.write(FINE))
    assert result.code == 2
    assert "internal error: ZeroDivisionError: a bug" in result.err
    assert "Traceback" not in result.err
    shell.monkeypatch.setenv("SHAPECHECK_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        shell("check", shell.write(FINE))


def test_an_interrupt_is_130(shell: Shell) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    shell.monkeypatch.setattr("shapecheck.pipeline.read_text", interrupt)
    assert shell("check", shell.write(FINE)).code == 130
