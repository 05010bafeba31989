"""Without the optional extra the command says what to install, and nothing else misses it."""

from __future__ import annotations

import os
import subprocess
import sys

from paths import ROOT
from waiting import PATIENCE

# As where the extra is not installed: the packages are not found.
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pygls", "lsprotocol"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from shapecheck.cli.main import run
sys.exit(run())
"""


def shapecheck(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WITHOUT, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_server_says_what_to_install() -> None:
    done = shapecheck("server")
    assert done.returncode == 2
    assert "pip install 'shapecheck-nn[server]'" in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_all_else_works() -> None:
    done = shapecheck("check", str(ROOT / "examples" / "lenet5.net.yaml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "server" in shapecheck("--help").stdout
    assert shapecheck("server", "--help").returncode == 0
