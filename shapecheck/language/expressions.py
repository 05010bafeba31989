"""The arithmetic of ``=width * 2``: numbers, lists, comparisons and nothing that could do harm.

An expression is parsed once into closures. It knows names, numbers, ``+ - * // %``, comparisons, ``and or not``,
``a if c else b``, ``min``, ``max``, lists and indexing. Text length and the size of every number are bounded, and
no operator grows faster than multiplication, so its cost is bounded too.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from shapecheck.arithmetic.quasi_affine import NotQuasiAffine, mean_rise
from shapecheck.arithmetic.symbolic import Size, Symbolic, at_least

Env = Mapping[str, Any]
Evaluate = Callable[[Env], Any]

LARGEST_BITS = 1_000
# How much of an expression that cannot be read is repeated.
LONGEST_SHOWN = 80

_ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ALLOWED = "numbers, names, lists, + - * // %, comparisons, and or not, a if c else b, min, max, list[index]"
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Pow: "**",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Invert: "~",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}


_INSTEAD: dict[type, str] = {
    ast.Div: "write //, which divides and rounds down",
    ast.Pow: "multiply: width * width",
}


class ExpressionError(Exception):
    """An expression cannot be read or has no value. ``offset`` counts characters behind the ``=``.

    ``name`` is set where the trouble is a name that is not known.
    """

    def __init__(self, message: str, offset: int = 0, name: str | None = None, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.name = name
        self.help = help


class Expression:
    """A parsed expression. ``names`` are the names it may ask for."""

    __slots__ = ("_evaluate", "names", "text")

    def __init__(self, text: str, names: frozenset[str], evaluate: Evaluate) -> None:
        self.text = text
        self.names = names
        self._evaluate = evaluate

    @property
    def bare(self) -> bool:
        """Whether it is one name or one number, and no arithmetic."""
        return self.text.strip().removeprefix("-").isalnum() or self.text.strip().isidentifier()

    def value(self, env: Env) -> Any:
        """Return the value under ``env``: a bool, a number, a symbolic size or a list. Raises ExpressionError."""
        try:
            return self._evaluate(env)
        except RecursionError:
            raise _no_expression(self.text, "it nests too deep") from None


def _no_expression(text: str, reason: str, offset: int = 0) -> ExpressionError:
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN // 2]}...{text[-LONGEST_SHOWN // 4 :]}"
    help = f"an expression may hold {_ALLOWED}"
    if "was never closed" in reason:
        help = 'inside {...} and [...] a comma or a bracket ends it: put the whole expression in quotes, "=..."'
    return ExpressionError(f"={shown} is no expression: {reason}", offset, help=help)


@lru_cache(maxsize=4096)
def parse(text: str, longest: int) -> Expression:
    """Parse the text behind ``=``. Raises ExpressionError."""
    if len(text) > longest:
        raise ExpressionError(
            f"the expression has {len(text)} characters, more than the limit of {longest}",
            help="raise limits.expression_length in the configuration if it is meant to be this long",
        )
    leading = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = (error.offset or 1) - 1 if isinstance(error, SyntaxError) else 0
        reason = error.msg if isinstance(error, SyntaxError) else "it nests too deep"
        raise _no_expression(text, reason, max(0, offset) + leading) from None
    names: set[str] = set()
    try:
        evaluate = _compile(tree.body, names, leading)
    except RecursionError:
        raise _no_expression(text, "it nests too deep") from None
    return Expression(text, frozenset(names), evaluate)


def _compile(node: ast.expr, names: set[str], shift: int) -> Evaluate:
    at = node.col_offset + shift

    def sub(child: ast.expr) -> Evaluate:
        return _compile(child, names, shift)

    match node:
        case ast.Constant(value=value) if type(value) in (int, float, bool):
            _bounded(value, at)
            return lambda env: value
        case ast.Name(id=name):
            names.add(name)
            return _name(name, at)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            parts = [sub(item) for item in items]
            return lambda env: [part(env) for part in parts]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _arithmetic(sub(left), sub(right), *_ARITHMETIC[type(op)], at)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _arithmetic(lambda env: 0, sub(operand), "-", operator.sub, at)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return sub(operand)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = sub(operand)
            return lambda env: not _truth(inner(env), at)
        case ast.BoolOp(op=op, values=values):
            return _junction([sub(value) for value in values], isinstance(op, ast.And), at)
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(o) in _COMPARE for o in ops):
            return _comparison([sub(left), *map(sub, rest)], [_COMPARE[type(o)] for o in ops], at)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            condition, then, otherwise = sub(test), sub(body), sub(orelse)
            return lambda env: then(env) if _truth(condition(env), at) else otherwise(env)
        case ast.Call(func=ast.Name(id="min" | "max" as name), args=args, keywords=[]) if args and not any(
            isinstance(a, ast.Starred) for a in args
        ):
            return _extreme(min if name == "min" else max, [sub(argument) for argument in args], at)
        case ast.Subscript(value=value, slice=index) if not isinstance(index, (ast.Slice, ast.Tuple)):
            return _subscript(sub(value), sub(index), at)
    help = _INSTEAD.get(type(getattr(node, "op", None)), f"an expression may hold {_ALLOWED}")
    raise ExpressionError(f"{_what(node)} is not part of an expression", at, help=help)


def _what(node: ast.AST) -> str:
    op = getattr(node, "op", None) or (getattr(node, "ops", None) or [None])[0]
    if type(op) in _OPERATORS:
        return f"the operator {_OPERATORS[type(op)]}"
    if isinstance(node, ast.Call):
        return f"the call {ast.unparse(node.func)}(…)"
    return f"“{ast.unparse(node)[:40]}”"


def _bounded(value: Any, at: int) -> Any:
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise ExpressionError(
            f"a number here has more than {LARGEST_BITS} bits",
            at,
            help="sizes and channels are far smaller; is a factor too many?",
        )
    return value


def _name(name: str, at: int) -> Evaluate:
    def evaluate(env: Env) -> Any:
        try:
            return env[name]
        except KeyError:
            raise ExpressionError(f"unknown name {name}", at, name) from None

    return evaluate


def _number(value: Any, sign: str, at: int) -> Any:
    if isinstance(value, (int, float, Symbolic)):
        return value
    raise ExpressionError(f"{sign} needs numbers, found {'a list' if isinstance(value, list) else value}", at)


def _exact(a: Any, sign: str, b: Any, at: int) -> None:
    """Refuse arithmetic on a dimension without a size that has no exact form."""
    if isinstance(a, float) or isinstance(b, float):
        what = "takes part in whole-number arithmetic only"
    elif sign in ("//", "%") and (isinstance(b, Symbolic) or b < 1):
        what = "can be divided by a whole number of at least 1 only"
    else:
        return
    raise ExpressionError(
        f"{a} {sign} {b} has no exact form: a dimension without a size {what}",
        at,
        help="give the dimension a size under dims, or with --set",
    )


def _arithmetic(left: Evaluate, right: Evaluate, sign: str, apply: Callable[[Any, Any], Any], at: int) -> Evaluate:
    def evaluate(env: Env) -> Any:
        a, b = _number(left(env), sign, at), _number(right(env), sign, at)
        if isinstance(a, Symbolic) or isinstance(b, Symbolic):
            _exact(a, sign, b, at)
        try:
            value = apply(a, b)
        except ZeroDivisionError:
            raise ExpressionError(f"{a} {sign} {b} divides by zero", at) from None
        except (TypeError, OverflowError):
            raise ExpressionError(f"{a} {sign} {b} has no value", at) from None
        # A floor is a whole number; it stays usable as one even where a fraction went into it.
        if sign == "//" and isinstance(value, float) and abs(value) < 2**53:
            return int(value)
        return _bounded(value, at)

    return evaluate


def _truth(value: Any, at: int) -> bool:
    if isinstance(value, Symbolic):
        raise ExpressionError(
            f"whether {value} holds depends on a dimension that has no size",
            at,
            help="give it one under dims, or with --set",
        )
    return bool(value)


def _junction(parts: list[Evaluate], conjunction: bool, at: int) -> Evaluate:
    def evaluate(env: Env) -> Any:
        value: Any = conjunction
        for part in parts:
            value = part(env)
            if _truth(value, at) is not conjunction:
                return value
        return value

    return evaluate


# What is taken to hold of dimensions without a size while somebody asks for shapes from some size on: size >= bound.
_ASSUMED: ContextVar[list[tuple[Size, int]] | None] = ContextVar("_ASSUMED", default=None)


@contextmanager
def assuming() -> Iterator[list[tuple[Size, int]]]:
    """Let comparisons of a dimension without a size be answered as they are from some size of it on.

    Yields the list of what is assumed for that: pairs of a size and what it is at least.
    """
    assumed: list[tuple[Size, int]] = []
    token = _ASSUMED.set(assumed)
    try:
        yield assumed
    finally:
        _ASSUMED.reset(token)


def _reaches(size: Size, bound: int) -> bool | None:
    """Say whether a size is at least ``bound``: for every size of its dimension, or from some size on; else None."""
    answer = at_least(size, bound)
    assumed = _ASSUMED.get()
    if answer is not None or assumed is None:
        return answer
    try:
        rise = mean_rise(size)
    except NotQuasiAffine:
        return None
    if rise == 0:
        return None
    assumed.append((size, bound) if rise > 0 else (-size, 1 - bound))
    return rise > 0


def _sign_of(a: Any, b: Any) -> int | None:
    """Return the sign of a − b where one of them is a size that is not known; None where it depends on the size."""
    if any(isinstance(value, (float, list)) for value in (a, b)):
        return None
    difference = a - b
    if isinstance(difference, int):
        return (difference > 0) - (difference < 0)
    above = _reaches(difference, 1)
    if above is None or above:
        return above and 1
    below = _reaches(-difference, 1)
    return None if below is None else -1 if below else 0


def _comparison(parts: list[Evaluate], tests: list[Callable[[Any, Any], bool]], at: int) -> Evaluate:
    def evaluate(env: Env) -> bool:
        values = [part(env) for part in parts]
        for a, b, test in zip(values, values[1:], tests, strict=False):
            if isinstance(a, Symbolic) or isinstance(b, Symbolic):
                sign = _sign_of(a, b)
                if sign is None:
                    raise ExpressionError(
                        f"the comparison of {a} and {b} depends on a dimension that has no size",
                        at,
                        help="give it one under dims, or with --set",
                    )
                a, b = sign, 0
            try:
                if not test(a, b):
                    return False
            except TypeError:
                raise ExpressionError(f"{a} and {b} cannot be compared", at) from None
        return True

    return evaluate


def _extreme(choose: Callable[..., Any], parts: list[Evaluate], at: int) -> Evaluate:
    def evaluate(env: Env) -> Any:
        values = [part(env) for part in parts]
        if len(values) == 1 and isinstance(values[0], list):
            values = values[0]
        try:
            return _chosen(choose, values) if any(isinstance(v, Symbolic) for v in values) else choose(values)
        except (TypeError, ValueError):
            raise ExpressionError(f"{choose.__name__} needs numbers to choose from, found {values}", at) from None

    return evaluate


def _chosen(choose: Callable[..., Any], values: list[Any]) -> Any:
    """Return the largest or smallest of values of which some are sizes that are not known. Raises TypeError."""
    best = values[0]
    for value in values[1:]:
        sign = _sign_of(value, best) if isinstance(value, Symbolic) or isinstance(best, Symbolic) else value - best
        if sign is None:
            raise TypeError
        if sign > 0 if choose is max else sign < 0:
            best = value
    return best


def _subscript(value: Evaluate, index: Evaluate, at: int) -> Evaluate:
    def evaluate(env: Env) -> Any:
        items, where = value(env), index(env)
        if not isinstance(items, list):
            raise ExpressionError(f"only a list can be indexed, found {items}", at)
        if type(where) is not int:
            raise ExpressionError(f"an index is a whole number, found {where}", at)
        if not -len(items) <= where < len(items):
            raise ExpressionError(
                f"index {where} is outside the list of {len(items)} entries",
                at,
                help=f"indices go from 0 to {len(items) - 1}" if items else None,
            )
        return items[where]

    return evaluate
