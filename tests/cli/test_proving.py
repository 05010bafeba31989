"""verify as a command: what is kept of earlier proofs, and the process that can be stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from amounts import sampled
from paths import ROOT
from proofs_kept import FOUND, QUESTION, READY, SMALL, Clock, ask, faked
from waiting import PATIENCE, wait_for

from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.output.verification_text import sentence
from shapecheck.verification import LevelOutcome, NotChecked, Plan
from shapecheck.verification import prover as child
from shapecheck.verification import verification_cache as proofs
from shapecheck.verification.prover import Prover
from shapecheck.verification.records.partition import Partition
from shapecheck.verification.records.training_run import LostGradient, TrainingRun
from shapecheck.verification.verification_cache import VerificationCache, settled

# Hundreds of kinds of layers, each to be traced and compiled by itself: many seconds on any machine.
LARGE = "shapecheck: 1\ninputs: {x: [1, 3, 3000]}\nlayers:\n" + "".join(
    f"  - {{op: conv, out_channels: {30 + n}, kernel_size: 3}}\n" for n in range(1200)
)
# A shell that runs tests in the background has them ignore interrupts, and would pass that on.
COMMAND = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    " from shapecheck.__main__ import main; sys.exit(main())"
)
LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc to look for processes in")


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JAX_", "XLA_", "PYTHON"))}
    return {**kept, "PYTHONPATH": str(ROOT), "SHAPECHECK_CACHE_DIR": str(folder / "cache"), **more}


def start(folder: Path, *arguments: str, python: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *python, "-c", COMMAND, "verify", *arguments],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def verify(folder: Path, *arguments: str, python: tuple[str, ...] = ()) -> tuple[int, str, str]:
    child = start(folder, *arguments, python=python)
    out, err = child.communicate(timeout=PATIENCE)
    return child.returncode, out, err


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a network that was proved once."""
    folder = tmp_path_factory.mktemp("proved")
    (folder / "net.yaml").write_text(SMALL, encoding="utf-8")
    code, out, err = verify(folder, "net.yaml", "--output-format", "json")
    assert (code, err) == (0, "")
    (file,) = json.loads(out)["files"]
    assert file["verification"]["cached"] is False
    assert file["verification"]["result"] == "proved"
    return folder


def test_what_was_proved_before_takes_no_jax(proved: Path) -> None:
    code, out, err = verify(proved, "net.yaml", "--output-format", "json", python=("-X", "importtime"))
    assert code == 0
    (file,) = json.loads(out)["files"]
    assert file["verification"]["cached"] is True
    assert file["verification"]["layers"]["agree"] == 2
    loaded = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    assert "shapecheck.verification.verification_cache" in loaded
    assert not loaded & {
        "jax",
        "jaxlib",
        "numpy",
        "shapecheck.verification.crosscheck",
        "subprocess",
        "shapecheck.verification.child_process",
    }
    assert "(as found before)" in verify(proved, "net.yaml")[1]


def test_another_name_or_place_is_the_same_network(proved: Path, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(SMALL, encoding="utf-8")
    folder = str(proved / "cache")
    assert "(as found before)" in verify(tmp_path, "other.yaml", "--cache-dir", folder)[1]
    assert "(as found before)" not in verify(tmp_path, "other.yaml", "--no-cache", "--level", "trace")[1]
    assert not (tmp_path / "cache" / "verify").exists()


def test_a_broken_entry_is_found_anew(proved: Path) -> None:
    entries = [path for path in (proved / "cache" / "verify").rglob("*") if len(path.name) > 40]
    assert entries
    modules = list((proved / "cache" / "xla").rglob("*-cache"))
    assert modules
    for path in (*entries, *modules):
        path.write_bytes(path.read_bytes()[:-7])
    code, out, err = verify(proved, "net.yaml")
    assert (code, err) == (0, "")
    assert "proved" in out
    assert "(as found before)" not in out
    assert "(as found before)" in verify(proved, "net.yaml")[1]


def test_an_outcome_survives_the_way_to_disk(tmp_path: Path) -> None:
    kept = VerificationCache(tmp_path)
    key = kept.key(QUESTION, SMALL, Plan())
    assert kept.get(key) is None
    kept.put(key, FOUND)
    assert VerificationCache(tmp_path).get(key) == FOUND._replace(cached=True)


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b"\xff", b'{"level": "compile"}', b"[1"])
def test_what_is_no_outcome_counts_as_none(tmp_path: Path, data: bytes) -> None:
    kept = VerificationCache(tmp_path)
    key = kept.key(QUESTION, SMALL, Plan())
    kept._store.put(key, data)
    assert kept.get(key) is None


