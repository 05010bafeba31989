"""Places: of the parser, of the editor, of the text; and where the cursor stands in what is broken."""

from __future__ import annotations

import re

import lsprotocol.types as lsp
import pytest
from editor import place
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.findings.finding import Position, Span
from shapecheck.server import cursor
from shapecheck.server.positions import UTF8, UTF16, UTF32, Text

LETTERS = st.text(alphabet="ab: \n\r\t\x85\u2028é😀\ufeff\ud800", max_size=40)
SIZES = {
    UTF8: lambda text: len(text.encode("utf-8", "surrogatepass")),
    UTF16: lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    UTF32: len,
}


@given(LETTERS, st.sampled_from([UTF8, UTF16, UTF32]), st.data())
def test_an_offset_and_its_place_are_one(source: str, encoding: str, data: st.DataObject) -> None:
    text = Text(source, encoding)
    offset = data.draw(st.integers(0, len(source)))
    if source[offset - 1 : offset + 1] == "\r\n" and offset:
        return
    position = text.position(offset)
    lines = re.split("\r\n|\n|\r", source[:offset])
    assert position == lsp.Position(len(lines) - 1, SIZES[encoding](lines[-1]))
    assert text.offset(position) == offset
    # The parser's place, with lines that end at three letters more; a mark of the byte order is no letter to it.
    parsed = re.split("\r\n|[\n\r\x85\u2028\u2029]", source[:offset])
    column = len(parsed[-1]) + 1 - (len(parsed) == 1 and source.startswith("\ufeff"))
    if column:
        assert text.place(offset) == Position(len(parsed), column)
        assert text.at(text.place(offset)) == offset


@given(LETTERS, st.sampled_from([UTF8, UTF16, UTF32]), st.integers(0, 9), st.integers(0, 50))
def test_a_place_outside_the_text_is_the_nearest_in_it(source: str, encoding: str, line: int, column: int) -> None:
    text = Text(source, encoding)
    assert 0 <= text.offset(lsp.Position(line, column)) <= len(source)
    assert 0 <= text.at(Position(line + 1, column + 1)) <= len(source)
    found = text.span(Span(Position(line + 1, column + 1), Position(1, 1)))
    assert found.start == found.end


@given(LETTERS, LETTERS, st.data())
def test_a_change_replaces_what_stands_between_two_places(source: str, new: str, data: st.DataObject) -> None:
    text = Text(source)
    ends = sorted(data.draw(st.tuples(st.integers(0, len(source)), st.integers(0, len(source)))))
    if any(source[end - 1 : end + 1] == "\r\n" and end for end in ends):
        return
    change = lsp.TextDocumentContentChangePartial(text.range(*ends), new)
    assert text.changed(change) == source[: ends[0]] + new + source[ends[1] :]


@pytest.mark.parametrize(
    ("text", "way", "at_key", "typed"),
    [
        ("¦", (), True, ""),
        ("la¦", (), True, "la"),
        ("layout: ¦", ("layout",), False, ""),
        ("layers:\n  - {op: ¦", ("layers", "-", "op"), False, ""),
        ("layers:\n- {op: ¦}", ("layers", "-", "op"), False, ""),
        ("layers:\n  - {name: a,\n  - {op: ¦", ("layers", "-", "op"), False, ""),
        ("layers:\n  - {op: a, from: [b, c¦", ("layers", "-", "from", "-"), False, "c"),
        ("layers:\n  - {op: a, with: {b: ¦", ("layers", "-", "with", "b"), False, ""),
        ("layers:\n  - {op: a, with: {b: 1}, ¦", ("layers", "-"), True, ""),
        ("layers:\n  - op: a\n    ¦", ("layers", "-"), True, ""),
        ("layers:\n- op: a\n  with:\n    ¦", ("layers", "-", "with"), True, ""),
        ("layers:\n  - op: a\n\n    from:\n    # why\n    - ¦", ("layers", "-", "from", "-"), True, ""),
        ("blocks:\n  x:\n    layers:\n      - {op: ¦}", ("blocks", "x", "layers", "-", "op"), False, ""),
        ("blocks: {x: {layers: [{op: ¦}]}}", ("blocks", "x", "layers", "-", "op"), False, ""),
        ("blocks:\n  x:\n    layers: []\n  ¦", ("blocks",), True, ""),
        ("doc: it's {odd, ¦", ("doc",), False, "it's {odd, "),
        ('layers:\n  - {doc: "a, {b", op: ¦', ("layers", "-", "op"), False, ""),
        ("layers:\n  - {doc: 'a # b', op: ¦", ("layers", "-", "op"), False, ""),
    ],
)
def test_where_the_cursor_stands(text: str, way: tuple[str, ...], at_key: bool, typed: str) -> None:
    source, position = place(text)
    found = cursor.read(source.split("\n"), position.line, position.character)
    assert found is not None
    assert (found.way, found.at_key, found.typed) == (way, at_key, typed)


def test_in_a_comment_nothing_is_asked_for() -> None:
    for text in ("# ¦", "layers:\n  - {op: relu} # op: ¦", "layers:\n  - {op: relu, # op: ¦"):
        source, position = place(text)
        assert cursor.read(source.split("\n"), position.line, position.character) is None
