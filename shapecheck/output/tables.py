"""The layer table of a network, as text and as JSON."""

from __future__ import annotations

from typing import Any

from shapecheck.analysis.cost import cost, total
from shapecheck.analysis.explain import number
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.receptive_field import receptive_fields
from shapecheck.arithmetic.shape import Shape, show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.text import table


def size(value: Size) -> int | str:
    """Return a size as data; one that is not known is text."""
    return value if isinstance(value, int) else str(value)


def plain(shape: Shape | None) -> list[int | str] | None:
    """Return a shape as data; a size that is not known is text."""
    return None if shape is None else [size(one) for one in shape]


def as_json(shapes: Shapes) -> dict[str, Any]:
    """Return the table as the interface has it."""
    network = shapes.network
    fields = receptive_fields(shapes)
    layers = []
    for node in network.layers:
        one = cost(shapes, node)
        layers.append(
            {
                "name": node.name,
                "op": node.op,
                "line": node.source.span.start.line,
                "column": node.source.span.start.column,
                "inputs": [network.nodes[i].name for i in node.inputs],
                "input_shapes": [plain(shapes.outputs[i]) for i in node.inputs],
                "output_shape": plain(shapes.outputs[node.index]),
                "parameters": size(one.parameters),
                "multiply_adds": size(one.multiply_adds),
                "receptive_field": [size(one) for one in fields.get(node.index, ())],
            }
        )
    whole = total(shapes)
    return {
        "version": 1,
        "network": network.name,
        "dims": network.sizes,
        "layers": layers,
        "inputs": {node.name: plain(node.shape) for node in network.inputs},
        "outputs": {name: plain(shapes.outputs[index]) for name, index in network.outputs.items()},
        "totals": {"parameters": size(whole.parameters), "multiply_adds": size(whole.multiply_adds)},
    }


def as_text(shapes: Shapes) -> str:
    """Return the table for people, with totals below."""
    fields = receptive_fields(shapes)
    head = ["layer", "op", "output", "parameters", "multiply-adds", "receptive field"]
    rows = []
    for node in shapes.network.nodes:
        output = shapes.outputs[node.index]
        one = cost(shapes, node)
        field = " x ".join(str(size) for size in fields.get(node.index, ())) if node.layer is not None else ""
        rows.append(
            [
                node.name,
                node.op,
                show(output) if output is not None else "unknown",
                number(one.parameters) if one.parameters != 0 else "",
                number(one.multiply_adds) if one.multiply_adds != 0 else "",
                field,
            ]
        )
    lines = table([head, *rows], right={3, 4, 5})
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines.insert(1, "  ".join("-" * width for width in widths))
    whole = total(shapes)
    lines += [
        "",
        f"{len(shapes.network.layers)} layers, {number(whole.parameters)} parameters, "
        f"{number(whole.multiply_adds)} multiply-adds",
    ]
    for name, index in shapes.network.outputs.items():
        output = shapes.outputs[index]
        lines.append(f"output {name}: {show(output) if output is not None else 'unknown'}")
    return "\n".join(lines)
