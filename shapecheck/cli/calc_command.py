"""``shapecheck calc``: the arithmetic of a layer that is in no file."""

from __future__ import annotations

import json
from typing import Any

import click

from shapecheck.analysis import explain as explaining
from shapecheck.cli.group import CommandGroup
from shapecheck.cli.options import Command, format_option
from shapecheck.layers import Context, Layer, Problem
from shapecheck.layers.base import default_of
from shapecheck.layers.conv import Conv
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.layers.fields import FieldError
from shapecheck.layers.pooling import MaxPool
from shapecheck.layers.sliding import PADDING_WORDS

# The layers that can be calculated and drawn without a file, by the words that select them there.
KINDS: dict[str, type[Layer]] = {"conv": Conv, "pool": MaxPool, "conv-transpose": ConvTranspose}


def numbers(*words: str) -> dict[str, Any]:
    """Return the settings of an option that takes a whole number, several parted by commas, or one of some words."""

    def read(context: click.Context, option: click.Parameter, value: Any) -> Any:
        if not isinstance(value, str) or value in words:
            return value
        try:
            numbers = [int(part) for part in value.split(",")]
        except ValueError:
            also = f" or one of {', '.join(words)}" if words else ""
            raise click.BadParameter(
                f"{value!r} is not a whole number, or several parted by commas{also}", context, option
            ) from None
        return numbers[0] if len(numbers) == 1 else numbers

    return {"type": click.UNPROCESSED, "callback": read, "metavar": "N[,N...]"}


def _options(function: Command) -> Command:
    for flags, help, default, required in (
        (("-d", "--dilation"), "Dilation (d).", 1, False),
        (("-s", "--stride"), "Stride (s).", None, False),
        (("-k", "--kernel-size"), "Kernel size (k).", None, True),
        (("-i", "--input-size"), "Input size (i); several axes parted by commas.", None, True),
    ):
        # click takes a default of None for a value, and would not ask for an option that has it.
        settings = {"required": True} if required else {"default": default}
        function = click.option(*flags, help=help, **settings, **numbers())(function)
    padding = click.option(
        "-p",
        "--padding",
        default=0,
        show_default=True,
        help="Padding (p), or one of " + ", ".join(PADDING_WORDS) + ".",
        **numbers(*PADDING_WORDS),
    )
    return format_option("text", "json")(padding(function))


def built(word: str, given: dict[str, Any], sizes: Any) -> tuple[Layer, Context]:
    """Return a layer that is in no file, on inputs of the given sizes. Raises Problem or FieldError; BadParameter.

    Where the layer has output channels there is one.
    """
    kind = KINDS[word]
    op = kind.ops[0]
    keys = kind.keys_of(op)
    values = {name: default_of(key) for name, key in keys.items()}
    if "out_channels" in keys:
        given = {**given, "out_channels": 1}
    for name, value in given.items():
        if value is not None:
            values[name] = keys[name].kind.read(value)
    layer = kind(op, values)
    layer.check()
    spatial = tuple(sizes) if isinstance(sizes, list) else (sizes,)
    if any(size < 1 for size in spatial):
        raise click.BadParameter("a size is at least 1", param_hint="-i")
    return layer, Context(((1, 1, *spatial),))


def complain_of(op: str, problem: Problem | FieldError) -> None:
    """Say on standard error why a layer does not fit."""
    click.echo(f"{op}: {problem.message}", err=True)
    help = getattr(problem, "help", None)
    if help:
        click.echo(f"help: {help}", err=True)


def _calculate(word: str, given: dict[str, Any], sizes: Any, output_format: str) -> int:
    """Print the arithmetic of one layer on inputs of the given sizes; exit code 1 where it does not fit."""
    try:
        layer, context = built(word, given, sizes)
        output = layer.output(context)
    except (Problem, FieldError) as problem:
        complain_of(KINDS[word].ops[0], problem)
        return 1
    steps = explaining.layer_arithmetic(layer, context)
    if output_format == "json":
        document = {
            "version": 1,
            "op": layer.op,
            "output_size": list(output[2:]),
            "axes": [explaining.as_json(step) for step in steps],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join("\n".join(explaining.lines(step)) for step in steps))
    return 0


@click.group(cls=CommandGroup)
def calc() -> None:
    """Print the arithmetic of a layer that is in no file."""


@calc.command("conv")
@_options
def conv(input_size: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, output_format: str) -> int:
    """Convolution: shapecheck calc conv -i 224 -k 7 -s 2 -p 3."""
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return _calculate("conv", given, input_size, output_format)


@calc.command("pool")
@_options
@click.option("--ceil-mode", is_flag=True, help="Round up.")
def pool(
    input_size: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, output_format: str, ceil_mode: bool
) -> int:
    """Pooling: shapecheck calc pool -i 112 -k 3 -s 2 -p 1; the stride is by default the kernel size."""
    given = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": ceil_mode,
    }
    return _calculate("pool", given, input_size, output_format)


@calc.command("conv-transpose")
@_options
@click.option(
    "-a",
    "--output-padding",
    default=None,
    help="The guide's a: which of the s possible sizes is meant.",
    **numbers(),
)
@click.option("-o", "--output-size", default=None, help="The output size, from which a follows.", **numbers())
def conv_transpose(
    input_size: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    output_format: str,
    output_padding: Any,
    output_size: Any,
) -> int:
    """Transposed convolution: shapecheck calc conv-transpose -i 3 -k 3 -s 2 -p 1 -a 1."""
    given = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "output_padding": output_padding,
        "output_size": output_size,
    }
    return _calculate("conv-transpose", given, input_size, output_format)
