"""What may mend two maps that differ: on a spatial axis, in channels, or in the axis along which they are joined."""

from __future__ import annotations

from collections.abc import Iterator

from yaml.nodes import ScalarNode, SequenceNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.provenance import cause, floored_above, passages
from shapecheck.arithmetic.shape import Shape, channel_axis, split
from shapecheck.findings.finding import Advice, Applicability, Edit
from shapecheck.graph import network
from shapecheck.language.document import span_of
from shapecheck.layers.role import Role
from shapecheck.rules.advice.inquiry import Inquiry, above, entry, per_axis

# A map is cropped or stretched to another only where that keeps most of it: this much more at most.
LARGEST_STRETCH = 1.5
LARGEST_CROP = 2


def resized_like(asked: Inquiry) -> Iterator[Advice]:
    """Yield the layer that grows one of two maps made to grow it to the size of the other."""
    ends = asked.ends()
    if ends is None or asked.problem is None or asked.problem.axis is None:
        return
    for end, other in (ends[::-1], ends):
        sizes = _sizes(asked, end, other)
        if sizes is None or max(sizes) > LARGEST_STRETCH * min(sizes):
            continue
        grower = _grower(asked.shapes, end, asked.problem.axis)
        like = None if grower is None else asked.local(grower, asked.shapes.network.nodes[other])
        if grower is None or like is None or grower.layer is None:
            continue
        if "scale_factor" in grower.layer.keys:
            for old in ("scale_factor", "size"):
                yield from asked.write("like", grower, "like", like, instead=old)
        elif grower.layer.undoes is not None:
            yield from _output_size(asked, grower, other)


def _output_size(asked: Inquiry, grower: network.Node, other: int) -> Iterator[Advice]:
    """Yield the size that a transposed layer is to make, as a number for each axis."""
    theirs = asked.shapes.outputs[other]
    if theirs is None or grower.layer is None or "output_size" not in grower.layer.keys:
        return
    sizes = [size for size in split(theirs, asked.shapes.network.channels_last).spatial if isinstance(size, int)]
    if len(sizes) == len(theirs) - 2:
        instead = "output_padding" if entry(grower.source.mapping, "output_padding") is not None else None
        yield from asked.write("output_size", grower, "output_size", per_axis(sizes), instead)


def _sizes(asked: Inquiry, end: int, other: int) -> tuple[int, int] | None:
    """Return the sizes of two maps on the axis on which they differ."""
    axis = None if asked.problem is None else asked.problem.axis
    one, two = asked.shapes.outputs[end], asked.shapes.outputs[other]
    if axis is None or one is None or two is None or len(one) != len(two) or len(one) < 3:
        return None
    if axis in (0, channel_axis(len(one), asked.shapes.network.channels_last)):
        return None
    first, second = one[axis], two[axis]
    return (first, second) if isinstance(first, int) and isinstance(second, int) else None


def _grower(shapes: Shapes, end: int, axis: int) -> network.Node | None:
    """Return the layer that gave an axis its size, if it is one that makes maps larger."""
    for passage in passages(shapes, end, axis):
        layer = shapes.layer(passage.node)
        if layer is None or passage.flow is None:
            return None
        if layer.undoes is not None or ("scale_factor" in layer.keys and layer.sized_like is not None):
            return passage.node
        context = shapes.context(passage.node)
        before = None if context is None or passage.source is None else context.inputs[passage.source.operand]
        if before is None or passage.source is None:
            return None
        if before[passage.source.axis] != (shapes.outputs[passage.node.index] or ())[passage.axis]:
            return None
    return None


def cropped(asked: Inquiry) -> Iterator[Advice]:
    """Yield a crop of the larger of two maps to the other, where it keeps more than half of each axis."""
    mapping = asked.node.source.mapping
    if mapping is None or len(asked.node.inputs) < 2 or asked.ends() is None:
        return
    sources = entry(mapping, "from")
    ends = [asked.node.inputs.index(end) for end in asked.ends() or () if end in asked.node.inputs]
    if not isinstance(sources, SequenceNode) or len(sources.value) != len(asked.node.inputs) or len(ends) != 2:
        return
    names = [sources.value[at] for at in ends]
    if not all(isinstance(name, ScalarNode) and not name.style for name in names):
        return
    shapes = [asked.shapes.outputs[asked.node.inputs[at]] for at in ends]
    larger = _larger(shapes[0], shapes[1], asked.shapes.network.channels_last)
    if larger is None:
        return
    big, small = names[larger].value, names[1 - larger].value
    fresh = _fresh(asked.shapes, f"{big}_crop".replace(".", "_"))
    edit = above(mapping, f"{{name: {fresh}, op: crop, from: {big}, like: {small}}}")
    if edit is not None:
        edits = (edit, Edit(span_of(names[larger]), fresh))
        yield Advice("cropping", "crop", big, f" like {small} before {asked.node.name}", Applicability.UNSAFE, edits)


