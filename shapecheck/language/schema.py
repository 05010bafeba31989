"""The language as JSON Schema, made from the registry of ops: completion and hover in editors come from it.

``python -m shapecheck.language.schema [PATH]`` writes the file; by default ``schemas/network.schema.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from shapecheck.language import vocabulary
from shapecheck.layers import REGISTRY
from shapecheck.layers.fields import (
    EXPRESSION,
    REQUIRED,
    Boolean,
    Edges,
    Integer,
    Json,
    Key,
    Kind,
    Number,
    PerAxis,
    Positive,
    SizeValue,
    Word,
)
from shapecheck.layers.sliding import PADDING_WORDS

PATH = "schemas/network.schema.json"

_WORD = "[A-Za-z_][A-Za-z0-9_]*"
_SHARED: dict[str, Kind] = {
    "positive_integer": Integer(1),
    "natural_number": Integer(0),
    "integer": Integer(None),
    "number": Number(),
    "positive_number": Positive(),
    "boolean": Boolean(),
    "positive_integer_per_axis": PerAxis(Integer(1)),
    "natural_number_per_axis": PerAxis(Integer(0)),
    "integer_per_axis": PerAxis(Integer(None)),
    "positive_number_per_axis": PerAxis(Positive()),
    "size_per_axis": PerAxis(SizeValue()),
    "edges": Edges(),
    "padding": Word(*PADDING_WORDS, other=Edges()),
}


def build() -> Json:
    """Return the schema of a network file, JSON Schema draft 2020-12."""
    shared = {name: kind.schema() for name, kind in _SHARED.items()} | {"expression": EXPRESSION}
    definitions: Json = {name: _inside(schema, shared) for name, schema in shared.items()}
    definitions |= _common()
    for op in sorted(REGISTRY):
        definitions[f"op_{op}"] = _op(op, shared)
    placed = {**_documented(_LAYER, vocabulary.LAYER_KEYS), **_documented(_BLOCK_LAYER, vocabulary.BLOCK_LAYER_KEYS)}
    definitions["placed_block"] = _mapping(placed, required=["block"], doc="Places a block, once or in a chain.")
    # One alternative an op, told apart by a constant: an editor then completes the keys of that very op.
    alternatives = [*(f"op_{op}" for op in sorted(REGISTRY)), "placed_block"]
    # The words stand here as well: an editor offers those of an alternative only once its other keys are there.
    words: Json = {"enum": sorted(REGISTRY)}
    definitions["layer"] = {
        "type": "object",
        "properties": {"op": words},
        "anyOf": [_ref(name) for name in alternatives],
    }
    schema = _mapping(_documented(_TOP, vocabulary.TOP_KEYS), required=["shapecheck", "inputs", "layers"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:shapecheck:network:{vocabulary.LANGUAGE_VERSION}",
        "title": "A shapecheck network",
        **schema,
        "$defs": definitions,
    }


def text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _mapping(properties: Json, required: list[str] | None = None, doc: str = "") -> Json:
    schema: Json = {"description": doc} if doc else {}
    schema |= {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | ({"required": required} if required else {})


def _named(values: Json, names: Json | None = None) -> Json:
    schema: Json = {"type": "object", "additionalProperties": values}
    return schema | ({"propertyNames": names} if names else {})


def _listed(items: Json, least: int = 0) -> Json:
    schema: Json = {"type": "array", "items": items}
    return schema | ({"minItems": least} if least else {})


def _documented(schemas: Json, docs: dict[str, str]) -> Json:
    return {name: {"description": doc, **schemas[name]} for name, doc in docs.items() if name in schemas}


def _sizes(number: Json) -> Json:
    return _listed({"anyOf": [number, {"type": "string", "pattern": f"^(=|{_WORD}$)"}]})


_NAME = _ref("layer_name")
_IDENTIFIER: Json = {"pattern": f"^{_WORD}$"}
_NEW_NAME = "^[^=.][^.]*$"
_TEXT: Json = {"type": ["string", "number", "boolean", "null"]}
_NUMBER: Json = {"type": ["number", "boolean"]}
_ROW: Json = {"anyOf": [_NUMBER, _ref("expression"), _listed({"anyOf": [_NUMBER, _ref("expression")]})]}
_SHAPE = _sizes({"type": "integer", "minimum": 1})
_COUNT: Json = {"type": "integer", "minimum": 1}
_OUTPUT: Json = {"from": _NAME, "expect": _ref("expectation"), "same_shape_as": _NAME}
_LAYER: Json = {
    "name": _ref("new_name"),
    "from": _ref("layer_names"),
    "expect": _ref("expectation"),
    "same_shape_as": _NAME,
    "when": _ref("condition"),
}
_BLOCK_LAYER: Json = {
    "block": _NAME,
    "with": _named(_ref("param")),
    "repeat": _ref("natural_number"),
}
_BLOCK: Json = {
    "doc": _TEXT,
    "params": _named({"anyOf": [_ref("param"), {"type": "null"}]}, _IDENTIFIER),
    "inputs": _ref("layer_names"),
    "layers": _ref("layers"),
    "output": _NAME,
}
_TOP: Json = {
    "shapecheck": {"const": vocabulary.LANGUAGE_VERSION},
    "name": _TEXT,
    "doc": _TEXT,
    "layout": {"enum": ["channels_first", "channels_last"], "default": "channels_first"},
    "params": _named(_ref("param"), _IDENTIFIER),
    "inputs": {**_named(_ref("input"), {"pattern": _NEW_NAME}), "minProperties": 1},
    "dims": _named(_ref("dimension"), _IDENTIFIER),
    "blocks": _named(_ref("block")),
    "layers": _ref("layers"),
    "outputs": {"anyOf": [_NAME, _listed(_NAME), _named(_ref("output"))]},
    "symmetry": _named(_NAME),
    "sharding": _ref("sharding"),
}


def _common() -> Json:
    """Return the definitions that are no kind and no op."""
    accepts = dict.fromkeys(vocabulary.ACCEPTS_KEYS, _COUNT) | {"sizes": _listed(_COUNT, 1)}
    size = _ref("positive_integer")
    dimension = {"size": size, "accepts": _mapping(_documented(accepts, vocabulary.ACCEPTS_KEYS))}
    entry = {"shape": _SHAPE, "dtype": {"enum": list(vocabulary.DTYPES), "default": vocabulary.DTYPES[0]}}
    return {
        "layer_name": {"type": ["string", "integer"], "pattern": "^[^=]"},
        "new_name": {"type": ["string", "integer"], "pattern": _NEW_NAME},
        "condition": {"anyOf": [{"type": ["boolean", "integer"]}, _ref("expression")]},
        "layer_names": {"anyOf": [_NAME, _listed(_NAME, 1)]},
        "expectation": _sizes({"type": "integer"}),
        "param": _ROW,
        "input": {"anyOf": [_SHAPE, _mapping(_documented(entry, vocabulary.INPUT_KEYS), ["shape"])]},
        "dimension": {"anyOf": [size, _mapping(_documented(dimension, vocabulary.DIM_KEYS))]},
        "block": _mapping(_documented(_BLOCK, vocabulary.BLOCK_KEYS), ["layers"]),
        "layers": _listed(_ref("layer"), 1),
        "output": {"anyOf": [_NAME, _mapping(_documented(_OUTPUT, vocabulary.OUTPUT_KEYS))]},
        **_sharding(),
    }


def _sharding() -> Json:
    """Return the definitions of what is split over several devices."""
    split, splits = _ref("split"), _ref("splits")
    layer = {"channels": split, "output": splits}
    keys = {
        "mesh": {**_named(_COUNT, _IDENTIFIER), "minProperties": 1},
        "dims": _named(split, _IDENTIFIER),
        "inputs": _named(splits),
        "channels": split,
        "layers": _named(_mapping(_documented(layer, vocabulary.LAYER_SHARDING_KEYS))),
    }
    word: Json = {"type": "string", **_IDENTIFIER}
    return {
        "split": {"anyOf": [word, _listed(word, 1)]},
        "splits": _listed(split, 1),
        "sharding": _mapping(_documented(keys, vocabulary.SHARDING_KEYS), ["mesh"]),
    }


def _op(op: str, shared: dict[str, Json]) -> Json:
    kind = REGISTRY[op]
    doc = " ".join((kind.__doc__ or "").split())
    keys = kind.keys_of(op)
    properties = {
        "op": {"const": op, "description": doc},
        **{name: _key(key, shared) for name, key in keys.items()},
        **_documented(_LAYER, vocabulary.LAYER_KEYS),
    }
    required = [name for name, key in keys.items() if key.default is REQUIRED]
    return {"title": op, **_mapping(properties, ["op", *required], doc)}


def _key(key: Key, shared: dict[str, Json]) -> Json:
    schema = _shorten(key.kind.schema(), shared)
    if key.default is None:
        # null means the same as leaving the key out.
        return {"description": key.doc, "anyOf": [schema, {"type": "null"}]}
    default = {} if key.default is REQUIRED else {"default": key.default}
    return {"description": key.doc, **default, **schema}


def _shorten(schema: Any, shared: dict[str, Json]) -> Any:
    """Return a schema with every part that has a name of its own replaced by a reference."""
    name = next((name for name, other in shared.items() if other == schema), None)
    return _ref(name) if name else _inside(schema, shared)


def _inside(schema: Any, shared: dict[str, Json]) -> Any:
    if isinstance(schema, dict):
        return {word: _shorten(part, shared) for word, part in schema.items()}
    return [_shorten(part, shared) for part in schema] if isinstance(schema, list) else schema


def main(arguments: list[str]) -> None:
    """Write the schema to the path in ``arguments``, or to its place in the source tree."""
    Path(arguments[0] if arguments else PATH).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
