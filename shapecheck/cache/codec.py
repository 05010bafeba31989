"""Records to and from plain JSON values, by their annotations: for a file, or for another process.

A record is a NamedTuple of words, numbers, truth values, None, enumerations and paths, and of records, tuples, lists
and mappings of these. It becomes the list of its fields' values: both ends run the same program. Of a union the first
kind that fits counts.
"""

from __future__ import annotations

import functools
import json
import os
import types
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
_Decoder = Callable[[Any], Any]


class NotARecord(ValueError):
    """A value is not what the annotation says; the message names the place."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value
        self.place = ""

    def __str__(self) -> str:
        return f"{self.place} is {self.value!r}"

    def within(self, place: str) -> NotARecord:
        """Return the same, seen from one record, tuple, list or mapping further out."""
        self.place = place + self.place
        return self


def encode(value: Any) -> Any:
    """Return a record as what ``json.dumps`` takes. Raises TypeError for what is no record."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    name = _NAMES.get(type(value))
    if name is not None:
        return name(value)
    if isinstance(value, (tuple, list)):
        return [encode(part) for part in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: encode(part) for key, part in value.items()}
    if isinstance(value, Path):
        return os.fspath(value)
    raise TypeError(f"{value!r} is no part of a record")


def decode(kind: type[Record], value: Any) -> Record:
    """Return the record of a kind that ``encode`` made ``value`` of. Raises NotARecord."""
    annotation: Any = kind
    try:
        made: Record = _decoder(annotation)(value)
    except NotARecord as error:
        raise error.within(kind.__name__) from None
    return made


def to_line(record: Any) -> str:
    """Return a record as one line of JSON."""
    return json.dumps(encode(record))


def of_line(kind: type[Record], line: str | bytes) -> Record:
    """Return the record of a kind that ``to_line`` made a line of. Raises NotARecord, and ValueError for no JSON."""
    return decode(kind, json.loads(line))


_NAMES: dict[type, Callable[[Any], str]] = {}
_NAMED: dict[type, Callable[[str], Any]] = {}


def by_name(kind: type[Record], name: Callable[[Record], str], find: Callable[[str], Record]) -> None:
    """Write records of a kind as their names, for ``find`` to look up, which raises KeyError; they are in a table."""
    _NAMES[kind], _NAMED[kind] = name, find


@functools.cache
def _decoder(kind: Any) -> _Decoder:
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value: value
    if origin in (Union, types.UnionType):
        return _one_of(parts)
    if origin is Literal:
        return lambda value: _checked(value in parts, value)
    if origin is tuple:
        return _tuple(parts)
    if origin is list:
        every = _tuple((parts[0], ...))
        return lambda value: list(every(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_decoder(parts[1]))
    if kind in _NAMED:
        return _looked_up(_NAMED[kind], KeyError)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _looked_up(kind, ValueError)
    if kind is Path:
        return lambda value: Path(_checked(type(value) is str, value))
    if hasattr(kind, "_fields"):
        return _record(kind)
    if kind is float:
        return lambda value: float(_checked(type(value) in (int, float), value))
    return lambda value: _checked(type(value) is kind, value)


def _checked(right: bool, value: Any) -> Any:
    if not right:
        raise NotARecord(value)
    return value


def _looked_up(find: Callable[[Any], Any], missing: type[Exception]) -> _Decoder:
    def decoder(value: Any) -> Any:
        _checked(type(value) in (str, int), value)
        try:
            return find(value)
        except missing:
            raise NotARecord(value) from None

    return decoder


def _one_of(kinds: tuple[Any, ...]) -> _Decoder:
    optional = type(None) in kinds
    decoders = [_decoder(kind) for kind in kinds if kind is not type(None)]

    def decoder(value: Any) -> Any:
        if value is None and optional:
            return None
        for each in decoders:
            try:
                return each(value)
            except NotARecord:
                continue
        raise NotARecord(value)

    return decoder


def _mapping(part: _Decoder) -> _Decoder:
    def decoder(value: Any) -> Any:
        found = {}
        for key, each in _checked(type(value) is dict, value).items():
            try:
                found[key] = part(each)
            except NotARecord as error:
                raise error.within(f"[{key!r}]") from None
        return found

    return decoder


def _tuple(kinds: tuple[Any, ...]) -> _Decoder:
    endless = len(kinds) == 2 and kinds[1] is Ellipsis
    decoders = [_decoder(kind) for kind in kinds if kind is not Ellipsis]

    def decoder(value: Any) -> tuple[Any, ...]:
        _checked(type(value) is list and (endless or len(value) == len(decoders)), value)
        found: list[Any] = []
        try:
            for each, part in zip(decoders * len(value) if endless else decoders, value, strict=True):
                found.append(each(part))
        except NotARecord as error:
            raise error.within(f"[{len(found)}]") from None
        return tuple(found)

    return decoder


def _record(kind: Any) -> _Decoder:
    hints = get_type_hints(kind)
    names = kind._fields
    decoders: list[_Decoder] = []

    def decoder(value: Any) -> Any:
        # Not before it is needed: a record may hold records of its own kind.
        if not decoders:
            decoders.extend(_decoder(hints[name]) for name in names)
        _checked(type(value) is list and len(value) == len(names), value)
        found: list[Any] = []
        try:
            for each, part in zip(decoders, value, strict=True):
                found.append(each(part))
        except NotARecord as error:
            raise error.within(f".{names[len(found)]}") from None
        return kind._make(found)

    return decoder
