"""Names of layers, inputs, outputs and dimensions, made from those of another format."""

from __future__ import annotations

import re

_OTHER = re.compile(r"[^A-Za-z0-9_]+")
# Words that mean something else where a name of the language stands.
_TAKEN = {
    "_",
    "index",
    "min",
    "max",
    "and",
    "or",
    "not",
    "if",
    "else",
    "true",
    "false",
    "null",
    "True",
    "False",
    "None",
}
_LONGEST = 60


class NameMaker:
    """Hands out identifiers, each once."""

    def __init__(self) -> None:
        self._given: set[str] = set(_TAKEN)
        self._next: dict[str, int] = {}

    def give(self, wish: str, fallback: str) -> str:
        """Return an identifier like ``wish`` that nothing else is called."""
        name = identifier(wish, fallback)
        found = name
        while found in self._given:
            self._next[name] = self._next.get(name, 1) + 1
            found = f"{name}_{self._next[name]}"
        self._given.add(found)
        return found


def identifier(wish: str, fallback: str) -> str:
    """Return ``wish`` in letters, digits and _, beginning with a letter; ``fallback`` before what begins otherwise."""
    name = _OTHER.sub("_", wish).strip("_")[:_LONGEST].rstrip("_")
    if not name:
        return fallback
    return name if name[0].isalpha() else f"{fallback}_{name}"


def readable(name: str, op: str) -> str:
    """Return a node's name less what exporters add: ``/layer1/layer1.0/conv1/Conv`` is ``layer1.0/conv1``."""
    parts = [part for part in name.split("/") if part]
    if len(parts) > 1 and re.fullmatch(rf"{re.escape(op)}(_\d+)?", parts[-1]):
        parts.pop()
    kept = [part for at, part in enumerate(parts) if not any(p.startswith(f"{part}.") for p in parts[at + 1 : at + 2])]
    return "/".join(kept).removeprefix("node_")
