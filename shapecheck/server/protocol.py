"""The server: which request is answered by whom."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from shapecheck._version import __version__
from shapecheck.server import completion, convert, hints, rename
from shapecheck.server import hover as hovering
from shapecheck.server.actions import KINDS, Actions, workspace_edit
from shapecheck.server.checker import Analysis
from shapecheck.server.documents import Document
from shapecheck.server.names import NameIndex, Occurrence
from shapecheck.server.settings import WATCHED, Configurations, Options, options

Answer = TypeVar("Answer")
# The garbage of so many checks is collected after so many seconds in which nothing was checked.
CHECKS, IDLE = 100, 5.0
REFUSALS = (types.LSPErrorCodes.ContentModified.value, types.LSPErrorCodes.RequestFailed.value)


class ShapecheckServer(LanguageServer):
    """The language server, for one editor."""

    def __init__(self) -> None:
        super().__init__("shapecheck", __version__)
        self.documents: dict[str, Document] = {}
        self.configurations = Configurations()
        self.options = Options()
        self.told: str | None = None
        self.ended = False
        self.checks = 0
        self.idle: asyncio.TimerHandle | None = None
        # One check at a time: they share the configuration, and more would only share the time.
        self.worker = ThreadPoolExecutor(1, "check")

    def open(self, item: types.TextDocumentItem) -> None:
        """Take in a file that was opened."""
        encoding = str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))
        document = Document(item, encoding, self.worker, self.configurations, self.publish)
        self.documents[item.uri] = document
        self.check(document, 0)

    def check(self, document: Document, pause: int | None = None) -> None:
        """Check a file soon, if it is a network."""
        if document.is_network:
            document.check_soon(self.options.debounce if pause is None else pause)
        else:
            document.rest()
            self._send(document, [])

    def check_all(self) -> None:
        """Check every file, as after a change of the configuration."""
        for document in self.documents.values():
            document.forget()
            self.check(document)

    def publish(self, document: Document, analysis: Analysis) -> None:
        """Send what was found, unless the file was closed or is no network any more."""
        self._complain()
        self._collect()
        if self.documents.get(document.uri) is document and document.is_network:
            found = [convert.diagnostic(d, analysis.text, document.uri) for d in analysis.report.diagnostics]
            self._send(document, found)
            if self._can("workspace.inlay_hint.refresh_support") and self.options.inlay_hints:
                self.workspace_inlay_hint_refresh(None)

    def _send(self, document: Document, found: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(document.uri, found, document.version))

    def _collect(self) -> None:
        """Collect garbage now and then, while nothing happens."""
        self.checks += 1
        if self.idle is not None:
            self.idle.cancel()
        if self.checks >= CHECKS:
            self.idle = asyncio.get_running_loop().call_later(IDLE, self._collected)

    def _collected(self) -> None:
        self.checks = 0
        gc.collect()

    def _complain(self) -> None:
        """Say once what is wrong with the configuration."""
        complaint = self.configurations.complaint
        if complaint is not None and complaint != self.told:
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"shapecheck: {complaint}"))
        self.told = complaint

    def _can(self, capability: str) -> bool:
        return bool(get_capability(self.client_capabilities, capability, False))

    @property
    def versioned(self) -> bool:
        """Whether the editor takes edits that are bound to a version."""
        return self._can("workspace.workspace_edit.document_changes")

    async def analysis(self, uri: str) -> Analysis | None:
        """Return what is known of a file as it stands, None of one that is not open or no network.

        Raises JsonRpcException where the file was edited while it was being checked: the place that the editor asked
        about is another now.
        """
        document = self.documents.get(uri)
        if document is None or not document.is_network:
            return None
        version = document.version
        analysis = await document.checked()
        if document.version != version:
            raise _edited()
        return analysis

    async def answer(self, uri: str, make: Callable[[Analysis], Answer]) -> Answer | None:
        """Return what ``make`` makes of a file; it runs beside the server, as a check does."""
        analysis = await self.analysis(uri)
        if analysis is None:
            return None
        made = await asyncio.get_running_loop().run_in_executor(self.worker, make, analysis)
        document = self.documents.get(uri)
        if document is None or document.analysis is not analysis:
            raise _edited()
        return made


def _edited() -> JsonRpcException:
    return JsonRpcException("the text was edited meanwhile", types.LSPErrorCodes.ContentModified.value)


def _log_what_is_unexpected() -> None:
    """Let errors of pygls, of whichever of its modules, reach standard error, but not answers that say no."""
    log = logging.getLogger("pygls")
    handler = logging.StreamHandler()
    handler.addFilter(_unexpected)
    log.setLevel(logging.ERROR)
    log.handlers, log.propagate = [handler], False


def _unexpected(record: logging.LogRecord) -> bool:
    """Say whether a log record is of more than an answer that says no."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, JsonRpcException) or error.code not in REFUSALS


