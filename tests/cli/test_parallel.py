"""Checking on several cores: the same output, and never a process that hangs or is left behind."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from amounts import sampled
from running import BROKEN, FINE, MENDABLE, alone, entries, environment, here, many, process
from waiting import PATIENCE, wait_for

from shapecheck.cache.codec import to_line
from shapecheck.cli import main, scheduler, workers
from shapecheck.cli.workers import Task, spread_out
from shapecheck.findings.checked import Settings
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.findings.selection import DEFAULT
from shapecheck.output import progress


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    """Files of every kind, their paths not in the order in which they are found."""
    folder = tmp_path / "nets"
    for at, text in enumerate(
        [FINE, BROKEN, MENDABLE, "", "layers: [", "a" * 3000, FINE.replace("name: a", "name: ä")]
    ):
        for part in ("b", "a", "B"):
            (folder / part).mkdir(parents=True, exist_ok=True)
            (folder / part / f"net{9 - at}.net.yaml").write_text(f"{text}\n# {part}\n", encoding="utf-8")
    (folder / "bytes.net.yaml").write_bytes(b"\xff")
    (folder / "a" / "shapecheck.toml").write_text('[per-file-ignores]\n"net8*" = ["SC2"]\n[severity]\nSC204 = "info"\n')
    return folder


@pytest.mark.parametrize("name", sampled(["text", "json", "sarif"], 3))
def test_more_processes_print_the_same(nets: Path, tmp_path: Path, name: str) -> None:
    missing = str(tmp_path / "missing.net.yaml")
    given = ["check", str(nets), missing, "-", "--output-format", name, "--set", "H=12", "--ignore", "SC105"]
    plain = here(*given, "--no-cache", "--jobs", "1", stdin=BROKEN.encode())
    assert plain.code == 1
    assert here(*given, "--no-cache", "--jobs", "2", stdin=BROKEN.encode()) == plain
    kept = ["--cache-dir", str(tmp_path / "cache"), "--jobs", "3"]
    assert here(*given, *kept, stdin=BROKEN.encode()) == plain
    assert len(entries(tmp_path / "cache")) == 22
    assert here(*given, *kept, stdin=BROKEN.encode()) == plain


@pytest.mark.parametrize("arguments", [["--set", "H=0"], ["--set", "nothing=1"], ["--select", "nothing"]])
def test_a_wrong_command_line_is_told_the_same(nets: Path, arguments: list[str]) -> None:
    plain = here("check", str(nets), "--no-cache", "--jobs", "1", *arguments)
    assert plain.code == 2
    assert here("check", str(nets), "--no-cache", "--jobs", "2", *arguments) == plain
    assert here("check", str(nets), "--no-cache", "--jobs", "0").code == 2


def test_the_processes_take_our_modules_not_those_of_the_folder(nets: Path, tmp_path: Path) -> None:
    for name in ("json", "yaml", "shapecheck", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("import os; os._exit(77)")
    command = "import sys; from shapecheck.cli.main import run; sys.exit(run())"
    arguments = [sys.executable, "-P", "-c", command, "check", "nets", "--no-cache", "--jobs", "2"]
    done = subprocess.run(arguments, cwd=tmp_path, env=environment(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


DIES = {
    "import sys; sys.stdin.buffer.readline(); sys.exit(3)": "exit code 3",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": "killed by signal 9",
    "import sys; sys.stdin.buffer.readline(); sys.stdout.write('[1, [], [')": "exit code 0",
}


@pytest.mark.skipif(os.name != "posix", reason="signals have other numbers elsewhere")
@pytest.mark.parametrize("code", DIES)
def test_a_process_that_dies_is_told_of(nets: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(workers, "START", code.replace("{", "{{"))
    result = here("check", str(nets), "--no-cache", "--jobs", "2")
    assert result.code == 2
    assert result.out == ""
    assert f"ended ({DIES[code]}); --jobs 1 does without" in result.err
    assert str(nets) in result.err


def test_where_no_process_can_be_started_this_one_does_it_all(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = here("check", str(nets), "--no-cache", "--jobs", "1")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert here("check", str(nets), "--no-cache", "--jobs", "2") == plain


def test_a_task_that_meets_trouble_is_handed_back_and_every_one_is_told_of() -> None:
    said: list[tuple[int, int, str]] = []
    question = Settings("a.net.yaml", {}, DEFAULT_LIMITS, DEFAULT)
    tasks = [Task("good", to_line(question), FINE.encode()), Task("bad", "{}", b"")]
    good, bad = spread_out(tasks, 2, None, lambda *told: said.append(told))
    assert good is not None and good.startswith(b"[2, ")
    assert bad is None
    assert [(done, total) for done, total, _ in said] == [(1, 2), (2, 2)]
    assert {path for _, _, path in said} == {"good", "bad"}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_terminal_shows_how_far_it_is(nets: Path, monkeypatch: pytest.MonkeyPatch, jobs: str) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "argv", ["shapecheck", "check", str(nets), "--no-cache", "--jobs", jobs])
    with contextlib.redirect_stderr(Terminal()) as shown, contextlib.redirect_stdout(io.StringIO()) as out:
        assert main.run() == 1
    assert "checking: " in shown.getvalue()
    assert "checking" not in out.getvalue()


def test_as_many_processes_as_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "cores", lambda: 4)
    assert (
        scheduler.processes([], None)
        == scheduler.processes([2_000], None)
        == scheduler.processes([2_000] * 20, None)
        == 1
    )
    assert scheduler.processes([2_000] * 2_000, None) == 4
    assert scheduler.processes([10_000_000], None) == 1
    assert scheduler.processes([10_000_000, 1_000], None) == 2
    assert scheduler.processes([2_000] * 2_000, 1) == 1
    assert scheduler.processes([10, 10], 8) == 2
    monkeypatch.setattr(scheduler, "cores", lambda: 1)
    assert scheduler.processes([2_000] * 2_000, None) == 1


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task")
    with contextlib.suppress(OSError):
        return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]
    return []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def busy(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A run with two processes that has found some answers and has many to find."""
    arguments = ["check", str(many(tmp_path / "nets", 100)), "--cache-dir", str(tmp_path / "cache"), "--jobs", "2"]
    with process(*arguments) as running:
        wait_for(lambda: len(entries(tmp_path / "cache")) >= 5 or running.poll() is not None)
        workers = children(running.pid)
        assert len(workers) == 2
        yield running, workers
    wait_for(lambda: not any(map(alive, workers)))


linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc, to find the processes")


@linux
def test_ctrl_c_ends_everything_at_once(tmp_path: Path) -> None:
    with busy(tmp_path) as (running, _):
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out, err.strip()) == (130, b"", b"")
    some = [str(path) for path in sorted((tmp_path / "nets").iterdir())[:20]]
    again = alone("check", *some, "--cache-dir", str(tmp_path / "cache"))
    assert again == here("check", *some, "--no-cache", "--jobs", "1")


@linux
def test_a_process_killed_from_outside_ends_the_run(tmp_path: Path) -> None:
    with busy(tmp_path) as (running, workers):
        os.kill(workers[0], signal.SIGKILL)
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (2, b"")
    assert b"killed by signal 9" in err


@linux
def test_processes_do_not_outlive_the_one_that_started_them(tmp_path: Path) -> None:
    with busy(tmp_path) as (running, _):
        os.kill(running.pid, signal.SIGKILL)
        running.communicate(timeout=PATIENCE)
