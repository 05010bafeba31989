"""What changed between two networks as tables, for those outputs that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from itertools import accumulate
from typing import Any, NamedTuple

from shapecheck.analysis.difference.changes import Difference, KeyChange, OutputChange, by_cause, counted
from shapecheck.analysis.difference.cost_changes import TotalChange
from shapecheck.analysis.difference.size_changes import SizesChange
from shapecheck.analysis.explain import number
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, show, show_sizes
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node
from shapecheck.text import and_more, plural

# Rows that one table shows; all of them stand in the JSON.
MOST_ROWS = 60
# Layers that one row names.
MOST_NAMES = 4
UNKNOWN = "unknown"
TOTALS = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "parameter_bytes": "parameters, bytes",
    "activation_bytes": "activations, bytes",
}


class Table(NamedTuple):
    """A table under a title; ``more`` counts the rows that were left out."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    more: int = 0


def headline(d: Difference) -> str:
    """Return the whole difference in one sentence."""
    if d.same:
        return f"No difference: {plural(len(d.new.shapes.network.layers), 'layer')}."
    if d.same is None:
        return "No difference in what is known."
    counts = [
        (len(d.added), "layer", "added"),
        (len(d.removed), "layer", "removed"),
        (len(d.renamed), "layer", "renamed"),
        (len(d.changed), "layer", "changed"),
        (len(d.shapes), "other shape", ""),
        (len(counted(d.found)), "new finding", ""),
        (len(counted(d.gone)), "finding", "gone"),
    ]
    said = [f"{plural(n, word)} {verb}".rstrip() for n, word, verb in counts if n]
    return f"{', '.join(said).capitalize() if said else 'No layer changed'}."


def tables(d: Difference) -> list[Table]:
    """Return the tables that have something to say."""
    found = [
        Table("Totals", ("", "before", "now", "change"), [_total(t) for t in d.totals.values()]),
        _limited("Layers", ("", "layer", "op", "what"), _layers(d)),
        _limited("Output shapes", ("layer", "before", "now", ""), _shapes(d)),
        _limited("Outputs", ("output", "shape", "receptive field"), [_output(o) for o in d.outputs if _told(o)]),
        _limited("Valid sizes", ("", "before", "now", ""), _sizes(d)),
        _limited("Dimensions", ("", "before", "now"), _dimensions(d)),
        _limited("Findings", ("", "code", "severity", "message"), _findings(d)),
    ]
    return [table for table in found if table.rows]


def _limited(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    listed = list(rows)
    return Table(title, head, listed[:MOST_ROWS], max(0, len(listed) - MOST_ROWS))


def quantity(total: TotalChange) -> str:
    """Return what changed of a total, in words."""
    if total.change is None:
        return (
            "not known: "
            + " and ".join(
                f"{plural(count, 'layer')} {when}"
                for count, when in zip(total.unknown, ("before", "now"), strict=True)
                if count
            )
            + " without a shape"
        )
    if total.differs is False:
        return "the same"
    return f"{_signed(total.change)}{_percent(total.percent)}"


def _total(total: TotalChange) -> tuple[str, ...]:
    ends = [
        f"{'at least ' if unknown else ''}{number(size)}"
        for size, unknown in zip((total.old, total.new), total.unknown, strict=True)
    ]
    return TOTALS[total.name], *ends, quantity(total)


def _signed(change: Size) -> str:
    return f"{'+' if change > 0 else '−'}{number(abs(change))}" if isinstance(change, int) else number(change)


def _percent(percent: Fraction | None) -> str:
    if percent is None:
        return ""
    text = f"{abs(float(percent)):,.1f}"
    text = f"{abs(float(percent)):.2g}" if text == "0.0" else text
    return f" ({'+' if percent > 0 else '−'}{text} %)"


def _layers(d: Difference) -> list[tuple[str, ...]]:
    rows = _whole_blocks("removed", d.removed, d.old.shapes) + _whole_blocks("added", d.added, d.new.shapes)
    alike: dict[tuple[str, str], list[str]] = {}
    for change in d.changed:
        what = "; ".join([*map(_key, change.keys), *map(_key, change.moved)])
        alike.setdefault((change.new.op, what), []).append(change.new.name)
    rows += [("changed", and_more(names, MOST_NAMES), op, what) for (op, what), names in alike.items()]
    return rows + _renamed(d.renamed)


def _whole_blocks(word: str, nodes: list[Node], shapes: Shapes) -> list[tuple[str, ...]]:
    """Return a row for each layer that came or went, or for the largest block that did so as a whole."""
    there = Counter(block for node in shapes.network.nodes for block in _blocks(node))
    gone = Counter(block for node in nodes for block in _blocks(node))
    rows: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        whole = next((block for block in _blocks(node) if gone[block] == there[block] > 1), None)
        if whole is not None:
            rows.setdefault(whole, (word, whole, "block", plural(gone[whole], "layer")))
        else:
            gives = _shape(shapes.outputs[node.index])
            rows[node.name] = (word, node.name, node.op, f"{'gave' if word == 'removed' else 'gives'} {gives}")
    return list(rows.values())


def _blocks(node: Node) -> list[str]:
    """Return the names of the placed blocks that a layer is in, the outermost first."""
    return list(accumulate(node.name.split(".")[:-1], lambda path, part: f"{path}.{part}"))


def _renamed(pairs: list[tuple[Node, Node]]) -> list[tuple[str, ...]]:
    """Return a row for each block or layer with another name: what lies in a renamed block is not listed."""
    groups: dict[tuple[str, str], list[Node]] = {}
    for old, new in pairs:
        was, now = old.name.split("."), new.name.split(".")
        while len(was) > 1 and len(now) > 1 and was[-1] == now[-1]:
            was.pop()
            now.pop()
        groups.setdefault((".".join(was), ".".join(now)), []).append(new)
    return [
        ("renamed", now, nodes[0].op, f"was {was}")
        if nodes[0].name == now
        else ("renamed", now, "", f"was {was}: {plural(len(nodes), 'layer')}")
        for (was, now), nodes in groups.items()
    ]


def _key(change: KeyChange) -> str:
    if change.key == "from":
        return f"reads {', '.join(change.new)} instead of {', '.join(change.old)}"
    return f"{change.key} {_value(change.old)} → {_value(change.new)}"


def _value(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_value, value))}]" if isinstance(value, (tuple, list)) else str(value)


