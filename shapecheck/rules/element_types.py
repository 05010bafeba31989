"""Rules on the kind of numbers that a layer reads."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.looked_up import floats_looked_up
from shapecheck.analysis.propagation import Shapes
from shapecheck.findings.finding import Finding, Related


def lookup_of_floats(shapes: Shapes) -> Iterable[Finding]:
    """A layer looks up numbers that are not whole numbers: they are no places in its table."""
    for index, giver in floats_looked_up(shapes.network).items():
        node = shapes.network.nodes[index]
        if giver.layer is None:
            what = f"{giver.name} is {giver.dtype or 'float32, the default'}"
            help = f"write dtype: int32 for {giver.name}, or use linear for numbers that are not indices"
        else:
            what = f"the output of {giver.name} is floating point"
            help = "read the indices themselves, or use linear for numbers that are not indices"
        yield Finding.at(
            "lookup-of-floats",
            node.name,
            f"{node.op} looks up whole numbers, but {what}",
            node.source.span,
            help,
            (Related("these numbers", giver.source.span),),
        )
