"""A small window cell by cell: the maps side by side, the kernel moving over its positions; 3-D as slices."""

from __future__ import annotations

import itertools
from typing import NamedTuple
from xml.etree.ElementTree import Element

from shapecheck.figures.layout import KINDS, Axis
from shapecheck.figures.svg import add, play, rect, width_of, words

CELL = 24
GUTTER = 28
CAPTION = 20
WIDEST = 860
SECONDS = 0.8
LONGEST = 18  # cells on an axis
MOST_SLICES = 10
MOST_POSITIONS = 256

NOTHING = Axis("", 1, 1, 1)
MARKS = {"zero": "0", "extra": "a", "cropped": "×", "beyond": "·"}


class Spot(NamedTuple):
    """Where one map of cells stands in the picture, and which slice it is."""

    slice: int
    x: float
    y: float


class Extent(NamedTuple):
    """How much room a drawing takes."""

    width: float
    height: float


def small(axes: tuple[Axis, ...]) -> bool:
    """Say whether a window is small enough to be drawn cell by cell."""
    if len(axes) > 3:
        return False
    positions = 1
    for axis in axes:
        positions *= axis.outputs
    longest = max(max(axis.length, axis.outputs) for axis in axes)
    slices = max(axes[0].length, axes[0].outputs) if len(axes) == 3 else 1
    bound = {1: 2 * LONGEST, 2: LONGEST, 3: MOST_SLICES}[len(axes)]
    return 0 < positions <= MOST_POSITIONS and longest <= bound and slices <= MOST_SLICES


def kind_of(axes: tuple[Axis, ...], cell: tuple[int, ...]) -> str:
    """Return what stands in a cell of a map."""
    return max((axis.kind(at) for axis, at in zip(axes, cell, strict=True)), key=KINDS.index)


def is_read(axes: tuple[Axis, ...], cell: tuple[int, ...]) -> bool:
    """Say whether some window has a tap on a cell."""
    return all(axis.read(at) for axis, at in zip(axes, cell, strict=True))


def draw(parent: Element, axes: tuple[Axis, ...], top: float) -> tuple[Extent, list[str]]:
    """Draw a window below ``top``. Return the room that it takes, and the kinds of cells that there are."""
    count = len(axes)
    full = (*(NOTHING,) * (3 - count), *axes)
    depth, rows, columns = full
    given = _spots(depth.length, columns.length * CELL, rows.length * CELL, 0, top)
    right = max(spot.x for spot in given) + columns.length * CELL
    bottom = max(spot.y for spot in given) + rows.length * CELL
    out_width, out_height = columns.outputs * CELL, rows.outputs * CELL
    beside = count == 2 and right + 2 * GUTTER + out_width <= WIDEST
    if beside:
        y = top + max(0, (rows.length - rows.outputs) * CELL / 2)
        taken = [Spot(0, right + 2 * GUTTER, y)]
        words(parent, right + GUTTER - 7, top + rows.length * CELL / 2 + 5, "→", "arrow")
    else:
        words(parent, 0, bottom + GUTTER + CAPTION - 2, "↓", "arrow")
        taken = _spots(depth.outputs, out_width, out_height, 0, bottom + GUTTER + CAPTION + 8)
    kinds = _cells(parent, full, given)
    outputs = add(parent, "g", class_="outputs")
    for spot in taken:
        for r, c in itertools.product(range(rows.outputs), range(columns.outputs)):
            rect(outputs, spot.x + c * CELL, spot.y + r * CELL, CELL, CELL, "cell output")
    _captions(parent, axes, given, taken)
    _move(parent, full, given, taken)
    width = max(right, *(spot.x + out_width for spot in taken))
    height = max(bottom, *(spot.y + out_height for spot in taken)) + CAPTION + 4
    return Extent(width, height), kinds


