"""What is asked: what may mend a finding; and the changes of a layer in the file that an answer is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape
from shapecheck.findings.edits import add_key
from shapecheck.findings.finding import Advice, Applicability, Edit, Finding, Position, Span
from shapecheck.graph import network
from shapecheck.language.document import span_of
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Problem
from shapecheck.rules.tried_changes import copies_of

# Beside which key another is written.
_BESIDE = ("stride", "kernel_size", "scale_factor", "out_channels", "op")


class Inquiry(NamedTuple):
    """A finding at a layer, with the shapes that it was found in; ``problem`` is the broken shape rule, if one is."""

    shapes: Shapes
    text: str
    finding: Finding
    node: network.Node
    problem: Problem | None

    @property
    def layer(self) -> Layer | None:
        """The layer of the finding."""
        return self.shapes.layer(self.node)

    @property
    def inputs(self) -> tuple[Shape, ...]:
        """The shapes of its inputs, as far as they are known."""
        known = [self.shapes.outputs[index] for index in self.node.inputs]
        return tuple(shape for shape in known if shape is not None)

    def operand(self) -> tuple[int, int] | None:
        """Return the node, and the axis of its output, that the problem is about."""
        problem = self.problem
        if problem is None or problem.axis is None or problem.expectation is not None or not self.node.inputs:
            return None
        return self.node.inputs[problem.operand], problem.axis

    def ends(self) -> tuple[int, int] | None:
        """Return the two nodes that differ: the inputs of a merge, or a layer and the one that it should be as."""
        problem = self.problem
        if problem is None:
            return None
        stated = self.shapes.expectation(problem)
        if stated is not None:
            return None if stated.same_as is None else (stated.same_as, self.node.index)
        if problem.against is None:
            return None
        return self.node.inputs[problem.against], self.node.inputs[problem.operand]

    def written_at(self, span: Span) -> str:
        """Return what stands in the file at a place on one line."""
        line = self.text.split("\n")[span.start.line - 1]
        return line[span.start.column - 1 : span.end.column - 1 if span.end.line == span.start.line else None]

    def place(self, node: network.Node) -> str:
        """Return where a change is made, as it follows the change in a sentence: nothing for the layer itself."""
        if node.source.span == self.node.source.span:
            return ""
        more = " and its copies" if len(copies_of(self.shapes, node)) > 1 else ""
        return f" on {node.name}{more}"

    def local(self, node: network.Node, other: network.Node) -> str | None:
        """Return what a layer may call another one in the file, None where it cannot: a block has names of its own."""
        inside = node.name.rpartition(".")[0]
        if not inside:
            return other.name
        prefix = f"{inside}."
        return other.name.removeprefix(prefix) if other.name.startswith(prefix) else None

    def write(
        self,
        kind: str,
        node: network.Node,
        key: str,
        value: object,
        instead: str | None = None,
        how: Applicability = Applicability.UNSAFE,
        most: int = 1,
    ) -> Iterator[Advice]:
        """Yield the change that gives a layer a key, in the place of another where ``instead`` is given."""
        edit = written(node.source.mapping, key, value, instead)
        if edit is not None:
            gone = f" in place of {instead}" if instead else ""
            where = f"{gone}{self.place(node)}"
            yield Advice(kind, "write", f"{key}: {shown(value)}", where, how, (edit,), most)

    def leave_out(self, kind: str, node: network.Node, key: str, why: str = "") -> Iterator[Advice]:
        """Yield the change that takes a key away."""
        edit = without(node.source.mapping, key)
        if edit is not None:
            yield Advice(kind, "leave", "it out", why, Applicability.DISPLAY, (edit,))


def shown(value: object) -> str:
    """Return a value as it is written in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)


def per_axis(values: list[int]) -> int | list[int]:
    """Return a number for each axis as it is written: one number where they are alike."""
    return values[0] if len(set(values)) == 1 else values


def entry(mapping: MappingNode | None, key: str) -> Node | None:
    """Return the node of a key's value."""
    pairs: list[tuple[Node, Node]] = [] if mapping is None else mapping.value
    return next((value for name, value in pairs if name.value == key), None)


def literal(node: Node | None) -> bool:
    """Say whether a value is written as itself: no arithmetic, no name of a param."""
    if isinstance(node, SequenceNode):
        return all(map(literal, node.value))
    return isinstance(node, ScalarNode) and not node.value.startswith("=")


def written(mapping: MappingNode | None, key: str, value: object, instead: str | None = None) -> Edit | None:
    """Return the edit that gives a mapping a key; None where the value stands there as arithmetic."""
    if mapping is None:
        return None
    there = entry(mapping, instead or key)
    if there is None:
        beside = next((name for name in _BESIDE if entry(mapping, name) is not None), None)
        return None if instead or beside is None else add_key(mapping, beside, key, shown(value))
    if not literal(there):
        return None
    if instead is None:
        return Edit(span_of(there), shown(value))
    start = next(name.start_mark for name, _ in mapping.value if name.value == instead)
    return Edit(Span(Position(start.line + 1, start.column + 1), span_of(there).end), f"{key}: {shown(value)}")


def without(mapping: MappingNode | None, key: str) -> Edit | None:
    """Return the edit that takes a key out of a mapping in flow style."""
    if mapping is None or not mapping.flow_style:
        return None
    names = [name for name, _ in mapping.value]
    at = next((at for at, name in enumerate(names) if name.value == key), None)
    if not at:
        return None
    before, gone = mapping.value[at - 1][1].end_mark, mapping.value[at][1].end_mark
    return Edit(Span(Position(before.line + 1, before.column + 1), Position(gone.line + 1, gone.column + 1)), "")


def above(mapping: MappingNode | None, layer: str) -> Edit | None:
    """Return the edit that puts a layer, in flow style, above one that stands in a list of the file."""
    if mapping is None or mapping.start_mark.column < 2:
        return None
    column = mapping.start_mark.column
    at = Position(mapping.start_mark.line + 1, column + 1)
    return Edit(Span(at, at), f"{layer}\n{' ' * (column - 2)}- ")
