"""What ``shapecheck check`` prints for each network under tests/networks and examples/broken, word for word.

``X.net.yaml`` is checked from the root of the checkout, and all that is printed stands in ``X.out`` beside it. A
comment ``# arguments: --set H=32`` in the file adds arguments.
``SHAPECHECK_UPDATE=1 pytest tests/pipeline/test_snapshots.py``
writes the ``.out`` files anew: read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from paths import ROOT

from shapecheck.cli.main import main

FOLDERS = ("tests/networks", "examples/broken")
NETWORKS = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.net.yaml"))]
ARGUMENTS = "# arguments:"


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def arguments(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [word for line in lines if line.startswith(ARGUMENTS) for word in line.removeprefix(ARGUMENTS).split()]


def check(path: Path) -> tuple[int, str]:
    """Return the exit code and all that is printed when a person at the root of the checkout checks ``path``."""
    result = CliRunner().invoke(
        main, ["check", *arguments(path), path.relative_to(ROOT).as_posix()], standalone_mode=False
    )
    assert result.exception is None, result.exception
    return int(result.return_value), result.output


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("path", NETWORKS, ids=names(NETWORKS))
def test_what_is_printed_is_what_stands_beside_it(path: Path) -> None:
    code, printed = check(path)
    expected = path.with_name(path.name.removesuffix(".net.yaml") + ".out")
    if os.environ.get("SHAPECHECK_UPDATE") == "1":
        expected.write_text(printed, encoding="utf-8", newline="\n")
    assert expected.is_file(), f"{expected.name} is missing: write it with SHAPECHECK_UPDATE=1 and read it"
    assert printed == expected.read_text(encoding="utf-8")
    failed = "\nerror[" in f"\n{printed}" or "\nwarning[" in f"\n{printed}"
    assert code == (1 if failed else 0)


def test_no_snapshot_is_left_over() -> None:
    stems = {path.with_name(path.name.removesuffix(".net.yaml")) for path in NETWORKS}
    left = [path for folder in FOLDERS for path in (ROOT / folder).glob("*.out") if path.with_suffix("") not in stems]
    assert not names(left)


def test_there_are_networks() -> None:
    assert len(NETWORKS) > 80
