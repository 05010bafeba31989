"""Lints on layers for nothing: what reaches no output or is one by accident, what gives back what it is given."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.cost import cost
from shapecheck.analysis.layer_index import LayerIndex, layer_index
from shapecheck.analysis.propagation import Shapes
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node

# How many beginnings of branches that lead nowhere are told of, and how many ends that may be outputs by accident.
MOST_ROOTS = 50
MOST_ENDS = 50
# How many outputs a help names.
MOST_NAMED = 6


def layers_without_effect(shapes: Shapes) -> Iterable[Finding]:
    """What an input or a chain of layers computes reaches no output, though something reads it."""
    found = layer_index(shapes)
    nodes = shapes.network.nodes
    alive: set[int] = set()
    waiting = list(found.ends)
    while waiting:
        index = waiting.pop()
        if index not in alive:
            alive.add(index)
            waiting += nodes[index].inputs
            pool = nodes[index].references.get("pool")
            waiting += () if pool is None else (pool,)
    if len(alive) == len(nodes) or not found.ends:
        return
    sized = {index for node in nodes for index in node.references.values()}
    dead = [n for n in nodes if n.index not in alive and (found.readers[n.index] or n.index in sized)]
    roots = [n for n in dead if not any(i not in alive for i in n.inputs)]
    for node in roots[:MOST_ROOTS]:
        behind = _behind(found, node)
        spent = sum(p for n in behind if isinstance(p := cost(shapes, n).parameters, int))
        others = len(behind) - 1
        more = (
            f", nor does what {'the layer' if others == 1 else f'the {others} layers'} behind it give" if others else ""
        )
        # A branch that ends in a layer which nothing reads has been told of there.
        told = any(not found.readers[n.index] and n.index not in sized for n in behind)
        yield Finding.at(
            "layers-without-effect",
            node.name,
            f"what this {node.op} gives reaches no output{more}{f' ({spent:,} parameters)' if spent else ''}",
            node.source.span,
            "merge it with what leads to an output, name it under outputs, or remove it",
            severity=Severity.INFO if told else None,
        )


def _behind(found: LayerIndex, node: Node) -> list[Node]:
    """Return a node and all that reads it, directly or not."""
    seen = {node.index: node}
    waiting = [node]
    while waiting:
        for reader in found.readers[waiting.pop().index]:
            if reader.index not in seen:
                seen[reader.index] = reader
                waiting.append(reader)
    return list(seen.values())


def layer_does_nothing(shapes: Shapes) -> Iterable[Finding]:
    """A layer gives back what it is given: a pooling of one element, a permutation in order, a dropout of 0."""
    idle = [node for node in layer_index(shapes).answering("does_nothing") if _does_nothing(shapes, node)]
    if not idle:
        return
    indices = {node.index for node in idle}
    busy = {n.source.span for n in shapes.network.layers if n.index not in indices}
    for node in idle:
        if node.source.span not in busy:
            yield Finding.at(
                "layer-does-nothing",
                node.name,
                f"with these keys this {node.op} gives back what it is given",
                node.source.span,
                "remove it, or correct its keys",
            )


def _does_nothing(shapes: Shapes, node: Node) -> bool:
    context = shapes.context(node)
    return context is not None and node.layer is not None and node.layer.does_nothing(context)


def output_by_accident(shapes: Shapes) -> Iterable[Finding]:
    """Nothing reads a layer that is not the last, and the file lists no outputs: it becomes one."""
    network = shapes.network
    if network.outputs_stated or len(network.outputs) < 2:
        return
    last = network.layers[-1].index
    names = list(network.outputs)
    listed = f"list them, outputs: [{', '.join(names)}]" if len(names) <= MOST_NAMED else "list them under outputs"
    for name, index in [*network.outputs.items()][:MOST_ENDS]:
        node = network.nodes[index]
        if index != last:
            yield Finding.at(
                "output-by-accident",
                name,
                f"nothing reads this {node.op}, so it is one of the {len(names)} outputs",
                node.source.span,
                f"read it, remove it, or, if all of them are meant, {listed}",
            )
