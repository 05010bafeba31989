"""The command line in this process, by click's own runner."""

from __future__ import annotations

import contextlib
import inspect
import io
import sys
from collections.abc import Iterator
from typing import Any

from click.testing import CliRunner


class _OlderRunner(CliRunner):
    """The runner of click before 8.2, which loses what standard error holds back."""

    @contextlib.contextmanager
    def isolation(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        with super().isolation(*arguments, **options) as streams:
            assert isinstance(sys.stderr, io.TextIOWrapper)
            sys.stderr.reconfigure(write_through=True)
            yield streams


def runner() -> CliRunner:
    """Return a runner that keeps standard error apart, which click before 8.2 does only where it is asked to."""
    if "mix_stderr" in inspect.signature(CliRunner).parameters:
        return _OlderRunner(mix_stderr=False)  # type: ignore[call-arg]
    return CliRunner()
