"""Other sizes of the inputs of a network, at which it fits: of its dimensions, or of a number in an input's shape."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.analysis.sizes.every_size import analyse
from shapecheck.analysis.upstream import upstream
from shapecheck.arithmetic.shape import channel_axis
from shapecheck.findings.finding import Advice, Applicability, Edit, Finding
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.graph import network
from shapecheck.language.document import parse, span_of
from shapecheck.rules.advice.inquiry import Inquiry, entry
from shapecheck.rules.error_causes import followed
from shapecheck.rules.input_sizes import NearestSizes, nearest_working

# How far from its size an input is looked at, and how many layers are propagated for it in all.
FARTHEST = 64
MOST_LAYERS = 40_000


def other_sizes(asked: Inquiry) -> Iterator[Advice]:
    """Yield the nearest sizes of the inputs at which the network works."""
    found = list(_origins(asked))
    root = parse(asked.text, DEFAULT_LIMITS) if found else None
    if root is None or isinstance(root, Finding):
        return
    if asked.shapes.network.dims:
        yield from _of_dimensions(asked.shapes, root)
    for node, axis in found:
        if axis >= len(node.dims) or node.dims[axis] is None:
            yield from _of_number(asked, root, node, axis)


def _origins(asked: Inquiry) -> Iterator[tuple[network.Node, int]]:
    """Yield the axes of the inputs of the network, batch and channels aside, that the finding's sizes come from."""
    problem, shapes = asked.problem, asked.shapes
    starts = () if problem is None else followed(shapes, problem)
    seen = set()
    for start, its_axis in starts:
        for node, axis in upstream(shapes, start, its_axis):
            shape = shapes.outputs[node.index]
            if node.layer is None and shape is not None and (node.index, axis) not in seen:
                seen.add((node.index, axis))
                if axis and axis != channel_axis(len(shape), shapes.network.channels_last):
                    yield node, axis


def _nearest_of_dimensions(shapes: Shapes) -> list[NearestSizes]:
    """Return the nearest sizes of dimensions that work; they are looked for once."""
    found = shapes.kept.get("nearest sizes that work")
    if not isinstance(found, list):
        found = list(nearest_working(shapes.network, analyse(shapes.network)))
        shapes.kept["nearest sizes that work"] = found
    return found


def _of_dimensions(shapes: Shapes, root: Node) -> Iterator[Advice]:
    """Yield sizes of dimensions, each with those of others that have to change along with it."""
    dims = entry(root, "dims") if isinstance(root, MappingNode) else None
    of = shapes.network
    for found, near, others in _nearest_of_dimensions(shapes):
        given = found.given or 0
        for size in sorted(near, key=lambda n: abs(n - given)):
            square = dict.fromkeys((found.name, *others), size)
            alike = all(of.dims[name].size == given for name in others)
            for sizes in (square, {found.name: size, **others}) if alike else ({found.name: size, **others},):
                edits = [_given(dims, name, n) for name, n in sorted(sizes.items())]
                what = " and ".join(f"{name}: {n}" for name, n in sorted(sizes.items()))
                made = tuple(edit for edit in edits if edit is not None)
                if len(made) == len(edits):
                    yield Advice("sizes", "write", what, "", Applicability.DISPLAY, made, most=2)


def _given(dims: Node | None, name: str, size: int) -> Edit | None:
    """Return the edit that gives a dimension another size."""
    value = entry(dims, name) if isinstance(dims, MappingNode) else None
    if isinstance(value, MappingNode):
        value = entry(value, "size")
    return Edit(span_of(value), str(size)) if isinstance(value, ScalarNode) and value.value.isdecimal() else None


def _of_number(asked: Inquiry, root: Node, node: network.Node, axis: int) -> Iterator[Advice]:
    """Yield other numbers for one axis of an input's shape, each tried on the shapes first."""
    inputs = entry(root, "inputs") if isinstance(root, MappingNode) else None
    shape = entry(inputs, node.name) if isinstance(inputs, MappingNode) else None
    if isinstance(shape, MappingNode):
        shape = entry(shape, "shape")
    value = shape.value[axis] if isinstance(shape, SequenceNode) and axis < len(shape.value) else None
    if not isinstance(value, ScalarNode) or not value.value.isdecimal():
        return
    for size in _nearest(asked.shapes, asked.node.index, node, axis):
        where = f" in place of {value.value} in the shape of {node.name}"
        edit = Edit(span_of(value), str(size))
        yield Advice("sizes", "write", str(size), where, Applicability.DISPLAY, (edit,), most=2)


def _nearest(shapes: Shapes, broken: int, node: network.Node, axis: int) -> Iterator[int]:
    """Yield the nearest size below and above with which a layer fits."""
    size = (node.shape or ())[axis]
    if not isinstance(size, int):
        return
    before = {trouble.node for trouble in shapes.troubles}
    left = MOST_LAYERS // max(1, len(shapes.network.nodes))
    signs = [-1, 1]
    for distance in range(1, FARTHEST + 1):
        for sign in tuple(signs):
            other = size + sign * distance
            left -= 1
            if left < 0:
                return
            if other >= 1:
                after = {trouble.node for trouble in _at(shapes, node, axis, other).troubles}
                if broken not in after and after <= before:
                    signs.remove(sign)
                    yield other


def _at(shapes: Shapes, node: network.Node, axis: int, size: int) -> Shapes:
    """Return the shapes of the network with another size at one axis of an input."""
    assert node.shape is not None
    changed = copy.copy(node)
    changed.shape = (*node.shape[:axis], size, *node.shape[axis + 1 :])
    other = copy.copy(shapes.network)
    other.nodes = [changed if one is node else one for one in shapes.network.nodes]
    return propagate(other, shapes.layers)
