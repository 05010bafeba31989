"""Every figure of the guide, counted cell by cell from the SVG against windows slid by hand."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from shapecheck.figures.of_layer import figure_of_layer
from shapecheck.layers import REGISTRY, Context
from shapecheck.layers.base import default_of

SVG = "{http://www.w3.org/2000/svg}"


class Case(NamedTuple):
    """A figure of the guide; for chapter 4 ``i`` is the size i′ that is transposed, the rest the convolution's."""

    number: str
    i: int
    k: int
    s: int = 1
    p: int = 0
    d: int = 1
    a: int | None = None
    o: int = 0


GUIDE = [
    Case("2.1", 4, 3, o=2),
    Case("2.2", 5, 4, p=2, o=6),
    Case("2.3", 5, 3, p=1, o=5),
    Case("2.4", 5, 3, p=2, o=7),
    Case("2.5", 5, 3, s=2, o=2),
    Case("2.6", 5, 3, s=2, p=1, o=3),
    Case("2.7", 6, 3, s=2, p=1, o=3),
    Case("4.1", 2, 3, a=0, o=4),
    Case("4.2", 6, 4, p=2, a=0, o=5),
    Case("4.3", 5, 3, p=1, a=0, o=5),
    Case("4.4", 7, 3, p=2, a=0, o=5),
    Case("4.5", 2, 3, s=2, a=0, o=5),
    Case("4.6", 3, 3, s=2, p=1, a=0, o=5),
    Case("4.7", 3, 3, s=2, p=1, a=1, o=6),
    Case("5.1", 7, 3, d=2, o=3),
]


def picture(case: Case, axes: int = 2) -> ElementTree.Element:
    op = "conv" if case.a is None else "conv_transpose"
    kind = REGISTRY[op]
    values = {name: default_of(key) for name, key in kind.keys_of(op).items()}
    values |= {"kernel_size": case.k, "stride": case.s, "padding": case.p, "dilation": case.d, "out_channels": 1}
    if case.a is not None:
        values["output_padding"] = case.a
    figure = figure_of_layer(f"figure {case.number}", kind(op, values), Context(((1, 1, *(case.i,) * axes),)))
    return ElementTree.fromstring(figure.svg())


def row(case: Case) -> tuple[str, int]:
    """Return one axis as letters (i input, z zero, p padding, a extra), and the stride over it."""
    if case.a is None:
        return "p" * case.p + "i" * case.i + "p" * case.p, case.s
    pad = (case.k - 1) * case.d - case.p
    return "p" * pad + ("z" * (case.s - 1)).join("i" * case.i) + "p" * pad + "a" * case.a, 1


def slid(case: Case) -> list[list[int]]:
    """Return for every window the cells that it reads, by sliding until it no longer fits."""
    cells, stride = row(case)
    windows = []
    start = 0
    while start + (case.k - 1) * case.d < len(cells):
        windows.append([start + tap * case.d for tap in range(case.k)])
        start += stride
    return windows


def counted(case: Case, axes: int) -> Counter[str]:
    """Return how many cells of each kind there are."""
    cells, _ = row(case)
    windows = slid(case)
    read = {cell for window in windows for cell in window}
    found: Counter[str] = Counter()
    for place in itertools.product(range(len(cells)), repeat=axes):
        letters = {cells[at] for at in place}
        kind = next(letter for letter in "apzi" if letter in letters)
        found[{"a": "extra", "p": "padding", "z": "zero", "i": "input"}[kind]] += 1
        found["unread"] += not all(at in read for at in place)
    found["output"] = len(windows) ** axes
    return +found


def drawn(root: ElementTree.Element) -> Counter[str]:
    found: Counter[str] = Counter()
    for group in root.iter(f"{SVG}g"):
        if group.get("class") in ("inputs", "outputs"):
            for cell in group.iter(f"{SVG}rect"):
                found.update((cell.get("class") or "").split()[1:])
    return found


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("case", GUIDE, ids=lambda case: case.number)
def test_the_guides_figure(case: Case, axes: int) -> None:
    root = picture(case, axes)
    windows = slid(case)
    assert len(windows) == case.o
    assert drawn(root) == counted(case, axes)

    (moving,) = (g for g in root.iter(f"{SVG}g") if g.get("class") == "kernel moving")
    taps = [r for r in moving if r.get("class") == "tap"]
    assert len(taps) == case.k**axes
    cell = float(taps[0].get("width", "0"))
    across = sorted({float(tap.get("x", "0")) / cell for tap in taps})
    assert across == [float(tap * case.d) for tap in range(case.k)]
    (motion,) = moving.iter(f"{SVG}animateTransform")
    values = [tuple(float(n) for n in value.split()) for value in motion.get("values", "").split(";")]
    first = values[0]
    steps = [((x - first[0]) / cell, (y - first[1]) / cell) for x, y in values]
    starts = [window[0] for window in windows]
    downs = starts if axes == 2 else [0]
    assert steps == [(float(x), float(y)) for y in downs for x in starts]


@pytest.mark.parametrize(("number", "unread"), [("2.7", 15), ("2.6", 0), ("5.1", 0)])
def test_what_is_never_read(number: str, unread: int) -> None:
    case = next(case for case in GUIDE if case.number == number)
    root = picture(case)
    assert drawn(root)["unread"] == unread
    slashes = [p for p in root.iter(f"{SVG}path") if p.get("class") == "slash"]
    assert len(slashes) == unread + (1 if unread else 0), "each is marked, and the legend has one more"


def test_three_axes_are_slices() -> None:
    case = Case("volume", 3, 2, p=1, o=4)
    root = picture(case, 3)
    assert drawn(root) == counted(case, 3)
    captions = [t.text for t in root.iter(f"{SVG}text") if (t.text or "").startswith("D ")]
    assert len(captions) == 5 + 4


def test_one_value_for_colours_is_not_enough() -> None:
    """Zeros, extra rows and unread cells carry a mark as well."""
    root = picture(GUIDE[13])
    marks = Counter(t.text for t in root.iter(f"{SVG}text") if t.get("class") == "mark")
    found = drawn(root)
    assert marks["0"] == found["zero"] + 1 and marks["a"] == found["extra"] + 1, "one more of each in the legend"
