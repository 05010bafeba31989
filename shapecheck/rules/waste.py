"""Design lints on what is lost, carried along, or computed for nothing: codes SC607 to SC610."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.cost import cost, total
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ELEMENTWISE, Survey, made_by, survey
from shapecheck.arithmetic.shape import show_sizes, split
from shapecheck.arithmetic.symbolic import product
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.finding import Finding
from shapecheck.graph.network import Node
from shapecheck.layers.linear import Linear
from shapecheck.rules.pointing import place

# By how much the elements of a sample may fall in one layer.
LARGEST_FALL = 16
# Which share of all parameters one layer may hold, and from how many on that is worth a word.
LARGEST_SHARE = 0.9
LEAST_PARAMETERS = 100_000
# How many beginnings of branches that lead nowhere are told of.
MOST_ROOTS = 50


def representational_bottleneck(shapes: Shapes) -> Iterable[Finding]:
    """A layer cuts the number of elements of a sample to less than a sixteenth: what is lost there stays lost."""
    found = survey(shapes)
    for node in found.of("conv", "linear", "max_pool", "avg_pool", "lp_pool"):
        before, after = shapes.outputs[node.inputs[0]], shapes.outputs[node.index]
        if before is None or after is None:
            continue
        had, has = product(before[1:]), product(after[1:])
        gate = all(type(size) is int and size == 1 for size in split(before, shapes.network.channels_last).spatial)
        if (gate and len(before) > 2) or _ends(found, node):
            continue
        if isinstance(had, int) and isinstance(has, int) and had > LARGEST_FALL * has:
            yield Finding.of(
                "representational-bottleneck",
                f"{node.name}: {had} elements of each sample become {has}, 1 in {had / has:.0f}",
                place(node, "stride", "kernel_size", "out_features"),
                node.name,
                "take more channels here, or shrink in more than one step",
            )


def _ends(found: Survey, node: Node) -> bool:
    """Say whether a layer makes an output of the network, but for an activation or the like."""
    while node.index not in found.ends:
        reader = found.only_reader(node)
        if reader is None or reader.op not in ELEMENTWISE | {"softmax", "log_softmax"}:
            return False
        node = reader
    return True


def concentrated_parameters(shapes: Shapes) -> Iterable[Finding]:
    """One linear layer behind a flatten holds more than nine tenths of all parameters."""
    found = survey(shapes)
    if "conv" not in found.by_op:
        return
    for node in found.of("linear"):
        flatten = made_by(shapes, node)
        before = None if flatten.op != "flatten" or not flatten.inputs else shapes.outputs[flatten.inputs[0]]
        if before is None or len(before) < 3 or not isinstance(node.layer, Linear):
            continue
        _, channels, spatial = split(before, shapes.network.channels_last)
        positions, own = product(spatial), cost(shapes, node).parameters
        if not isinstance(positions, int) or not isinstance(own, int) or positions == 1 or own < LEAST_PARAMETERS:
            continue
        everything = total(shapes).parameters
        if isinstance(everything, int) and isinstance(channels, int) and own > LARGEST_SHARE * everything:
            yield Finding.of(
                "concentrated-parameters",
                f"{node.name}: {own:,} of the network's {everything:,} parameters stand in this layer, behind a flatten"
                f" of {channels} x {show_sizes(spatial)}",
                node.source.span,
                node.name,
                f"pool before {flatten.name}: a global_avg_pool leaves"
                f" {channels * node.layer.out_features + node.layer.out_features * node.layer.bias:,} here",
            )


def activated_output(shapes: Shapes) -> Iterable[Finding]:
    """An output of the network is a softmax or a sigmoid: most losses want the scores before it."""
    for node in survey(shapes).of("softmax", "log_softmax", "sigmoid"):
        if node.index in shapes.network.outputs.values():
            yield Finding.of(
                "activated-output",
                f"{node.name}: this {node.op} is an output; losses that take scores apply it again",
                node.source.span,
                node.name,
                "name the layer above as the output, and take a loss with logits",
            )


def layers_without_effect(shapes: Shapes) -> Iterable[Finding]:
    """What an input or a chain of layers computes reaches no output, though something reads it."""
    found = survey(shapes)
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
        yield Finding.of(
            "layers-without-effect",
            f"{node.name}: what this {node.op} gives reaches no output{more}"
            f"{f' ({spent:,} parameters)' if spent else ''}",
            node.source.span,
            node.name,
            "merge it with what leads to an output, name it under outputs, or remove it",
            severity=Severity.INFO if told else None,
        )


def _behind(found: Survey, node: Node) -> list[Node]:
    """Return a node and all that reads it, directly or not."""
    seen = {node.index: node}
    waiting = [node]
    while waiting:
        for reader in found.readers[waiting.pop().index]:
            if reader.index not in seen:
                seen[reader.index] = reader
                waiting.append(reader)
    return list(seen.values())
