"""The README says what is true: its examples print what stands there, its tables are fresh, nothing is left out.

``SHAPECHECK_UPDATE=1 pytest tests/project/test_readme.py`` writes what the examples print now into it.
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from paths import ROOT

from shapecheck import config
from shapecheck.cli.main import COMMANDS
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.language import op_tables
from shapecheck.output import FORMATS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.split("\n")[0])
def test_the_console_shows_what_is_printed(block: str, tmp_path: Path) -> None:
    line, _, expected = block.partition("\n")
    command, file = line.removeprefix("$ shapecheck ").rsplit(" ", 1)
    (tmp_path / file).write_text(blocks("yaml")[0], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "shapecheck", *command.split(), file],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    if os.environ.get("SHAPECHECK_UPDATE") == "1":
        page = (ROOT / "README.md").read_text(encoding="utf-8")
        (ROOT / "README.md").write_text(page.replace(block, f"{line}\n{done.stdout}"), encoding="utf-8")
    assert done.stdout == expected


def test_python_gives_what_the_comments_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    compared = 0
    for line in "".join(blocks("python")).splitlines():
        code, _, comment = line.partition("#")
        try:
            expected = ast.literal_eval(comment.strip())
        except (SyntaxError, ValueError):
            exec(code, names)
        else:
            assert eval(code, names) == expected, line
            compared += 1
    assert compared >= 4


def test_the_tables_of_ops_and_keys_are_fresh() -> None:
    assert op_tables.renew(README) == README, "run: python -m shapecheck.language.op_tables"


def test_renewing_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"above\n{op_tables.BEGIN}outdated\n{op_tables.END}below\n", encoding="utf-8")
    op_tables.main([str(path)])
    text = path.read_text(encoding="utf-8")
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "`conv_transpose`" in text
    assert "outdated" not in text


def test_every_limit_stands_there_with_its_default() -> None:
    found = tomllib.loads(blocks("toml")[1])["tool"]["shapecheck"]["limits"]
    assert found == DEFAULT_LIMITS._asdict()


def test_the_configuration_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(blocks("toml")[0], encoding="utf-8")
    settings = config.load(path)
    assert settings.selection.ignore == ("SC307",)
    assert settings.baseline == tmp_path / "shapecheck-baseline.json"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_told_of(command: str) -> None:
    assert f"`shapecheck {command}" in README


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_told_of(name: str) -> None:
    assert f"`{name}`" in README or f"--output-format {name}" in README


def test_the_name_of_another_project_is_not_installed() -> None:
    for page in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert "pip install shapecheck" not in page
