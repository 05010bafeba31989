"""Changes to the text of a file that keep its comments and its form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shapecheck.findings.finding import Edit, Position, Span

if TYPE_CHECKING:
    from yaml.nodes import MappingNode


def add_key(mapping: MappingNode, beside: str, key: str, value: str) -> Edit | None:
    """Return the edit that adds ``key: value`` to a mapping, next to the key ``beside``, in the mapping's own style."""
    pair = next(((k, v) for k, v in mapping.value if k.value == beside), mapping.value[-1] if mapping.value else None)
    if pair is None:
        return None
    if mapping.flow_style:
        end = pair[1].end_mark
        return Edit(_point(end.line + 1, end.column + 1), f", {key}: {value}")
    start = pair[0].start_mark
    # Above its neighbour, so that a comment behind the neighbour's value stays with it.
    return Edit(_point(start.line + 1, start.column + 1), f"{key}: {value}\n{' ' * start.column}")


def replace_entry(mapping: MappingNode, old: str, key: str, value: str) -> Edit | None:
    """Return the edit that puts ``key: value`` in the place of the entry ``old``, or None where there is none."""
    for pair in mapping.value:
        if pair[0].value == old:
            start, end = pair[0].start_mark, pair[1].end_mark
            span = Span(Position(start.line + 1, start.column + 1), Position(end.line + 1, end.column + 1))
            return Edit(span, f"{key}: {value}")
    return None


def _point(line: int, column: int) -> Span:
    return Span(Position(line, column), Position(line, column))


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return ``text`` with every edit made. Raises ValueError where two of them overlap."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(position: Position) -> int:
        return starts[position.line - 1] + position.column - 1

    result = text
    limit = len(text) + 1
    for edit in sorted(set(edits), key=lambda e: (e.span.start, e.span.end), reverse=True):
        first, last = offset(edit.span.start), offset(edit.span.end)
        if last > limit or (last == limit and first == last):
            raise ValueError("two edits overlap")
        result = result[:first] + edit.text + result[last:]
        limit = first
    return result
