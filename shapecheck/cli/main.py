"""The command line: its group, and how outcomes become exit codes.

0: nothing found but notes. 1: something found, or a file cannot be used. 2: the command line or the configuration
is wrong, or we are.
"""

from __future__ import annotations

import importlib
import io
import keyword
import os
import sys
from typing import Any

import click

from shapecheck._version import __version__
from shapecheck.cli.group import CommandGroup
from shapecheck.config import ConfigError
from shapecheck.findings.baseline import BaselineError
from shapecheck.text import nearest

# Each command and the module that has it; only the one that is asked for is loaded.
COMMANDS = {
    "check": "check_command",
    "verify": "verify_command",
    "shapes": "network_commands",
    "explain": "network_commands",
    "sizes": "sizes_command",
    "symmetry": "symmetry_command",
    "diff": "diff_command",
    "import": "import_command",
    "calc": "calc_command",
    "report": "report_command",
    "figure": "figure_command",
    "rule": "rule_command",
    "server": "server_command",
}


class _Commands(CommandGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            best = nearest(cmd_name, COMMANDS)
            hint = f" Did you mean {best}?" if best else ""
            raise click.UsageError(f"No such command {cmd_name!r}.{hint}", ctx)
        module: Any = importlib.import_module(f"shapecheck.cli.{COMMANDS[cmd_name]}")
        # A command that is a word of Python's own is a function with _ behind its name.
        command: click.Command = getattr(module, f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shapecheck", message="%(prog)s %(version)s")
def main() -> None:
    """Check whether a neural network fits together, before training it."""


def run() -> int:
    """Run the command that ``sys.argv`` asks for and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A pipe of another encoding, or a path that is no text, must not end the run.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main.main(standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except (ConfigError, BaselineError) as error:
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
