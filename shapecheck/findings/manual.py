"""The manual pages of the rules: Markdown files that stand in ``docs/rules``, and in the wheel beside the package."""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path

from shapecheck.findings.catalogue import Rule

_FENCE = "---\n"


@functools.cache
def folder() -> Path:
    """Return where the pages are: inside an installed package, or in the checkout that an editable one runs from."""
    package = Path(str(files("shapecheck")))
    installed = package / "docs" / "rules"
    return installed if installed.is_dir() else package.parent / "docs" / "rules"


def page(rule: Rule) -> str:
    """Return the manual page of a rule as Markdown, its heading first, without the front matter. Raises OSError."""
    text = (folder() / f"{rule.code}.md").read_text(encoding="utf-8")
    return text.partition(_FENCE)[2].partition(_FENCE)[2].lstrip("\n")