def _shapes(d: Difference) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for cause, changes in by_cause(d.shapes).items():
        node = d.new.shapes.network.nodes[cause]
        own = [change for change in changes if change.new is node]
        below = plural(len(changes) - len(own), "layer")
        if own:
            told = "" if len(changes) == 1 else f"and {below} below it"
            rows.append((node.name, _shape(own[0].before), _shape(own[0].after), told))
        else:
            first = changes[0]
            told = f"because of {node.name}, which is new" + ("" if len(changes) == 1 else f"; {below} in all")
            rows.append((first.new.name, _shape(first.before), _shape(first.after), told))
    if d.unknown:
        rows.append((and_more([n.name for n in d.unknown], MOST_NAMES), UNKNOWN, UNKNOWN, "not compared"))
    return rows


def _shape(shape: Shape | None) -> str:
    return UNKNOWN if shape is None else show(shape)


def _told(output: OutputChange) -> bool:
    return not output.kept or output.shape_differs is not False or output.field_differs is not False


def _output(output: OutputChange) -> tuple[str, ...]:
    fields = ["" if field is None else show_sizes(field) for field in output.fields]
    if output.old is None or output.new is None:
        side = 0 if output.new is None else 1
        name = f"{output.old} (gone)" if output.new is None else f"{output.new} (new)"
        return name, _shape(output.shapes[side]), fields[side]
    name = output.new if output.kept else f"{output.old} → {output.new}"
    shape = " → ".join(map(_shape, output.shapes)) if output.shape_differs is not False else _shape(output.shapes[1])
    field = fields[1] if output.field_differs is False else " → ".join(f or UNKNOWN for f in fields)
    return name, shape, field


def _sizes(d: Difference) -> list[tuple[str, ...]]:
    rows = [_size(change) for change in d.sizes if change.status != "same"]
    if d.couplings[0] != d.couplings[1]:
        rows.append(("together", *("; ".join(found) or "no condition" for found in d.couplings), ""))
    return rows


def _size(change: SizesChange) -> tuple[str, ...]:
    ends = [
        "no such dimension" if found is None else found.condition + (" (partial)" if found.unresolved else "")
        for found in (change.old, change.new)
    ]
    told = []
    if change.lost is not None:
        told.append(f"{change.lost} worked and does not any more")
    if change.gained is not None:
        told.append(f"{change.gained} works now and did not")
    if change.status == "not_decided":
        told.append(f"not compared: {change.reasons[0]}")
    return change.name, *ends, "; ".join(told)


def _dimensions(d: Difference) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for change in d.promises:
        if change.sizes[0] != change.sizes[1]:
            rows.append((f"size of {change.name}", *("none" if s is None else str(s) for s in change.sizes)))
        if change.accepts[0] != change.accepts[1]:
            rows.append((f"{change.name} accepts", *(_promise(accepts) for accepts in change.accepts)))
    return rows


def _promise(accepts: Any) -> str:
    return "nothing said" if accepts is None else ", ".join(f"{key} {_value(v)}" for key, v in accepts.items())


def _findings(d: Difference) -> list[tuple[str, ...]]:
    return [_finding("new", one) for one in d.found] + [_finding("gone", one) for one in d.gone]


def _finding(word: str, d: Finding) -> tuple[str, ...]:
    return word, d.code, str(d.severity), f"{d.message} (line {d.span.start.line})"
