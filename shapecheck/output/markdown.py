"""Markdown tables, for the summary of a CI run.

``shapecheck check --output-format markdown >> "$GITHUB_STEP_SUMMARY"``
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TextIO

from shapecheck.findings.checked import Report
from shapecheck.findings.finding import Finding
from shapecheck.output import verification_text
from shapecheck.output.exchange import printable_lines, shown
from shapecheck.output.mesh_text import HEAD, collective_row, flops_text, pass_title
from shapecheck.output.summary import summary_line
from shapecheck.text import plural, short_bytes
from shapecheck.verification.records.partition import PartitionPass

# GitHub refuses a summary of more than 1 MiB.
MOST_BYTES = 900_000

# A backslash does for most; these are structure to one reader or another even behind one.
_SPECIAL = re.compile(r"[`*_\[\]~&<>|\\$@\n]")
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",
    "\\": "&#92;",
    "$": "&#36;",
    "@": "&#64;",
    "\n": "<br>",
}


def render(reports: Sequence[Report], stream: TextIO, color: bool = False) -> None:
    """Write the verdict, a table of the findings, and one of the proofs."""
    stream.write(f"### shapecheck\n\n**{summary_line(reports)}**\n")
    found = [(shown(report.path), d) for report in reports for d in report.diagnostics]
    _table(stream, "Findings", ("Place", "Code", "Severity", "Message"), [_finding(path, d) for path, d in found])
    proofs = [(shown(r.path), r.verification) for r in reports if r.verification is not None]
    rows = [(path, v.result.replace("_", " "), verification_text.sentence(v)) for path, v in proofs]
    _table(stream, "Proofs", ("File", "Result", "Details"), rows)
    amounts = [(path, *row) for path, v in proofs for row in verification_text.rows(v)]
    _table(stream, "Cost", ("File", "What", "How much"), amounts)
    meshes = [(path, v.mesh) for path, v in proofs if v.mesh is not None]
    passes = [(path, one) for path, mesh in meshes for one in mesh.passes]
    head = ("File", "Compiled", "Flops a device", "Flops on one device", "Memory a device")
    _table(stream, "Devices", head, [_devices(path, one) for path, one in passes])
    exchanged = [(path, pass_title(one), *collective_row(each)) for path, one in passes for each in one.exchanges]
    _table(stream, "Collectives", ("File", "Compiled", *(word.capitalize() for word in HEAD)), exchanged)


def _devices(path: str, one: PartitionPass) -> tuple[str, ...]:
    memory = "unknown" if one.each.held is None else short_bytes(one.each.held)
    return path, pass_title(one), flops_text(one.each), flops_text(one.whole), memory


def _finding(path: str, d: Finding) -> tuple[str, ...]:
    message = d.message + (f"\nhelp: {d.help}" if d.help else "")
    return f"{path}:{d.span.start.line}:{d.span.start.column}", d.code, str(d.severity), message


def _table(stream: TextIO, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    stream.write(f"\n#### {title}\n\n{_row(head)}{_row(['---'] * len(head))}")
    written = 0
    for row in _within(rows):
        stream.write(row)
        written += 1
    if written < len(rows):
        stream.write(f"\nand {plural(len(rows) - written, 'more row')}, which this summary has no room for\n")


def _within(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    left = MOST_BYTES // 2
    for row in rows:
        text = _row([cell(one) for one in row])
        left -= len(text.encode("utf-8", "replace"))
        if left < 0:
            return
        yield text


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def cell(text: str) -> str:
    """Return a text as it can stand in a table, whatever is in it."""
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found.group(), f"\\{found.group()}"), printable_lines(text).strip())
