"""``--fix``, ``--unsafe-fixes`` and ``--diff``: what is written, what is shown, and what stays as it was."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path

import pytest
from click_runner import runner
from texts import check_file, check_text

from shapecheck.cli.main import main
from shapecheck.findings import fixes

MISSPELT = """# a net  \u2014 with a dash
shapecheck: 1
inputs: {image: [1, 3, 8, 8]}
layers:
  - {name: look, op: conv, out_channels: 4, kernel_size: 3, in_channels: 5}   # believed
  - name: shrink
    op: conv
    out_channels: 4
    kernel_size: 3
    strides: 2 # misspelt
"""
FIXED = MISSPELT.replace("in_channels: 5", "in_channels: 3").replace("strides: 2", "stride: 2")
MERGE = """shapecheck: 1
inputs: {image: [1, 3, 27]}
layers:
  - {name: down, op: max_pool, kernel_size: 2}
  - {name: up, op: upsample, scale_factor: 2}
  - {name: join, op: add, from: [image, up]}
"""


def run(*arguments: str, text: str | bytes | None = None, command: str = "check") -> tuple[int, str, str]:
    result = runner().invoke(main, [command, *arguments], standalone_mode=False, input=text)
    assert result.exception is None, result.exception
    return int(result.return_value), result.stdout, result.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.net.yaml"
    path.write_bytes(MISSPELT.encode())
    return path


def test_fix_writes_the_file_and_says_what_is_left(file: Path) -> None:
    code, out, err = run("--fix", str(file))
    assert code == 0
    assert file.read_bytes().decode() == FIXED
    assert err == f"{file}: 2 fixes applied\n"
    assert "error" not in out
    assert run(str(file))[0] == 0
    code, _, err = run("--fix", str(file))
    assert (code, err) == (0, "")


def test_without_fix_nothing_is_written(file: Path) -> None:
    before = file.stat()
    code, out, _ = run(str(file))
    assert code == 1 and out.count("error[") == 2
    assert file.read_bytes().decode() == MISSPELT and file.stat().st_mtime_ns == before.st_mtime_ns
    code, out, _ = run("--output-format", "json", str(file))
    assert code == 1 and '"applicability": "safe"' in out


def test_diff_shows_and_writes_nothing(file: Path) -> None:
    code, out, err = run("--diff", str(file))
    assert (code, err) == (1, "")
    assert file.read_bytes().decode() == MISSPELT
    lines = out.splitlines()
    assert lines[:2] == [f"--- {file}", f"+++ {file}"]
    changed = [line for line in lines[2:] if line[0] in "+-"]
    assert changed == [
        "-  - {name: look, op: conv, out_channels: 4, kernel_size: 3, in_channels: 5}   # believed",
        "+  - {name: look, op: conv, out_channels: 4, kernel_size: 3, in_channels: 3}   # believed",
        "-    strides: 2 # misspelt",
        "+    stride: 2 # misspelt",
    ]
    assert run("--diff", "--exit-zero", str(file))[0] == 0
    run("--fix", str(file))
    assert run("--diff", str(file)) == (0, "", "")


def test_a_diff_of_a_file_without_a_last_newline_can_be_applied(file: Path) -> None:
    file.write_text(MISSPELT.rstrip("\n").removesuffix(" # misspelt"), encoding="utf-8")
    _, out, _ = run("--diff", str(file))
    assert out.endswith("-    strides: 2\n\\ No newline at end of file\n+    stride: 2\n\\ No newline at end of file\n")


def test_what_changes_the_network_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "merge.net.yaml"
    path.write_text(MERGE, encoding="utf-8")
    code, out, err = run("--fix", str(path))
    assert code == 1 and "error[SC208]" in out and err == ""
    assert path.read_text(encoding="utf-8") == MERGE
    assert run("--diff", str(path)) == (0, "", "")
    assert "+  - {name: up, op: upsample, like: image}" in run("--diff", "--unsafe-fixes", str(path))[1]
    code, out, err = run("--unsafe-fixes", str(path))
    assert code == 0 and err == f"{path}: 1 fix applied\n"
    assert path.read_text(encoding="utf-8") == MERGE.replace("scale_factor: 2", "like: image")


def test_standard_input_comes_back_fixed_on_standard_output() -> None:
    code, out, err = run("--fix", "-", text=MISSPELT)
    assert (code, out) == (0, FIXED)
    assert "error" not in err
    code, out, err = run("--fix", "-", text=MERGE)
    assert (code, out) == (1, MERGE)
    assert "error[SC208]" in err
    code, out, err = run("--diff", "-", "--stdin-filename", "nets/some.net.yaml", text=MISSPELT)
    assert code == 1 and out.startswith("--- nets/some.net.yaml\n+++ nets/some.net.yaml\n")


def test_several_files_are_each_fixed(tmp_path: Path) -> None:
    for name, text in (("a", MISSPELT), ("b", MERGE), ("c", FIXED)):
        (tmp_path / f"{name}.net.yaml").write_text(text, encoding="utf-8")
    code, out, err = run("--fix", str(tmp_path))
    assert code == 1
    assert err == f"{tmp_path / 'a.net.yaml'}: 2 fixes applied\n"
    assert (tmp_path / "a.net.yaml").read_text(encoding="utf-8") == FIXED
    assert out.count("error[") == 1


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "broken.net.yaml"
    path.write_bytes(b"shapecheck: 1\nlayers: [\n")
    assert run("--fix", str(path))[0] == 1
    assert path.read_bytes() == b"shapecheck: 1\nlayers: [\n"


def test_a_byte_order_mark_stays(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + MISSPELT.encode())
    assert run("--fix", str(file))[0] == 0
    assert file.read_bytes() == b"\xef\xbb\xbf" + FIXED.encode()


def test_the_ends_of_lines_stay(file: Path) -> None:
    file.write_bytes(MISSPELT.replace("\n", "\r\n").encode())
    assert run("--fix", str(file))[0] == 0
    assert file.read_bytes() == FIXED.replace("\n", "\r\n").encode()


def test_the_mode_of_a_file_stays_and_a_link_stays_a_link(file: Path) -> None:
    file.chmod(0o640)
    link = file.with_name("link.net.yaml")
    link.symlink_to(file)
    assert run("--fix", str(link))[0] == 0
    assert link.is_symlink() and file.read_bytes().decode() == FIXED
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == ["link.net.yaml", "some.net.yaml"]


def test_a_file_is_replaced_whole_or_not_at_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = runner().invoke(main, ["check", "--fix", str(file)])
    assert result.exit_code not in (0, None)
    assert file.read_bytes().decode() == MISSPELT
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_value_given_on_the_command_line_counts_in_fixing(tmp_path: Path) -> None:
    path = tmp_path / "set.net.yaml"
    text = "shapecheck: 1\nparams: {width: 3}\ninputs: {x: [1, =width, 8]}\nlayers:\n"
    text += "  - {op: conv, out_channels: 4, kernel_size: 3, padding: 1, in_channels: 5}\n"
    path.write_text(text, encoding="utf-8")
    assert run("--unsafe-fixes", "--set", "width=7", str(path))[0] == 0
    assert path.read_text(encoding="utf-8") == text.replace("in_channels: 5", "in_channels: 7")


def test_fixing_is_the_same_from_python(file: Path) -> None:
    report = check_file(str(file))
    fixed = fixes.fix(report, partial(check_text, path=str(file)), unsafe=False)
    assert (fixed.text, fixed.applied) == (FIXED, 2)
    fixes.write(str(file), fixed.text)
    assert file.read_bytes().decode() == FIXED
