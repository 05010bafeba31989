"""The small readers that every part of a file needs: values, constants, names, mappings with known keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yaml.nodes import Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Span
from shapecheck.findings.limits import Limits
from shapecheck.language import vocabulary
from shapecheck.language.document import plain_value, span_of
from shapecheck.language.spelling import meanings
from shapecheck.language.templates import Name
from shapecheck.language.values import Misread, Value, mapping_entries
from shapecheck.layers.fields import Kind, describe
from shapecheck.text import nearest, suggest


class ValueReader:
    """Reads values and collects what is wrong in ``findings``."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.findings: list[Finding] = []

    def report(self, rule: str, message: str, span: Span, help: str | None = None, layer: str | None = None) -> None:
        """Note one mistake."""
        self.findings.append(Finding.of(rule, message, span, layer, help))

    def unknown(
        self,
        rule: str,
        message: str,
        node: ScalarNode,
        words: Iterable[str],
        what: str,
        layer: str | None = None,
        help: str | None = None,
    ) -> None:
        """Note a word that is not known, and offer the nearest one in its place."""
        known = list(words)
        best = nearest(node.value, known, meanings())
        span = span_of(node)
        fix = (
            Fix(f"write {best}", Applicability.SAFE, (Edit(span, best),))
            if best is not None and not node.style
            else None
        )
        self.findings.append(
            Finding.of(rule, message, span, layer, help or suggest(node.value, known, what, meanings()), (), fix)
        )

    def value(self, node: Node) -> Value | None:
        """Return a value, or None where an expression in it cannot be parsed."""
        try:
            return Value(node, self.limits.expression_length)
        except Misread as error:
            self.findings.append(error.finding)
            return None

    def constant(self, node: Node, key: str, kind: Kind) -> Any:
        """Return a value that may not hold an expression, or None where it is not of its kind."""
        value = self.value(node)
        if value is None:
            return None
        if not value.constant:
            self.report("wrong-value", f"{key}: an expression cannot stand here", value.span)
            return None
        try:
            return value.read(kind, key)
        except Misread as error:
            self.findings.append(error.finding)
            return None

    def text(self, node: Node, key: str) -> str:
        """Return a text, or an empty one where there is none."""
        if isinstance(node, ScalarNode):
            return str(node.value)
        self.report("wrong-value", f"{key}: expected a text", span_of(node))
        return ""

    def name_of(self, node: Node, key: str) -> Name | None:
        """Return the name of a layer, or None where there is none."""
        value = plain_value(node) if isinstance(node, ScalarNode) else [] if isinstance(node, SequenceNode) else {}
        if isinstance(value, str) and value and not value.startswith("="):
            return Name(value, span_of(node))
        if type(value) is int and isinstance(node, ScalarNode):
            return Name(node.value, span_of(node))
        found = "a list" if isinstance(value, list) else describe(value)
        what = "a name" if key == "name" else f"the name of a {'block' if key == 'block' else 'layer'}"
        self.report("wrong-value", f"{key}: expected {what}, found {found}", span_of(node))
        return None

    def names(self, node: Node, key: str) -> list[Name]:
        """Return one name or a list of them."""
        if isinstance(node, SequenceNode):
            if not node.value:
                self.report("wrong-value", f"{key}: expected at least one name, found []", span_of(node))
            return [name for item in node.value if (name := self.name_of(item, key)) is not None]
        name = self.name_of(node, key)
        return [] if name is None else [name]

    def layer_name(self, node: Node) -> Name | None:
        """Return the name that an input or layer is given."""
        name = self.name_of(node, "name")
        if name is not None and "." in name.text:
            self.report(
                "wrong-value",
                f"the name {name.text} holds a dot, which parts a block from what is inside it",
                name.span,
                "use _ instead",
            )
            return None
        return name

    def known(self, node: Node, what: str, keys: dict[str, str]) -> dict[str, Node]:
        """Return the entries of a mapping under known keys, reporting the others."""
        parts = {}
        for key, key_node, value in mapping_entries(node, what, self.findings):
            if key in keys:
                parts[key] = value
            else:
                self.unknown("unknown-key", f"{what}: unknown key {key}", key_node, keys, "keys")
        return parts

    def param(self, name: str, key_node: ScalarNode, node: Node, required: bool) -> Value | None:
        """Return a param's value; null, where ``required`` allows it, is None."""
        if not vocabulary.IDENTIFIER.match(name) or name in ("index", "min", "max", "and", "or", "not", "if", "else"):
            self.report(
                "wrong-value",
                f"{name!r} is no name for a param",
                span_of(key_node),
                "a name is letters, digits and _, begins with a letter, and is no word of the language",
            )
            return None
        if required and isinstance(node, ScalarNode) and plain_value(node) is None:
            return None
        value = self.value(node)
        if value is not None and value.constant and not is_param(value.data):
            self.report(
                "wrong-value",
                f"param {name}: expected a number, true, false or a list of numbers, found {describe(value.data)}",
                value.span,
            )
            return None
        return value

    def shape_value(self, node: Node, key: str) -> Value | None:
        """Return a value that lists sizes."""
        if not isinstance(node, SequenceNode):
            self.report("wrong-value", f"{key}: expected a shape, a list such as [N, 64, _, _]", span_of(node))
            return None
        return self.value(node)


def is_param(data: Any) -> bool:
    """Say whether a value can be that of a param."""
    if isinstance(data, list):
        return all(is_param(item) and not isinstance(item, list) for item in data)
    return isinstance(data, (bool, int)) or (isinstance(data, float) and data == data and abs(data) != float("inf"))
