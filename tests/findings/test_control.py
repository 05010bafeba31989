"""Which findings are shown: selection, severity, comments in the file, configuration, baseline."""

from __future__ import annotations

import contextlib
import json
import os
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from texts import check_text

from shapecheck import config
from shapecheck.cli.check_command import check
from shapecheck.cli.options import network_files
from shapecheck.config import ConfigError
from shapecheck.findings.baseline import BaselineError
from shapecheck.findings.catalogue import RULES, Severity
from shapecheck.findings.selection import Selection, UnknownRule, check_word

TOO_SMALL = """shapecheck: 1
inputs: {image: [1, 3, 2, 2]}
layers:
  - {name: look, op: conv, out_channels: 8, kernel_size: 3}
"""
UNUSED = """shapecheck: 1
inputs: {image: [1, 3, 8, 8]}
params: {width: 3}
layers:
  - {name: look, op: conv, out_channels: 8, kernel_size: 3}
"""


def codes(text: str, selection: Selection | None = None) -> list[str]:
    return [d.code for d in check_text(text, "x", selection=selection or Selection()).diagnostics]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, list(arguments), standalone_mode=False, catch_exceptions=True)


@pytest.mark.parametrize(
    ("selection", "shown"),
    [
        (Selection(), True),
        (Selection(ignore=("SC1",)), False),
        (Selection(ignore=("unused-param",)), False),
        (Selection(select=("SC2",)), False),
        (Selection(select=("SC1",), ignore=("SC105",)), False),
        (Selection(select=("SC105",), ignore=("SC1",)), True),
        (Selection(select=("SC2",), extend_select=("unused-param",)), True),
        (Selection(select=("ALL",)), True),
        (Selection(select=("ALL",), ignore=("SC105",)), False),
        (Selection(select=("SC105",), ignore=("SC105",)), False),
    ],
)
def test_the_more_specific_word_decides(selection: Selection, shown: bool) -> None:
    assert codes(UNUSED, selection) == (["SC105"] if shown else [])


def test_a_rule_that_is_off_by_default_runs_where_it_is_selected() -> None:
    off = [rule for rule in RULES.values() if not rule.default]
    for info in off:
        assert not Selection().allows(info)
        assert Selection(extend_select=(info.code,)).allows(info)
        assert Selection(select=("ALL",)).allows(info)


def test_severity_can_be_changed_by_code_or_name_the_more_specific_first() -> None:
    selection = Selection(severity={"SC1": Severity.INFO, "unused-param": Severity.ERROR})
    assert [d.severity for d in check_text(UNUSED, "x", selection=selection).diagnostics] == [Severity.ERROR]
    quiet = check_text(UNUSED, "x", selection=Selection(severity={"SC1": Severity.INFO}))
    assert quiet.ok
    assert quiet.diagnostics[0].severity is Severity.INFO


@pytest.mark.parametrize(
    ("word", "hint"), [("SC99", "no rule is called SC99"), ("unused-parm", "did you mean unused-param?")]
)
def test_a_word_that_covers_no_rule_is_refused(word: str, hint: str) -> None:
    with pytest.raises(UnknownRule, match=hint.replace("?", r"\?")):
        check_word(word)


@pytest.mark.parametrize(
    "comment",
    [
        "# shapecheck: ignore[SC204] grown later",
        "# shapecheck: ignore[SC2]",
        "#shapecheck: ignore[ kernel-exceeds-input ]",
    ],
)
def test_a_comment_keeps_its_line_and_the_line_below_quiet(comment: str) -> None:
    lines = TOO_SMALL.splitlines()
    assert codes("\n".join([*lines[:3], f"{lines[3]}  {comment}"])) == []
    assert codes("\n".join([*lines[:3], f"  {comment}", lines[3]])) == []
    # Of SC2 it is not known whether the error hides another that would be kept quiet.
    misplaced = ["SC204"] if "SC2]" in comment else ["SC016", "SC204"]
    assert codes("\n".join([*lines[:2], f"  {comment}", *lines[2:]])) == misplaced


