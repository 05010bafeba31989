"""What of an outcome becomes a reason or a message in the same words that its text has."""

from __future__ import annotations

from shapecheck.text import and_more, plural
from shapecheck.verification.records.number_comparison import LayerComparison, NumberComparison
from shapecheck.verification.records.training_run import LostGradient, NotFinite

# How many parameters, layers and places are told by name.
MANY = 4


def listed(names: tuple[str, ...]) -> str:
    """Return some names, and how many more there are."""
    return and_more(names, MANY)


def not_finite_text(found: NotFinite) -> str:
    """Return what is not finite, and where."""
    of = "what it gives" if found.what == "value" else "the gradient by what it reads, or by its parameters,"
    return f"{found.layer}: {of} is {'not a number (NaN)' if found.nan else 'infinite'}, in places or everywhere"


def lost_gradient_text(lost: LostGradient) -> str:
    """Return which parameters get no gradient, and where it ends."""
    where = listed(lost.layers)
    who = f"{listed(lost.parameters)} {'gets' if len(lost.parameters) == 1 else 'get'} no gradient"
    if not lost.connected:
        return f"{where}: no output depends on it: {who}"
    if lost.silent:
        return f"{where}: nothing but zeros came out, whatever numbers were tried: {who}"
    return f"{where}: no gradient came through, whatever numbers were tried: {who}"


def no_step_text(reason: str) -> str:
    """Return that there was no training step, and why."""
    return f"the training step was not run: {reason}"


def not_compared_text(compared: NumberComparison) -> str:
    """Return that numbers were not compared, and why."""
    return f"numbers on {compared.second} and {compared.first} were not compared: {compared.missing}"


def layer_comparison_text(compared: NumberComparison, one: LayerComparison) -> str:
    """Return by how much a layer's numbers differ."""
    devices = f"its numbers on {compared.second} and {compared.first}"
    return f"{one.layer}: {devices} differ by {one.difference:.2g}, and rounding allows {one.allowed:.2g}"


def agreeing(count: int) -> str:
    """Return ``1 layer agrees``, ``2 layers agree``."""
    return f"{plural(count, 'layer')} {'agrees' if count == 1 else 'agree'}"
