"""What may mend a number that does not agree: one that is stated, one that should divide, an axis, an index."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from yaml.nodes import SequenceNode

from shapecheck.analysis.provenance import assembled
from shapecheck.analysis.upstream import upstream
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.finding import Advice, Applicability, Edit
from shapecheck.graph import network
from shapecheck.language.document import span_of
from shapecheck.layers.context import Problem
from shapecheck.layers.divisors import divisors_near
from shapecheck.rules.advice.inquiry import Inquiry, entry, literal
from shapecheck.rules.reshape_counts import parted_target

# The axis of a map along which the examples of a batch stand.
BATCH = 0


def stated_number(asked: Inquiry) -> Iterator[Advice]:
    """Yield what is stated as it is found, or the axis that was joined by mistake; what is never needed can go."""
    problem, operand = asked.problem, asked.operand()
    if problem is None or problem.key is None or operand is None:
        return
    made = assembled(asked.shapes, *operand)
    if made is not None and getattr(made[0].layer, "start_axis", None) == BATCH:
        yield from asked.write("start_axis", made[0], "start_axis", BATCH + 1)
    above = list(upstream(asked.shapes, *operand))
    if any(node.layer is None and axis == BATCH for node, axis in above):
        return  # a number of parameters that depends on the batch is never what is meant
    if problem.replacement is not None:
        why = _unsure(asked, problem, above)
        how = Applicability.SAFE if why is None else Applicability.UNSAFE
        for advice in asked.write("number", asked.node, problem.key, problem.replacement, how=how):
            yield advice._replace(where="" if why is None else f", if {why} is right")
        yield from asked.leave_out("leave out", asked.node, problem.key, ": it is never needed")


def _unsure(asked: Inquiry, problem: Problem, above: list[tuple[network.Node, int]]) -> str | None:
    """Return what else may be wrong where a stated number is not the one that is found; None where nothing may."""
    shapes = asked.shapes
    for node, axis in above:
        if axis < len(node.dims) and node.dims[axis] is not None:
            return str(node.dims[axis])
        if any(trouble.node == node.index and trouble is not problem for trouble in shapes.troubles):
            return node.name
        layer, context = node.layer, shapes.context(node)
        if layer is not None and context is not None and layer.ambiguous_axes(context):
            return f"the size of {node.name}"
        mapping = node.source.mapping
        keys = () if node.layer is None else node.layer.keys
        if node.layer is None and "=" in asked.written_at(node.source.place("shape")):
            return f"the shape of {node.name}"
        for key in keys:
            if entry(mapping, key) is not None and not literal(entry(mapping, key)):
                return f"{key} of {node.name}"
    return None


def dividing(asked: Inquiry) -> Iterator[Advice]:
    """Yield numbers near the one at fault that divide the channels, or channels that it divides."""
    layer, problem, context = asked.layer, asked.problem, asked.shapes.context(asked.node)
    if layer is None or problem is None or context is None or not context.inputs:
        return
    inputs = context.inputs[0]
    for key in ("groups", "num_groups", "num_heads"):
        number = getattr(layer, key, None) if key in layer.keys else None
        if not isinstance(number, int):
            continue
        total = inputs[-1] if key == "num_heads" else inputs[context.channels_at]
        made = getattr(layer, "out_channels", None)
        if isinstance(made, int) and isinstance(total, int) and total % number == 0:
            for channels in (made // number * number, (made // number + 1) * number):
                if channels:
                    yield from asked.write("channels", asked.node, "out_channels", channels, most=2)
        if isinstance(total, int):
            for divisor in divisors_near(total, number):
                if divisor > 1:
                    yield from asked.write("divisor", asked.node, key, divisor, most=2)


def channels_above(asked: Inquiry) -> Iterator[Advice]:
    """Yield other numbers of channels in the layer above that made those that do not divide."""
    context, layer = asked.shapes.context(asked.node), asked.layer
    if context is None or layer is None or not context.inputs:
        return
    count = context.inputs[0][context.channels_at]
    factor = getattr(layer, "factor", None)
    block = getattr(layer, "groups", None) or getattr(layer, "num_groups", None)
    if isinstance(factor, int):
        block = factor ** (len(context.inputs[0]) - 2)
    if not isinstance(block, int) or not isinstance(count, int) or block < 1:
        return
    maker = next(
        (
            node
            for node, _ in upstream(asked.shapes, asked.node.inputs[0], context.channels_at)
            if node.layer is not None and isinstance(getattr(node.layer, "out_channels", None), int)
        ),
        None,
    )
    if maker is not None:
        for channels in (count // block * block, (count // block + 1) * block):
            if channels:
                yield from asked.write("channels above", maker, "out_channels", channels, most=2)


def axis_of_one(asked: Inquiry) -> Iterator[Advice]:
    """Yield an axis of size 1 for one that is to go."""
    key = None if asked.problem is None else asked.problem.key
    for axis, size in enumerate(asked.inputs[0]) if key is not None and asked.inputs else ():
        if axis and size == 1:
            yield from asked.write("axis", asked.node, key or "axis", axis, most=2)


def parameters(asked: Inquiry) -> Iterator[Advice]:
    """Yield one parameter for all channels, or one for each."""
    context = asked.shapes.context(asked.node)
    if context is not None and asked.layer is not None and "num_parameters" in asked.layer.keys:
        for count in (1, context.inputs[0][context.channels_at]):
            yield from asked.write("parameters", asked.node, "num_parameters", count, most=2)


def fitting_entry(asked: Inquiry) -> Iterator[Advice]:
    """Yield the one entry of a reshape's target that is no dimension, as the number that is left for it."""
    layer = asked.layer
    target = getattr(layer, "shape", None)
    inputs = asked.inputs
    mapping = asked.node.source.mapping
    written = entry(mapping, "shape")
    if not isinstance(target, tuple) or not inputs or not isinstance(written, SequenceNode):
        return
    elements = _product(inputs[0])
    known = _product(target)
    places = () if asked.problem is None else parted_target(asked.shapes, asked.problem)
    if elements is None or known is None or known <= 0:
        return
    for at, size in enumerate(target):
        if (
            at in places
            and isinstance(size, int)
            and elements * size % known == 0
            and written.value[at].value.isdecimal()
        ):
            needed = elements * size // known
            if needed:
                edit = Edit(span_of(written.value[at]), str(needed))
                where = f" in place of {size} in shape"
                yield Advice("entry", "write", str(needed), where, Applicability.UNSAFE, (edit,))


def _product(sizes: Sequence[Size]) -> int | None:
    known = [size for size in sizes if isinstance(size, int)]
    return math.prod(known) if len(known) == len(sizes) else None


def last_index(asked: Inquiry) -> Iterator[Advice]:
    """Yield the last of the chunks, in the place of one that does not exist."""
    chunks = getattr(asked.layer, "chunks", None)
    if isinstance(chunks, int) and asked.problem is not None and asked.problem.key == "index":
        yield from asked.write("index", asked.node, "index", chunks - 1)


def kept_axes(asked: Inquiry) -> Iterator[Advice]:
    """Yield the axes that were read whole kept, with size 1."""
    if asked.layer is not None and "keep_dims" in asked.layer.keys:
        yield from asked.write("keep_dims", asked.node, "keep_dims", True)


def channel_axis_named(asked: Inquiry) -> Iterator[Advice]:
    """Yield the axis of the channels for a layer that works along another."""
    context = asked.shapes.context(asked.node)
    if context is not None and asked.layer is not None and "axis" in asked.layer.keys:
        yield from asked.write("axis", asked.node, "axis", context.channels_at)