def test_a_comment_for_the_file_works_anywhere() -> None:
    assert codes(TOO_SMALL + "# shapecheck: file-ignore[SC204] on purpose\n") == []
    assert codes(TOO_SMALL + "# shapecheck: file-ignore[SC301]\n") == ["SC204"]
    assert codes(TOO_SMALL.replace("2, 2", "5, 5") + "# shapecheck: file-ignore[SC301]\n") == ["SC016"]


def test_a_comment_that_keeps_nothing_quiet_is_reported_and_can_be_removed() -> None:
    text = UNUSED.replace("params: {width: 3}\n", "") + "# shapecheck: file-ignore[SC2]\n"
    report = check_text(text, "x")
    (diagnostic,) = report.diagnostics
    assert diagnostic.code == "SC016"
    assert diagnostic.message == "nothing here is kept quiet by SC2"
    assert (diagnostic.span.start.line, diagnostic.span.start.column) == (5, 27)
    assert diagnostic.fix is not None
    assert diagnostic.fix.edits[0].text == ""


def test_a_comment_about_a_rule_that_is_not_selected_is_left_alone() -> None:
    assert codes(UNUSED + "# shapecheck: file-ignore[SC204]\n", Selection(select=("SC016", "SC1"))) == ["SC105"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# shapecheck: ignore", "ignore names no rule"),
        ("# shapecheck: ignore all of it", "ignore names no rule"),
        ("# shapecheck: ignore[kernel-exceed-input]", "did you mean kernel-exceeds-input?"),
        ("# shapecheck: ignore[]", "no rule is called nothing"),
    ],
)
def test_a_comment_that_names_no_rule_is_reported(comment: str, message: str) -> None:
    diagnostics = check_text(f"{TOO_SMALL}{comment}\n", "x").diagnostics
    assert [d.code for d in diagnostics] == ["SC204", "SC017"]
    assert message in diagnostics[1].message


def test_odd_comments_never_raise() -> None:
    rng = random.Random(5)
    pieces = ["# shapecheck:", "ignore", "file-ignore", "[", "]", "SC204", ",", " ", "#", "\t", "é", "[[", "]]", "\r"]
    for _ in range(400):
        check_text(TOO_SMALL + "".join(rng.choices(pieces, k=12)) + "\n", "x")


