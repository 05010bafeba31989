"""What is shipped."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from paths import ROOT

PAGE = (".html", ".css", ".js", ".txt")


def test_the_schema_has_one_place_in_the_source_tree() -> None:
    assert not (ROOT / "shapecheck" / "schemas").exists()


@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed")
def test_the_wheel_holds_the_schema_and_the_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        schema = archive.read("shapecheck/schemas/network.schema.json").decode()
    assert schema == (ROOT / "schemas" / "network.schema.json").read_text(encoding="utf-8")
    sources = [p for p in (ROOT / "shapecheck").rglob("*") if p.is_file() and p.parent.name != "__pycache__"]
    assert {p.relative_to(ROOT).as_posix() for p in sources} <= names
    page = {str(p.relative_to(ROOT)) for p in (ROOT / "shapecheck").rglob("*.*") if p.suffix in PAGE}
    assert len(page) > 15 and page <= names, "the report's templates, styles and scripts"
    assert not any(name.startswith(("tests/", "examples/", ".ci/")) for name in names)
