"""``shapecheck rule``: the manual pages."""

from __future__ import annotations

import json

import click

from shapecheck.cli.options import format_option
from shapecheck.findings.catalogue import RULES
from shapecheck.findings.manual import page
from shapecheck.text import suggest, table


@click.command()
@click.argument("code", required=False)
@click.option("--all", "everything", is_flag=True, help="Print every page.")
@format_option("text", "json", "markdown")
def rule(code: str | None, everything: bool, output_format: str) -> int:
    """Print the manual page of a rule, by code or name; without one, the list of rules."""
    infos = list(RULES.values())
    if code is not None:
        chosen = [info for info in infos if code.lower() in (info.code.lower(), info.name)]
        if not chosen:
            words = [word for info in infos for word in (info.code, info.name)]
            raise click.BadParameter(f"there is no rule {code}; {suggest(code, words, 'rules')}", param_hint="CODE")
    else:
        chosen = infos
    if output_format == "json":
        click.echo(
            json.dumps(
                {
                    "version": 1,
                    "rules": [
                        {"code": i.code, "name": i.name, "severity": str(i.severity), "manual": page(i)} for i in chosen
                    ],
                },
                indent=2,
                ensure_ascii=False,
            )
        )
    elif code is not None or everything or output_format == "markdown":
        click.echo("\n".join(page(info) for info in chosen))
    else:
        click.echo("\n".join(table([(info.code, info.name, str(info.severity)) for info in chosen])))
    return 0
