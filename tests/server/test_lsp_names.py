"""Every name in the examples: it stands where it is said to stand, and under another name the network is the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from editor import ROOT, apply
from texts import check_text

from shapecheck.config import Config
from shapecheck.language.scope import Scope, find
from shapecheck.language.templates import Name
from shapecheck.server import rename
from shapecheck.server.checker import Analysis, Checker
from shapecheck.server.positions import Text

EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))
# With blocks, params, symmetry and dotted names among them, and few enough layers to read again for every name.
SMALL = [ROOT / "examples" / f"{name}.net.yaml" for name in ("unet_2015", "lenet5", "autoencoder", "audio_codec")]


@cache
def analysis(path: Path) -> Analysis:
    return Checker(str(path)).check(Text(path.read_text(encoding="utf-8")), Config())


def shapes(text: str) -> list[Any]:
    report = check_text(text, "x")
    assert report.shapes is not None and report.network is not None
    return [(node.op, report.shapes.outputs[node.index]) for node in report.network.nodes]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_every_occurrence_is_written_as_its_name(path: Path) -> None:
    names, source = analysis(path).names, analysis(path).text.source
    assert names.occurrences
    for occurrence in names.occurrences:
        assert source[occurrence.start : occurrence.end] == occurrence.symbol.name
        assert names.definition(occurrence.symbol) is not None
    # Whatever the file reads is found, and so is whatever it calls a layer.
    read = {
        source.text for layers in names.layers.values() for layer in layers.values() for source in layer.sources or []
    }
    written = {source[o.start : o.end] for o in names.occurrences}
    assert {part for name in read for part in name.split(".") if not part.isdigit()} <= written | {"input"}


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name.partition(".")[0])
def test_every_symbol_may_have_another_name(path: Path) -> None:
    one = analysis(path)
    source = one.text.source
    wanted = shapes(source)
    changed, refused = 0, []
    for symbol in dict.fromkeys(occurrence.symbol for occurrence in one.names.occurrences):
        at = one.text.position(one.names.of(symbol)[-1].start)
        try:
            edits = rename.rename(one, at, "another_name")
        except rename.NoRename as reason:
            refused.append(str(reason))
            continue
        text = apply(source, edits)
        assert text.replace("another_name", symbol.name) == source
        assert shapes(text) == wanted
        changed += 1
    assert changed
    for why in refused:
        assert "from its op and a number" in why or "every block calls its input" in why


def test_names_are_looked_up_as_the_expander_does() -> None:
    text = """shapecheck: 1
inputs: {x: [1, 3, 8, 8]}
blocks:
  b:
    layers:
      - {name: x, op: relu, from: input}
      - {op: relu, from: x}
      - {op: relu, from: y}
layers:
  - {name: y, op: relu}
  - {name: z, block: b}
  - {op: relu, from: z.x}
"""
    one = Checker("x").check(Text(text), Config())
    scopes = {o.symbol for o in one.names.occurrences if o.symbol.name == "x"}
    assert {(s.kind, s.scope) for s in scopes} == {("input", ""), ("layer", "b")}
    inside = text.index("from: x}") + len("from: ")
    found = one.names.at(inside)
    assert found is not None and (found.symbol.kind, found.symbol.scope) == ("layer", "b")
    # The expander's own look-up, on scopes made by hand.
    top = Scope("", None)
    top.inputs, top.names = {"x": 0}, {"y": 1}
    block = Scope("z.", top)
    block.inputs, block.names = {"input": 1}, {"x": 2}
    span = one.report.diagnostics[0].span if one.report.diagnostics else None
    for name in ("x", "y", "input"):
        assert isinstance(find(block, Name(name, span)), int)  # type: ignore[arg-type]
        assert one.names.resolve("b", name)
    assert one.names.resolve("b", "z.x") and one.names.resolve("", "input") == []
