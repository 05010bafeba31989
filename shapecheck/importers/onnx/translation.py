"""One pass over a graph: every node a layer, or several, with its shape; or a reason why not.

A layer's shape is that of the layer's own rule, so a piece of graph that computes with shapes folds to sizes. The
rules of the operators are in modules of their own, each a function of the translation and a node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from shapecheck.arithmetic.shape import Shape, not_held, spatial_name
from shapecheck.arithmetic.symbolic import Size, Symbolic
from shapecheck.importers.onnx import folding
from shapecheck.importers.onnx.naming import NameMaker, readable
from shapecheck.importers.onnx.onnx_graph import Constant, Graph, Input, OnnxNode, Refused, Unusable, Variable
from shapecheck.layers import REGISTRY, Context, Problem, Undecided
from shapecheck.layers.base import default_of
from shapecheck.layers.fields import REQUIRED, FieldError

Value: TypeAlias = Variable | Constant


class EmittedLayer(NamedTuple):
    """One layer as it will be written; ``note`` is what it does not say of its node."""

    name: str
    op: str
    reads: tuple[str, ...]
    keys: dict[str, Any]
    note: str


class Translation:
    """A graph on its way into the language.

    ``values`` holds every tensor met so far, None for one whose node was refused; ``sizes`` fixes dimensions by the
    names that they get.
    """

    def __init__(self, graph: Graph, sizes: dict[str, int]) -> None:
        self.graph = graph
        self.values: dict[str, Value | None] = dict(graph.constants)
        self.inputs: dict[str, tuple[Input, Shape]] = {}
        self.layers: list[EmittedLayer] = []
        self.refusals: list[str] = []
        self.names = NameMaker()
        self.dims: dict[str, str] = {}
        # Layers that undo another one name it: a pooling by the tensor of its indices.
        self.indices: dict[str, tuple[Variable, str]] = {}
        self.live = _live(graph)
        self.readers = _readers(self.live, graph.outputs)
        self.done: set[int] = set()
        self._sizes = sizes
        self._dim_names = NameMaker()
        self._node: OnnxNode = graph.nodes[0]
        self._note = ""

    def run(self, rules: dict[str, Callable[[Translation, OnnxNode], None]]) -> None:
        """Translate every node that an output depends on. Raises Unusable with every reason why it cannot be."""
        for node in self.live:
            if node.op == "Constant":  # first of all: what stands further up may ask whether it is there
                self._translate_or_refuse(node, rules)
        for at, node in enumerate(self.live):
            if at in self.done or node.op == "Constant":
                continue
            self._translate_or_refuse(node, rules)
        for name in self.graph.outputs:
            if isinstance(self.values.get(name), Constant):
                self.refusals.append(f"the output {name!r} does not depend on the values of any input")
        if self.refusals:
            raise Unusable(*self.refusals)

    def _translate_or_refuse(self, node: OnnxNode, rules: dict[str, Callable[[Translation, OnnxNode], None]]) -> None:
        self._node, self._note = node, ""
        try:
            self._translate(node, rules)
        except (Refused, Problem, FieldError, Undecided) as error:
            self._refuse(node, error)
        for name in filter(None, node.outputs):
            self.values.setdefault(name, None)

    def _translate(self, node: OnnxNode, rules: dict[str, Callable[[Translation, OnnxNode], None]]) -> None:
        if any(name and self.values.get(name) is None for name in node.inputs):
            # What it reads was refused, which was said; that it never could be translated is news.
            if node.op not in rules and not folding.folds(node.op):
                raise Refused("the language has no layer for this operator")
            return
        given = [self.values[name] if name else None for name in node.inputs]
        first = given[0] if given else None
        if node.op in ("Shape", "Size") and first is not None:
            self.values[node.outputs[0]] = folding.shape_of(node, first.shape)
        elif not any(isinstance(value, Variable) for value in given):
            constants = [value if isinstance(value, Constant) else None for value in given]
            self.values[node.outputs[0]] = folding.fold(node, constants, self.graph.opset)
        elif node.op in rules:
            rules[node.op](self, node)
        else:
            raise Refused("the language has no layer for this operator")

    def _refuse(self, node: OnnxNode, error: Exception) -> None:
        why = getattr(error, "message", str(error))
        if isinstance(error, Undecided):
            why += "; fix the sizes that it depends on with --set NAME=SIZE"
        self.refusals.append(f"{node.title}: {why}")

    # What rules ask.

    def constant(self, node: OnnxNode, at: int) -> Constant | None:
        """Return an operand that no input of the network reaches; None where it is left out. Raises Refused."""
        name = node.inputs[at] if at < len(node.inputs) else ""
        value = self.values[name] if name else None
        if isinstance(value, Variable):
            raise Refused(f"its operand {name!r} is computed from the network's input; it can only be a constant here")
        return value

    def weight(self, node: OnnxNode, at: int) -> tuple[int, ...]:
        """Return the shape of an operand that is a weight. Raises Refused."""
        found = self.constant(node, at)
        if found is None:
            raise Refused(f"operand {at + 1} is missing")
        return found.shape

    def feature(self, node: OnnxNode, at: int = 0) -> Variable:
        """Return an operand that depends on the network's input. Raises Refused."""
        value = self.values.get(node.inputs[at]) if at < len(node.inputs) else None
        if not isinstance(value, Variable):
            raise Refused(f"operand {at + 1} is a constant; it can only be a feature map here")
        return value

    def numbers(self, node: OnnxNode, at: int, attribute: str = "") -> tuple[Any, ...] | None:
        """Return the values of an operand, or of the attribute that older opsets have for it; None for neither."""
        found = self.constant(node, at)
        if found is None:
            listed = node.attributes.get(attribute)
            return None if listed is None else tuple(listed)
        if found.values is None:
            raise Refused(
                f"its operand {node.inputs[at]!r} is computed in a way that is not followed"
                if found.computed
                else f"the values of its operand {node.inputs[at]!r} are not in the file, or are too many"
            )
        return found.values

    def integers(self, node: OnnxNode, at: int, attribute: str = "") -> tuple[int, ...] | None:
        """Return ``numbers`` that are plain whole numbers. Raises Refused for a size that varies."""
        found = self.numbers(node, at, attribute)
        for value in found or ():
            if isinstance(value, Symbolic):
                raise Refused(f"a number here can only be fixed, and is {value}; fix its sizes with --set NAME=SIZE")
            if not isinstance(value, int):
                raise Refused(f"{value!r} stands where a whole number must")
        return None if found is None else tuple(int(value) for value in found)

    def floats(self, node: OnnxNode, at: int, attribute: str = "") -> tuple[float, ...] | None:
        """Return ``numbers`` that are plain numbers, infinities among them. Raises Refused."""
        found = self.numbers(node, at, attribute)
        for value in found or ():
            if not isinstance(value, (int, float)) or value != value:
                raise Refused(f"{value!r} stands where a number must")
        return found

    def sizes(self, node: OnnxNode, at: int, attribute: str = "") -> tuple[Size, ...] | None:
        """Return ``numbers`` that are sizes, which may vary. Raises Refused."""
        found = self.numbers(node, at, attribute)
        for value in found or ():
            if not isinstance(value, (int, Symbolic)):
                raise Refused(f"{value!r} stands where a size must")
        return found

    def only_reader(self, tensor: str) -> tuple[int, OnnxNode] | None:
        """Return the one node that reads a tensor, with its place; None where that is not all that reads it."""
        found = self.readers.get(tensor, [])
        return (found[0], self.live[found[0]]) if len(found) == 1 and found[0] >= 0 else None

    # What rules do.

    def note(self, text: str) -> None:
        """Say of the next layer what it leaves out."""
        self._note = text

    def emit(
        self, op: str, inputs: Sequence[Variable], keys: dict[str, Any] | None = None, node: OnnxNode | None = None
    ) -> Variable:
        """Add a layer and return what it makes, named after the node at hand or another.

        Raises Problem, FieldError or Undecided where it does not fit.
        """
        given = {name: value for name, value in (keys or {}).items() if value is not None}
        kind = REGISTRY[op]
        declared = kind.keys_of(op)
        missing = [name for name, key in declared.items() if key.default is REQUIRED and name not in given]
        if missing:
            raise Refused(f"it does not say its {missing[0]}")
        values = {name: default_of(key) for name, key in declared.items()}
        values |= {
            name: declared[name].kind.read(value) for name, value in given.items() if name not in kind.references
        }
        layer = kind(op, values)
        layer.check()
        shape = layer.output(Context(tuple(value.shape for value in inputs)))
        large = not_held(shape)
        if large is not None:
            raise Refused(f"its output {large}")
        return self.add(op, inputs, given, shape, node)

    def add(
        self, op: str, inputs: Sequence[Variable], keys: dict[str, Any], shape: Shape, node: OnnxNode | None = None
    ) -> Variable:
        """Add a layer whose shape is known already."""
        node = node or self._node
        wish = readable(node.name, node.op) or next(filter(None, node.outputs), "")
        name = self.names.give(wish, op)
        self.layers.append(EmittedLayer(name, op, tuple(value.layer for value in inputs), keys, self._note))
        self._note = ""
        return Variable(name, shape)

    def put(self, node: OnnxNode, value: Value, output: int = 0) -> None:
        """Give an output of a node its value."""
        self.values[node.outputs[output]] = value

    def read_inputs(self) -> None:
        """Give the inputs their shapes, and their dimensions names. Raises Unusable where there is none."""
        weights = _weight_inputs(self.graph, self.live)
        for value in self.graph.inputs:
            if value.name in weights:
                self.values[value.name] = Constant(tuple(a for a in value.axes if isinstance(a, int)))
                continue
            name = self.names.give(value.name, "input")
            shape = tuple(self._size(axis, at, value) for at, axis in enumerate(value.axes))
            if value.dtype is None:
                self.refusals.append(f"the input {value.name!r} has elements of type {value.dtype_name}")
            if not shape:
                self.refusals.append(f"the input {value.name!r} is a single number, which has no axis")
            self.inputs[value.name] = (value._replace(name=name), shape)
            self.values[value.name] = Variable(name, shape)
        if not self.inputs:
            raise Unusable("the graph has no input that is no weight")

    def _size(self, axis: int | str | None, at: int, value: Input) -> Size:
        """Return the size of an input's axis; a name that the file lacks is made up."""
        if isinstance(axis, int):
            return axis
        rank = len(value.axes)
        key = axis or f"{value.name}.{at}"
        if key not in self.dims:
            usual = "N" if at == 0 else "C" if at == 1 and rank > 2 else spatial_name(at - 2, rank - 2)
            wish = axis or (usual if usual.isalpha() else f"{value.name}_axis_{at}")
            self.dims[key] = self._dim_names.give(wish, "D")
        name = self.dims[key]
        return self._sizes.get(name, Symbolic.of(name))


