"""A value as it was written: a constant, or something with expressions in it, that knows its place."""

from __future__ import annotations

from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.arithmetic.shape import too_large
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Position, Related, Span
from shapecheck.language.document import plain_value, span_of
from shapecheck.language.expressions import Env, Expression, ExpressionError, parse
from shapecheck.language.spelling import meanings
from shapecheck.language.vocabulary import ANY_SIZE
from shapecheck.layers.fields import FieldError, Kind
from shapecheck.text import nearest, suggest

NOTHING: Env = {}


class Computed(int):
    """A whole number that came out of arithmetic: it is not the word that the number would be as it is written."""

    __slots__ = ()


class Value:
    """One value of the file. ``constant`` says that it holds no expression; ``names`` are those it asks for."""

    __slots__ = ("constant", "data", "names", "node")

    def __init__(self, node: Node, longest: int) -> None:
        """Read ``node``. Raises Misread where an expression in it cannot be parsed."""
        self.node = node
        names: set[str] = set()
        self.constant = True
        self.data = self._read(node, longest, names)
        self.names = names

    def _read(self, node: Node, longest: int, names: set[str]) -> Any:
        if isinstance(node, ScalarNode):
            value = plain_value(node)
            if isinstance(value, str) and value.startswith("="):
                try:
                    expression = parse(value[1:], longest)
                except ExpressionError as error:
                    raise Misread(_expression_finding(error, node, ())) from None
                self.constant = False
                names |= expression.names
                return expression
            return value
        if isinstance(node, SequenceNode):
            return [self._read(item, longest, names) for item in node.value]
        return {}

    @property
    def span(self) -> Span:
        """Where the value stands."""
        return span_of(self.node)

    def arithmetic_on(self) -> dict[str, Span]:
        """Return the names in the arithmetic of a list, each with its place; =name alone asks for a param's value."""
        items = zip(self.data, self.node.value, strict=True) if isinstance(self.data, list) else ()
        found: dict[str, Span] = {}
        for item, node in items:
            if isinstance(item, Expression) and not item.bare:
                for name in sorted(item.names):
                    found.setdefault(name, span_of(node))
        return found

    @property
    def holds_words(self) -> bool:
        """Whether a bare word stands in a list here, such as the name of a dimension."""
        return isinstance(self.data, list) and any(isinstance(item, str) for item in self.data)

    def evaluate(self, env: Env, words: Env | None = None) -> Any:
        """Return the value with its expressions evaluated, and the bare words in a list looked up in ``words``.

        Raises Misread.
        """
        if self.constant and (words is None or not self.holds_words):
            return self.data
        return self._evaluate(self.data, self.node, env, words)

    def _evaluate(self, data: Any, node: Node, env: Env, words: Env | None) -> Any:
        if isinstance(data, str) and words is not None:
            if data in words and isinstance(node, ScalarNode) and not node.style:
                return words[data]
            raise Misread(_unknown_word(data, node, env, words))
        if isinstance(data, Expression):
            try:
                return data.value(env)
            except ExpressionError as error:
                assert isinstance(node, ScalarNode)
                raise Misread(_expression_finding(error, node, env), error.name) from None
        if isinstance(data, list):
            return [self._evaluate(item, child, env, words) for item, child in zip(data, node.value, strict=True)]
        return data

    def read(self, kind: Kind, key: str, env: Env = NOTHING, words: Env | None = None) -> Any:
        """Return the value, evaluated and read as ``kind``. Raises Misread."""
        value = self.evaluate(env, words)
        try:
            return kind.read(self._computed(value) if kind.sizes else value)
        except FieldError as error:
            raise Misread(self._field_finding(error, key, value)) from None

    def _computed(self, value: Any) -> Any:
        """Return a list with -1 marked where it came out of arithmetic; =rest, of a param, is as good as written."""
        if not isinstance(value, list) or not isinstance(self.data, list):
            return value
        return [
            Computed(item)
            if isinstance(written, Expression) and item == -1 and not isinstance(item, float) and not written.bare
            else item
            for item, written in zip(value, self.data, strict=True)
        ]

    def _field_finding(self, error: FieldError, key: str, value: Any) -> Finding:
        node = self.node
        for step in error.path:
            if not isinstance(node, SequenceNode) or step >= len(node.value):
                break
            node = node.value[step]
            value = value[step] if isinstance(value, list) else value
        written = node.value if isinstance(node, ScalarNode) else ""
        help, fix = None, None
        if isinstance(value, str):
            best = nearest(value, error.choices, meanings())
            help = f"did you mean {best}?" if best else f"write {value}, without quotes" if value.isdigit() else None
            if value.startswith("("):
                help = "write a list in [...]"
        message = f"{key}: {error.message}"
        if written.startswith("="):
            message += f" (the value of {written})"
            if isinstance(value, float):
                help = "round it with // 1"
        elif isinstance(value, float) and value.is_integer():
            help = f"write {int(value)}"
            fix = _instead(node, str(int(value)))
        elif isinstance(value, str) and value.isdigit() and help is not None:
            fix = _instead(node, value)
        about = (key, type(value).__name__)
        return Finding.of("wrong-value", message, span_of(node), help=help, fix=fix, subject=about)


