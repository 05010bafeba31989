"""How the output_padding that a network demands changes with the size of its input."""

from __future__ import annotations

from shapecheck.analysis.ambiguity import Verdict, resolve
from shapecheck.analysis.propagation import Shapes, propagate
from shapecheck.spec.network import Network

# Input sizes that are tried at the most: one period of the strides above the layer.
LONGEST_PERIOD = 64


def by_remainder(network: Network, verdict: Verdict) -> str | None:
    """Return which a is demanded by which remainder of the input's size, or None where one a serves all.

    Sizes are tried one by one over one period from the file's own; those at which the network does not work at all
    say nothing.
    """
    if network.resized is None:
        return None
    for name, place in _dimensions(network, verdict):
        size = network.dims[name].size
        period = _period(network, verdict, place)
        if size is None or not 1 < period <= LONGEST_PERIOD:
            continue
        demanded: dict[int, list[int]] = {}
        for n in range(size, size + period):
            a = _demanded(network.resized({name: n}), verdict.node.index, place)
            if a is not None:
                demanded.setdefault(a, []).append(n)
        if len(demanded) > 1:
            return _table(name, demanded, period)
    return None


def _dimensions(network: Network, verdict: Verdict) -> list[tuple[str, int]]:
    shift = 1 if network.channels_last else 2
    found = []
    for axis in verdict.axes:
        for node in network.inputs:
            at = axis.place + shift
            if at < len(node.dims) and (name := node.dims[at]) is not None and name in network.dims:
                found.append((name, axis.place))
    return list(dict.fromkeys(found))


def _period(network: Network, verdict: Verdict, place: int) -> int:
    """Return the product of the strides on the way from the inputs to the layer."""
    shapes = propagate(network, forgiving=True)
    above = _ancestors(shapes, verdict.node.index)
    period = 1
    for index in above:
        windows = shapes.windows(network.nodes[index])
        if len(windows) > place and not windows[place].transposes:
            period *= windows[place].s
        if period > LONGEST_PERIOD:
            break
    return period


def _ancestors(shapes: Shapes, index: int) -> set[int]:
    seen: set[int] = set()
    stack = [index]
    while stack:
        at = stack.pop()
        if at not in seen:
            seen.add(at)
            stack += shapes.network.nodes[at].inputs
    return seen


def _demanded(network: Network, index: int, place: int) -> int | None:
    if index >= len(network.nodes):
        return None
    ambiguity = resolve(propagate(network))
    if ambiguity is None or ambiguity.shapes.troubles:
        return None
    for verdict in ambiguity.verdicts:
        if verdict.node.index == index:
            for axis in verdict.axes:
                if axis.place == place and axis.status == "unique":
                    return axis.values[0]
    return None


def _table(name: str, demanded: dict[int, list[int]], period: int) -> str:
    parts = []
    for a, sizes in sorted(demanded.items()):
        remainders = sorted({n % period for n in sizes})
        q = _smallest_period(remainders, period)
        shown = sorted({r % q for r in remainders})
        condition = (
            f"{name} % {q} == {shown[0]}" if len(shown) == 1 else f"{name} % {q} in {{{', '.join(map(str, shown))}}}"
        )
        parts.append(f"{a} where {condition}")
    return ", ".join(parts)


def _smallest_period(remainders: list[int], period: int) -> int:
    """Return the smallest divisor of ``period`` that tells these remainders from all others."""
    whole = set(remainders)
    for q in range(1, period):
        if period % q == 0:
            classes = {r % q for r in whole}
            if all(r in whole for r in range(period) if r % q in classes):
                return q
    return period
