"""An ONNX file to a network file, and the proof that both have the same shapes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from shapecheck import pipeline
from shapecheck.analysis.propagation import Shapes
from shapecheck.arithmetic.shape import Shape, show
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.findings.catalogue import Severity
from shapecheck.findings.checked import Report, Settings
from shapecheck.findings.limits import DEFAULT_LIMITS, Limits
from shapecheck.importers.onnx import inference, matrix, moving, network_text, onnx_file, pointwise, resizing, windows
from shapecheck.importers.onnx.onnx_graph import Unusable, Variable
from shapecheck.importers.onnx.translation import Translation

RULES = {**windows.RULES, **pointwise.RULES, **matrix.RULES, **moving.RULES, **resizing.RULES}
# Where sizes are open, both are compared at two of these: the size of a batch, of the first other dimension, and
# how much more each further one has. Most are even, for networks that halve.
_TRIALS = (
    (2, 224, 32),
    (3, 97, 2),
    (1, 224, 32),
    (1, 64, 32),
    (2, 512, 256),
    (1, 1024, 1024),
    (2, 16, 8),
    (1, 7, 2),
    (4, 3, 1),
    (1, 1, 0),
)
_COMPARISONS = 2


class NoDimension(Exception):
    """A size was given for ``name``, which is none of ``names``, the dimensions of the file."""

    def __init__(self, name: str, names: list[str]) -> None:
        super().__init__(name)
        self.name = name
        self.names = names


class Imported(NamedTuple):
    """A network file, and how far it was compared with what ONNX infers.

    ``notes`` are the layers that say less than their nodes; ``agree`` counts tensors whose shapes agree at every
    ``sizes`` tried, ``unknown`` names the layers for which ONNX has none.
    """

    text: str
    notes: tuple[str, ...]
    layers: int
    agree: int
    unknown: tuple[str, ...]
    sizes: tuple[dict[str, int], ...]


def import_onnx(path: str, sizes: dict[str, int] | None = None, limits: Limits = DEFAULT_LIMITS) -> Imported:
    """Return the network in an ONNX file; ``sizes`` fixes named dimensions.

    Raises Unusable where the file is damaged, where a node cannot be translated exactly, and where shapecheck and
    ONNX find different shapes; NoDimension for a name of ``sizes`` that is no dimension.
    """
    model = onnx_file.load(path, limits)
    graph = onnx_file.graph_of(model, limits)
    sizes = sizes or {}
    t = Translation(graph, sizes)
    t.read_inputs()
    for name in sizes:
        if name not in t.dims.values():
            raise NoDimension(name, list(t.dims.values()))
    t.run(RULES)
    source = f"From {os.path.basename(path)}, ONNX opset {graph.opset}."
    text = network_text.write(t, source, graph.name)
    open_dims = [name for name in dict.fromkeys(t.dims.values()) if name not in sizes]
    unknown: dict[str, str] = {}
    agree: set[str] = set()
    tried = tuple(_fitting(t, text, open_dims, limits))
    tensors = {name: value for name, value in t.values.items() if isinstance(value, Variable) and name not in t.inputs}
    live = {name for node in t.live for name in node.outputs}
    for setting, shapes in tried:
        inputs = {name: _at(shape, setting) for name, (_, shape) in t.inputs.items()}
        found = inference.infer(model, inputs, live)
        problems = [
            problem
            for name, value in tensors.items()
            for problem in _differences(name, value, shapes[value.layer].output, found, graph.declared, setting)
        ]
        if problems:
            raise Unusable(*problems)
        for name, value in tensors.items():
            if None in found.get(name, (None,)) and not _numbers(graph.declared.get(name)):
                unknown[name] = value.layer
            else:
                agree.add(name)
    return Imported(
        text,
        tuple(f"{layer.name}: {layer.note}" for layer in t.layers if layer.note),
        len(t.layers),
        len(agree - unknown.keys()),
        tuple(dict.fromkeys(unknown.values())),
        tuple(setting for setting, _ in tried),
    )


def _numbers(axes: tuple[int | str | None, ...] | None) -> bool:
    return axes is not None and all(isinstance(axis, int) for axis in axes)


def _fitting(t: Translation, text: str, names: list[str], limits: Limits) -> Iterator[tuple[dict[str, int], Shapes]]:
    """Yield sizes at which the network fits together, and its shapes there. Raises Unusable where none are found."""
    batches = {str(shape[0]) for _, shape in t.inputs.values() if shape and isinstance(shape[0], Symbolic)}
    others = [name for name in names if name not in batches]
    found = 0
    first: Report | None = None
    for batch, base, more in _TRIALS if names else _TRIALS[:1]:
        setting = {name: batch for name in names if name in batches}
        setting |= {name: base + more * at for at, name in enumerate(others)}
        report = pipeline.check(text, Settings("imported.net.yaml", setting, limits))
        first = first or report
        if report.shapes is not None and not any(d.severity is Severity.ERROR for d in report.diagnostics):
            yield setting, report.shapes
            found += 1
        if found == _COMPARISONS:
            return
    if not found and first is not None:
        wrong = [d for d in first.diagnostics if d.severity is Severity.ERROR]
        if names:
            tail = f"no sizes were found at which the network fits; give them by --set: {', '.join(names)}"
            raise Unusable(tail, *(f"at {_show(_first_setting(names, batches))}: {d.message}" for d in wrong[:3]))
        raise Unusable(*(f"{d.code} {d.message}" for d in wrong))


def _first_setting(names: list[str], batches: set[str]) -> dict[str, int]:
    batch, base, more = _TRIALS[0]
    others = [name for name in names if name not in batches]
    return {name: batch if name in batches else base + more * others.index(name) for name in names}


def _at(shape: Shape, setting: dict[str, int]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else size.at(setting) for size in shape)


def _show(setting: dict[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in setting.items())


def _differences(
    name: str,
    value: Variable,
    mine: Shape | None,
    found: dict[str, tuple[int | None, ...]],
    declared: dict[str, tuple[int | str | None, ...]],
    setting: dict[str, int],
) -> Iterator[str]:
    """Yield where a layer's shape is not what ONNX infers or, where it infers none, what the file declares."""
    at = f" at {_show(setting)}" if setting else ""
    if mine is None:
        yield f"the shape of {value.layer} is not known{at}"
        return
    for theirs, says in ((found.get(name), "ONNX infers"), (declared.get(name), "the file declares")):
        if theirs is None or (says == "the file declares" and name in found and None not in found[name]):
            continue
        numbers = [size if isinstance(size, int) else None for size in theirs]
        if len(numbers) != len(mine) or any(b is not None and a != b for a, b in zip(mine, numbers, strict=True)):
            shown = show(["?" if size is None else size for size in numbers])
            yield f"{value.layer}: shapecheck finds {show(mine)}{at}, but {says} {shown} for {name!r}"
