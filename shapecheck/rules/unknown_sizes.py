"""What could not be checked, because a dimension has no size."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.propagation import Open, Shapes
from shapecheck.findings.finding import Finding, Related
from shapecheck.layers.base import Broken


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
            for name in sorted(question.names()):
                asked.setdefault(name, []).append(question)
    return asked


def _without_shape(shapes: Shapes, start: set[int]) -> int:
    """Return how many layers have no shape because those in ``start`` have none."""
    unknown = {index for index in start if shapes.outputs[index] is None}
    for index in shapes.network.order if unknown else ():
        node = shapes.network.nodes[index]
        if shapes.outputs[index] is None and any(i in unknown for i in (*node.inputs, *node.references.values())):
            unknown.add(index)
    return len(unknown)
