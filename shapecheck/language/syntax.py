"""What the YAML parser stumbled over, in the words of a reader: what was expected, where it began, what to do."""

from __future__ import annotations

import re
from typing import Any

import yaml

from shapecheck.findings.finding import Finding, Position, Related, Span

_OPEN = {
    "while parsing a block mapping": "the mapping",
    "while parsing a flow mapping": "the mapping",
    "while parsing a block collection": "the list",
    "while parsing a flow sequence": "the list",
    "while scanning a quoted scalar": "the text",
}
# What the parser says: what it means, and what to do.
_MEANING: dict[str, tuple[str, str]] = {
    "did not find expected key": (
        "expected a key of the mapping, or its end",
        "is this line indented right? All keys of one mapping stand in one column",
    ),
    "did not find expected '-' indicator": (
        "expected an entry of the list, - ..., or its end",
        "is this line indented right? All entries of one list stand in one column",
    ),
    "could not find expected ':'": (
        "a colon is missing behind this key",
        "write key: value, or - value for an entry of a list; is the line indented right?",
    ),
    "mapping values are not allowed in this context": (
        "a key cannot stand here",
        "is the line above indented right? A text that holds a colon and a space needs quotes",
    ),
    "found unexpected end of stream": ("the file ends inside quotes", "close the quotes"),
    "found unknown escape character": (
        "\\ begins an escape inside double quotes, and this is none",
        "use single quotes, or write \\\\",
    ),
    "did not find expected hexdecimal number": (
        "\\ begins an escape inside double quotes, and this is none",
        "use single quotes, or write \\\\",
    ),
    "found undefined alias": ("an alias has no anchor", "an alias *name needs an anchor &name above it"),
    "second occurrence": ("the anchor stands twice", "give the second anchor another name"),
    "but found another document": (
        "the file holds more than one document",
        "a network file is one document; put the second into a file of its own",
    ),
}


def syntax_finding(error: yaml.YAMLError, text: str) -> Finding:
    """Return the finding for a text that is not YAML."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Finding.of("yaml-syntax", str(error).splitlines()[0], Span(Position(1, 1), Position(1, 1)))
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "the text is not YAML"
    if error.context == "while scanning a simple key":
        mark = error.context_mark or mark
    where = _OPEN.get(error.context or "")
    related = (Related(f"{where} begins here", _point(error.context_mark)),) if where and error.context_mark else ()
    message, help = _meaning(problem, where, mark, text)
    return Finding.of("yaml-syntax", message, _point(mark), None, help, related)


def _meaning(problem: str, where: str | None, mark: Any, text: str) -> tuple[str, str | None]:
    line = _line(text, mark.line) if mark else ""
    at = line[mark.column : mark.column + 1] if mark else ""
    if at == "\t":
        return "a tab cannot stand here", "YAML forbids tabs here; indent with spaces"
    if problem == "found character that cannot start any token":
        return f"{at} cannot stand here", f"put a text that begins with {at} in quotes"
    if problem in ("did not find expected ',' or '}'", "did not find expected ',' or ']'"):
        bracket = problem[-2]
        written = _unquoted(line, mark.column)
        return f"expected a comma or {bracket}: {where} is not closed", (
            f'put the expression in quotes, "{written}": inside {{...}} and [...] a comma or a bracket would end it'
            if written
            else f"is a comma, a {bracket} or a quote missing above?"
        )
    if problem == "did not find expected key" and at in ("]", "}"):
        return f"this {at} closes nothing", "is there one too many?"
    return _MEANING.get(problem, (problem, None))


def _line(text: str, index: int) -> str:
    """Return a line as the parser counts them; one behind the last is empty."""
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    return lines[index] if index < len(lines) else ""


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
