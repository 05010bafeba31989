"""``shapecheck diff`` on files as they were in git."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from diff_shell import DEEPER, OLD, REPEATED, WIDER, Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    return Shell(tmp_path, monkeypatch)


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def repository(shell: Shell) -> Shell:
    """A repository with two commits on main, and one on a branch that parted after the first."""
    shell.git("init", "-q", "-b", "main")
    shell.write("nets/small.net.yaml", OLD)
    shell.git("add", ".")
    shell.git("commit", "-q", "-m", "one")
    shell.git("tag", "first")
    shell.git("switch", "-q", "-c", "branch")
    shell.write("nets/small.net.yaml", WIDER)
    shell.git("commit", "-q", "-a", "-m", "wider")
    shell.git("switch", "-q", "main")
    shell.write("nets/small.net.yaml", REPEATED)
    shell.git("commit", "-q", "-a", "-m", "gelu")
    return shell


@needs_git
def test_a_file_against_what_it_was(repository: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write("nets/small.net.yaml", DEEPER)
    found = repository.json("--rev", "first", "nets/small.net.yaml")
    assert found["old"]["path"] == "first:nets/small.net.yaml"
    assert [c["new"] for c in found["layers"]["changed"]] == ["act", "down", "up", "head"]
    # From another folder, and by an absolute path.
    monkeypatch.chdir(repository.folder / "nets")
    assert repository.json("--rev", "first", "small.net.yaml")["layers"] == found["layers"]
    monkeypatch.chdir("/")
    assert (
        repository.json("--rev", "first", str(repository.folder / "nets/small.net.yaml"))["layers"] == found["layers"]
    )


@needs_git
def test_two_revisions(repository: Shell) -> None:
    def changed(*arguments: str) -> list[str]:
        return [c["new"] for c in repository.json(*arguments)["layers"]["changed"]]

    file = "nets/small.net.yaml"
    assert changed("--rev", "main..branch", file) == ["act", "mid"]
    # Only what the branch did, as a pull request shows it.
    assert changed("--rev", "main...branch", file) == ["mid"]
    assert changed("--rev", "HEAD~1..HEAD", file) == ["act"]
    assert changed("--rev", "HEAD~1..", file) == ["act"]
    assert changed(f"first:{file}", file) == ["act"]
    assert changed(f"first:{file}", f"branch:{file}") == ["mid"]
    # A file that is not there any more, nor its folder.
    shutil.rmtree(repository.folder / "nets")
    assert changed("--rev", "main..branch", file) == ["act", "mid"]


@needs_git
def test_paths_count_as_in_git(repository: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.folder / "nets")
    assert repository.json("first:./small.net.yaml", "small.net.yaml")["same"] is False
    assert repository.json("first:nets/small.net.yaml", "small.net.yaml")["same"] is False
    code, out, err = repository.run("first:small.net.yaml", "small.net.yaml")
    assert (code, out) == (1, "")
    assert "there is no small.net.yaml in revision first" in err
    assert "from here it is first:./small.net.yaml" in err


@needs_git
def test_a_file_with_a_colon_in_its_name_comes_first(repository: Shell) -> None:
    repository.write("first:nets", OLD)
    assert repository.json("first:nets", "nets/small.net.yaml")["old"]["path"] == "first:nets"


@needs_git
@pytest.mark.parametrize(
    ("rev", "said"),
    [
        ("nowhere", "git knows no revision nowhere here; in CI it may have to be fetched first"),
        ("--output=x", "'--output=x' is no git revision"),
        ("-h", "'-h' is no git revision"),
        ("main..--help", "'--help' is no git revision"),
        ("main...nowhere", "git knows no revision nowhere"),
        ("a b", "'a b' is no git revision"),
        ("main;touch x", "no git revision"),
        ("first^{tree}", "git knows no revision"),
    ],
)
def test_revisions_that_are_none(rev: str, said: str, repository: Shell) -> None:
    assert said in repository.refused(f"--rev={rev}", "nets/small.net.yaml")
    assert not (repository.folder / "x").exists()


@needs_git
def test_paths_that_are_no_file(repository: Shell) -> None:
    for argument, said in [
        ("first:nets", "nets is no file in revision first"),
        ("first:", "the top of the repository is no file in revision first"),
        ("first:nets/other.net.yaml", "there is no nets/other.net.yaml in revision first"),
        ("first:--help", "there is no --help in revision first"),
        ("first:../../etc/passwd", "there is no ../../etc/passwd in revision first"),
    ]:
        code, out, err = repository.run(argument, "nets/small.net.yaml")
        assert (code, out) == (1, "")
        assert said in err and argument in err
    assert "'' is no git revision" in repository.refused(":nets/small.net.yaml", "nets/small.net.yaml")


@needs_git
@pytest.mark.skipif(os.name == "nt", reason="links take a privilege on Windows")
def test_a_link_is_not_taken_for_what_it_leads_to(repository: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository.folder / "nets/link.net.yaml").symlink_to("small.net.yaml")
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "link")
    for argument in ("HEAD:nets/link.net.yaml", "HEAD:./nets/link.net.yaml"):
        code, out, err = repository.run(argument, "nets/small.net.yaml")
        assert (code, out) == (1, "")
        assert "nets/link.net.yaml is a symbolic link in revision HEAD" in err
        assert "name the file that it leads to: small.net.yaml" in err


@needs_git
def test_revisions_without_a_common_commit(repository: Shell) -> None:
    repository.git("checkout", "-q", "--orphan", "alone")
    repository.git("commit", "-q", "-m", "alone")
    assert "main and alone have no commit in common" in repository.refused("--rev=main...alone", "nets/small.net.yaml")


@needs_git
def test_a_text_that_is_too_large_is_not_read(repository: Shell) -> None:
    repository.write("shapecheck.toml", "[limits]\nfile_bytes = 100\n")
    code, _, err = repository.run("first:nets/small.net.yaml", "branch:nets/small.net.yaml")
    assert code == 1
    assert err.count("more bytes than the limit of 100") == 2


@needs_git
def test_no_repository(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(shell.folder.parent))
    shell.write("a.net.yaml", OLD)
    assert "git cannot be asked in" in shell.refused("--rev", "main", "a.net.yaml")


def test_no_git(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(shell.folder))
    shell.write("old.net.yaml", OLD)
    shell.write("new.net.yaml", DEEPER)
    assert "takes git, which is not installed" in shell.refused("--rev", "main", "old.net.yaml")
    assert shell.run("old.net.yaml", "new.net.yaml")[0] == 0
