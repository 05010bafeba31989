"""What changed between two networks in Markdown, for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from shapecheck.analysis.difference.changes import Difference
from shapecheck.output.difference_rows import Table, headline, tables
from shapecheck.output.exchange import shown
from shapecheck.output.markdown import cell
from shapecheck.text import plural

# GitHub refuses a comment of more than 65,536 characters.
MOST_CHARACTERS = 60_000
# A longer table is folded away until somebody wants to see it.
MOST_OPEN = 15


def as_markdown(d: Difference) -> str:
    """Return a heading, the sentence, the totals, and each further table under its title."""
    paths = [cell(shown(side.shapes.network.path)) for side in (d.old, d.new)]
    lines = [f"### shapecheck: {paths[0]} → {paths[1]}", "", f"**{cell(headline(d))}**"]
    room = MOST_CHARACTERS
    for table in [] if d.same else tables(d):
        written, room = _table(table, room)
        if table.title == "Totals":
            lines += ["", *written]
        else:
            word = "details open" if len(table.rows) <= MOST_OPEN else "details"
            lines += ["", f"<{word}><summary>{table.title}</summary>", "", *written, "", "</details>"]
    return "\n".join(lines)


def _table(table: Table, room: int) -> tuple[list[str], int]:
    lines = [
        _row(table.head),
        _row(["---:" if table.title == "Totals" and at else "---" for at in range(len(table.head))]),
    ]
    left_out = table.more
    for row in table.rows:
        text = _row([cell(one) for one in row])
        room -= len(text)
        if room < 0:
            left_out += 1
        else:
            lines.append(text)
    if left_out:
        lines += ["", f"and {plural(left_out, 'more row')}, which this comment has no room for"]
    return lines, room


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
