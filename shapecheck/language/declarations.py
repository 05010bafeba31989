"""What a file declares gets values: its params, its named dimensions, its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapecheck.arithmetic.shape import LARGEST, Shape, not_held, show_number, too_large
from shapecheck.arithmetic.symbolic import Size, Symbolic
from shapecheck.findings.finding import Span
from shapecheck.findings.limits import Limits
from shapecheck.graph.network import Dimension, Node, NodeSource
from shapecheck.language import vocabulary
from shapecheck.language.document import span_of
from shapecheck.language.layer_reader import LayerReader
from shapecheck.language.scope import BROKEN_INPUT, Scope
from shapecheck.language.templates import FileTemplate, Name
from shapecheck.language.values import Misread, Value
from shapecheck.layers.fields import Integer, describe

Env = dict[str, Any]


class Declarations(LayerReader):
    """Reads what stands above the layers. ``nodes`` begins with the inputs."""

    def __init__(self, file: FileTemplate, sizes: Mapping[str, Any], limits: Limits) -> None:
        super().__init__(limits)
        self.file = file
        self.overrides = sizes
        self.nodes: list[Node] = []
        self.dims: dict[str, Dimension] = {}
        self.words: dict[str, Size] = {}
        self.params: Env = {}
        self.failed: set[str] = set()
        self.top = Scope("", None)

    def declare(self) -> None:
        """Read params, dimensions and inputs."""
        self._read_params()
        self._read_dims()
        self._read_inputs()

    def note(self, error: Misread, layer: str | None = None) -> None:
        """Report a value that cannot be read, unless the mistake is in a param that was reported itself."""
        if error.name in self.failed:
            return
        finding = error.finding if layer is None else error.finding._replace(layer=layer)
        if error.name in self.words:
            help = f"{error.name} is a dimension: it may stand in shapes and sizes and in expect, not here"
            finding = finding._replace(help=help)
        self.findings.append(finding)

    def _read_params(self) -> None:
        self.failed |= self.file.refused_params
        for name, value in self.file.params.items():
            if name in self.overrides:
                self.params[name] = self.overrides[name]
            elif not self.evaluate_param(name, value, self.params):
                self.failed.add(name)

    def evaluate_param(self, name: str, value: Value, env: Env) -> bool:
        """Give a param its value in ``env``; False where it has none."""
        try:
            env[name] = value.evaluate(env)
        except Misread as error:
            self.note(error)
            return False
        return True

    def _dimension_names(self) -> dict[str, Span]:
        """Return each dimension with the place that declares it, or the first that names it."""
        names = {name: template.name.span for name, template in self.file.dims.items()}
        for template in self.file.inputs:
            data = template.shape.data
            for item, node in zip(data, template.shape.node.value, strict=True):
                if (
                    isinstance(item, str)
                    and not node.style
                    and item not in names
                    and item not in self.file.params
                    and item != vocabulary.ANY_SIZE
                    and vocabulary.IDENTIFIER.match(item)
                ):
                    names[item] = span_of(node)
        return {**names, **self.file.arithmetic_dimensions(names)}

    def _read_dims(self) -> None:
        for name, span in self._dimension_names().items():
            template = self.file.dims.get(name)
            size: Any = None
            if name in self.overrides:
                size = self.overrides[name]
            elif template is not None and template.size is not None:
                try:
                    size = template.size.read(Integer(1), f"size of {name}", self.params)
                except Misread as error:
                    self.note(error)
            if name in self.params:
                self.report(
                    "name-clash",
                    f"{name} is both a param (line {self.file.param_spans[name].start.line}) and a dimension",
                    span,
                    f"rename one of them; the value of a param is written ={name}",
                )
            self.dims[name] = Dimension(
                name, size if isinstance(size, int) else None, template.accepts if template else None, span
            )
            self.words[name] = Symbolic.of(name) if size is None else size

    def _read_inputs(self) -> None:
        env = {**self.words, **self.params}
        for template in self.file.inputs:
            keys = {"shape": template.shape.span}
            keys |= {f"shape.{axis}": span_of(item) for axis, item in enumerate(template.shape.node.value)}
            node = Node(len(self.nodes), template.name.text, None, NodeSource(template.name.span, keys, None))
            node.dtype = template.dtype
            shape = self._input_shape(template.shape, template.name, env)
            node.shape = None if self.file.layout_refused else shape
            node.dims = tuple(item if isinstance(item, str) else None for item in template.shape.data)
            self.nodes.append(node)
            self.top.inputs[template.name.text] = node.index
        for name in self.file.refused_inputs:
            self.top.inputs.setdefault(name, BROKEN_INPUT)

    def _input_shape(self, value: Value, name: Name, env: Env) -> Shape | None:
        sizes: list[Size] = []
        try:
            shape = value.evaluate(env, self.words)
        except Misread as error:
            self.note(error)
            return None
        if not shape:
            self.report("wrong-value", f"input {name.text}: a shape lists at least one size, found []", value.span)
            return None
        for item, node in zip(shape, value.node.value, strict=True):
            if isinstance(item, Symbolic) or (type(item) is int and 1 <= item <= LARGEST):
                sizes.append(item)
                continue
            if type(item) is int and item > LARGEST:
                self.report(
                    "wrong-value",
                    f"input {name.text}: {too_large(show_number(item))}",
                    span_of(node),
                )
                return None
            self.report(
                "wrong-value",
                f"input {name.text}: a size is a whole number of at least 1 or the name of a dimension, "
                f"found {describe(item)}",
                span_of(node),
            )
            return None
        reason = not_held(tuple(sizes))
        if reason is not None:
            self.report("array-too-large", f"input {name.text} {reason}", value.span)
            return None
        return tuple(sizes)
