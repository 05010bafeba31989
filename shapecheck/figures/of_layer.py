"""The picture of a layer, with what explains it."""

from __future__ import annotations

from shapecheck.analysis.explain import AxisArithmetic, layer_arithmetic, lines
from shapecheck.figures.figure import Figure, figure_of
from shapecheck.layers.base import Context, Layer


def said(found: list[AxisArithmetic]) -> list[str]:
    """Return the explanation of all axes; axes with the same arithmetic are explained once."""
    text: list[str] = []
    groups: dict[AxisArithmetic, list[str]] = {}
    for step in found:
        groups.setdefault(step._replace(axis=""), []).append(step.axis)
    for step, names in groups.items():
        text += lines(step._replace(axis=" and ".join(names)))
    return text


def figure_of_layer(name: str, layer: Layer, context: Context) -> Figure:
    """Return the picture of a layer whose output is known. Raises NoFigure where there is nothing to draw."""
    found = layer_arithmetic(layer, context)
    text = said(found)
    title = name if name == layer.op else f"{name} ({layer.op})"
    return figure_of(title, found, text, getattr(layer, "padding", None) == "same_lower")
