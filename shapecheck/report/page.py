"""The page and what a notebook shows: data into templates, with styles and scripts put in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shapecheck.analysis.explain import number
from shapecheck.analysis.propagation import Shapes
from shapecheck.figures.figure import style_sheet
from shapecheck.findings.checked import Report
from shapecheck.report.data import page_data, table_data
from shapecheck.text import short_bytes

SCRIPTS = ("dagre.min.js", "layout.js", "graph.js", "view.js", "table.js", "page.js")
STYLES = ("page.css", "graph.css", "print.css")
MOST_ROWS = 400  # of the layer table at first; a browser takes seconds to lay out thousands
WORDS = {"ok": "yes", "fail": "no", "open": "not sure", "none": "not looked at"}
WITNESS = {"agrees": "ok", "disagrees": "fail", "not checked": "open"}
SIGNS = {"ok": "✓", "fail": "✗", "open": "?", "none": "–", "error": "✗", "warning": "!", "note": "i"}


def shape_text(shape: list[int | str] | None, otherwise: str = "unknown") -> str:
    """Return a shape as the page shows it."""
    return otherwise if shape is None else " × ".join(map(str, shape))


def short(amount: int | str | None, unit: str = "") -> str:
    """Return a count in four characters or so: ``25.6 M``, or ``98.1 MiB`` where the unit is bytes."""
    if not isinstance(amount, int):
        return "unknown" if amount is None else amount
    if unit:
        return short_bytes(amount)
    names = ("", "k", "M", "G", "T")
    value, at = float(amount), 0
    while value >= 1000 and at < len(names) - 1:
        value, at = value / 1000, at + 1
    digits = f"{value:.0f}" if at == 0 or value >= 100 else f"{value:.1f}"
    return f"{digits} {names[at]}".strip()


def graph_data(data: dict[str, Any]) -> dict[str, Any]:
    """Return what the scripts need: the layers in few characters, the groups, the explanations."""
    return {
        "nodes": [
            {
                "n": one["name"],
                "o": one["op"],
                "l": one["line"],
                "i": one["inputs"],
                "r": one["reads"],
                "s": one["output_shape"],
                "g": one["group"],
                "x": one["outputs"],
                "j": one["witness"],
                "f": one["figure"],
                "w": bool(one["relationship"]),
                "v": one["severity"] or ("error" if one["trouble"] else None),
                "t": one["trouble"],
                "p": short(one["parameters"]),
                "m": short(one["multiply_adds"]),
                "b": short(one["memory"], "bytes"),
            }
            for one in data["layers"]
        ],
        "order": data.get("order", []),
        "groups": data["groups"],
        "lines": [figure["lines"] for figure in data["figures"]],
    }


@cache
def environment() -> Environment:
    """Return the templates, with everything escaped that is not marked as our own."""
    found = Environment(
        loader=PackageLoader("shapecheck.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(shape=shape_text, short=short, number=lambda n: "unknown" if n is None else number(n))
    found.globals.update(SIGNS=SIGNS, WORDS=WORDS, WITNESS=WITNESS, MOST_ROWS=MOST_ROWS)
    return found


@cache
def static(name: str) -> Markup:
    """Return a file of ours as it is."""
    return Markup((files("shapecheck.report") / "static" / name).read_text(encoding="utf-8"))


def page(report: Report) -> str:
    """Return the sanity report as one HTML page that needs nothing else."""
    data = page_data(report)
    template = environment().get_template("page.html")
    return template.render(
        data=data,
        graph=graph_data(data),
        drawings=[Markup(figure["svg"]) for figure in data["figures"]],
        styles=[*(static(name) for name in STYLES), Markup(style_sheet())],
        scripts=[static(name) for name in SCRIPTS],
        licence=static("dagre.LICENSE.txt"),
    )


def network_summary(report: Report) -> str:
    """Return the verdict, the findings and the layer table as a part of a notebook."""
    data = page_data(report)
    return environment().get_template("notebook.html").render(data=data, style=static("notebook.css"))


def layer_table(shapes: Shapes) -> str:
    """Return the layer table as a part of a notebook."""
    data = table_data(shapes)
    return environment().get_template("notebook.html").render(data=data, style=static("notebook.css"))
