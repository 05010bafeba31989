"""What changed between two networks, for people at a terminal."""

from __future__ import annotations

from shapecheck.analysis.difference.changes import Difference
from shapecheck.output.difference_rows import Table, headline, tables
from shapecheck.text import plural, printable, table


def as_text(d: Difference) -> str:
    """Return the tables, one below the other, and a sentence above them."""
    paths = f"{d.old.shapes.network.path} → {d.new.shapes.network.path}"
    lines = [printable(f"{paths}: {headline(d)}")]
    for one in tables(d):
        if not (d.same and one.title == "Totals"):
            lines += ["", *_table(one)]
    return "\n".join(lines)


def _table(found: Table) -> list[str]:
    rows = [tuple(map(printable, row)) for row in (found.head, *found.rows)]
    cells = table(rows, right={1, 2, 3} if found.title == "Totals" else ())
    lines = [found.title, *(f"  {line}".rstrip() for line in (cells if any(found.head) else cells[1:]))]
    if found.more:
        lines.append(f"  and {plural(found.more, 'more row')}, all of them in --output-format json")
    return lines
