"""An editor, as far as the server can tell: the client of pygls, over standard input and output of a child process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import lsprotocol.types as lsp
import pytest
from paths import ROOT
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient
from waiting import PATIENCE

# Stands in a text for the place of the cursor.
HERE = "¦"


def place(text: str) -> tuple[str, lsp.Position]:
    """A text without the mark of the cursor, and where that stood, in UTF-16."""
    at = text.index(HERE)
    before = text[:at]
    line = before.rpartition("\n")[2]
    return before + text[at + 1 :], lsp.Position(before.count("\n"), len(line.encode("utf-16-le")) // 2)


class Editor:
    """Starts a server and talks to it; every method waits for the answer."""

    def __init__(self, capabilities: lsp.ClientCapabilities | None = None, options: Any = None) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = LanguageClient("test", "1")
        self.published: dict[str, list[lsp.PublishDiagnosticsParams]] = {}
        self.messages: list[str] = []
        self.registered: list[lsp.Registration] = []
        self.refreshed = 0
        self.versions: dict[str, int] = {}
        self.arrived = asyncio.Event()
        self.stderr = b""
        self._listen()
        self.capabilities = capabilities or lsp.ClientCapabilities()
        self.run(self._start())
        initialize = lsp.InitializeParams(
            capabilities=self.capabilities, process_id=os.getpid(), root_uri=None, initialization_options=options
        )
        self.initialized: lsp.InitializeResult = self.run(self.client.initialize_async(initialize))
        self.client.initialized(lsp.InitializedParams())

    def _listen(self) -> None:
        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.published.setdefault(params.uri, []).append(params)
            self.arrived.set()

        @self.client.feature(lsp.WINDOW_SHOW_MESSAGE)
        def shown(params: lsp.ShowMessageParams) -> None:
            self.messages.append(params.message)
            self.arrived.set()

        @self.client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
        def registered(params: lsp.RegistrationParams) -> None:
            self.registered += params.registrations
            self.arrived.set()

        @self.client.feature(lsp.WORKSPACE_INLAY_HINT_REFRESH)
        def refreshed(params: None) -> None:
            self.refreshed += 1
            self.arrived.set()

    async def _start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        await self.client.start_io(sys.executable, "-m", "shapecheck", "server", env=environment)

    def run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(awaitable, PATIENCE))

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until something has arrived."""

        async def wait() -> None:
            while not done():
                self.arrived.clear()
                await self.arrived.wait()

        self.run(wait())

    def open(self, text: str, uri: str = "untitled:one.net.yaml") -> list[lsp.Diagnostic]:
        """Open a file and return what is found in it."""
        self.versions[uri] = self.versions.get(uri, 0) + 1
        self.published.pop(uri, None)
        item = lsp.TextDocumentItem(uri, "yaml", self.versions[uri], text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return self.found(uri)

    def change(self, *changes: Any, uri: str = "untitled:one.net.yaml") -> None:
        """Send changes as one, and do not wait; a text is a change of the whole file."""
        self.versions[uri] += 1
        events = [
            lsp.TextDocumentContentChangeWholeDocument(change)
            if isinstance(change, str)
            else lsp.TextDocumentContentChangePartial(*change)
            for change in changes
        ]
        document = lsp.VersionedTextDocumentIdentifier(self.versions[uri], uri)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, events))

    def found(self, uri: str = "untitled:one.net.yaml") -> list[lsp.Diagnostic]:
        """Wait for what is found in the present version of a file."""

        def arrived() -> bool:
            return any(params.version == self.versions[uri] for params in self.published.get(uri, []))

        self.until(arrived)
        return list(self.published[uri][-1].diagnostics)

    def close(self, uri: str = "untitled:one.net.yaml") -> None:
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri)))

    def ask(self, method: str, *rest: Any, uri: str = "untitled:one.net.yaml", **named: Any) -> Any:
        """Ask for a feature of a file, such as ``hover``."""
        name = "".join(part.title() for part in method.split("_")).replace("References", "Reference")
        kind = getattr(lsp, f"{name}Params")
        request = getattr(self.client, f"text_document_{method}_async")
        document = lsp.TextDocumentIdentifier(uri)
        return self.run(request(kind(document, *rest) if rest else kind(text_document=document, **named)))

    def refused(self, method: str, *rest: Any, uri: str = "untitled:one.net.yaml") -> str:
        """Ask for what is refused, and return why."""
        with pytest.raises(JsonRpcException) as caught:
            self.ask(method, *rest, uri=uri)
        return str(caught.value)

    def end(self, shutdown: bool = True, exit: bool = True) -> int:
        """End the server and return its exit code; without ``exit``, by closing its input."""
        process = self.client._server
        assert process is not None and process.stdin is not None and process.stderr is not None
        if shutdown:
            self.run(self.client.shutdown_async(None))
        if exit:
            self.client.exit(None)
        else:
            process.stdin.close()
        code: int = self.run(process.wait())
        self.stderr = self.run(process.stderr.read())
        self.run(self.client.stop())
        self.run(asyncio.sleep(0))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        return code


def apply(text: str, edits: list[Any]) -> str:
    """A text after edits in UTF-16, made from the last to the first."""
    lines = text.split("\n")
    starts = [sum(len(line) + 1 for line in lines[:at]) for at in range(len(lines) + 1)]

    def offset(position: lsp.Position) -> int:
        units = lines[position.line].encode("utf-16-le")
        return starts[position.line] + len(units[: position.character * 2].decode("utf-16-le"))

    for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
        text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
    return text
