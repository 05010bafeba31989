"""What changed between two networks, for people at a terminal."""

from __future__ import annotations

from shapecheck.analysis.difference.changes import Difference
from shapecheck.output.difference_rows import Table, headline, tables
from shapecheck.output.summary import plural


def as_text(d: Difference) -> str:
    """Return the tables, one below the other, and a sentence above them."""
    paths = f"{d.old.shapes.network.path} → {d.new.shapes.network.path}"
    lines = [_plain(f"{paths}: {headline(d)}")]
    for table in tables(d):
        if d.same and table.title == "Totals":
            continue
        lines += ["", *_table(table)]
    return "\n".join(lines)


def _table(table: Table) -> list[str]:
    rows = [tuple(map(_plain, row)) for row in (table.head, *table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    right = {1, 2, 3} if table.title == "Totals" else set()
    lines = [table.title]
    for row in rows if any(table.head) else rows[1:]:
        cells = [c.rjust(w) if at in right else c.ljust(w) for at, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append(("  " + "  ".join(cells)).rstrip())
    if table.more:
        lines.append(f"  and {plural(table.more, 'more row')}, all of them in --output-format json")
    return lines


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
