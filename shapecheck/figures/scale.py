"""A large window: one axis to scale, and both of its ends cell by cell."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from shapecheck.figures.grid import MARKS, Extent
from shapecheck.figures.layout import KINDS, Axis
from shapecheck.figures.svg import add, rect, width_of, words

WIDTH = 760
BAR = 26
CELL = 16
END = 21  # cells of an end that are drawn
MOST_TICKS = 120
ROWS = 4  # windows drawn at each end


def draw(parent: Element, axes: tuple[Axis, ...], top: float) -> tuple[Extent, list[str]]:
    """Draw every axis that differs from those before it. Return the room it takes and the kinds of cells."""
    groups: dict[Axis, list[str]] = {}
    for axis in axes:
        groups.setdefault(axis._replace(name=""), []).append(axis.name)
    y = top
    kinds: set[str] = set()
    for axis, names in groups.items():
        group = add(parent, "g", class_="axis")
        y = _axis(group, axis, " and ".join(names), y, kinds) + 18
    return Extent(WIDTH, y), [kind for kind in (*KINDS, "unread") if kind in kinds]


def _axis(parent: Element, axis: Axis, name: str, y: float, kinds: set[str]) -> float:
    prime = "′" if axis.transposed else ""
    per_cell = WIDTH / max(axis.length, axis.outputs, 1)
    words(parent, 0, y + 12, f"{name}: i{prime} = {axis.size}, drawn to scale", "label strong")
    y += 20
    left = 0.0
    for kind, length in runs(axis):
        kinds.add(kind)
        if length:
            rect(parent, left * per_cell, y, length * per_cell, BAR, f"run {kind}")
        left += length
    if axis.gap:
        kinds.add("zero")
        text = f"every {axis.gap + 1}th cell is an input, the rest are zeros"
        words(parent, WIDTH / 2, y + BAR / 2 + 4, text if axis.gap > 1 else "every second cell is a zero", "inside")
    if axis.unread_end:
        kinds.add("unread")
        x = (axis.length - max(-axis.after, 0) - axis.unread_end) * per_cell
        rect(parent, x, y - 3, max(axis.unread_end * per_cell, 2), BAR + 6, "missed")
    y += BAR + 6
    y = _positions(parent, axis, y, per_cell)
    rect(parent, 0, y, axis.outputs * per_cell, BAR, "run output")
    text = f"o{prime} = {axis.outputs}"
    inside = axis.outputs * per_cell > width_of(text) + 8
    words(
        parent,
        6 if inside else axis.outputs * per_cell + 6,
        y + BAR / 2 + 4,
        text,
        "inside start" if inside else "label",
    )
    y += BAR + 26
    words(parent, 0, y - 8, "the two ends, cell by cell, with the first and the last windows:")
    return max(_end(parent, axis, 0, y, False, kinds), _end(parent, axis, WIDTH, y, True, kinds))


def runs(axis: Axis) -> list[tuple[str, int]]:
    """Return the stretches of an axis: kind and number of cells; the stretched input is one."""
    parts = [
        ("padding", max(axis.before, 0)),
        ("cropped", max(-axis.before, 0)),
        ("input", axis.stretched - max(-axis.before, 0) - max(-axis.after, 0)),
        ("cropped", max(-axis.after, 0)),
        ("padding", max(axis.after, 0)),
        ("extra", axis.extra),
        ("beyond", axis.beyond),
    ]
    return [(kind, length) for kind, length in parts if length > 0]


def _positions(parent: Element, axis: Axis, y: float, per_cell: float) -> float:
    """Draw where windows begin, and the first window with its taps."""
    every = -(-axis.outputs // MOST_TICKS)
    ticks = add(parent, "g", class_="ticks")
    starts = axis.starts[::every] if every else axis.starts
    d = "".join(f"M{(start + 0.5) * per_cell:.2f} {y:g}v6" for start in starts)
    add(ticks, "path", d=d, class_="tick")
    for tap in axis.taps:
        rect(parent, (axis.starts[0] + tap) * per_cell, y, max(per_cell, 1), 8, "tap")
    told = f"{axis.outputs} windows" + (
        f", one begin in {every} is marked" if every > 1 else ", a mark where each begins"
    )
    words(
        parent, 0, y + 24, f"{told}; k = {axis.kernel}" + (f", which reaches {axis.reach}" if axis.dilation > 1 else "")
    )
    return y + 34


def _end(parent: Element, axis: Axis, x: float, y: float, far: bool, kinds: set[str]) -> float:
    """Draw the cells of one end, and below them the windows that stand wholly in it."""
    shown = min(axis.length, END)
    first = axis.length - shown if far else 0
    x = x - shown * CELL if far else x
    group = add(parent, "g", class_="end far" if far else "end near")
    for n in range(shown):
        kind, read = axis.kind(first + n), axis.read(first + n)
        kinds.add(kind)
        rect(group, x + n * CELL, y, CELL, CELL, f"cell {kind}" if read or kind == "cropped" else f"cell {kind} unread")
        if not read and kind != "cropped":
            kinds.add("unread")
            add(group, "path", d=f"M{x + n * CELL:g} {y + CELL:g}l{CELL} -{CELL}", class_="slash")
        elif kind in MARKS:
            words(group, x + (n + 0.5) * CELL, y + CELL - 4, MARKS[kind], "mark")
    starts = list(axis.starts[-ROWS:] if far else axis.starts[:ROWS])
    for row, start in enumerate(starts):
        top = y + CELL + 5 + row * 11
        for tap in axis.taps:
            at = start + tap - first
            if 0 <= at < shown:
                rect(group, x + at * CELL + 1, top, CELL - 2, 8, "tap")
    return y + CELL + 5 + len(starts) * 11
