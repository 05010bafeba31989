"""What rules that give advice have to say of the layers through which a wrong size came.

Such a rule needs right shapes to judge a whole network, and is silent where there is an error. What it says of a
layer that the wrong size came through explains the error, and is told with it; what it would change is tried first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from shapecheck.analysis.other_sizes import output_for
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.upstream import upstream
from shapecheck.arithmetic import convolution
from shapecheck.findings.catalogue import RULES
from shapecheck.findings.copies import merged
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.context import Problem
from shapecheck.rules import padding, receptive_fields, resized_maps, strides_and_dilation
from shapecheck.rules.reshape_counts import parted
from shapecheck.rules.tried_changes import mends_everywhere

# The rules whose advice is on sizes, and that judge a layer by what is above it.
ADVICE: tuple[Callable[[Shapes], Iterable[Finding]], ...] = (
    padding.even_kernel_half_padding,
    padding.swapped_padding,
    padding.padding_wider_than_kernel,
    strides_and_dilation.stride_larger_than_kernel,
    receptive_fields.collapsed_axis,
    padding.taps_in_padding,
    resized_maps.mixed_ceil_and_floor,
)
# Those of them that are about padding which does not keep the size, and which other padding would.
ABOUT_PADDING = frozenset(RULES[name] for name in ("even-kernel-half-padding", "swapped-padding"))
# How many causes an error is told with.
MOST_CAUSES = 3


class Change(NamedTuple):
    """Other values for some keys of a layer, as they are written, and the sizes that it is to make then."""

    written: str
    keys: Mapping[str, Any]
    sizes: Mapping[int, int]


def with_causes(finding: Finding, shapes: Shapes, problem: Problem) -> Finding:
    """Add to the finding of a broken shape rule what others have to say of the layers above, and what would mend it."""
    found = _advice(shapes)
    if not found:
        return finding
    passed = _passed(shapes, problem)
    concerned = [cause for cause in found if _concerns(shapes, cause, passed)]
    causes = merged(concerned)[:MOST_CAUSES]
    for cause in causes:
        axes = next(c.subject for c in concerned if (c.layer, c.rule) == (cause.layer, cause.rule))
        said = _tried(shapes, problem, cause, axes)
        place = Related(f"{cause.message} ({cause.code}){said}", cause.span)
        finding = finding._replace(related=(*finding.related, place))
    return finding._replace(causes=causes)


def changes_above(shapes: Shapes, problem: Problem) -> Iterator[tuple[Node, Change]]:
    """Yield the changes of padding that keep a size in the layers above in which a rule has something to say of it."""
    passed = _passed(shapes, problem)
    for cause in _advice(shapes):
        if _concerns(shapes, cause, passed):
            node = next(node for node in shapes.network.layers if node.name == cause.layer)
            for change in _changes(shapes, node, cause.subject):
                if _makes(shapes, node, change):
                    yield node, change


def _advice(shapes: Shapes) -> list[Finding]:
    """Return what the rules find in the layers whose shapes are known; it is found once."""
    found = shapes.kept.get("advice beside errors")
    if not isinstance(found, list):
        found = shapes.kept["advice beside errors"] = [finding for rule in ADVICE for finding in rule(shapes)]
    return found


def followed(shapes: Shapes, problem: Problem) -> Iterator[tuple[int, int]]:
    """Yield the axes that a problem is about, each as a node and an axis of its output."""
    node = shapes.network.nodes[problem.node]
    axis, stated = problem.axis, shapes.expectation(problem)
    if stated is not None:
        if axis is not None:
            yield problem.node, axis
        return
    operands = [problem.operand] if problem.against is None else [problem.against, problem.operand]
    for operand in operands:
        if axis is not None:
            yield node.inputs[operand], axis
    if axis is None:
        yield from ((node.inputs[0], axis) for axis in parted(shapes, problem))


def _passed(shapes: Shapes, problem: Problem) -> dict[str, set[int]]:
    """Return the layers through which the sizes that a problem is about came, each with its spatial axes."""
    first = 1 if shapes.network.channels_last else 2
    passed: dict[str, set[int]] = {}
    for index, axis in followed(shapes, problem):
        for node, at in upstream(shapes, index, axis):
            passed.setdefault(node.name, set()).add(at - first)
    return passed


def _concerns(shapes: Shapes, cause: Finding, passed: Mapping[str, set[int]]) -> bool:
    axes = passed.get(cause.layer or "")
    return axes is not None and (not cause.subject or not axes.isdisjoint(cause.subject))


def _tried(shapes: Shapes, problem: Problem, cause: Finding, axes: tuple[object, ...]) -> str:
    """Return what is said of a change that keeps the size: one that mends the problem as well, where there is one."""
    node = next(node for node in shapes.network.layers if node.name == cause.layer)
    said = ""
    if cause.rule not in ABOUT_PADDING:
        return said
    for change in _changes(shapes, node, axes):
        if not _makes(shapes, node, change):
            continue
        sizes = " and ".join(map(str, dict.fromkeys(change.sizes.values())))
        mended = f"; {change.written} makes {sizes}"
        said = said or mended
        if mends_everywhere(shapes, problem, node, **change.keys):
            return mended
    return said


def _changes(shapes: Shapes, node: Node, axes: tuple[object, ...]) -> Iterator[Change]:
    """Yield changes of the padding under which a layer makes what half padding of an odd kernel makes, on some axes."""
    windows = shapes.windows(node)
    sizes = {j: convolution.conv_same(w.i, w.s) for j, w in enumerate(windows) if isinstance(w.i, int)}
    if any(w.transposes or w.form == "same" for w in windows):
        return
    uneven = {j: size for j, size in sizes.items() if windows[j].o != size and (not axes or j in axes)}
    edges = [[w.before, w.after - 1] if j in uneven and w.after else [w.before, w.after] for j, w in enumerate(windows)]
    if all(w.s == 1 for w in windows) and len(uneven) == len(windows):
        yield Change("padding: same", {"padding": "same"}, sizes)
    if uneven:
        yield Change(f"padding: {edges}", {"padding": tuple(map(tuple, edges))}, uneven)


def _makes(shapes: Shapes, node: Node, change: Change) -> bool:
    layer, context = shapes.layer(node), shapes.context(node)
    if layer is None or context is None or "padding" not in layer.keys:
        return False
    made = output_for(layer.with_keys(**change.keys), context, context.inputs)
    return made is not None and all(made[context.spatial_axis(j)] == size for j, size in change.sizes.items())
