"""The picture of a layer, with what explains it."""

from __future__ import annotations

from shapecheck.analysis.explain import AxisArithmetic, formula, layer_arithmetic, lines
from shapecheck.figures.figure import Figure
from shapecheck.figures.layout import axes_of
from shapecheck.layers.base import Layer
from shapecheck.layers.context import Context


def _alike(found: list[AxisArithmetic]) -> list[AxisArithmetic]:
    """Return one of each group of axes with the same arithmetic, under the names of all: ``H and W``."""
    groups: dict[AxisArithmetic, list[str]] = {}
    for one in found:
        groups.setdefault(one._replace(axis=""), []).append(one.axis)
    return [one._replace(axis=" and ".join(names)) for one, names in groups.items()]


def figure_of_layer(name: str, layer: Layer, context: Context) -> Figure:
    """Return the picture of a layer whose output is known. Raises NoFigure where there is nothing to draw."""
    found = layer_arithmetic(layer, context)
    groups = _alike(found)
    text = [line for one in groups for line in lines(one)]
    formulas = [formula(one) if len(groups) == 1 else f"{one.axis}: {formula(one)}" for one in groups]
    title = name if name == layer.op else f"{name} ({layer.op})"
    return Figure(title, axes_of(found, layer.odd_zero_first(context)), tuple(text), tuple(formulas))
