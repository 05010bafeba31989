"""Networks whose valid sizes are the solutions of a formula: two convolutions and a merge forbid any one remainder.

A variable is a prime; a size whose remainder by it is 0 says false, 1 says true, and every other remainder is
forbidden. A clause of three variables forbids the one remainder, by the product of their primes, at which all its
literals are false.
"""

from __future__ import annotations

import math
import random

PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)
Clause = tuple[tuple[int, bool], ...]


def forbid(remainder: int, period: int, name: str) -> list[str]:
    """Return layers that fit together unless the size of x has this remainder. They need a size of 2·period."""
    k = remainder or period
    return [
        f"  - {{name: {name}a, op: conv, from: x, out_channels: 1, kernel_size: {k}, stride: {period}}}",
        f"  - {{name: {name}b, op: conv, from: x, out_channels: 1, kernel_size: {k + 1}, stride: {period}}}",
        f"  - {{name: {name}, op: add, from: [{name}a, {name}b]}}",
    ]


def random_clauses(rng: random.Random, variables: int, count: int) -> list[Clause]:
    return [tuple((v, rng.random() < 0.5) for v in sorted(rng.sample(range(variables), 3))) for _ in range(count)]


def remainder(literals: Clause) -> tuple[int, int]:
    """Return the remainder, and its period, at which every literal of a clause is false."""
    period = math.prod(PRIMES[v] for v, _ in literals)
    return sum(unit(period, PRIMES[v]) for v, wanted in literals if not wanted) % period, period


def network(variables: int, clauses: list[Clause]) -> str:
    lines = ["shapecheck: 1", "inputs: {x: [1, 1, H]}", "dims: {H: 1000000}", "layers:"]
    for v in range(variables):
        for r in range(2, PRIMES[v]):
            lines += forbid(r, PRIMES[v], f"v{v}_{r}")
    for number, clause in enumerate(clauses):
        lines += forbid(*remainder(clause), f"c{number}")
    return "\n".join(lines) + "\n"


def satisfied(n: int, variables: int, clauses: list[Clause]) -> bool:
    """Whether a size stands for an assignment, and that one for a solution."""
    values = [n % PRIMES[v] for v in range(variables)]
    return max(values) <= 1 and all(any((values[v] == 1) == wanted for v, wanted in clause) for clause in clauses)


def unit(period: int, prime: int) -> int:
    """Return the number that leaves 1 by one prime and 0 by the others of a period: the Chinese remainder theorem."""
    return period // prime * pow(period // prime, -1, prime)


def sizes(variables: int) -> list[int]:
    """Return a size for each assignment; all others that stand for one have the remainder of one of these."""
    period = math.prod(PRIMES[:variables])
    units = [unit(period, prime) for prime in PRIMES[:variables]]
    return [
        sum(one for bit, one in enumerate(units) if number >> bit & 1) % period + period
        for number in range(2**variables)
    ]
