"""Lints on what is joined: branches that lie apart, inputs that are stretched, one input twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from shapecheck.analysis.alignment import shifts
from shapecheck.analysis.layer_index import layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import show, spatial_names
from shapecheck.findings.finding import Finding, Related
from shapecheck.layers.flow import AxisKind
from shapecheck.layers.role import Role


def misaligned_branches(shapes: Shapes) -> Iterable[Finding]:
    """Two branches that meet have equal sizes, but their elements stand at different places of the picture."""
    for shift in shifts(shapes, layer_index(shapes)):
        rank = len(shapes.outputs[shift.merge.index] or ()) - 2
        yield Finding.at(
            "misaligned-branches",
            shift.merge.name,
            f"the elements of {shift.right.name} stand {shift.distance:g} elements away from those"
            f" of {shift.left.name} on {spatial_names(list(shift.axes), rank)}, though the sizes agree",
            shift.merge.source.span,
            "shrink with even kernels (2 x 2 pooling, or k 4, s 2, p 1), or merge at every level on the way up",
            (Related(f"one branch is {shift.left.name}", shift.left.source.span),),
            subject=tuple(shift.axes),
        )


def broadcast_both_ways(shapes: Shapes) -> Iterable[Finding]:
    """Both inputs of a merge are stretched, so the result is larger than either: an outer product."""
    for node in layer_index(shapes).playing(Role.MERGE):
        output = shapes.outputs[node.index]
        inputs = [shapes.outputs[index] for index in node.inputs]
        if output is None or any(shape is None or shape == output for shape in inputs):
            continue
        if any(flow.kind is not AxisKind.KEPT for flow in shapes.flow(node) or ()):
            continue
        if all(type(size) is int for shape in inputs for size in shape or ()):
            names = " and ".join(
                f"{shapes.network.nodes[i].name} {show(shape or ())}"
                for i, shape in zip(node.inputs, inputs, strict=True)
            )
            yield Finding.at(
                "broadcast-both-ways",
                node.name,
                f"{names} are all stretched, to {show(output)}",
                node.source.place("broadcast"),
                "bring the inputs to one shape first, if no outer product is meant",
            )


def same_input_twice(shapes: Shapes) -> Iterable[Finding]:
    """A merge reads one layer twice: a sum that doubles, a difference of 0, the same channels once more."""
    for node in shapes.network.layers:
        # A product of a map with itself is a square, which is meant.
        if len(set(node.inputs)) < len(node.inputs) and node.op != "multiply":
            (again, _), *_ = Counter(node.inputs).most_common(1)
            twice = shapes.network.nodes[again]
            yield Finding.at(
                "same-input-twice",
                node.name,
                f"this {node.op} reads {twice.name} {node.inputs.count(twice.index)} times",
                node.source.place("from"),
                "name the branch that was meant",
                (Related(f"{twice.name} stands here", twice.source.span),),
            )