def _live(graph: Graph) -> list[OnnxNode]:
    """Return the nodes that an output depends on."""
    wanted = set(graph.outputs)
    found = []
    for node in reversed(graph.nodes):
        if wanted.intersection(filter(None, node.outputs)):
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]


def _readers(nodes: list[OnnxNode], outputs: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of the nodes that read each tensor; -1 for an output of the graph."""
    readers: dict[str, list[int]] = {}
    for at, node in enumerate(nodes):
        for name in dict.fromkeys(filter(None, node.inputs)):
            readers.setdefault(name, []).append(at)
    for name in outputs:
        readers.setdefault(name, []).append(-1)
    return readers


# The operands that only a weight is given for.
_WEIGHTS = {
    "Conv": 1,
    "ConvTranspose": 1,
    "Gemm": 1,
    "BatchNormalization": 1,
    "InstanceNormalization": 1,
    "LayerNormalization": 1,
    "GroupNormalization": 1,
    "PRelu": 1,
}


def _weight_inputs(graph: Graph, nodes: list[OnnxNode]) -> set[str]:
    """Return the inputs that are read as weights only: a file may leave them to be given at run time."""
    found = {value.name for value in graph.inputs if value.axes and all(isinstance(axis, int) for axis in value.axes)}
    read: set[str] = set()
    for node in nodes:
        for at, name in enumerate(node.inputs):
            if at < _WEIGHTS.get(node.op, at + 1):
                found.discard(name)
            read.add(name)
    return found & (read - set(graph.outputs))


def show_size(size: Size) -> Any:
    """Return a size as the language writes it."""
    if isinstance(size, Symbolic):
        text = str(size)
        return text if text.isidentifier() else f"={text}"
    return size
