"""What is said of a transposed layer whose size is open, and of an output_padding that would mend a difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.transposed.ambiguity import (
    Ambiguity,
    OpenAxis,
    OpenLayer,
    PaddingRepair,
    Together,
    padding_repair,
)
from shapecheck.analysis.transposed.combinations import below
from shapecheck.analysis.transposed.demands import Blocked
from shapecheck.analysis.transposed.remainders import by_remainder
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.edits import add_key
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Related
from shapecheck.graph.network import Node
from shapecheck.layers.context import Problem
from shapecheck.rules.explanations import with_cause


def ambiguous_findings(ambiguity: Ambiguity, shapes: Shapes) -> Iterator[Finding]:
    """Return a finding for every open layer that deserves one; ``shapes`` are those with a = 0."""
    gone = _consequences(ambiguity, shapes)
    out_of_reach = {blocked.demand for blocked in ambiguity.out_of_reach}
    last = {b.demand: v.node.index for v in ambiguity.layers for b in v.blocked}
    for verdict in ambiguity.layers:
        near = [b for b in verdict.blocked if b.demand not in out_of_reach and last[b.demand] == verdict.node.index]
        finding = _finding(verdict, near, shapes, gone)
        if finding is not None:
            yield finding._replace(fix=_fix(verdict, ambiguity))


def _consequences(ambiguity: Ambiguity, shapes: Shapes) -> list[Problem]:
    """Return the rules that are broken with a = 0 and hold with what the network demands."""
    left = {(t.node, t.rule) for t in ambiguity.shapes.troubles}
    return [t for t in shapes.troubles if (t.node, t.rule) not in left]


def _finding(verdict: OpenLayer, near: list[Blocked], shapes: Shapes, gone: list[Problem]) -> Finding | None:
    node = verdict.node
    axes = verdict.axes
    span = node.source.place("stride")
    opening = _sizes(axes)
    if near:
        finding = Finding.at("ambiguous-transposed-size", node.name, f"{opening}; {_miss(near[0], shapes)}", span)
        return _blamed(finding, shapes, near[0])
    wrong = [axis for axis in axes if axis.values and 0 not in axis.values and axis.status in ("unique", "several")]
    if wrong and verdict.against is not None:
        message = (
            f"{opening}; none of them meets all that is demanded: {verdict.against.name} does not fit with"
            f" {_by_values(wrong)}, which is demanded elsewhere"
        )
        finding = Finding.at("ambiguous-transposed-size", node.name, message, span, subject=("against",))
        return _with_consequence(finding, verdict, shapes, gone)
    if wrong:
        demanded = _by_values(wrong)
        message = f"{opening}; shapes go on with a = 0, but the network demands {demanded}"
        finding = Finding.at("ambiguous-transposed-size", node.name, message, span, _say(node), subject=("wrong",))
        finding = _with_consequence(finding, verdict, shapes, gone)
        table = by_remainder(shapes.network, verdict)
        place = (Related(f"a depends on the input: {table}", span),) if table else ()
        return finding._replace(related=(*finding.related, *place))
    if verdict.together:
        message = f"{opening}; shapes go on with a = 0, but {'; '.join(map(_at_once, verdict.together))}"
        finding = Finding.at("ambiguous-transposed-size", node.name, message, span, _say(node), subject=("together",))
        return _with_consequence(finding, verdict, shapes, gone)
    several = [axis for axis in axes if axis.status == "several"]
    if several:
        message = f"{opening}; {_by_values(several)} all fit, and the sizes differ"
        return Finding.at("ambiguous-transposed-size", node.name, message, span, _say(node), severity=Severity.WARNING)
    undecided = tuple(axis for axis in axes if axis.status == "undecided")
    if undecided:
        message = f"{_sizes(undecided)}; which of them the network demands was not decided within the budget"
        return Finding.at(
            "ambiguous-transposed-size",
            node.name,
            message,
            span,
            "say it: output_padding",
            severity=Severity.INFO,
            subject=("undecided",),
        )
    free = tuple(axis for axis in axes if axis.status == "free")
    if free:
        message = (
            f"{_sizes(free)}; nothing in the network depends on it, so the choice is yours; shapes go on with a = 0,"
            " as in PyTorch"
        )
        help = "say with output_padding: 0 that it is meant"
        return Finding.at("ambiguous-transposed-size", node.name, message, span, help, severity=Severity.INFO)
    return None


def _sizes(axes: tuple[OpenAxis, ...]) -> str:
    first = axes[0].window
    alike = all(axis.window[1:] == first[1:] for axis in axes)
    shown = axes[:1] if alike else axes
    names = " and ".join(axis.axis for axis in axes) if alike else ""
    parts = []
    for axis in shown:
        w = axis.window
        least = w.o - w.a
        kernel = f" + {w.reach}" if w.form == "transposed" else " + 1"
        padding = "" if w.form != "transposed" or not w.before + w.after else f" − {w.before + w.after}"
        parts.append(
            f"stride {w.s} leaves {w.s} sizes open on {names or axis.axis},"
            f" {_list([least + a for a in (*range(min(w.s, 4)), *range(max(w.s - 1, 4), w.s))], 'or')}"
            f" ({w.s}·({w.i} − 1) + a{kernel}{padding})"
        )
    return "; ".join(parts)


def _list(values: list[object], word: str) -> str:
    texts = [str(value) for value in values]
    if len(texts) > 4:
        return f"{texts[0]} to {texts[-1]}"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {word} {texts[-1]}"


def _by_values(axes: list[OpenAxis]) -> str:
    groups: dict[Sequence[int], list[OpenAxis]] = {}
    for axis in axes:
        groups.setdefault(axis.values, []).append(axis)
    parts = []
    for values, members in groups.items():
        few = [*values[:4], *values[4:][-1:]]
        sizes = _list([members[0].window.o + a for a in few], "or")
        parts.append(f"a = {_list(list(few), 'or')} on {' and '.join(m.axis for m in members)} (size {sizes})")
    return ", ".join(parts)


def _at_once(together: Together) -> str:
    """Return what is demanded of the axes of a layer together."""
    names = " and ".join(axis.axis for axis in together.axes)
    few = [*together.values[:4], *together.values[4:][-1:]]
    values = _list([str(list(values)) if len(values) > 1 else str(values[0]) for values in few], "or")
    if not together.others:
        every = "both" if len(together.axes) == 2 else "all"
        return f"the network demands a = {values} on {names}: a = 0 on {every} does not fit"
    others = _list([node.name for node in together.others[:4]], "and")
    return f"a = 0 here and on {others} together does not fit; a = {values} on {names} here does"


def _miss(blocked: Blocked, shapes: Shapes) -> str:
    at = shapes.network.nodes[blocked.demand.at]
    sizes = str(blocked.low) if blocked.low == blocked.high else f"{blocked.low} to {blocked.high}"
    return (
        f"none of them meets {at.name}, which needs {blocked.needed} where {sizes} can be had:"
        f" off by {blocked.distance} at best"
        + "".join(
            f"; nor does {shapes.network.nodes[index].name}, {low}{'' if low == high else f' to {high}'}"
            for index, low, high in blocked.beside
        )
    )


def _blamed(finding: Finding, shapes: Shapes, blocked: Blocked) -> Finding:
    nodes = shapes.network.nodes
    at = nodes[blocked.demand.at]
    finding = finding._replace(related=(Related(f"{at.name} demands it", at.source.span),))
    if blocked.demand.right is None:
        return finding
    problem = next((t for t in shapes.troubles if t.node == at.index and t.axis is not None), None)
    if problem is None or problem.axis is None:
        return finding
    return with_cause(finding, shapes, blocked.demand.right, blocked.demand.left, problem.axis)


def _with_consequence(finding: Finding, verdict: OpenLayer, shapes: Shapes, gone: list[Problem]) -> Finding:
    """Show where the wrong size comes to light, and the strided layer at which it was lost."""
    behind = below(shapes.network, [verdict.node.index])
    for problem in sorted(gone, key=lambda problem: problem.node not in behind)[:1]:
        node = shapes.network.nodes[problem.node]
        stated = shapes.expectation(problem)
        span = stated.span if stated is not None else node.source.span
        finding = finding._replace(related=(*finding.related, Related(f"{node.name}: {problem.message}", span)))
        ends = _ends(shapes, problem, node)
        if ends is not None and problem.axis is not None:
            finding = with_cause(finding, shapes, *ends, problem.axis)
    return finding


def _ends(shapes: Shapes, problem: Problem, node: Node) -> tuple[int, int] | None:
    stated = shapes.expectation(problem)
    if stated is not None:
        return None if stated.same_as is None else (stated.same_as, node.index)
    if problem.against is None:
        return None
    return node.inputs[problem.against], node.inputs[problem.operand]


def _padding(verdict: OpenLayer, ambiguity: Ambiguity | None = None) -> str | None:
    """Return the output_padding that is demanded as it would be written, or None where it is not one value."""
    if any(axis.status not in ("unique", "free") for axis in verdict.axes):
        return None
    by_place = {axis.place: axis.values[0] if axis.status == "unique" else 0 for axis in verdict.axes}
    count = max(len(by_place), max(by_place) + 1)
    values = [by_place.get(place, 0) for place in range(count)]
    if ambiguity is not None:
        values += [0] * (len(ambiguity.shapes.windows(verdict.node)) - count)
    return str(values[0]) if len(set(values)) == 1 else str(values)


def _say(node: Node) -> str:
    return f"say which is meant: output_padding, output_size, or {undoing_key(node)}"


def undoing_key(node: Node) -> str:
    """Return the key with which a layer names the one that it undoes."""
    return (node.layer and node.layer.undoes) or "output_size"


def _fix(verdict: OpenLayer, ambiguity: Ambiguity) -> Fix | None:
    """Offer output_padding where one value is demanded, and it is the same for every copy of the layer."""
    node = verdict.node
    if verdict.against is not None:
        return None
    wanted = {_padding(v, ambiguity) for v in ambiguity.layers if v.node.source.span == node.source.span}
    mapping = node.source.mapping
    padding = wanted.pop() if len(wanted) == 1 else None
    if padding is None or padding == "0" or mapping is None or node.layer is None:
        return None
    if "output_padding" not in node.layer.keys:
        return None
    copies = sum(1 for other in ambiguity.shapes.network.layers if other.source.span == node.source.span)
    if copies != sum(1 for v in ambiguity.layers if v.node.source.span == node.source.span):
        return None
    edit = add_key(mapping, "stride", "output_padding", padding)
    return None if edit is None else Fix(f"add output_padding: {padding}", Applicability.SAFE, (edit,))


def mended_by_padding(shapes: Shapes, findings: list[Finding]) -> list[Finding]:
    """Say at a size that differs which other output_padding of a layer above would mend it."""
    if not any(finding.rule.name in ("merge-mismatch", "expectation-differs") for finding in findings):
        return findings
    mend = padding_repair(shapes)
    if mend is None:
        return findings
    left = {t.node for t in propagate(shapes.network, mend.layers).troubles}
    nodes = shapes.network.nodes
    names = {nodes[t.node].name for t in shapes.troubles if t.node not in left}
    places = tuple(
        Related(
            f"output_padding {_written(padding)} here would mend it",
            nodes[i].source.place("output_padding"),
        )
        for i, padding in list(mend.padding.items())[:3]
    )
    result = []
    for finding in findings:
        if finding.rule.name in ("merge-mismatch", "expectation-differs") and finding.layer in names:
            fix = finding.fix or _padding_fix(shapes, mend)
            finding = finding._replace(related=(*finding.related, *places), fix=fix)
        result.append(finding)
    return result


def _padding_fix(shapes: Shapes, mend: PaddingRepair) -> Fix | None:
    """Offer the other output_padding where each of the layers stands in the file for itself alone."""
    edits = []
    for index, padding in mend.padding.items():
        node = shapes.network.nodes[index]
        span, mapping = node.source.keys.get("output_padding"), node.source.mapping
        copies = sum(1 for other in shapes.network.layers if other.source.span == node.source.span)
        if span is not None:
            edit: Edit | None = Edit(span, _written(padding))
        else:
            edit = None if mapping is None else add_key(mapping, "stride", "output_padding", _written(padding))
        if edit is None or copies > 1:
            return None
        edits.append(edit)
    return Fix("write the output_padding that the network demands", Applicability.UNSAFE, tuple(edits))


def _written(padding: tuple[int, ...]) -> str:
    return str(padding[0]) if len(set(padding)) == 1 else str(list(padding))
