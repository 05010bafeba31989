"""Where the cursor stands, read from the text alone: it may be broken at that very place.

Brackets are followed from the nearest line above that begins an entry of a list or a key at the margin; outside of
them indentation says what stands in what.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ANCHOR = re.compile(r"\s*-(\s|$)|[A-Za-z_]\w*\s*:")
_LINE = re.compile(r"(?P<indent>\s*)(?P<dashes>(?:-(?:\s+|$))*)(?P<rest>.*)")
_KEY = re.compile(r"(?P<key>\"[^\"]*\"|'[^']*'|[^\s#{}\[\],:\"'][^{}\[\],:\"']*?)\s*:(?=\s|$)")
_TOKEN = re.compile(
    r"\"(?:[^\"\\]|\\.)*(?:\"|$)|'(?:[^']|'')*(?:'|$)|(?:(?<=\s)|^)\#.*|[{}\[\],]|:(?=[\s,}\]]|$)|[^\s\"'{}\[\],:]+|:|\s+"
)
# How far from the cursor brackets are followed.
_FAR = 400


class Cursor(NamedTuple):
    """What surrounds the cursor.

    ``way`` are the keys that lead to it, ``-`` for an entry of a list; behind a key it ends with that key.
    ``siblings`` are the entries of the layer around it, key to text, and ``typed`` what stands before it of the
    value or key that it is in.
    """

    way: tuple[str, ...]
    at_key: bool
    siblings: dict[str, str]
    typed: str


class _Frame:
    """An open bracket: its kind, the key that is being read, the text of the value, the entries so far."""

    def __init__(self, kind: str, line: int, column: int) -> None:
        self.kind = kind
        self.line = line
        self.column = column
        self.key: str | None = None
        self.text = ""
        self.entries: dict[str, str] = {}

    def end(self) -> None:
        if self.kind == "{" and self.key is not None:
            self.entries[self.key] = self.text.strip()
        self.key, self.text = None, ""


def read(lines: list[str], line: int, column: int) -> Cursor | None:
    """Return what surrounds a place, or None in a comment."""
    if line >= len(lines):
        return None
    first = line
    while first > 0 and line - first < _FAR and not _ANCHOR.match(lines[first]):
        first -= 1
    scan = _Scan(lines, first)
    if not scan.until(line, column):
        return None
    if not scan.frames:
        return _in_block(lines, line, column)
    frames = list(scan.frames)
    outer = _block_way(lines, frames[0].line, frames[0].column)
    way, typed = [key for key, _ in outer], frames[-1].text.lstrip()
    states = [(frame.kind, frame.key) for frame in frames]
    scan.rest(line, column)
    siblings = _layer_in_block(lines, frames[0].line, outer)
    for depth, (kind, key) in enumerate(states):
        if kind == "[":
            way.append("-")
        if kind == "{" and way[-2:] == ["layers", "-"]:
            siblings = frames[depth].entries
        if kind == "{" and key is not None:
            way.append(key)
        elif kind == "{" and depth < len(states) - 1:
            return None
    return Cursor(tuple(way), states[-1] == ("{", None), siblings, typed)


class _Scan:
    """Follows brackets through lines; ``frames`` are those that are open."""

    def __init__(self, lines: list[str], first: int) -> None:
        self.lines = lines
        self.frames: list[_Frame] = []
        self.line = first

    def until(self, line: int, column: int) -> bool:
        """Read on to a place; say whether it is outside of comments."""
        while self.line < line:
            self._read(self.line, 0, len(self.lines[self.line]))
            self.line += 1
        return self._read(line, 0, column)

    def rest(self, line: int, column: int) -> None:
        """Read on from a place to the end of the outermost bracket, for the entries behind it."""
        depth_one = self.frames[0]
        self._read(line, column, len(self.lines[line]))
        at = line + 1
        while self.frames and self.frames[0] is depth_one and at < len(self.lines) and at - line < _FAR:
            if _ANCHOR.match(self.lines[at]) and not self.lines[at].startswith(" " * (depth_one.column + 1)):
                break
            self._read(at, 0, len(self.lines[at]))
            at += 1
        for frame in self.frames:
            frame.end()

    def _read(self, line: int, start: int, end: int) -> bool:
        text = self.lines[line]
        if start == 0 and _ANCHOR.match(text) and re.match(r"\s*-(\s|$)", text):
            self.frames.clear()
        # Outside of brackets one opens only where a value begins.
        begins = start == 0
        for match in _TOKEN.finditer(text, start, end):
            token = match.group()
            if token.startswith("#") and (match.start() == 0 or text[match.start() - 1].isspace()):
                return False
            if not self.frames:
                if token in "{[" and begins:
                    self.frames.append(_Frame(token, line, match.start()))
                begins = (token.isspace() and begins) or token in (":", "-") or (begins and token == "?")
                continue
            self._token(token, line, match.start())
        return True

    def _token(self, token: str, line: int, column: int) -> None:
        frame = self.frames[-1]
        if token in "{[":
            self.frames.append(_Frame(token, line, column))
        elif token in "}]":
            frame.end()
            self.frames.pop()
            if self.frames:
                self.frames[-1].text += "…"
        elif token == ",":
            frame.end()
        elif token == ":" and frame.kind == "{" and frame.key is None:
            frame.key, frame.text = frame.text.strip().strip("\"'"), ""
        else:
            frame.text += token


def _in_block(lines: list[str], line: int, column: int) -> Cursor | None:
    before = lines[line][:column]
    match = _LINE.match(before)
    assert match is not None
    indent = len(match["indent"]) + len(match["dashes"])
    way = _block_way(lines, line, indent)
    found = _KEY.match(match["rest"])
    if found is not None:
        way.append((found["key"].strip("\"'"), indent))
    siblings = _layer_in_block(lines, line, [*way, ("", indent)] if found is None else way)
    typed = match["rest"] if found is None else match["rest"][found.end() :].lstrip()
    return Cursor(tuple(key for key, _ in way), found is None, siblings, typed)


Way = list[tuple[str, int]]


def _block_way(lines: list[str], line: int, column: int) -> Way:
    """Return the keys and entries that lead to what begins at a place, by indentation, each with its column."""
    way: Way = []
    limit, dashed = column, False
    for at in range(line, -1, -1):
        text = lines[at] if at < line else lines[at][:column]
        match = _LINE.match(text)
        if match is None or not text.strip() or match["rest"].startswith("#"):
            continue
        indent = len(match["indent"])
        place = indent + len(match["dashes"])
        key = _KEY.match(match["rest"])
        if key is not None and (place < limit or (at < line and dashed and place == limit and not match["dashes"])):
            way.insert(0, (key["key"].strip("\"'"), place))
            limit, dashed = place, False
        dashes = [indent + found.start() for found in re.finditer("-", match["dashes"])]
        for dash in reversed(dashes):
            if dash < limit:
                way.insert(0, ("-", dash))
                limit, dashed = dash, True
        if limit == 0 and not dashed:
            break
    return way


def _layer_in_block(lines: list[str], line: int, way: Way) -> dict[str, str]:
    """Return the entries of the layer in block style that a way goes through; empty where it goes through none."""
    keys = [key for key, _ in way]
    for at in range(len(way) - 2, 0, -1):
        if keys[at - 1 : at + 1] == ["layers", "-"]:
            return _block_siblings(lines, line, way[at + 1][1])
    return {}


def _block_siblings(lines: list[str], line: int, indent: int) -> dict[str, str]:
    """Return the keys in block style that begin in the same column as that at a place."""
    found: dict[str, str] = {}

    def note(text: str) -> bool:
        """Take in a line; say whether the mapping may go on behind it, away from the place."""
        match = _LINE.match(text)
        assert match is not None
        place = len(match["indent"]) + len(match["dashes"])
        key = _KEY.match(match["rest"]) if place == indent else None
        if key is not None:
            found[key["key"].strip("\"'")] = match["rest"][key.end() :].partition(" #")[0].strip()
        return not text.strip() or len(match["indent"]) >= indent

    above = line
    while above >= 0 and note(lines[above]):
        above -= 1
    below = line + 1
    while below < len(lines) and (not lines[below].strip() or _indent(lines[below]) >= indent) and line >= 0:
        note(lines[below])
        below += 1
    return found


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
