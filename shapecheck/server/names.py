"""Who is called what in a file and where it is named: layers, blocks, inputs, params, dimensions.

Names are looked up as the expander does: inside a block what the block was given, then its layers, then the file's.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from yaml.nodes import Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Span
from shapecheck.language.document import span_of
from shapecheck.language.expressions import Expression
from shapecheck.language.templates import BlockTemplate, FileTemplate, LayerTemplate, Name
from shapecheck.language.values import Value
from shapecheck.language.vocabulary import ANY_SIZE
from shapecheck.layers.fields import LayerName
from shapecheck.server.positions import Text

# Copies of a repeated block that are offered by number.
MOST_COPIES = 100


class Symbol(NamedTuple):
    """Something that has a name. ``kind`` is layer, input, block, param or dimension; ``scope`` the block it is in."""

    kind: str
    scope: str
    name: str


class Occurrence(NamedTuple):
    """A place at which a symbol is named: offsets into the text, and whether it is declared there."""

    start: int
    end: int
    symbol: Symbol
    defines: bool


class NameIndex:
    """The symbols of a file and their occurrences."""

    def __init__(self, file: FileTemplate, text: Text) -> None:
        self.file = file
        self.text = text
        self.layers: dict[str, dict[str, LayerTemplate]] = {"": _by_name(file.layers)}
        self.inputs: dict[str, list[str]] = {"": [template.name.text for template in file.inputs]}
        for name, block in file.blocks.items():
            self.layers[name] = _by_name(block.layers)
            self.inputs[name] = [given.text for given in block.inputs] or ["input"]

    @cached_property
    def occurrences(self) -> list[Occurrence]:
        """Every occurrence, in the order of the text."""
        return sorted(set(_Walk(self).all()))

    @cached_property
    def _starts(self) -> list[int]:
        return [occurrence.start for occurrence in self.occurrences]

    def at(self, offset: int) -> Occurrence | None:
        """Return what is named at an offset, or just before it."""
        for index in (bisect_right(self._starts, offset) - 1, bisect_right(self._starts, offset - 1) - 1):
            if index >= 0 and self.occurrences[index].start <= offset <= self.occurrences[index].end:
                return self.occurrences[index]
        return None

    def of(self, symbol: Symbol) -> list[Occurrence]:
        """Return every occurrence of a symbol."""
        return [occurrence for occurrence in self.occurrences if occurrence.symbol == symbol]

    def definition(self, symbol: Symbol) -> tuple[int, int] | None:
        """Return where a symbol is declared, or where it begins to be, as a dimension that an input names."""
        every = self.of(symbol)
        declared = next((o for o in every if o.defines), None)
        if declared is None and symbol.kind == "dimension" and every:
            declared = every[0]
        if declared is not None:
            return declared.start, declared.end
        layer = self.layers.get(symbol.scope, {}).get(symbol.name) if symbol.kind == "layer" else None
        block = self.file.blocks.get(symbol.scope) if symbol.kind == "input" else None
        span = layer.span if layer is not None else block.name.span if block is not None else None
        return None if span is None else (self.text.at(span.start), self.text.at(span.end))

    def readable(self, scope: str) -> list[str]:
        """Return what ``from`` may name in a scope, the nearest first."""
        found = [*self.inputs.get(scope, []), *self.layers.get(scope, {})]
        if scope:
            found += [*self.inputs[""], *self.layers[""]]
        return list(dict.fromkeys(found))

    def inside(self, scope: str, path: list[str]) -> list[str]:
        """Return the names behind the dot of a path: the layers of the block that it places, or numbers of copies."""
        for place in dict.fromkeys((scope, "")):
            found = self._within(place, path)
            if not found:
                continue
            last = next((symbol for symbol in reversed(found) if symbol is not None), None)
            template = self.layers[last.scope][last.name] if last is not None else None
            if template is None or template.block is None:
                return []
            if template.repeat is not None and found[-1] is not None:
                count = template.repeat.data
                return [str(index) for index in range(min(count, MOST_COPIES) if isinstance(count, int) else 1)]
            return list(self.layers.get(template.block.text, {}))
        return []

    def resolve(self, scope: str, name: str) -> list[Symbol | None]:
        """Return the symbol of each part of a dotted name, None for the number of a copy; empty where it is unknown."""
        parts = name.split(".")
        for place in dict.fromkeys((scope, "")):
            if name in self.inputs.get(place, []):
                return [Symbol("input", place, name)]
            found = self._within(place, parts)
            if found:
                return found
        return []

    def _within(self, scope: str, parts: list[str]) -> list[Symbol | None]:
        found: list[Symbol | None] = []
        template: LayerTemplate | None = None
        copies = False
        for part in parts:
            if copies and part.isdigit():
                found.append(None)
                copies = False
                continue
            template = self.layers.get(scope, {}).get(part)
            if template is None or copies:
                return []
            found.append(Symbol("layer", scope, part))
            scope = template.block.text if template.block is not None else "\0"
            copies = template.repeat is not None
        return found

    def param(self, scope: str, name: str) -> Symbol | None:
        """Return what a name in an expression stands for."""
        block = self.file.blocks.get(scope)
        if block is not None and name in block.params:
            return Symbol("param", scope, name)
        if name in self.file.params or name in self.file.refused_params:
            return Symbol("param", "", name)
        return Symbol("dimension", "", name) if name in self.dimensions else None

    @cached_property
    def dimensions(self) -> set[str]:
        """The named dimensions."""
        return {name for name in self.file.dimension_names() if name != ANY_SIZE}


def has_name(layer: LayerTemplate) -> bool:
    """Say whether a layer was given its name, and has it not from its op and a number."""
    return layer.mapping is not None and any(key.value == "name" for key, _ in layer.mapping.value)


def _by_name(layers: list[LayerTemplate]) -> dict[str, LayerTemplate]:
    found: dict[str, LayerTemplate] = {}
    for layer in layers:
        found.setdefault(layer.name, layer)
    return found


class _Walk:
    """Goes through a file and yields every occurrence."""

    def __init__(self, names: NameIndex) -> None:
        self.names = names
        self.file = names.file
        self.text = names.text

    def all(self) -> Iterator[Occurrence]:
        file = self.file
        yield from self._params("", file.params, file.param_spans)
        yield from self._declarations()
        yield from self._layers(file.layers, "")
        for name, block in file.blocks.items():
            yield from self._block(name, block)
        for output in file.outputs or []:
            yield from self._path("", output.source)
            yield from self._value("", output.expect, True)
            if output.same_as is not None:
                yield from self._path("", output.same_as)
        for pair in file.symmetry:
            for end in pair:
                yield from self._path("", end)
        if file.sharding is not None:
            for dim, _ in file.sharding.dims:
                yield from self._word(dim, Symbol("dimension", "", dim.text))
            for given, _ in file.sharding.inputs:
                yield from self._path("", given)
            for layer in file.sharding.layers:
                yield from self._path("", layer.name)

    def _declarations(self) -> Iterator[Occurrence]:
        for template in self.file.inputs:
            yield from self._word(template.name, Symbol("input", "", template.name.text), True)
            yield from self._value("", template.shape, True)
        for name, dim in self.file.dims.items():
            yield from self._word(dim.name, Symbol("dimension", "", name), True)
            yield from self._value("", dim.size, False)

    def _block(self, name: str, block: BlockTemplate) -> Iterator[Occurrence]:
        yield from self._word(block.name, Symbol("block", "", name), True)
        yield from self._params(name, block.params, block.param_spans)
        for given in block.inputs:
            yield from self._word(given, Symbol("input", name, given.text), True)
        yield from self._layers(block.layers, name)
        if block.output is not None:
            yield from self._path(name, block.output)

    def _params(self, scope: str, params: Any, spans: dict[str, Span]) -> Iterator[Occurrence]:
        for param, span in spans.items():
            yield from self._word(Name(param, span), Symbol("param", scope, param), True)
            yield from self._value(scope, params.get(param), False)

    def _layers(self, layers: Iterable[LayerTemplate], scope: str) -> Iterator[Occurrence]:
        for layer in layers:
            if has_name(layer):
                yield from self._word(Name(layer.name, layer.span), Symbol("layer", scope, layer.name), True)
            for source in layer.sources or []:
                yield from self._path(scope, source)
            if layer.same_as is not None:
                yield from self._path(scope, layer.same_as)
            if layer.block is not None:
                yield from self._placing(layer, layer.block, scope)
            keys = layer.kind.keys_of(layer.op) if layer.kind is not None and layer.op is not None else {}
            for key, span in layer.keys.items():
                if key in keys and isinstance(keys[key].kind, LayerName) and isinstance(layer.fixed.get(key), str):
                    yield from self._path(scope, Name(layer.fixed[key], span))
            for key, value in layer.open.items():
                yield from self._value(scope, value, key in keys and keys[key].kind.sizes)
            yield from self._value(scope, layer.expect, True)
            yield from self._value(scope, layer.when, False)
            yield from self._value(scope, layer.repeat, False)

    def _placing(self, layer: LayerTemplate, block: Name, scope: str) -> Iterator[Occurrence]:
        if block.text in self.file.blocks:
            yield from self._word(block, Symbol("block", "", block.text))
        known = self.file.blocks.get(block.text)
        for param, value in layer.given.items():
            if known is not None and param in known.params:
                name = Name(param, layer.keys[f"with.{param}"])
                yield from self._word(name, Symbol("param", block.text, param))
            yield from self._value(scope, value, False)

    def _raw(self, span: Span) -> tuple[int, int]:
        """Return the offsets of a scalar's text, inside its quotes."""
        start, end = self.text.at(span.start), self.text.at(span.end)
        if (
            end - start >= 2
            and self.text.source[start] in "\"'"
            and self.text.source[end - 1] == self.text.source[start]
        ):
            return start + 1, end - 1
        return start, end

    def _word(self, name: Name, symbol: Symbol, defines: bool = False) -> Iterator[Occurrence]:
        yield Occurrence(*self._raw(name.span), symbol, defines)

    def _path(self, scope: str, name: Name) -> Iterator[Occurrence]:
        start, end = self._raw(name.span)
        if self.text.source[start:end] != name.text:
            return
        for part, symbol in zip(name.text.split("."), self.names.resolve(scope, name.text), strict=False):
            if symbol is not None:
                yield Occurrence(start, start + len(part), symbol, False)
            start += len(part) + 1

    def _value(self, scope: str, value: Value | None, sizes: bool) -> Iterator[Occurrence]:
        if value is not None and (not value.constant or (sizes and value.holds_words)):
            yield from self._data(scope, value.data, value.node, sizes)

    def _data(self, scope: str, data: Any, node: Node, sizes: bool) -> Iterator[Occurrence]:
        if isinstance(node, SequenceNode) and isinstance(data, list):
            for item, child in zip(data, node.value, strict=True):
                yield from self._data(scope, item, child, sizes)
        elif isinstance(node, ScalarNode):
            start, end = self._raw(span_of(node))
            if isinstance(data, Expression):
                yield from self._expression(scope, data, start, end, sizes)
            elif sizes and data in self.names.dimensions and not node.style:
                yield Occurrence(start, end, Symbol("dimension", "", data), False)

    def _expression(
        self, scope: str, expression: Expression, start: int, end: int, sizes: bool
    ) -> Iterator[Occurrence]:
        written = f"={expression.text}"
        if self.text.source[start:end].rstrip() != written.rstrip():
            return
        stripped = expression.text.strip()
        begin = start + written.index(stripped, 1)
        for part in ast.walk(ast.parse(stripped, mode="eval")):
            if not isinstance(part, ast.Name):
                continue
            symbol = self.names.param(scope, part.id)
            if symbol is None or (symbol.kind == "dimension" and not sizes):
                continue
            at = begin + len(stripped.encode()[: part.col_offset].decode("utf-8", "replace"))
            yield Occurrence(at, at + len(part.id), symbol, False)
