"""What may be written at the cursor."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lsprotocol import types

from shapecheck.findings.finding import Finding
from shapecheck.findings.limits import Limits
from shapecheck.language import vocabulary
from shapecheck.language.document import parse
from shapecheck.language.reader import read
from shapecheck.language.templates import FileTemplate
from shapecheck.layers import REGISTRY
from shapecheck.layers.fields import Boolean, Key, Kind, LayerName, Listing, PerAxis, Word
from shapecheck.server import cursor, docs
from shapecheck.server.names import NameIndex
from shapecheck.server.positions import Text

# What may stand behind a dot or between two, in front of the cursor.
_PATH = re.compile(r"[\w.-]*$")
_WORD = re.compile(r"\w*$")
_TOP = re.compile(r"^([A-Za-z_]\w*)[ \t]*:", re.MULTILINE)
TRIGGERS = [":", " ", "=", ".", "{", "[", ",", "-"]
K = types.CompletionItemKind


class _Offer:
    """The entries that are offered at a place; ``names`` are those of the last text that could be read."""

    def __init__(self, text: Text, at: cursor.Cursor, names: NameIndex, position: types.Position) -> None:
        self.text = text
        self.cursor = at
        self.names = names
        self.position = position
        self.found: dict[str, types.CompletionItem] = {}

    def add(
        self, word: str, kind: types.CompletionItemKind, detail: str = "", doc: str | None = None, behind: str = ""
    ) -> None:
        """Offer a word, which takes the place of what was typed of it."""
        if word in self.found:
            return
        offset = self.text.offset(self.position)
        line = self.text.source[self.text.starts[self.position.line] : offset]
        match = (_WORD if self._in_expression() else _PATH).search(line)
        start = offset - len(match.group()) if match is not None else offset
        if behind and self._colon_follows(offset):
            behind = ""
        self.found[word] = types.CompletionItem(
            label=word,
            kind=kind,
            detail=detail or None,
            documentation=types.MarkupContent(types.MarkupKind.Markdown, doc) if doc else None,
            text_edit=types.TextEdit(self.text.range(start, offset), word + behind),
            filter_text=word,
            sort_text=f"{len(self.found):04}",
        )

    def _colon_follows(self, offset: int) -> bool:
        return re.compile(r"[ \t]*:").match(self.text.source, offset) is not None

    def keys(self, keys: dict[str, str], taken: Iterable[str] = ()) -> None:
        """Offer keys of the language that are not there yet."""
        for key, doc in keys.items():
            if key not in taken:
                self.add(key, K.Field, doc=doc, behind=": ")

    def words(self, words: Iterable[str], detail: str = "") -> None:
        """Offer plain words."""
        for word in words:
            self.add(word, K.EnumMember, detail)

    def layers(self, scope: str) -> None:
        """Offer the layers that may be read in a scope, or, behind a dot, those inside the block that is named."""
        match = _PATH.search(self.cursor.typed)
        path = (match.group() if match is not None else "").split(".")
        if len(path) > 1:
            head = ".".join(path[:-1])
            for name in self.names.inside(scope, path[:-1]):
                self.add(f"{head}.{name}", K.Variable, "layer")
            return
        inputs = {*self.names.inputs.get(scope, []), *self.names.inputs[""]}
        for name in self.names.readable(scope):
            template = self.names.layers.get(scope, {}).get(name) or self.names.layers[""].get(name)
            what = template.block.text if template and template.block else template.op if template else ""
            self.add(name, K.Variable, "input" if name in inputs else what or "layer")

    def params(self, scope: str, sizes: bool) -> None:
        """Offer what may stand in an expression."""
        block = self.names.file.blocks.get(scope)
        self._named(block.params if block is not None else (), "param of the block")
        self._named(self.names.file.params, "param")
        if sizes:
            self._named(sorted(self.names.dimensions), "dimension")
        if scope:
            self.add("index", K.Constant, "the number of the copy")
        for word in ("min", "max"):
            self.add(word, K.Function)

    def _named(self, words: Iterable[str], detail: str) -> None:
        for word in words:
            self.add(word, K.Constant, detail)

    def dimensions(self) -> None:
        """Offer the named dimensions."""
        self._named(sorted(self.names.dimensions), "dimension")

    def top_keys(self) -> list[str]:
        """Return the keys that stand at the margin."""
        return _TOP.findall(self.text.source)

    def _in_expression(self) -> bool:
        return self.cursor.typed.lstrip("\"'").startswith("=")


def names_around(text: Text, line: int, limits: Limits) -> NameIndex:
    """Return the names of a text that was never whole: those that it has without the line that is being written."""
    others = "\n".join("" if at == line else other for at, other in enumerate(text.lines))
    root = parse(others, limits)
    rest = Text(others)
    return (
        NameIndex(FileTemplate(""), rest) if isinstance(root, Finding) else NameIndex(read(root, "", limits)[0], rest)
    )


def complete(text: Text, position: types.Position, names: NameIndex) -> list[types.CompletionItem]:
    """Return what may be written at a place of a text, however broken it is."""
    line = min(position.line, len(text.lines) - 1)
    column = text.offset(types.Position(line, position.character)) - text.starts[line]
    at = cursor.read(text.lines, line, column)
    if at is None or line != position.line:
        return []
    offer = _Offer(text, at, names, position)
    _offer(offer, at)
    return list(offer.found.values())


def _offer(offer: _Offer, at: cursor.Cursor) -> None:
    scope, rest = "", at.way
    if at.way[:1] == ("blocks",) and at.way[2:3] == ("layers",):
        scope, rest = at.way[1], at.way[3:]
    elif at.way[:1] == ("layers",):
        rest = at.way[1:]
    else:
        _outside(offer, at)
        return
    if at.typed.lstrip("\"'").startswith("="):
        sizes = rest[1:2] == ("expect",) or _kind(at, rest).sizes
        offer.params(scope, sizes)
    elif rest == ("-",) and at.at_key:
        _layer_keys(offer, at.siblings)
    elif len(rest) > 1:
        _layer_value(offer, at, scope, rest)


def _kind(at: cursor.Cursor, rest: tuple[str, ...]) -> Kind:
    declared = _declared(at, rest[1]) if len(rest) > 1 else None
    return Kind() if declared is None else declared.kind


def _declared(at: cursor.Cursor, key: str) -> Key | None:
    kind = REGISTRY.get(at.siblings.get("op", ""))
    return kind.keys_of(at.siblings["op"]).get(key) if kind is not None else None


def _layer_keys(offer: _Offer, siblings: dict[str, str]) -> None:
    op = siblings.get("op", "")
    if op in REGISTRY:
        for name, key in REGISTRY[op].keys_of(op).items():
            if name not in siblings:
                offer.add(name, K.Property, f"of {op}", docs.key_of_op(op, name) or key.doc, ": ")
    if "block" in siblings:
        offer.keys(vocabulary.BLOCK_LAYER_KEYS, siblings)
    elif "op" not in siblings:
        offer.keys({key: vocabulary.LAYER_KEYS[key] for key in ("op", "name")}, siblings)
        offer.keys({"block": vocabulary.BLOCK_LAYER_KEYS["block"]}, siblings)
    offer.keys(vocabulary.LAYER_KEYS, {*siblings, *(["op"] if "block" in siblings else [])})


def _layer_value(offer: _Offer, at: cursor.Cursor, scope: str, rest: tuple[str, ...]) -> None:
    key = rest[1]
    if key == "op":
        for op in sorted(REGISTRY):
            offer.add(op, K.Function, docs.brief(op), docs.op(op))
    elif key == "block":
        for name, block in offer.names.file.blocks.items():
            offer.add(name, K.Class, ", ".join(block.params))
    elif key in ("from", "same_shape_as"):
        offer.layers(scope)
    elif key == "expect":
        offer.dimensions()
        offer.add(vocabulary.ANY_SIZE, K.Constant, "any size")
    elif key == "with" and at.at_key:
        placed = offer.names.file.blocks.get(at.siblings.get("block", ""))
        for param in placed.params if placed is not None else ():
            offer.add(param, K.Field, "param", behind=": ")
    elif (declared := _declared(at, key)) is not None:
        _value_of(offer, declared.kind, scope)


def _value_of(offer: _Offer, kind: Kind, scope: str) -> None:
    if isinstance(kind, LayerName):
        offer.layers(scope)
    elif isinstance(kind, Boolean):
        offer.words(("true", "false"))
    elif isinstance(kind, Word):
        offer.words(kind.words)
        if kind.other is not None:
            _value_of(offer, kind.other, scope)
    elif isinstance(kind, (PerAxis, Listing)):
        _value_of(offer, kind.item, scope)
    if kind.sizes:
        offer.dimensions()


def _outside(offer: _Offer, at: cursor.Cursor) -> None:
    """Offer what may stand outside of layers."""
    expression = at.typed.lstrip("\"'").startswith("=")
    match at.way:
        case ("layout",):
            offer.words(("channels_first", "channels_last"))
        case ("inputs", _, "dtype"):
            offer.words(vocabulary.DTYPES)
        case ("params", _, *_) | ("dims", _, *_) if expression:
            offer.params("", False)
        case ("blocks", block, "params", _, *_) if expression:
            offer.params(block, False)
        case ("inputs", _, "-") | ("inputs", _, "shape", "-"):
            offer.params("", False) if expression else offer.dimensions()
        case ("outputs", _, "expect", "-"):
            if expression:
                offer.params("", True)
            else:
                offer.dimensions()
                offer.add(vocabulary.ANY_SIZE, K.Constant, "any size")
        case ("outputs",) | ("outputs", "-") | ("outputs", _, "from" | "same_shape_as"):
            offer.layers("")
        case ("outputs", _) if not at.at_key:
            offer.layers("")
        case ("symmetry",) | ("symmetry", _) | ("sharding", "layers"):
            offer.layers("")
        case ("blocks", block, "output"):
            offer.layers(block)
        case ("dims",) | ("sharding", "dims"):
            offer.dimensions()
        case _ if at.at_key:
            offer.keys(dict(docs.keys_at(at.way)), () if at.way else offer.top_keys())
