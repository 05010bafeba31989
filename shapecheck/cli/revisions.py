"""Files as they were in a git revision. Only git's own objects are read; nothing is checked out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from shapecheck.findings.finding import Finding
from shapecheck.findings.limits import Limits
from shapecheck.language.source import FILE_START, decode

SECONDS = 60


class Revision:
    """A commit of the repository that a folder is in."""

    def __init__(self, name: str, folder: Path) -> None:
        """Look up ``name``. Raises click.ClickException where there is no git, no repository or no such commit."""
        self.name = name
        self.folder = folder
        if not name or name.startswith("-") or any(c.isspace() or not c.isprintable() for c in name):
            raise click.UsageError(f"{name!r} is no git revision")
        found = _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found is None:
            _require_repository(folder)
            raise click.UsageError(
                f"git knows no revision {name} here; in CI it may have to be fetched first (actions/checkout: "
                "fetch-depth: 0)"
            )
        self.commit = found.decode().strip()

    def text(self, path: str, limits: Limits) -> str | Finding:
        """Return the text of a file, or the finding that says why there is none.

        ``path`` counts from the top of the repository, or, where it begins with ``./`` or ``../``, from the folder.
        """
        # The commit is a hash by now, so no path can be taken for an option or another revision.
        blob = _git(self.folder, "rev-parse", "--verify", "--quiet", f"{self.commit}:{path}")
        if blob is None:
            return _unreadable(f"there is no {path} in revision {self.name}", self._hint(path))
        name = blob.decode().strip()
        kind = _git(self.folder, "cat-file", "-t", name)
        if kind is None or kind.strip() != b"blob":
            return _unreadable(f"{path or 'the top of the repository'} is no file in revision {self.name}", None)
        size = _git(self.folder, "cat-file", "-s", name)
        if size is not None and int(size) > limits.file_bytes:
            return decode(b"\n" * (limits.file_bytes + 1), limits)
        data = _git(self.folder, "cat-file", "blob", name)
        if data is None:
            return _unreadable(f"git cannot read {path} in revision {self.name}", None)
        if b"\n" not in data and self._is_link(path):
            told = f"name the file that it leads to: {data.decode('utf-8', 'replace')}"
            return _unreadable(f"{path} is a symbolic link in revision {self.name}", told)
        return decode(data, limits)

    def _is_link(self, path: str) -> bool:
        """Say whether git keeps a path as a link, whose text is the path that it leads to."""
        top = () if path.startswith(("./", "../")) else ("--full-tree",)
        entry = _git(self.folder, "ls-tree", *top, self.commit, "--", path)
        return entry is not None and entry.startswith(b"120000 ")

    def _hint(self, path: str) -> str | None:
        if path.startswith(("./", "../")) or not (self.folder / path).exists():
            return None
        return f"as in git, such a path counts from the top of the repository; from here it is {self.name}:./{path}"


def merge_base(left: str, right: str, folder: Path) -> str:
    """Return the commit from which two revisions parted. Raises click.ClickException."""
    ends = [Revision(name, folder) for name in (left, right)]
    found = _git(folder, "merge-base", ends[0].commit, ends[1].commit)
    if found is None:
        raise click.UsageError(f"{left} and {right} have no commit in common")
    return found.decode().strip()


def existing_folder(path: Path) -> Path:
    """Return the folder of a path, or the nearest above it that is there."""
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def _unreadable(message: str, help: str | None) -> Finding:
    return Finding.of("unreadable-file", message, FILE_START, help=help)


def _require_repository(folder: Path) -> None:
    done = _run(folder, "rev-parse", "--git-dir")
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise click.UsageError(f"git cannot be asked in {folder}: {reason[0] if reason else 'it says no reason'}")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what a git command prints, or None where it fails."""
    done = _run(folder, *arguments)
    return done.stdout if done.returncode == 0 else None


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    git = shutil.which("git")
    if git is None:
        raise click.UsageError("to read a revision takes git, which is not installed")
    try:
        return subprocess.run(
            [git, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, ValueError) as error:
        raise click.UsageError(f"git cannot be run: {error}") from None
    except subprocess.TimeoutExpired:
        raise click.UsageError(f"git gave no answer in {SECONDS} seconds") from None
