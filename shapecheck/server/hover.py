"""What is told of the place under the pointer."""

from __future__ import annotations

import re

from lsprotocol import types
from yaml.nodes import MappingNode, ScalarNode

from shapecheck.analysis import explain
from shapecheck.analysis.cost import cost
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import show
from shapecheck.findings import suppressions
from shapecheck.graph.network import Node
from shapecheck.language.document import span_of
from shapecheck.language.values import Misread
from shapecheck.layers import REGISTRY
from shapecheck.server import docs
from shapecheck.server.checker import Analysis
from shapecheck.server.names import Symbol
from shapecheck.server.places import TreePlace, find

# Copies of a layer that are listed.
MOST_COPIES = 6


def hover(analysis: Analysis, position: types.Position) -> types.Hover | None:
    """Return what is told of a place, or None where there is nothing to tell."""
    text = analysis.text
    offset = text.offset(position)
    found = _comment(analysis, offset) or _named(analysis, offset) or _written(analysis, offset)
    if found is None:
        return None
    told, start, end = found
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, told), text.range(start, end))


Told = tuple[str, int, int]


def _comment(analysis: Analysis, offset: int) -> Told | None:
    """Tell what a rule in an ``ignore`` comment is."""
    text = analysis.text
    line = text.position(offset).line
    if "shapecheck:" not in text.lines[line]:
        return None
    for match in suppressions.COMMENT.finditer(text.lines[line]):
        if match.group("codes") is None:
            continue
        for word in re.finditer(r"[^,\s]+", match.group("list")):
            start = text.starts[line] + match.start("list") + word.start()
            if start <= offset <= start + len(word.group()):
                page = docs.rule(word.group())
                return None if page is None else (page, start, start + len(word.group()))
    return None


def _named(analysis: Analysis, offset: int) -> Told | None:
    """Tell what is meant by a name: a layer that is read, a block, an input, a param, a dimension."""
    occurrence = analysis.names.at(offset)
    if occurrence is None or (occurrence.symbol.kind == "layer" and occurrence.defines):
        return None
    told = symbol(analysis, occurrence.symbol)
    return None if told is None else (told, occurrence.start, occurrence.end)


def symbol(analysis: Analysis, symbol: Symbol) -> str | None:
    """Tell what a symbol stands for."""
    if symbol.kind == "layer":
        template = analysis.names.layers.get(symbol.scope, {}).get(symbol.name)
        return None if template is None or template.mapping is None else layer(analysis, template.mapping)
    if symbol.kind == "block":
        return _block(analysis, symbol.name)
    if symbol.kind == "dimension":
        return _dimension(analysis, symbol.name)
    if symbol.kind == "param":
        return _param(analysis, symbol)
    return _input(analysis, symbol)


def _block(analysis: Analysis, name: str) -> str | None:
    block = analysis.names.file.blocks.get(name)
    if block is None:
        return None
    params = ", ".join(
        param if value is None else f"{param} = {_source(value.node)}" for param, value in block.params.items()
    )
    return f"**{name}**: a block of {len(block.layers)} layers" + (f"\n\nparams: {params}" if params else "")


def _source(node: object) -> str:
    return node.value if isinstance(node, ScalarNode) else "[…]"


def _param(analysis: Analysis, symbol: Symbol) -> str:
    if symbol.scope:
        block = analysis.names.file.blocks[symbol.scope]
        default = block.params.get(symbol.name)
        rest = "which the caller must give" if default is None else f"by default `{_source(default.node)}`"
        return f"**{symbol.name}**: a param of the block {symbol.scope}, {rest}"
    env: dict[str, object] = {}
    for name, value in analysis.names.file.params.items():
        try:
            env[name] = value.evaluate(env)
        except Misread:
            continue
    known = f" = {env[symbol.name]}" if symbol.name in env else ""
    return f"**{symbol.name}**{known}: a param of the file"


def _input(analysis: Analysis, symbol: Symbol) -> str:
    if symbol.scope:
        return f"**{symbol.name}**: what the block {symbol.scope} was given"
    network = analysis.report.network
    node = next((node for node in network.inputs if node.name == symbol.name), None) if network is not None else None
    if node is None or node.shape is None:
        return f"**{symbol.name}**: an input"
    named = [name or str(size) for name, size in zip(node.dims, node.shape, strict=True)]
    written = f", written {show(named)}" if any(node.dims) else ""
    return f"**{symbol.name}**: an input, `{show(node.shape)}`{written}"


