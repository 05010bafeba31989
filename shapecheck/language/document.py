"""YAML text to a tree of nodes that know their place.

PyYAML's C parser does the reading. Nothing is constructed and no tag is obeyed; scalars are read as YAML 1.2 has
them. Size, nesting and alias expansion are bounded before anything walks the tree.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Finding, Position, Span
from shapecheck.language.limits import Limits
from shapecheck.language.source import FILE_START
from shapecheck.language.syntax import syntax_finding

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".nan": float("nan"),
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
}
_LONGEST_NUMBER = 300


class TooDeep(Exception):
    """A text nests deeper than the limit; ``node`` is the first that does."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node


class _Composer(CParser):
    """PyYAML's composer without tag resolution, which the language does not use and which costs half the time.

    Its hooks, called on the way down and up, bound the nesting: the composer recurses in C without a limit.
    """

    def __init__(self, text: str, nesting: int) -> None:
        CParser.__init__(self, text)
        self.left = nesting

    def resolve(self, kind: type, value: str | None, implicit: Any) -> None:
        return None

    def descend_resolver(self, parent: Node | None, index: Any) -> None:
        self.left -= 1
        if self.left < 0 and parent is not None:
            raise TooDeep(parent)

    def ascend_resolver(self) -> None:
        self.left += 1


def span_of(node: Node) -> Span:
    """Return where a node stands; a collection in block style ends with its first line."""
    start, end = node.start_mark, node.end_mark
    begin = Position(start.line + 1, start.column + 1)
    if isinstance(node, ScalarNode):
        return Span(begin, Position(end.line + 1, end.column + 1))
    if isinstance(node, CollectionNode) and node.flow_style:
        if start.line == end.line:
            return Span(begin, Position(end.line + 1, end.column + 1))
    elif isinstance(node, MappingNode) and node.value:
        return span_of(node.value[0][0])
    return Span(begin, Position(begin.line, begin.column + 1))


def plain_value(node: ScalarNode) -> Any:
    """Return a scalar as YAML 1.2 reads it: None, a bool, an int, a float or a text."""
    text = node.value
    if node.style:
        return text
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INTEGER.match(text):
        return int(text) if len(text) <= _LONGEST_NUMBER else text
    if _FLOAT.match(text):
        return float(text)
    return text


def compose(text: str, nesting: int) -> Node | None:
    """Return the tree of a text as it is, None where there is nothing in it. Raises YAMLError and TooDeep."""
    with collector_off():
        root: Node | None = _Composer(text, nesting).get_single_node()
    return root


def parse(text: str, limits: Limits) -> MappingNode | Finding:
    """Return the root of the tree, a mapping, or the finding that says why there is none."""
    try:
        root = compose(text, limits.nesting)
    except TooDeep as error:
        return Finding.of(
            "nesting-too-deep",
            f"the file nests deeper than {limits.nesting} levels",
            _point(error.node.start_mark),
            help="raise limits.nesting in the configuration if it is meant to be this deep",
        )
    except yaml.YAMLError as error:
        return syntax_finding(error, text)
    if root is None or (isinstance(root, ScalarNode) and root.value == "" and not root.style):
        return Finding.of(
            "empty-file",
            "the file is empty",
            FILE_START,
            help="a network file has at least the keys shapecheck, inputs and layers",
        )
    if ("*" in text and "&" in text) or "!" in text:
        odd = _inspect(root, limits)
        if odd is not None:
            return odd
    if not isinstance(root, MappingNode):
        kind = "a list" if isinstance(root, SequenceNode) else "a single value"
        return Finding.of(
            "wrong-type",
            f"the file holds {kind}; a network is a mapping with the keys shapecheck, inputs, layers",
            span_of(root),
        )
    return root


@contextmanager
def collector_off() -> Iterator[None]:
    """Keep the cycle collector from walking a growing network again and again: three times faster on large files."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _point(mark: Any) -> Span:
    return Span(Position(mark.line + 1, mark.column + 1), Position(mark.line + 1, mark.column + 2))


def _inspect(root: Node, limits: Limits) -> Finding | None:
    """Bound what the aliases expand to, and refuse circles and tags."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        children = _children(node)
        if done:
            open_nodes.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
            if sizes[id(node)] > limits.nodes:
                return Finding.of(
                    "alias-expansion",
                    f"with its aliases expanded the file has more than {limits.nodes:,} values",
                    span_of(node),
                    help="raise limits.nodes in the configuration if it is meant to be this large",
                )
            continue
        if id(node) in sizes:
            continue
        if id(node) in open_nodes:
            return Finding.of(
                "alias-expansion", "an alias stands inside its own anchor, so the value would never end", span_of(node)
            )
        if node.tag is not None:
            return Finding.of(
                "wrong-type",
                f"the tag {node.tag} has no meaning here",
                span_of(node),
                help="write the value without a tag",
            )
        open_nodes.add(id(node))
        stack.append((node, True))
        stack.extend((child, False) for child in children)
    return None


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []
