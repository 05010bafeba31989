"""What a file says, before params have values: the records between reading and expanding."""

from __future__ import annotations

from typing import Any, NamedTuple

from yaml.nodes import MappingNode

from shapecheck.diagnostics import Span
from shapecheck.layers.base import Layer
from shapecheck.spec.values import Value


class Name(NamedTuple):
    """A word of the file and its place."""

    text: str
    span: Span


class LayerTemplate:
    """One entry of a list of layers: an op or the placing of a block.

    ``layer`` is the finished layer where no key needs a param; else it is made anew for each copy from ``kind``,
    ``fixed`` (what is constant) and ``open`` (what is not). ``broken`` says that a mistake in it was reported.
    """

    __slots__ = (
        "block",
        "broken",
        "expect",
        "fixed",
        "given",
        "keys",
        "kind",
        "layer",
        "mapping",
        "name",
        "op",
        "open",
        "repeat",
        "same_as",
        "sources",
        "span",
        "when",
    )

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span = span
        self.mapping: MappingNode | None = None
        self.op: str | None = None
        self.block: Name | None = None
        self.kind: type[Layer] | None = None
        self.layer: Layer | None = None
        self.fixed: dict[str, Any] = {}
        self.open: dict[str, Value] = {}
        self.keys: dict[str, Span] = {}
        self.sources: list[Name] | None = None
        self.given: dict[str, Value] = {}
        self.expect: Value | None = None
        self.same_as: Name | None = None
        self.when: Value | None = None
        self.repeat: Value | None = None
        self.broken = False

    def values(self) -> list[Value]:
        """Return every value that may hold an expression."""
        extra = [value for value in (self.expect, self.when, self.repeat) if value is not None]
        return [*self.open.values(), *self.given.values(), *extra]


class BlockTemplate(NamedTuple):
    """A piece of network that can be placed. ``params`` maps a param to its default, None where it has none.

    ``refused`` are the params whose default could not be read; the reason was reported.
    """

    name: Name
    params: dict[str, Value | None]
    param_spans: dict[str, Span]
    inputs: list[Name]
    layers: list[LayerTemplate]
    output: Name | None
    refused: frozenset[str] = frozenset()


class InputTemplate(NamedTuple):
    """An input: its shape, a value whose words are names of dimensions, and its dtype where one is given."""

    name: Name
    shape: Value
    dtype: str | None


class DimTemplate(NamedTuple):
    """What the file says of a named dimension."""

    name: Name
    size: Value | None
    accepts: dict[str, Any] | None


class OutputTemplate(NamedTuple):
    """An output: the layer that it comes from and what is stated of its shape."""

    name: Name
    source: Name
    expect: Value | None
    same_as: Name | None


class FileTemplate:
    """A whole file as read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = ""
        self.channels_last = False
        self.params: dict[str, Value] = {}
        self.param_spans: dict[str, Span] = {}
        self.refused_params: set[str] = set()
        self.inputs: list[InputTemplate] = []
        # Inputs in which a mistake was reported: a layer may read them, and nothing more is said.
        self.refused_inputs: list[str] = []
        self.dims: dict[str, DimTemplate] = {}
        self.blocks: dict[str, BlockTemplate] = {}
        self.layers: list[LayerTemplate] = []
        self.outputs: list[OutputTemplate] | None = None
        self.symmetry: list[tuple[Name, Name]] = []

    def dimension_names(self) -> set[str]:
        """Return the names of the dimensions that stand in an input's shape or under dims."""
        named = {item for template in self.inputs for item in template.shape.data if isinstance(item, str)}
        return named | set(self.dims)
