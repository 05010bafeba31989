"""Sizes as people write them: ``ceil(H/32)``, ``floor((H - 124)/16)``, ``2·floor(H/2) + 1``."""

from __future__ import annotations

from shapecheck.arithmetic.symbolic import Affine, Size


def formula(size: Size) -> str:
    """Return a size as a formula in its dimension."""
    if not isinstance(size, Affine):
        return str(size)
    factor, shift, divisor, offset = size.factor, size.shift, size.divisor, size.offset
    if divisor == 1:
        core = size.name
    elif factor == 1:
        # One fraction says it shorter than a fraction and an offset, where the offset does not vanish anyway.
        inner = shift + offset * divisor
        if shift == divisor - 1 and offset == 0:
            return f"ceil({size.name}/{divisor})"
        return (
            f"floor({_plus(size.name, inner)}/{divisor})"
            if inner == 0
            else f"floor(({_plus(size.name, inner)})/{divisor})"
        )
    elif shift == divisor - 1:
        core = f"ceil({size.name}/{divisor})"
    else:
        core = f"floor({size.name}/{divisor})" if shift == 0 else f"floor(({size.name} + {shift})/{divisor})"
    return _plus(core if factor == 1 else f"{factor}·{core}", offset)


def _plus(text: str, offset: int) -> str:
    if offset == 0:
        return text
    return f"{text} {'+' if offset > 0 else '−'} {abs(offset)}"
