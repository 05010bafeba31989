"""What is found in the cache is what would be found without it, whatever changed and whatever went wrong before."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from amounts import examples
from hypothesis import given
from hypothesis import strategies as st
from running import BROKEN, FINE, MENDABLE, ROOT, Result, alone, entries, environment, here, many, process
from waiting import PATIENCE, wait_for

from shapecheck import config
from shapecheck.cache import answers
from shapecheck.cache.codec import of_line, to_line
from shapecheck.cache.store import Store
from shapecheck.findings.catalogue import RULES, Phase, Severity
from shapecheck.findings.checked import Settings
from shapecheck.findings.limits import Limits
from shapecheck.findings.selection import Selection
from shapecheck.output import FORMATS


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    """Some networks of the snapshots and every broken example, and files that are none."""
    folder = tmp_path / "nets"
    for source in (ROOT / "tests" / "networks", ROOT / "examples" / "broken"):
        (folder / source.name).mkdir(parents=True)
        for path in sorted(source.glob("*.net.yaml"))[:: 8 if source.name == "networks" else 3]:
            shutil.copy(path, folder / source.name)
    (folder / "bytes.net.yaml").write_bytes(b"shapecheck: 1\nname: \xff\n")
    (folder / "none.net.yaml").write_bytes(b"")
    (folder / "mark.net.yaml").write_bytes(b"\xef\xbb\xbf" + MENDABLE.replace("\n", "\r\n").encode())
    return folder


def test_every_format_is_the_same_from_the_cache(nets: Path, tmp_path: Path) -> None:
    kept = ["--cache-dir", str(tmp_path / "cache")]
    cold = {name: here("check", str(nets), "--no-cache", "--output-format", name) for name in FORMATS}
    first = here("check", str(nets), *kept)
    assert first == cold["text"]
    known = entries(tmp_path / "cache")
    assert len(known) == len(list(nets.rglob("*.net.yaml"))) - 1  # bytes that are no text are read each time
    for name in FORMATS:
        assert here("check", str(nets), *kept, "--output-format", name) == cold[name]
    assert here("check", str(nets), *kept, "--statistics") == here("check", str(nets), "--no-cache", "--statistics")
    assert sorted(entries(tmp_path / "cache")) == sorted(known), "nothing was worked out anew"


def test_a_second_run_reads_and_hashes_and_no_more(nets: Path, tmp_path: Path) -> None:
    (nets / "bytes.net.yaml").unlink()
    (nets / "shapecheck.toml").write_text('extend-select = ["ALL"]\n[severity]\nSC4 = "info"\n')
    arguments = ["check", str(nets), "--cache-dir", str(tmp_path / "cache"), "--ignore", "SC801"]
    first = here(*arguments)
    code = (
        f"import sys; sys.argv = ['shapecheck', *{arguments!r}]\n"
        "from shapecheck.cli.main import run\n"
        "code = run(); print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    again = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (first.code, first.out)
    loaded = set(again.stderr.splitlines()[-1].split())
    assert "shapecheck.cache.answers" in loaded
    ours = {name for name in loaded if name.startswith("shapecheck.")}
    heavy = (
        "pipeline",
        "layers",
        "rules",
        "analysis",
        "arithmetic.symbolic",
        "findings.fixes",
        "findings.suppressions",
        "cli.workers",
    )
    assert not [name for name in ours if name.removeprefix("shapecheck.").startswith(heavy)]
    assert {name for name in ours if name.startswith("shapecheck.language.")} <= {
        "shapecheck.findings.limits",
        "shapecheck.language.source",
    }
    others = {"yaml", "networkx", "numpy", "jax", "rich", "difflib", "tomllib", "multiprocessing"}
    assert not loaded & others


def test_the_cache_is_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.net.yaml"
    path.write_text(FINE)
    monkeypatch.setenv("SHAPECHECK_CACHE_DIR", str(tmp_path / "system"))
    assert here("check", str(path), "--no-cache").code == 0
    monkeypatch.setenv("SHAPECHECK_NO_CACHE", "1")
    assert here("check", str(path)).code == 0
    assert not (tmp_path / "system").exists()
    monkeypatch.delenv("SHAPECHECK_NO_CACHE")
    assert here("check", str(path), "--cache-dir", str(tmp_path / "here")).code == 0
    assert not (tmp_path / "system").exists()
    assert len(entries(tmp_path / "here")) == 1
    assert here("check", str(path)).code == 0
    assert len(entries(tmp_path / "system")) == 1


def test_without_a_place_for_a_cache_check_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.net.yaml"
    path.write_text(BROKEN)
    plain = here("check", str(path), "--no-cache")
    (tmp_path / "file").write_text("")
    assert here("check", str(path), "--cache-dir", str(tmp_path / "file" / "below")) == plain
    monkeypatch.delenv("SHAPECHECK_CACHE_DIR")

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("shapecheck.cli.options.default_folder", homeless)
    assert here("check", str(path)) == plain


TEXTS = [FINE, BROKEN, MENDABLE, FINE.replace("H: 8", "H: 9"), "layers: [", FINE + "# shapecheck: file-ignore[SC103]\n"]
CONFIGURATIONS = [
    None,
    'select = ["SC2"]',
    'ignore = ["SC1", "kernel-exceeds-input"]',
    'ignore = ["SC99999"]',
    '[severity]\nSC1 = "error"',
    '[severity]\nSC2 = "info"',
    '[per-file-ignores]\n"one*" = ["SC2", "SC1"]',
    '[per-file-ignores]\n"nets/two*" = ["SC2"]\n[limits]\nlayers = 1',
    "[limits]\nnesting = 2",
    "limits = 3",
]
VALUES: list[list[str]] = [[], ["--set", "width=5"], ["--set", "H=3"], ["--set", "H=0"], ["--set", "widht=5"]]
WORDS: list[list[str]] = [
    [],
    ["--select", "SC1"],
    ["--ignore", "SC204,SC1"],
    ["--extend-select", "ALL"],
    ["--select", "x"],
]
CHANGES = st.one_of(
    st.tuples(st.sampled_from(["nets/one.net.yaml", "nets/two.net.yaml"]), st.sampled_from(TEXTS)),
    st.tuples(st.sampled_from(["shapecheck.toml", "nets/shapecheck.toml"]), st.sampled_from(CONFIGURATIONS)),
)


@examples(40)
@given(
    st.lists(
        st.tuples(CHANGES, st.sampled_from(VALUES), st.sampled_from(WORDS), st.booleans()), min_size=4, max_size=12
    )
)
def test_no_change_of_anything_brings_an_old_answer(
    steps: list[tuple[tuple[str, str | None], list[str], list[str], bool]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nets").mkdir()
        for path in ("one.net.yaml", "two.net.yaml"):
            (folder / "nets" / path).write_text(FINE)
        before = Path.cwd()
        os.chdir(folder)
        try:
            for (changed, text), values, words, inside in steps:
                if text is None:
                    Path(changed).unlink(missing_ok=True)
                else:
                    Path(changed).write_text(text)
                given = ["check", "nets/one.net.yaml" if inside else ".", *values, *words]
                plain = here(*given, "--no-cache")
                assert here(*given, "--cache-dir", "kept") == plain
                assert here(*given, "--cache-dir", "kept") == plain
        finally:
            os.chdir(before)


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "b.net.yaml"},
        {"values": {"H": 4}},
        {"values": {"H": 3.0}},
        {"values": {"T": 3}},
        {"limits": Limits(layers=7)},
        {"selection": Selection(select=())},
        {"selection": Selection(extend_select=("SC4",))},
        {"selection": Selection(ignore=("SC4",))},
        {"selection": Selection(severity={"SC4": Severity.INFO})},
    ],
)
def test_settings_say_all_that_is_asked(changed: dict[str, Any]) -> None:
    settings = Settings("a.net.yaml", {"H": 3}, Limits(), Selection())
    other = settings._replace(**changed)
    assert of_line(Settings, to_line(settings)) == settings
    assert of_line(Settings, to_line(other)) == other
    assert to_line(settings) != to_line(other)


def test_two_orders_of_severities_are_two_settings() -> None:
    # Of two words alike the first decides.
    pairs = [("SC4", Severity.INFO), ("sc4", Severity.ERROR)]
    one, other = (Settings("a", {}, Limits(), Selection(severity=dict(p))) for p in (pairs, pairs[::-1]))
    assert to_line(one) != to_line(other)


def test_a_configuration_from_the_cache_is_that_of_the_file(tmp_path: Path) -> None:
    text = """
        select = ["SC2", "unused-param"]
        extend-select = ["ALL"]
        ignore = []
        baseline = "known.json"
        [severity]
        SC2 = "info"
        [per-file-ignores]
        "a/*" = ["SC204", "SC1"]
        [limits]
        layers = 7
        """
    for name in ("a", "b"):
        path = tmp_path / name / "shapecheck.toml"
        path.parent.mkdir()
        path.write_text(text)
        for _ in range(2):
            assert answers.Cache(tmp_path / "c").configuration(path) == config.load(path)
    assert len([p for p in (tmp_path / "c" / "configuration").rglob("*") if p.is_file()]) == 2


def test_values_are_refused_as_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "a.net.yaml").write_text(FINE)
    (tmp_path / "b.net.yaml").write_text(FINE.replace("H", "T"))
    kept = ["check", str(tmp_path), "--cache-dir", str(tmp_path / "cache")]
    for arguments, said in (
        (["--set", "Q=3"], "no param or dimension is called Q"),
        (["--set", "H=0"], "the size of dimension H is a whole number of at least 1, found 0"),
        (["--select", "nonsense"], "no rule is called nonsense"),
    ):
        plain = here("check", str(tmp_path), "--no-cache", *arguments)
        assert plain.code == 2
        assert said in plain.err
        assert here(*kept, *arguments) == here(*kept, *arguments) == plain
    assert here(*kept, "--set", "H=9", "--set", "T=10").code == 0
    assert here(*kept, "--set", "H=9", "--set", "T=10").code == 0


def test_fixes_from_the_cache_do_what_they_do_without(tmp_path: Path) -> None:
    kept = ["--cache-dir", str(tmp_path / "cache")]
    path = tmp_path / "a.net.yaml"
    path.write_text(MENDABLE)
    diff = here("check", str(path), "--no-cache", "--diff")
    assert diff.code == 1
    assert "-  - {name: b, op: relu}  # shapecheck: ignore[SC401]" in diff.out
    here("check", str(path), *kept)
    assert here("check", str(path), *kept, "--diff") == diff
    stdin = ["check", "-", "--stdin-filename", str(path), "--fix"]
    plain = here(*stdin, "--no-cache", stdin=MENDABLE.encode())
    assert here(*stdin, *kept, stdin=MENDABLE.encode()) == plain
    fixed = here("check", str(path), *kept, "--fix")
    assert path.read_text() == plain.out
    assert fixed.out == here("check", str(path), "--no-cache").out == here("check", str(path), *kept).out


def test_a_baseline_leaves_out_what_comes_from_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "a.net.yaml"
    path.write_text(BROKEN)
    arguments = ["check", str(path), "--cache-dir", str(tmp_path / "c"), "--baseline", str(tmp_path / "known.json")]
    here("check", str(path), "--cache-dir", str(tmp_path / "c"))
    assert here(*arguments, "--write-baseline").code == 0
    for _ in range(2):
        found = here(*arguments)
        assert found.code == 0
        assert "of the baseline not shown" in found.err


def whole(body: bytes) -> bytes:
    """The file of a store for a body that is none of ours."""
    return hashlib.sha256(body).digest() + body


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, None, *map(whole, (b"", b"7", b"[1, 2]", b'[1, [], [{"a": 1}]]'))])
def test_a_damaged_answer_is_found_anew(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "a.net.yaml"
    path.write_text(BROKEN)
    kept = ["check", str(path), "--cache-dir", str(tmp_path / "c")]
    plain = here(*kept)
    (entry,) = entries(tmp_path / "c")
    good = entry.read_bytes()
    entry.write_bytes(good[: len(good) // 2] if damage is None else damage)
    assert here(*kept) == plain
    assert entry.read_bytes() == good


def test_a_changed_program_has_no_old_answers(tmp_path: Path) -> None:
    package = tmp_path / "program" / "shapecheck"
    shutil.copytree(ROOT / "shapecheck", package, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "a.net.yaml"
    path.write_text(BROKEN)
    places = {"env": {**environment(), "PYTHONPATH": str(package.parent)}, "cwd": tmp_path}
    arguments = ["check", str(path), "--cache-dir", str(tmp_path / "c")]
    first = alone(*arguments, **places)
    assert alone(*arguments, **places) == first
    assert len(entries(tmp_path / "c")) == 1
    source = package / "text.py"
    source.write_text(source.read_text() + "\n# another program\n")
    assert alone(*arguments, **places) == first
    assert len(entries(tmp_path / "c")) == 2


def test_the_program_is_known_by_all_its_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "shapecheck", tmp_path / "shapecheck", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(answers, "__file__", str(tmp_path / "shapecheck" / "cache" / "answers.py"))
    seen = {answers.program.__wrapped__()}
    sources = sorted((tmp_path / "shapecheck").rglob("*.py"))
    for source in sources[:: len(sources) // 20]:
        os.utime(source, (0, 0))
        seen.add(answers.program.__wrapped__())
    (tmp_path / "shapecheck" / "new.py").write_text("")
    seen.add(answers.program.__wrapped__())
    assert len(seen) == 2 + len(sources[:: len(sources) // 20])


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_leaves_what_it_had_found(tmp_path: Path, jobs: str) -> None:
    nets, folder = many(tmp_path / "nets", 40), tmp_path / "cache"
    arguments = ["check", str(nets), "--cache-dir", str(folder), "--jobs", jobs]
    with process(*arguments) as running:
        wait_for(lambda: len(entries(folder)) >= 5 or running.poll() is not None)
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait(PATIENCE) == -signal.SIGKILL
    known = {path for path in entries(folder) if path.suffix != ".tmp"}
    assert 5 <= len(known) < 40
    before = {path: path.stat().st_ino for path in known}
    plain = here("check", str(nets), "--no-cache")
    assert here(*arguments[:-2]) == plain
    assert {path: path.stat().st_ino for path in known} == before, "what was found before was not found again"
    assert here(*arguments[:-2]) == plain


def test_two_runs_at_once_leave_a_cache_in_order(tmp_path: Path) -> None:
    nets, folder = many(tmp_path / "nets", 40), tmp_path / "cache"
    arguments = ["check", str(nets), "--cache-dir", str(folder), "--jobs", "1"]
    with process(*arguments) as one, process(*arguments) as other:
        outs = [running.communicate(timeout=PATIENCE) for running in (one, other)]
    plain = here("check", str(nets), "--no-cache")
    for (out, err), running in zip(outs, (one, other), strict=True):
        assert Result(running.returncode, out.decode(), err.decode()) == plain
    assert len(entries(folder)) == 40
    assert here(*arguments) == plain


def test_a_run_forgets_what_nobody_asked_for_in_a_month(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.net.yaml", tmp_path / "cache"
    path.write_text(FINE)
    arguments = ["check", str(path), "--cache-dir", str(folder)]
    here(*arguments)
    (old,) = entries(folder)
    os.utime(old, (0, 0))
    (folder / "check" / "pruned").unlink()
    path.write_text(BROKEN)
    here(*arguments)
    assert not old.exists()
    assert len(entries(folder)) == 1


@pytest.mark.slow
def test_a_warm_run_takes_a_small_part_of_a_cold_one(tmp_path: Path) -> None:
    from many_files import change_one, compiled, generate, run

    generate(tmp_path / "nets", 100)
    arguments = [str(tmp_path / "nets"), "--cache-dir", str(tmp_path / "cache"), "--jobs", "1"]
    with compiled() as environment:
        run(environment, str(ROOT / "examples" / "lenet5.net.yaml"), "--no-cache")  # so that no other has to compile
        cold, warm = run(environment, *arguments), run(environment, *arguments)
        change_one(tmp_path / "nets")
        changed = run(environment, *arguments)
    assert warm.out == cold.out
    assert warm.cpu < cold.cpu / 4
    assert changed.cpu < cold.cpu / 2


def test_what_is_kept_is_json(tmp_path: Path) -> None:
    path = tmp_path / "a.net.yaml"
    path.write_text(BROKEN)
    here("check", str(path), "--cache-dir", str(tmp_path / "c"))
    (entry,) = entries(tmp_path / "c")
    body = Store(tmp_path / "c", "check").get(entry.parent.name + entry.name)
    assert body is not None
    layers, names, reached, unclean, not_run, (note, *_, error) = json.loads(body)
    assert (layers, names) == (2, ["H", "N", "W", "width"])
    assert (reached, unclean) == (Phase.JUDGED, Phase.PROPAGATED)
    assert "unread-input" in not_run and note[0] not in not_run
    assert note[0] == "neighbour-works"
    assert RULES[error[0]].code == "SC204"
