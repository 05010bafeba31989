"""Lists of layers to templates, and the small readers that every part of a file needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Span
from shapecheck.language import vocabulary
from shapecheck.language.document import plain_value, span_of
from shapecheck.language.limits import Limits
from shapecheck.language.spelling import meanings
from shapecheck.language.templates import LayerTemplate, Memory, Name
from shapecheck.language.values import Misread, Value, mapping_entries
from shapecheck.layers.base import REGISTRY, Problem, default_of
from shapecheck.layers.fields import REQUIRED, FieldError, Kind, describe
from shapecheck.text import nearest, suggest


class LayerReader:
    """Reads lists of layers and collects what is wrong in ``findings``.

    ``before`` is what was read of an earlier tree, ``memory`` what is read of this one.
    """

    def __init__(self, limits: Limits, before: Memory | None = None) -> None:
        self.limits = limits
        self.findings: list[Finding] = []
        self.before = before
        self.memory = Memory()

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
        if value is not None and value.constant and not _is_param(value.data):
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

    def layers(self, node: Node, what: str) -> list[LayerTemplate]:
        """Return the templates of a list of layers."""
        if not isinstance(node, SequenceNode):
            found = (
                "a mapping"
                if isinstance(node, MappingNode)
                else describe(plain_value(node))
                if isinstance(node, ScalarNode)
                else "nothing"
            )
            self.report("wrong-type", f"layers of {what}: expected a list (- op: ...), found {found}", span_of(node))
            return []
        if not node.value:
            self.report("wrong-type", f"{what} has no layers", span_of(node), "list at least one layer")
        counts: dict[str, int] = {}
        taken: dict[str, Span] = {}
        templates: list[tuple[LayerTemplate, bool]] = []
        for item in node.value:
            template, named = self._layer(item) if self.before is None else self._layer_again(item, self.before)
            if named:
                if template.name in taken:
                    first = taken[template.name]
                    self.report(
                        "duplicate-name",
                        f"the name {template.name} is taken already, at line {first.start.line}",
                        template.span,
                        "give one of the two layers another name",
                    )
                    template = template.changed(broken=True)
                taken.setdefault(template.name, template.span)
            templates.append((template, named))
        result = []
        for template, named in templates:
            if not named:
                stem = template.name
                while True:
                    counts[stem] = counts.get(stem, 0) + 1
                    name = f"{stem}_{counts[stem]}"
                    if name not in taken:
                        break
                template = template.changed(name=name)
            result.append(template)
        return result

    def _layer_again(self, node: Node, before: Memory) -> tuple[LayerTemplate, bool]:
        """Return what was read of a node before, or read it and keep that."""
        known = before.layers.get(id(node))
        if known is None:
            so_far = len(self.findings)
            template, named = self._layer(node)
            known = (node, template, named, tuple(self.findings[so_far:]))
        else:
            self.findings += known[3]
        self.memory.layers[id(node)] = known
        return known[1], known[2]

    def _layer(self, node: Node) -> tuple[LayerTemplate, bool]:
        if not isinstance(node, MappingNode):
            return self._no_layer(node), False
        entries = {key: (key_node, value) for key, key_node, value in mapping_entries(node, "a layer", self.findings)}
        name = self.layer_name(entries["name"][1]) if "name" in entries else None
        lead = entries.get("op") or entries.get("block")
        span = name.span if name else span_of(lead[1]) if lead else span_of(node)
        template = LayerTemplate(name.text if name else "", span)
        template.mapping = node
        self._wiring(template, entries)
        if "op" in entries and "block" in entries:
            self.report(
                "contradicting-keys",
                "a layer is an op or the placing of a block, not both",
                span_of(entries["block"][0]),
                "keep op or block",
                template.name or None,
            )
            template.broken = True
        elif "op" in entries:
            self._op(template, entries)
        elif "block" in entries:
            self._block(template, entries)
        else:
            self.report(
                "missing-key",
                "a layer needs op or block",
                span,
                "add op: WORD, such as op: conv, or block: NAME",
                template.name or None,
            )
            template.op = "layer"
            template.broken = True
        if name is None:
            template.name = (template.block.text if template.block else template.op) or "layer"
        return template, name is not None

    def _no_layer(self, node: Node) -> LayerTemplate:
        """Report an entry that is no mapping; it stands for a layer of which nothing is known."""
        value = plain_value(node) if isinstance(node, ScalarNode) else None
        word = value if isinstance(value, str) else ""
        kind = REGISTRY.get(word)
        message = "a layer is a mapping such as {op: conv, out_channels: 64, kernel_size: 3}"
        help = fix = None
        if kind is not None:
            needed = [key for key, declared in kind.keys_of(word).items() if declared.default is REQUIRED]
            parts = [
                f"op: {word}",
                *(["from: [a, b]"] if kind.arity[0] > 1 else []),
                *(f"{key}: ..." for key in needed),
            ]
            entry = f"{{{', '.join(parts)}}}"
            help = f"write {entry}"
            if len(parts) == 1:
                fix = Fix(help, Applicability.SAFE, (Edit(span_of(node), entry),))
        elif word:
            help = f"write {{op: WORD}}; {suggest(word, sorted(REGISTRY), 'ops', meanings())}"
        self.findings.append(Finding.of("wrong-type", message, span_of(node), None, help, (), fix))
        template = LayerTemplate(word if kind is not None else "layer", span_of(node))
        template.op = template.name
        template.broken = True
        return template

    def _wiring(self, template: LayerTemplate, entries: dict[str, tuple[ScalarNode, Node]]) -> None:
        if "from" in entries:
            so_far = len(self.findings)
            template.sources = self.names(entries["from"][1], "from")
            template.keys["from"] = span_of(entries["from"][1])
            template.broken = template.broken or len(self.findings) > so_far
        if "expect" in entries:
            template.expect = self.shape_value(entries["expect"][1], "expect")
        if "same_shape_as" in entries:
            template.same_as = self.name_of(entries["same_shape_as"][1], "same_shape_as")
        if "when" in entries:
            template.when = self.value(entries["when"][1])
            template.broken = template.broken or template.when is None

    def _block(self, template: LayerTemplate, entries: dict[str, tuple[ScalarNode, Node]]) -> None:
        template.block = self.name_of(entries["block"][1], "block")
        template.broken = template.broken or template.block is None
        legal = {**vocabulary.LAYER_KEYS, **vocabulary.BLOCK_LAYER_KEYS}
        for key, (key_node, node) in entries.items():
            if key == "with":
                for param, _, value_node in mapping_entries(node, "with", self.findings):
                    value = self.value(value_node)
                    if value is not None and value.constant and not _is_param(value.data):
                        self.report(
                            "wrong-value",
                            f"with {param}: expected a number, true, false or a list of numbers, "
                            f"found {describe(value.data)}",
                            value.span,
                            layer=template.name or None,
                        )
                        value = None
                    if value is not None:
                        template.given[param] = value
                        template.keys[f"with.{param}"] = span_of(_)
                    else:
                        template.broken = True
            elif key == "repeat":
                template.repeat = self.value(node)
                template.broken = template.broken or template.repeat is None
            elif key not in legal:
                best = nearest(key, legal, meanings())
                self.report(
                    "unknown-key",
                    f"placing a block: unknown key {key}",
                    span_of(key_node),
                    f"did you mean {best}?" if best else "a block takes its values by with: {...}",
                    template.name or None,
                )
                template.broken = True

    def _op(self, template: LayerTemplate, entries: dict[str, tuple[ScalarNode, Node]]) -> None:
        node = entries["op"][1]
        op = node.value if isinstance(node, ScalarNode) else ""
        template.op = op or "layer"
        kind = REGISTRY.get(op)
        if kind is None:
            found = "a list" if isinstance(node, SequenceNode) else "a mapping" if not op and node.value else "nothing"
            self.report(
                "unknown-op",
                f"unknown op {op}" if op else f"op: expected a word, found {found}",
                span_of(node),
                suggest(op, sorted(REGISTRY), "ops", meanings()) if op else "write one, such as op: conv",
                template.name or None,
            )
            template.broken = True
            return
        template.kind = kind
        keys = kind.keys_of(op)
        meant: set[str | None] = set()
        for key, (key_node, value_node) in entries.items():
            if key in keys:
                if keys[key].default is not None or not (
                    isinstance(value_node, ScalarNode) and plain_value(value_node) is None
                ):
                    self._key(template, key, keys[key].kind, value_node)
            elif key not in vocabulary.LAYER_KEYS:
                help = (
                    "repeat and with belong to a layer that places a block"
                    if key in vocabulary.BLOCK_LAYER_KEYS
                    else "inside {...} a comma ends a value: write a list in [...], and an expression in quotes"
                    if key.endswith((")", "]"))
                    else suggest(key, [*keys, *vocabulary.LAYER_KEYS], "keys", meanings())
                )
                self.unknown(
                    "unknown-key",
                    f"{op} has no key {key}",
                    key_node,
                    [*keys, *vocabulary.LAYER_KEYS],
                    "keys",
                    template.name or None,
                    help,
                )
                template.broken = True
                meant.add(nearest(key, keys, meanings()))
        for key, declared in keys.items():
            if key not in template.fixed and key not in template.open and key not in template.keys:
                if declared.default is REQUIRED and key not in meant:
                    self.report(
                        "missing-key",
                        f"{op} needs {key}",
                        template.span,
                        f"add {key}: {declared.doc}",
                        template.name or None,
                    )
                    template.broken = True
                template.fixed[key] = default_of(declared)
        if not template.broken and not template.open:
            template.layer = self.make(template, template.fixed, template.name or None)
            template.broken = template.layer is None

    def _key(self, template: LayerTemplate, key: str, kind: Kind, node: Node) -> None:
        template.keys[key] = span_of(node)
        value = self.value(node)
        if value is None:
            template.broken = True
        elif not value.constant or (kind.sizes and value.holds_words):
            template.open[key] = value
        else:
            try:
                template.fixed[key] = value.read(kind, key)
            except Misread as error:
                self.findings.append(error.finding._replace(layer=template.name or None))
                template.broken = True

    def make(self, template: LayerTemplate, values: dict[str, Any], name: str | None) -> Any:
        """Return the layer with these values, or None where they contradict each other."""
        assert template.kind is not None and template.op is not None
        layer = template.kind(template.op, values)
        try:
            layer.check()
        except Problem as problem:
            span = template.keys.get(problem.key, template.span) if problem.key else template.span
            self.report(problem.rule, problem.message, span, problem.help, name)
            return None
        except FieldError as error:
            self.report("wrong-value", error.message, template.span, None, name)
            return None
        return layer


def _is_param(data: Any) -> bool:
    if isinstance(data, list):
        return all(_is_param(item) and not isinstance(item, list) for item in data)
    return isinstance(data, (bool, int)) or (isinstance(data, float) and data == data and abs(data) != float("inf"))
