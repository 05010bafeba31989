"""Lists of layers to templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Span
from shapecheck.findings.limits import Limits
from shapecheck.language import vocabulary
from shapecheck.language.document import plain_value, span_of
from shapecheck.language.spelling import meanings
from shapecheck.language.templates import LayerTemplate, Memory
from shapecheck.language.value_reader import ValueReader, is_param
from shapecheck.language.values import Misread, mapping_entries
from shapecheck.layers.base import REGISTRY, default_of
from shapecheck.layers.context import Problem
from shapecheck.layers.fields import REQUIRED, FieldError, Key, Kind, describe
from shapecheck.text import nearest, suggest


class LayerReader(ValueReader):
    """Reads lists of layers.

    ``before`` is what was read of an earlier tree, ``memory`` what is read of this one.
    """

    def __init__(self, limits: Limits, before: Memory | None = None) -> None:
        super().__init__(limits)
        self.before = before
        self.memory = Memory()

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
                    if value is not None and value.constant and not is_param(value.data):
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
                self._unknown_key(template, op, key_node, [*keys, *vocabulary.LAYER_KEYS])
                meant.add(nearest(key, keys, meanings()))
        self._defaults(template, op, keys, meant)
        if not template.broken and not template.open:
            template.layer = self.make(template, template.fixed, template.name or None)
            template.broken = template.layer is None

    def _unknown_key(self, template: LayerTemplate, op: str, node: ScalarNode, known: list[str]) -> None:
        key = node.value
        help = (
            "repeat and with belong to a layer that places a block"
            if key in vocabulary.BLOCK_LAYER_KEYS
            else "inside {...} a comma ends a value: write a list in [...], and an expression in quotes"
            if key.endswith((")", "]"))
            else suggest(key, known, "keys", meanings())
        )
        self.unknown("unknown-key", f"{op} has no key {key}", node, known, "keys", template.name or None, help)
        template.broken = True

    def _defaults(self, template: LayerTemplate, op: str, keys: Mapping[str, Key], meant: set[str | None]) -> None:
        """Fill in the keys that are not given; report those that must be, unless one was ``meant`` by another word."""
        for key, declared in keys.items():
            if key in template.fixed or key in template.open or key in template.keys:
                continue
            if declared.default is REQUIRED and key not in meant:
                help = f"add {key}: {declared.doc}"
                self.report("missing-key", f"{op} needs {key}", template.span, help, template.name or None)
                template.broken = True
            template.fixed[key] = default_of(declared)

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
