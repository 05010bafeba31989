"""Settings for every test: property tests are deterministic unless HYPOTHESIS_PROFILE=search asks for new examples."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "search", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# What a run keeps is nobody else's: neither what the user's own runs kept is read, nor anything left behind.
os.environ["SHAPECHECK_CACHE_DIR"] = tempfile.mkdtemp(prefix="shapecheck-tests-")
atexit.register(shutil.rmtree, os.environ["SHAPECHECK_CACHE_DIR"], ignore_errors=True)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Return the command line, in a folder of its own."""
    from shell import Shell  # what it imports is not wanted by every test

    return Shell(tmp_path, monkeypatch, capsys)
