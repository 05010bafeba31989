"""The command line: its group, and how outcomes become exit codes.

0: nothing found but notes. 1: something found, or a file cannot be used. 2: the command line or the configuration
is wrong, or we are.
"""

from __future__ import annotations

import os
import sys

import click

from shapecheck._version import __version__
from shapecheck.commands.calc import calc
from shapecheck.commands.check import check, verify
from shapecheck.commands.network import explain, shapes
from shapecheck.commands.rule import rule
from shapecheck.commands.symmetry import symmetry
from shapecheck.config import ConfigError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shapecheck", message="%(prog)s %(version)s")
def main() -> None:
    """Check whether a neural network fits together, before training it."""


for command in (check, verify, shapes, explain, symmetry, calc, rule):
    main.add_command(command)


def run() -> int:
    """Run the command that ``sys.argv`` asks for and return the exit code."""
    try:
        code = main.main(standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except ConfigError as error:
        click.echo(f"shapecheck: {error}", err=True)
        return 2
    except BrokenPipeError:
        # The reader of our output has gone; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("SHAPECHECK_TRACEBACK"):
            raise
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        click.echo(f"shapecheck: internal error: {type(error).__name__}: {reason}", err=True)
        click.echo("shapecheck: please report it, with what SHAPECHECK_TRACEBACK=1 shows", err=True)
        return 2
