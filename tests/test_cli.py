"""The commands as a shell sees them: exit codes, JSON, streams, and what is said of a wrong command line."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from jsonschema import Draft202012Validator

from shapecheck import cli

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))

FINE = """shapecheck: 1
name: fine
params: {width: 4}
inputs: {image: [N, 3, H, W]}
dims: {N: 2, H: 8, W: 8}
layers:
  - {name: a, op: conv, out_channels: =width, kernel_size: 3, padding: 1}
  - {name: b, op: relu}
"""
BROKEN = FINE.replace("kernel_size: 3, padding: 1", "kernel_size: 11")
UNREADABLE = "shapecheck: 1\ninputs: {x: [1\n"


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs the command line in this process, as ``shapecheck`` does."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        monkeypatch.chdir(folder)

    def write(self, text: str | bytes, name: str = "one.net.yaml") -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        self.monkeypatch.setattr(sys, "argv", ["shapecheck", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.run()
        out, err = self.capsys.readouterr()
        return Result(code, out, err)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)


def process(*arguments: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **kwargs.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "shapecheck", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
        **kwargs,
    )


# --- every command --------------------------------------------------------------------------------------------------


def command(name: str) -> click.Command:
    found = cli.main.get_command(click.Context(cli.main), name)
    assert found is not None
    return found


def takes(name: str, option: str) -> bool:
    return any(option in parameter.opts for parameter in command(name).params)


# What follows the file where a command needs more than that.
REST = {"explain": ["a"]}
READING = [name for name in cli.COMMANDS if takes(name, "--set")]
# Those that answer from the arithmetic alone, about one file.
LIGHT = ["check", "shapes", "explain", "sizes", "symmetry"]
# Those that fail where a shape is wrong; the others speak of other sizes, or of other layers.
SHAPED = ["check", "shapes", "explain"]


def test_the_interface_s_first_commands_are_there() -> None:
    assert {"check", "verify", "shapes", "explain", "calc", "rule", "sizes", "symmetry"} <= set(cli.COMMANDS)
    assert {"verify", *LIGHT} <= set(READING)


@pytest.mark.parametrize("name", ["", *cli.COMMANDS])
def test_help_is_no_error(shell: Shell, name: str) -> None:
    result = shell(*([name] if name else []), "--help")
    assert result.code == 0
    assert "Usage:" in result.out
    assert result.err == ""


@pytest.mark.parametrize("name", ["", *cli.COMMANDS])
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


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if takes(name, "--output-format")])
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


# --- check ----------------------------------------------------------------------------------------------------------

POSITION = {
    "type": "object",
    "required": ["line", "column"],
    "additionalProperties": False,
    "properties": {"line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}},
}
SPAN = {
    "type": "object",
    "required": ["start", "end"],
    "additionalProperties": False,
    "properties": {"start": POSITION, "end": POSITION},
}
DIAGNOSTIC = {
    "type": "object",
    "required": ["code", "rule", "severity", "layer", "message", "help", "span", "related", "fix"],
    "properties": {
        "code": {"type": "string", "pattern": "^SC[0-9]{3}$"},
        "rule": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
        "severity": {"enum": ["error", "warning", "info"]},
        "layer": {"type": ["string", "null"]},
        "message": {"type": "string", "minLength": 1},
        "help": {"type": ["string", "null"]},
        "span": SPAN,
        "related": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message", "span"],
                "properties": {"message": {"type": "string"}, "span": SPAN},
            },
        },
        "fix": {
            "type": ["object", "null"],
            "required": ["message", "applicability", "edits"],
            "properties": {
                "message": {"type": "string"},
                "applicability": {"enum": ["safe", "unsafe", "display"]},
                "edits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["span", "text"],
                        "properties": {"span": SPAN, "text": {"type": "string"}},
                    },
                },
            },
        },
    },
}
VERIFICATION = {
    "type": ["object", "null"],
    "required": ["level", "backend", "result", "layers", "disagreements", "not_checked"],
    "properties": {
        "level": {"enum": ["trace", "lower", "compile", "run"]},
        "result": {"enum": ["proved", "refuted", "not_checked"]},
        "layers": {
            "type": "object",
            "required": ["agree", "disagree", "not_checked"],
            "properties": {name: {"type": "integer"} for name in ("agree", "disagree", "not_checked")},
        },
        "disagreements": {"type": "array"},
        "not_checked": {"type": "array"},
    },
}
REPORT = Draft202012Validator(
    {
        "type": "object",
        "required": ["version", "files", "summary"],
        "properties": {
            "version": {"const": 1},
            "files": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["path", "diagnostics", "verification"],
                    "properties": {
                        "path": {"type": "string"},
                        "diagnostics": {"type": "array", "items": DIAGNOSTIC},
                        "verification": VERIFICATION,
                    },
                },
            },
            "summary": {
                "type": "object",
                "required": ["files", "errors", "warnings"],
                "properties": {name: {"type": "integer"} for name in ("files", "errors", "warnings")},
            },
        },
    }
)


def test_the_json_of_check_is_that_of_the_interface(shell: Shell) -> None:
    result = shell("check", str(ROOT / "examples"), "--output-format", "json")
    assert result.code == 1  # examples/broken
    document = result.json
    REPORT.validate(document)
    found = [d for file in document["files"] for d in file["diagnostics"]]
    assert any(d["related"] for d in found)
    assert document["summary"]["files"] == len(document["files"]) > len(EXAMPLES)
    for severity, key in (("error", "errors"), ("warning", "warnings")):
        assert document["summary"][key] == sum(d["severity"] == severity for d in found)


def test_a_diagnostic_in_json(shell: Shell) -> None:
    path = shell.write(BROKEN)
    (file,) = shell("check", path, "--output-format", "json").json["files"]
    assert file["path"] == path
    assert file["verification"] is None
    found = next(d for d in file["diagnostics"] if d["severity"] == "error")
    assert (found["code"], found["rule"], found["layer"]) == ("SC204", "kernel-exceeds-input", "a")
    line = BROKEN.splitlines()[6]
    column = line.index("11") + 1
    assert found["span"] == {"start": {"line": 7, "column": column}, "end": {"line": 7, "column": column + 2}}


def test_concise_is_a_line_for_each_finding(shell: Shell) -> None:
    result = shell("check", shell.write(BROKEN), "--output-format", "concise")
    assert result.code == 1
    assert any(re.match(r".*one\.net\.yaml:7:\d+: SC204 ", line) for line in result.out.splitlines())


def test_a_folder_is_searched(shell: Shell) -> None:
    shell.write(FINE, "deep/er/a.net.yaml")
    shell.write(BROKEN, "deep/b.net.yml")
    shell.write("nonsense", "deep/c.yaml")
    result = shell("check", "deep", "--output-format", "json")
    assert result.code == 1
    assert [Path(file["path"]).name for file in result.json["files"]] == ["b.net.yml", "a.net.yaml"]
    assert shell("check", "--output-format", "json").json["summary"]["files"] == 2


def test_a_folder_without_networks_is_a_wrong_command_line(shell: Shell) -> None:
    (shell.folder / "empty").mkdir()
    result = shell("check", "empty")
    assert result.code == 2
    assert "empty" in result.err


def test_a_folder_is_no_file_for_the_others(shell: Shell) -> None:
    result = shell("shapes", ".")
    assert result.code == 1
    assert "folder" in result.err


def test_several_paths_and_one_twice(shell: Shell) -> None:
    one, two = shell.write(FINE, "one.net.yaml"), shell.write(FINE, "two.net.yaml")
    assert shell("check", one, two, one, "--output-format", "json").json["summary"]["files"] == 2
    assert shell("check", one, two, "--set", "width=5").code == 0
    three = shell.write(FINE.replace("width", "breadth"), "three.net.yaml")
    # A name that one of the files has is no mistake.
    assert shell("check", one, three, "--set", "breadth=5").code == 0
    assert shell("check", one, two, "--set", "breadth=5").code == 2


def test_exit_zero(shell: Shell) -> None:
    assert shell("check", shell.write(BROKEN), "--exit-zero").code == 0
    assert shell("check", shell.write(BROKEN), "--exit-zero", "--set", "Q=1").code == 2


def test_a_warning_fails_and_a_note_does_not(shell: Shell) -> None:
    warning = shell.write(FINE.replace("{width: 4}", "{width: 4, unused: 1}"))
    result = shell("check", warning, "--output-format", "json")
    assert result.code == 1
    assert (result.json["summary"]["errors"], result.json["summary"]["warnings"]) == (0, 1)
    unsized = FINE.replace("H: 8, ", "").replace("padding: 1", "stride: 2")
    note = shell("check", shell.write(unsized), "--output-format", "json")
    assert note.code == 0
    assert {d["severity"] for d in note.json["files"][0]["diagnostics"]} == {"info"}


def test_the_name_of_standard_input(shell: Shell) -> None:
    result = shell("check", "-", "--stdin-filename", "nets/mine.net.yaml", stdin=BROKEN.encode())
    assert "nets/mine.net.yaml:7" in result.out


def test_standard_input_that_is_no_text(shell: Shell) -> None:
    result = shell("check", "-", stdin=b"\xff\xfe\x00")
    assert result.code == 1
    assert "SC001" in result.out


def test_all_examples_are_fine(shell: Shell) -> None:
    result = shell("check", *map(str, EXAMPLES))
    assert result.code == 0, result.out


# --- configuration --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "offender"),
    [
        ("[limits]\nlayers = 0\n", "limits.layers"),
        ('[limits]\nlayers = "many"\n', "limits.layers"),
        ("[limits]\nlayerz = 5\n", "layerz"),
        ("[limits]\nnesting = 100000\n", "limits.nesting"),
        ("[limits]\nblock_depth = 100000\n", "limits.block_depth"),
        ("limits = 3\n", "limits"),
        ("nonsense = 3\n", "nonsense"),
        ("[limits\n", "shapecheck.toml"),
    ],
)
def test_a_wrong_configuration(shell: Shell, text: str, offender: str) -> None:
    path = shell.write(FINE)
    shell.write(text, "shapecheck.toml")
    result = shell("check", path)
    assert result.code == 2
    assert offender in result.err
    assert result.out == ""


def test_limits_of_the_nearest_configuration(shell: Shell) -> None:
    blocks = FINE + "  - {block: b, repeat: 5}\nblocks: {b: {layers: [{op: relu}]}}\n"
    path = shell.write(blocks, "inner/one.net.yaml")

    def refused(*arguments: str) -> bool:
        result = shell("check", path, "--select", "SC117", *arguments)
        assert result.code == ("SC117" in result.out)
        return result.code == 1

    assert not refused()
    shell.write("[tool.shapecheck.limits]\nrepeat = 4\n", "pyproject.toml")
    assert refused()
    shell.write("[limits]\nrepeat = 5\n", "inner/shapecheck.toml")
    assert not refused()
    assert refused("--config", shell.write("[limits]\nrepeat = 3\n", "other.toml"))
    assert shell("check", path, "--config", "nowhere.toml").code == 2


# --- shapes ---------------------------------------------------------------------------------------------------------


def published(path: Path) -> int:
    found = re.search(r"^# Parameters: ([\d,]+) \(", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, path
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_parameters_are_the_published_ones(shell: Shell, path: Path) -> None:
    document = shell("shapes", str(path), "--output-format", "json").json
    assert document["totals"]["parameters"] == published(path)
    assert document["totals"]["parameters"] == sum(layer["parameters"] for layer in document["layers"])
    assert document["totals"]["multiply_adds"] == sum(layer["multiply_adds"] for layer in document["layers"]) > 0


def test_the_json_of_shapes(shell: Shell) -> None:
    document = shell("shapes", shell.write(FINE), "--output-format", "json").json
    assert document["network"] == "fine"
    assert document["dims"] == {"N": 2, "H": 8, "W": 8}
    first = document["layers"][0]
    assert first == first | {
        "name": "a",
        "op": "conv",
        "line": 7,
        "column": FINE.splitlines()[6].index("name: a") + 7,
        "inputs": ["image"],
        "input_shapes": [[2, 3, 8, 8]],
        "output_shape": [2, 4, 8, 8],
        "parameters": 3 * 4 * 9 + 4,
        "multiply_adds": 2 * 4 * 8 * 8 * 3 * 9,
        "receptive_field": [3, 3],
    }
    assert document["outputs"] == {"b": [2, 4, 8, 8]}


def test_a_wrong_layer_stands_in_the_table_without_a_shape(shell: Shell) -> None:
    result = shell("shapes", shell.write(BROKEN), "--output-format", "json")
    assert result.code == 1
    assert [layer["output_shape"] for layer in result.json["layers"]] == [None, None]
    assert "SC204" in result.err


def test_a_size_that_is_not_known_is_text(shell: Shell) -> None:
    text = FINE.replace("H: 8, ", "").replace("padding: 1", "stride: 2")
    document = shell("shapes", shell.write(text), "--output-format", "json").json
    height = document["layers"][0]["output_shape"][2]
    assert isinstance(height, str)
    assert eval(height, {"H": 9}) == 4
    assert document["dims"] == {"N": 2, "W": 8}


def test_the_table_for_people(shell: Shell) -> None:
    out = shell("shapes", shell.write(FINE)).out
    assert "[2, 4, 8, 8]" in out
    assert "112 parameters" in out
    assert "13,824 multiply-adds" in out


# --- explain and calc -----------------------------------------------------------------------------------------------

CONVOLUTIONS = [
    ("2.1", 4, 3, 1, 0, 1, 2, 1),
    ("2.2", 5, 4, 1, 2, 1, 6, 2),
    ("2.3", 5, 3, 1, 1, 1, 5, 3),
    ("2.4", 5, 3, 1, 2, 1, 7, 4),
    ("2.5", 5, 3, 2, 0, 1, 2, 5),
    ("2.6", 5, 3, 2, 1, 1, 3, 6),
    ("2.7", 6, 3, 2, 1, 1, 3, 6),
    ("5.1", 7, 3, 1, 0, 2, 3, 15),
]
TRANSPOSED = [
    ("4.1", 2, 3, 1, 0, 0, 4, 8, 2),
    ("4.2", 6, 4, 1, 2, 0, 5, 9, 1),
    ("4.3", 5, 3, 1, 1, 0, 5, 10, 1),
    ("4.4", 7, 3, 1, 2, 0, 5, 11, 0),
    ("4.5", 2, 3, 2, 0, 0, 5, 12, 2),
    ("4.6", 3, 3, 2, 1, 0, 5, 13, 1),
    ("4.7", 3, 3, 2, 1, 1, 6, 14, 1),
]


@pytest.mark.parametrize(("figure", "i", "k", "s", "p", "d", "o", "relationship"), CONVOLUTIONS)
def test_calc_of_the_guide_s_convolutions(
    shell: Shell, figure: str, i: int, k: int, s: int, p: int, d: int, o: int, relationship: int
) -> None:
    given = ["-i", f"{i}", "-k", f"{k}", "-s", f"{s}", "-p", f"{p}", "-d", f"{d}"]
    document = shell("calc", "conv", *given, "--output-format", "json").json
    assert document["output_size"] == [o]
    (axis,) = document["axes"]
    assert (axis["o"], axis["relationships"][0]) == (o, relationship)
    assert axis["unread"] == (1 if figure == "2.7" else 0)
    result = shell("calc", "conv", *given)
    assert result.code == 0
    assert f"Relationship {relationship} " in result.out
    assert f"= {o}" in result.out
    assert ("figure 2.7" in result.out) == (figure == "2.7")


@pytest.mark.parametrize(("figure", "i", "k", "s", "p", "a", "o", "relationship", "direct"), TRANSPOSED)
def test_calc_and_explain_of_the_guide_s_transposed_convolutions(
    shell: Shell, figure: str, i: int, k: int, s: int, p: int, a: int, o: int, relationship: int, direct: int
) -> None:
    given = ["-i", f"{i}", "-k", f"{k}", "-s", f"{s}", "-p", f"{p}", "-a", f"{a}"]
    document = shell("calc", "conv-transpose", *given, "--output-format", "json").json
    assert document["output_size"] == [o]
    (axis,) = document["axes"]
    assert (axis["o"], axis["relationships"][0]) == (o, relationship)
    assert axis["direct"] == {"i": i + (i - 1) * (s - 1), "k": k, "s": 1, "p": [direct, direct], "a": a}
    text = f"shapecheck: 1\ninputs: {{x: [1, 1, {i}]}}\nlayers:\n  - {{name: up, op: conv_transpose, out_channels: 1,"
    text += f" kernel_size: {k}, stride: {s}, padding: {p}, output_padding: {a}}}\n"
    explained = shell("explain", shell.write(text), "up", "--output-format", "json").json
    assert explained["axes"] == [axis]
    assert explained["output"] == [1, 1, o]
    lines = shell("explain", shell.write(text), "up").out
    assert f"Relationship {relationship} " in lines
    assert f"= {o}" in lines


def test_calc_of_pooling(shell: Shell) -> None:
    document = shell("calc", "pool", "-i", "5", "-k", "3", "-s", "1", "--output-format", "json").json
    assert document["output_size"] == [3]
    assert document["axes"][0]["relationships"] == [7]
    assert shell("calc", "pool", "-i", "7", "-k", "2", "--output-format", "json").json["output_size"] == [3]
    ceil = shell("calc", "pool", "-i", "7", "-k", "2", "--ceil-mode", "--output-format", "json").json
    assert ceil["output_size"] == [4]


def test_calc_of_several_axes(shell: Shell) -> None:
    document = shell(
        "calc", "conv", "-i", "224,112", "-k", "7,3", "-s", "2", "-p", "3,1", "--output-format", "json"
    ).json
    assert document["output_size"] == [112, 56]
    assert [axis["axis"] for axis in document["axes"]] == ["H", "W"]


def test_calc_finds_the_addition_for_an_output_size(shell: Shell) -> None:
    given = ["-i", "3", "-k", "3", "-s", "2", "-p", "1"]
    assert shell("calc", "conv-transpose", *given, "-o", "6", "--output-format", "json").json["axes"][0]["a"] == 1
    assert shell("calc", "conv-transpose", *given, "-o", "7").code == 1
    assert shell("calc", "conv-transpose", *given, "-o", "6", "-a", "1").code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["conv"], 2),
        (["conv", "-i", "5"], 2),
        (["conv", "-k", "5"], 2),
        (["conv", "-i", "x", "-k", "3"], 2),
        (["conv", "-i", "0", "-k", "3"], 2),
        (["conv", "-i", "5", "-k", "3", "-p", "samee"], 2),
        (["conv", "-i", "2", "-k", "3"], 1),
        (["conv", "-i", "5", "-k", "0"], 1),
        (["conv", "-i", "5", "-k", "3", "-s", "0"], 1),
        (["conv", "-i", "5", "-k", "3,3"], 1),
        (["pool", "-i", "5", "-k", "3", "-p", "2"], 1),
        (["nothing"], 2),
    ],
)
def test_calc_of_what_does_not_fit(shell: Shell, arguments: list[str], code: int) -> None:
    result = shell("calc", *arguments)
    assert result.code == code
    assert result.out == "" or not arguments
    assert "internal" not in result.err


def test_explain_of_a_layer_that_is_not_there(shell: Shell) -> None:
    result = shell("explain", shell.write(FINE), "aa")
    assert result.code == 2
    assert "aa" in result.err
    broken = shell("explain", shell.write(BROKEN), "b")
    assert broken.code == 1
    assert "SC204" in broken.err


# --- rule -----------------------------------------------------------------------------------------------------------


def test_rule(shell: Shell) -> None:
    assert "SC204" in shell("rule").out
    by_code, by_name = shell("rule", "sc204"), shell("rule", "kernel-exceeds-input")
    assert by_code.code == 0
    assert by_code.out == by_name.out
    assert shell("rule", "SC999").code == 2
    document = shell("rule", "--all", "--output-format", "json").json
    codes = [rule["code"] for rule in document["rules"]]
    assert codes == sorted(set(codes))
    assert all(rule["manual"].strip() for rule in document["rules"])


# --- as a process ---------------------------------------------------------------------------------------------------


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
    assert child.wait(60) == 1
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
    assert child.wait(60) == 1
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

    shell.monkeypatch.setattr("shapecheck.linter.read_text", fail)
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

    shell.monkeypatch.setattr("shapecheck.linter.read_text", interrupt)
    assert shell("check", shell.write(FINE)).code == 130


# --- verify ---------------------------------------------------------------------------------------------------------


def test_verify(shell: Shell) -> None:
    result = shell("verify", shell.write(FINE), "--level", "trace", "--output-format", "json")
    assert result.code == 0, result.err
    REPORT.validate(result.json)
    verification = result.json["files"][0]["verification"]
    assert (verification["level"], verification["result"]) == ("trace", "proved")
    assert verification["layers"] == {"agree": 2, "disagree": 0, "not_checked": 0}
    broken = shell("verify", shell.write(BROKEN), "--level", "trace", "--output-format", "json")
    assert broken.code == 1
    REPORT.validate(broken.json)
    assert shell("verify", shell.write(FINE), "--level", "thoroughly").code == 2
    assert shell("verify", "nowhere.net.yaml", "--level", "trace").code == 1
    assert shell("verify", shell.write(FINE), "--set", "H=0").code == 2
