"""Everything that the page says, as data: no markup here, and no computing in the templates."""

from __future__ import annotations

from collections import Counter
from typing import Any

from shapecheck._version import __version__
from shapecheck.analysis.cost import item_bytes
from shapecheck.analysis.explain import layer_arithmetic
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.sizes.every_size import analyse
from shapecheck.analysis.transposed.symmetry import pairs, reconstructions
from shapecheck.arithmetic.symbolic import product
from shapecheck.figures import Figure, NoFigure
from shapecheck.figures.of_layer import figure_of_layer
from shapecheck.findings.catalogue import Phase
from shapecheck.findings.checked import Report, Settings
from shapecheck.graph.network import Node
from shapecheck.output import tables, verification_text
from shapecheck.output.verification_json import verification_json
from shapecheck.report import strips, verdict
from shapecheck.report.finding_cards import LABELS, finding
from shapecheck.report.tree import Group, grouped, listed

VERSION = 1
MOST_BARS = 14
FEWEST_BARS = 6
MOST_FIGURES = 1_000_000  # characters of SVG in one page
RANKS = ("error", "warning", "note")


def page_data(report: Report) -> dict[str, Any]:
    """Return the data behind the page."""
    lines = report.text.splitlines()
    data: dict[str, Any] = {
        "version": VERSION,
        "shapecheck": __version__,
        "path": report.path,
        "network": report.network.name if report.network is not None else report.path,
        "findings": sorted((finding(d, lines) for d in report.diagnostics), key=lambda f: RANKS.index(f["severity"])),
        "verification": None if report.verification is None else verification_json(report.verification),
        "costs": [] if report.verification is None else verification_text.rows(report.verification),
        "dims": report.network.sizes if report.network is not None else {},
        "layers": [],
        "groups": [],
        "figures": [],
        "bars": [],
        "sizes": [],
        "pairs": [],
        "ends": [],
        "totals": None,
    }
    if report.shapes is not None and report.network is not None:
        root = grouped(report.network)
        _layers(data, report, report.shapes, root)
        if report.clean(Phase.ASSEMBLED):
            found = analyse(report.network)
            data["sizes"] = [strips.strip(one, report.network) for one in found.dims.values()]
            data["couplings"] = [coupling.sentence() for coupling in found.couplings]
            data["pairs"] = strips.ladder(pairs(report.shapes))
            data["ends"] = [strips.ends(one) for one in reconstructions(report.shapes)]
    data["verdict"] = verdict.verdict(report, data)
    data["checks"] = verdict.checks(report, data)
    return data


def table_data(shapes: Shapes) -> dict[str, Any]:
    """Return the layer table alone."""
    data: dict[str, Any] = {"findings": [], "verification": None}
    report = Report(Settings(shapes.network.path), "", (), shapes.network, shapes)
    _layers(data, report, shapes, grouped(shapes.network), figures=False)
    return data


def _layers(data: dict[str, Any], report: Report, shapes: Shapes, root: Group, figures: bool = True) -> None:
    network = shapes.network
    album = Album(shapes)
    item = item_bytes(shapes)
    table = tables.as_json(shapes)
    layers = _rows(report, shapes, root, table, album if figures else None)
    data["layers"] = layers
    data["order"] = list(network.order)
    data["item_bytes"] = item
    data["groups"] = [
        {"label": g.label, "name": g.name, "parent": g.parent.number if g.parent else 0, "open": g.open}
        for g in listed(root)
    ]
    data["figures"] = album.pages
    data["totals"] = {
        **table["totals"],
        "memory": sum(one["memory"] for one in layers if isinstance(one["memory"], int) and one["op"] != "input"),
        "complete": all(isinstance(one["memory"], int) for one in layers),
        "layers": len(network.layers),
    }
    data["outputs"] = table["outputs"]
    data["bars"] = [
        bars(title, key, layers, root)
        for title, key in (
            ("Parameters", "parameters"),
            ("Multiply-adds", "multiply_adds"),
            ("Activation memory", "memory"),
        )
    ]


