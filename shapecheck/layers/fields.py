"""The keys of a layer: what each takes, its default, and its documentation, declared once.

A ``Kind`` reads a plain value (already evaluated, free of YAML) into its normal form and describes itself as
JSON Schema. The schema, the reference and the tests are made from these declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shapecheck.arithmetic.shape import LARGEST, show_number, too_large

Json = dict[str, Any]

# A string that begins with '=' is arithmetic; it may stand wherever a number or a list of numbers may.
EXPRESSION: Json = {"type": "string", "pattern": "^="}
# In a list of sizes the name of a dimension may stand bare.
DIMENSION: Json = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}


class FieldError(Exception):
    """A value is not of its kind. ``path`` leads into a list to the offender; ``choices`` are the legal words."""

    def __init__(self, message: str, path: tuple[int, ...] = (), choices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.choices = choices


def describe(value: Any) -> str:
    """Return a value as a message quotes it, with the kind of thing it is where that is not plain to see."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if len(value) > 40 and value.lstrip("+-").isdecimal():
            return f"a number with {len(value.lstrip('+-'))} digits"
        return f'the text "{value if len(value) <= 40 else value[:37] + "..."}"'
    if isinstance(value, float):
        return f"{value!r}, which is not a whole number" if not value.is_integer() else f"{value!r}, written as a float"
    if isinstance(value, list):
        text = "[" + ", ".join(show_number(v) if type(v) is int else str(v) for v in value) + "]"
        return f"the list {text if len(text) <= 60 else text[:57] + '...'}"
    if isinstance(value, dict):
        return "a mapping"
    return show_number(value)


def within_arrays(value: int) -> int:
    """Return a number that counts or measures parts of an array. Raises FieldError where no array is so large."""
    if abs(value) > LARGEST:
        raise FieldError(too_large(show_number(value)))
    return value


class Kind:
    """One kind of value. ``sizes`` says that an expression here may name dimensions."""

    sizes = False

    def read(self, value: Any) -> Any:
        """Return ``value`` in its normal form. Raises FieldError."""
        raise FieldError("no value fits here")

    def schema(self) -> Json:
        """Return the JSON Schema of what may be written."""
        return {}

    def synonyms(self) -> Mapping[str, str]:
        """Return what other libraries call the words that may be written, and which of them that is."""
        return {}


class Integer(Kind):
    """A whole number of at least ``minimum``."""

    def __init__(self, minimum: int | None = 1, expected: str = "") -> None:
        self.minimum = minimum
        self.expected = expected or ("a whole number" + (f" of at least {minimum}" if minimum is not None else ""))

    def read(self, value: Any) -> int:
        if type(value) is not int:
            raise FieldError(f"expected {self.expected}, found {describe(value)}")
        if self.minimum is not None and value < self.minimum:
            raise FieldError(f"expected {self.expected}, found {show_number(value)}")
        return within_arrays(value)

    def schema(self) -> Json:
        number: Json = {"type": "integer"}
        if self.minimum is not None:
            number["minimum"] = self.minimum
        return {"anyOf": [number, EXPRESSION]}


class Number(Kind):
    """A finite number."""

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise FieldError(f"expected a number, found {describe(value)}")
        if isinstance(value, int):
            within_arrays(value)
        if value != value or value in (float("inf"), float("-inf")):
            raise FieldError(f"expected a finite number, found {value}")
        return value

    def schema(self) -> Json:
        return {"anyOf": [{"type": "number"}, EXPRESSION]}


class Positive(Number):
    """A finite number above 0."""

    def read(self, value: Any) -> float:
        number = super().read(value)
        if number <= 0:
            raise FieldError(f"expected a number above 0, found {value}")
        return number

    def schema(self) -> Json:
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, EXPRESSION]}


class Probability(Number):
    """A number from 0 to 1."""

    def read(self, value: Any) -> float:
        number = super().read(value)
        if not 0 <= number <= 1:
            raise FieldError(f"expected a probability, from 0 to 1, found {value}")
        return number

    def schema(self) -> Json:
        return {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, EXPRESSION]}


class Boolean(Kind):
    """``true`` or ``false``."""

    def read(self, value: Any) -> bool:
        if type(value) is not bool:
            raise FieldError(f"expected true or false, found {describe(value)}", choices=("true", "false"))
        return value

    def schema(self) -> Json:
        return {"anyOf": [{"type": "boolean"}, EXPRESSION]}


class Word(Kind):
    """One of a few words, or, where ``other`` is given, a value of that kind; ``also`` maps synonyms to words."""

    def __init__(self, *words: str, other: Kind | None = None, also: Mapping[str, str] | None = None) -> None:
        self.words = words
        self.other = other
        self.also = also or {}
        self.sizes = other is not None and other.sizes

    def read(self, value: Any) -> Any:
        if isinstance(value, str):
            if value in self.words:
                return value
            raise FieldError(f"expected one of {', '.join(self.words)}; found {describe(value)}", choices=self.words)
        if self.other is not None:
            return self.other.read(value)
        raise FieldError(f"expected one of {', '.join(self.words)}; found {describe(value)}", choices=self.words)

    def schema(self) -> Json:
        words: Json = {"enum": list(self.words)}
        return {"anyOf": [words, *self.other.schema().get("anyOf", [self.other.schema()])]} if self.other else words

    def synonyms(self) -> Mapping[str, str]:
        return self.also


