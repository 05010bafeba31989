"""The sizes at which a network works, found by asking every one of them: slow and simple."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from every_assignment import works

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.sizes.every_size import Sizes, analyse
from shapecheck.graph.network import Network
from shapecheck.layers.context import Question


def load(text: str, **values: int) -> Network:
    return api.loads(text, **values)


def sizes_of(text: str, name: str = "H", **values: int) -> Sizes:
    return analyse(load(text, **values)).dims[name]


def at_sizes(network: Network, name: str, sizes: Iterable[int], expands: bool = True) -> Iterator[tuple[int, Network]]:
    """Yield a network at each size; where nothing but the inputs depends on it (not ``expands``), by changing these."""
    assert network.resized is not None
    one = network.resized({name: 1})
    places = [(node, axis) for node in one.inputs for axis, dim in enumerate(node.dims) if dim == name]
    for n in sizes:
        if expands:
            yield n, network.resized({name: n})
            continue
        for node, axis in places:
            assert node.shape is not None
            node.shape = (*node.shape[:axis], n, *node.shape[axis + 1 :])
        yield n, one


def working(network: Network, name: str, sizes: Iterable[int], expands: bool = True) -> set[int]:
    return {n for n, resized in at_sizes(network, name, sizes, expands) if works(propagate(resized))}


def around(found: Sizes, starts: Iterable[int]) -> set[int]:
    """Return sizes far out at which a wrong set would show: members, and what stands beside them."""
    beside = set()
    for start in starts:
        for member in (found.set.above(start), found.set.below(start)):
            beside |= {start} if member is None else {member - 1, member, member + 1}
    return {n for n in beside if n >= 1}


def require(network: Network, name: str, sizes: Iterable[int], expands: bool = True) -> Sizes:
    """Compare the analysis of a dimension with asking every size."""
    found = analyse(network).dims[name]
    assert found.status == "exact", found.unresolved
    asked = list(sizes)
    right = working(network, name, asked, expands)
    wrong = [n for n in asked if (n in found) != (n in right)]
    assert not wrong, (found.condition, wrong[:9])
    return found


def holds(question: Question, name: str, n: int) -> bool:
    """Answer a question at one size."""
    left, right = (s if isinstance(s, int) else s.at({name: n}) for s in (question.left, question.right))
    if question.kind == "divides":
        return left % right == 0
    return left == right if question.kind == "equal" else left >= right
