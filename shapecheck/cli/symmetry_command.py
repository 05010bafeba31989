"""``shapecheck symmetry``: encoder against decoder, pair by pair."""

from __future__ import annotations

import json
from typing import Any

import click

from shapecheck.analysis.explain import DirectConvolution
from shapecheck.analysis.transposed.symmetry import MOST_LISTED, Pair, listed, pairs, reconstructions, sentence
from shapecheck.arithmetic.shape import show_sizes
from shapecheck.cli.network_commands import complain
from shapecheck.cli.options import format_option, one_network, set_option
from shapecheck.findings.catalogue import Phase
from shapecheck.output.tables import plain, size


@click.command()
@click.argument("file")
@set_option
@format_option("text", "json")
def symmetry(file: str, assignments: tuple[str, ...], config_path: str | None, output_format: str) -> int:
    """Print each encoder-decoder pair: what went in, what comes back, which a it takes.

    Pairs come from transpose_of, pool and symmetry:; the others are inferred by nesting. Exit code 1 where a pair is
    ambiguous or a declared one is broken; a guess that does not hold is only shown.
    """
    report = one_network(file, assignments, config_path)
    if report.shapes is None or not report.clean(Phase.ASSEMBLED):
        complain(report)
        return 1
    found = pairs(report.shapes)
    ends = reconstructions(report.shapes)
    if output_format == "json":
        document = {
            "version": 1,
            "pairs": [_json(pair) for pair in found],
            "summary": [
                {
                    "input": s.input.name,
                    "output": s.output,
                    "input_size": plain(s.before),
                    "output_size": plain(s.after),
                    "exact": s.before == s.after,
                    "lost_at": list(s.lost_at),
                }
                for s in ends
            ],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(
            "\n".join([*(_text(pair) for pair in found), *(sentence(s) for s in ends)])
            or "no layer here mirrors another: nothing is declared, and nothing that nests gives back what went in"
        )
    return 0 if all(pair.status == "exact" or (pair.status == "broken" and not pair.declared) for pair in found) else 1


def _json(pair: Pair) -> dict[str, Any]:
    document: dict[str, Any] = {
        "decoder": pair.decoder.name,
        "encoder": pair.encoder.name,
        "declared": pair.declared,
        "encoder_input": plain(pair.encoder_input),
        "encoder_output": plain(pair.encoder_output),
        "decoder_output": plain(pair.decoder_output),
        "a": plain(pair.a),
        "status": pair.status,
    }
    if pair.candidates:
        document["candidates"] = [plain(tuple(sizes[:MOST_LISTED])) for sizes in pair.candidates]
        if any(len(sizes) > MOST_LISTED for sizes in pair.candidates):
            document["candidates_left_out"] = [max(len(sizes) - MOST_LISTED, 0) for sizes in pair.candidates]
    if pair.message:
        document["message"] = pair.message
    if pair.direct:
        document["direct"] = [
            {"i": size(d.i), "k": d.k, "s": 1, "p": [size(d.before), size(d.after)], "a": size(d.a)}
            for d in pair.direct
        ]
    return document


def _text(pair: Pair) -> str:
    told = "" if pair.declared else " (inferred)"
    sizes = [
        show_sizes(shape) if shape is not None else "unknown"
        for shape in (pair.encoder_input, pair.encoder_output, pair.decoder_output)
    ]
    lines = [f"{pair.encoder.name} / {pair.decoder.name}{told}: {pair.status}"]
    lines.append(f"  {pair.encoder.name}: {sizes[0]} -> {sizes[1]}; {pair.decoder.name} gives back {sizes[2]}")
    if pair.candidates:
        lines.append("  a is open: " + " x ".join(listed(sizes, "/") for sizes in pair.candidates))
    elif pair.a:
        lines.append(f"  a = {', '.join(map(str, pair.a))}")
    if pair.direct:
        lines.append("  as direct convolutions: " + "; ".join(_direct(d) for d in pair.direct))
    if pair.message:
        lines.append(f"  {pair.message}")
    return "\n".join(lines)


def _direct(d: DirectConvolution) -> str:
    padding = str(d.before) if d.before == d.after else f"({d.before}, {d.after})"
    return f"ĩ′ = {d.i}, k′ = {d.k}, s′ = 1, p′ = {padding}" + (f", a = {d.a}" if d.a != 0 else "")
