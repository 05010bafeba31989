"""What is found arrives where it is, in the editor's columns, for the text as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lsprotocol.types as lsp
import pytest
from editor import ROOT, Editor
from texts import check_text

SOUND = """shapecheck: 1
inputs: {image: [1, 3, 32, 32]}
layers:
  - {name: a, op: conv, out_channels: 4, kernel_size: 3}
  - {name: b, op: relu}
"""
BROKEN = SOUND.replace("kernel_size: 3", "kernel_size: 33")


def span(diagnostic: lsp.Diagnostic) -> tuple[int, int, int, int]:
    start, end = diagnostic.range.start, diagnostic.range.end
    return (start.line, start.character, end.line, end.character)


def test_findings_come_and_go(editor: Editor) -> None:
    assert editor.open(SOUND) == []
    editor.change(BROKEN)
    (found,) = editor.found()
    assert (found.code, found.source, found.severity) == ("SC204", "shapecheck", lsp.DiagnosticSeverity.Error)
    assert "33" in found.message
    line = BROKEN.split("\n")[3]
    at = line.index("kernel_size: ") + len("kernel_size: ")
    assert span(found) == (3, at, 3, at + 2)
    editor.change((lsp.Range(lsp.Position(3, at + 1), lsp.Position(3, at + 2)), ""))
    assert editor.found() == []
    editor.close()


def test_every_finding_of_a_check_is_there_with_its_place(editor: Editor) -> None:
    for path in sorted((ROOT / "examples" / "broken").glob("*.net.yaml"))[:8]:
        text = path.read_text(encoding="utf-8")
        wanted = check_text(text, str(path)).diagnostics
        found = editor.open(text)
        assert [d.code for d in found] == [d.code for d in wanted]
        for one, other in zip(found, wanted, strict=True):
            assert one.message.startswith(other.message)
            assert one.range.start == lsp.Position(other.span.start.line - 1, other.span.start.column - 1)
            assert one.range.end == lsp.Position(other.span.end.line - 1, other.span.end.column - 1)
            assert len(one.related_information or []) == len(other.related)
        editor.close()


def test_severities(editor: Editor) -> None:
    text = SOUND + "  - {name: c, op: relu}\n"
    (found,) = editor.open(text)
    assert found.severity == lsp.DiagnosticSeverity.Warning
    editor.change(text.replace("layers:", "params: {idle: 3}\nlayers:"))
    unused = next(d for d in editor.found() if "idle" in d.message)
    assert unused.tags == (lsp.DiagnosticTag.Unnecessary,) or unused.tags == [lsp.DiagnosticTag.Unnecessary]
    editor.close()


def test_a_related_place_is_a_link(editor: Editor) -> None:
    (found,) = editor.open(SOUND + "name: x\nname: y\n")
    (related,) = found.related_information or []
    assert related.location.range.start.line == 5


@pytest.mark.parametrize(
    ("encoding", "size"),
    [
        (None, lambda text: len(text.encode("utf-16-le")) // 2),
        (lsp.PositionEncodingKind.Utf8, lambda text: len(text.encode())),
        (lsp.PositionEncodingKind.Utf16, lambda text: len(text.encode("utf-16-le")) // 2),
        (lsp.PositionEncodingKind.Utf32, len),
    ],
)
def test_columns_are_counted_as_was_agreed(encoding: Any, size: Any) -> None:
    general = lsp.GeneralClientCapabilities(position_encodings=[encoding]) if encoding else None
    editor = Editor(capabilities=lsp.ClientCapabilities(general=general), options={"debounce": 1})
    assert editor.initialized.capabilities.position_encoding == (encoding or lsp.PositionEncodingKind.Utf16)
    line = "  - {name: größe_😀_x, op: conv, out_channels: 4, kernel_size: 33}"
    text = SOUND.replace(SOUND.split("\n")[3], line)
    (found,) = editor.open(text)
    before = size(line[: line.index("33")])
    assert span(found) == (3, before, 3, before + 2)
    # And so are those that the editor sends.
    editor.change((lsp.Range(lsp.Position(3, before), lsp.Position(3, before + 2)), "3"))
    assert editor.found() == []
    middle = size(line[: line.index("_x")])
    assert "größe_😀_x" in editor.ask("hover", lsp.Position(3, middle)).contents.value
    editor.client.text_document_did_change(
        lsp.DidChangeTextDocumentParams(
            lsp.VersionedTextDocumentIdentifier(9, "untitled:one.net.yaml"),
            [lsp.TextDocumentContentChangePartial(lsp.Range(lsp.Position(3, middle), lsp.Position(3, middle)), "ß")],
        )
    )
    editor.versions["untitled:one.net.yaml"] = 9
    assert editor.found() == []
    assert "größe_😀ß_x" in editor.ask("hover", lsp.Position(3, middle)).contents.value
    assert editor.end() == 0


def test_many_changes_end_in_what_a_check_of_the_last_text_finds(editor: Editor) -> None:
    editor.open(SOUND)
    text = SOUND
    lines = SOUND.split("\n")
    column = lines[3].index("kernel_size: ") + len("kernel_size: ")
    for digit in "3455555555":
        text = text[: text.index("kernel_size: ") + 13] + digit + text[text.index("kernel_size: ") + 13 :]
        editor.change((lsp.Range(lsp.Position(3, column), lsp.Position(3, column)), digit))
    (found,) = editor.found()
    (wanted,) = check_text(text, "one.net.yaml").diagnostics
    assert found.message.startswith(wanted.message)
    versions = [params.version for params in editor.published["untitled:one.net.yaml"]]
    assert versions == sorted(versions, key=lambda version: version or 0), "an older version never comes last"
    editor.close()


def test_several_changes_in_one_message_are_made_one_after_the_other(editor: Editor) -> None:
    editor.open(SOUND)
    start = lsp.Position(3, 0)
    editor.change(
        (lsp.Range(start, start), "  - {name: z, op: tanh}\n"),
        (lsp.Range(lsp.Position(3, 11), lsp.Position(3, 12)), "y"),
    )
    assert [d.code for d in editor.found()] == []
    assert [s.name for s in editor.ask("document_symbol")] == ["image", "y", "a", "b"]
    editor.close()


def test_what_is_no_network_is_left_alone(editor: Editor) -> None:
    uri = "untitled:notes.yaml"
    assert editor.open("a: [", uri) == []
    assert editor.ask("hover", lsp.Position(0, 0), uri=uri) is None
    editor.change("shapecheck: 1\nlayers: [", uri=uri)
    assert [d.code for d in editor.found(uri)] == ["SC002"]
    editor.change("# no more\n", uri=uri)
    assert editor.found(uri) == []
    editor.close(uri)


def test_closing_a_file_takes_its_findings_away(editor: Editor) -> None:
    assert editor.open(BROKEN)
    editor.close()
    editor.until(lambda: editor.published["untitled:one.net.yaml"][-1].diagnostics == ())
    assert editor.ask("hover", lsp.Position(0, 0)) is None


def test_files_are_checked_each_by_itself(editor: Editor) -> None:
    editor.open(BROKEN, "untitled:a.net.yaml")
    assert editor.open(SOUND, "untitled:b.net.yaml") == []
    editor.change(SOUND, uri="untitled:a.net.yaml")
    editor.change(BROKEN, uri="untitled:b.net.yaml")
    assert editor.found("untitled:a.net.yaml") == []
    assert len(editor.found("untitled:b.net.yaml")) == 1
    for name in "ab":
        editor.close(f"untitled:{name}.net.yaml")


def test_the_configuration_holds_and_is_read_again(tmp_path: Path) -> None:
    watched = lsp.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
    editor = Editor(
        capabilities=lsp.ClientCapabilities(
            workspace=lsp.WorkspaceClientCapabilities(did_change_watched_files=watched)
        ),
        options={"debounce": 1},
    )
    editor.until(lambda: bool(editor.registered))
    config = tmp_path / "shapecheck.toml"
    uri = (tmp_path / "one.net.yaml").as_uri()
    text = SOUND + "  - {name: c, op: relu}\n"
    (found,) = editor.open(text, uri)
    count = 1

    def again(settings: str) -> list[lsp.Diagnostic]:
        nonlocal count
        config.write_text(settings, encoding="utf-8")
        event = lsp.FileEvent(config.as_uri(), lsp.FileChangeType.Changed)
        editor.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
        count += 1
        editor.until(lambda: len(editor.published[uri]) >= count)
        return list(editor.published[uri][-1].diagnostics)

    assert again(f'ignore = ["{found.code}"]') == []
    (graver,) = again(f'[severity]\n{found.code} = "error"')
    assert graver.severity == lsp.DiagnosticSeverity.Error
    assert [d.code for d in again("[limits]\nlayers = 1")] == ["SC118"]
    assert editor.messages == []
    (default,) = again("select = 3")
    assert default.code == found.code
    assert len(editor.messages) == 1 and "shapecheck.toml:1: select" in editor.messages[0]
    (tmp_path / "base.json").write_text("{}", encoding="utf-8")
    again('baseline = "base.json"')
    assert "base.json is no baseline" in editor.messages[1]
    assert again("") and len(editor.messages) == 2
    assert editor.end() == 0


def test_a_baseline_hides_what_was_there_before(editor: Editor, tmp_path: Path) -> None:
    from shapecheck.findings import baseline

    text = SOUND + "  - {name: c, op: relu}\n"
    path = tmp_path / "one.net.yaml"
    (tmp_path / "shapecheck.toml").write_text('baseline = "base.json"', encoding="utf-8")
    baseline.write(tmp_path / "base.json", [check_text(text, str(path))])
    assert editor.open(text, path.as_uri()) == []
    editor.close(path.as_uri())


def test_comments_keep_findings_quiet(editor: Editor) -> None:
    text = SOUND + "  - {name: c, op: relu}  # shapecheck: ignore[SC6]\n"
    assert editor.open(text) == []
    editor.close()
