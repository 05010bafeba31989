"""The tree of a file to templates: every key known, every constant of its kind, every mistake reported."""

from __future__ import annotations

from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shapecheck.findings.finding import Finding, Span
from shapecheck.findings.limits import Limits
from shapecheck.language import vocabulary
from shapecheck.language.document import plain_value, span_of
from shapecheck.language.layer_reader import LayerReader
from shapecheck.language.sharding_reader import read_sharding
from shapecheck.language.templates import (
    BlockTemplate,
    DimTemplate,
    FileTemplate,
    InputTemplate,
    LayerTemplate,
    Memory,
    Name,
    OutputTemplate,
)
from shapecheck.language.values import Value, mapping_entries
from shapecheck.layers.fields import Integer, Kind, Listing, Word, describe
from shapecheck.text import nearest, suggest


def read(root: MappingNode, path: str, limits: Limits) -> tuple[FileTemplate, list[Finding]]:
    """Return the templates of a file and what is wrong with it. Reads on after a mistake."""
    reader = _FileReader(path, limits)
    reader.read(root)
    return reader.file, reader.findings


def read_again(
    root: MappingNode, path: str, limits: Limits, before: Memory
) -> tuple[FileTemplate, list[Finding], Memory]:
    """Read a file after an edit, and only what was not read before; return also what to remember for the next time."""
    reader = _FileReader(path, limits, before)
    reader.read(root)
    return reader.file, reader.findings, reader.memory


