"""Whoever asks, a text has the same findings: command, cache, processes, Python, editor and pytest."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import random_networks
from amounts import drawn, sampled, thorough
from paths import EXAMPLES, NETWORKS
from running import here

import shapecheck
from shapecheck import config, pipeline, pytest_plugin
from shapecheck.findings import baseline, fixes
from shapecheck.findings.catalogue import Phase
from shapecheck.findings.checked import Report
from shapecheck.output.json import diagnostic
from shapecheck.server.checker import Checker
from shapecheck.server.positions import Text

PATHS = [*sorted(EXAMPLES.rglob("*.net.yaml")), *sorted(NETWORKS.glob("*.net.yaml"))]
# Slow to check, and no different.
PATHS = [path for path in PATHS if path.stat().st_size < 20_000]
SETTINGS = """
extend-select = ["SC409", "SC703"]
ignore = ["SC507", "dimension-without-size"]
[severity]
SC401 = "warning"
SC302 = "info"
[per-file-ignores]
"*3.net.yaml" = ["SC2"]
[limits]
layers = 900
"""
COMMENTS = ["SC2", "SC401", "SC4", "unused-layer", "SC208, SC301", "SC0", "ALL", "nothing"]
Findings = list[dict[str, Any]]


def command(path: Path, *more: str) -> Findings:
    given = ["check", str(path), "--output-format", "json", *(more or ("--no-cache",))]
    (file,) = json.loads(here(*given).out)["files"]
    found: Findings = file["diagnostics"]
    return found


def told(report: Report) -> Findings:
    return [diagnostic(d) for d in report.diagnostics]


def python(path: Path) -> Findings | None:
    """Return what the Python interface finds, None where it has no network to look at."""
    try:
        network = shapecheck.load(path)
    except shapecheck.NetworkError:
        return None
    return told(shapecheck.check(network))


def editor(path: Path) -> Findings:
    checker = Checker(str(path))
    settings = config.nearest(path.parent)
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    checker.check(Text("shapecheck: 1\n"), settings)
    analysis = checker.check(Text(text), settings)
    # An editor proves a fix only where it is asked for.
    return told(pipeline.offered(analysis.report))


def under_pytest(path: Path) -> Findings:
    return told(pytest_plugin._report(path, "check", str(path)))


def require_one_answer(path: Path, cache: Path) -> None:
    wanted = command(path)
    kept = ("--cache-dir", str(cache))
    ways: dict[str, Callable[[], Findings | None]] = {
        "not found before": partial(command, path, *kept),
        "found before": partial(command, path, *kept),
        "pytest": partial(under_pytest, path),
        "editor": partial(editor, path),
        "Python": partial(python, path),
    }
    for name, way in ways.items():
        found = way()
        assert found is None or found == wanted, name


def commented(text: str, rng: random.Random) -> str:
    """Add comments that keep findings quiet, needed or not."""
    lines = text.split("\n")
    for _ in range(rng.randrange(4)):
        kind, word = rng.choice(["ignore", "file-ignore"]), rng.choice(COMMENTS)
        lines[rng.randrange(len(lines))] += f"  # shapecheck: {kind}[{word}]"
    return "\n".join(lines)


def mutated(text: str, rng: random.Random) -> str:
    """Make some mistakes: a character, a number or a line is another, or is gone."""
    for _ in range(rng.randrange(4)):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        line = lines[at]
        match rng.randrange(4):
            case 0:
                del lines[at]
            case 1:
                lines[at] = "".join(str(rng.randrange(10)) if c.isdigit() and rng.random() < 0.5 else c for c in line)
            case 2:
                cut = rng.randrange(len(line) + 1)
                lines[at] = line[:cut] + line[cut + 1 :]
            case _:
                lines.insert(at, rng.choice(lines))
        text = "\n".join(lines) or "x"
    return text


def random_text(rng: random.Random) -> str:
    if rng.random() < 0.5:
        text = random_networks.network(rng)
    else:
        text = rng.choice(PATHS).read_bytes().decode("utf-8", "replace")
    return commented(mutated(text, rng), rng)


@pytest.mark.parametrize("path", sampled(PATHS, 8), ids=lambda path: path.name)
def test_every_way_finds_the_same(path: Path, tmp_path: Path) -> None:
    require_one_answer(path, tmp_path)


@drawn
@pytest.mark.parametrize("seed", range(4))
def test_every_way_finds_the_same_in_random_files_under_a_configuration(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    (tmp_path / "shapecheck.toml").write_text(SETTINGS)
    for number in range(60 if thorough() else 8):
        path = tmp_path / f"net{number}.net.yaml"
        path.write_text(random_text(rng), encoding="utf-8")
        require_one_answer(path, tmp_path / "cache")


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    rng = random.Random(7)
    (tmp_path / "shapecheck.toml").write_text(SETTINGS)
    for number in range(12):
        (tmp_path / f"net{number}.net.yaml").write_text(random_text(rng), encoding="utf-8")
    given = ["check", str(tmp_path), "--output-format", "json", "--no-cache"]
    assert here(*given, "--jobs", "2") == here(*given, "--jobs", "1")


def test_a_baseline_of_the_configuration_counts_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "shapecheck: 1\ninputs: {x: [1, 3, 8, 9]}\nlayers:\n  - {op: max_pool, kernel_size: 2}\n"
    path = tmp_path / "net.net.yaml"
    path.write_text(text + "  - {op: conv, out_channels: 3, kernel_size: 9}\n")
    (tmp_path / "shapecheck.toml").write_text('baseline = "known.json"\n')
    baseline.write(tmp_path / "known.json", [pipeline.check(path.read_text(), pipeline.Settings(str(path)))])
    assert python(path) == command(path) == under_pytest(path) == []
    path.write_text(text)
    assert [d["code"] for d in command(path)] == ["SC401"]
    assert python(path) == command(path) == under_pytest(path)


def test_a_text_has_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shapecheck.toml").write_text('ignore = ["SC401"]\n')
    text = "shapecheck: 1\ninputs: {x: [1, 3, 8, 9]}\nlayers: [{op: max_pool, kernel_size: 2}]\n"
    (tmp_path / "net.net.yaml").write_text(text)
    assert [d.code for d in shapecheck.check(shapecheck.loads(text)).diagnostics] == ["SC401"]
    assert shapecheck.check(shapecheck.load("net.net.yaml")).diagnostics == ()
    assert not shapecheck.check(shapecheck.loads(f"{text}# shapecheck: file-ignore[SC401]\n")).diagnostics


def test_a_loaded_network_keeps_its_warnings_and_is_the_one_that_is_checked() -> None:
    network = shapecheck.loads("shapecheck: 1\ninputs: {x: [1, 3]}\nparams: {w: 3}\nlayers: [{op: relu}]\n")
    report = shapecheck.check(network)
    assert [d.code for d in report.diagnostics] == ["SC105"]
    assert report.network is network
    assert report.clean(Phase.JUDGED)


# A fix changes nothing that was right.


@drawn
@pytest.mark.parametrize("seed", range(3))
def test_a_fix_leaves_what_was_right_as_it_was(seed: int) -> None:
    """Mistakes are made on some lines: what stands on the others stays, character by character, and so do shapes."""
    rng = random.Random(seed)
    rights = [p for p in PATHS if p.parent == EXAMPLES]
    done = 0
    for _ in range(200 if thorough() else 25):
        right = commented(rng.choice(rights).read_text(encoding="utf-8"), rng)
        before = pipeline.check(right, pipeline.Settings("right.net.yaml"))
        wrong, touched = mistaken(right, rng)
        report = pipeline.offered(pipeline.check(wrong, pipeline.Settings("right.net.yaml")))
        assert report.again is not None
        fixed = fixes.fix(report, report.again, unsafe=False)
        done += fixed.applied > 0
        # A comment that was needless in the right file may go.
        needless = {d.span.start.line - 1 for d in before.diagnostics if d.fix is not None}
        kept = [line for at, line in enumerate(right.split("\n")) if at not in touched | needless]
        after = iter(fixed.text.split("\n"))
        assert all(line in after for line in kept), fixed.text
        require_shapes(before, fixed.report)
    assert done


def mistaken(text: str, rng: random.Random) -> tuple[str, set[int]]:
    """Misspell keys and ops on some lines, or leave words for layers; return also which lines."""
    lines = text.split("\n")
    layers = [at for at, line in enumerate(lines) if "{" in line and "op: " in line and "#" not in line]
    touched = set(rng.sample(layers, min(len(layers), rng.randint(1, 2))))
    for at in touched:
        bare = re.match(r"( *- )\{op: (flatten|relu|global_avg_pool|dropout)\}", lines[at])
        words = [word for word in ("kernel_size", "out_channels", "padding", "stride", "op: relu") if word in lines[at]]
        if bare:
            lines[at] = f"{bare[1]}{bare[2]}"
        elif words:
            word = rng.choice(words)
            lines[at] = lines[at].replace(word, word[:-2] + word[-1], 1)
        else:
            lines[at] = lines[at].replace("op: ", "opp: ", 1)
    return "\n".join(lines), touched


def require_shapes(before: Report, after: Report) -> None:
    """Where everything can be read again, every layer has the shape that it had."""
    if before.shapes is None or after.shapes is None or not after.clean(Phase.ASSEMBLED):
        return
    for name in before.shapes:
        assert after.shapes[name].output == before.shapes[name].output
