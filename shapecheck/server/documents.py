"""The files that are open in an editor: their texts, and the check of each that is under way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path

from shapecheck.config import Config
from shapecheck.server.checker import Analysis, Checker
from shapecheck.server.positions import Text
from shapecheck.server.settings import Configurations

SUFFIXES = (".net.yaml", ".net.yml")
_NETWORK = re.compile(r"^(\ufeff)?[\"']?shapecheck[\"']?[ \t]*:", re.MULTILINE)

Publish = Callable[["Document", Analysis], None]


class Document:
    """One open file. Checks run one after another in ``worker``; a newer text makes an older check worth nothing."""

    def __init__(
        self,
        item: types.TextDocumentItem,
        encoding: str,
        worker: ThreadPoolExecutor,
        configurations: Configurations,
        publish: Publish,
    ) -> None:
        self.uri = item.uri
        self.version = item.version
        self.text = Text(item.text, encoding)
        path = to_fs_path(item.uri) if item.uri.startswith("file:") else None
        self.folder = Path(path).parent if path else Path.cwd()
        self.checker = Checker(path or item.uri)
        self.analysis: Analysis | None = None
        # The last analysis of a text that could be read.
        self.readable: Analysis | None = None
        self._worker = worker
        self._configurations = configurations
        self._publish = publish
        self._running: asyncio.Task[Analysis] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_network(self) -> bool:
        """Whether the file is a network: by its name, or because it says so."""
        return self.uri.endswith(SUFFIXES) or bool(_NETWORK.search(self.text.source))

    def change(self, changes: list[types.TextDocumentContentChangeEvent], version: int) -> None:
        """Take in what was typed."""
        for change in changes:
            self.text = Text(self.text.changed(change), self.text.encoding)
        self.version = version

    def check_soon(self, milliseconds: int) -> None:
        """Check the text once nothing was typed for a while."""
        self.rest()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(milliseconds / 1_000, self._begin)

    def rest(self) -> None:
        """Call off the check that was to come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def forget(self) -> None:
        """Have the text checked again, as after a change of the configuration."""
        self.analysis = None

    async def checked(self) -> Analysis:
        """Return what is known of the text as it stands, checking it where that was not done."""
        while self.analysis is None or self.analysis.version != self.version:
            # A request that is called off does not call off the check, which others wait for.
            await asyncio.shield(self._begin())
        return self.analysis

    def _begin(self) -> asyncio.Task[Analysis]:
        self.rest()
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._check())
        return self._running

    async def _check(self) -> Analysis:
        while True:
            text, version = self.text, self.version
            loop = asyncio.get_running_loop()
            analysis = await loop.run_in_executor(self._worker, self._work, text)
            analysis.version = version
            if version == self.version and text is self.text:
                break
            analysis.release()
        self.analysis, old = analysis, None
        if analysis.file is not None:
            self.readable, old = analysis, self.readable
        self._publish(self, analysis)
        if old is not None:
            old.release()
        return analysis

    def _work(self, text: Text) -> Analysis:
        return self.checker.check(text, self.config())

    def config(self) -> Config:
        """Return the settings in force for the file."""
        return self._configurations.of(self.folder)
