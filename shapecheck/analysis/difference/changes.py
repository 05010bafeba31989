"""What changed from one network to another: layers, connections, shapes and where the change began, cost, sizes."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from shapecheck.analysis.difference.cost_changes import CostChange, TotalChange, compare_costs
from shapecheck.analysis.difference.differing import shapes_differ
from shapecheck.analysis.difference.matching import Matching, keys, match
from shapecheck.analysis.difference.size_changes import PromiseChange, SizesChange, compare_promises, compare_sizes
from shapecheck.analysis.other_sizes import output_for
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.receptive_field import receptive_fields
from shapecheck.analysis.sizes.every_size import SizesAnalysis, analyse
from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Network, Node


class ComparedNetwork(NamedTuple):
    """One of two networks: its shapes, and what was found in its file."""

    shapes: Shapes
    diagnostics: tuple[Finding, ...] = ()


class KeyChange(NamedTuple):
    """What one key of a layer was and is; None where the layer does not have it. ``op`` and ``from`` are keys too."""

    key: str
    old: Any
    new: Any


class LayerChange(NamedTuple):
    """A layer that is in both networks and is not the same."""

    old: Node
    new: Node
    keys: tuple[KeyChange, ...]
    moved: tuple[KeyChange, ...]


class ShapeChange(NamedTuple):
    """An input or layer that puts out another shape; ``cause`` is the node of the new network where it began."""

    old: Node
    new: Node
    before: Shape | None
    after: Shape | None
    cause: Node


class OutputChange(NamedTuple):
    """An output of one network or of both; None where the one does not have it.

    ``fields`` are the receptive fields, None where the shape is not known.
    """

    old: str | None
    new: str | None
    shapes: tuple[Shape | None, Shape | None]
    fields: tuple[tuple[Size, ...] | None, tuple[Size, ...] | None]

    @property
    def kept(self) -> bool:
        """Whether both networks have it, under one name."""
        return self.old == self.new

    @property
    def shape_differs(self) -> bool | None:
        """Whether its shape changed; None where neither is known."""
        return shapes_differ(*self.shapes)

    @property
    def field_differs(self) -> bool | None:
        """Whether its receptive field changed; None where neither is known."""
        return shapes_differ(*self.fields)


class Difference(NamedTuple):
    """All that changed. Layers stand in the order of their own file; ``unknown`` have no known shape on either side."""

    old: ComparedNetwork
    new: ComparedNetwork
    added: list[Node]
    removed: list[Node]
    renamed: list[tuple[Node, Node]]
    changed: list[LayerChange]
    shapes: list[ShapeChange]
    unknown: list[Node]
    costs: list[CostChange]
    totals: dict[str, TotalChange]
    outputs: list[OutputChange]
    sizes: list[SizesChange]
    couplings: tuple[list[str], list[str]]
    promises: list[PromiseChange]
    found: list[Finding]
    gone: list[Finding]

    @property
    def same(self) -> bool | None:
        """Whether nothing changed; None where nothing is known to have, but not all is known."""
        layers = self.added or self.removed or self.renamed or self.changed or self.shapes or self.costs
        outputs = any(not o.kept or o.shape_differs or o.field_differs for o in self.outputs)
        sizes = any(s.status not in ("same", "not_decided") for s in self.sizes)
        if layers or outputs or sizes or self.promises or self.found or self.gone:
            return False
        if self.couplings[0] != self.couplings[1] or any(total.differs for total in self.totals.values()):
            return False
        open_questions = [total.differs for total in self.totals.values()] + [s.status for s in self.sizes]
        return None if self.unknown or None in open_questions or "not_decided" in open_questions else True


def compare(old: ComparedNetwork, new: ComparedNetwork) -> Difference:
    """Return what changed from ``old`` to ``new``. Both networks could be read; their shapes may be broken."""
    before, after = old.shapes.network, new.shapes.network
    matching = match(before, after)
    pairs = [(before.nodes[o], after.nodes[n]) for n, o in sorted(matching.to_old.items())]
    changed = [change for pair in pairs if (change := _layer_change(*pair, matching, before, after)) is not None]
    shapes, unknown = _compare_shapes(old.shapes, new.shapes, matching, changed)
    costs, totals = compare_costs(old.shapes, new.shapes, matching)
    sets: list[SizesAnalysis] = [analyse(before), analyse(after)]
    found, gone = _compare_findings(old, new, matching)
    return Difference(
        old,
        new,
        [node for node in after.nodes if node.index not in matching.to_old],
        [node for node in before.nodes if node.index not in matching.to_new],
        [pair for pair in pairs if pair[0].name != pair[1].name],
        changed,
        shapes,
        unknown,
        costs,
        totals,
        _compare_outputs(old.shapes, new.shapes, matching),
        compare_sizes(*sets),
        ([c.sentence() for c in sets[0].couplings], [c.sentence() for c in sets[1].couplings]),
        compare_promises(before, after),
        found,
        gone,
    )


def _layer_change(old: Node, new: Node, matching: Matching, before: Network, after: Network) -> LayerChange | None:
    one, other = keys(old), keys(new)
    changes = [] if old.op == new.op else [KeyChange("op", old.op, new.op)]
    every = dict.fromkeys((*one, *other))
    changes += [KeyChange(key, one.get(key), other.get(key)) for key in every if one.get(key) != other.get(key)]
    if before.sizes == after.sizes:
        # What is expected in sizes of a dimension says another number once that has another size.
        stated = [[str(e.text) for e in node.expect if e.same_as is None] for node in (old, new)]
        if stated[0] != stated[1]:
            changes.append(KeyChange("expect", *(", ".join(texts) or None for texts in stated)))
    moved = []
    if [matching.to_new.get(i) for i in old.inputs] != list(new.inputs):
        names = [before.nodes[i].name for i in old.inputs], [after.nodes[i].name for i in new.inputs]
        moved.append(KeyChange("from", *names))
    for key in dict.fromkeys((*old.references, *new.references)):
        was, now = old.references.get(key), new.references.get(key)
        if now is None or was is None or matching.to_new.get(was) != now:
            ends = (None if was is None else before.nodes[was].name, None if now is None else after.nodes[now].name)
            moved.append(KeyChange(key, *ends))
    return LayerChange(old, new, tuple(changes), tuple(moved)) if changes or moved else None


def _compare_shapes(
    old: Shapes, new: Shapes, matching: Matching, changed: list[LayerChange]
) -> tuple[list[ShapeChange], list[Node]]:
    """Return the shapes that changed, each with the first layer upstream at which a change began."""
    touched = {change.new.index for change in changed if change.keys}
    began: dict[int, int] = {}
    found, unknown = [], []
    for index in new.network.order:
        node = new.network.nodes[index]
        above = [began[i] for i in (*node.inputs, *node.references.values()) if i in began]
        was = matching.to_old.get(index)
        if was is None:
            if above:
                began[index] = above[0]
            elif not node.inputs or new.outputs[node.inputs[0]] != new.outputs[index]:
                began[index] = index
            continue
        before, after = old.outputs[was], new.outputs[index]
        answer = shapes_differ(before, after)
        if answer is None:
            unknown.append(node)
        elif answer:
            own = index in touched and _changes_by_itself(old, old.network.nodes[was], node)
            began[index] = index if own or not above else above[0]
            cause = new.network.nodes[began[index]]
            found.append(ShapeChange(old.network.nodes[was], node, before, after, cause))
    return found, unknown


def _changes_by_itself(old: Shapes, was: Node, now: Node) -> bool:
    """Say whether a layer, put in the place that it had, gives another shape: then it is a cause by itself."""
    context = old.context(was)
    if context is None or now.layer is None:
        return True
    if len(was.inputs) != len(now.inputs) or was.references.keys() != now.references.keys():
        # It takes other things, so it cannot be put in that place.
        return True
    return output_for(now.layer, context, context.inputs) != old.outputs[was.index]


def _compare_outputs(old: Shapes, new: Shapes, matching: Matching) -> list[OutputChange]:
    """Return every output of either network, by name, and what is left by the layer that it comes from."""
    before, after = old.network.outputs, new.network.outputs
    names: dict[str, str | None] = {name: name if name in before else None for name in after}
    left = {matching.to_new.get(index): name for name, index in before.items() if name not in after}
    for name, index in after.items():
        if names[name] is None:
            names[name] = left.pop(index, None)
    fields = [receptive_fields(shapes) for shapes in (old, new)]
    changes = []
    for name, was in names.items():
        o = None if was is None else before[was]
        n = after[name]
        changes.append(
            OutputChange(
                was,
                name,
                (None if o is None else old.outputs[o], new.outputs[n]),
                (None if o is None else fields[0].get(o), fields[1].get(n)),
            )
        )
    for name, index in before.items():
        if name not in names.values():
            changes.append(OutputChange(name, None, (old.outputs[index], None), (fields[0].get(index), None)))
    return changes


def _compare_findings(
    old: ComparedNetwork, new: ComparedNetwork, matching: Matching
) -> tuple[list[Finding], list[Finding]]:
    """Return what is found now and was not before, and the reverse; a place that only moved is the same finding."""
    before, after = old.shapes.network.nodes, new.shapes.network.nodes
    names = {before[o].name: after[n].name for o, n in matching.to_new.items()}
    kinds = [
        [(d, (d.code, names.get(d.layer or "", d.layer))) for d in old.diagnostics],
        [(d, (d.code, d.layer)) for d in new.diagnostics],
    ]
    return _left_over(kinds[1], kinds[0]), _left_over(kinds[0], kinds[1])


FindingKind = tuple[str, str | None]


def _left_over(of: list[tuple[Finding, FindingKind]], other: list[tuple[Finding, FindingKind]]) -> list[Finding]:
    """Return the findings that the other side has fewer of; those that say the same on both sides are kept first."""
    said = Counter((kind, d.message) for d, kind in other)
    there = Counter(kind for _, kind in other)
    rest = []
    for d, kind in of:
        if said[kind, d.message] > 0:
            said[kind, d.message] -= 1
            there[kind] -= 1
        else:
            rest.append((d, kind))
    result = []
    for d, kind in rest:
        if there[kind] > 0:
            there[kind] -= 1
        else:
            result.append(d)
    return result


def counted(found: list[Finding]) -> list[Finding]:
    """Return the errors and warnings among findings; notes never fail anything."""
    return [d for d in found if d.severity is not Severity.INFO]


def by_cause(changes: list[ShapeChange]) -> dict[int, list[ShapeChange]]:
    """Return shape changes by the index of their cause, in the order of the new file."""
    found: dict[int, list[ShapeChange]] = {}
    for change in sorted(changes, key=lambda c: c.new.index):
        found.setdefault(change.cause.index, []).append(change)
    return found
