"""Texts with the expected place of a diagnostic marked in them: ``kernel_size: ⟦-3⟧``."""

from __future__ import annotations

from typing import Any

from texts import check_text

from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding, Position
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits

HEAD = "shapecheck: 1\ninputs: {x: [2, 3, 8, 8]}\n"
OPEN, CLOSE = "⟦", "⟧"


def unmark(text: str) -> tuple[str, list[Position]]:
    """Return a text without its marks, and the places where they opened."""
    places = []
    clean = ""
    for index, part in enumerate(text.split(OPEN)):
        if index:
            places.append(Position(clean.count("\n") + 1, len(clean) - clean.rfind("\n")))
        clean += part.replace(CLOSE, "")
    return clean, places


def errors(report: Report) -> list[Finding]:
    return [d for d in report.diagnostics if d.severity is Severity.ERROR]


def layers(*lines: str) -> str:
    """Return a file of the head and these layers, each a flow mapping."""
    return HEAD + "layers:\n" + "".join(f"  - {line}\n" for line in lines)


def refused(text: str, code: str, *words: str, limits: Limits = DEFAULT_LIMITS, **values: Any) -> Finding:
    """Assert that the only error stands at the mark, has this code, and names the offender; return it."""
    clean, places = unmark(text)
    found = errors(check_text(clean, "test.net.yaml", values, limits))
    assert [(d.code, d.span.start) for d in found] == [(code, place) for place in places], found
    for word in words:
        assert word in found[0].message, found[0].message
    assert found[0].span.end >= found[0].span.start
    return found[0]


def accepted(text: str, limits: Limits = DEFAULT_LIMITS, **values: Any) -> Report:
    """Assert that nothing is wrong with a text."""
    report = check_text(text, "test.net.yaml", values, limits)
    assert errors(report) == []
    return report


def shape(report: Report, name: str) -> tuple[Any, ...] | None:
    assert report.shapes is not None
    return report.shapes[name].output


BLOCKS = """blocks:
  one:
    params: {channels: 4, stride: 1}
    layers:
      - {name: conv, op: conv, out_channels: =channels, kernel_size: 3, stride: =stride, padding: 1}
      - {op: relu}
  two:
    inputs: [left, right]
    layers:
      - {name: sum, op: add, from: [left, right]}
  free:
    params: {channels: null}
    layers:
      - {op: conv, out_channels: =channels, kernel_size: 1}
"""


def with_blocks(*lines: str, blocks: str = BLOCKS) -> str:
    return HEAD + blocks + "layers:\n" + "".join(f"  - {line}\n" for line in lines)


def names(report: Report) -> list[str]:
    assert report.network is not None
    return [node.name for node in report.network.layers]


def reads(report: Report) -> dict[str, list[str]]:
    """Return what each layer reads."""
    assert report.network is not None
    nodes = report.network.nodes
    return {node.name: [nodes[index].name for index in node.inputs] for node in report.network.layers}


def warnings(report: Report) -> list[tuple[str, Position]]:
    return [(d.code, d.span.start) for d in report.diagnostics if d.severity is Severity.WARNING]
