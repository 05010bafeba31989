"""A text and its places, as the parser counts them and as an editor does.

The parser counts lines and columns from 1, columns in characters, and ends lines at three letters besides. An editor
counts from 0, columns in units of the encoding that was agreed on.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from lsprotocol import types

from shapecheck.findings.finding import Position, Span

_EDITOR_END = re.compile("\r\n|\n|\r")
_PARSER_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ODD = re.compile("[\r\x85\u2028\u2029]")

UTF8, UTF16, UTF32 = (kind.value for kind in types.PositionEncodingKind)


class Text:
    """A text as an editor has it; ``encoding`` is that of its columns."""

    def __init__(self, source: str, encoding: str = UTF16) -> None:
        self.source = source
        self.encoding = encoding
        self._odd = bool(_ODD.search(source))

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return _EDITOR_END.split(self.source) if self._odd else self.source.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line."""
        if not self._odd:
            return [0, *accumulate(len(line) + 1 for line in self.lines[:-1])]
        return [0, *(found.end() for found in _EDITOR_END.finditer(self.source))]

    @cached_property
    def _parser_starts(self) -> list[int]:
        if not self._odd:
            return self.starts
        return [0, *(found.end() for found in _PARSER_END.finditer(self.source))]

    def offset(self, position: types.Position) -> int:
        """Return the offset of a place of the editor's; one outside the text is the nearest in it."""
        if position.line >= len(self.lines):
            return len(self.source)
        line = self.lines[position.line]
        return self.starts[position.line] + self._characters(line, position.character)

    def position(self, offset: int) -> types.Position:
        """Return the editor's place of an offset."""
        line = bisect_right(self.starts, offset) - 1
        return types.Position(line, self._units(self.lines[line][: offset - self.starts[line]]))

    def range(self, start: int, end: int) -> types.Range:
        """Return the editor's range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def place(self, offset: int) -> Position:
        """Return the parser's place of an offset."""
        line = bisect_right(self._parser_starts, offset) - 1
        return Position(line + 1, offset - self._parser_starts[line] - self._mark(line) + 1)

    def at(self, place: Position) -> int:
        """Return the offset of a place of the parser's."""
        line = min(place.line, len(self._parser_starts)) - 1
        if place.line > len(self._parser_starts):
            return len(self.source)
        return min(self._parser_starts[line] + place.column - 1 + self._mark(line), len(self.source))

    def span(self, span: Span) -> types.Range:
        """Return the editor's range of a span of the parser's."""
        start = self.at(span.start)
        return self.range(start, max(start, self.at(span.end)))

    def _mark(self, line: int) -> int:
        """Return how many letters of a line the parser does not count: a byte order mark."""
        return int(line == 0 and self.source.startswith("\ufeff"))

    def _units(self, text: str) -> int:
        if text.isascii() or self.encoding == UTF32:
            return len(text)
        if self.encoding == UTF8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text) + sum(letter > "\uffff" for letter in text)

    def _characters(self, line: str, units: int) -> int:
        if line.isascii() or self.encoding == UTF32:
            return min(units, len(line))
        passed = 0
        for at, letter in enumerate(line):
            if passed >= units:
                return at
            passed += self._units(letter)
        return len(line)

    def changed(self, change: types.TextDocumentContentChangeEvent) -> str:
        """Return the text after a change that an editor reports."""
        if isinstance(change, types.TextDocumentContentChangeWholeDocument):
            return change.text
        start, end = self.offset(change.range.start), self.offset(change.range.end)
        return self.source[:start] + change.text + self.source[max(start, end) :]
