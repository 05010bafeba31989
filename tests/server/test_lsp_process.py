"""How the server begins and ends as a process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from typing import Any

import lsprotocol.types as lsp
import pytest
from editor import ROOT, Editor
from pygls.lsp.client import LanguageClient
from waiting import PATIENCE

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(("shutdown", "exit", "code"), [(True, True, 0), (False, True, 1), (False, False, 1)])
def test_the_exit_code_says_whether_the_editor_took_leave(shutdown: bool, exit: bool, code: int) -> None:
    editor = Editor()
    assert editor.initialized.server_info is not None and editor.initialized.server_info.name == "shapecheck"
    assert editor.end(shutdown, exit) == code
    assert editor.stderr == b""


def test_it_ends_while_something_is_being_checked() -> None:
    editor = Editor(options={"debounce": 0})
    layers = "\n".join(f"  - {{name: r{at}, op: relu}}" for at in range(3_000))
    document = lsp.TextDocumentItem(
        "untitled:x.net.yaml", "yaml", 1, f"shapecheck: 1\ninputs: {{x: [1]}}\nlayers:\n{layers}"
    )
    editor.client.text_document_did_open(lsp.DidOpenTextDocumentParams(document))
    assert editor.end() == 0
    assert b"Traceback" not in editor.stderr


def test_nonsense_does_not_end_it() -> None:
    command = [sys.executable, "-m", "shapecheck", "server"]
    lines = [
        b"{",
        b'{"jsonrpc": "2.0", "method": "$/none"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "no/such", "params": {}}',
    ]
    messages = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(line), line) for line in lines)
    done = subprocess.run(command, input=messages, env=ENVIRONMENT, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1, "nobody took leave"
    assert b'"code": -32601' in done.stdout or b'"code":-32601' in done.stdout


def test_a_port_serves_too() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "shapecheck", "server", "--tcp", str(port)]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE)

    async def talk() -> Any:
        client = LanguageClient("test", "1")
        for _ in range(int(PATIENCE * 10)):
            try:
                await client.start_tcp("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.1)
        made = await client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
        return made

    assert asyncio.run(asyncio.wait_for(talk(), PATIENCE)).server_info.name == "shapecheck"
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None
    process.stderr.close()
