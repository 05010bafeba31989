"""Python in a process of its own, with no setting of the caller's."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from paths import ROOT, SUPPORT
from waiting import PATIENCE


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JAX_", "XLA_", "TF_", "PYTHON"))}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)]), **more}


def python(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
