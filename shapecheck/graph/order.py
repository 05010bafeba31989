"""An order in which nodes can be computed, and the circles that leave some without one.

``graphlib`` orders 100,000 layers in a chain in 0.3 s; a counter of one's own did in 0.05 s. It is asked only where a
layer reads one that stands below it, and such a network takes seconds to check.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from graphlib import CycleError, TopologicalSorter


def topological(reads: Sequence[Collection[int]]) -> list[int]:
    """Return the nodes so that each stands behind all that it reads: ``reads`` holds for each node what it reads.

    Nodes that are ready at once stand in their own order. What is in a circle, or reads what is, is left out.
    """
    if all(source < node for node, sources in enumerate(reads) for source in sources):
        return list(range(len(reads)))
    sorter = TopologicalSorter(dict(enumerate(reads)))
    with contextlib.suppress(CycleError):  # what is outside of circles is ordered all the same
        sorter.prepare()
    order: list[int] = []
    while ready := sorted(sorter.get_ready()):
        order += ready
        sorter.done(*ready)
    return order


def circles(reads: Sequence[Collection[int]], left: Collection[int]) -> list[list[int]]:
    """Return each circle among the nodes that have no order, every node in front of the one that it reads."""
    found: list[list[int]] = []
    done: set[int] = set()
    for start in sorted(left):
        path: dict[int, int] = {}
        at: int | None = start
        while at is not None and at not in done:
            if at in path:
                found.append(list(path)[path[at] :])
                break
            path[at] = len(path)
            at = next((source for source in reads[at] if source in left), None)
        done.update(path)  # `|=` with the keys of a mapping would copy the set
    return found
