"""Another name for a layer, a block, an input, a param or a dimension, wherever it is named.

What comes out is read again before it is offered: it must be the same network but for that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lsprotocol import types

from shapecheck.graph.network import Network
from shapecheck.language.vocabulary import IDENTIFIER
from shapecheck.server.checker import Analysis
from shapecheck.server.names import Occurrence, Symbol, has_name

# A name that needs no quotes wherever a name may stand.
_NAME = re.compile(r"[^\W\d][\w-]*\Z")
_NO_TEXT = ("null", "true", "false")


class NoRename(Exception):
    """A name cannot be changed so; the message says why."""


def prepare(analysis: Analysis, position: types.Position) -> tuple[types.Range, str]:
    """Return the place of the name at a position, and the name. Raises NoRename."""
    occurrence = _at(analysis, position)
    return analysis.text.range(occurrence.start, occurrence.end), occurrence.symbol.name


def rename(analysis: Analysis, position: types.Position, new: str) -> list[types.TextEdit]:
    """Return the edits that give what is named at a position the name ``new``. Raises NoRename."""
    symbol = _at(analysis, position).symbol
    if new == symbol.name:
        return []
    _require_legal(symbol, new)
    _require_free(analysis, symbol, new)
    places = analysis.names.of(symbol)
    source = analysis.text.source
    text = source
    for place in reversed(places):
        if source[place.start : place.end] != symbol.name:
            line = analysis.text.position(place.start).line + 1
            raise NoRename(f"{symbol.name} is written with escapes at line {line}; write it plainly first")
        text = text[: place.start] + new + text[place.end :]
    difference = _difference(analysis, text)
    if difference is not None:
        raise NoRename(f"{symbol.name} cannot be called {new}: {difference}")
    return [types.TextEdit(analysis.text.range(place.start, place.end), new) for place in places]


def _at(analysis: Analysis, position: types.Position) -> Occurrence:
    offset = analysis.text.offset(position)
    occurrence = analysis.names.at(offset)
    if occurrence is None:
        raise NoRename("there is no name here that could be changed")
    symbol = occurrence.symbol
    if symbol.kind == "layer":
        template = analysis.names.layers[symbol.scope][symbol.name]
        if not has_name(template):
            raise NoRename(f"{symbol.name} has its name from its op and a number; give it one with name: first")
    if symbol.kind == "input" and symbol.scope and not any(o.defines for o in analysis.names.of(symbol)):
        raise NoRename(f"{symbol.name} is what every block calls its input; give it a name under the block's inputs")
    return occurrence


def _require_legal(symbol: Symbol, new: str) -> None:
    legal = IDENTIFIER if symbol.kind in ("param", "dimension") else _NAME
    if not legal.match(new) or new.lower() in _NO_TEXT:
        dots = "; a dot parts a block from what is inside it" if "." in new else ""
        raise NoRename(f"{new!r} is no name: a name is letters, digits and _, and begins with a letter{dots}")


def _require_free(analysis: Analysis, symbol: Symbol, new: str) -> None:
    names, file = analysis.names, analysis.names.file
    block = file.blocks.get(symbol.scope)
    taken: Mapping[str, Any] | set[str]
    if symbol.kind in ("layer", "input"):
        taken = {*names.layers.get(symbol.scope, {}), *names.inputs.get(symbol.scope, [])}
    elif symbol.kind == "block":
        taken = file.blocks
    elif symbol.scope and block is not None:
        taken = block.params
    else:
        taken = {*file.params, *names.dimensions}
    if new in taken:
        raise NoRename(f"{new} is taken already" + (f" in {symbol.scope}" if symbol.scope else ""))


def _difference(analysis: Analysis, source: str) -> str | None:
    """Return in which way another text is another network, or None where it differs by names alone."""
    before, after = analysis.again(analysis.text.source), analysis.again(source)
    if before.network is None or after.network is None:
        return "the file could not be read any more"
    told, tells = ([(d.code, d.span.start.line) for d in report.diagnostics] for report in (before, after))
    if sorted(told) != sorted(tells):
        new = next((d for d in after.diagnostics if (d.code, d.span.start.line) not in told), None)
        return new.message if new is not None else "other mistakes would be found then"
    if _wiring(before.network) != _wiring(after.network):
        return "somewhere another layer would be meant, or one that has its name from its op and number another number"
    return None


def _wiring(network: Network) -> object:
    """Return all of a network but its names."""
    nodes = [
        (n.op, n.inputs, sorted(n.references.items()), len(n.expect), n.source.span.start.line) for n in network.nodes
    ]
    keys = [
        None
        if n.layer is None
        else {k: v for k, v in vars(n.layer).items() if k not in n.layer.references and not _symbolic(v)}
        for n in network.nodes
    ]
    return nodes, keys, list(network.outputs.values()), sorted(network.symmetry.items()), len(network.dims)


def _symbolic(value: object) -> bool:
    """Say whether a value may hold the name of a dimension."""
    if isinstance(value, tuple):
        return any(map(_symbolic, value))
    return not isinstance(value, (int, float, str, type(None)))
