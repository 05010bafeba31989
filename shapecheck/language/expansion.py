"""Templates to a flat network: params get values, blocks are placed, copies chained, names resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapecheck.arithmetic.shape import LARGEST, show_number, too_large
from shapecheck.arithmetic.symbolic import Size, Symbolic
from shapecheck.findings.finding import Finding, Related
from shapecheck.findings.limits import Limits
from shapecheck.graph.network import Node, NodeSource
from shapecheck.language import vocabulary
from shapecheck.language.declarations import Declarations, Env
from shapecheck.language.document import span_of
from shapecheck.language.scope import BROKEN_INPUT, LeftOut, NameInScope, Producer, Scope
from shapecheck.language.templates import BlockTemplate, FileTemplate, LayerTemplate, Name
from shapecheck.language.values import Misread, Value
from shapecheck.layers.base import Broken
from shapecheck.layers.fields import Boolean, Integer, describe
from shapecheck.text import nearest, suggest


class Pending:
    """A node whose names are still to be looked up."""

    __slots__ = ("node", "scope", "sources", "template")

    def __init__(self, node: Node, scope: Scope, template: LayerTemplate, sources: list[Producer]) -> None:
        self.node = node
        self.scope = scope
        self.template = template
        self.sources = sources


class Expander(Declarations):
    """Places every layer of a file, behind the inputs."""

    def __init__(self, file: FileTemplate, sizes: Mapping[str, Any], limits: Limits) -> None:
        super().__init__(file, sizes, limits)
        self.pending: list[Pending] = []
        # Expectations on a block or an output belong to whatever node their source turns out to be.
        self.stated: list[tuple[Producer, Value | None, Name | None, Scope, Env]] = []
        self.block_outputs: list[NameInScope] = []
        self.placed_blocks: set[str] = set()
        # What each placing of a block turned out to be, with the path and the template that place it.
        self.placings: list[tuple[str, LayerTemplate, Producer]] = []
        self.full = False
        # Whether a key of some layer depends on the size of a dimension.
        self.sized = False

    def run(self) -> None:
        """Expand the whole file."""
        self.declare()
        self._place_all(self.file.layers, self.top, self.params, list(self.top.inputs.values()), 0, None)

    def _place_all(
        self,
        templates: list[LayerTemplate],
        scope: Scope,
        env: Env,
        given: list[Producer],
        depth: int,
        block: str | None,
    ) -> None:
        above: Producer | None = given[0] if len(given) == 1 else None
        for template in templates:
            if self.full:
                return
            sources: list[Producer]
            if template.sources is not None:
                sources = [NameInScope(scope, name) for name in template.sources]
            elif above is not None:
                sources = [above]
            elif given:
                sources = []
                self._ask_for_source(template, scope, given)
            else:
                sources = [BROKEN_INPUT]
            above = self._place(template, scope, env, sources, depth, block)
            scope.names.setdefault(template.name, above)
        scope.output = above

    def _ask_for_source(self, template: LayerTemplate, scope: Scope, given: list[Producer]) -> None:
        names = list(scope.inputs)
        self.report(
            "missing-from",
            f"the first layer must say what it reads: there are {len(given)} inputs, {', '.join(names)}",
            template.span,
            f"add from: {names[0]}",
            f"{scope.path}{template.name}",
        )

    def _place(
        self, template: LayerTemplate, scope: Scope, env: Env, sources: list[Producer], depth: int, block: str | None
    ) -> int | Scope | LeftOut:
        first = sources[0] if sources else None
        placed: int | Scope | LeftOut
        try:
            if template.when is not None and not self._condition(template.when, env):
                return LeftOut(first)
            if template.block is not None:
                placed = self._place_block(template, template.block, scope, env, sources, depth)
                self.placings.append((f"{scope.path}{template.name}", template, placed))
            else:
                placed = self._place_layer(template, scope, env, sources, block)
        except Misread as error:
            self.note(error, f"{scope.path}{template.name}")
            return LeftOut(None)
        if template.expect is not None or template.same_as is not None:
            self.stated.append((placed, template.expect, template.same_as, scope, env))
        return placed

    def _condition(self, value: Value, env: Env) -> bool:
        result = value.evaluate(env)
        return bool(result) if isinstance(result, (bool, int)) else bool(value.read(Boolean(), "when", env))

    def _place_layer(
        self, template: LayerTemplate, scope: Scope, env: Env, sources: list[Producer], block: str | None
    ) -> int:
        if len(self.nodes) >= self.limits.layers and not self.full:
            self.full = True
            self.report(
                "too-many-layers",
                f"the network has more than {self.limits.layers:,} layers once its blocks are placed",
                template.span,
                "raise limits.layers in the configuration if it is meant to be this large",
            )
        layer = template.layer
        name = f"{scope.path}{template.name}"
        if layer is None and not template.broken:
            values = self._values(template, env, name)
            layer = None if values is None else self.make(template, values, name)
        node = Node(
            len(self.nodes),
            name,
            layer or Broken(template.op or "layer", {}),
            NodeSource(template.span, template.keys, block, template.mapping),
        )
        self.nodes.append(node)
        self.pending.append(Pending(node, scope, template, sources))
        return node.index

    def _values(self, template: LayerTemplate, env: Env, name: str) -> dict[str, Any] | None:
        assert template.kind is not None and template.op is not None
        keys = template.kind.keys_of(template.op)
        values = dict(template.fixed)
        fine = True
        for key, value in template.open.items():
            kind = keys[key].kind
            try:
                if kind.sizes:
                    self.sized = self.sized or value.holds_words or not value.names.isdisjoint(self.words)
                    values[key] = value.read(kind, key, {**self.words, **env}, self.words)
                else:
                    values[key] = value.read(kind, key, env)
            except Misread as error:
                self.note(error, name)
                fine = False
        return values if fine else None

    def _place_block(
        self, template: LayerTemplate, name: Name, scope: Scope, env: Env, sources: list[Producer], depth: int
    ) -> Scope | LeftOut:
        block = self.file.blocks.get(name.text)
        path = f"{scope.path}{template.name}"
        if block is None:
            self.report(
                "unknown-block",
                f"there is no block called {name.text}",
                name.span,
                suggest(name.text, self.file.blocks, "blocks"),
                path,
            )
            return LeftOut(None)
        self.placed_blocks.add(name.text)
        if depth >= self.limits.block_depth:
            self.full = True
            self.report(
                "endless-block",
                f"blocks are placed inside each other more than {self.limits.block_depth} deep: "
                f"{self._nesting(scope, name)}",
                name.span,
                "end a block that places itself with when: ..., or raise limits.block_depth in the configuration",
                path,
            )
            return LeftOut(None)
        given = self._block_inputs(template, block, sources, path)
        if given is None or template.broken:
            return LeftOut(None)
        if template.repeat is None:
            return self._copy(template, block, f"{path}.", env, given, depth, None)
        count = template.repeat.read(Integer(0), "repeat", env)
        if count > self.limits.repeat:
            self.report(
                "too-many-repeats",
                f"repeat {count:,} is more than the limit of {self.limits.repeat:,}",
                template.repeat.span,
                "raise limits.repeat in the configuration if it is meant to be this large",
                path,
            )
            return LeftOut(None)
        copies = Scope(path, scope.file or scope)
        copies.output = given[0]
        for index in range(count):
            copy = self._copy(template, block, f"{path}.{index}.", env, given, depth, index)
            copies.names[str(index)] = copy
            copies.output = copy
            given = [copy, *given[1:]]
            if self.full or copy.refused:
                break
        return copies

    def _nesting(self, scope: Scope, name: Name) -> str:
        parts = scope.path.rstrip(".").split(".")
        return " > ".join([*parts[:3], "…", name.text] if len(parts) > 3 else [*parts, name.text])

    def _block_inputs(
        self, template: LayerTemplate, block: BlockTemplate, sources: list[Producer], path: str
    ) -> list[Producer] | None:
        wanted = len(block.inputs) or 1
        if not sources:
            return None
        if len(sources) != wanted:
            names = ", ".join(n.text for n in block.inputs) or "input"
            self.report(
                "wrong-number-of-inputs",
                f"block {block.name.text} takes {wanted} {'input' if wanted == 1 else 'inputs'} ({names}), "
                f"but is given {len(sources)}",
                template.keys.get("from", template.span),
                f"list {wanted} in from:, or name {len(sources)} in the block's inputs",
                path,
            )
            return None
        return sources

    def _copy(
        self,
        template: LayerTemplate,
        block: BlockTemplate,
        path: str,
        env: Env,
        given: list[Producer],
        depth: int,
        index: int | None,
    ) -> Scope:
        scope = Scope(path, self.top)
        if block.broken:
            given = [BROKEN_INPUT] * len(given)
        names = [name.text for name in block.inputs] or ["input"]
        scope.inputs = dict(zip(names, given, strict=True))
        inner = self._block_params(template, block, path, env, index)
        if inner is None:
            scope.refused = True
            scope.output = BROKEN_INPUT
            return scope
        self._place_all(block.layers, scope, inner, given, depth + 1, block.name.text)
        if block.output is not None:
            scope.output = NameInScope(scope, block.output)
            self.block_outputs.append(scope.output)
        elif not block.layers or block.broken:
            scope.output = BROKEN_INPUT
        return scope

    def _block_params(
        self, template: LayerTemplate, block: BlockTemplate, path: str, env: Env, index: int | None
    ) -> Env | None:
        outer = env if index is None else {**env, "index": index}
        inner: Env = {**self.params} if index is None else {**self.params, "index": index}
        fine = True
        meant: set[str | None] = set()
        for param in template.given:
            if param not in block.params:
                meant.add(nearest(param, block.params))
                self.report(
                    "unknown-param",
                    f"block {block.name.text} has no param {param}",
                    template.keys[f"with.{param}"],
                    suggest(param, block.params, "params"),
                    path.rstrip("."),
                )
                fine = False
        for param, default in block.params.items():
            if param in template.given:
                try:
                    inner[param] = template.given[param].evaluate(outer)
                except Misread as error:
                    self.note(error, path.rstrip("."))
                    fine = False
            elif default is None:
                fine = False
                if param in meant or param in block.refused:
                    continue
                at = block.param_spans[param]
                self.findings.append(
                    Finding.of(
                        "missing-param",
                        f"block {block.name.text} needs a value for {param}",
                        template.span,
                        path.rstrip("."),
                        f"add with: {{{param}: ...}}",
                        (Related("declared here, without a default", at),),
                    )
                )
            else:
                fine = self.evaluate_param(param, default, inner) and fine
        return inner if fine else None


def expectation(value: Value, words: Mapping[str, Size], env: Env) -> tuple[Size | None, ...]:
    """Return the sizes that an ``expect`` lists, None for any. Raises Misread."""
    sizes: list[Size | None] = []
    for item, node in zip(
        value.evaluate({**words, **env}, {**words, vocabulary.ANY_SIZE: None}), value.node.value, strict=True
    ):
        any_size = item is None and node.value == vocabulary.ANY_SIZE
        if not any_size and not isinstance(item, Symbolic) and type(item) is not int:
            raise Misread(
                Finding.of(
                    "wrong-value",
                    f"expect: a size is a number, the name of a dimension, =..., or _ for any; found {describe(item)}",
                    span_of(node),
                )
            )
        if type(item) is int and abs(item) > LARGEST:
            message = f"expect: {too_large(show_number(item))}"
            raise Misread(Finding.of("wrong-value", message, span_of(node)))
        sizes.append(item)
    return tuple(sizes)
