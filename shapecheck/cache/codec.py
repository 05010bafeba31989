"""Records to and from plain JSON values, by their annotations: for a file, or for another process.

A record is a NamedTuple of words, numbers, truth values, None, and of records, tuples, lists and mappings of these.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


class NotARecord(ValueError):
    """A value is not what the annotation says; the message names the place."""


def encode(value: Any) -> Any:
    """Return a record as dicts and lists that ``json.dumps`` takes. Raises TypeError for what is no record."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: encode(part) for name, part in zip(value._fields, value, strict=True)}
    if isinstance(value, (tuple, list)):
        return [encode(part) for part in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: encode(part) for key, part in value.items()}
    raise TypeError(f"{value!r} is no part of a record")


def decode(kind: type[Record], value: Any) -> Record:
    """Return the record of a kind that ``encode`` made ``value`` of. Raises NotARecord."""
    made: Record = _decode(kind, value, kind.__name__)
    return made


def _decode(kind: Any, value: Any, place: str) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_of(parts, value, place)
    if origin is Literal:
        return _checked(value in parts, value, place)
    if origin is tuple:
        return _tuple(parts, value, place)
    if origin is list:
        return [_decode(parts[0], part, f"{place}[{at}]") for at, part in enumerate(_checked_list(value, place))]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        _checked(isinstance(value, dict), value, place)
        return {key: _decode(parts[1], part, f"{place}[{key!r}]") for key, part in value.items()}
    if hasattr(kind, "_fields"):
        return _record(kind, value, place)
    if kind is float:
        return float(_checked(type(value) in (int, float), value, place))
    return _checked(type(value) is kind, value, place)


def _checked(right: bool, value: Any, place: str) -> Any:
    if not right:
        raise NotARecord(f"{place} is {value!r}")
    return value


def _checked_list(value: Any, place: str) -> list[Any]:
    made: list[Any] = _checked(isinstance(value, list), value, place)
    return made


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    for kind in kinds:
        try:
            return value if kind is type(None) and value is None else _decode(kind, value, place)
        except NotARecord:
            continue
    raise NotARecord(f"{place} is {value!r}")


def _tuple(kinds: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    _checked_list(value, place)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    _checked(len(kinds) == len(value), value, place)
    return tuple(
        _decode(kind, part, f"{place}[{at}]") for at, (kind, part) in enumerate(zip(kinds, value, strict=True))
    )


def _record(kind: Any, value: Any, place: str) -> Any:
    _checked(isinstance(value, dict) and set(value) == set(kind._fields), value, place)
    hints = _hints(kind)
    return kind(**{name: _decode(hints[name], value[name], f"{place}.{name}") for name in kind._fields})


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
