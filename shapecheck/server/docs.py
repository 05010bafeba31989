"""What the language says of ops, keys and rules, as Markdown; each word of it has its owner elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from shapecheck.findings.catalogue import RULES
from shapecheck.findings.manual import page
from shapecheck.language import vocabulary
from shapecheck.language.op_tables import inputs, sentence, takes, with_default
from shapecheck.layers import REGISTRY
from shapecheck.layers.fields import REQUIRED, Key


def op(word: str) -> str | None:
    """Return what an op does and its keys, or None for a word that is no op."""
    kind = REGISTRY.get(word)
    if kind is None:
        return None
    count = inputs(kind)
    lines = [f"**{word}**: {sentence(kind)}", "", f"Takes {count} {'input' if count == '1' else 'inputs'}."]
    keys = kind.keys_of(word)
    if keys:
        lines += ["", *(f"- {with_default(name, key)}: {key.doc}" for name, key in keys.items())]
    return "\n".join(lines)


def brief(word: str) -> str:
    """Return the keys of an op in a line."""
    return ", ".join(
        name if key.default is REQUIRED else f"{name}?" for name, key in REGISTRY[word].keys_of(word).items()
    )


def key_of_op(word: str, name: str) -> str | None:
    """Return what a key of an op means, takes, and is by default; None where the op has no such key."""
    kind = REGISTRY.get(word)
    declared = kind.keys_of(word).get(name) if kind is not None else None
    return None if declared is None else _key(name, word, declared)


def _key(name: str, word: str, declared: Key) -> str:
    default = (
        "Required."
        if declared.default is REQUIRED
        else "Not given by default."
        if declared.default is None
        else f"By default {_plain(declared.default)}."
    )
    return f"**{name}** of {word}: {declared.doc}\n\nTakes {takes(declared.kind)}. {default}"


def _plain(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def key_of_layer(name: str) -> str | None:
    """Return what a key that every layer may have, or that places a block, means."""
    return word(name, {**vocabulary.LAYER_KEYS, **vocabulary.BLOCK_LAYER_KEYS})


def word(name: str, keys: Mapping[str, str]) -> str | None:
    """Return what a key of the language means."""
    return f"**{name}**: {keys[name]}" if name in keys else None


def keys_at(way: tuple[str | int, ...]) -> Mapping[str, str]:
    """Return the keys that the language knows in the mapping that a way leads to, layers and free names aside."""
    match way:
        case ():
            return vocabulary.TOP_KEYS
        case ("inputs", _):
            return vocabulary.INPUT_KEYS
        case ("dims", _):
            return vocabulary.DIM_KEYS
        case ("dims", _, "accepts"):
            return vocabulary.ACCEPTS_KEYS
        case ("blocks", _):
            return vocabulary.BLOCK_KEYS
        case ("outputs", _):
            return vocabulary.OUTPUT_KEYS
        case ("sharding",):
            return vocabulary.SHARDING_KEYS
        case ("sharding", "layers", _):
            return vocabulary.LAYER_SHARDING_KEYS
    return {}


def rule(word: str) -> str | None:
    """Return the manual page of a rule, by code or name, or the rules whose codes begin so."""
    infos = list(RULES.values())
    exact = [info for info in infos if word.lower() in (info.code.lower(), info.name)]
    if exact:
        return page(exact[0])
    several = [info for info in infos if word and info.code.startswith(word.upper())]
    return "\n".join(f"- {info.code} {info.name} ({info.severity})" for info in several) or None
