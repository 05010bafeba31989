"""What changed between two networks as JSON, version 1."""

from __future__ import annotations

from typing import Any

from shapecheck.analysis.difference.changes import Difference, KeyChange, OutputChange
from shapecheck.analysis.difference.cost_changes import LayerCost, TotalChange
from shapecheck.analysis.difference.size_changes import SizesChange
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.graph.network import Node
from shapecheck.output.json import VERSION, diagnostic
from shapecheck.output.tables import plain, size


def as_json(d: Difference) -> dict[str, Any]:
    """Return all that changed. ``same`` is null where nothing is known to have changed but not all is known."""
    return {
        "version": VERSION,
        "old": _side(d.old.shapes),
        "new": _side(d.new.shapes),
        "same": d.same,
        "layers": {
            "added": [_layer(d.new.shapes, node) for node in d.added],
            "removed": [_layer(d.old.shapes, node) for node in d.removed],
            "renamed": [{"old": old.name, "new": new.name, "op": new.op} for old, new in d.renamed],
            "changed": [
                {"old": c.old.name, "new": c.new.name, "op": c.new.op, "keys": _keys(c.keys), "moved": _keys(c.moved)}
                for c in d.changed
            ],
        },
        "shapes": {
            "changed": [
                {"layer": c.new.name, "old": plain(c.before), "new": plain(c.after), "cause": c.cause.name}
                for c in sorted(d.shapes, key=lambda c: c.new.index)
            ],
            "unknown": [node.name for node in sorted(d.unknown, key=lambda n: n.index)],
        },
        "costs": [{"layer": c.new.name, "old": _amounts(c.before), "new": _amounts(c.after)} for c in d.costs],
        "totals": {name: _total(total) for name, total in d.totals.items()},
        "outputs": [_output(output) for output in d.outputs],
        "sizes": {change.name: _sizes(change) for change in d.sizes},
        "couplings": {"old": d.couplings[0], "new": d.couplings[1]},
        "dims": {
            change.name: {
                "old": {"size": change.sizes[0], "accepts": change.accepts[0]},
                "new": {"size": change.sizes[1], "accepts": change.accepts[1]},
            }
            for change in d.promises
        },
        "diagnostics": {"new": [diagnostic(one) for one in d.found], "gone": [diagnostic(one) for one in d.gone]},
    }


def _side(shapes: Shapes) -> dict[str, Any]:
    network = shapes.network
    return {"path": network.path, "network": network.name, "dims": network.sizes, "layers": len(network.layers)}


def _layer(shapes: Shapes, node: Node) -> dict[str, Any]:
    names = [shapes.network.nodes[i].name for i in node.inputs]
    return {"name": node.name, "op": node.op, "inputs": names, "output_shape": plain(shapes.outputs[node.index])}


def _keys(changes: tuple[KeyChange, ...]) -> dict[str, Any]:
    return {c.key: {"old": _value(c.old), "new": _value(c.new)} for c in changes}


def _value(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_value(item) for item in value]
    return str(value) if isinstance(value, Symbolic) else value


def _amounts(amounts: LayerCost | None) -> dict[str, Any] | None:
    if amounts is None:
        return None
    return {"parameters": size(amounts.parameters), "multiply_adds": size(amounts.multiply_adds)}


def _total(total: TotalChange) -> dict[str, Any]:
    change, percent = total.change, total.percent
    return {
        "old": size(total.old),
        "new": size(total.new),
        "change": None if change is None else size(change),
        "percent": None if percent is None else round(float(percent), 4),
        "layers_unknown": {"old": total.unknown[0], "new": total.unknown[1]},
    }


def _output(output: OutputChange) -> dict[str, Any]:
    return {
        "old": None if output.old is None else _end(output, 0),
        "new": None if output.new is None else _end(output, 1),
    }


def _end(output: OutputChange, side: int) -> dict[str, Any]:
    name = output.new if side else output.old
    return {"name": name, "shape": plain(output.shapes[side]), "receptive_field": plain(output.fields[side])}


def _sizes(change: SizesChange) -> dict[str, Any]:
    ends = [
        None if found is None else {"status": found.status, "condition": found.condition}
        for found in (change.old, change.new)
    ]
    return {
        "status": change.status,
        "old": ends[0],
        "new": ends[1],
        "lost": change.lost,
        "gained": change.gained,
        "not_decided": list(change.reasons),
    }
