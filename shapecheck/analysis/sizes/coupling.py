"""Conditions that join two dimensions: a flatten before a linear layer, a merge of two inputs.

C·f(H)·g(W) = N holds where f(H) and g(W) are two factors of N / C: a union of boxes, one for each way to split it.
"""

from __future__ import annotations

from typing import NamedTuple

from shapecheck.analysis.sizes.conditions import solve
from shapecheck.analysis.sizes.periodic import TooLarge
from shapecheck.analysis.sizes.size_set import SizeSet
from shapecheck.arithmetic.quasi_affine import NotQuasiAffine
from shapecheck.arithmetic.symbolic import Size, Symbolic
from shapecheck.layers.context import Question

MOST_DIVISORS = 10_000


class Coupling(NamedTuple):
    """A condition on two dimensions: the boxes of sizes at which it holds, or None where it is only an equation.

    The sets of a box stand in the order of ``dims``.
    """

    layer: str
    dims: tuple[str, ...]
    question: Question
    boxes: tuple[tuple[SizeSet, SizeSet], ...] | None
    # What is assumed of sizes by the formulas in the question; where it does not hold there are others.
    assumed: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return the condition in words: ``193..224 x 193..224, or ...``."""
        if self.boxes is None:
            where = f", where {' and '.join(self.assumed)}" if self.assumed else ""
            return f"{self.layer}: {self.question}{where}"
        if not self.boxes:
            return f"{self.layer}: no {' and '.join(self.dims)} work together"
        parts = [f"{one.condition} and {other.condition}" for one, other in self.boxes[:12]]
        more = f", or {len(self.boxes) - 12} more" if len(self.boxes) > 12 else ""
        return f"{self.layer}: {', or '.join(parts)}{more}"


def couple(layer: str, question: Question, allowed: dict[str, SizeSet], assumed: list[Question]) -> Coupling:
    """Return the coupling of a question on several dimensions; ``allowed`` is what each may be by itself.

    Where something is ``assumed`` of one of them its formulas are not those of every size, so there are no boxes.
    """
    names = tuple(sorted(_names(question.left) | _names(question.right)))
    boxes = None
    where = [a for a in assumed if (_names(a.left) | _names(a.right)) & set(names)]
    factors = None if where else _factors(question)
    if factors is not None:
        one, f, other, g, product = factors
        if one > other:
            one, f, other, g = other, g, one, f
        boxes = _boxes(one, f, other, g, product, allowed)
    return Coupling(layer, names, question, boxes, tuple(dict.fromkeys(map(str, where))))


def _names(size: Size) -> set[str]:
    return size.names() if isinstance(size, Symbolic) else set()


def _factors(question: Question) -> tuple[str, Size, str, Size, int] | None:
    """Return (name, f, name, g, N / C) of a question C·f·g = N, or None where it is of another form.

    The product comes multiplied out, a·xy + b·x + c·y + d; it is a·(x + c/a)·(y + b/a) where ad = bc.
    """
    left, right = question.left, question.right
    if isinstance(left, int):
        left, right = right, left
    if question.kind != "equal" or not isinstance(right, int) or not isinstance(left, Symbolic):
        return None
    pairs = [monomial for monomial in left.terms if len(monomial) == 2]
    if len(pairs) != 1:
        return None
    sizes = [Symbolic.of(atom) if isinstance(atom, str) else atom.inner // atom.divisor for atom in pairs[0]]
    x, y = pairs[0]
    if set(left.terms) - {(x, y), (x,), (y,), ()} or any(len(_names(size)) != 1 for size in sizes):
        return None
    a, b, c, d = (left.terms.get(monomial, 0) for monomial in ((x, y), (x,), (y,), ()))
    if a * d != b * c or b % a or c % a or right % a or right // a < 1:
        return None
    f, g = sizes[0] + c // a, sizes[1] + b // a
    one, other = _names(f).pop(), _names(g).pop()
    return None if one == other else (one, f, other, g, right // a)


def _boxes(
    one: str, f: Size, other: str, g: Size, product: int, allowed: dict[str, SizeSet]
) -> tuple[tuple[SizeSet, SizeSet], ...] | None:
    found = []
    for divisor in _divisors(product):
        try:
            here = solve(Question("equal", f, divisor), one).intersection(allowed[one])
            there = solve(Question("equal", g, product // divisor), other).intersection(allowed[other])
        except (TooLarge, NotQuasiAffine):
            return None
        if not here.empty and not there.empty:
            found.append((here, there))
    return tuple(found)


def _divisors(n: int) -> list[int]:
    small: list[int] = []
    large: list[int] = []
    d = 1
    while d * d <= n and len(small) < MOST_DIVISORS:
        if n % d == 0:
            small.append(d)
            if d * d != n:
                large.append(n // d)
        d += 1
    return small + large[::-1]
