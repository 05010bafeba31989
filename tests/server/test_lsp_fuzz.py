"""Whatever stands in a text, every request is answered, and a text checked in steps is as one checked at once."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import lsprotocol.types as lsp
from amounts import examples
from editor import ROOT, Editor
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from paths import NETWORKS
from texts import check_text
from waiting import PATIENCE

from shapecheck.config import Config
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.server import completion, convert, hints, hover, rename
from shapecheck.server.actions import Actions
from shapecheck.server.checker import Analysis, Checker
from shapecheck.server.positions import Text

LIMITS = DEFAULT_LIMITS._replace(layers=400, repeat=50, block_depth=15, nodes=20_000)
CONFIG = Config(LIMITS)
PIECES = [
    *"{}[]:,#'\"|>-?&*!%=. \n\t0a_",
    "- {op: conv, ",
    "from: ",
    "  - ",
    "block: ",
    "=width",
    "\r\n",
    "\r",
    "\x85",
    "\u2028",
    "\ufeff",
    "\x00",
    "\ud800",
    "😀é",
    "<<: *a",
    "&a ",
    "name: x, ",
    "shapecheck: ignore[SC4",
    "repeat: 3, ",
    "999999999999",
    "null",
    "layers:\n",
]
EMPTY = "shapecheck: 1\ninputs: {x: [1, 3, 32, 32]}\nlayers:\n"


@cache
def texts() -> list[str]:
    files = [*sorted((ROOT / "examples").rglob("*.net.yaml")), *sorted(NETWORKS.glob("*.net.yaml"))]
    return [EMPTY, *(text for f in files if len(text := f.read_bytes().decode("utf-8", "replace")) < 2_500)]


@st.composite
def typing(draw: st.DrawFn) -> list[str]:
    """A text as it stands after each of some edits."""
    text = draw(st.sampled_from(texts()))
    found = [text]
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["", *PIECES])) + text[at + draw(st.sampled_from([0, 0, 1, 1, 7])) :]
        found.append(text)
    return found


def inside(found: Any, text: Text) -> None:
    """Every range lies in the text, its end not before its start."""
    for one in found:
        start, end = text.offset(one.start), text.offset(one.end)
        assert text.position(start) == one.start and text.position(end) == one.end
        assert start <= end


def everything(analysis: Analysis, position: lsp.Position) -> None:
    """Ask for all that can be asked for at a place."""
    text = analysis.text
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(len(text.lines), 0))
    for diagnostic in analysis.report.diagnostics:
        inside([convert.diagnostic(diagnostic, text, "x").range], text)
    found = hover.hover(analysis, position)
    inside([found.range] if found is not None and found.range is not None else [], text)
    for one in completion.complete(text, position, analysis.names):
        assert one.label and isinstance(one.text_edit, lsp.TextEdit)
        inside([one.text_edit.range], text)
    inside([s.selection_range for s in hints.document_symbols(analysis)], text)
    for hint in hints.inlay_hints(analysis, whole):
        inside([lsp.Range(hint.position, hint.position)], text)
    for occurrence in analysis.names.occurrences:
        assert 0 <= occurrence.start <= occurrence.end <= len(text.source)
        place = analysis.names.definition(occurrence.symbol)
        assert place is None or place[0] <= place[1] <= len(text.source)
    try:
        rename.prepare(analysis, position)
        inside([e.range for e in rename.rename(analysis, position, "another_name")], text)
    except rename.NoRename:
        pass
    for action in Actions(analysis, "x", False).of(lsp.Range(position, position), None):
        assert action.edit is not None and action.edit.changes


@examples(120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(typing(), st.data())
def test_every_request_is_answered(versions: list[str], data: st.DataObject) -> None:
    checker = Checker("x.net.yaml")
    for source in versions:
        text = Text(source, data.draw(st.sampled_from(["utf-8", "utf-16", "utf-32"])))
        analysis = checker.check(text, CONFIG)
        line = data.draw(st.integers(0, len(text.lines)))
        everything(analysis, lsp.Position(line, data.draw(st.integers(0, 80))))


def told(report: Any) -> Any:
    shapes = None if report.shapes is None else (report.shapes.outputs, repr(report.shapes.undecided))
    return (report.diagnostics, shapes)


@examples(120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(typing())
def test_a_text_checked_in_steps_is_as_one_checked_at_once(versions: list[str]) -> None:
    checker = Checker("x.net.yaml")
    for source in versions:
        found = checker.check(Text(source), CONFIG).report
        if any(0xD800 <= ord(letter) < 0xE000 or letter in "\x00\ufeff" for letter in source):
            # A text that no file can hold; decoding, which a check of text leaves out, tells of it.
            continue
        assert told(found) == told(Checker("x.net.yaml").check(Text(source), CONFIG).report)


def test_an_editor_in_haste_gets_an_answer_to_everything(editor: Editor) -> None:
    """Changes and requests in one stream, none of them waited for: all are answered, if only with a refusal."""
    rng = random.Random(7)
    text = texts()[1]
    editor.open(text)
    uri = "untitled:one.net.yaml"
    document = lsp.TextDocumentIdentifier(uri)
    pending = []

    async def haste() -> list[Any]:
        import asyncio

        client = editor.client
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(500, 0))
        for _ in range(60):
            line = rng.randrange(12)
            start = lsp.Position(line, rng.randrange(30))
            editor.change((lsp.Range(start, start), rng.choice([*PIECES[:27], "x"])))
            at = lsp.Position(rng.randrange(12), rng.randrange(40))
            pending.append(client.text_document_hover_async(lsp.HoverParams(document, at)))
            pending.append(client.text_document_completion_async(lsp.CompletionParams(document, at)))
            pending.append(client.text_document_inlay_hint_async(lsp.InlayHintParams(document, whole)))
            pending.append(client.text_document_definition_async(lsp.DefinitionParams(document, at)))
        return list(await asyncio.gather(*pending, return_exceptions=True))

    answers = editor.run(haste())
    assert len(answers) == 240
    for answer in answers:
        if isinstance(answer, Exception):
            assert str(answer) == "the text was edited meanwhile", repr(answer)
    assert not all(isinstance(answer, Exception) for answer in answers[-4:]), "the last text is answered for"
    # And what is found at last is what is found in the last text.
    editor.found()
    editor.change(EMPTY)
    assert len(editor.found()) == len(check_text(EMPTY, "x").diagnostics)
    editor.close()


def test_a_request_can_be_called_off(editor: Editor) -> None:
    layers = "".join(f"  - {{name: r{at}, op: conv, out_channels: 3, kernel_size: 1}}\n" for at in range(2_000))
    editor.open(EMPTY + layers)

    async def call_off() -> Any:
        import asyncio

        editor.change((lsp.Range(lsp.Position(1, 0), lsp.Position(1, 0)), "# a comment\n"))
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(5, 0))
        params = lsp.InlayHintParams(lsp.TextDocumentIdentifier("untitled:one.net.yaml"), whole)
        future = editor.client.protocol.send_request("textDocument/inlayHint", params, msg_id="called-off")
        editor.client.cancel_request(lsp.CancelParams("called-off"))
        return await asyncio.wait([asyncio.wrap_future(future)], timeout=PATIENCE)

    done, _ = editor.run(call_off())
    (answered,) = done
    error = answered.exception()
    assert error is None or "cancel" in str(error), error
    # The check that the request waited for was not called off with it.
    editor.found()
    assert editor.ask("document_symbol")
    editor.close()
