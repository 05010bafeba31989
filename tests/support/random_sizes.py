"""Random sizes of one dimension, built by the arithmetic of layers, and the same computed by a plain function."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from shapecheck.arithmetic.symbolic import Size, Symbolic

GENERAL = Symbolic({("n",): 1})


class Made(NamedTuple):
    """A size from the normal form where it reaches, the same in the general form, and as a function of n."""

    size: Size
    general: Size
    at: Callable[[int], int]
    text: str


def start() -> Made:
    return Made(Symbolic.of("n"), GENERAL, lambda n: n, "n")


def plus(m: Made, number: int) -> Made:
    return Made(m.size + number, m.general + number, lambda n: m.at(n) + number, f"({m.text} + {number})")


def times(m: Made, number: int) -> Made:
    return Made(m.size * number, m.general * number, lambda n: m.at(n) * number, f"{m.text} * {number}")


def floor(m: Made, number: int) -> Made:
    return Made(m.size // number, m.general // number, lambda n: m.at(n) // number, f"({m.text} // {number})")


def rest(m: Made, number: int) -> Made:
    return Made(m.size % number, m.general % number, lambda n: m.at(n) % number, f"({m.text} % {number})")


def both(m: Made, other: Made, sign: int) -> Made:
    return Made(
        m.size + other.size * sign,
        m.general + other.general * sign,
        lambda n: m.at(n) + other.at(n) * sign,
        f"({m.text} {'+' if sign > 0 else '-'} {other.text})",
    )


def random_size(rng: random.Random, depth: int = 5, wild: bool = True) -> Made:
    """Return a size; one that is not ``wild`` is what layers make: it rises, but for sums and remainders of none."""
    m = start()
    for _ in range(rng.randint(0, depth)):
        kind = rng.choice(
            ["floor", "floor", "plus", "times", "plus", "both", "rest"] if wild else ["floor", "plus", "times"]
        )
        if not isinstance(m.size, Symbolic):
            m = start()
        if kind == "floor":
            m = floor(m, rng.choice([1, 2, 2, 3, 4, 5, 6, 7]))
        elif kind == "plus":
            m = plus(m, rng.randint(-12, 12))
        elif kind == "times":
            m = times(m, rng.choice([1, 2, 2, 3, 4, 5, *([-1, -2] if wild else [])]))
        elif kind == "both":
            m = both(m, random_size(rng, 3, wild), rng.choice([1, 1, -1]))
        else:
            m = rest(m, rng.randint(1, 6))
    return m
