"""Shapes through the graph, once over the layers. What is unknown stays unknown, and nothing is said of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import ClassVar, NamedTuple

from shapecheck.analysis.other_sizes import output_for
from shapecheck.arithmetic.quasi_affine import is_tractable
from shapecheck.arithmetic.shape import LARGEST, MOST_AXES, Shape, axis_name, channel_axis, not_held, show
from shapecheck.arithmetic.symbolic import Size
from shapecheck.graph.network import Expectation, Network, Node
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context, Problem, Question, Reference, Undecided
from shapecheck.layers.flow import Flow
from shapecheck.layers.window import Window


class LayerShapes(NamedTuple):
    """What goes into a layer and what comes out; ``output`` is None where it is unknown."""

    name: str
    inputs: tuple[Shape | None, ...]
    output: Shape | None


class Open(NamedTuple):
    """A node at which a question depends on a dimension that has no size.

    ``asked`` is None where the layer's very shape has no exact form without it; ``question`` says why, and ``sizes``
    are those that it depends on.
    """

    node: int
    question: str
    asked: Question | None = None
    sizes: tuple[Size, ...] = ()

    def names(self) -> set[str]:
        """Return the dimensions that the question depends on."""
        sizes = self.sizes if self.asked is None else (self.asked.left, self.asked.right)
        return {name for size in sizes if not isinstance(size, int) for name in size.names()}


class Shapes(Mapping[str, LayerShapes]):
    """The shapes of a network by the full names of inputs and layers.

    ``troubles`` are the rules that are broken, ``undecided`` the questions that had no answer.
    """

    def __init__(
        self, network: Network, outputs: list[Shape | None], troubles: list[Problem], undecided: list[Open]
    ) -> None:
        self.network = network
        self.outputs = outputs
        self.troubles = troubles
        self.undecided = undecided
        # Layers that stand at some nodes in place of the network's own.
        self.layers: Mapping[int, Layer] = {}
        # What analyses keep of these shapes, each under its own name, so that many rules share one walk.
        self.kept: dict[str, object] = {}
        self._index: dict[str, int] | None = None
        self._flows: dict[int, Flow | None] = {}

    # How a notebook shows the layer table; the Python interface, which stands above this module, sets it.
    display: ClassVar[Callable[[Shapes], str] | None] = None

    def _repr_html_(self) -> str | None:
        return None if Shapes.display is None else Shapes.display(self)

    def __getitem__(self, name: str) -> LayerShapes:
        if self._index is None:
            self._index = {node.name: node.index for node in self.network.nodes}
        node = self.network.nodes[self._index[name]]
        return LayerShapes(name, tuple(self.outputs[i] for i in node.inputs), self.outputs[node.index])

    def __iter__(self) -> Iterator[str]:
        return (node.name for node in self.network.nodes)

    def __len__(self) -> int:
        return len(self.network.nodes)

    def expectation(self, problem: Problem) -> Expectation | None:
        """Return the statement of the writer's that a problem is about, if it is."""
        return None if problem.expectation is None else self.network.nodes[problem.node].expect[problem.expectation]

    def layer(self, node: Node) -> Layer | None:
        """Return the layer that stands at a node: the network's own, or the one put in its place."""
        return self.layers.get(node.index, node.layer)

    def context(self, node: Node) -> Context | None:
        """Return what a layer is told of its surroundings, or None where some of it is unknown."""
        inputs = _known(self.outputs, node.inputs)
        if inputs is None:
            return None
        references = self._references(node) if node.references else {}
        if references is None:
            return None
        return Context(inputs, self.network.channels_last, references)

    def windows(self, node: Node) -> tuple[Window, ...]:
        """Return the window arithmetic of a layer whose output is known, one entry per spatial axis."""
        context = self.context(node)
        layer = self.layer(node)
        if layer is None or context is None or self.outputs[node.index] is None:
            return ()
        return layer.windows(context)

    def flow(self, node: Node) -> Flow | None:
        """Return for each axis of a node's output where it comes from; None for an input, or where it is unknown."""
        if node.index not in self._flows:
            self._flows[node.index] = self._flow(node)
        return self._flows[node.index]

    def _flow(self, node: Node) -> Flow | None:
        layer, output = self.layer(node), self.outputs[node.index]
        context = None if layer is None or output is None else self.context(node)
        if layer is None or output is None or context is None:
            return None
        return layer.flow(context, output)

    def _references(self, node: Node) -> dict[str, Reference] | None:
        references: dict[str, Reference] = {}
        for key, index in node.references.items():
            there = self.network.nodes[index]
            inputs = _known(self.outputs, there.inputs)
            output = self.outputs[index]
            if output is None or inputs is None:
                return None
            references[key] = Reference(there.name, there.layer, inputs, output)
        return references


