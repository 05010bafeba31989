"""Where a finding is, for GitHub and GitLab: one place and one identity, however a path was given."""

from __future__ import annotations

import json
import ntpath
import os
import re
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from click.testing import CliRunner
from sample_reports import WRONG, diagnostic, rendered, report

from shapecheck.cli.main import main
from shapecheck.output import exchange

# Two findings that are alike in code and layer, and a layer in a block that is placed twice.
TWICE = """\
shapecheck: 1
inputs: {x: [1, 4, 16, 16]}
blocks:
  pair:
    layers:
      - {op: conv, out_channels: 4, kernel_size: 3, in_channels: 7, stride: 0, padding: -1}
layers:
  - {block: pair}
  - {block: pair}
  - {op: conv, out_channels: 0, kernel_size: 0}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "root"
    (root / "nets").mkdir(parents=True)
    (root / "nets" / "a.net.yaml").write_text(WRONG, encoding="utf-8")
    (root / "nets" / "b.net.yaml").write_text(TWICE, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


def printed(output_format: str, *paths: str) -> str:
    result = CliRunner().invoke(main, ["check", "--output-format", output_format, *paths], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.stdout


def issues(*paths: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(printed("gitlab", *paths))
    return found


def files(*paths: str) -> list[str]:
    return re.findall(r"^::\w+ file=([^,]*),", printed("github", *paths), re.MULTILINE)


def test_a_finding_is_known_by_one_fingerprint_however_its_file_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = issues("nets")
    assert {issue["location"]["path"] for issue in expected} == {"nets/a.net.yaml", "nets/b.net.yaml"}
    assert issues(str(folder / "nets")) == expected
    assert issues("./nets/../nets/a.net.yaml", "nets/b.net.yaml") == expected
    monkeypatch.setenv("CI_PROJECT_DIR", str(folder))
    monkeypatch.chdir(folder / "nets")
    assert issues(".") == expected


def test_fingerprints_of_equal_findings_differ(folder: Path) -> None:
    found = issues("nets", "./nets/b.net.yaml", str(folder / "nets" / "b.net.yaml"))
    kinds = [(i["location"]["path"], i["check_name"]) for i in found]
    assert len(set(kinds)) < len(kinds)
    assert len({issue["fingerprint"] for issue in found}) == len(found)


def test_annotations_are_relative_to_the_repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = files("nets")
    assert set(expected) == {"nets/a.net.yaml", "nets/b.net.yaml"}
    assert files(str(folder / "nets")) == expected
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    monkeypatch.chdir(folder / "nets")
    assert files(".") == expected


def test_a_root_behind_a_link_is_the_same_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, where /tmp is a link: the working directory and a path on the command line have two names."""
    expected = issues("nets")
    link = folder.parent / "link"
    link.symlink_to(folder, target_is_directory=True)
    assert issues(str(link / "nets")) == expected
    assert set(files(str(link / "nets"))) == {"nets/a.net.yaml", "nets/b.net.yaml"}
    monkeypatch.setenv("CI_PROJECT_DIR", str(link))
    monkeypatch.chdir(folder / "nets")
    assert issues(".") == expected


def test_the_separators_of_windows_become_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Windows:
        path = ntpath
        environ = os.environ

        @staticmethod
        def getcwd() -> str:
            return "D:\\a\\repo"

    monkeypatch.setattr(ntpath, "abspath", lambda path: ntpath.normpath(ntpath.join("D:\\a\\repo", path)))
    monkeypatch.setattr(ntpath, "realpath", ntpath.abspath)
    monkeypatch.setattr(exchange, "os", Windows)
    monkeypatch.setattr(exchange, "Path", PureWindowsPath)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    for given, expected in [
        ("nets\\a.net.yaml", "nets/a.net.yaml"),
        (".\\nets\\a.net.yaml", "nets/a.net.yaml"),
        ("D:\\a\\repo\\nets\\a.net.yaml", "nets/a.net.yaml"),
        ("d:\\A\\repo\\nets\\a.net.yaml", "nets/a.net.yaml"),
        ("C:\\else\\a.net.yaml", "C:/else/a.net.yaml"),
    ]:
        reports = [report(given, [diagnostic("x")])]
        (issue,) = json.loads(rendered("gitlab", reports))
        assert issue["location"]["path"] == expected
        assert f"file={expected.replace(':', '%3A')}," in rendered("github", reports)
