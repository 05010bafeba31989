"""What a file says, before params have values: the records between reading and expanding."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, Optional, TypeAlias

from yaml.nodes import MappingNode, Node

from shapecheck.findings.finding import Finding, Span
from shapecheck.language.values import Value
from shapecheck.layers.base import Layer
from shapecheck.text import nearest


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

    def changed(self, name: str | None = None, broken: bool = False) -> LayerTemplate:
        """Return a copy under another name, or called broken: what was read of a node stays as it was read."""
        other = LayerTemplate(self.name if name is None else name, self.span)
        other.mapping, other.op, other.block, other.kind = self.mapping, self.op, self.block, self.kind
        other.layer, other.fixed, other.open, other.keys = self.layer, self.fixed, self.open, self.keys
        other.sources, other.given, other.expect, other.same_as = self.sources, self.given, self.expect, self.same_as
        other.when, other.repeat, other.broken = self.when, self.repeat, self.broken or broken
        return other

    def values(self) -> list[Value]:
        """Return every value that may hold an expression."""
        extra = [value for value in (self.expect, self.when, self.repeat) if value is not None]
        return [*self.open.values(), *self.given.values(), *extra]


class Memory:
    """Layers that were read, by the nodes of the tree that they were read from, for reading after an edit.

    What a layer says depends on its own node and the limits alone; a tree that shares nodes with the one before
    (``reparse``) shares their layers too.
    """

    def __init__(self) -> None:
        self.layers: dict[int, tuple[Node, LayerTemplate, bool, tuple[Finding, ...]]] = {}


class BlockTemplate(NamedTuple):
    """A piece of network that can be placed. ``params`` maps a param to its default, None where it has none.

    ``refused`` are the params whose default could not be read, and ``broken`` says that what goes in and comes out is
    not known; the reason was reported.
    """

    name: Name
    params: dict[str, Value | None]
    param_spans: dict[str, Span]
    inputs: list[Name]
    layers: list[LayerTemplate]
    output: Name | None
    refused: frozenset[str] = frozenset()
    broken: bool = False


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


# The mesh axes over which one axis of an array is split; empty where it is not.
Axes: TypeAlias = tuple[Name, ...]


class LayerShardingTemplate(NamedTuple):
    """How one layer, or every layer of a block, is split in a way of its own; None where nothing is said."""

    name: Name
    channels: Optional[Axes]
    output: Optional[tuple[Axes, ...]]


class ShardingTemplate(NamedTuple):
    """What is said of several devices: the mesh (axis to size, with its place) and what is split over its axes.

    ``span`` is None where the command line says it.
    """

    span: Optional[Span]
    mesh: dict[str, tuple[int, Optional[Span]]]
    dims: tuple[tuple[Name, Axes], ...] = ()
    inputs: tuple[tuple[Name, tuple[Axes, ...]], ...] = ()
    channels: Axes = ()
    layers: tuple[LayerShardingTemplate, ...] = ()


# A name shorter than this is like many others, and none of them misspelt.
SHORTEST_MISSPELT = 3


class FileTemplate:
    """A whole file as read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = ""
        self.channels_last = False
        # Whether a layout is given that could not be read: no axis of any input is then known.
        self.layout_refused = False
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
        self.sharding: ShardingTemplate | None = None

    def dimension_names(self) -> set[str]:
        """Return the names of the dimensions that stand in an input's shape or under dims."""
        named = {item for template in self.inputs for item in template.shape.data if isinstance(item, str)}
        return named | set(self.dims) | self.arithmetic_dimensions(named | set(self.dims)).keys()

    def arithmetic_dimensions(self, names: Collection[str]) -> dict[str, Span]:
        """Return the dimensions that stand in arithmetic in an input's shape and nowhere else, each with its place.

        ``names`` are those that stand elsewhere.
        """
        known = {*names, *self.params, *self.refused_params}
        found: dict[str, Span] = {}
        for template in self.inputs:
            for name, place in template.shape.arithmetic_on().items():
                # What is much like a name that is known is that name misspelt.
                if name not in known and (len(name) < SHORTEST_MISSPELT or nearest(name, known) is None):
                    found.setdefault(name, place)
        return found