class Misread(Exception):
    """A value cannot be read; ``finding`` says why. ``name`` is set where it asks for a name that is not known."""

    def __init__(self, finding: Finding, name: str | None = None) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.name = name


def _instead(node: Node, text: str) -> Fix:
    return Fix(f"write {text}", Applicability.SAFE, (Edit(span_of(node), text),))


def _unknown_word(word: str, node: Node, env: Env, words: Env) -> Finding:
    if isinstance(node, ScalarNode) and node.style:
        help = (
            f"a size is a number or the name of a dimension, without quotes: write {word}"
            if word in words or word.isdigit()
            else "a size is a number or the name of a dimension, without quotes"
        )
        fix = _instead(node, word) if word.isdigit() else None
        return Finding.of("wrong-value", f'expected a size, found the text "{word}"', span_of(node), help=help, fix=fix)
    if word.isdecimal():
        return Finding.of("wrong-value", too_large(f"a number with {len(word)} digits"), span_of(node))
    if word == ANY_SIZE:
        return Finding.of(
            "unknown-dimension",
            f"{ANY_SIZE} is no dimension: it stands for any size in expect, and only there",
            span_of(node),
            help="write a number, or a name for a size that may vary",
        )
    if word in env:
        return Finding.of(
            "unknown-dimension",
            f"{word} is a param, not a dimension",
            span_of(node),
            help=f"write ={word} for its value",
            fix=_instead(node, f"={word}"),
        )
    return Finding.of(
        "unknown-dimension",
        f"no input has a dimension called {word}",
        span_of(node),
        help=suggest(word, words, "dimensions"),
    )


def _expression_finding(error: ExpressionError, node: ScalarNode, env: Any) -> Finding:
    span = span_of(node)
    if span.start.line == span.end.line:
        column = span.start.column + 1 + (1 if node.style else 0) + error.offset
        width = len(error.name) if error.name else 1
        if column < span.end.column:
            span = Span(Position(span.start.line, column), Position(span.start.line, column + width))
    if error.name is not None:
        return Finding.of(
            "unknown-param",
            f"unknown name {error.name} in ={node.value[1:].strip()}",
            span,
            help=suggest(error.name, env, "params"),
        )
    return Finding.of("bad-expression", error.message, span, help=error.help)


def mapping_entries(node: Node, what: str, findings: list[Finding]) -> list[tuple[str, ScalarNode, Node]]:
    """Return (key, key's node, value's node) of a mapping, in order, reporting keys that are repeated or no text."""
    if not isinstance(node, MappingNode):
        found = "a list" if isinstance(node, SequenceNode) else f'"{node.value}"' if node.value else "nothing"
        findings.append(
            Finding.of("wrong-type", f"{what}: expected a mapping (key: value), found {found}", span_of(node))
        )
        return []
    entries: list[tuple[str, ScalarNode, Node]] = []
    seen: dict[str, ScalarNode] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            findings.append(Finding.of("wrong-type", f"{what}: a key is a word, not a collection", span_of(key)))
        elif key.value in seen:
            first = span_of(seen[key.value])
            findings.append(
                Finding.of(
                    "duplicate-key",
                    f"the key {key.value} is given twice; it stands already at line {first.start.line}",
                    span_of(key),
                    help="remove one of the two",
                    related=(Related("first given here", first),),
                )
            )
        else:
            seen[key.value] = key
            entries.append((key.value, key, value))
    return entries
