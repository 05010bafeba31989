"""What was found, in the forms that people and programs read: a module for each format of ``check``, and tables."""

from __future__ import annotations

import importlib
from typing import Any

# The formats of findings by the module that renders them; each is loaded when it is asked for.
FORMATS = {
    "text": "terminal",
    "concise": "concise",
    "json": "json",
    "json-lines": "json_lines",
    "github": "github",
    "gitlab": "gitlab",
    "sarif": "sarif",
    "junit": "junit",
    "markdown": "markdown",
}


def renderer(output_format: str) -> Any:
    """Return the module of a format; its ``render(reports, stream, color)`` writes findings. Raises KeyError."""
    return importlib.import_module(f"shapecheck.output.{FORMATS[output_format]}")
