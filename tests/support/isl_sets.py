"""A network of one spatial axis as a set of the integer set library: every layer an inequation or two, written anew.

islpy is no part of the project; it proves two sets equal for all sizes, where asking one after the other cannot.
"""

from __future__ import annotations

from typing import Any

import islpy

from shapecheck.analysis.propagation import Shapes
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.graph.network import Network, Node


def floor(o: str, numerator: str, divisor: int) -> list[str]:
    """o = ⌊numerator / divisor⌋."""
    return [f"{divisor}*{o} <= {numerator}", f"{numerator} < {divisor}*{o} + {divisor}"]


def window(node: Node, i: str, o: str) -> list[str]:
    layer: Any = node.layer
    k, s, d, p = layer.kernel_size, layer.stride or layer.kernel_size, layer.dilation, layer.padding
    reach = k + (k - 1) * (d - 1)
    if p in ("same", "same_lower"):
        return floor(o, f"{i} + {s - 1}", s)
    before = {"valid": 0, "half": reach // 2, "full": reach - 1}.get(p, p)
    if getattr(layer, "ceil_mode", False):
        # A window more where it would start inside the input or the padding before it.
        most = min(2 * before - reach + s - 1, before - 1)
        return floor(f"({o} - 1)", f"{i} + {most}", s)
    return floor(f"({o} - 1)", f"{i} + {2 * before - reach}", s)


def transposed(node: Node, i: str, o: str, sizes: dict[int, str]) -> list[str]:
    layer: Any = node.layer
    if "transpose_of" in node.references:
        there = node.references["transpose_of"]
        return [f"{o} = {sizes[-there]}", f"{i} = {sizes[there]}"]
    k, s, d, p = layer.kernel_size, layer.stride or 1, layer.dilation or 1, layer.padding or 0
    return [f"{o} = {s}*({i} - 1) + {layer.output_padding or 0} + {k + (k - 1) * (d - 1)} - {2 * p}"]


def equations(network: Network, shapes: Shapes) -> list[str]:
    """Return what relates the sizes of all layers; ``shapes`` tell the channels."""
    sizes: dict[int, str] = {}
    found = []
    for index in network.order:
        node = network.nodes[index]
        if node.layer is None:
            sizes[index] = "n"
            continue
        sizes[index] = o = f"o{index}"
        i = sizes[node.inputs[0]]
        # What a layer was given, for transpose_of.
        sizes[-index] = i
        layer: Any = node.layer
        found += [f"{o} >= 1"]
        if node.op in ("conv", "max_pool", "avg_pool"):
            found += window(node, i, o)
        elif node.op == "conv_transpose":
            found += transposed(node, i, o, sizes)
        elif node.op == "upsample":
            if "like" in node.references:
                found += [f"{o} = {sizes[node.references['like']]}"]
            else:
                numerator, denominator = float(layer.scale_factor).as_integer_ratio()
                found += floor(o, f"{numerator}*{i}", denominator)
        elif node.op == "slice":
            assert layer.start == 0 and layer.stop is None
            found += floor(o, f"{i} + {layer.step - 1}", layer.step)
        elif node.op == "pixel_unshuffle":
            found += [f"{i} = {layer.factor}*{o}"]
        elif node.op == "pad":
            ((before, after),) = layer.padding
            found += [f"{o} = {i} + {before + after}"]
        elif node.op == "crop" and "like" in node.references:
            found += [f"{o} = {sizes[node.references['like']]}", f"{i} >= {o}"]
        elif node.op == "crop":
            ((before, after),) = layer.cropping
            found += [f"{o} = {i} - {before + after}"]
        elif node.op == "adaptive_avg_pool":
            found += [f"{o} = {layer.output_size}"]
        elif node.op in ("concat", "add"):
            found += [f"{o} = {sizes[source]}" for source in node.inputs]
        elif node.op in ("identity", "linear"):
            found += [f"{o} = {i}"]
            if node.op == "linear":
                found += [f"{o} = {layer.in_features}"]
        elif node.op == "flatten":
            above = shapes.outputs[node.inputs[0]]
            assert above is not None
            found += [f"{o} = {above[1]}*{i}"]
        else:
            raise AssertionError(node.op)
        stated = [sizes[e.same_as] if e.same_as is not None else "n" for e in node.expect]
        found += [f"{o} = {size}" for size in stated]
    return found


def of_network(network: Network, shapes: Shapes) -> islpy.Set:
    variables = ", ".join(f"o{node.index}" for node in network.layers)
    return islpy.Set(f"{{ [n] : n >= 1 and exists {variables} : {' and '.join(equations(network, shapes))} }}")


def of_set(s: SizeSet) -> islpy.Set:
    finite, start, period, residues = s.as_parts()
    parts = [f"n = {n}" for n in finite]
    parts += [f"(n >= {start} and n mod {period} = {r})" for r in residues]
    return islpy.Set(f"{{ [n] : {' or '.join(parts) or '1 = 0'} }}")
