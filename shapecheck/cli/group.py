"""A group of commands, the same with every version of click."""

from __future__ import annotations

import click


class CommandGroup(click.Group):
    """A group that tells its help as an error where no command is given; click before 8.2 called that a success."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Raise click.exceptions.Exit with 2 where there is nothing to parse."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True, color=ctx.color)
            ctx.exit(2)
        return super().parse_args(ctx, args)