def _spots(count: int, width: float, height: float, x: float, y: float) -> list[Spot]:
    """Return places for the slices of a map, in lines as wide as the picture."""
    a_line = max(1, int((WIDEST + GUTTER) // (width + GUTTER)))
    return [
        Spot(n, x + n % a_line * (width + GUTTER), y + n // a_line * (height + GUTTER + CAPTION)) for n in range(count)
    ]


def _cells(parent: Element, full: tuple[Axis, ...], spots: list[Spot]) -> list[str]:
    group = add(parent, "g", class_="inputs")
    _, rows, columns = full
    kinds: set[str] = set()
    for spot in spots:
        for r, c in itertools.product(range(rows.length), range(columns.length)):
            kind = kind_of(full, (spot.slice, r, c))
            read = is_read(full, (spot.slice, r, c))
            kinds.add(kind)
            x, y = spot.x + c * CELL, spot.y + r * CELL
            rect(group, x, y, CELL, CELL, f"cell {kind}" if read or kind == "cropped" else f"cell {kind} unread")
            if not read and kind != "cropped":
                kinds.add("unread")
                add(group, "path", d=f"M{x:g} {y + CELL:g}l{CELL} -{CELL}", class_="slash")
            elif kind in MARKS:
                words(group, x + CELL / 2, y + CELL / 2 + 4, MARKS[kind], "mark")
    return [kind for kind in (*KINDS, "unread") if kind in kinds]


def _captions(parent: Element, axes: tuple[Axis, ...], given: list[Spot], taken: list[Spot]) -> None:
    rows = axes[-2].length if len(axes) > 1 else 1
    outputs = axes[-2].outputs if len(axes) > 1 else 1
    for spots, height, prime in ((given, rows, "i"), (taken, outputs, "o")):
        for spot in spots:
            name = prime + ("′" if axes[0].transposed else "")
            sizes = " × ".join(str(axis.size if prime == "i" else axis.outputs) for axis in axes)
            text = f"{name} = {sizes}" if spot.slice == 0 else ""
            if len(axes) == 3:
                text = f"{axes[0].name} {spot.slice}" + (f", {text}" if text else "")
            room = (axes[-1].length if prime == "i" else axes[-1].outputs) * CELL + GUTTER
            if len(axes) == 3 and width_of(text) > room:
                text = f"{axes[0].name} {spot.slice}"
            if text:
                words(parent, spot.x, spot.y + height * CELL + 16, text)


def _move(parent: Element, full: tuple[Axis, ...], given: list[Spot], taken: list[Spot]) -> None:
    """Draw the kernel and the output that it makes; let both jump through all positions."""
    depth, rows, columns = full
    places = list(itertools.product(*(range(axis.outputs) for axis in full)))
    seconds = SECONDS * len(places)
    for spot in given:
        seen = [spot.slice - depth.starts[z] in depth.taps for z, _, _ in places]
        if any(seen):
            jumps = [(spot.x + columns.starts[c] * CELL, spot.y + rows.starts[r] * CELL) for _, r, c in places]
            _jumping(parent, "kernel", jumps, seen, seconds, (rows, columns))
    for spot in taken:
        seen = [z == spot.slice for z, _, _ in places]
        jumps = [(spot.x + c * CELL, spot.y + r * CELL) for _, r, c in places]
        _jumping(parent, "made", jumps, seen, seconds, None)


def _jumping(
    parent: Element,
    class_: str,
    jumps: list[tuple[float, float]],
    seen: list[bool],
    seconds: float,
    kernel: tuple[Axis, Axis] | None,
) -> None:
    """Draw a thing at its first place, and once more moving; the style sheet shows one of the two."""
    for still in (True, False) if len(jumps) > 1 else (True,):
        if still and not seen[0]:
            continue
        x, y = jumps[0]
        way = "" if len(jumps) == 1 else " still" if still else " moving"
        group = add(parent, "g", class_=f"{class_}{way}", transform=f"translate({x:g} {y:g})")
        if kernel is None:
            rect(group, 0, 0, CELL, CELL, "now")
        else:
            rows, columns = kernel
            for r, c in itertools.product(rows.taps, columns.taps):
                rect(group, c * CELL, r * CELL, CELL, CELL, "tap")
            rect(group, 0, 0, columns.reach * CELL, rows.reach * CELL, "reach")
        if not still:
            play(group, "transform", [f"{x:g} {y:g}" for x, y in jumps], seconds)
            if not all(seen):
                play(group, "visibility", ["visible" if s else "hidden" for s in seen], seconds)
