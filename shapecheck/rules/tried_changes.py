"""Whether a change of some layers mends a broken shape rule: it is tried on the shapes before it is offered."""

from __future__ import annotations

from collections.abc import Mapping

from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.graph.network import Node
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Problem


def copies_of(shapes: Shapes, node: Node) -> list[Node]:
    """Return the layers that are written where a layer is: it, and its copies in other placings of its block."""
    return [other for other in shapes.network.layers if other.source.span == node.source.span]


def mends(shapes: Shapes, problem: Problem, changed: Mapping[int, Layer]) -> bool:
    """Say whether a problem goes away, and no other comes, where some layers are changed."""
    after = propagate(shapes.network, {**shapes.layers, **changed})
    nodes = {trouble.node for trouble in after.troubles}
    return problem.node not in nodes and nodes <= {trouble.node for trouble in shapes.troubles}


def mends_everywhere(shapes: Shapes, problem: Problem, node: Node, **keys: object) -> bool:
    """Say whether other values for some keys mend a problem, in a layer and in all that are written with it."""
    changed = {copy.index: copy.layer.with_keys(**keys) for copy in copies_of(shapes, node) if copy.layer is not None}
    return mends(shapes, problem, changed)