def _dimension(analysis: Analysis, name: str) -> str:
    network = analysis.report.network
    dim = network.dims.get(name) if network is not None else None
    head = f"**{name}**: a dimension" + ("" if dim is None or dim.size is None else f", here {dim.size}")
    sizes = analysis.sizes.dims.get(name) if analysis.sizes is not None else None
    if sizes is None:
        return f"{head}\n\nWhich sizes work is not known: the file has errors, or no input has this dimension."
    lines = [head, "", f"Sizes that work: `{sizes.condition}`"]
    lines += [f"\n{fault.sentence(name)}" for fault in sizes.elsewhere]
    if sizes.given is not None and not sizes.elsewhere and sizes.accepts(sizes.given) is False:
        below, above = sizes.nearest(sizes.given)
        near = " and ".join(str(n) for n in (below, above) if n is not None)
        lines.append(f"\n{sizes.given} does not work{f'; the nearest that do: {near}' if near else ''}")
    lines += ["", *(f"- `{cause.layer}`: {cause.sentence}" for cause in sizes.causes)]
    if sizes.unresolved:
        lines += ["", "Not decided: " + "; ".join(sizes.unresolved)]
    return "\n".join(lines)


def _written(analysis: Analysis, offset: int) -> Told | None:
    """Tell of what is written: a key, an op, the layer around it."""
    if analysis.root is None:
        return None
    place = find(analysis.root, analysis.text.place(offset))
    if not isinstance(place.node, ScalarNode):
        return None
    parts = [_key(place)]
    if place.layer is not None:
        parts.append(layer(analysis, place.layer))
    told = "\n\n---\n\n".join(part for part in parts if part)
    if not told:
        return None
    span = span_of(place.node)
    return told, analysis.text.at(span.start), analysis.text.at(span.end)


def _key(place: TreePlace) -> str | None:
    """Tell what a key means, or an op does."""
    name = str(place.way[-1])
    if place.layer is None:
        keys = docs.keys_at(place.way[:-1])
        return docs.word(name, keys) if place.is_key or len(place.way) == 1 else None
    if place.way[-2:-1] and isinstance(place.way[-2], int):
        op = op_of(place.layer)
        if name == "op" and not place.is_key:
            return docs.op(op)
        return docs.key_of_op(op, name) or docs.key_of_layer(name)
    return None


def op_of(mapping: MappingNode) -> str:
    """Return the op of a layer, empty where it has none."""
    return next((str(value.value) for key, value in mapping.value if key.value == "op"), "")


def layer(analysis: Analysis, mapping: MappingNode) -> str | None:
    """Tell a layer's shapes, cost and arithmetic; of a layer in a block, those of its first copy."""
    shapes = analysis.report.shapes
    nodes = analysis.nodes.get(id(mapping), [])
    if shapes is None:
        return None
    if nodes:
        first = nodes[0]
        more = [f"`{node.name}` {_shape(shapes, node.index)}" for node in nodes[1 : MOST_COPIES + 1]]
        rest = len(nodes) - 1 - len(more)
        listed = f"\n\nlikewise {', '.join(more)}{f' and {rest} more' if rest > 0 else ''}" if more else ""
        return _layer(analysis, shapes, first) + listed
    placed = analysis.placings.get(id(mapping), [])
    if placed:
        lines = [f"`{one.path}` gives {_shape(shapes, one.output)}" for one in placed[:MOST_COPIES]]
        rest = len(placed) - len(lines)
        return "\n\n".join(lines) + (f"\n\nand {rest} more" if rest else "")
    return None


def _shape(shapes: Shapes, index: int) -> str:
    shape = shapes.outputs[index]
    return f"`{show(shape)}`" if shape is not None else "unknown"


def _layer(analysis: Analysis, shapes: Shapes, node: Node) -> str:
    context, output = shapes.context(node), shapes.outputs[node.index]
    given = " and ".join(_shape(shapes, index) for index in node.inputs)
    lines = [f"**{node.name}** ({node.op}): {given} → {_shape(shapes, node.index)}"]
    if node.layer is None or context is None or output is None or node.op not in REGISTRY:
        return lines[0]
    one = cost(shapes, node)
    facts = [f"parameters {explain.number(one.parameters)}"] if one.parameters != 0 else []
    facts += [f"multiply-adds {explain.number(one.multiply_adds)}"] if one.multiply_adds != 0 else []
    field = analysis.fields.get(node.index)
    facts += [f"receptive field {' x '.join(map(str, field))}"] if field else []
    if facts:
        lines += ["", "; ".join(facts)]
    steps = explain.layer_arithmetic(node.layer, context)
    # Axes that are computed alike are told once.
    told: dict[str, list[str]] = {}
    for step in steps:
        told.setdefault("\n".join(explain.lines(step)).partition(": ")[2], []).append(step.axis)
    for arithmetic, axes in told.items():
        lines += ["", "```text", f"{', '.join(axes)}: {arithmetic}", "```"]
    return "\n".join(lines)
