"""``shapecheck server``: the language server."""

from __future__ import annotations

import click


@click.command()
@click.option("--tcp", "port", type=click.IntRange(1, 65_535), metavar="PORT", help="Listen on this port instead.")
def server(port: int | None) -> int:
    """Serve an editor: findings, shapes, completion and more while a network is written. Speaks LSP over stdio."""
    try:
        from shapecheck.server.protocol import serve  # loads pygls, which is an optional extra
    except ModuleNotFoundError as error:
        if str(error.name).startswith("shapecheck"):
            raise
        raise click.UsageError(f"the language server needs {error.name}: pip install 'shapecheck-nn[server]'") from None
    return serve(port)