def keys(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    """Yield the key of one question, and then of every one that is to be told from it."""
    kept = VerificationCache(folder)
    yield kept.key(QUESTION, SMALL, Plan())
    yield kept.key(QUESTION, SMALL + " ", Plan())
    yield kept.key(QUESTION._replace(values={"N": 3}), SMALL, Plan())
    yield kept.key(QUESTION._replace(limits=DEFAULT_LIMITS._replace(layers=3)), SMALL, Plan())
    for plan in (Plan("run"), Plan(device="cpu"), Plan(batch=3), Plan(mesh=(("data", 2),)), Plan(dtype="float16")):
        yield kept.key(QUESTION, SMALL, plan)

    def changed(module: Any, name: str, make: Callable[..., Any]) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, make)
            proofs.environment.cache_clear()
            return kept.key(QUESTION, SMALL, Plan())

    for name in ("JAX_PLATFORMS", "XLA_FLAGS", "CUDA_VISIBLE_DEVICES"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "something")
            proofs.environment.cache_clear()
            yield kept.key(QUESTION, SMALL, Plan())
    yield changed(proofs, "_installed", lambda path: ["jax-99.dist-info"])
    yield changed(proofs, "_processor", lambda: "abacus")
    yield changed(proofs, "_content", lambda path: "NVRM version: 1")
    yield changed(proofs, "program", lambda: "another version of ours")
    proofs.environment.cache_clear()


def test_whatever_an_outcome_depends_on_is_in_its_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = list(keys(monkeypatch, tmp_path))
    assert len(set(found)) == len(found) == 16
    kept = VerificationCache(tmp_path)
    assert kept.key(QUESTION, SMALL, Plan()) == found[0]
    assert kept.key(QUESTION._replace(path="elsewhere"), SMALL, Plan()) == found[0]
    for name in ("TF_CPP_MIN_LOG_LEVEL", "HOME"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "2")
            proofs.environment.cache_clear()
            assert kept.key(QUESTION, SMALL, Plan()) == found[0]
    proofs.environment.cache_clear()


def test_the_installed_jax_is_part_of_the_environment() -> None:
    names = [name for folder in sys.path for name in proofs._installed(folder)]
    assert any(name.startswith("jax-") for name in names)
    assert any(name.startswith("jaxlib-") for name in names)


def test_only_what_will_be_found_again_is_kept(tmp_path: Path) -> None:
    ended = FOUND._replace(result="not_checked", not_checked=(NotChecked(None, "it took longer than 3 s"),))
    run = TrainingRun(4, 2, 2, None, (LostGradient(("a.kernel",), ("a",), True, True),), (), False)
    late = FOUND._replace(result="refuted", levels=(LevelOutcome("run", "not_checked", 1.0, "a run"),))
    mesh = FOUND._replace(mesh=Partition({"data": 2}, "compile", "not_checked", "too few devices"))
    assert settled(FOUND) and settled(FOUND._replace(result="refuted", run=run))
    kept = VerificationCache(tmp_path)
    for found in (ended, late, mesh, FOUND._replace(stopped="it took longer than 3 s")):
        assert not settled(found)
        kept.put("ab" * 32, found)
        assert kept.get("ab" * 32) is None


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    code = READY + "print(json.dumps(['progress', [1, 2, 'compile 7 layers']]), flush=True)\ntime.sleep(600)"
    with monkeypatch.context() as patch, faked(code, 1_000) as made:
        found = made.prove(QUESTION, SMALL, Plan(), Clock(patch, "compile").tell)
        assert found.result == "not_checked"
        assert sentence(found) == "not checked: it took longer than 1000 s and was stopped, in: compile 7 layers"
        assert made._process is None