def configured(folder: Path, text: str, name: str = "shapecheck.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearest_configuration_upward_is_used(tmp_path: Path) -> None:
    configured(tmp_path, '[tool.shapecheck]\nignore = ["SC105"]\n', "pyproject.toml")
    inner = tmp_path / "nets"
    inner.mkdir()
    (inner / "a.net.yaml").write_text(UNUSED)
    assert run(str(inner)).return_value == 0
    configured(inner, 'severity = {unused-param = "error"}\n')
    result = run(str(inner), "--output-format", "json")
    assert json.loads(result.stdout)["files"][0]["diagnostics"][0]["severity"] == "error"
    assert result.return_value == 1


def test_files_can_be_ignored_by_pattern(tmp_path: Path) -> None:
    configured(tmp_path, '[per-file-ignores]\n"old/*" = ["SC1"]\n"b.net.yaml" = ["unused-param"]\n')
    (tmp_path / "old").mkdir()
    for name in ("old/a.net.yaml", "b.net.yaml", "c.net.yaml"):
        (tmp_path / name).write_text(UNUSED)
    found = json.loads(run(str(tmp_path), "--output-format", "json").stdout)["files"]
    assert {Path(f["path"]).name: len(f["diagnostics"]) for f in found} == {
        "a.net.yaml": 0,
        "b.net.yaml": 0,
        "c.net.yaml": 1,
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('select = ["SC2"]\nselct = []\n', 2, "unknown setting selct; did you mean select?"),
        ('select = "SC2"\n', 1, "select must be a list of rules"),
        ('ignore = [\n  "SC2",\n  "SC99",\n]\n', 3, "no rule is called SC99"),
        ('[severity]\nSC105 = "fatal"\n', 2, "severity of SC105 must be one of error, warning, info"),
        ("[limits]\nlayers = 5\nrepeats = 3\n", 3, "unknown limit repeats; did you mean repeat?"),
        ("[limits]\nlayers = 0\n", 2, "limits.layers must be a whole number of at least 1"),
        ("[limits]\nnesting = 100000\n", 2, "limits.nesting can be"),
        ("baseline = 3\n", 1, "baseline must be the path of a file"),
        ("limits = 3\n", 1, "limits is not a table"),
        ("a = [\n", 0, "Invalid value"),
    ],
)
def test_a_wrong_configuration_is_refused_at_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = configured(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert message in str(caught.value)
    if line:
        assert str(caught.value).startswith(f"{path}:{line}: ")


def test_odd_configurations_never_raise_anything_else(tmp_path: Path) -> None:
    rng = random.Random(9)
    pieces = [
        "select",
        "ignore",
        "severity",
        "limits",
        "per-file-ignores",
        "=",
        "[",
        "]",
        '"SC2"',
        "3",
        "\n",
        "{",
        "}",
        ",",
        "true",
        "nan",
    ]
    for number in range(300):
        path = configured(tmp_path, " ".join(rng.choices(pieces, k=9)), f"shapecheck{number}.toml")
        with contextlib.suppress(ConfigError):
            config.load(path)


def test_a_baseline_hides_what_was_there_and_nothing_new(tmp_path: Path) -> None:
    net, known = tmp_path / "a.net.yaml", tmp_path / "known.json"
    net.write_text(TOO_SMALL)
    assert run(str(net), "--baseline", str(known), "--write-baseline").return_value == 0
    assert run(str(net), "--baseline", str(known)).return_value == 0
    net.write_text("# moved\n\n" + TOO_SMALL)
    assert run(str(net), "--baseline", str(known)).return_value == 0
    net.write_text(TOO_SMALL + "  - {name: more, op: conv, from: image, out_channels: 8, kernel_size: 5}\n")
    result = run(str(net), "--baseline", str(known), "--output-format", "concise")
    assert result.return_value == 1
    assert "more: kernel_size 5" in result.stdout
    assert "look: kernel_size 3" not in result.stdout


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": 2, "findings": []}', '{"version": 1}', '{"version": 1, "findings": [3]}']
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    net, known = tmp_path / "a.net.yaml", tmp_path / "known.json"
    net.write_text(TOO_SMALL)
    known.write_text(text)
    assert isinstance(run(str(net), "--baseline", str(known)).exception, BaselineError)


def test_a_missing_baseline_is_refused_and_writing_needs_a_name(tmp_path: Path) -> None:
    net = tmp_path / "a.net.yaml"
    net.write_text(TOO_SMALL)
    assert isinstance(run(str(net), "--baseline", str(tmp_path / "none.json")).exception, BaselineError)
    assert "--write-baseline needs --baseline" in str(run(str(net), "--write-baseline").exception)


def test_statistics_count_the_rules(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.net.yaml").write_text(TOO_SMALL)
    result = run(str(tmp_path), "--statistics")
    assert result.stdout.split() == ["2", "SC204", "kernel-exceeds-input"]
    assert result.return_value == 1
    rows = json.loads(run(str(tmp_path), "--statistics", "--output-format", "json").stdout)["statistics"]
    assert rows == [{"code": "SC204", "rule": "kernel-exceeds-input", "count": 2}]


def test_a_file_named_in_several_ways_is_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"nets/{name}.net.yaml").write_text("")
    given = [
        "nets",
        "nets/a.net.yaml",
        "./nets/a.net.yaml",
        "nets/../nets/b.net.yaml",
        "-",
        str(tmp_path / "nets"),
        "-",
    ]
    assert network_files(given) == [os.path.join("nets", "a.net.yaml"), os.path.join("nets", "b.net.yaml"), "-"]


def test_the_command_line_refuses_unknown_rules() -> None:
    result = run("--select", "SC2,nonsense", ".")
    assert "no rule is called nonsense" in str(result.exception)