def make_server() -> ShapecheckServer:
    """Return a server that answers every request it knows."""
    _log_what_is_unexpected()
    server = ShapecheckServer()
    for method, function, option in FEATURES:
        server.feature(method, option)(function)
    return server


def serve(port: int | None) -> int:
    """Serve one editor on standard input and output, or on a port of this machine; return the exit code."""
    server = make_server()
    # Walking a large network again and again would take longer than checking it; see ``Analysis.release``.
    gc.disable()
    if port is not None:
        server.start_tcp("127.0.0.1", port)
    else:
        # The protocol has standard output to itself; whatever else is printed goes to standard error.
        with os.fdopen(os.dup(1), "wb") as out:
            os.dup2(2, 1)
            server.start_io(sys.stdin.buffer, out)
    server.worker.shutdown(wait=False, cancel_futures=True)
    return 0 if server.ended else 1


async def _initialize(ls: ShapecheckServer, params: types.InitializeParams) -> None:
    ls.options = options(params.initialization_options, ls.options)


async def _initialized(ls: ShapecheckServer, params: types.InitializedParams) -> None:
    if get_capability(ls.client_capabilities, "workspace.did_change_watched_files.dynamic_registration", False):
        watchers: Sequence[types.FileSystemWatcher] = [types.FileSystemWatcher(pattern) for pattern in WATCHED]
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        watch = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        await ls.client_register_capability_async(
            types.RegistrationParams([types.Registration("configuration", method, watch)])
        )


def _shutdown(ls: ShapecheckServer, params: None) -> None:
    ls.ended = True
    for document in ls.documents.values():
        document.rest()


async def _did_open(ls: ShapecheckServer, params: types.DidOpenTextDocumentParams) -> None:
    ls.open(params.text_document)


async def _did_change(ls: ShapecheckServer, params: types.DidChangeTextDocumentParams) -> None:
    document = ls.documents.get(params.text_document.uri)
    if document is not None:
        document.change(list(params.content_changes), params.text_document.version)
        ls.check(document)


async def _did_save(ls: ShapecheckServer, params: types.DidSaveTextDocumentParams) -> None:
    if params.text_document.uri.endswith((".toml", ".json")):
        ls.check_all()


async def _did_close(ls: ShapecheckServer, params: types.DidCloseTextDocumentParams) -> None:
    document = ls.documents.pop(params.text_document.uri, None)
    if document is not None:
        document.rest()
        ls._send(document, [])


async def _watched(ls: ShapecheckServer, params: types.DidChangeWatchedFilesParams) -> None:
    ls.check_all()


async def _configured(ls: ShapecheckServer, params: types.DidChangeConfigurationParams) -> None:
    ls.options = options(params.settings, ls.options)
    ls.check_all()


async def _hover(ls: ShapecheckServer, params: types.HoverParams) -> types.Hover | None:
    return await ls.answer(params.text_document.uri, lambda a: hovering.hover(a, params.position))


def _completion(ls: ShapecheckServer, params: types.CompletionParams) -> types.CompletionList | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None or not document.is_network:
        return None
    names: NameIndex
    if document.readable is not None:
        names = document.readable.names
    else:
        names = completion.names_around(document.text, params.position.line, document.config().limits)
    return types.CompletionList(False, completion.complete(document.text, params.position, names))


def _locations(analysis: Analysis, uri: str, places: list[tuple[int, int]]) -> list[types.Location]:
    return [types.Location(uri, analysis.text.range(start, end)) for start, end in places]


async def _definition(ls: ShapecheckServer, params: types.DefinitionParams) -> list[types.Location] | None:
    def find(analysis: Analysis) -> list[types.Location]:
        occurrence = analysis.names.at(analysis.text.offset(params.position))
        place = None if occurrence is None else analysis.names.definition(occurrence.symbol)
        return [] if place is None else _locations(analysis, params.text_document.uri, [place])

    return await ls.answer(params.text_document.uri, find)


