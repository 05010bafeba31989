"""What the YAML parser stumbled over, in the words of a reader: what was expected, where it began, what to do.

What it means is read from the class of the error and from the text at its two places, never from its words: those are
others in each parser of PyYAML, and may be others in its next version.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml
from yaml.composer import ComposerError
from yaml.parser import ParserError
from yaml.reader import ReaderError
from yaml.scanner import ScannerError

from shapecheck.findings.finding import Finding, Position, Related, Span

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|\'\')*'", re.DOTALL)
# YAML allows a key on one line to be no longer, in letters.
_LONGEST_KEY = 1024


class _Meaning(NamedTuple):
    """What is wrong, what to do, what began before it, and whether it is told of the place where that began."""

    message: str
    help: str | None
    began: str | None = None
    at_beginning: bool = False


class _Place(NamedTuple):
    """The two places of an error in the text: the letter at which the parser gave up, and the one where it began.

    A letter is empty where there is none; ``line`` is the line in which the parser gave up.
    """

    text: str
    mark: Any
    begin: Any
    line: str
    letter: str
    first: str


def syntax_finding(error: yaml.YAMLError, text: str) -> Finding:
    """Return the finding for a text that is not YAML."""
    text = text.removeprefix("\ufeff")  # the parser does not count it
    if isinstance(error, ReaderError):
        return _unacceptable(error.character, text)
    place = _place(error, text)
    meaning = _meaning(error, place) or _Meaning(f"this is not YAML: {_said(error)}", None)
    related = (Related(f"{meaning.began} begins here", _point(place.begin)),) if meaning.began and place.begin else ()
    mark = place.begin if meaning.at_beginning else place.mark
    return Finding.of("yaml-syntax", meaning.message, _point(mark), None, meaning.help, related)


def _said(error: yaml.YAMLError) -> str:
    """Return what the parser says, without the places."""
    said = error.problem or error.context if isinstance(error, yaml.MarkedYAMLError) else str(error).partition("\n")[0]
    return said or "the parser does not say why"


def surrogate_finding(error: UnicodeEncodeError, text: str) -> Finding:
    """Return the finding for a text, not from a file, that holds half a letter."""
    return _unacceptable(ord(text[error.start]), text)


def _unacceptable(letter: Any, text: str) -> Finding:
    """Return the finding for a letter that YAML does not know, a number or the letter itself."""
    code = letter if isinstance(letter, int) else ord(letter[:1] or "\0")
    before = _LINE_END.split(text[: max(0, text.find(chr(code)))])
    at = Position(len(before), len(before[-1]) + 1)
    message = f"the character U+{code:04X} cannot stand in YAML"
    return Finding.of(
        "yaml-syntax", message, Span(at, at), None, "remove it, or write it as an escape in double quotes"
    )


def _place(error: yaml.YAMLError, text: str) -> _Place:
    begin = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or begin
    line = _line(text, mark.line) if mark else ""
    first = _line(text, begin.line)[begin.column : begin.column + 1] if begin else ""
    return _Place(text, mark, begin, line, line[mark.column : mark.column + 1] if mark else "", first)


def _meaning(error: yaml.YAMLError, place: _Place) -> _Meaning | None:
    if place.letter == "\t":
        return _Meaning("a tab cannot stand here", "YAML forbids tabs here; indent with spaces")
    if isinstance(error, ScannerError):
        return _of_scanner(place)
    if isinstance(error, ParserError):
        return _of_parser(place)
    return _of_composer(place) if isinstance(error, ComposerError) else None


def _of_scanner(place: _Place) -> _Meaning | None:
    """Return what is wrong with a word."""
    if place.first in ("'", '"') and place.first and not _closed(place):
        return _in_quotes(place)
    if place.begin and place.first not in ("|", ">", "%") and _far(place):
        return _Meaning(
            "a colon is missing behind this key",
            "write key: value, or - value for an entry of a list; is the line indented right?",
            at_beginning=True,
        )
    if place.letter == ":":
        return _Meaning(
            "a key cannot stand here",
            "is the line above indented right? A text that holds a colon and a space needs quotes",
        )
    if place.letter == "-":
        return _Meaning("an entry of a list cannot stand here", "begin a list on a line of its own, or write [a, b]")
    if place.letter in ("%", "@", "`"):
        return _Meaning(f"{place.letter} cannot stand here", f"put a text that begins with {place.letter} in quotes")
    return None


def _closed(place: _Place) -> bool:
    """Say whether a text in quotes ends in front of the place at which the parser gave up."""
    found = _QUOTED.match(place.text, _offset(place.text, place.begin))
    return found is not None and found.end() <= _offset(place.text, place.mark)


def _far(place: _Place) -> bool:
    """Say whether the parser gave up where a key that began can no longer end."""
    return bool(place.mark.line > place.begin.line or place.mark.column - place.begin.column > _LONGEST_KEY)


def _in_quotes(place: _Place) -> _Meaning:
    if _offset(place.text, place.mark) >= len(place.text):
        return _Meaning("the file ends inside quotes", "close the quotes", "the text")
    if place.mark.column == 0 and place.line.startswith(("---", "...")):
        return _Meaning("a mark between documents stands inside quotes", "close the quotes", "the text")
    return _Meaning("\\ begins an escape inside double quotes, and this is none", "use single quotes, or write \\\\")


def _of_parser(place: _Place) -> _Meaning | None:
    """Return what is wrong with how words stand together."""
    if place.first in ("[", "{"):
        bracket, what = ("]", "the list") if place.first == "[" else ("}", "the mapping")
        written = _unquoted(place.line, place.mark.column)
        return _Meaning(
            f"expected a comma or {bracket}: {what} is not closed",
            f'put the expression in quotes, "{written}": inside {{...}} and [...] a comma or a bracket would end it'
            if written
            else f"is a comma, a {bracket} or a quote missing above?",
            what,
        )
    if (
        place.begin is None
        or (place.begin.line, place.begin.column) >= (place.mark.line, place.mark.column)
        or place.first in ("!", "&")
    ):
        return None
    what = "the list" if place.first == "-" else "the mapping"
    if place.letter in ("]", "}"):
        return _Meaning(f"this {place.letter} closes nothing", "is there one too many?", what)
    if place.first == "-":
        return _Meaning(
            "expected an entry of the list, - ..., or its end",
            "is this line indented right? All entries of one list stand in one column",
            what,
        )
    return _Meaning(
        "expected a key of the mapping, or its end",
        "is this line indented right? All keys of one mapping stand in one column",
        what,
    )


def _of_composer(place: _Place) -> _Meaning | None:
    """Return what is wrong with anchors, or with what stands behind the end."""
    if place.letter == "*":
        return _Meaning("an alias has no anchor", "an alias *name needs an anchor &name above it")
    if place.letter in ("&", "!"):
        return _Meaning("the anchor stands twice", "give the second anchor another name")
    return _Meaning(
        "the file holds more than one document",
        "a network file is one document; put the second into a file of its own",
    )


def _line(text: str, index: int) -> str:
    """Return a line as the parser counts them; one behind the last is empty."""
    lines = _LINE_END.split(text)
    return lines[index] if index < len(lines) else ""


def _offset(text: str, mark: Any) -> int:
    """Return where a mark stands in the text; its own index counts a byte order mark in one of the two parsers."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
    return starts[min(int(mark.line), len(starts) - 1)] + int(mark.column)


def _point(mark: Any) -> Span:
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Span(Position(line, column), Position(line, column + 1))


def _unquoted(line: str, column: int) -> str | None:
    """Return the expression with a bracket that stands without quotes around ``column``."""
    for found in re.finditer(r"(?<![^\s\[{,:])=[^\"'}]*", line):
        if found.start() <= column <= found.end() and re.search(r"[\[(]", found.group()):
            depth = 0
            for place, letter in enumerate(found.group()):
                depth += (letter in "([") - (letter in ")]")
                if letter == "," and depth == 0:
                    return found.group()[:place]
            return found.group()
    return None
