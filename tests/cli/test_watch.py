"""--watch tells of every file that is changed, made or removed, and of changed settings, and of nothing else."""

from __future__ import annotations

import os
import pty
import queue
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import BROKEN, FINE, environment, here, process
from waiting import PATIENCE

from shapecheck.cli import watch

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the interrupt of a terminal is another elsewhere")

WARNS = FINE.replace("width: 4", "width: 4, unused: 1")


def put(path: Path, text: str, time: float | None = None) -> None:
    """Write a file whole, for one that is being written may be read half; as if at that time if given."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    if time is not None:
        os.utime(draft, (time, time))
    draft.replace(path)


class Watched:
    """A watching process, what it has printed, and the folder that it watches."""

    def __init__(self, running: subprocess.Popen[bytes], folder: Path) -> None:
        self.running = running
        self.folder = folder
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.running.stdout is not None
        for line in self.running.stdout:
            self.lines.put(line.decode().rstrip("\n"))
        self.lines.put(None)

    def until(self, end: str) -> list[str]:
        """The lines that are printed next, up to one that contains ``end``."""
        found: list[str] = []
        while not found or end not in found[-1]:
            line = self.lines.get(timeout=PATIENCE)
            assert line is not None, f"it ended; it had said {found}"
            found.append(line)
        return found

    def told(self) -> list[str]:
        """What is told next, to its last line."""
        return self.until("Ctrl-C ends")

    def nothing_but(self, name: str) -> None:
        """What is told next is of a file that is made now, and not of what was done before."""
        put(self.folder / name, FINE)
        assert self.told()[0].endswith(f" nets/{name}")
        assert self.lines.empty()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    folder = tmp_path / "nets"
    folder.mkdir()
    put(folder / "a.net.yaml", FINE)
    put(folder / "b.net.yaml", BROKEN)
    arguments = ["check", "nets", "--watch", "--output-format", "concise", "--ignore", "SC504", "--cache-dir", "cache"]
    with process(*arguments, cwd=tmp_path, stderr=subprocess.STDOUT) as running:
        yield Watched(running, folder)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 130


def test_it_tells_of_files_that_change_come_and_go(watched: Watched) -> None:
    a, b, c = (watched.folder / f"{name}.net.yaml" for name in "abc")
    broken = "nets/{}.net.yaml:7:60: SC204 [error]"
    first = watched.told()
    assert first[0].startswith(broken.format("b"))
    assert first[1:] == ["Found 1 error in 2 files.", "watching 2 files; Ctrl-C ends"]
    put(a, BROKEN)
    told = watched.told()
    assert told[0].endswith(" nets/a.net.yaml")
    assert told[1].startswith(broken.format("a"))
    assert told[2:] == ["Found 2 errors in 2 files.", "watching 2 files; Ctrl-C ends"]
    put(b, FINE)
    assert watched.told()[1:-1] == ["Found 1 error in 2 files."]
    put(c, BROKEN)
    told = watched.told()
    assert told[1].startswith(broken.format("c"))
    assert told[-2] == "Found 2 errors in 3 files."
    a.unlink()
    told = watched.told()
    assert told[0].endswith(" nets/a.net.yaml is gone")
    assert told[1:-1] == ["Found 1 error in 2 files."]
    c.unlink()
    assert watched.told()[-2] == "All shapes fit: 1 file, 2 layers."


def test_a_file_that_is_written_as_it_was_is_not_told_of(watched: Watched) -> None:
    watched.told()
    path = watched.folder / "b.net.yaml"
    put(path, BROKEN)
    os.utime(path)
    put(watched.folder / "notes.txt", "nothing")
    watched.nothing_but("c.net.yaml")


def test_the_same_size_and_time_hide_no_change_that_follows_at_once(watched: Watched) -> None:
    watched.told()
    path = watched.folder / "a.net.yaml"
    # Of a file that was written long ago the watch takes the time at its word. This one seems to be of tomorrow, so
    # that "at once" does not depend on how busy the machine is.
    put(path, FINE.replace("fine", "fire"), time=int(time.time()) + 86_400)
    watched.told()
    put(path, FINE.replace("fine", "wine"), time=path.stat().st_mtime)
    assert watched.told()[0].endswith(" nets/a.net.yaml")


def test_settings_that_change_come_and_break_count_for_every_file(watched: Watched) -> None:
    watched.told()
    settings = watched.folder / "shapecheck.toml"
    put(settings, '[severity]\nSC204 = "warning"\n')
    assert watched.told()[-2] == "Found 1 warning in 2 files."
    put(settings, "wrong = 1\n")
    (said,) = watched.until("shapecheck.toml")
    assert "unknown setting wrong" in said
    put(watched.folder / "a.net.yaml", BROKEN)
    time.sleep(2 * watch.PAUSE)  # so that it may look, which is to tell nothing
    put(settings, 'ignore = ["SC204"]\n')
    assert watched.told()[-2] == "No error is shown, but 2 of 2 files have errors that are ignored or not selected."
    settings.unlink()
    assert watched.told()[-2] == "Found 2 errors in 2 files."


def test_a_baseline_that_changes_counts_for_every_file(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    put(tmp_path / "nets" / "b.net.yaml", BROKEN)
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert here("check", "nets", "--watch", "--baseline", "known.json").code == 2
        assert here("check", "nets", "--baseline", "known.json", "--write-baseline").code == 0
    finally:
        os.chdir(before)
    arguments = ["check", "nets", "--watch", "--baseline", "known.json"]
    with process(*arguments, cwd=tmp_path, stderr=subprocess.STDOUT) as running:
        watched = Watched(running, tmp_path / "nets")
        told = watched.told()
        assert told[-2:] == ["3 findings of the baseline not shown", "watching 1 file; Ctrl-C ends"]
        put(tmp_path / "known.json", '{"version": 1, "findings": []}')
        assert watched.told()[-2] == "Found 1 error, 2 notes in 1 file."


def test_what_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "a.net.yaml", FINE)
    for arguments, said in (
        (["-"], "standard input"),
        ([str(tmp_path), "--output-format", "json"], "text or concise"),
        ([str(tmp_path), "--fix"], "does not go with --fix"),
        ([str(tmp_path), "--statistics"], "--statistics"),
        ([str(tmp_path / "a.net.yaml"), "--set", "Q=3"], "no param or dimension is called Q"),
        ([str(tmp_path / "a.net.yaml"), "--select", "Q"], "no rule is called Q"),
    ):
        result = here("check", "--watch", *arguments)
        assert result.code == 2
        assert said in result.err
    (tmp_path / "empty").mkdir()
    assert "no .net.yaml file in" in here("check", "--watch", str(tmp_path / "empty")).err


def test_a_terminal_is_cleared_before_each_telling(tmp_path: Path) -> None:
    path = tmp_path / "a.net.yaml"
    put(path, WARNS)
    main, other = pty.openpty()
    options = {"stdin": other, "stdout": other, "stderr": other, "env": environment(TERM="xterm", NO_COLOR="")}
    seen = b""

    def until(end: bytes, count: int) -> None:
        nonlocal seen
        while seen.count(end) < count:
            assert select.select([main], [], [], PATIENCE)[0], seen
            seen += os.read(main, 4096)

    with process("check", str(path), "--watch", **options) as running:
        os.close(other)
        until(b"Ctrl-C ends", 1)
        put(path, WARNS.replace("unused", "idle"))
        until(b"Ctrl-C ends", 2)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 130
    os.close(main)
    first, second = seen.split(b"\x1b[2J")[1:]
    assert b"the param unused" in first and b"\x1b[1;33m" in first
    assert b"the param idle" in second and b"the param unused" not in second
