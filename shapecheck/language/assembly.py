"""The placed layers to a network: names looked up, circles found, an order made, what nobody uses reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, NamedTuple

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding
from shapecheck.findings.limits import Limits
from shapecheck.graph.network import Expectation, Network, Node, Placing
from shapecheck.graph.order import circles, topological
from shapecheck.language.expansion import Expander, Pending, expectation
from shapecheck.language.expressions import assuming
from shapecheck.language.scope import LeftOut, NameInScope, Producer, Scope, Unresolved, resolve
from shapecheck.language.sharding_resolver import resolved_sharding, unused_axes
from shapecheck.language.templates import FileTemplate, Name
from shapecheck.language.usage import unused
from shapecheck.language.values import Misread, Value
from shapecheck.layers.base import Broken
from shapecheck.layers.context import Question
from shapecheck.text import suggest


class Assembly(NamedTuple):
    """The network of a file, and what is wrong with it.

    ``whole`` says whether all of it was placed, within the limits. ``unused`` returns what the file declares and nobody
    uses, which means something only where nothing else is wrong.
    """

    network: Network
    findings: list[Finding]
    whole: bool
    unused: Callable[[], list[Finding]]


def assemble(file: FileTemplate, overrides: Mapping[str, Any], limits: Limits) -> Assembly:
    """Return the network of a file, with params and dimensions overridden by name."""
    expander = Expander(file, overrides, limits)
    expander.run()
    assembler = _Assembler(file, expander)
    network = assembler.network()

    def resized(sizes: Mapping[str, Any]) -> Network:
        with assuming() as assumed:
            other = assembler.resized(network, {**overrides, **sizes}, limits)
        other.assumed = tuple(Question("assume", size, bound) for size, bound in dict.fromkeys(assumed))
        return other

    network.resized = resized
    findings = [*expander.findings, *assembler.findings]
    network.flaws = _errors(findings)
    return Assembly(network, findings, not expander.full, lambda: assembler.unused(network))


def _errors(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def _unstated(node: Node) -> Node:
    """Return a node without expectations: itself, or a copy."""
    if not node.expect:
        return node
    node = copy(node)
    node.expect = ()
    return node


class _Assembler:
    def __init__(self, file: FileTemplate, expander: Expander) -> None:
        self.file = file
        self.expander = expander
        self.nodes = expander.nodes
        self.findings: list[Finding] = []
        self.read: set[int] = set()

    def network(self) -> Network:
        if self.expander.full:
            # It is not the network that is meant, and connecting what was placed would only cost time.
            return Network(self.file.name, self.file.path, [], [], {}, self.expander.dims, {}, self.file.channels_last)
        for reading in self.expander.block_outputs:
            self._require_output(reading)
        for pending in self.expander.pending:
            self._connect(pending)
        order = self._order()
        for source, expect, same_as, scope, env in self.expander.stated:
            self._state(source, expect, same_as, scope, env)
        outputs = self._outputs()
        symmetry = self._symmetry()
        network = Network(
            self.file.name,
            self.file.path,
            self.nodes,
            order,
            outputs,
            self.expander.dims,
            symmetry,
            self.file.channels_last,
        )
        network.outputs_stated = self.file.outputs is not None
        network.sharding, wrong = resolved_sharding(self.file, self.nodes, self.expander.dims, self.expander.top)
        self.findings += wrong
        network.placings = [
            Placing(path, template.mapping, index)
            for path, template, placed in self.expander.placings
            if (index := self._resolve_quietly(placed)) is not None
        ]
        return network

    def resized(self, network: Network, overrides: Mapping[str, Any], limits: Limits) -> Network:
        """Return the network with other sizes for its dimensions.

        Params cannot depend on dimensions. So where no key of a layer does either, the layers are those of
        ``network``, and only inputs and expectations are read again.
        """
        if self.expander.sized or self.expander.findings or self.findings:
            return assemble(self.file, overrides, limits).network
        expander = Expander(self.file, overrides, limits)
        expander.declare()
        expander.nodes += [_unstated(node) for node in self.nodes[len(expander.nodes) :]]
        expander.top = self.expander.top
        other = _Assembler(self.file, expander)
        for source, expect, same_as, scope, env in self.expander.stated:
            other._state(source, expect, same_as, scope, env)
        other._outputs()
        result = Network(
            network.name,
            network.path,
            expander.nodes,
            network.order,
            network.outputs,
            expander.dims,
            network.symmetry,
            network.channels_last,
        )
        result.flaws = _errors([*expander.findings, *other.findings])
        result.resized = network.resized
        result.outputs_stated = network.outputs_stated
        result.sharding = network.sharding
        return result

    def unused(self, network: Network) -> list[Finding]:
        """Return what the file declares and nobody uses, layers among it."""
        used = {*network.outputs.values(), *self.read}
        findings = [
            Finding.of(
                "unused-layer",
                f"nothing reads {node.name}, and it is no output",
                node.source.span,
                node.name,
                "read it, name it under outputs, or remove it",
            )
            for node in network.layers
            if node.index not in used
        ]
        readers = {network.nodes[index].name for index in self.read if network.nodes[index].layer is None}
        findings += unused_axes(self.file, network.sharding)
        return findings + unused(self.file, self.expander.placed_blocks, self.expander.dims, readers)

    def _resolve(self, source: Producer, layer: str | None) -> int | None:
        try:
            index = resolve(source)
        except Unresolved as error:
            if not error.reported:
                self._unresolved(error, layer)
            return None
        self.read.add(index)
        return index

    def _unresolved(self, error: Unresolved, layer: str | None) -> None:
        assert error.name is not None
        if self.expander.full:
            # What is not there was cut off by a limit, and that has been told.
            return
        if error.circle:
            message = f"{error.name.text} leads back to itself"
            help = "when leaves out every layer that it could stand for; read one that is there"
            self.findings.append(Finding.of("circle", message, error.name.span, layer, help))
            return
        help = suggest(error.name.text, error.known, "layers and inputs")
        self.findings.append(
            Finding.of("unknown-reference", f"nothing here is called {error.name.text}", error.name.span, layer, help)
        )

    def _require_output(self, reading: NameInScope) -> None:
        """Report a block's output that leads nowhere, whether or not anything reads the block."""
        try:
            resolve(reading)
        except Unresolved as error:
            reading.scope.output = LeftOut(None)
            if not error.reported:
                self._unresolved(error, None)

    def _connect(self, pending: Pending) -> None:
        node, template = pending.node, pending.template
        inputs = [self._resolve(source, node.name) for source in pending.sources]
        references: dict[str, int] = {}
        broken = None in inputs or not inputs
        layer = node.layer
        assert layer is not None
        for key in layer.references:
            word = getattr(layer, key, None)
            if word is not None:
                index = self._resolve(NameInScope(pending.scope, Name(word, template.keys[key])), node.name)
                broken = broken or index is None
                if index is not None:
                    references[key] = index
        node.inputs = tuple(index for index in inputs if index is not None)
        node.references = references
        if not broken and not isinstance(layer, Broken):
            low, high = layer.arity
            count = len(node.inputs)
            if count < low or (high is not None and count > high):
                wanted = f"{low}" if high == low else f"{low} or more" if high is None else f"{low} to {high}"
                names = ", ".join(self.nodes[i].name for i in node.inputs)
                self.findings.append(
                    Finding.of(
                        "wrong-number-of-inputs",
                        f"{layer.op} takes {wanted} {'input' if wanted == '1' else 'inputs'}, "
                        f"but is given {count} ({names})",
                        template.keys.get("from", template.span),
                        node.name,
                        "list them: from: [a, b]" if count < low else "join them first, with concat or add",
                    )
                )
                broken = True
        if broken:
            node.layer = Broken(layer.op, {})

    def _order(self) -> list[int]:
        """Return an order; circles are reported once each, and broken so that the rest can still be checked."""
        reads = [(*node.inputs, *node.references.values()) for node in self.nodes]
        order = topological(reads)
        left = set(range(len(self.nodes))).difference(order)
        for circle in circles(reads, left):
            self._circle(circle)
        for index in sorted(left):
            node = self.nodes[index]
            node.layer = Broken(node.op, {})
            node.references = {}
            node.inputs = tuple(source for source in node.inputs if source not in left)
        return [*order, *sorted(left)]

    def _circle(self, path: list[int]) -> None:
        first = path.index(min(path))
        names = [self.nodes[index].name for index in [*path[first:], *path[:first]]]
        reads = [names[0], *reversed(names[1:]), names[0]]
        shown = reads if len(reads) <= 12 else [*reads[:6], "…", *reads[-5:]]
        node = self.nodes[min(path)]
        span = node.source.keys.get("from", node.source.span)
        self.findings.append(
            Finding.of(
                "circle",
                f"{node.name} reads itself"
                if len(path) == 1
                else f"these layers read each other in a circle: {' -> '.join(shown)}",
                span,
                node.name,
                "let one of them read a layer above the circle",
            )
        )

    def _state(
        self, source: Producer, expect: Value | None, same_as: Name | None, scope: Scope, env: Mapping[str, Any]
    ) -> None:
        index = self._resolve_quietly(source)
        if expect is not None:
            try:
                sizes = expectation(expect, self.expander.words, dict(env))
                if index is not None:
                    text = "[" + ", ".join("_" if size is None else str(size) for size in sizes) + "]"
                    self.nodes[index].expect += (Expectation(sizes, None, expect.span, text),)
            except Misread as error:
                self.expander.note(error)
        if same_as is not None:
            other = self._resolve(NameInScope(scope, same_as), self.nodes[index].name if index is not None else None)
            if index is not None and other is not None:
                self.nodes[index].expect += (Expectation(None, other, same_as.span, same_as.text),)

    def _resolve_quietly(self, source: Producer) -> int | None:
        try:
            return resolve(source)
        except Unresolved:
            return None

    def _outputs(self) -> dict[str, int]:
        top = self.expander.top
        if self.file.outputs is None:
            used = {source for node in self.nodes for source in (*node.inputs, *node.references.values())}
            return {node.name: node.index for node in self.nodes if node.layer is not None and node.index not in used}
        outputs: dict[str, int] = {}
        for template in self.file.outputs:
            index = self._resolve(NameInScope(top, template.source), None)
            if index is not None:
                outputs[template.name.text] = index
                self._state(index, template.expect, template.same_as, top, self.expander.params)
        return outputs

    def _symmetry(self) -> dict[int, int]:
        pairs: dict[int, int] = {}
        for decoder, encoder in self.file.symmetry:
            ends = [self._resolve(NameInScope(self.expander.top, name), None) for name in (decoder, encoder)]
            if ends[0] is not None and ends[1] is not None:
                pairs[ends[0]] = ends[1]
        return pairs