def _larger(one: Shape | None, other: Shape | None, channels_last: bool) -> int | None:
    """Return which of two maps is at least as large on every spatial axis, and less than twice as large."""
    if one is None or other is None or len(one) != len(other) or len(one) < 3:
        return None
    pairs = [
        (a, b)
        for a, b in zip(split(one, channels_last).spatial, split(other, channels_last).spatial, strict=True)
        if isinstance(a, int) and isinstance(b, int)
    ]
    if len(pairs) != len(one) - 2:
        return None
    for which, sign in ((0, 1), (1, -1)):
        if all((a - b) * sign >= 0 and max(a, b) < LARGEST_CROP * min(a, b) for a, b in pairs):
            return which
    return None


def _fresh(shapes: Shapes, name: str) -> str:
    taken = {node.name.rpartition(".")[2] for node in shapes.network.nodes}
    number, base = 1, name
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def rounded_up(asked: Inquiry) -> Iterator[Advice]:
    """Yield ceil_mode on the pooling at which two branches diverge."""
    ends = asked.ends()
    if ends is None or asked.problem is None or asked.problem.axis is None:
        return
    found = cause(asked.shapes, *ends, asked.problem.axis)
    if found is None or found.layer is None or found.layer.layer is None:
        return
    if "ceil_mode" in found.layer.layer.keys:
        yield from asked.write("ceil_mode", found.layer, "ceil_mode", True)


def full_padding(asked: Inquiry) -> Iterator[Advice]:
    """Yield the padding, with the output_padding, under which a transposed layer makes s times its input."""
    problem = asked.problem
    if problem is None or problem.axis is None:
        return
    ends = (asked.node.index,) if problem.expectation is not None else asked.ends() or ()
    for end in ends:
        for node, w in floored_above(asked.shapes, end, problem.axis)[:2]:
            extra = w.k - w.s - 2 * w.before
            first = list(asked.write("full padding", node, "padding", w.before + 1))
            second = list(asked.write("full padding", node, "output_padding", -extra if extra < 0 else extra))
            if first and second:
                first[0] = first[0]._replace(where="")
                yield first[0].joined(second)


def broadcast(asked: Inquiry) -> Iterator[Advice]:
    """Yield broadcast, where one of two sizes is 1."""
    ends = asked.ends()
    axis = None if asked.problem is None else asked.problem.axis
    if ends is None or axis is None or asked.layer is None or "broadcast" not in asked.layer.keys:
        return
    sizes = [(asked.shapes.outputs[end] or ())[axis] for end in ends]
    if 1 in sizes:
        yield from asked.write("broadcast", asked.node, "broadcast", True)


def channels(asked: Inquiry) -> Iterator[Advice]:
    """Yield another number of channels in the layer that made those of one of two maps, where they must agree."""
    ends, problem = asked.ends(), asked.problem
    if ends is None or problem is None or problem.axis is None:
        return
    shapes = [asked.shapes.outputs[end] for end in ends]
    if any(shape is None or not isinstance(shape[problem.axis], int) for shape in shapes):
        return
    one, other = ((shape or ())[problem.axis] for shape in shapes)
    for end, wanted in ((ends[1], one), (ends[0], other)):
        maker = next(
            (p.node for p in passages(asked.shapes, end, problem.axis) if _makes_channels(asked, p.node)), None
        )
        if maker is None or maker.layer is None:
            continue
        for key in ("out_channels", "out_features"):
            if key in maker.layer.keys:
                yield from asked.write("channels", maker, key, wanted, most=2)


def _makes_channels(asked: Inquiry, node: network.Node) -> bool:
    layer = asked.shapes.layer(node)
    return layer is not None and Role.LEARNED_MAP in layer.role


def other_axis(asked: Inquiry) -> Iterator[Advice]:
    """Yield another axis along which inputs may be joined: the only one on which they differ."""
    layer, inputs = asked.layer, asked.inputs
    if layer is None or "axis" not in layer.keys or len({len(shape) for shape in inputs}) != 1:
        return
    differing = [axis for axis in range(len(inputs[0])) if len({shape[axis] for shape in inputs}) > 1]
    if len(differing) == 1 and differing[0]:
        yield from asked.write("axis", asked.node, "axis", differing[0])
