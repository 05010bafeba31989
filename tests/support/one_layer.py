"""One-layer networks as text, so that a fact goes through reader, expander, propagation and cost alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from texts import check_text

from shapecheck.analysis.cost import cost
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report

# The name of the last layer of every text that is built here.
RESULT = "result"


class Answer(NamedTuple):
    """What shapecheck says of a network: the last layer's shape, the cost of all its layers, the error codes."""

    shape: list[Any] | None
    parameters: Any
    multiply_adds: Any
    errors: tuple[str, ...]
    report: Report


def scalar(value: Any) -> str:
    """Return a value as YAML: words plain, everything else as JSON, which YAML reads alike."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(scalar, value)) + "]"
    return json.dumps(value)


def layer(op: str, keys: Mapping[str, Any], name: str | None = None, reads: Any = None) -> str:
    """Return one line of ``layers``."""
    entries = {"name": name, "op": op, "from": reads}
    parts = [f"{key}: {scalar(value)}" for key, value in entries.items() if value is not None]
    parts += [f"{key}: {scalar(value)}" for key, value in keys.items()]
    return "  - {" + ", ".join(parts) + "}"


def text(
    inputs: Mapping[str, Sequence[Any]], layers: Sequence[str], channels_last: bool = False, dtype: str | None = None
) -> str:
    """Return a network file."""
    lines = ["shapecheck: 1"]
    if channels_last:
        lines.append("layout: channels_last")
    lines.append("inputs:")
    for name, shape in inputs.items():
        lines.append(
            f"  {name}: {scalar(shape)}" if dtype is None else f"  {name}: {{shape: {scalar(shape)}, dtype: {dtype}}}"
        )
    return "\n".join([*lines, "layers:", *layers]) + "\n"


def ask(source: str, result: str = RESULT) -> Answer:
    """Check a text and return what is said of its layer ``result``."""
    report = check_text(source, "fact.net.yaml")
    errors = tuple(d.code for d in report.diagnostics if d.severity is Severity.ERROR)
    if report.shapes is None or report.network is None:
        return Answer(None, None, None, errors, report)
    output = report.shapes[result].output if result in report.shapes else None
    costs = [cost(report.shapes, node) for node in report.network.layers]
    return Answer(
        None if output is None else [size if isinstance(size, int) else str(size) for size in output],
        sum(c.parameters for c in costs),
        sum(c.multiply_adds for c in costs),
        errors,
        report,
    )
