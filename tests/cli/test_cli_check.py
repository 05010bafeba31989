"""The commands ``check`` and ``verify``: JSON, formats, paths, limits and exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from running import BROKEN, FINE, ROOT
from shell import Shell

EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))


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