def _occurrences(analysis: Analysis, position: types.Position) -> list[Occurrence]:
    occurrence = analysis.names.at(analysis.text.offset(position))
    return [] if occurrence is None else analysis.names.of(occurrence.symbol)


async def _references(ls: ShapecheckServer, params: types.ReferenceParams) -> list[types.Location] | None:
    def find(analysis: Analysis) -> list[types.Location]:
        found = _occurrences(analysis, params.position)
        wanted = [o for o in found if params.context.include_declaration or not o.defines]
        return _locations(analysis, params.text_document.uri, [(o.start, o.end) for o in wanted])

    return await ls.answer(params.text_document.uri, find)


async def _highlight(
    ls: ShapecheckServer, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight] | None:
    def find(analysis: Analysis) -> list[types.DocumentHighlight]:
        kinds = types.DocumentHighlightKind
        return [
            types.DocumentHighlight(analysis.text.range(o.start, o.end), kinds.Write if o.defines else kinds.Read)
            for o in _occurrences(analysis, params.position)
        ]

    return await ls.answer(params.text_document.uri, find)


async def _symbols(ls: ShapecheckServer, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
    return await ls.answer(params.text_document.uri, hints.document_symbols)


async def _inlay_hints(ls: ShapecheckServer, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    if not ls.options.inlay_hints:
        return []
    return await ls.answer(params.text_document.uri, lambda a: hints.inlay_hints(a, params.range))


async def _actions(ls: ShapecheckServer, params: types.CodeActionParams) -> list[types.CodeAction] | None:
    uri = params.text_document.uri
    return await ls.answer(
        uri, lambda a: Actions(a, uri, ls.versioned).of(params.range, list(params.context.only or []) or None)
    )


def _refusal(reason: rename.NoRename) -> JsonRpcException:
    return JsonRpcException(str(reason), types.LSPErrorCodes.RequestFailed.value)


async def _prepare_rename(
    ls: ShapecheckServer, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder | None:
    try:
        found = await ls.answer(params.text_document.uri, lambda a: rename.prepare(a, params.position))
    except rename.NoRename as reason:
        raise _refusal(reason) from None
    return None if found is None else types.PrepareRenamePlaceholder(*found)


async def _rename(ls: ShapecheckServer, params: types.RenameParams) -> types.WorkspaceEdit | None:
    uri = params.text_document.uri

    def make(analysis: Analysis) -> types.WorkspaceEdit:
        edits = rename.rename(analysis, params.position, params.new_name)
        return workspace_edit(uri, analysis.version, edits, ls.versioned)

    try:
        return await ls.answer(uri, make)
    except rename.NoRename as reason:
        raise _refusal(reason) from None


FEATURES: list[tuple[str, Callable[..., object], object]] = [
    (types.INITIALIZE, _initialize, None),
    (types.INITIALIZED, _initialized, None),
    (types.SHUTDOWN, _shutdown, None),
    (types.TEXT_DOCUMENT_DID_OPEN, _did_open, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, _did_change, None),
    (types.TEXT_DOCUMENT_DID_SAVE, _did_save, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, _did_close, None),
    (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, _watched, None),
    (types.WORKSPACE_DID_CHANGE_CONFIGURATION, _configured, None),
    (types.TEXT_DOCUMENT_HOVER, _hover, None),
    (types.TEXT_DOCUMENT_COMPLETION, _completion, types.CompletionOptions(trigger_characters=completion.TRIGGERS)),
    (types.TEXT_DOCUMENT_DEFINITION, _definition, None),
    (types.TEXT_DOCUMENT_REFERENCES, _references, None),
    (types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, _highlight, None),
    (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, _symbols, None),
    (types.TEXT_DOCUMENT_INLAY_HINT, _inlay_hints, None),
    (types.TEXT_DOCUMENT_CODE_ACTION, _actions, types.CodeActionOptions(code_action_kinds=KINDS)),
    (types.TEXT_DOCUMENT_PREPARE_RENAME, _prepare_rename, None),
    (types.TEXT_DOCUMENT_RENAME, _rename, None),
]
