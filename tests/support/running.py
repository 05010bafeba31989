"""Running the command line, in this process or in one of its own, and files to run it on."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from paths import ROOT
from waiting import PATIENCE, interruptible

from shapecheck.cli import main

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
MENDABLE = FINE.replace("op: relu}", "op: relu}  # shapecheck: ignore[SC401]")


class Result(NamedTuple):
    """How a run ended, and what it printed."""

    code: int
    out: str
    err: str


def here(*arguments: str, stdin: bytes = b"") -> Result:
    """Run the command line in this process, which has the rules loaded."""
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["shapecheck", *arguments], io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.run()
            out.flush()
            err.flush()
    finally:
        sys.argv, sys.stdin = before
    return Result(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that finds the package."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


@contextlib.contextmanager
def process(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """``shapecheck`` in a process and a group of its own, ended if it has not."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "shapecheck", *arguments]
    with interruptible():
        started = subprocess.Popen(command, **{**pipes, "env": environment(), "start_new_session": True, **options})
    with started as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def alone(*arguments: str, **options: Any) -> Result:
    """Run the command line in a process of its own to its end."""
    with process(*arguments, **options) as running:
        out, err = running.communicate(timeout=PATIENCE)
    return Result(running.returncode, out.decode(), err.decode())


def entries(folder: Path) -> list[Path]:
    """The files of the answers in a cache."""
    return [path for path in (folder / "check").rglob("*") if path.is_file() and path.name != "pruned"]


def many(folder: Path, count: int) -> Path:
    """A folder of so many files, every third broken, each of which takes a few milliseconds."""
    folder.mkdir()
    text = (ROOT / "examples" / "resnet50.net.yaml").read_text()
    for at in range(count):
        content = text.replace("kernel_size: 7", "kernel_size: 700") if at % 3 == 0 else text
        (folder / f"net{at:03}.net.yaml").write_text(f"{content}# {at}\n")
    return folder
