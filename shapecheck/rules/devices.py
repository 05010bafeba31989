"""Rules on several devices: codes SC9xx."""

from __future__ import annotations

from collections.abc import Iterator

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.sharding import Uneven, uneven
from shapecheck.arithmetic.shape import axis_name, show
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Sharding


def uneven_sharding(shapes: Shapes) -> Iterator[Finding]:
    """An input, or a layer's parameters, cannot be divided among the devices as `sharding` asks."""
    sharding = shapes.network.sharding
    if sharding is not None:
        yield from (_refused(shapes, sharding, found) for found in uneven(shapes, sharding) if found.of != "output")
        yield from _lengths(shapes, sharding)


def uneven_shards(shapes: Shapes) -> Iterator[Finding]:
    """A feature map inside the network does not divide among the devices: XLA pads or gathers it, and says nothing."""
    sharding = shapes.network.sharding
    if sharding is not None:
        yield from (_padded(shapes, found) for found in uneven(shapes, sharding) if found.of == "output")


def _refused(shapes: Shapes, sharding: Sharding, found: Uneven) -> Finding:
    node = found.node
    what = f"the {found.size} {found.of} of its parameters" if found.axis is None else _axis(shapes, found)
    help = f"sizes nearby that divide: {_near(found)}"
    if found.axis is None:
        help += f"; or leave these parameters whole: layers: {{{node.name}: {{channels: _}}}} under sharding"
    return Finding.at(
        "uneven-sharding",
        node.name,
        f"{what} cannot be split over {_over(found)}: {_formula(found)}",
        node.source.span,
        help,
        _places(found),
        subject=(found.of, found.axis),
    )


def _padded(shapes: Shapes, found: Uneven) -> Finding:
    each = -(-found.size // found.parts)
    waste = each * found.parts - found.size
    return Finding.at(
        "uneven-shards",
        found.node.name,
        f"{_axis(shapes, found)} does not divide over {_over(found)}: {_formula(found)};"
        f" in parts of {each}, {waste} of {each * found.parts} are padding",
        found.node.source.span,
        f"XLA pads such an axis, or gathers it, and says nothing; sizes nearby that divide: {_near(found)}",
        _places(found),
        subject=(found.of, found.axis),
    )


def _axis(shapes: Shapes, found: Uneven) -> str:
    shape = shapes.outputs[found.node.index] or ()
    assert found.axis is not None
    return f"{axis_name(found.axis, len(shape), shapes.network.channels_last)} of size {found.size}"


def _over(found: Uneven) -> str:
    axes = found.split.axes
    return f"the {found.parts} devices of mesh {'axis' if len(axes) == 1 else 'axes'} {' and '.join(axes)}"


def _formula(found: Uneven) -> str:
    return f"{found.size} % {found.parts} = {found.size % found.parts}"


def _near(found: Uneven) -> str:
    below = found.size // found.parts * found.parts
    return f"{below} and {below + found.parts}" if below else str(found.parts)


def _places(found: Uneven) -> tuple[Related, ...]:
    places = []
    if found.origin is not found.node:
        places.append(Related(f"{found.origin.name} makes it {found.size}", found.origin.source.span))
    if found.split.span is not None:
        places.append(Related("split here", found.split.span))
    return tuple(places)


def _lengths(shapes: Shapes, sharding: Sharding) -> Iterator[Finding]:
    """Yield a finding for each output whose split lists another number of axes than it has."""
    for index, splits in sharding.outputs.items():
        node, shape = shapes.network.nodes[index], shapes.outputs[index]
        if shape is not None and len(shape) != len(splits):
            place = next((split.span for split in splits if split.span is not None), node.source.span)
            yield Finding.at(
                "wrong-number-of-axes",
                node.name,
                f"sharding lists {len(splits)} axes, but the output is {show(shape)}",
                place,
                "write a mesh axis or _ for each axis of the output",
            )