def _rows(
    report: Report, shapes: Shapes, root: Group, table: dict[str, Any], album: Album | None
) -> list[dict[str, Any]]:
    """Return a row for each input and layer; ``table`` is the JSON of the layers, ``album`` takes their figures."""
    network = shapes.network
    home = {
        child: group.number for group in (root, *listed(root)) for child in group.children if isinstance(child, int)
    }
    outputs: dict[int, list[str]] = {}
    for name, index in network.outputs.items():
        outputs.setdefault(index, []).append(name)
    gravest = _gravest(report)
    seen = cross_checked(report)
    trouble = {network.nodes[problem.node].name: problem.message for problem in shapes.troubles}
    rows = {row["name"]: row for row in table["layers"]}
    item = item_bytes(shapes)
    layers = []
    for node in network.nodes:
        shape = shapes.outputs[node.index]
        row = rows.get(node.name, {})
        memory = None if shape is None else tables.size(product(shape) * item)
        drawn = None if album is None or node.layer is None or shape is None else album.place(node)
        layers.append(
            {
                "name": node.name,
                "op": node.op,
                "line": node.source.span.start.line,
                "inputs": list(node.inputs),
                "reads": sorted(set(node.references.values()) - set(node.inputs)),
                "input_shapes": row.get("input_shapes", []),
                "output_shape": tables.plain(shape),
                "parameters": row.get("parameters", 0),
                "multiply_adds": row.get("multiply_adds", 0),
                "memory": memory,
                "receptive_field": row.get("receptive_field", []),
                "relationship": _relationship(shapes, node),
                "group": home[node.index],
                "outputs": outputs.get(node.index, []),
                "severity": gravest.get(node.name),
                "trouble": trouble.get(node.name),
                "figure": drawn,
                "witness": seen.get(node.name, seen[""]) if node.layer is not None else "",
            }
        )
    return layers


def cross_checked(report: Report) -> dict[str, str]:
    """Return what the cross-check says of each layer; the empty name is for those it does not mention."""
    proof = report.verification
    if proof is None:
        return {"": "not checked"}
    found = {one.layer or "": "not checked" for one in proof.not_checked}
    found |= {one.layer: "disagrees" for one in proof.disagreements}
    return {"": "agrees"} | found


def _gravest(report: Report) -> dict[str, str]:
    found: dict[str, str] = {}
    for d in report.diagnostics:
        label = LABELS[d.severity]
        if d.layer is not None and RANKS.index(label) <= RANKS.index(found.get(d.layer, "note")):
            found[d.layer] = label
    return found


def _relationship(shapes: Shapes, node: Node) -> str:
    context, layer = shapes.context(node), shapes.layer(node)
    if context is None or layer is None or shapes.outputs[node.index] is None:
        return ""
    found = [
        str(step.relationships[0]) if step.relationships else step.window.form.replace("_", " ")
        for step in layer_arithmetic(layer, context)
    ]
    return ", ".join(dict.fromkeys(found))


class Album:
    """The pictures of a page. Layers with the same arithmetic share one; beyond ``MOST_FIGURES`` there are no more."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.pages: list[dict[str, Any]] = []
        self.room = MOST_FIGURES
        self._known: dict[Any, int | None] = {}

    def place(self, node: Node) -> int | None:
        """Return the number of a layer's picture, or None where it has none."""
        context, layer = self.shapes.context(node), self.shapes.layer(node)
        if context is None or layer is None:
            return None
        windows = layer.windows(context)
        if not windows:
            return None
        key = (node.op, windows, getattr(layer, "padding", None) == "same_lower")
        if key not in self._known:
            try:
                self._known[key] = self._add(figure_of_layer(node.op, layer, context))
            except NoFigure:
                self._known[key] = None
        return self._known[key]

    def _add(self, figure: Figure) -> int | None:
        svg = figure.svg(style=False)
        if len(svg) > self.room:
            return None
        self.room -= len(svg)
        self.pages.append({"lines": list(figure.lines), "svg": svg})
        return len(self.pages) - 1


def _parts(root: Group) -> list[Group | int]:
    """Return the outermost blocks and layers; where these are few, blocks give way to what is in them."""
    parts = list(root.children)
    while len(parts) < FEWEST_BARS and any(isinstance(part, Group) for part in parts):
        largest = max((part for part in parts if isinstance(part, Group)), key=lambda group: len(group.nodes()))
        at = parts.index(largest)
        parts[at : at + 1] = largest.children
    return parts


def _label(group: Group) -> str:
    return group.label if group.name.endswith("]") else group.name


def bars(title: str, key: str, layers: list[dict[str, Any]], root: Group) -> dict[str, Any]:
    """Return how much of a total each outermost block or layer has; empty where a number is not known."""
    amounts: Counter[str] = Counter()
    for child in _parts(root):
        members = child.nodes() if isinstance(child, Group) else [child]
        values = [layers[n][key] for n in members if layers[n]["op"] != "input"]
        name = _label(child) if isinstance(child, Group) else layers[child]["name"]
        if any(not isinstance(value, int) for value in values if value is not None):
            return {"title": title, "rows": []}
        amounts[name] += sum(value for value in values if value is not None)
    total = sum(amounts.values())
    chosen = {name for name, amount in amounts.most_common(MOST_BARS) if amount}
    rows = [(name, amount) for name, amount in amounts.items() if name in chosen]
    rest = total - sum(amount for _, amount in rows)
    if rest:
        rows.append((f"{sum(1 for a in amounts.values() if a) - len(rows)} others", rest))
    most = max((amount for _, amount in rows), default=0)
    return {
        "title": title,
        "rows": [
            {"name": n, "amount": a, "share": round(100 * a / total, 1), "width": round(100 * a / most, 1)}
            for n, a in rows
        ],
        "unit": "bytes" if key == "memory" else "",
    }
