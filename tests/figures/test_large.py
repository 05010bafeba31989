"""Large windows: an axis to scale, both ends cell by cell; forms that are not in the guide."""

from __future__ import annotations

import contextlib
import random
from typing import Any
from xml.etree import ElementTree

import pytest

from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.figures import Axis, Figure, NoFigure
from shapecheck.figures.of_layer import figure_of_layer
from shapecheck.figures.scale import runs
from shapecheck.layers import REGISTRY, Context, Problem
from shapecheck.layers.base import default_of

SVG = "{http://www.w3.org/2000/svg}"


def figure(op: str, sizes: tuple[Any, ...], **given: Any) -> Figure:
    kind = REGISTRY[op]
    values = {name: default_of(key) for name, key in kind.keys_of(op).items()}
    if "out_channels" in values:
        values["out_channels"] = 1
    layer = kind(op, values | given)
    context = Context(((1, 1, *sizes),))
    layer.output(context)
    return figure_of_layer(op, layer, context)


def test_a_large_axis_is_drawn_to_scale() -> None:
    found = figure("conv", (224, 224), kernel_size=7, stride=2, padding=3)
    assert found.drawn == "scale"
    root = ElementTree.fromstring(found.svg())
    bars = {r.get("class"): float(r.get("width", "0")) for r in root.iter(f"{SVG}rect") if "run" in r.get("class", "")}
    assert bars["run input"] / bars["run output"] == pytest.approx(224 / 112, rel=1e-3)
    assert bars["run padding"] / bars["run input"] == pytest.approx(3 / 224, rel=1e-2)
    assert sum(r.get("class") == "missed" for r in root.iter(f"{SVG}rect")) == 1
    far = next(g for g in root.iter(f"{SVG}g") if g.get("class") == "end far")
    assert sum("unread" in (r.get("class") or "") for r in far) == 1
    assert len(found.svg()) < 40_000


def test_axes_that_differ_are_drawn_each() -> None:
    root = ElementTree.fromstring(figure("conv", (60, 100), kernel_size=3).svg())
    assert sum(g.get("class") == "axis" for g in root.iter(f"{SVG}g")) == 2
    root = ElementTree.fromstring(figure("conv", (60, 60), kernel_size=3).svg())
    assert sum(g.get("class") == "axis" for g in root.iter(f"{SVG}g")) == 1


def test_formulas_name_their_axes_where_they_differ() -> None:
    texts = [t.text for t in ElementTree.fromstring(figure("conv", (9, 8), kernel_size=3).svg()).iter(f"{SVG}text")]
    assert "H: o = (9 − 3) + 1 = 7" in texts and "W: o = (8 − 3) + 1 = 6" in texts
    texts = [t.text for t in ElementTree.fromstring(figure("conv", (9, 9), kernel_size=3).svg()).iter(f"{SVG}text")]
    assert "o = (9 − 3) + 1 = 7" in texts


def test_a_signal_of_a_billion_samples_is_no_trouble() -> None:
    assert len(figure("conv", (10**9,), kernel_size=9, stride=4, dilation=3).svg()) < 60_000
    assert len(figure("conv_transpose", (10**8,), kernel_size=16, stride=8, padding=4).svg()) < 60_000


@pytest.mark.parametrize("seed", range(60))
def test_the_geometry_adds_up(seed: int) -> None:
    """The axis that is drawn gives the output size by sliding over its own cells."""
    rng = random.Random(seed)
    op = rng.choice(["conv", "max_pool", "conv_transpose"])
    k, s, d = rng.randint(1, 5), rng.randint(1, 4), rng.randint(1, 3)
    given: dict[str, Any] = {"kernel_size": k, "stride": s, "padding": rng.randint(0, k), "dilation": d}
    if op == "max_pool":
        given |= {"padding": rng.randint(0, k // 2), "ceil_mode": rng.random() < 0.5}
    elif rng.random() < 0.25:
        given["padding"] = rng.choice(["same", "same_lower"]) if op == "conv" else "same"
    if op == "conv_transpose":
        given["output_padding"] = rng.randint(0, s - 1)
    found = None
    while found is None:
        with contextlib.suppress(Problem):  # a layer that does not fit has no picture: take another size
            found = figure(op, (rng.randint(1, 16),), **given)
    (axis,) = found.axes
    cells = [axis.kind(n) for n in range(axis.length)]
    inside = [n for n, kind in enumerate(cells) if kind != "cropped"]
    windows = [[start + tap for tap in axis.taps] for start in axis.starts]
    assert cells.count("input") + cells.count("cropped") >= min(axis.size, 1)
    assert all(inside[0] <= cell <= inside[-1] for window in windows for cell in window), (axis, cells)
    step_more = axis.starts[-1] + axis.stride + axis.reach
    assert step_more > inside[-1] + 1 or given.get("ceil_mode") or axis.unread_end >= axis.stride
    read = {cell for window in windows for cell in window}
    assert [axis.read(n) for n in range(axis.length)] == [n in read for n in range(axis.length)]
    assert sum(length for _, length in runs(axis)) == axis.length
    assert "<" not in "".join(found.lines)
    ElementTree.fromstring(found.svg())


def test_negative_padding_crops() -> None:
    found = figure("conv_transpose", (4,), kernel_size=2, stride=2, padding=2)
    (axis,) = found.axes
    assert axis.before == -1 and [axis.kind(n) for n in range(axis.length)].count("cropped") == 2
    assert axis.outputs == 4


def test_an_unknown_size_has_no_picture() -> None:
    with pytest.raises(NoFigure, match="H"):
        figure("conv", (Symbolic.of("H"), 8), kernel_size=3)


def test_a_layer_without_windows_has_no_picture() -> None:
    with pytest.raises(NoFigure, match="no window"):
        figure("relu", (8, 8))


def test_text_is_escaped_and_control_characters_are_replaced() -> None:
    svg = Figure("<script>alert(1)</script>\x1b[31m", (Axis("H", 3, 1, 3),), ("a < b",), ("o < 1",)).svg()
    assert "<script" not in svg and "\x1b" not in svg
    ElementTree.fromstring(svg)


def test_the_picture_is_the_same_every_time() -> None:
    assert figure("conv", (5, 5), kernel_size=3).svg() == figure("conv", (5, 5), kernel_size=3).svg()
