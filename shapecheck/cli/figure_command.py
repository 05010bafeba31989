"""``shapecheck figure``: the guide's picture of a layer, with its own numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shapecheck.cli.calc_command import KINDS, built, complain_of, numbers
from shapecheck.cli.network_commands import complain
from shapecheck.cli.options import one_network, set_option
from shapecheck.figures import Figure, NoFigure
from shapecheck.figures.of_layer import figure_of_layer
from shapecheck.layers import Problem
from shapecheck.layers.fields import FieldError
from shapecheck.layers.sliding import PADDING_WORDS
from shapecheck.text import suggest


def write(path: str | None, text: str) -> None:
    """Write a result to a file, or to standard output; in UTF-8 whatever the terminal has, for so the result says."""
    if path is None or path == "-":
        click.echo(text.encode("utf-8", "replace"), nl=False)
        return
    try:
        Path(path).write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Write to this file instead of standard output."
)


@click.command()
@click.argument("what", metavar="FILE LAYER | conv | pool | conv-transpose")
@click.argument("layer", required=False, metavar="")
@click.option("-i", "--input-size", help="Input size (i); several axes parted by commas.", **numbers())
@click.option("-k", "--kernel-size", help="Kernel size (k).", **numbers())
@click.option("-s", "--stride", help="Stride (s).", **numbers())
@click.option("-p", "--padding", help=f"Padding (p), or {', '.join(PADDING_WORDS)}.", **numbers(*PADDING_WORDS))
@click.option("-d", "--dilation", help="Dilation (d).", **numbers())
@click.option("-a", "--output-padding", help="conv-transpose: the guide's a.", **numbers())
@click.option("--output-size", help="conv-transpose: the output size, from which a follows.", **numbers())
@click.option("--axes", type=click.IntRange(1, 3), help="Axes to draw where -i is one number (2).")
@click.option("--ceil-mode", is_flag=True, default=None, help="pool: round up.")
@set_option
@output_option
def figure(
    what: str,
    layer: str | None,
    assignments: tuple[str, ...],
    config_path: str | None,
    output: str | None,
    **given: Any,
) -> int:
    """Draw the picture of a layer as SVG: of one in a file, or of one that is in no file.

    For example: shapecheck figure nets/unet.net.yaml up1 -o up1.svg

    For example: shapecheck figure conv -i 6 -k 3 -s 2 -p 1

    One number for -i draws a square map; --axes 1 a signal, --axes 3 or -i 4,5,5 a volume as slices.
    """
    given = {name: value for name, value in given.items() if value is not None}
    try:
        if layer is None and what in KINDS:
            picture = _calculated(what, given)
        else:
            if given:
                raise click.UsageError(f"-{next(iter(given))[0]} is of a layer that is in no file: {', '.join(KINDS)}")
            picture = _of_file(what, layer, assignments, config_path)
    except NoFigure as reason:
        click.echo(f"{layer or what}: there is no picture: {reason}", err=True)
        return 1
    if picture is None:
        return 1
    write(output, picture.svg() + "\n")
    return 0


def _calculated(word: str, given: dict[str, Any]) -> Figure | None:
    for name, flag in (("input_size", "-i"), ("kernel_size", "-k")):
        if name not in given:
            raise click.UsageError(f"{word} needs {flag}")
    sizes, axes = given.pop("input_size"), given.pop("axes", 2)
    for name in given:
        if name not in KINDS[word].keys:
            owners = [other for other, kind in KINDS.items() if name in kind.keys]
            raise click.UsageError(f"--{name.replace('_', '-')} is of {' and '.join(owners)}")
    try:
        layer, context = built(word, given, sizes if isinstance(sizes, list) else [sizes] * axes)
        layer.output(context)
    except (Problem, FieldError) as problem:
        complain_of(word, problem)
        return None
    return figure_of_layer(layer.op, layer, context)


def _of_file(path: str, name: str | None, assignments: tuple[str, ...], config_path: str | None) -> Figure | None:
    if name is None:
        raise click.UsageError(f"name a layer of {path}, or draw one that is in no file: {', '.join(KINDS)}")
    report = one_network(path, assignments, config_path)
    if report.network is None or report.shapes is None:
        complain(report)
        return None
    node = next((node for node in report.network.layers if node.name == name), None)
    if node is None:
        known = [n.name for n in report.network.layers]
        raise click.BadParameter(f"{path} has no layer {name}; {suggest(name, known, 'layers')}", param_hint="LAYER")
    context = report.shapes.context(node)
    if node.layer is None or context is None or report.shapes.outputs[node.index] is None:
        complain(report)
        raise NoFigure("its shape is not known; see the diagnostics above")
    return figure_of_layer(name, node.layer, context)
