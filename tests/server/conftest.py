"""One server for the tests that need nothing special of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from editor import Editor

if importlib.util.find_spec("pygls") is None:
    # The language server is an optional extra; only what is said without it is tested.
    collect_ignore_glob = ["test_lsp_*.py"]


@pytest.fixture(scope="session")
def _shared() -> Iterator[Editor]:
    from editor import Editor

    editor = Editor(options={"debounce": 1})
    yield editor
    code = editor.end()
    assert code == 0
    assert editor.stderr == b"", editor.stderr.decode()


@pytest.fixture
def editor(_shared: Editor) -> Editor:
    """A server that was asked other things before; what it prints is an error, told at the end."""
    return _shared
