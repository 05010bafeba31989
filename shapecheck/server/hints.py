"""Output shapes beside the layers, and the outline of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types
from yaml.nodes import MappingNode, ScalarNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, show
from shapecheck.findings.finding import Position, Span
from shapecheck.language.templates import LayerTemplate, Name
from shapecheck.server.checker import Analysis
from shapecheck.server.names import has_name
from shapecheck.server.places import end_of


def inlay_hints(analysis: Analysis, wanted: types.Range) -> list[types.InlayHint]:
    """Return the output shape of each layer whose hint stands in the lines of a range."""
    shapes = analysis.report.shapes
    if shapes is None or analysis.file is None:
        return []
    found = []
    for template in _templates(analysis):
        if template.mapping is None or not _near(template.mapping, wanted):
            continue
        label = _label(analysis, shapes, template.mapping)
        place = _beside(template.mapping)
        if label is None or place is None:
            continue
        position = analysis.text.position(analysis.text.at(place))
        if wanted.start.line <= position.line <= wanted.end.line:
            found.append(types.InlayHint(position, label, types.InlayHintKind.Type, padding_left=True))
    return found


def _templates(analysis: Analysis) -> Iterator[LayerTemplate]:
    if analysis.file is not None:
        yield from analysis.file.layers
        for block in analysis.file.blocks.values():
            yield from block.layers


def _near(mapping: MappingNode, wanted: types.Range) -> bool:
    """Say whether a layer may reach into a range; where lines end oddly the editor counts fewer of them."""
    return bool(mapping.start_mark.line <= wanted.end.line + 1_000 and mapping.end_mark.line >= wanted.start.line)


def _beside(mapping: MappingNode) -> Position | None:
    """Return where the hint of a layer stands: behind its brace, or behind what says which op or block it is."""
    if mapping.flow_style and mapping.start_mark.line == mapping.end_mark.line:
        return Position(mapping.end_mark.line + 1, mapping.end_mark.column + 1)
    for key, value in mapping.value:
        if key.value in ("op", "block") and isinstance(value, ScalarNode):
            return Position(value.end_mark.line + 1, value.end_mark.column + 1)
    return None


def _label(analysis: Analysis, shapes: Shapes, mapping: MappingNode) -> str | None:
    indices = [node.index for node in analysis.nodes.get(id(mapping), [])]
    indices = indices or [placing.output for placing in analysis.placings.get(id(mapping), [])]
    outputs = [shapes.outputs[index] for index in indices]
    known = [shape for shape in outputs if shape is not None]
    if not known:
        return None
    return f"→ {copies(outputs)}"


def copies(outputs: list[Shape | None]) -> str:
    """Return the shape of a layer that stands at several places: the first that is known, and how many there are."""
    first = next((shape for shape in outputs if shape is not None), None)
    if first is None:
        return "unknown"
    if len(outputs) == 1:
        return show(first)
    return f"{show(first)} ×{len(outputs)}" if len(set(outputs)) == 1 else f"{show(first)} … ×{len(outputs)}"


def document_symbols(analysis: Analysis) -> list[types.DocumentSymbol]:
    """Return the outline: inputs, blocks with their layers, layers with their shapes, outputs."""
    file = analysis.file
    if file is None or analysis.root is None:
        return []
    outline = _Outline(analysis)
    return [
        *outline.words((template.name for template in file.inputs), types.SymbolKind.Interface, "input"),
        *(outline.block(name) for name in file.blocks),
        *outline.layers(file.layers),
        *outline.words((output.name for output in file.outputs or []), types.SymbolKind.Event, "output"),
    ]


class _Outline:
    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.text = analysis.text
        self.shapes = analysis.report.shapes

    def words(self, names: Iterable[Name], kind: types.SymbolKind, detail: str) -> list[types.DocumentSymbol]:
        return [self._symbol(name.text, kind, detail, name.span, name.span) for name in names]

    def block(self, name: str) -> types.DocumentSymbol:
        assert self.analysis.file is not None
        block = self.analysis.file.blocks[name]
        inner = self.layers(block.layers)
        span = block.name.span
        mappings = [layer.mapping for layer in block.layers if layer.mapping is not None]
        whole = Span(span.start, max([span.end, *(end_of(mapping) for mapping in mappings)]))
        symbol = self._symbol(name, types.SymbolKind.Class, "block", whole, span)
        symbol.children = inner
        return symbol

    def layers(self, layers: list[LayerTemplate]) -> list[types.DocumentSymbol]:
        found = []
        for layer in layers:
            if layer.mapping is None:
                continue
            start = Position(layer.mapping.start_mark.line + 1, layer.mapping.start_mark.column + 1)
            whole = Span(min(start, layer.span.start), max(end_of(layer.mapping), layer.span.end))
            label = None if self.shapes is None else _label(self.analysis, self.shapes, layer.mapping)
            what = layer.block.text if layer.block is not None else layer.op or ""
            kind = types.SymbolKind.Object if layer.block is not None else types.SymbolKind.Function
            detail = " ".join(part for part in (what if has_name(layer) else "", label) if part)
            found.append(self._symbol(layer.name, kind, detail, whole, layer.span))
        return found

    def _symbol(self, name: str, kind: types.SymbolKind, detail: str, whole: Span, span: Span) -> types.DocumentSymbol:
        # The protocol wants a name with something in it.
        return types.DocumentSymbol(name or "?", kind, self.text.span(whole), self.text.span(span), detail)
