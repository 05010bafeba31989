"""A translated graph as the text of a network file."""

from __future__ import annotations

import json
import re
from typing import Any

from shapecheck.importers.onnx.naming import NameMaker
from shapecheck.importers.onnx.onnx_graph import Variable
from shapecheck.importers.onnx.translation import EmittedLayer, Translation, show_size

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# Plain words that YAML takes for something else.
_QUOTED = {"null", "true", "false", "Null", "True", "False", "NULL", "TRUE", "FALSE"}
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]+")


def write(t: Translation, source: str, name: str) -> str:
    """Return the text; ``source`` says in a comment where it is from."""
    outputs = _outputs(t)
    lines = [f"# {_clean(source)}", "shapecheck: 1"]
    if name:
        lines.append(f"name: {json.dumps(_clean(name), ensure_ascii=False)}")
    lines += ["", "inputs:"]
    for value, shape in t.inputs.values():
        sizes = _value([show_size(size) for size in shape])
        entry = sizes if value.dtype in (None, "float32") else f"{{shape: {sizes}, dtype: {value.dtype}}}"
        lines.append(f"  {value.name}: {entry}")
    lines += ["", "layers:"]
    above = [value.name for value, _ in t.inputs.values()] if len(t.inputs) == 1 else []
    for layer in t.layers:
        lines.append(_line(layer, above))
        above = [layer.name]
    lines += ["", "outputs:", *(f"  {key}: {layer}" for key, layer in outputs.items())]
    return "\n".join(lines) + "\n"


def _line(layer: EmittedLayer, above: list[str]) -> str:
    entries: dict[str, Any] = {"name": layer.name, "op": layer.op}
    if list(layer.reads) != above:
        entries["from"] = layer.reads[0] if len(layer.reads) == 1 else list(layer.reads)
    entries |= layer.keys
    text = ", ".join(f"{key}: {_value(value)}" for key, value in entries.items())
    return f"  - {{{text}}}" + (f"  # {_clean(layer.note)}" if layer.note else "")


def _value(value: Any) -> str:
    value = show_size(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str) and _PLAIN.match(value) and value not in _QUOTED:
        return value
    return json.dumps(value)


def _outputs(t: Translation) -> dict[str, str]:
    """Return the layers that are outputs by their names; an input that is one gets a layer."""
    names = NameMaker()
    inputs = {value.name for value, _ in t.inputs.values()}
    found = {}
    for tensor in dict.fromkeys(t.graph.outputs):
        value = t.values[tensor]
        if not isinstance(value, Variable):
            raise AssertionError(f"{tensor} was refused, and is written")
        if value.layer in inputs:
            value = t.add("identity", [value], {}, value.shape)
        found[names.give(tensor, "output")] = value.layer
    return found


def _clean(text: str) -> str:
    """Return text of the file's own that fits on one line."""
    return _UNPRINTABLE.sub(" ", text).strip()[:200]
