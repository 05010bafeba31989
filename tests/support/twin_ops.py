"""Every op a second time under another name and as another class, which nothing outside its own class can know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shapecheck.layers.base import REGISTRY, Layer
from shapecheck.layers.context import Context, Reference

PREFIX = "twin_of_"


def _original(layer: Any) -> Any:
    return getattr(layer, "original", layer)


def _twin(op: str, kind: type[Layer]) -> type[Layer]:
    """Return a class for ``twin_of_op`` that answers as ``kind`` does and has nothing else in common with it."""

    def init(self: Any, name: str, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self.op = name
        self.__dict__["original"] = kind(op, {key: value for key, value in values.items() if key != "original"})

    def ask(name: str) -> Any:
        def method(self: Any, *arguments: Any) -> Any:
            return getattr(self.original, name)(*map(_plain, arguments))

        return method

    asked = [name for name in dir(Layer) if callable(getattr(Layer, name)) and not name.startswith("__")]
    methods = {
        name: ask(name)
        for name in asked
        if name not in ("keys_of", "with_keys") and getattr(kind, name) is not getattr(Layer, name)
    }
    facts = {name: getattr(kind, name) for name in Layer.__annotations__ if name not in ("ops", "op")}
    keys_of = classmethod(lambda cls, name: kind.keys_of(op))
    body = {"__init__": init, "keys_of": keys_of, "ops": (PREFIX + op,), **facts, **methods}
    return type(f"TwinOf{kind.__name__}", (Layer,), body)


def _plain(argument: Any) -> Any:
    """Return a context in which references are to the original layers, for a layer may ask what it refers to."""
    if not isinstance(argument, Context) or not argument.references:
        return argument
    references = {key: Reference(r.name, _original(r.layer), *r[2:]) for key, r in argument.references.items()}
    plain = Context(argument.inputs, argument.channels_last, references)
    plain.undecided = argument.undecided
    return plain


@contextmanager
def twin_ops() -> Iterator[None]:
    """Have a twin of every op in the language for a while."""
    before = dict(REGISTRY)
    try:
        for op, kind in before.items():
            _twin(op, kind)
        yield
    finally:
        for op in set(REGISTRY) - set(before):
            del REGISTRY[op]


def with_twins(text: str) -> str:
    """Return a network with the twin of each op in place of it."""
    return re.sub(r"\bop: (\w+)", rf"op: {PREFIX}\1", text)
