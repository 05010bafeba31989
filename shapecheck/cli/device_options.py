"""The options --mesh and --shard: several devices, said on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import click

from shapecheck import pipeline
from shapecheck.analysis.batch import NoBatch, batch_of
from shapecheck.analysis.propagation import propagate
from shapecheck.cli.options import Command
from shapecheck.findings.checked import Report
from shapecheck.language.sharding_reader import CHANNELS, override
from shapecheck.language.templates import FileTemplate
from shapecheck.language.vocabulary import ANY_SIZE, IDENTIFIER
from shapecheck.rules.devices import uneven_sharding, uneven_shards
from shapecheck.text import suggest

# The rules on devices that look at sizes.
_BY_SIZE = ("uneven-sharding", "uneven-shards")
_SIZE = re.compile(r"[1-9][0-9]{0,8}\Z")


class Devices(NamedTuple):
    """What the command line says of several devices: mesh axes with their sizes, and what is split over them."""

    mesh: tuple[tuple[str, int], ...]
    shards: tuple[tuple[str, tuple[str, ...]], ...]

    def into(self, files: list[FileTemplate]) -> Callable[[FileTemplate], None] | None:
        """Return what puts this into a file that was read, noting the file in ``files``; None where nothing is said."""
        if not self.mesh and not self.shards:
            return None

        def prepare(file: FileTemplate) -> None:
            files.append(file)
            override(file, self.mesh, self.shards)

        return prepare

    def require_used(self, files: Iterable[FileTemplate]) -> None:
        """Refuse a name that no file has, and a mesh over which nothing is split. Raises click.UsageError."""
        files = list(files)
        if not files:
            return
        names = {name for file in files for name in file.dimension_names()}
        for name, axes in self.shards:
            if name != CHANNELS and name not in names:
                known = sorted({*names, CHANNELS})
                raise click.BadParameter(
                    f"no dimension is called {name}; {suggest(name, known, 'names')}", param_hint="--shard"
                )
            meshes = [file.sharding.mesh for file in files if file.sharding is not None]
            for axis in axes:
                if axis != ANY_SIZE and not any(axis in mesh for mesh in meshes):
                    known = sorted({known for mesh in meshes for known in mesh})
                    help = suggest(axis, known, "mesh axes") if known else "give the mesh with --mesh data=8"
                    raise click.BadParameter(f"no mesh has an axis {axis}; {help}", param_hint="--shard")
        if not any(_splits(file) for file in files):
            raise click.UsageError(
                "--mesh says which devices there are, but nothing is split over them; add --shard NAME=AXIS,"
                " with the name of a dimension or channels, or sharding: to the file"
            )


def _splits(file: FileTemplate) -> bool:
    told = file.sharding
    return told is not None and bool(told.dims or told.inputs or told.channels or told.layers)


def at_batch(reports: Iterable[Report], batch: int) -> None:
    """Judge what does not divide at the batch that is asked for, in place of that of the file."""
    for report in reports:
        network = report.network
        if network is None or network.sharding is None:
            continue
        try:
            shapes = propagate(batch_of(network).at(batch))
        except NoBatch:
            continue  # verify says so itself
        found = [f for f in (*uneven_sharding(shapes), *uneven_shards(shapes)) if f.rule.name in _BY_SIZE]
        report.diagnostics = tuple(d for d in report.diagnostics if d.rule.name not in _BY_SIZE)
        pipeline.add_verified(report, found)


def parse_devices(mesh: str | None, shards: Iterable[str]) -> Devices:
    """Return the values of --mesh and --shard. Raises click.BadParameter."""
    axes: dict[str, int] = {}
    for part in [] if mesh is None else mesh.split(","):
        axis, equals, size = (word.strip() for word in part.partition("="))
        if not equals or not IDENTIFIER.match(axis) or axis == ANY_SIZE or axis in axes:
            why = "names an axis twice" if axis in axes else "is not AXIS=SIZE,AXIS=SIZE"
            raise click.BadParameter(f"{mesh!r} {why}, such as data=4,model=2", param_hint="--mesh")
        if not _SIZE.match(size):
            raise click.BadParameter(
                f"{mesh!r}: the size of axis {axis} is a whole number of at least 1, found {size!r}",
                param_hint="--mesh",
            )
        axes[axis] = int(size)
    found: dict[str, tuple[str, ...]] = {}
    for text in shards:
        name, equals, value = (word.strip() for word in text.partition("="))
        words = tuple(word.strip() for word in value.split(","))
        if not equals or not name or not all(IDENTIFIER.match(word) for word in words):
            raise click.BadParameter(f"{text!r} is not NAME=AXIS, such as N=data or N=data,model", param_hint="--shard")
        if name in found:
            raise click.BadParameter(f"{name} is given twice; list its axes: {name}=a,b", param_hint="--shard")
        found[name] = words
    return Devices(tuple(axes.items()), tuple(found.items()))


def device_options(function: Command) -> Command:
    """Add --mesh and --shard."""
    shard = click.option(
        "--shard",
        "shards",
        multiple=True,
        metavar="NAME=AXIS",
        help="Split a dimension, or channels (the output channels of all parameters), over a mesh axis; repeatable.",
    )
    mesh = click.option(
        "--mesh",
        metavar="AXIS=SIZE,...",
        help="Verify for a mesh of devices, such as data=4,model=2, in place of the file's own.",
    )
    return mesh(shard(function))
