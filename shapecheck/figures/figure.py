"""One picture: title, maps, legend, as a standalone SVG or as a part of a page."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple
from xml.etree.ElementTree import Element, tostring

from shapecheck.figures import grid, scale
from shapecheck.figures.layout import Axis
from shapecheck.figures.svg import add, rect, width_of, words

MARGIN = 16
LEGEND = {
    "input": "input",
    "zero": "zero between (stretched input ĩ′)",
    "padding": "padding",
    "extra": "a: extra zeros at the far edge",
    "beyond": "beyond the padding (ceil mode)",
    "cropped": "cropped",
    "unread": "never read",
    "output": "output",
    "tap": "kernel",
}


class Figure(NamedTuple):
    """The picture of a layer. ``lines`` say it in words; ``svg()`` draws it. Shows itself in a notebook.

    ``formulas`` stand above the picture, one for all axes with the same arithmetic.
    """

    title: str
    axes: tuple[Axis, ...]
    lines: tuple[str, ...]
    formulas: tuple[str, ...]

    @property
    def drawn(self) -> str:
        """``cells`` where every cell is drawn, ``scale`` where one axis is drawn to scale."""
        return "cells" if grid.small(self.axes) else "scale"

    def element(self, style: bool = True) -> Element:
        """Return the picture; ``style`` brings the style sheet along, which a page has already."""
        root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "figure", "role": "img"})
        add(root, "title", self.title)
        add(root, "desc", " ".join(line.strip() for line in self.lines))
        if style:
            add(root, "style").text = style_sheet()
        paper = rect(root, 0, 0, 0, 0, "paper")
        body = add(root, "g", transform=f"translate({MARGIN} {MARGIN})")
        words(body, 0, 12, self.title, "label strong")
        y = 30.0
        for formula in self.formulas:
            words(body, 0, y, formula)
            y += 16
        drawer = grid if self.drawn == "cells" else scale
        size, kinds = drawer.draw(body, self.axes, y)
        width = max(size.width, width_of(self.title), *map(width_of, self.formulas), 340)
        height = _legend(body, [*kinds, "output", "tap"], size.height + 8, width)
        total = (width + 2 * MARGIN, height + 2 * MARGIN)
        for target in (root, paper):
            target.set("width", f"{total[0]:.0f}")
            target.set("height", f"{total[1]:.0f}")
        root.set("viewBox", f"0 0 {total[0]:.0f} {total[1]:.0f}")
        return root

    def svg(self, style: bool = True) -> str:
        """Return the picture as text."""
        return tostring(self.element(style), encoding="unicode")

    def _repr_svg_(self) -> str:
        return self.svg()


def _legend(parent: Element, kinds: list[str], y: float, width: float) -> float:
    group = add(parent, "g", class_="legend")
    x = 0.0
    for kind in kinds:
        room = 24 + width_of(LEGEND[kind]) + 14
        if x and x + room > width:
            x, y = 0.0, y + 22
        rect(group, x, y, 16, 16, "tap" if kind == "tap" else f"cell {kind}")
        if kind == "unread":
            add(group, "path", d=f"M{x:g} {y + 16:g}l16 -16", class_="slash")
        elif kind in grid.MARKS:
            words(group, x + 8, y + 12, grid.MARKS[kind], "mark")
        words(group, x + 22, y + 12, LEGEND[kind])
        x += room
    return y + 16


@cache
def style_sheet() -> str:
    """Return the style sheet of the pictures."""
    return (files("shapecheck.figures") / "figure.css").read_text(encoding="utf-8")
