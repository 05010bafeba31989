"""The order of the nodes of a network, and circles among them."""

from __future__ import annotations

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.graph.order import circles, topological

READS = st.integers(0, 9).flatmap(
    lambda count: st.lists(
        st.lists(st.integers(0, max(0, count - 1)), max_size=3).map(tuple), min_size=count, max_size=count
    )
)


def graph(reads: list[tuple[int, ...]]) -> networkx.DiGraph[int]:
    found: networkx.DiGraph[int] = networkx.DiGraph()
    found.add_nodes_from(range(len(reads)))
    found.add_edges_from((node, source) for node, sources in enumerate(reads) for source in sources)
    return found


@given(READS)
def test_every_node_stands_behind_what_it_reads(reads: list[tuple[int, ...]]) -> None:
    order = topological(reads)
    placed: set[int] = set()
    for node in order:
        assert placed.issuperset(reads[node])
        placed.add(node)
    in_circles = {
        node for part in networkx.strongly_connected_components(graph(reads)) if len(part) > 1 for node in part
    }
    in_circles |= {node for node, sources in enumerate(reads) if node in sources}
    behind = {node for node in range(len(reads)) if networkx.descendants(graph(reads), node) & in_circles} | in_circles
    assert placed == set(range(len(reads))) - behind


@given(READS)
def test_every_circle_is_one_and_every_knot_has_one(reads: list[tuple[int, ...]]) -> None:
    left = set(range(len(reads))).difference(topological(reads))
    found = circles(reads, left)
    for circle in found:
        assert len(set(circle)) == len(circle)
        for node, source in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert source in reads[node]
    assert bool(found) == bool(left)
    assert not networkx.is_directed_acyclic_graph(graph(reads)) or not found
    nodes = [node for circle in found for node in circle]
    assert len(set(nodes)) == len(nodes), "no two circles share a node"


def test_nodes_in_order_stay_as_they_are() -> None:
    assert topological([(), (0,), (0,), (1, 2)]) == [0, 1, 2, 3]


def test_of_nodes_that_are_ready_at_once_the_first_in_the_file_comes_first() -> None:
    assert topological([(4,), (), (), (0,), ()]) == [1, 2, 4, 0, 3]


@pytest.mark.parametrize("length", [1, 50_000])
def test_a_circle_as_long_as_the_network(length: int) -> None:
    reads = [((node + 1) % length,) for node in range(length)]
    assert topological(reads) == []
    assert circles(reads, range(length)) == [list(range(length))]