class _FileReader(LayerReader):
    """Reads the top level; layers are read by the base."""

    def __init__(self, path: str, limits: Limits, before: Memory | None = None) -> None:
        super().__init__(limits, before)
        self.file = FileTemplate(path)

    def read(self, root: MappingNode) -> None:
        entries = {key: (key_node, value) for key, key_node, value in mapping_entries(root, "the file", self.findings)}
        meant = set()
        for key, (key_node, _) in entries.items():
            if key not in vocabulary.TOP_KEYS:
                self.report(
                    "unknown-key", f"unknown key {key}", span_of(key_node), suggest(key, vocabulary.TOP_KEYS, "keys")
                )
                meant.add(nearest(key, vocabulary.TOP_KEYS))
        self.file.layout_refused = "layout" in meant
        self._version(entries, span_of(root))
        for key in vocabulary.TOP_KEYS:
            if key in entries and key != "shapecheck":
                getattr(self, f"_{key}")(entries[key][1])
        for key, example in (("inputs", "{image: [N, 3, 224, 224]}"), ("layers", "and below it - {op: relu}")):
            if key not in entries and key not in meant:
                self.report("missing-key", f"the key {key} is missing", span_of(root), f"add {key}: {example}")

    def _version(self, entries: dict[str, tuple[ScalarNode, Node]], start: Span) -> None:
        if "shapecheck" not in entries:
            self.report(
                "missing-key",
                "the key shapecheck, the language version, is missing",
                start,
                "begin the file with shapecheck: 1",
            )
            return
        node = entries["shapecheck"][1]
        value = plain_value(node) if isinstance(node, ScalarNode) else None
        if value != vocabulary.LANGUAGE_VERSION or isinstance(value, bool):
            found = describe(value) if isinstance(node, ScalarNode) else "a collection"
            self.report(
                "unknown-version",
                f"expected language version {vocabulary.LANGUAGE_VERSION}, found {found:.60}",
                span_of(node),
                "this release reads shapecheck: 1, the number",
            )

    def _name(self, node: Node) -> None:
        self.file.name = self.text(node, "name")

    def _doc(self, node: Node) -> None:
        self.text(node, "doc")

    def _layout(self, node: Node) -> None:
        layout = self.constant(node, "layout", Word("channels_first", "channels_last"))
        self.file.channels_last = layout == "channels_last"
        self.file.layout_refused = layout is None

    def _params(self, node: Node) -> None:
        for key, key_node, value_node in mapping_entries(node, "params", self.findings):
            value = self.param(key, key_node, value_node, required=False)
            if value is None:
                self.file.refused_params.add(key)
            else:
                self.file.params[key] = value
                self.file.param_spans[key] = span_of(key_node)

    def _inputs(self, node: Node) -> None:
        entries = mapping_entries(node, "inputs", self.findings)
        if isinstance(node, MappingNode) and not entries:
            self.report(
                "wrong-type",
                "inputs is empty",
                span_of(node),
                "name at least one input, such as image: [N, 3, 224, 224]",
            )
        for key, key_node, value_node in entries:
            name = self.layer_name(key_node)
            shape_node, dtype = value_node, None
            if isinstance(value_node, MappingNode):
                parts = self.known(value_node, f"input {key}", vocabulary.INPUT_KEYS)
                if "shape" not in parts:
                    self.report("missing-key", f"input {key} has no shape", span_of(key_node), "add shape: [...]")
                    self.file.refused_inputs.append(key)
                    continue
                shape_node = parts["shape"]
                if "dtype" in parts:
                    dtype = self.constant(parts["dtype"], "dtype", Word(*vocabulary.DTYPES))
            if not isinstance(shape_node, SequenceNode):
                self.report(
                    "wrong-type", f"input {key}: expected a shape, a list such as [N, 3, 224, 224]", span_of(shape_node)
                )
                self.file.refused_inputs.append(key)
                continue
            shape = self.value(shape_node)
            if name is not None and shape is not None:
                self.file.inputs.append(InputTemplate(name, shape, dtype))
            else:
                self.file.refused_inputs.append(key)

    def _dims(self, node: Node) -> None:
        for key, key_node, value_node in mapping_entries(node, "dims", self.findings):
            if not vocabulary.IDENTIFIER.match(key) or key == vocabulary.ANY_SIZE:
                self.report(
                    "wrong-value",
                    f"{key!r} is no name of a dimension",
                    span_of(key_node),
                    "a name is letters, digits and _, and begins with a letter",
                )
                continue
            size_node: Node | None = value_node
            accepts = None
            if isinstance(value_node, MappingNode):
                parts = self.known(value_node, f"dimension {key}", vocabulary.DIM_KEYS)
                size_node = parts.get("size")
                if "accepts" in parts:
                    accepts = self._accepts(parts["accepts"], key)
            size = self.value(size_node) if size_node is not None else None
            self.file.dims[key] = DimTemplate(Name(key, span_of(key_node)), size, accepts)

    def _accepts(self, node: Node, dim: str) -> dict[str, Any]:
        kinds: dict[str, Kind] = {key: Integer(1) for key in ("min", "max", "multiple_of")} | {
            "sizes": Listing(Integer(1))
        }
        parts = self.known(node, f"accepts of {dim}", vocabulary.ACCEPTS_KEYS)
        read = {key: self.constant(part, key, kinds[key]) for key, part in parts.items()}
        accepts = {key: value for key, value in read.items() if value is not None}
        if accepts.get("max", 1) < accepts.get("min", 1) and "max" in accepts:
            self.report(
                "wrong-value",
                f"accepts of {dim}: max {accepts['max']} is smaller than min {accepts['min']}",
                span_of(parts["max"]),
            )
        return accepts

    def _blocks(self, node: Node) -> None:
        for key, key_node, value_node in mapping_entries(node, "blocks", self.findings):
            so_far = len(self.findings)
            parts = self.known(value_node, f"block {key}", vocabulary.BLOCK_KEYS)
            inputs = self.names(parts["inputs"], "inputs") if "inputs" in parts else []
            output = self.name_of(parts["output"], "output") if "output" in parts else None
            broken = len(self.findings) > so_far
            params: dict[str, Value | None] = {}
            spans: dict[str, Span] = {}
            refused: set[str] = set()
            if "params" in parts:
                for param, param_node, default in mapping_entries(parts["params"], f"params of {key}", self.findings):
                    before = len(self.findings)
                    params[param] = self.param(param, param_node, default, required=True)
                    spans[param] = span_of(param_node)
                    if len(self.findings) > before:
                        refused.add(param)
            layers: list[LayerTemplate] = []
            if "layers" in parts:
                layers = self.layers(parts["layers"], f"block {key}")
            elif isinstance(value_node, MappingNode):
                self.report("missing-key", f"block {key} has no layers", span_of(key_node), "add layers: [...]")
            self.file.blocks[key] = BlockTemplate(
                Name(key, span_of(key_node)), params, spans, inputs, layers, output, frozenset(refused), broken
            )

    def _layers(self, node: Node) -> None:
        self.file.layers = self.layers(node, "the file")
        taken = {name.name.text: name.name.span for name in self.file.inputs}
        for at, layer in enumerate(self.file.layers):
            if layer.name in taken:
                self.report(
                    "name-clash",
                    f"the layer {layer.name} has the name of an input (line {taken[layer.name].start.line})",
                    layer.span,
                    "give the layer another name",
                )
                self.file.layers[at] = layer.changed(broken=True)

    def _outputs(self, node: Node) -> None:
        if isinstance(node, SequenceNode):
            self.file.outputs = [OutputTemplate(name, name, None, None) for name in self.names(node, "outputs")]
            return
        if isinstance(node, ScalarNode) and plain_value(node) is not None:
            only = self.name_of(node, "outputs")
            self.file.outputs = [OutputTemplate(only, only, None, None)] if only else []
            return
        self.file.outputs = []
        for key, key_node, value_node in mapping_entries(node, "outputs", self.findings):
            name = Name(key, span_of(key_node))
            expect = same_as = None
            source: Name | None
            if isinstance(value_node, MappingNode):
                parts = self.known(value_node, f"output {key}", vocabulary.OUTPUT_KEYS)
                source = self.name_of(parts["from"], "from") if "from" in parts else name
                expect = self.shape_value(parts["expect"], "expect") if "expect" in parts else None
                same_as = self.name_of(parts["same_shape_as"], "same_shape_as") if "same_shape_as" in parts else None
            else:
                source = self.name_of(value_node, f"output {key}")
            if source is not None:
                self.file.outputs.append(OutputTemplate(name, source, expect, same_as))

    def _symmetry(self, node: Node) -> None:
        for key, key_node, value_node in mapping_entries(node, "symmetry", self.findings):
            encoder = self.name_of(value_node, f"symmetry of {key}")
            if encoder is not None:
                self.file.symmetry.append((Name(key, span_of(key_node)), encoder))

    def _sharding(self, node: Node) -> None:
        self.file.sharding = read_sharding(self, node)
