"""Networks for the tests of the page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from paths import EXAMPLES, ROOT
from texts import check_file, check_text

from shapecheck.findings.checked import Report
from shapecheck.report import page

EVIL = r"""
shapecheck: 1
name: "</script><script>alert(1)</script>"
inputs:
  "<b>x": [N, 1, H, 8]
dims: {N: 1, H: 8}
layers:
  - {name: "<script>", op: conv, out_channels: 4, kernel_size: 3}
  - {name: "</script><img src=x onerror=alert(1)>", op: relu}
  - {name: "{{ 7 * 7 }}${7*7}<!--", op: relu}
  - {name: "\"'><i onclick=alert(1)>", op: conv, out_channels: 4, kernel_size: 9}
outputs: {"<u>]]>": "</script><img src=x onerror=alert(1)>"}
"""


def example(name: str) -> Report:
    return check_file(str(EXAMPLES / f"{name}.net.yaml"))


def long_network(count: int) -> Report:
    """Return a chain of many layers without blocks."""
    lines = ["shapecheck: 1", "inputs: {x: [1, 8, 64, 64]}", "layers:"]
    for n in range(count):
        conv = "  - {op: conv, out_channels: 8, kernel_size: 3, padding: 1}"
        lines.append(conv if n % 2 == 0 else "  - {op: relu}")
    return check_text("\n".join(lines) + "\n", "long.net.yaml")


class Elements(HTMLParser):
    """What a page consists of: every start tag with its attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data


def island(text: str) -> Any:
    """Return the data that the page carries for its scripts."""
    return json.loads(Elements(text).scripts[0])


__all__ = ["EVIL", "EXAMPLES", "ROOT", "Elements", "example", "island", "long_network", "page"]
