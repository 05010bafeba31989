"""``shapecheck shapes`` and ``shapecheck explain``: what there is to see in one network."""

from __future__ import annotations

import json
import sys

import click

from shapecheck.analysis import axis_steps
from shapecheck.analysis import explain as explaining
from shapecheck.cli.options import format_option, one_network, set_option, use_color
from shapecheck.findings.checked import Report
from shapecheck.output import tables, terminal
from shapecheck.text import suggest


def complain(report: Report) -> None:
    """Put the diagnostics of a network that is to be shown on standard error."""
    lines = report.text.splitlines()
    for diagnostic in report.diagnostics:
        click.echo(terminal.one(diagnostic, report.path, lines, terminal.Painter(use_color(sys.stderr))), err=True)


@click.command()
@click.argument("file")
@set_option
@format_option("text", "json")
def shapes(file: str, assignments: tuple[str, ...], config_path: str | None, output_format: str) -> int:
    """Print the layer table: shapes, parameters, multiply-adds, receptive field."""
    report = one_network(file, assignments, config_path)
    complain(report)
    if report.shapes is None:
        return 1
    if output_format == "json":
        click.echo(json.dumps(tables.as_json(report.shapes), indent=2, ensure_ascii=False))
    else:
        click.echo(tables.as_text(report.shapes))
    return 0 if report.ok else 1


@click.command()
@click.argument("file")
@click.argument("layer")
@set_option
@format_option("text", "json")
def explain(file: str, layer: str, assignments: tuple[str, ...], config_path: str | None, output_format: str) -> int:
    """Print one layer's arithmetic step by step: the Relationship, the formula, the numbers, per axis."""
    report = one_network(file, assignments, config_path)
    if report.network is None or report.shapes is None:
        complain(report)
        return 1
    node = next((node for node in report.network.layers if node.name == layer), None)
    if node is None:
        raise click.BadParameter(
            f"{file} has no layer {layer}; {suggest(layer, [n.name for n in report.network.layers], 'layers')}",
            param_hint="LAYER",
        )
    context, output = report.shapes.context(node), report.shapes.outputs[node.index]
    if node.layer is None or context is None or output is None:
        complain(report)
        click.echo(f"{layer}: its shape is not known; see the diagnostics above", err=True)
        return 1
    if output_format == "json":
        steps = [explaining.as_json(step) for step in explaining.layer_arithmetic(node.layer, context)]
        inputs = [tables.plain(shape) for shape in context.inputs]
        document = {
            "version": 1,
            "layer": node.name,
            "op": node.op,
            "inputs": inputs,
            "output": tables.plain(output),
            "axes": steps,
            "steps": list(axis_steps.steps(node.layer, context, output)),
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(explaining.explain(node.name, node.layer, context, output))
    return 0