class Listing(Kind):
    """A list of values of one kind, with at least one of them."""

    def __init__(self, item: Kind) -> None:
        self.item = item
        self.sizes = item.sizes

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise FieldError(f"expected a list, found {describe(value)}")
        if not value:
            raise FieldError("expected a list with something in it, found []")
        return tuple(_item(self.item.read, index, item) for index, item in enumerate(value))

    def schema(self) -> Json:
        return {"anyOf": [{"type": "array", "items": self.item.schema(), "minItems": 1}, EXPRESSION]}


class PerAxis(Kind):
    """One value for every spatial axis, or a list with one per axis. Read as the value or a tuple."""

    def __init__(self, item: Kind) -> None:
        self.item = item
        self.sizes = item.sizes

    def read(self, value: Any) -> Any:
        if isinstance(value, list):
            if not value:
                raise FieldError("expected one number, or a list with one per spatial axis; found []")
            return tuple(_item(self.item.read, index, item) for index, item in enumerate(value))
        return self.item.read(value)

    def schema(self) -> Json:
        item = self.item.schema()
        inside = {"anyOf": [*item["anyOf"], DIMENSION]} if self.sizes else item
        array = {"type": "array", "items": inside, "minItems": 1}
        return {"anyOf": [*item.get("anyOf", [item]), array]}


class Edges(Kind):
    """An amount at the edges of each axis: a number, a list of numbers, or ``[[before, after], ...]``.

    Read as a number or as a tuple with a number or a pair per axis.
    """

    def __init__(self, minimum: int | None = 0) -> None:
        self.item = Integer(minimum)

    def read(self, value: Any) -> Any:
        if not isinstance(value, list):
            return self.item.read(value)
        if not value:
            raise FieldError("expected one number, or a list with one entry per spatial axis; found []")
        return tuple(_item(self._entry, index, entry) for index, entry in enumerate(value))

    def _entry(self, entry: Any) -> Any:
        if not isinstance(entry, list):
            return self.item.read(entry)
        if len(entry) != 2:
            raise FieldError(f"expected [before, after], found {describe(entry)}")
        return tuple(_item(self.item.read, index, item) for index, item in enumerate(entry))

    def schema(self) -> Json:
        item = self.item.schema()["anyOf"]
        pair = {"type": "array", "items": {"anyOf": item}, "minItems": 2, "maxItems": 2}
        return {"anyOf": [*item, {"type": "array", "minItems": 1, "items": {"anyOf": [*item, pair]}}]}


class LayerName(Kind):
    """The name of another layer."""

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise FieldError(f"expected the name of a layer, found {describe(value)}")
        return value

    def schema(self) -> Json:
        return {"type": "string", "pattern": "^[^=]"}


class SizeValue(Kind):
    """A size: a whole number of at least ``minimum``, or an expression that may name dimensions."""

    sizes = True

    def __init__(self, minimum: int = 1) -> None:
        self.minimum = minimum

    def read(self, value: Any) -> Any:
        if isinstance(value, (str, bool, float, list, dict)) or value is None:
            raise FieldError(f"expected a whole number of at least {self.minimum}, found {describe(value)}")
        if isinstance(value, int) and value < self.minimum:
            raise FieldError(f"expected a whole number of at least {self.minimum}, found {show_number(value)}")
        return within_arrays(value) if isinstance(value, int) else value

    def schema(self) -> Json:
        return {"anyOf": [{"type": "integer", "minimum": self.minimum}, EXPRESSION]}


class ShapeEntry(SizeValue):
    """An entry of a target shape: a size, or -1 once, for what remains."""

    def read(self, value: Any) -> Any:
        if type(value) is int and value == -1:
            return -1
        try:
            return super().read(value)
        except FieldError as error:
            raise FieldError(f"{error.message} (-1, once, stands for what remains)") from None

    def schema(self) -> Json:
        return {"anyOf": [{"type": "integer", "minimum": self.minimum}, {"const": -1}, EXPRESSION, DIMENSION]}


def _item(read: Callable[[Any], Any], index: int, item: Any) -> Any:
    try:
        return read(item)
    except FieldError as error:
        raise FieldError(error.message, (index, *error.path), error.choices) from None


class Key:
    """One key of an op: its kind, its default (``REQUIRED`` where it has none) and its documentation.

    ``also`` is what other libraries call it.
    """

    __slots__ = ("also", "default", "doc", "kind", "name")

    def __init__(self, kind: Kind, default: Any, doc: str, also: tuple[str, ...] = ()) -> None:
        self.also = also
        self.kind = kind
        self.default = default
        self.doc = doc
        self.name = ""


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


def key(kind: Kind, doc: str, default: Any = REQUIRED, also: tuple[str, ...] = ()) -> Any:
    """Declare a key of a layer class; its value is an attribute of each layer of that class."""
    return Key(kind, default, doc, also)
