"""A network of another format as plain records, and what may be wrong with such a file."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from shapecheck.arithmetic.symbolic import Size

# Of a constant with more elements only the shape matters: it is a weight.
MOST_VALUES = 1_024
# An axis that is declared: a size, a name, or nothing.
Axis: TypeAlias = int | str | None


class Unusable(Exception):
    """A file cannot be imported; ``reasons`` says why, a line for each."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class Refused(Exception):
    """A node cannot be translated exactly; the message says why."""


class Constant(NamedTuple):
    """A tensor that no input of the network reaches but by its shape.

    ``values`` are its elements in row-major order, and None where they were not read or are not known; a size of a
    feature map among them may be symbolic. ``computed`` says that it comes from a shape.
    """

    shape: tuple[int, ...]
    values: tuple[Any, ...] | None = None
    computed: bool = False

    @property
    def elements(self) -> int:
        """How many elements it has."""
        count = 1
        for size in self.shape:
            count *= size
        return count


class Variable(NamedTuple):
    """A tensor that depends on an input: the layer that makes it, and its shape."""

    layer: str
    shape: tuple[Size, ...]


class OnnxNode(NamedTuple):
    """One operator. An input or output that is left out is the empty string."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    @property
    def title(self) -> str:
        """What a message calls it: the operator, and its name or that of its first output."""
        return f"{self.op} {self.name or next(filter(None, self.outputs), '')}".rstrip()


class Input(NamedTuple):
    """An input of the graph; ``dtype`` is a word of the language, None for a type that it does not have."""

    name: str
    axes: tuple[Axis, ...]
    dtype: str | None
    dtype_name: str


class Graph(NamedTuple):
    """A graph whose nodes stand behind all that they read. ``declared`` holds what the file says of tensors' shapes."""

    name: str
    opset: int
    inputs: tuple[Input, ...]
    constants: dict[str, Constant]
    nodes: tuple[OnnxNode, ...]
    outputs: tuple[str, ...]
    declared: dict[str, tuple[Axis, ...]]
