"""SVG elements. Text goes through ElementTree, so that nothing a user writes can become markup."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from shapecheck.text import printable

Value = str | int | float


def number(value: Value) -> str:
    """Return a coordinate in as few characters as it needs."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def add(parent: Element, tag: str, text: str | None = None, **attributes: Value) -> Element:
    """Add an element. ``class_`` is class, and underscores stand for hyphens."""
    names = {"class_": "class", "attributeName": "attributeName", "viewBox": "viewBox"}
    element = SubElement(
        parent, tag, {names.get(key, key.replace("_", "-")): number(value) for key, value in attributes.items()}
    )
    if text is not None:
        element.text = printable(text)
    return element


def rect(parent: Element, x: float, y: float, width: float, height: float, class_: str) -> Element:
    """Add a rectangle."""
    return add(parent, "rect", x=x, y=y, width=width, height=height, class_=class_)


def words(parent: Element, x: float, y: float, text: str, class_: str = "label") -> Element:
    """Add a line of text."""
    return add(parent, "text", text, x=x, y=y, class_=class_)


def width_of(text: str, size: float = 12) -> float:
    """Estimate how wide a line of text is."""
    return len(text) * size * 0.56


def play(parent: Element, attribute: str, values: list[str], seconds: float) -> None:
    """Let an attribute jump through values, for ever. A transform is given as translations."""
    timing = {"calcMode": "discrete", "dur": f"{number(seconds)}s", "repeatCount": "indefinite"}
    if attribute == "transform":
        timing["type"] = "translate"
    SubElement(
        parent,
        "animateTransform" if attribute == "transform" else "animate",
        {"attributeName": attribute, "values": ";".join(values), **timing},
    )
