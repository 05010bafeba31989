"""The key ``sharding`` of a file, and what the command line says in its place."""

from __future__ import annotations

from collections.abc import Sequence

from yaml.nodes import Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Span
from shapecheck.language import vocabulary
from shapecheck.language.document import span_of
from shapecheck.language.source import FILE_START
from shapecheck.language.templates import Axes, FileTemplate, LayerShardingTemplate, Name, ShardingTemplate
from shapecheck.language.value_reader import ValueReader
from shapecheck.language.values import mapping_entries
from shapecheck.layers.fields import Integer

# What --shard calls the parameters' output channels; every other name is a dimension.
CHANNELS = "channels"

Mesh = Sequence[tuple[str, int]]
Shards = Sequence[tuple[str, tuple[str, ...]]]


def read_sharding(reader: ValueReader, node: Node) -> ShardingTemplate | None:
    """Return what the file says of several devices, or None where it has no mesh that can be used."""
    before = len(reader.findings)
    parts = reader.known(node, "sharding", vocabulary.SHARDING_KEYS)
    mesh: dict[str, tuple[int, Span | None]] = {}
    if "mesh" in parts:
        mesh = _mesh(reader, parts["mesh"])
    elif len(reader.findings) == before:
        reader.report("missing-key", "sharding has no mesh", span_of(node), "add mesh: {data: 8}, axis to size")
    dims = []
    for key, key_node, value in _entries(reader, parts, "dims"):
        dims.append((Name(key, span_of(key_node)), _axes(reader, value, key)))
    inputs = []
    for key, key_node, value in _entries(reader, parts, "inputs"):
        inputs.append((Name(key, span_of(key_node)), _splits(reader, value, key)))
    channels = _axes(reader, parts["channels"], "channels") if "channels" in parts else ()
    layers = []
    for key, key_node, value in _entries(reader, parts, "layers"):
        own = reader.known(value, f"sharding of {key}", vocabulary.LAYER_SHARDING_KEYS)
        split = _axes(reader, own["channels"], "channels") if "channels" in own else None
        output = _splits(reader, own["output"], "output") if "output" in own else None
        layers.append(LayerShardingTemplate(Name(key, span_of(key_node)), split, output))
    if not mesh:
        return None
    return ShardingTemplate(span_of(node), mesh, tuple(dims), tuple(inputs), channels, tuple(layers))


def override(file: FileTemplate, mesh: Mesh, shards: Shards) -> None:
    """Put what the command line says into a file: another mesh, and other splits of dimensions and channels."""
    told = file.sharding
    if told is None:
        if not mesh:
            return
        told = ShardingTemplate(None, {})
    if mesh:
        told = told._replace(mesh={axis: (size, None) for axis, size in mesh})
    dims = {name.text: (name, axes) for name, axes in told.dims}
    for name, words in shards:
        axes = tuple(Name(word, FILE_START) for word in words if word != vocabulary.ANY_SIZE)
        if name == CHANNELS:
            told = told._replace(channels=axes)
        elif name in file.dimension_names():
            dims[name] = (Name(name, FILE_START), axes)
    file.sharding = told._replace(dims=tuple(dims.values()))


def _entries(reader: ValueReader, parts: dict[str, Node], key: str) -> list[tuple[str, ScalarNode, Node]]:
    return mapping_entries(parts[key], f"{key} of sharding", reader.findings) if key in parts else []


def _mesh(reader: ValueReader, node: Node) -> dict[str, tuple[int, Span | None]]:
    before = len(reader.findings)
    found: dict[str, tuple[int, Span | None]] = {}
    for key, key_node, value in mapping_entries(node, "mesh", reader.findings):
        if not vocabulary.IDENTIFIER.match(key) or key == vocabulary.ANY_SIZE:
            reader.report(
                "wrong-value",
                f"{key!r} is no name of a mesh axis",
                span_of(key_node),
                "a name is letters, digits and _, and begins with a letter",
            )
            continue
        size = reader.constant(value, f"mesh axis {key}", Integer(1))
        if size is not None:
            found[key] = (size, span_of(key_node))
    if not found and len(reader.findings) == before:
        reader.report("wrong-value", "the mesh has no axis", span_of(node), "name one, such as mesh: {data: 8}")
    # A mesh of which a part could not be read is none: what names the missing axis is not wrong.
    return found if len(reader.findings) == before else {}


def _axes(reader: ValueReader, node: Node, key: str) -> Axes:
    """Return the mesh axes over which an axis is split: a word, a list of words, or _ for none."""
    items = node.value if isinstance(node, SequenceNode) else [node]
    names = []
    for item in items:
        if not isinstance(item, ScalarNode) or not vocabulary.IDENTIFIER.match(item.value):
            found = item.value if isinstance(item, ScalarNode) and item.value else "a list or nothing"
            reader.report("wrong-value", f"{key}: expected a mesh axis, found {found}", span_of(item))
        elif item.value != vocabulary.ANY_SIZE:
            names.append(Name(item.value, span_of(item)))
    return tuple(names)


def _splits(reader: ValueReader, node: Node, key: str) -> tuple[Axes, ...]:
    """Return a split for every axis of an array."""
    if isinstance(node, SequenceNode) and node.value:
        return tuple(_axes(reader, item, key) for item in node.value)
    reader.report(
        "wrong-value",
        f"{key}: expected a list with an entry for each axis",
        span_of(node),
        f"write a mesh axis or {vocabulary.ANY_SIZE} for each, such as [data, _, _, _]",
    )
    return ()
