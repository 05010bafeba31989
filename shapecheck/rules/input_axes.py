"""Lints on how an input's axes are written: a batch axis that is missing, a dimension that is called None."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import NamedTuple

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.arithmetic.shape import Shape, channel_axis, show, spatial_name, split
from shapecheck.findings.finding import Applicability, Edit, Finding, Fix, Span
from shapecheck.graph.network import Node
from shapecheck.layers.role import Role
from shapecheck.rules.axis_order import COLOURS
from shapecheck.text import plural

# The least side of a square that is taken for a picture: MNIST's.
LEAST_SIDE = 28
# Sides of pictures that data sets and published networks have, and that nobody chooses for channels or a batch.
PICTURE_SIDES = frozenset((28, 224, 227, 229, 299, 300, 331, 380, 448, 513, 572, 608))
# Heights and widths of screens and cameras, which stand in either order.
FRAMES = frozenset(((240, 320), (360, 640), (480, 640), (600, 800), (720, 1280), (768, 1024), (1080, 1920)))
# How much longer than high a picture of any other size may be: as of a cinema.
WIDEST = 2.4
HEIGHT, WIDTH, DEPTH = (frozenset(words) for words in (("h", "height"), ("w", "width"), ("d", "depth")))
CHANNELS = frozenset(("c", "ch", "channel", "channels", "c_in", "cin", "in_channels"))
BATCHES = ("N", "B", "batch")
# What stands for an unknown size elsewhere; in YAML each of them is a text, and so a name.
UNKNOWN = frozenset(("none", "nil", "any", "unknown", "dynamic"))


class _Reading(NamedTuple):
    """A way to write an input with its batch axis, and the layout of the network that goes with it."""

    shape: Shape
    channels_last: bool


def missing_batch_axis(shapes: Shapes) -> Iterable[Finding]:
    """An input looks like one picture, or fits only with an axis more: what is the batch here is no batch."""
    as_written = shapes if not shapes.layers else propagate(shapes.network)
    for node in shapes.network.inputs:
        if node.shape is None or not 2 <= len(node.shape) <= 4:
            continue
        picture = _picture(shapes, node)
        if picture is None and (node.dims[0] is not None or not _may_lack_an_axis(as_written, node.shape)):
            continue
        fitting = [found for found in _readings(shapes, node, picture) if _reach(found[1]) >= _reach(as_written)]
        clean = [reading for reading, trial in fitting if not trial.troubles]
        if as_written.troubles and clean:
            yield _lacks(shapes, node, clean, picture)
        elif picture is not None and fitting:
            yield _looks_like_a_picture(shapes, node, [reading for reading, _ in fitting])


def _lacks(shapes: Shapes, node: Node, readings: list[_Reading], picture: int | None) -> Finding:
    """Return what is said where errors go away with a batch axis."""
    shape = node.shape or ()
    help = f"write {_choices(shapes, readings)}"
    if picture is None and shape[0] not in COLOURS:
        apart = (shape[0], 1, *shape[1:]) if not shapes.network.channels_last else (*shape, 1)
        if not _trial(shapes, {node.index: apart}, shapes.network.channels_last).troubles:
            help += f"; if {shape[0]} is the batch, the channels are missing: {show(apart)}"
    return Finding.of(
        "missing-batch-axis",
        f"the input {node.name} {show(shape)} has no batch axis: with one, {show(_named(shapes, readings[0]))},"
        " every shape fits",
        node.source.place("shape"),
        None,
        help,
        fix=_with_batch(shapes, node, readings[0]),
    )


def _looks_like_a_picture(shapes: Shapes, node: Node, readings: list[_Reading]) -> Finding:
    shape = node.shape or ()
    channels_last = shapes.network.channels_last
    batch, channels, spatial = split(shape, channels_last)
    reader = _sliding(shapes, node)
    by = "the next layer" if reader is None else reader.name
    kind = "picture" if len(shape) == 3 else "volume"
    sizes = " x ".join(map(str, spatial))
    return Finding.of(
        "missing-batch-axis",
        f"the input {node.name} {show(shape)} looks like a {kind} without a batch axis: {by} takes {batch} as the batch"
        f" and {channels} as channels, and slides along {plural(len(spatial), 'spatial axis')} ({sizes})",
        node.source.place("shape"),
        None,
        f"write {_choices(shapes, readings)}",
        fix=_with_batch(shapes, node, readings[0]),
    )


def _choices(shapes: Shapes, readings: list[_Reading]) -> str:
    words = []
    for reading in readings:
        layout = "channels_last" if reading.channels_last else "channels_first"
        other = reading.channels_last is not shapes.network.channels_last
        words.append(f"{show(_named(shapes, reading))}{f' with layout: {layout}' if other else ''}")
    return ", or ".join(words)


def _named(shapes: Shapes, reading: _Reading) -> tuple[object, ...]:
    return (_batch_name(shapes), *reading.shape[1:])


def _batch_name(shapes: Shapes) -> str:
    return next((name for name in BATCHES if name not in shapes.network.dims), BATCHES[0])


def _with_batch(shapes: Shapes, node: Node, reading: _Reading) -> Fix | None:
    """Offer to put a batch in front, where nothing else changes."""
    first = node.source.keys.get("shape.0")
    if first is None or reading.channels_last is not shapes.network.channels_last or reading.shape[1:] != node.shape:
        return None
    name = _batch_name(shapes)
    edit = Edit(Span(first.start, first.start), f"{name}, ")
    return Fix(f"write {show(_named(shapes, reading))}", Applicability.UNSAFE, (edit,))


def _may_lack_an_axis(as_written: Shapes, shape: Shape) -> bool:
    """Say whether what is wrong may come from an input of too low a rank."""
    return any(len(shape) <= 3 or problem.rule == "wrong-number-of-axes" for problem in as_written.troubles)


def _readings(shapes: Shapes, node: Node, picture: int | None) -> Iterator[tuple[_Reading, Shapes]]:
    """Yield each way to give an input its batch axis, with the shapes that follow; the network's layout first.

    ``picture`` is where the channels of a picture stand. Other inputs of which the first size is a number may want
    their batch axis as well.
    """
    shape, batch = node.shape or (), _batch_elsewhere(shapes, node)
    layout = shapes.network.channels_last
    readings = [_Reading((batch, *shape), layout)]
    if picture is not None and (picture != 0) is not layout:
        turned = (*shape[1:], shape[0]) if layout else (shape[-1], *shape[:-1])
        readings = [_Reading((batch, *turned), layout), _Reading((batch, *shape), not layout)]
    others = {
        other.index: (batch, *other.shape)
        for other in shapes.network.inputs
        if other is not node and other.shape is not None and other.dims[0] is None
    }
    for reading in readings:
        alone = _trial(shapes, {node.index: reading.shape}, reading.channels_last)
        if alone.troubles and others:
            together = _trial(shapes, {**others, node.index: reading.shape}, reading.channels_last)
            alone = max(together, alone, key=_reach)
        yield reading, alone


def _batch_elsewhere(shapes: Shapes, node: Node) -> int:
    """Return the batch of another input that names it, which this one has to follow, or 1."""
    for other in shapes.network.inputs:
        if other is not node and other.shape and other.dims[0] is not None and isinstance(size := other.shape[0], int):
            return size
    return 1


def _trial(shapes: Shapes, inputs: dict[int, Shape], channels_last: bool) -> Shapes:
    """Return the shapes of the network with other shapes of some inputs."""
    network = copy(shapes.network)
    network.nodes = list(network.nodes)
    network.channels_last = channels_last
    for index, shape in inputs.items():
        node = network.nodes[index] = copy(network.nodes[index])
        node.shape = shape
    return propagate(network)


def _reach(found: Shapes) -> int:
    """Return how many layers, in their order, come before the first in which something is wrong."""
    wrong = {problem.node for problem in found.troubles}
    return next((at for at, index in enumerate(found.network.order) if index in wrong), len(found.network.order))


def _picture(shapes: Shapes, node: Node) -> int | None:
    """Return where the channels stand of an input that looks like a picture or volume without a batch; else None.

    A layer has to slide along it: what only flattens its input reads rows as well as pictures.
    """
    spoken = _spoken(node)
    if spoken is None and (node.shape is None or len(node.shape) != 3):
        return None
    reader = _sliding(shapes, node)
    if reader is None:
        return None
    if spoken is not None:
        return spoken
    return next((at for at in (0, 2) if _is_picture(shapes, node, at, reader)), None)


def _spoken(node: Node) -> int | None:
    """Return where the channels stand if the names of the axes say that there is no batch."""
    words = [None if name is None else name.lower() for name in node.dims]
    for at in (0, len(words) - 1):
        rest = words[1:] if at == 0 else words[:-1]
        sides = (HEIGHT, WIDTH) if len(words) == 3 else (DEPTH, HEIGHT, WIDTH)
        # A size of the language's own, D, is a width of features as well: four axes are named, or not spoken of.
        named = words[at] in CHANNELS or (words[at] is None and (len(words) == 3 or at > 0))
        if named and len(rest) == len(sides) and all(any(word in side for word in rest) for side in sides):
            return at
    return None


def _is_picture(shapes: Shapes, node: Node, at: int, reader: Node) -> bool:
    """Say whether the sizes are those of a picture with its channels at ``at``, and so not of a batch of signals.

    A batch and a length that are alike by chance are not rare, so a square of a power of 2 beside a batch of 1 or 4
    takes more: the first layer leaves half as many channels at most, as no layer on a signal of so many would.
    """
    colours, *sides = (node.shape or ()) if at == 0 else (node.shape or ())[::-1]
    names = [node.dims[axis] for axis in range(3) if axis != at]
    if colours not in COLOURS or node.dims[at] is not None:
        return False
    if names[0] is not None and names[0] == names[1]:
        return colours == 3
    if any(name is not None for name in node.dims) or not all(isinstance(side, int) for side in sides):
        return False
    low, high = sorted(side for side in sides if isinstance(side, int))
    natural = at == 2 and shapes.network.channels_last
    if low == high and low >= LEAST_SIDE and (colours == 3 or natural or low in PICTURE_SIDES):
        return True
    if (low, high) in FRAMES:
        return True
    if low < LEAST_SIDE or not _drops_channels(shapes, node, reader):
        return False
    # A batch of 64 of 128 channels with 3 elements left is usual, and no picture.
    usual = at != 0 and low & (low - 1) == high & (high - 1) == 0
    return low == high or (colours == 3 and high <= WIDEST * low and not usual)


def _drops_channels(shapes: Shapes, node: Node, reader: Node) -> bool:
    """Say whether the first layer leaves half the channels at most, and a later one has more again."""
    out = getattr(reader.layer, "out_channels", None)
    if not isinstance(out, int) or node.shape is None:
        return False
    channels = node.shape[channel_axis(len(node.shape), shapes.network.channels_last)]
    if not isinstance(channels, int) or 2 * out > channels:
        return False
    later = (getattr(other.layer, "out_channels", None) for other in shapes.network.layers)
    return any(isinstance(more, int) and more > out for more in later)


def _sliding(shapes: Shapes, node: Node) -> Node | None:
    """Return the first layer that slides a kernel of more than 1 over an input, or over it with values changed."""
    readers: dict[int, list[Node]] = {}
    for layer in shapes.network.layers:
        for index in layer.inputs:
            readers.setdefault(index, []).append(layer)
    waiting = [node.index]
    for index in waiting:
        for reader in readers.get(index, ()):
            role = Role.NONE if reader.layer is None else reader.layer.role
            if Role.SLIDES in role and getattr(reader.layer, "kernel_size", 1) != 1:
                return reader
            if role & (Role.POINTWISE | Role.NORMALISATION | Role.MERGE):
                waiting.append(reader.index)
    return None


def none_as_dimension(shapes: Shapes) -> Iterable[Finding]:
    """A name that stands for an unknown size elsewhere is at several axes: here it is one dimension, of one size."""
    places: dict[str, list[tuple[Node, int]]] = {}
    for node in shapes.network.inputs:
        for axis, name in enumerate(node.dims):
            if name is not None and name.lower() in UNKNOWN:
                places.setdefault(name, []).append((node, axis))
    for name, found in places.items():
        # The batch of every input may well be one.
        if len({axis for _, axis in found}) == 1:
            continue
        inputs = list(dict.fromkeys(node for node, _ in found))
        axes = [(node, [axis for other, axis in found if other is node]) for node in inputs]
        where = " and ".join(f"{_axes(at)} of {node.name}" for node, at in axes)
        node, at = next(((node, at) for node, at in axes if len(at) > 1), axes[0])
        mended = _apart(node, name, shapes.network.channels_last)
        yield Finding.of(
            "none-as-dimension",
            f"{name} is the name of one dimension, so {where} have one size",
            node.source.place("shape"),
            None,
            f"give each its own name, {node.name}: {show(mended)}",
            fix=_rename(node, at, mended) if len(inputs) == 1 else None,
        )


def _axes(at: list[int]) -> str:
    *first, last = map(str, at)
    return f"axes {', '.join(first)} and {last}" if first else f"axis {last}"


def _apart(node: Node, name: str, channels_last: bool) -> tuple[object, ...]:
    """Return an input as it is written with the usual names in place of ``name``."""
    rank = len(node.dims)
    usual = [BATCHES[0], *(spatial_name(j, rank - 2) for j in range(rank - 2))]
    # Of two axes of unknown size the second counts the elements of a sequence; channels have a number.
    usual.insert(channel_axis(rank, channels_last), "C" if rank > 2 else "L")
    written = [said if said is not None else size for said, size in zip(node.dims, node.shape or (), strict=True)]
    taken = {said for said in written if isinstance(said, str) and said != name}
    words = [word.replace("spatial axis ", "S") for word in usual]
    return tuple(
        (words[axis] if words[axis] not in taken else f"{words[axis]}2") if said == name else said
        for axis, said in enumerate(written)
    )


def _rename(node: Node, at: list[int], mended: tuple[object, ...]) -> Fix | None:
    spans = [node.source.keys.get(f"shape.{axis}") for axis in at]
    edits = tuple(Edit(span, str(mended[axis])) for axis, span in zip(at, spans, strict=True) if span is not None)
    return Fix(f"write {show(mended)}", Applicability.UNSAFE, edits) if len(edits) == len(at) else None