def propagate(
    network: Network,
    layers: Mapping[int, Layer] | None = None,
    forgiving: bool = False,
    above: Shapes | None = None,
    changed: Collection[int] = (),
) -> Shapes:
    """Return the shape of every input and layer.

    A layer that does not fit its input is unknown, and so is everything behind it; each broken rule stands in
    ``troubles`` once. Works on numbers and, where a dimension has no size, on symbolic sizes.

    ``layers`` puts other layers at some nodes, for what-if questions. ``forgiving`` lets a merge whose inputs
    differ go on with the sizes of its first input, so that what stands behind it can be looked at. With ``above`` only
    the nodes of ``changed`` are computed and judged; all others have the shapes that they have there.
    """
    outputs: list[Shape | None] = [None] * len(network.nodes) if above is None else list(above.outputs)
    troubles: list[Problem] = []
    undecided: list[Open] = []
    shapes = Shapes(network, outputs, troubles, undecided)
    shapes.layers = layers or {}
    nodes = network.nodes
    channels_last = network.channels_last
    stated: list[Node] = []
    order = network.order
    if above is not None:
        order = [index for index in order if index in changed]
        for index in order:
            outputs[index] = None
        stated = [n for n in nodes if n.index not in changed and any(e.same_as in changed for e in n.expect)]
    for index in order:
        node = nodes[index]
        layer: Layer | None = node.layer if layers is None else layers.get(index, node.layer)
        if node.expect:
            stated.append(node)
        if layer is None:
            outputs[index] = node.shape
            continue
        inputs = _known(outputs, node.inputs)
        if inputs is None:
            continue
        context = shapes.context(node) if node.references else Context(inputs, channels_last)
        if context is None:
            continue
        shape = _output(index, layer, context, troubles, undecided)
        if shape is not None and (shape is not inputs[0] or nodes[node.inputs[0]].layer is None):
            shape = _held(index, shape, troubles, undecided)
        outputs[index] = shape
        if forgiving and outputs[index] is None:
            outputs[index] = _forgiven(layer, context)
    for node in stated:
        if outputs[node.index] is not None:
            _check_expectations(shapes, node)
    return shapes


def _forgiven(layer: Layer, context: Context) -> Shape | None:
    """Return the output of a merge as if its inputs had the spatial sizes of the first."""
    if len(context.inputs) < 2:
        return None
    first = context.inputs[0]
    alike = tuple(follow(shape, first, context.channels_last) for shape in context.inputs)
    return output_for(layer, context, alike)


def follow(shape: Shape, lead: Shape, channels_last: bool) -> Shape:
    """Return ``shape`` with the batch and spatial sizes of ``lead``, where both have one rank."""
    if len(shape) != len(lead):
        return shape
    at = channel_axis(len(shape), channels_last)
    return (*lead[:at], shape[at], *lead[at + 1 :])


def _known(outputs: list[Shape | None], nodes: tuple[int, ...]) -> tuple[Shape, ...] | None:
    """Return the shapes of some nodes, or None where one of them is unknown."""
    found = []
    for index in nodes:
        shape = outputs[index]
        if shape is None:
            return None
        found.append(shape)
    return tuple(found)


def _output(index: int, layer: Layer, context: Context, troubles: list[Problem], undecided: list[Open]) -> Shape | None:
    shape: Shape | None = None
    try:
        shape = layer.output(context)
    except Problem as problem:
        troubles.append(problem.at(index))
    except Undecided as reason:
        if context.inputs:
            undecided.append(Open(index, str(reason), None, reason.sizes))
    if context.undecided:
        undecided.extend(Open(index, str(asked), asked) for asked in context.undecided)
    return shape


def _held(index: int, shape: Shape, troubles: list[Problem], undecided: list[Open]) -> Shape | None:
    """Return a shape that can be held, and whose sizes can be followed, or None."""
    elements = 1
    clear = True
    for size in shape:
        if isinstance(size, int):
            elements *= size
        elif not is_tractable(size):
            clear = False
    if elements > LARGEST or len(shape) > MOST_AXES:
        too_large = not_held(shape)
        help = "no framework counts further; look for a factor or a size that is too large, here or above"
        troubles.append(Problem("array-too-large", f"its output {too_large}", help).at(index))
        return None
    if not clear:
        undecided.append(Open(index, "its size is built of too many roundings, or too large numbers, to be followed"))
        return None
    return shape


def _check_expectations(shapes: Shapes, node: Node) -> None:
    found = shapes.outputs[node.index]
    assert found is not None
    context = Context((found,), shapes.network.channels_last)
    for number, expectation in enumerate(node.expect):
        expected = expectation.sizes if expectation.same_as is None else shapes.outputs[expectation.same_as]
        if expected is None:
            continue
        problem = _difference(context, found, expected, expectation)
        if problem is not None:
            shapes.troubles.append(problem.at(node.index, number))
            return
    shapes.undecided.extend(Open(node.index, str(asked), asked) for asked in context.undecided)


def _difference(
    context: Context, found: Shape, expected: tuple[Size | None, ...], expectation: Expectation
) -> Problem | None:
    stated = (
        f"expect {expectation.text}"
        if expectation.same_as is None
        else f"same_shape_as {expectation.text}, which is {show(expected)},"
    )
    if len(found) != len(expected):
        return Problem(
            "expectation-differs",
            f"{stated} has rank {len(expected)}, but the output is {show(found)}",
            "correct the expectation, or the layers above",
        )
    wrong = [axis for axis, size in enumerate(expected) if size is not None and not context.equal(found[axis], size)]
    if not wrong:
        return None
    rank = len(found)
    parts = [f"{axis_name(axis, rank, context.channels_last)} is {found[axis]}, not {expected[axis]}" for axis in wrong]
    return Problem(
        "expectation-differs",
        f"the output is {show(found)}, against {stated.rstrip(',')}: {'; '.join(parts)}",
        axis=wrong[0],
    )
