"""A network: its inputs, its layers and who reads whom; made by ``expand`` and read by every analysis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Optional

from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size
from shapecheck.findings.checked import Origin
from shapecheck.findings.finding import Finding, Span
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Question

if TYPE_CHECKING:
    import networkx
    from yaml.nodes import MappingNode


class Expectation(NamedTuple):
    """What the writer says of a shape: ``sizes`` (None for any) or ``same_as``, the index of another node."""

    sizes: tuple[Size | None, ...] | None
    same_as: int | None
    span: Span
    text: str


class Dimension(NamedTuple):
    """A named dimension: its size where it has one, and the place that gives it."""

    name: str
    size: int | None
    accepts: Mapping[str, Any] | None
    span: Span


class Split(NamedTuple):
    """The mesh axes over which one axis of an array is split, none of them where it is whole.

    ``span`` is where the file says so, None where the command line does.
    """

    axes: tuple[str, ...]
    span: Optional[Span]


WHOLE = Split((), None)


class Sharding(NamedTuple):
    """How arrays are split over a mesh of devices.

    ``mesh`` maps each axis to its size, in order. ``inputs`` maps every input's index to a split for each axis;
    ``channels`` some layers to the split of their parameters' output channels; ``outputs`` some layers to what the
    file says of their output, a split for each axis. ``span`` is None where the command line says all of it.
    """

    mesh: Mapping[str, int]
    inputs: Mapping[int, tuple[Split, ...]]
    channels: Mapping[int, Split]
    outputs: Mapping[int, tuple[Split, ...]]
    span: Optional[Span]

    @property
    def devices(self) -> int:
        """How many devices the mesh has."""
        return math.prod(self.mesh.values())

    def parts(self, split: Split) -> int:
        """Return into how many parts a split cuts an axis."""
        return math.prod(self.mesh[axis] for axis in split.axes)


class NodeSource(NamedTuple):
    """Where a node was written. ``keys`` holds the place of each key's value that was given.

    ``mapping`` is the YAML node of the layer, for edits.
    """

    span: Span
    keys: Mapping[str, Span]
    block: str | None
    mapping: MappingNode | None = None

    def place(self, *keys: str) -> Span:
        """Return where the first of some keys stands that was given, or the node itself."""
        return next((self.keys[key] for key in keys if key in self.keys), self.span)


class Placing(NamedTuple):
    """A block that stands somewhere: its full name, the YAML node that places it, and the node its name means."""

    path: str
    mapping: MappingNode | None
    output: int


class Node:
    """An input of the network (``layer`` is None) or one expanded layer.

    A layer in which a mistake was reported has a ``Broken`` layer; ``op`` is the word that was written.
    ``inputs`` and ``references`` hold indices into ``Network.nodes``; ``references`` maps a key such as ``like``
    or ``transpose_of`` to the node it names.
    """

    __slots__ = ("dims", "dtype", "expect", "index", "inputs", "layer", "name", "op", "references", "shape", "source")

    def __init__(self, index: int, name: str, layer: Layer | None, source: NodeSource) -> None:
        self.index = index
        self.name = name
        self.layer = layer
        self.op = "input" if layer is None else layer.op
        self.source = source
        self.inputs: tuple[int, ...] = ()
        self.references: Mapping[str, int] = {}
        self.expect: tuple[Expectation, ...] = ()
        self.shape: Shape | None = None
        # For an input: the name of the dimension that stands at each axis, None for a number or arithmetic.
        self.dims: tuple[str | None, ...] = ()
        self.dtype: str | None = None


class Network:
    """A network that has been read and expanded.

    ``nodes`` begins with the inputs, then come the layers in file order; ``order`` lists their indices so that a
    node stands behind everything it reads. ``dims`` holds every named dimension.
    """

    def __init__(
        self,
        name: str,
        path: str,
        nodes: list[Node],
        order: list[int],
        outputs: Mapping[str, int],
        dims: Mapping[str, Dimension],
        symmetry: Mapping[int, int],
        channels_last: bool,
    ) -> None:
        self.name = name
        self.path = path
        self.nodes = nodes
        self.order = order
        self.outputs = outputs
        self.dims = dims
        self.symmetry = symmetry
        self.channels_last = channels_last
        # Whether the file lists its outputs; otherwise they are what nothing reads.
        self.outputs_stated = True
        # Every block that is placed and has an output, those inside others first.
        self.placings: list[Placing] = []
        # Expands the file again with other sizes for some dimensions.
        self.resized: Callable[[Mapping[str, Any]], Network] | None = None
        # What could not be read of the file with these sizes and params.
        self.flaws: tuple[Finding, ...] = ()
        # What was assumed of dimensions without a size in reading expressions; only where that was asked for.
        self.assumed: tuple[Question, ...] = ()
        # What the network was loaded from; None where it was not, or was made of another.
        self.origin: Origin | None = None
        # Stands in for the dtype of every floating-point input and parameter.
        self.dtype: str | None = None
        # How arrays are split over several devices, where the file or the command line says so.
        self.sharding: Sharding | None = None
        self._graph: networkx.DiGraph[str] | None = None

    # How a notebook shows a network; the Python interface, which stands above this module, sets it.
    display: ClassVar[Callable[[Network], str] | None] = None

    def _repr_html_(self) -> str | None:
        return None if Network.display is None else Network.display(self)

    @property
    def sizes(self) -> dict[str, int]:
        """The dimensions that have a size."""
        return {name: dim.size for name, dim in self.dims.items() if dim.size is not None}

    @property
    def mirrored(self) -> list[tuple[int, int]]:
        """Each decoder layer that ``symmetry`` pairs, with the node that its encoder layer reads."""
        ends = [(decoder, self.nodes[encoder].inputs) for decoder, encoder in self.symmetry.items()]
        return [(decoder, inputs[0]) for decoder, inputs in ends if inputs]

    @property
    def inputs(self) -> list[Node]:
        """The inputs of the network."""
        return [node for node in self.nodes if node.layer is None]

    @property
    def layers(self) -> list[Node]:
        """The expanded layers, in file order."""
        return [node for node in self.nodes if node.layer is not None]

    @property
    def graph(self) -> networkx.DiGraph[str]:
        """The layers as a graph, a node per expanded layer under its full name.

        Node attributes: ``op``, ``layer`` (the keys), ``inputs`` (names, in order; inputs of the network among
        them), ``line`` and ``column``. An edge ``reads`` from producer to consumer has ``operands``, the positions
        at which it is read (empty where only its shape is read, as by ``like``).
        """
        if self._graph is None:
            import networkx  # heavy: loaded when the graph is asked for

            graph: networkx.DiGraph[str] = networkx.DiGraph(name=self.name, inputs=[n.name for n in self.inputs])
            for node in self.layers:
                start = node.source.span.start
                names = tuple(self.nodes[i].name for i in node.inputs)
                graph.add_node(
                    node.name, op=node.op, layer=node.layer, inputs=names, line=start.line, column=start.column
                )
            for node in self.layers:
                for source in dict.fromkeys((*node.inputs, *node.references.values())):
                    if self.nodes[source].layer is not None:
                        operands = tuple(at for at, index in enumerate(node.inputs) if index == source)
                        graph.add_edge(self.nodes[source].name, node.name, operands=operands)
            self._graph = graph
        return self._graph
