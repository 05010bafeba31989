"""Design lints on what is lost, carried along, or computed for nothing: codes SC607 to SC610."""

from __future__ import annotations

from collections.abc import Iterable

from shapecheck.analysis.cost import cost, total
from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.survey import ELEMENTWISE, Survey, made_by, survey
from shapecheck.arithmetic.shape import show_sizes, split
from shapecheck.arithmetic.symbolic import product
from shapecheck.findings.finding import Finding, Severity
from shapecheck.graph.network import Node
from shapecheck.layers.linear import Linear
from shapecheck.rules.base import checked
from shapecheck.rules.pointing import place

# By how much the elements of a sample may fall in one layer.
LARGEST_FALL = 16
# Which share of all parameters one layer may hold, and from how many on that is worth a word.
LARGEST_SHARE = 0.9
LEAST_PARAMETERS = 100_000
# How many beginnings of branches that lead nowhere are told of.
MOST_ROOTS = 50


@checked("SC607", Severity.INFO, default=False)
def representational_bottleneck(shapes: Shapes) -> Iterable[Finding]:
    """A layer cuts the number of elements of a sample to less than a sixteenth: what is lost there stays lost.

    ## What it does

    Compares elements per sample (channels · H · W) before and behind convolutions, sliding poolings and linear
    layers that are no outputs. Global pooling, which is meant to sum up, is left alone.

    ## Why it matters

    A representation should shrink gently on its way: what a layer does not pass on, no layer behind it can get back.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 16, 64, 64]}
    layers:
      - {op: conv, out_channels: 16, kernel_size: 8, stride: 8}  # here
      - {op: relu}
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 16, 64, 64]}
    layers:
      - {op: conv, out_channels: 128, kernel_size: 8, stride: 8}
      - {op: relu}
      - {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
    ```

    ## Instead

    Take more channels where the map gets smaller, or shrink it in more than one step.

    ## Source

    Szegedy and others, "Rethinking the Inception architecture" (arXiv:1512.00567), section 2, principle 1.
    """
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
            yield Finding(
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


@checked("SC608", Severity.INFO)
def concentrated_parameters(shapes: Shapes) -> Iterable[Finding]:
    """One linear layer behind a flatten holds more than nine tenths of all parameters.

    ## What it does

    Looks at linear layers behind a `flatten` of a map, of 100,000 parameters and more, in a network with
    convolutions, and compares them with the network's total.

    ## Why it matters

    Two small convolutions, a flatten of 64 x 12 x 12, and a linear layer of 128: 1.18 of 1.2 million parameters
    stand in that layer. It ties the network to one input size, learns each place by itself, and is where such a
    network overfits. A global pooling needs a hundred-and-fortieth.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {digit: [N, 1, 28, 28]}
    layers:
      - {op: conv, out_channels: 32, kernel_size: 3}
      - {op: relu}
      - {op: conv, out_channels: 64, kernel_size: 3}
      - {op: relu}
      - {op: max_pool, kernel_size: 2}
      - {op: flatten}
      - {op: linear, out_features: 128}  # here
      - {op: relu}
      - {op: linear, out_features: 10}
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {digit: [N, 1, 28, 28]}
    layers:
      - {op: conv, out_channels: 32, kernel_size: 3}
      - {op: relu}
      - {op: conv, out_channels: 64, kernel_size: 3}
      - {op: relu}
      - {op: global_avg_pool}
      - {op: flatten}
      - {op: linear, out_features: 128}
      - {op: relu}
      - {op: linear, out_features: 10}
    ```

    ## Instead

    Pool before the flatten, globally or to a small size.

    ## Source

    Lin, Chen and Yan, "Network in network" (arXiv:1312.4400), section 3.2: global average pooling.
    """
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
            yield Finding(
                "concentrated-parameters",
                f"{node.name}: {own:,} of the network's {everything:,} parameters stand in this layer, behind a flatten"
                f" of {channels} x {show_sizes(spatial)}",
                node.source.span,
                node.name,
                f"pool before {flatten.name}: a global_avg_pool leaves"
                f" {channels * node.layer.out_features + node.layer.out_features * node.layer.bias:,} here",
            )


@checked("SC609", Severity.INFO, default=False)
def activated_output(shapes: Shapes) -> Iterable[Finding]:
    """An output of the network is a softmax or a sigmoid: most losses want the scores before it.

    ## What it does

    Notes outputs that are made by `softmax`, `log_softmax` or `sigmoid`.

    ## Why it matters

    PyTorch's cross_entropy and its twins with logits apply the function themselves, and do it stably. A network that
    has applied it already is trained with a softmax of a softmax: the loss cannot fall below 1.46 for ten classes,
    and the gradients are small.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 10}
      - {op: softmax}  # here
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {features: [N, 64]}
    layers:
      - {op: linear, out_features: 10}
    ```

    ## Instead

    Let the network give scores, and put the function into the loss and into what shows the result. Off by default:
    a file does not know the loss.

    ## Source

    PyTorch, `torch.nn.CrossEntropyLoss`: "The input is expected to contain the unnormalized logits".
    """
    for node in survey(shapes).of("softmax", "log_softmax", "sigmoid"):
        if node.index in shapes.network.outputs.values():
            yield Finding(
                "activated-output",
                f"{node.name}: this {node.op} is an output; losses that take scores apply it again",
                node.source.span,
                node.name,
                "name the layer above as the output, and take a loss with logits",
            )


@checked("SC610", Severity.WARNING)
def layers_without_effect(shapes: Shapes) -> Iterable[Finding]:
    """What an input or a chain of layers computes reaches no output, though something reads it.

    ## What it does

    Follows the data back from the outputs. What it does not meet, though another layer reads it, has no effect: all
    that reads it has none either, or takes its size alone (`like`). A layer that nothing reads at all is SC103.

    ## Why it matters

    A branch that was meant to be merged and is not, or a decoder that takes its skip connections from the wrong
    layers, trains without an error: the rest learns to do without. What it costs is paid all the same.

    ## An example that fails

    ```yaml fails
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: main, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - {name: aside, op: conv, from: image, out_channels: 8, kernel_size: 1}  # here
      - {name: back, op: upsample, from: main, like: aside}
    outputs: [back]
    ```

    ## An example that passes

    ```yaml passes
    shapecheck: 1
    inputs: {image: [N, 3, 32, 32]}
    layers:
      - {name: main, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - {name: aside, op: conv, from: image, out_channels: 8, kernel_size: 1}
      - {name: back, op: upsample, from: main, like: aside}
      - {name: sum, op: add, from: [back, aside]}
    outputs: [sum]
    ```

    ## Instead

    Merge it, name it under outputs, or remove it; where only a size is wanted, name the layer that the data come
    from.

    ## Source

    Issue 2991 of YOLOv5, where a head concatenates another layer than was meant:
    https://github.com/ultralytics/yolov5/issues/2991
    """
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
        yield Finding(
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
