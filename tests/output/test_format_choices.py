"""Every format that --output-format offers is there, prints every report, and needs nothing heavy."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
import sample_reports
from click.testing import CliRunner

from shapecheck.cli.check_command import check
from shapecheck.cli.main import main
from shapecheck.cli.verify_command import verify
from shapecheck.output import FORMATS

CHOICES = {
    choice
    for command in (check, verify)
    for option in command.params
    if option.name == "output_format"
    for choice in option.type.choices  # type: ignore[attr-defined]
}


def test_the_formats_of_the_interface_are_offered() -> None:
    interface = {"text", "json", "json-lines", "concise", "github", "gitlab", "sarif", "junit", "markdown"}
    assert interface <= set(FORMATS)
    assert set(FORMATS) == CHOICES


@pytest.mark.parametrize("name", FORMATS)
def test_every_choice_prints_what_check_finds(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file, text in (
        ("wrong", sample_reports.WRONG),
        ("warned", sample_reports.WARNED),
        ("ok", sample_reports.CLEAN),
    ):
        Path(f"{file}.net.yaml").write_text(text, encoding="utf-8")
    Path("latin.net.yaml").write_bytes(b"name: caf\xe9\n")
    result = CliRunner().invoke(main, ["check", "--output-format", name], standalone_mode=False)
    assert result.exception is None, result.exception
    assert result.return_value == 1
    for file in ("wrong", "warned", "latin"):
        assert f"{file}.net.yaml" in result.stdout
    assert "SC206" in result.stdout and "SC001" in result.stdout


@pytest.mark.parametrize("name", FORMATS)
def test_a_clean_file_is_printed_too(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ok.net.yaml").write_text(sample_reports.CLEAN, encoding="utf-8")
    result = CliRunner().invoke(main, ["check", "--output-format", name, "ok.net.yaml"], standalone_mode=False)
    assert result.exception is None
    assert result.return_value == 0
    assert result.stdout.endswith("\n")


@pytest.mark.parametrize("name", sample_reports.EXCHANGE)
def test_every_odd_text_can_be_written_and_the_same_twice(name: str) -> None:
    for reports in ([], sample_reports.real(), sample_reports.odd(), [sample_reports.wide()]):
        text = sample_reports.rendered(name, reports)
        assert text.encode("utf-8")
        assert text.endswith("\n")
        assert text == sample_reports.rendered(name, reports)
        assert not set("\x00\x07\x1b\r\u2028\u202e\x85") & set(text)


@pytest.mark.parametrize("name", ["json-lines", "gitlab", "sarif", "junit"])
def test_documents_are_ascii_so_that_no_encoding_of_a_pipe_harms_them(name: str) -> None:
    assert sample_reports.rendered(name, sample_reports.odd() + sample_reports.real()).isascii()


@pytest.mark.parametrize("name", sample_reports.EXCHANGE)
def test_colour_is_never_mixed_in(name: str) -> None:
    module = __import__(f"shapecheck.output.{name.replace('-', '_')}", fromlist=["render"])
    stream = io.StringIO()
    module.render(sample_reports.real(), stream, True)
    assert stream.getvalue() == sample_reports.rendered(name, sample_reports.real())


@pytest.mark.parametrize("name", sample_reports.EXCHANGE)
def test_paths_are_shown_from_the_working_directory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    inside, outside = tmp_path / "here" / "nets" / "a.net.yaml", tmp_path / "there" / "b.net.yaml"
    reports = [sample_reports.report(str(path), [sample_reports.diagnostic("x")]) for path in (inside, outside)]
    text = sample_reports.rendered(name, reports)
    assert "nets/a.net.yaml" in text
    assert str(inside) not in text
    assert str(outside).replace("_", "\\_" if name == "markdown" else "_") in text


@pytest.mark.parametrize(
    ("name", "variable"), [("github", "GITHUB_WORKSPACE"), ("sarif", "GITHUB_WORKSPACE"), ("gitlab", "CI_PROJECT_DIR")]
)
def test_paths_are_from_the_root_that_the_service_names(
    name: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    reports = [sample_reports.report("nets/a.net.yaml", [sample_reports.diagnostic("x")])]
    monkeypatch.setenv(variable, str(tmp_path))
    assert "sub/nets/a.net.yaml" in sample_reports.rendered(name, reports)
    # A root that the working directory is not below is none of ours.
    for root in (str(tmp_path / "other"), ""):
        monkeypatch.setenv(variable, root)
        text = sample_reports.rendered(name, reports)
        assert "nets/a.net.yaml" in text
        assert "sub/nets" not in text


def test_printing_loads_nothing_heavy() -> None:
    modules = ", ".join(f"shapecheck.output.{module}" for module in FORMATS.values())
    heavy = ["jax", "numpy", "networkx", "rich", "scipy"]
    code = f"import sys, {modules}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
