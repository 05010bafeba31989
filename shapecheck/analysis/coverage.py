"""What the windows of a layer read of one axis, and what they leave out: rows, phases, taps."""

from __future__ import annotations

from collections.abc import Callable

from shapecheck.analysis.propagation import Shapes
from shapecheck.graph.network import Node
from shapecheck.layers.flow import AxisKind
from shapecheck.layers.window import Window

# How many layers are followed towards an input, and how far from its size another one is looked for.
LONGEST_WAY = 500
FARTHEST = 300
# Taps of a kernel, or rows of a stride, that are looked at one by one; of more no advice is given.
MOST_TAPS = 10_000


def rows_lost(window: Window) -> int:
    """Return how many rows of the input itself no window reaches at the far edge.

    Of the rows that are unread the padding goes first, and so does the gap that a stride larger than the kernel
    leaves behind every window.
    """
    rest = window.unread
    if not isinstance(rest, int):
        return 0
    return max(rest - window.after - max(window.s - window.reach, 0), 0)


def phases(window: Window) -> frozenset[int]:
    """Return which remainders modulo the stride the rows have that are read, counted from the first of the input."""
    return frozenset((t * window.d - window.before) % window.s for t in range(min(window.k, window.s)))


def idle_windows(window: Window) -> tuple[int, int]:
    """Return how many windows lie wholly in the padding before the input, and how many behind it."""
    i, o, s = window.i, window.o, window.s
    if not isinstance(i, int) or not isinstance(o, int):
        return 0, 0
    near = (window.before - window.reach) // s + 1 if window.before >= window.reach else 0
    first_behind = -(-(window.before + i) // s)
    return min(near, o), max(o - max(first_behind, near), 0)


def live_taps(window: Window) -> int:
    """Return how many taps of the kernel meet the input in at least one window; the others only ever meet padding."""
    k, s, d, i, o = window.k, window.s, window.d, window.i, window.o
    if not isinstance(i, int) or not isinstance(o, int):
        return k
    last = s * (o - 1)
    if window.before <= last and (k - 1) * d - window.before < i and s <= i:
        return k
    if k > MOST_TAPS:
        return k
    alive = 0
    for t in range(k):
        first = t * d - window.before
        entry = -(-max(-first, 0) // s)
        alive += entry < o and first + s * entry < i
    return alive


def exact_sizes(shapes: Shapes, node: Node, axis: int, place: int) -> tuple[Node, list[int]] | None:
    """Return the input of the network that an axis comes from, and its nearest sizes at which ``node`` reads all of it.

    None where the way there is not plain.
    """
    nodes = shapes.network.nodes
    steps: list[Callable[[int], int | None]] = []
    above = nodes[node.inputs[0]]
    for _ in range(LONGEST_WAY):
        if above.layer is None or len(above.inputs) != 1:
            break
        flow = shapes.flow(above)
        if flow is None or flow[axis].kind not in (AxisKind.KEPT, AxisKind.WINDOWED):
            return None
        window, axis = flow[axis].window, flow[axis].sources[0].axis
        if window is not None:
            steps.append(window.output_size)
        above = nodes[above.inputs[0]]
    shape = shapes.outputs[above.index]
    window = shapes.windows(node)[place]
    if above.layer is not None or shape is None:
        return None
    size = shape[axis]
    if not isinstance(size, int):
        return None
    found = []
    for sign in (-1, 1):
        for distance in range(1, FARTHEST):
            candidate = size + sign * distance
            i = _through(steps, candidate) if candidate >= 1 else None
            fits = i is not None and i + window.before + window.after >= window.reach
            if i is not None and fits and not rows_lost(window._replace(i=i)):
                found.append(candidate)
                break
    return (above, found) if found else None


def _through(steps: list[Callable[[int], int | None]], size: int) -> int | None:
    """Return what is made of a size by functions, the last of the list first."""
    current: int | None = size
    for step in reversed(steps):
        if current is None:
            return None
        current = step(current)
    return current
