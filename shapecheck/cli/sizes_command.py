"""``shapecheck sizes``: exactly which input sizes work, and which layer is the cause of each condition."""

from __future__ import annotations

import itertools
import json
from typing import Any

import click

from shapecheck.analysis.propagation import Open, Shapes
from shapecheck.analysis.sizes.dimension_sizes import Elsewhere
from shapecheck.analysis.sizes.every_size import SizeCondition, Sizes, SizesAnalysis, analyse
from shapecheck.analysis.sizes.periodic import TooLarge
from shapecheck.arithmetic.shape import split
from shapecheck.cli.network_commands import complain
from shapecheck.cli.options import format_option, one_network, set_option
from shapecheck.findings.catalogue import Phase
from shapecheck.graph.network import Network
from shapecheck.layers.context import Question
from shapecheck.output.formula import formula
from shapecheck.text import table

EXAMPLES = 6


@click.command()
@click.argument("file")
@set_option
@click.option("--strict", is_flag=True, help="Ask besides that no layer leaves rows of its input unread.")
@format_option("text", "json")
def sizes(file: str, assignments: tuple[str, ...], config_path: str | None, strict: bool, output_format: str) -> int:
    """Print for each named dimension exactly which sizes work, up to infinity, and why.

    The other dimensions are held at their sizes. Exit code 1 where no size works, or not all could be decided.
    """
    report = one_network(file, assignments, config_path)
    if report.network is None or not report.clean(Phase.ASSEMBLED):
        complain(report)
        return 1
    analysis = analyse(report.network, strict)
    if output_format == "json":
        document = {
            "version": 1,
            "dims": {name: _json(found, report.network) for name, found in analysis.dims.items()},
            "couplings": [
                {"layer": c.layer, "dims": list(c.dims), "condition": c.sentence()} for c in analysis.couplings
            ],
            "layers": dict(_formulas(analysis.shapes)),
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_text(analysis, report.network)))
    fine = [not found.set.empty and not found.elsewhere and not found.unresolved for found in analysis.dims.values()]
    return 0 if all(fine) else 1


def local(question: Question) -> str:
    """Return a condition as it stands at its layer, with formulas."""
    if question.kind == "divides":
        return f"{question.right} divides {formula(question.left)}"
    return f"{formula(question.left)} {'=' if question.kind == 'equal' else '>='} {formula(question.right)}"


def _json(found: Sizes, network: Network) -> dict[str, Any]:
    document: dict[str, Any] = {"status": found.status, "condition": found.condition}
    try:
        finite, start, period, residues = found.set.as_parts()
        document |= {"finite": _listed(found, finite), "start": start, "period": period, "residues": list(residues)}
    except TooLarge:
        periodic = found.set.periodic
        document |= {
            "finite": [],
            "start": found.set.start,
            "period": periodic.period,
            "residues": [],
            "residue_ranges": [list(pair) for pair in periodic.intervals],
        }
    document["bounded_above"] = found.set.bounded_above
    document["smallest"] = found.above(1)
    document["given"] = found.given
    if found.given is not None:
        document["nearest"] = {"below": found.below(found.given - 1), "above": found.above(found.given)}
    document["causes"] = [
        {
            "layer": c.layer,
            "line": network.nodes[c.node].source.span.start.line,
            "condition": c.allows.condition,
            "message": _message(c),
        }
        for c in found.causes
    ]
    document["unresolved"] = found.unresolved
    if found.elsewhere:
        document["elsewhere"] = [_elsewhere(fault, network) for fault in found.elsewhere]
    if found.unresolved:
        document["unknown"] = True
    # Trying what is listed may have shown that less is known.
    return document | {"status": found.status, "condition": found.condition}


def _listed(found: Sizes, finite: tuple[int, ...]) -> list[int]:
    """Return those of the listed sizes that work; of a set that is known in part, those that were tried."""
    if found.elsewhere:
        return []
    return [n for n in finite if found.works_at(n)] if found.unresolved else list(finite)


def _elsewhere(fault: Elsewhere, network: Network) -> dict[str, Any]:
    return {
        "layer": fault.layer,
        "line": network.nodes[fault.node].source.span.start.line,
        "because": dict(fault.because),
        "message": fault.message,
    }


def _message(cause: SizeCondition) -> str:
    message = local(cause.question) if cause.message == str(cause.question) else cause.message
    return f"{cause.layer}: {message}{cause.from_where}"


def _text(analysis: SizesAnalysis, network: Network) -> list[str]:
    lines: list[str] = []
    for name, found in analysis.dims.items():
        details = _details(found, network)
        # What is listed is tried first: it may show that less is known.
        condition = f"no condition on {name}" if found.elsewhere and found.set.every else found.condition
        lines.append(f"{name}: {condition}" + (" (partial)" if found.unresolved else ""))
        lines += [f"  {line}" for line in details]
    lines += [f"together: {coupling.sentence()}" for coupling in analysis.couplings]
    formulas = _formulas(analysis.shapes)
    if formulas:
        where = " and ".join(dict.fromkeys(str(o.asked) for o in analysis.shapes.undecided if _assumed(o)))
        lines += ["", f"sizes of the layers{f', where {where}' if where else ''}:"]
        groups = [list(group) for _, group in itertools.groupby(formulas, key=lambda pair: pair[1])]
        names = [g[0][0] if len(g) == 1 else f"{g[0][0]} … {g[-1][0]}" for g in groups]
        rows = [(name, " x ".join(group[0][1])) for name, group in zip(names, groups, strict=True)]
        lines += [f"  {line}" for line in table(rows)]
    return lines


def _assumed(o: Open) -> bool:
    return o.asked is not None and o.asked.kind == "assume"


def _details(found: Sizes, network: Network) -> list[str]:
    lines = [f"not decided: {text}" for text in found.unresolved]
    for fault in found.elsewhere:
        line = network.nodes[fault.node].source.span.start.line
        lines.append(f"{fault.sentence(found.name)} (line {line})")
    if not found.elsewhere:
        lines += _members(found)
    for cause in found.causes:
        line = network.nodes[cause.node].source.span.start.line
        lines.append(f"{cause.allows.condition}: {_message(cause)} (line {line})")
    return lines


def _members(found: Sizes) -> list[str]:
    """Return sizes that work, and the nearest to the given one: all of them were tried."""
    lines = []
    known = found.set.every and not found.unresolved
    if not known and (members := found.examples(EXAMPLES + 1)):
        more = ", …" if len(members) > EXAMPLES or found.unresolved else ""
        smallest = "" if found.unresolved else f"smallest {members[0]}; "
        lines.append(f"{smallest}works at {', '.join(map(str, members[:EXAMPLES]))}{more}")
    if found.given is not None and not known:
        verb = {True: "works", False: "does not work", None: "is not decided"}[found.accepts(found.given)]
        below, above = found.below(found.given - 1), found.above(found.given + 1)
        none = "none known" if found.unresolved else "none"
        near = [
            f"below {below}" if below is not None else f"{none} below",
            f"above {above}" if above is not None else f"{none} above",
        ]
        lines.append(f"{found.given} {verb}; nearest that do: {', '.join(near)}")
    return lines


def _formulas(shapes: Shapes) -> list[tuple[str, list[str]]]:
    """Return the spatial size of every layer that has one, as formulas."""
    found = []
    for node in shapes.network.layers:
        shape = shapes.outputs[node.index]
        if shape is not None and len(shape) > 2:
            spatial = split(shape, shapes.network.channels_last).spatial
            if any(not isinstance(size, int) for size in spatial):
                found.append((node.name, [formula(size) for size in spatial]))
    return found
