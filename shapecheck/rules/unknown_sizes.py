"""What could not be checked, because a dimension has no size."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shapecheck.analysis.propagation import Open, Shapes
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.findings.finding import Finding, Related
from shapecheck.graph.network import Node
from shapecheck.layers.base import Broken

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def dimension_without_size(shapes: Shapes) -> Iterable[Finding]:
    """A layer's shape depends on the size of a dimension that has none, so it was not checked."""
    for name, questions in unsized(shapes).items():
        first = shapes.network.nodes[questions[0].node]
        count = _without_shape(shapes, {question.node for question in questions})
        yield Finding.of(
            "dimension-without-size",
            f"{name} has no size, so {count} {'layer has' if count == 1 else 'layers have'} no shape and"
            f" {'was' if count == 1 else 'were'} not checked; the first is {first.name}: {questions[0].question}",
            shapes.network.dims[name].span,
            None,
            f"give it a size under dims, or with --set {name}=...",
            (Related(f"{first.name} has no shape without it", first.source.span),),
        )


def unsized(shapes: Shapes) -> dict[str, list[Open]]:
    """Return the dimensions without a size for whose sake a layer has no shape, with what was asked there."""
    asked: dict[str, list[Open]] = {}
    for question in shapes.undecided:
        node = shapes.network.nodes[question.node]
        if shapes.outputs[node.index] is None and not isinstance(node.layer, Broken):
            for name in sorted(_names_at(shapes, node) & set(_NAME.findall(question.question))):
                asked.setdefault(name, []).append(question)
    return asked


def _names_at(shapes: Shapes, node: Node) -> set[str]:
    """Return the dimensions without a size that stand in the shapes that a layer reads and makes, or states."""
    known = [shapes.outputs[index] or () for index in (*node.inputs, *node.references.values(), node.index)]
    stated = [expectation.sizes or () for expectation in node.expect]
    others = [shapes.outputs[e.same_as] or () for e in node.expect if e.same_as is not None]
    sizes = [size for shape in (*known, *stated, *others) for size in shape if isinstance(size, Symbolic)]
    return {name for size in sizes for name in size.names()}


def _without_shape(shapes: Shapes, start: set[int]) -> int:
    """Return how many layers have no shape because those in ``start`` have none."""
    unknown = {index for index in start if shapes.outputs[index] is None}
    for index in shapes.network.order if unknown else ():
        node = shapes.network.nodes[index]
        if shapes.outputs[index] is None and any(i in unknown for i in (*node.inputs, *node.references.values())):
            unknown.add(index)
    return len(unknown)
