"""``shapecheck verify``."""

from __future__ import annotations

import click

from shapecheck.cache.answers import Cache
from shapecheck.cli.checking import Fixing, checked, findings_stream, fix, fix_options, render
from shapecheck.cli.cost_options import Asked, cost_options
from shapecheck.cli.device_options import at_batch, device_options, parse_devices
from shapecheck.cli.options import Rules, cache_options, format_option, rule_options, set_option
from shapecheck.cli.proving_options import Proving, prove_shown, proving_options
from shapecheck.language.templates import FileTemplate
from shapecheck.output import FORMATS
from shapecheck.verification import Plan


@click.command()
@click.argument("paths", nargs=-1)
@set_option
@format_option(*FORMATS)
@rule_options
@fix_options
@proving_options
@device_options
@cost_options
@cache_options
@click.option("--stdin-filename", default="<stdin>", help="The name to show for standard input.")
def verify(
    paths: tuple[str, ...],
    assignments: tuple[str, ...],
    config_path: str | None,
    output_format: str,
    proving: Proving,
    mesh: str | None,
    shards: tuple[str, ...],
    asked: Asked,
    cache: Cache | None,
    stdin_filename: str,
    fixing: Fixing,
    rules: Rules,
) -> int:
    """Check network files, then build each with JAX and compare the shape of every layer.

    The build knows nothing of the shapes that check computed. Exit code 0 means proved. A network that was proved or
    refuted before, on this machine and with these versions, is not built again: --no-cache builds it.
    """
    devices = parse_devices(mesh, shards)
    read: list[FileTemplate] = []
    reports = checked(paths, assignments, config_path, stdin_filename, rules, devices.into(read))
    devices.require_used(read)
    if fixing.wanted:
        reports, shown = fix(reports, fixing)
        if fixing.diff:
            return 1 if shown else 0
    asked.require_batch(reports)
    plan = asked.into(Plan(proving.level, proving.device, mesh=devices.mesh, shard=devices.shards))
    if plan.batch is not None:
        at_batch(reports, plan.batch)
    prove_shown(reports, plan, proving.timeout, cache)
    render(reports, output_format, findings_stream(reports, fixing))
    return 0 if all(r.ok and r.verification is not None and r.verification.verdict == "proved" for r in reports) else 1