def test_progress_and_the_outcome_arrive_and_one_process_serves_many() -> None:
    code = READY + (
        "from shapecheck.cache.codec import encode\n"
        "from shapecheck.verification import Plan, Verification\n"
        "while line:\n"
        "    said = json.loads(line)\n"
        "    print(json.dumps(['progress', [1, 2, 'half']]), flush=True)\n"
        "    found = Verification('trace', str(os.getpid()), 'proved', len(said['text']), (), (), {}, 0.0)\n"
        "    print(json.dumps(['found', encode(found)]), flush=True)\n"
        "    line = sys.stdin.readline()\n"
    )
    with faked(f"import sys; sys.path[:] = {sys.path!r}\n" + code) as made:
        (first, calls), (second, _) = ask(made), ask(made)
    assert first == second
    assert first.agree == len(SMALL)
    assert calls == [(0, 1, "the start of JAX"), (1, 2, "half")]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (
            "os.kill(os.getpid(), 9)",
            "(signal 9, as the system ends a process when memory runs out) in: the check of the file",
        ),
        ("os.abort()", "(signal 6) in: the check of the file"),
        (
            "sys.stderr.write('noise\\nF0000 Check failed: no\\n'); sys.exit(3)",
            "(exit code 3) in: the check of the file; it said: F0000 Check failed: no",
        ),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_dies_is_told_of_and_the_next_file_gets_another(end: str, told: str) -> None:
    with faked(READY + end) as made:
        for _ in range(2):
            found, _ = ask(made)
            assert sentence(found) == f"not checked: the compiler process died {told}"
        made._code = READY + "print(json.dumps(['error', 'ValueError: a bug']), flush=True)"
        with pytest.raises(RuntimeError, match="ValueError: a bug"):
            ask(made)


def test_a_process_that_cannot_be_started_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child.sys, "executable", "/nowhere/python")
    with Prover(None, 1, None) as made:
        found, _ = ask(made)
    assert sentence(found).startswith("not checked: the compiler process could not be started: ")


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return False


def busy(pid: int) -> bool:
    """Tell whether JAX is loaded in a process, which is then at work or about to be."""
    try:
        return "/jaxlib/" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


@LINUX
@pytest.mark.parametrize("number", sampled([signal.SIGINT, signal.SIGTERM, signal.SIGKILL], 3))
def test_a_signal_ends_both_processes_at_once(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text(LARGE, encoding="utf-8")
    parent = start(tmp_path, "large.yaml")
    (child,) = wait_for(lambda: children(parent.pid))
    wait_for(lambda: busy(child))
    time.sleep(1)
    assert parent.poll() is None
    parent.send_signal(number)
    out, err = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == (130 if number == signal.SIGINT else -number)
    assert out == ""
    assert "Traceback" not in err
    wait_for(lambda: not alive(child))


@LINUX
def test_a_killed_child_costs_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.net.yaml").write_text(LARGE, encoding="utf-8")
    (tmp_path / "b.net.yaml").write_text(SMALL, encoding="utf-8")
    parent = start(tmp_path, ".", "--output-format", "json", "--level", "lower")
    (child,) = wait_for(lambda: children(parent.pid))
    wait_for(lambda: busy(child))
    os.kill(child, signal.SIGKILL)
    out, err = parent.communicate(timeout=PATIENCE)
    first, second = (file["verification"] for file in json.loads(out)["files"])
    assert (parent.returncode, err) == (1, "")
    assert (first["result"], second["result"]) == ("not_checked", "proved")
    assert "died (signal 9" in first["not_checked"][0]["reason"]


def test_a_file_that_takes_too_long_does_not_hold_up_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.net.yaml").write_text(LARGE, encoding="utf-8")
    (tmp_path / "b.net.yaml").write_text(SMALL.replace("conv", "convolution"), encoding="utf-8")
    code, out, err = verify(tmp_path, ".", "--timeout", "0.2", "--output-format", "json")
    first, second = (file["verification"] for file in json.loads(out)["files"])
    assert (code, err) == (1, "")
    assert first["not_checked"][0]["reason"].startswith("it took longer than 0.2 s and was stopped, in: ")
    assert second["not_checked"][0]["reason"] == "the file has mistakes that leave no network to build"
    assert verify(tmp_path, "a.net.yaml", "--timeout", "0")[0] == 2


def test_a_file_with_mistakes_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.yaml").write_text("shapecheck: 1\ninputs: {x: [1\n", encoding="utf-8")
    code, out, err = verify(tmp_path, "net.yaml", python=("-X", "importtime"))
    assert code == 1
    assert "not checked: the file could not be read" in out
    assert "subprocess\n" not in err
