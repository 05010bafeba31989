"""What may mend a finding that is about the file as a whole: its layout, its outputs."""

from __future__ import annotations

from collections.abc import Iterator

from yaml.nodes import MappingNode

from shapecheck.analysis.propagation import Shapes
from shapecheck.findings.edits import add_key
from shapecheck.findings.finding import Advice, Applicability
from shapecheck.findings.limits import DEFAULT_LIMITS
from shapecheck.language.document import parse
from shapecheck.rules.advice.inquiry import entry, shown, written


def other_layout(shapes: Shapes, text: str) -> Iterator[Advice]:
    """Yield the other layout for the whole file."""
    layout = "channels_first" if shapes.network.channels_last else "channels_last"
    yield from _key(text, "layout", layout)


def listed_outputs(shapes: Shapes, text: str) -> Iterator[Advice]:
    """Yield the list of what are outputs now, as a statement that all of them are meant."""
    for advice in _key(text, "outputs", list(shapes.network.outputs)):
        yield advice._replace(where=", if all of them are meant")


def _key(text: str, key: str, value: object) -> Iterator[Advice]:
    root = parse(text, DEFAULT_LIMITS)
    if not isinstance(root, MappingNode):
        return
    there = entry(root, key) is not None
    edit = written(root, key, value) if there else add_key(root, "layers", key, shown(value))
    if edit is not None:
        yield Advice(key, "write", f"{key}: {shown(value)}", "", Applicability.DISPLAY, (edit,))
