"""Without the optional extra the command says what to install; onnx is loaded for nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from running import environment
from waiting import PATIENCE

WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("onnx", "google"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from shapecheck.cli.main import run
sys.exit(run())
"""


def test_import_says_what_to_install(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, "import", str(tmp_path / "net.onnx")]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "import needs onnx: pip install 'shapecheck-nn[onnx]'" in done.stderr
    command[3:] = ["import", "--help"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "--set NAME=SIZE" in done.stdout
