"""Settings for every test: property tests are deterministic unless --hypothesis-profile=search asks for new examples.

A run tries a sample of what there is to try; with ``-m slow`` it tries the rest, and every property anew on all of its
examples.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from amounts import THOROUGH
from hypothesis import HealthCheck, settings

settings.register_profile("fixed", derandomize=True, deadline=None, database=None, max_examples=20)
settings.register_profile("thorough", settings.get_profile("fixed"), max_examples=100)
settings.register_profile(
    "search", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)

# What a run keeps is nobody else's: neither what the user's own runs kept is read, nor anything left behind.
os.environ["SHAPECHECK_CACHE_DIR"] = tempfile.mkdtemp(prefix="shapecheck-tests-")
atexit.register(shutil.rmtree, os.environ["SHAPECHECK_CACHE_DIR"], ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    thorough = "not slow" not in config.option.markexpr
    os.environ[THOROUGH] = "1" if thorough else ""
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("thorough" if thorough else "fixed")


def pytest_itemcollected(item: pytest.Item) -> None:
    """A property, of which a part is tried by default, is among the slow tests too."""
    if os.environ[THOROUGH] and (item.get_closest_marker("hypothesis") or item.get_closest_marker("drawn")):
        item.add_marker(pytest.mark.slow)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Return the command line, in a folder of its own."""
    from shell import Shell  # what it imports is not wanted by every test

    return Shell(tmp_path, monkeypatch, capsys)
