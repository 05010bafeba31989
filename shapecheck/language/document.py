"""YAML text to a tree of nodes that know their place.

PyYAML's C parser does the reading, or its Python one where PyYAML was built without libyaml. Nothing is constructed and
no tag is obeyed; scalars are read as YAML 1.2 has them. Size, nesting and alias expansion are bounded before anything
walks the tree.
"""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Finding, Position, Span
from shapecheck.findings.limits import Limits
from shapecheck.language.source import FILE_START
from shapecheck.language.syntax import surrogate_finding, syntax_finding

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


class BoundedComposer:
    """What makes a composer of PyYAML's bound the nesting and leave tags unresolved.

    Its hooks are called on the way down and up: the composer recurses without a limit of its own. The language does not
    use what tags resolve to, and resolving them costs half the time.
    """

    left: int

    def resolve(self, kind: type, value: str | None, implicit: Any) -> None:
        """Give no tag to a node that is written without one."""

    def descend_resolver(self, parent: Node | None, index: Any) -> None:
        """Go down one level. Raises TooDeep."""
        self.left -= 1
        if self.left < 0 and parent is not None:
            raise TooDeep(parent)

    def ascend_resolver(self) -> None:
        """Come back up."""
        self.left += 1


class PythonComposer(BoundedComposer, yaml.BaseLoader):
    """Composes a text in Python: the same tree, several times slower."""

    def __init__(self, text: str, nesting: int) -> None:
        yaml.BaseLoader.__init__(self, text)
        self.left = nesting


def _fastest_composer() -> Callable[[str, int], Any]:
    """Return what composes a text within a number of levels."""
    if not yaml.__with_libyaml__:
        return PythonComposer

    class LibyamlComposer(BoundedComposer, yaml.CBaseLoader):
        def __init__(self, text: str, nesting: int) -> None:
            yaml.CBaseLoader.__init__(self, text)
            self.left = nesting

    return LibyamlComposer


composer = _fastest_composer()


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
    composing = composer(text, nesting)
    try:
        with collector_off():
            root: Node | None = composing.get_single_node()
    except yaml.MarkedYAMLError as error:
        if error.problem_mark is not None:
            _look_for_depth(text, error.problem_mark, composing.left, nesting)
        raise
    return root


def _look_for_depth(text: str, mark: yaml.Mark, left: int, nesting: int) -> None:
    """Raise TooDeep where a text nests too deep in the line in which the parser gave up.

    The parser reads brackets that could be a key, so up to the end of their line, before it hands out the first; and
    since PyYAML 6.0.4 it gives up at a depth of its own. What lies in front of that place is composed by itself.
    """
    before = text.removeprefix("\ufeff")[: mark.index]
    line = before[-mark.column :] if mark.column else ""
    if line.count("[") + line.count("{") <= left:
        return
    with contextlib.suppress(yaml.YAMLError), collector_off():
        composer(before, nesting).get_single_node()


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
    except UnicodeEncodeError as error:
        return surrogate_finding(error, text)
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


@contextlib.contextmanager
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
