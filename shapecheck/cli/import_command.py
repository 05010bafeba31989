"""``shapecheck import``: a network file from another format."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shapecheck.cli.figure_command import output_option, write
from shapecheck.cli.options import configuration, parse_assignments, set_option
from shapecheck.text import and_more, plural, suggest

if TYPE_CHECKING:
    from shapecheck.importers.onnx.model import Imported

SUFFIX = ".onnx"
# How many layers are told by name.
MOST_NAMES = 5
# How many layers are told by name.
MOST_NAMES = 5


@click.command("import")
@click.argument("file")
@set_option
@output_option
def import_(file: str, assignments: tuple[str, ...], config_path: str | None, output: str | None) -> int:
    """Write the network in an ONNX file as a network file.

    For example: shapecheck import resnet50.onnx -o resnet50.net.yaml

    Weights are not read, only their shapes. What cannot be translated exactly is refused: every such node is listed,
    nothing is written, and the exit code is 1. The shape of every layer is compared with what ONNX itself infers.
    --set NAME=SIZE fixes a dimension that the file only names.
    """
    if Path(file).suffix.lower() != SUFFIX:
        raise click.BadParameter(f"{file}: only {SUFFIX} files can be imported", param_hint="FILE")
    try:
        whole: Any = importlib.import_module(
            "shapecheck.importers.onnx.model"
        )  # loads onnx, which is an optional extra
    except ModuleNotFoundError as error:
        if str(error.name).startswith("shapecheck"):
            raise
        raise click.UsageError(f"import needs {error.name}: pip install 'shapecheck-nn[onnx]'") from None
    sizes = _sizes(assignments)
    limits = configuration(config_path, Path(file).parent).limits
    try:
        imported = whole.import_onnx(file, sizes, limits)
    except whole.Unusable as error:
        for reason in error.reasons:
            click.echo(f"{file}: {reason}", err=True)
        click.echo(f"{file}: nothing is written, for {plural(len(error.reasons), 'reason')}", err=True)
        return 1
    except whole.NoDimension as error:
        raise click.BadParameter(
            f"{file} has no dimension {error.name}; {suggest(error.name, error.names, 'dimensions')}",
            param_hint="--set",
        ) from None
    write(output, imported.text)
    _tell(file, imported)
    return 0


def _sizes(assignments: tuple[str, ...]) -> dict[str, int]:
    values = parse_assignments(assignments)
    for name, value in values.items():
        if type(value) is not int or value < 1:
            raise click.BadParameter(
                f"the size of dimension {name} is a whole number of at least 1, found {value}", param_hint="--set"
            )
    return values


def _tell(file: str, imported: Imported) -> None:
    """Say on standard error what was proved, and what the text leaves out."""
    at = "; ".join(", ".join(f"{name} = {size}" for name, size in sizes.items()) for sizes in imported.sizes if sizes)
    where = (f" (at {at})" if at else "") + (" but those below" if imported.unknown else "")
    click.echo(f"{file}: {plural(imported.layers, 'layer')}, each of the shape that ONNX infers{where}", err=True)
    if imported.unknown:
        click.echo(
            f"{file}: not compared, because ONNX infers no shape: {and_more(imported.unknown, MOST_NAMES)}", err=True
        )
    if imported.notes:
        click.echo(
            f"{file}: right in shape, not in value, as a comment at each says: {and_more(imported.notes, MOST_NAMES)}",
            err=True,
        )
