"""Sizes that are not known yet: polynomials over named dimensions and floors of such polynomials.

A dimension without a size travels through the same arithmetic as a number. ``+ - *`` are exact in a canonical
form, ``//`` and ``%`` take a positive integer. Questions have three answers: yes, no, and ``None`` for "it
depends on the size". A named dimension is at least 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, Union


class Floor:
    """The atom ⌊inner / divisor⌋."""

    __slots__ = ("_hash", "_text", "divisor", "inner")

    def __init__(self, inner: Symbolic, divisor: int) -> None:
        self.inner = inner
        self.divisor = divisor
        self._hash = hash((inner, divisor))
        self._text: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Floor) and self.divisor == other.divisor and self.inner == other.inner

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        # Terms are put in order by their texts: without this a chain of floors is written 2ⁿ times.
        if self._text is None:
            inner = str(self.inner)
            self._text = f"{inner} // {self.divisor}" if inner.isidentifier() else f"({inner}) // {self.divisor}"
        return self._text


Atom: TypeAlias = Union[str, Floor]
Monomial: TypeAlias = tuple[Atom, ...]


def _reading_order(term: tuple[Monomial, int]) -> tuple[bool, list[tuple[bool, str]]]:
    """Return where a term stands in print: names before floors, the constant last."""
    monomial, _ = term
    return not monomial, [(isinstance(atom, Floor), str(atom)) for atom in monomial]


class Symbolic:
    """A polynomial with integer coefficients over named dimensions and floors.

    ``terms`` maps a monomial to its coefficient; the empty monomial is the constant.
    Equality is that of the canonical form: equal objects are equal for every size.
    """

    __slots__ = ("_hash", "_terms")

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self._terms = terms
        self._hash = hash(frozenset(terms.items()))

    @property
    def terms(self) -> Mapping[Monomial, int]:
        """The polynomial: a sorted tuple of atoms to its coefficient."""
        return self._terms

    @staticmethod
    def of(name: str) -> Symbolic:
        """Return the dimension ``name`` as a size."""
        return Affine(name, 1, 0, 1, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Symbolic) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        raise TypeError("a symbolic size has no truth value; ask same, at_least or divides")

    def __add__(self, other: Size) -> Size:
        terms = dict(self.terms)
        for monomial, factor in _terms(other).items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return _simplest(terms)

    __radd__ = __add__

    def __neg__(self) -> Symbolic:
        return Symbolic({monomial: -factor for monomial, factor in self.terms.items()})

    def __sub__(self, other: Size) -> Size:
        return self + (-other)

    def __rsub__(self, other: Size) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        terms: dict[Monomial, int] = {}
        for mine, factor in self.terms.items():
            for theirs, times in _terms(other).items():
                monomial = tuple(sorted(mine + theirs, key=str))
                terms[monomial] = terms.get(monomial, 0) + factor * times
        return _simplest(terms)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Size:
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        for monomial, factor in self.terms.items():
            # The constant may be split; splitting another term would give one floor two spellings.
            quotient, remainder = divmod(factor, divisor) if not monomial or factor % divisor == 0 else (0, factor)
            if quotient:
                whole[monomial] = quotient
            if remainder:
                rest[monomial] = remainder
        if set(rest) <= {()}:
            return _simplest(whole)
        return _simplest(whole) + _floor(Symbolic(rest), divisor)

    def __mod__(self, divisor: int) -> Size:
        return self - (self // divisor) * divisor

    def at(self, sizes: Mapping[str, int]) -> int:
        """Return the value where each named dimension has the given size. Raises KeyError for a missing one."""
        total = 0
        for monomial, factor in self.terms.items():
            for atom in monomial:
                factor *= sizes[atom] if isinstance(atom, str) else atom.inner.at(sizes) // atom.divisor
            total += factor
        return total

    def substitute(self, sizes: Mapping[str, Size]) -> Size:
        """Return the size with some named dimensions replaced by numbers or other sizes."""
        total: Size = 0
        for monomial, factor in self.terms.items():
            term: Size = factor
            for atom in monomial:
                if isinstance(atom, str):
                    term = sizes.get(atom, Symbolic.of(atom)) * term
                else:
                    term = (atom.inner.substitute(sizes) // atom.divisor) * term
            total = term + total
        return total

    def names(self) -> set[str]:
        """Return the named dimensions that the size depends on."""
        found: set[str] = set()
        for monomial in self.terms:
            for atom in monomial:
                found |= {atom} if isinstance(atom, str) else atom.inner.names()
        return found

    def lower_bound(self) -> int | None:
        """Return a number that the size never falls below, or None where none is at hand."""
        total = 0
        for monomial, factor in self.terms.items():
            if factor < 0 and monomial:
                return None
            for atom in monomial:
                bound = 1 if isinstance(atom, str) else atom.inner.lower_bound()
                if bound is None or bound < 0:
                    return None
                factor *= bound if isinstance(atom, str) else bound // atom.divisor
            total += factor
        return total

    def __str__(self) -> str:
        text = ""
        for monomial, factor in sorted(self.terms.items(), key=_reading_order):
            # Alone a floor needs no brackets, but a minus at the beginning would stand inside it.
            alone = len(monomial) == 1 and (factor == 1 or (factor == -1 and text != ""))
            names = [f"({a})" if isinstance(a, Floor) and not alone else str(a) for a in monomial]
            if abs(factor) != 1 or not names:
                names.insert(0, str(abs(factor)))
            sign = ("- " if factor < 0 else "+ ") if text else ("-" if factor < 0 else "")
            text += f"{' ' if text else ''}{sign}{' * '.join(names)}"
        return text

    __repr__ = __str__


class Affine(Symbolic):
    """The size factor·⌊(name + shift) / divisor⌋ + offset, the form that most networks never leave.

    ``factor`` is at least 1 and ``shift`` lies in 0 .. divisor − 1. It is closed under adding and multiplying by
    numbers, and under ⌊· / t⌋ where factor divides t or t divides factor; elsewhere the general form takes over.
    """

    __slots__ = ("divisor", "factor", "name", "offset", "shift")

    def __init__(self, name: str, factor: int, shift: int, divisor: int, offset: int) -> None:
        self.name = name
        self.factor = factor
        self.shift = shift % divisor
        self.divisor = divisor
        self.offset = offset + factor * (shift // divisor)

    @property
    def terms(self) -> Mapping[Monomial, int]:
        """The size as a polynomial."""
        atom: Atom = self.name
        if self.divisor > 1:
            inner: dict[Monomial, int] = {(self.name,): 1}
            if self.shift:
                inner[()] = self.shift
            atom = Floor(Symbolic(inner), self.divisor)
        return {(atom,): self.factor, (): self.offset} if self.offset else {(atom,): self.factor}

    def _key(self) -> tuple[str, int, int, int, int]:
        return self.name, self.factor, self.shift, self.divisor, self.offset

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Affine):
            return self._key() == other._key()
        return isinstance(other, Symbolic) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __add__(self, other: Size) -> Size:
        if isinstance(other, int):
            return Affine(self.name, self.factor, self.shift, self.divisor, self.offset + other)
        if isinstance(other, Affine) and (self.name, self.shift, self.divisor) == (
            other.name,
            other.shift,
            other.divisor,
        ):
            return _affine(self, self.factor + other.factor, self.offset + other.offset)
        return super().__add__(other)

    __radd__ = __add__

    def __sub__(self, other: Size) -> Size:
        if isinstance(other, int):
            return Affine(self.name, self.factor, self.shift, self.divisor, self.offset - other)
        if isinstance(other, Affine) and (self.name, self.shift, self.divisor) == (
            other.name,
            other.shift,
            other.divisor,
        ):
            return _affine(self, self.factor - other.factor, self.offset - other.offset)
        return super().__sub__(other)

    def __mul__(self, other: Size) -> Size:
        if isinstance(other, int):
            return _affine(self, self.factor * other, self.offset * other)
        return super().__mul__(other)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Size:
        factor, offset = self.factor, self.offset
        if divisor == 1:
            return self
        if factor % divisor == 0:
            return Affine(self.name, factor // divisor, self.shift, self.divisor, offset // divisor)
        if divisor % factor == 0:
            shift = self.shift + offset // factor * self.divisor
            return Affine(self.name, 1, shift, self.divisor * (divisor // factor), 0)
        return super().__floordiv__(divisor)

    def at(self, sizes: Mapping[str, int]) -> int:
        """Return the value where the dimension has the given size. Raises KeyError where it is missing."""
        return self.factor * ((sizes[self.name] + self.shift) // self.divisor) + self.offset

    def names(self) -> set[str]:
        """Return the one dimension that the size depends on."""
        return {self.name}

    def lower_bound(self) -> int | None:
        """Return the size where the dimension is 1; it never falls below that."""
        return self.factor * ((1 + self.shift) // self.divisor) + self.offset


def _affine(size: Affine, factor: int, offset: int) -> Size:
    if factor >= 1:
        return Affine(size.name, factor, size.shift, size.divisor, offset)
    if factor == 0:
        return offset
    return -Affine(size.name, -factor, size.shift, size.divisor, -offset)


def simpler(left: Size, right: Size) -> Size:
    """Return that of two sizes, equal wherever the network works, which is cheaper to go on with."""
    if isinstance(left, int):
        return left
    if isinstance(right, int) or _complexity(right) < _complexity(left):
        return right
    return left


def _complexity(size: Symbolic) -> tuple[int, int]:
    if isinstance(size, Affine):
        return 0, size.divisor
    return len(size.terms), sum(len(str(monomial)) for monomial in size.terms)


Size: TypeAlias = Union[int, Symbolic]


def _terms(size: Size) -> Mapping[Monomial, int]:
    return size.terms if isinstance(size, Symbolic) else {(): size}


def _simplest(terms: Mapping[Monomial, int]) -> Size:
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    return kept.get((), 0) if set(kept) <= {()} else Symbolic(kept)


def _floor(inner: Symbolic, divisor: int) -> Symbolic:
    """Return ⌊inner / divisor⌋, joining ⌊(⌊x / b⌋ + c) / divisor⌋ into ⌊(x + bc) / (b · divisor)⌋."""
    constant = inner.terms.get((), 0)
    others = [term for term in inner.terms.items() if term[0]]
    if len(others) == 1:
        (monomial, factor) = others[0]
        if factor == 1 and len(monomial) == 1 and isinstance(monomial[0], Floor):
            nested = monomial[0]
            joined = (nested.inner + constant * nested.divisor) // (nested.divisor * divisor)
            if isinstance(joined, Symbolic):
                return joined
    return Symbolic({(Floor(inner, divisor),): 1})


def same(left: Size, right: Size) -> bool | None:
    """Say whether two sizes are equal: True or False where that holds for every size, else None."""
    if left == right:
        return True
    difference = left - right
    return False if isinstance(difference, int) else None


def at_least(size: Size, bound: int) -> bool | None:
    """Say whether ``size`` is never below ``bound`` (True), always below it (False), or either (None)."""
    if isinstance(size, int):
        return size >= bound
    lowest = size.lower_bound()
    if lowest is not None and lowest >= bound:
        return True
    highest = (-size).lower_bound()
    return False if highest is not None and -highest < bound else None


def divides(divisor: int, size: Size) -> bool | None:
    """Say whether ``divisor`` divides ``size``."""
    rest = size % divisor
    return rest == 0 if isinstance(rest, int) else None


def quotient(size: Size, divisor: Size) -> Size | None:
    """Return size / divisor where it is exact for every size, else None."""
    left, over = cancelled(size, divisor)
    return left // over if isinstance(over, int) and over and divides(over, left) else None


def cancelled(size: Size, divisor: Size) -> tuple[Size, Size]:
    """Return (n, d) with size / divisor = n / d wherever that has a value: what every term of both has is left out."""
    if isinstance(divisor, int):
        return size, divisor
    if size == divisor:
        return 1, 1
    every = [*_terms(size), *divisor.terms]
    common = list(every[0]) if every else []
    for monomial in every:
        left = list(monomial)
        kept = []
        for atom in common:
            if atom in left:
                left.remove(atom)
                kept.append(atom)
        common = kept
    return _without(size, common), _without(divisor, common)


def _without(size: Size, atoms: list[Atom]) -> Size:
    if not atoms:
        return size
    result: dict[Monomial, int] = {}
    for monomial, factor in _terms(size).items():
        left = list(monomial)
        for atom in atoms:
            left.remove(atom)
        result[tuple(left)] = factor
    return _simplest(result)


def known(size: Size) -> int:
    """Return a size that is a number. Raises ValueError for one that is not known."""
    if not isinstance(size, int):
        raise ValueError(f"{size} is no number")
    return size


def product(sizes: tuple[Size, ...]) -> Size:
    """Return the number of elements of a shape."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total
