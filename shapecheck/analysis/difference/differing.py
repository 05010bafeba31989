"""Whether two sizes or two shapes differ: yes, no, or not known."""

from __future__ import annotations

from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Size, Symbolic, same

# Sizes at which two formulas are tried: one place where they differ is proof enough that they do.
TRIED = (1, 7, 64, 97, 224, 1021)


def differ(old: Size, new: Size) -> bool | None:
    """Say whether two sizes are not the same for every input; None where neither was shown."""
    answer = same(old, new)
    if answer is not None:
        return not answer
    for first in TRIED:
        values = {name: first + at for at, name in enumerate(sorted(_names(old) | _names(new)))}
        one, other = (s.substitute(values) if isinstance(s, Symbolic) else s for s in (old, new))
        if one != other:
            return True
    return None


def shapes_differ(old: Shape | None, new: Shape | None) -> bool | None:
    """Say whether two shapes differ. One that is known and one that is not do; of two that are not nothing is known."""
    if old is None or new is None:
        return None if old is new else True
    if len(old) != len(new):
        return True
    answers = [differ(one, other) for one, other in zip(old, new, strict=True)]
    return True if True in answers else None if None in answers else False


def _names(size: Size) -> set[str]:
    return set(size.names()) if isinstance(size, Symbolic) else set()
