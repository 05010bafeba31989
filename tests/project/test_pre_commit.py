"""The hooks for pre-commit: the manifest is one, and pre-commit itself runs them in a repository.

The repository runs the commands of the manifest from this source tree; that pre-commit can also install them is a
matter of pip, a network and some hundred megabytes.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from paths import ROOT

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS: dict[str, dict[str, Any]] = {hook["id"]: hook for hook in yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))}

FINE = "shapecheck: 1\ninputs: {x: [1, 3, 8, 8]}\nlayers:\n  - {name: a, op: conv, out_channels: 4, kernel_size: 3}\n"
WRONG = FINE.replace("kernel_size: 3", "kernel_size: 11")
MISSPELT = FINE.replace("kernel_size", "kernel_sise")

needs_pre_commit = pytest.mark.skipif(
    importlib.util.find_spec("pre_commit") is None or shutil.which("git") is None,
    reason="pre-commit and git are not both installed",
)


def test_every_hook_takes_network_files_and_no_others() -> None:
    assert set(HOOKS) == {"shapecheck", "shapecheck-fix", "shapecheck-verify"}
    for hook in HOOKS.values():
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        assert hook["language"] == "python"
        pattern = re.compile(hook["files"])
        assert all(pattern.search(name) for name in ("a.net.yaml", "nets/b.net.yml"))
        assert not any(pattern.search(name) for name in ("a.yaml", "net.yaml", "a.net.yaml.bak", "a.net.json"))


@needs_pre_commit
def test_pre_commit_accepts_the_manifest() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Repository(NamedTuple):
    """A repository that runs the hooks, and where pre-commit keeps what it needs."""

    folder: Path
    environment: dict[str, str]

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false"]
        subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, env=self.environment, check=True, capture_output=True
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        self.git("add", "-A")
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Make a repository whose configuration has the hooks of the manifest, run with this Python."""
    folder = tmp_path / "repository"
    (folder / "nets").mkdir(parents=True)
    hooks = []
    for hook in HOOKS.values():
        program, _, rest = hook["entry"].partition(" ")
        assert program == "shapecheck"
        entry = f"{sys.executable} -m shapecheck {rest}"
        mine = {key: value for key, value in hook.items() if key != "minimum_pre_commit_version"}
        hooks.append({**mine, "entry": entry, "language": "system"})
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    environment = {
        **kept,
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
    }
    made = Repository(folder, environment)
    made.git("init", "-q", "-b", "main")
    (folder / "nets" / "fine.net.yaml").write_text(FINE, encoding="utf-8")
    (folder / "other.yaml").write_text("a: [", encoding="utf-8")
    return made


@needs_pre_commit
def test_a_network_that_fits_passes(repository: Repository) -> None:
    code, out = repository.run("shapecheck")
    assert code == 0, out
    assert re.search(r"^shapecheck\.+Passed$", out, re.MULTILINE)


@needs_pre_commit
def test_a_network_that_does_not_fit_stops_a_commit(repository: Repository) -> None:
    (repository.folder / "nets" / "wrong.net.yml").write_text(WRONG, encoding="utf-8")
    code, out = repository.run("shapecheck")
    assert code == 1
    assert "nets/wrong.net.yml:4:" in out
    # Both files in one run: there is one summary.
    assert out.count("in 2 files.") == 1
    assert "other.yaml" not in out


@needs_pre_commit
def test_fixes_are_written_and_stop_the_commit_once(repository: Repository) -> None:
    path = repository.folder / "nets" / "misspelt.net.yaml"
    path.write_text(MISSPELT, encoding="utf-8")
    code, out = repository.run("shapecheck-fix")
    assert code == 1
    assert "files were modified by this hook" in out
    assert path.read_text(encoding="utf-8") == FINE
    assert repository.run("shapecheck-fix")[0] == 0


@needs_pre_commit
@pytest.mark.slow
def test_proofs_wait_for_a_push(repository: Repository) -> None:
    code, out = repository.run("shapecheck-verify", "--hook-stage", "pre-push", "--verbose")
    assert code == 0, out
    assert "proved" in out
    code, out = repository.run()
    assert code == 0, out
    assert "verify" not in out
