"""The tree of a text after an edit inside one entry of a list, made of the tree before it.

Only that entry goes through the parser again. This is exact because the parser's state at the first letter of an
entry depends on nothing but the text above, and the entry below begins at a dash in the same column, at which every
scalar and every collection inside the edited entry has ended, if that entry is whole by itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from shapecheck.findings.limits import Limits
from shapecheck.language.document import TooDeep, compose

# The parser ends lines at these too, and what begins or ends a document ends every state.
_ODD_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_MARKER = re.compile(r"^(---|\.\.\.|%)", re.MULTILINE)


class _Entry(NamedTuple):
    """An entry of a list in block style: the way to it from the root, its lines down to what follows, its column."""

    way: list[tuple[CollectionNode, int]]
    first: int
    behind: int
    column: int


def reparse(root: MappingNode, old: list[str], new: list[str], limits: Limits) -> MappingNode | None:
    """Return the tree of the lines ``new``, given the ``root`` of the lines ``old``; None where it takes a full parse.

    Every node outside the edited entry is the node of the tree before, which stays as it was. The end of a collection
    in block style is not brought up to date: nothing reads it.
    """
    if len(old) != len(new):
        return None
    changed = [at for at, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if not changed:
        return root
    entry = _entry(root, changed[0], changed[-1], len(new))
    if entry is None:
        return None
    chunk = "\n".join(new[entry.first : entry.behind]) + ("\n" if entry.behind < len(new) else "")
    dash = f"{' ' * entry.column}- "
    if not (old[entry.first].startswith(dash) and chunk.startswith(dash)):
        return None
    if any(mark in chunk for mark in "&*!") or _ODD_END.search(chunk) or _MARKER.search(chunk):
        return None
    try:
        found = compose("\n" * entry.first + chunk, limits.nesting - len(entry.way))
    except (yaml.YAMLError, TooDeep):
        return None
    if not isinstance(found, SequenceNode) or found.flow_style or len(found.value) != 1:
        return None
    return _replaced(entry.way, found.value[0])


def plain(text: str) -> bool:
    """Say whether a text is of the kind that can be parsed in pieces: no anchors, tags, odd ends of lines."""
    return not (("*" in text and "&" in text) or "!" in text or _ODD_END.search(text))


def _entry(root: MappingNode, first: int, last: int, end: int) -> _Entry | None:
    """Return the innermost entry of a list that holds all lines from ``first`` to ``last``; ``end`` is that of all."""
    found = None
    way: list[tuple[CollectionNode, int]] = []
    node: Node = root
    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        listed = isinstance(node, SequenceNode)
        starts = [(child if listed else child[0]).start_mark for child in node.value]
        at = _last_at(starts, first)
        if at < 0:
            break
        end = starts[at + 1].line if at + 1 < len(starts) else end
        if end <= last:
            break
        way.append((node, at))
        if listed:
            found = _Entry(list(way), starts[at].line, end, node.start_mark.column)
        node = node.value[at] if listed else node.value[at][1]
    return found


def _last_at(starts: list[yaml.Mark], line: int) -> int:
    """Return the last of some marks in order that stands at or above a line, -1 where none does."""
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        if starts[middle].line <= line:
            low = middle + 1
        else:
            high = middle
    return low - 1


def _replaced(way: list[tuple[CollectionNode, int]], node: Node) -> MappingNode | None:
    """Return the root with another node at the end of a way, sharing all else."""
    for parent, at in reversed(way):
        value = list(parent.value)
        value[at] = node if isinstance(parent, SequenceNode) else (value[at][0], node)
        kind = SequenceNode if isinstance(parent, SequenceNode) else MappingNode
        node = kind(parent.tag, value, parent.start_mark, parent.end_mark, parent.flow_style)
    return node if isinstance(node, MappingNode) else None
