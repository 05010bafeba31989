"""Convolution arithmetic on one axis, after Dumoulin and Visin (arXiv:1603.07285), Relationships 1 to 15.

Every function is pure and works on one spatial axis; axes do not interact (the guide, chapter 2). The
letters are the guide's: ``i`` input size, ``k`` kernel size, ``s`` stride, ``p`` padding, ``d`` dilation,
``a`` the rows added to the far edge of a transposed convolution's stretched input, ``o`` output size.
Primes mark the transposed convolution. Padding may differ between the two edges: ``p`` is then the pair
``before``, ``after``, and the guide's 2p their sum. All sizes count elements.

Sizes go through ``+ - * // %`` alone, so Python integers, NumPy integer arrays and symbolic sizes give the
same answers. Nothing here refuses anything: a result below 1 means that no window fits, and it is the
caller's business to say so.
"""

from __future__ import annotations

from typing import Any, TypeAlias

# An int, an integer array, or a symbolic size: anything with exact + - * // %.
Number: TypeAlias = Any


def dilated_kernel(k: int, d: int) -> int:
    """Return how far a kernel of ``k`` taps reaches at dilation ``d``: k + (k − 1)(d − 1) (section 5.1)."""
    return k + (k - 1) * (d - 1)


def conv(i: Number, k: int, s: int = 1, before: int = 0, after: int = 0, d: int = 1) -> Number:
    """Return the output size of a convolution: ⌊(i + 2p − k − (k − 1)(d − 1)) / s⌋ + 1 (Relationship 15).

    Relationships 1 to 6 are its special cases, and Relationship 7 (pooling) is p = 0, d = 1.
    """
    return (i + (before + after - dilated_kernel(k, d))) // s + 1


def unread(i: Number, k: int, s: int = 1, before: int = 0, after: int = 0, d: int = 1) -> Number:
    """Return how many rows at the far edge no window reads: (i + 2p − k) mod s (figure 2.7).

    For the associated transposed convolution this number is the ``a`` of Relationship 14.
    """
    return (i + (before + after - dilated_kernel(k, d))) % s


def conv_same(i: Number, s: int = 1) -> Number:
    """Return the output size under ``same`` and ``same_lower`` padding: ⌈i / s⌉. The kernel does not matter."""
    return (i + (s - 1)) // s


def same_padding(i: Number, k: int, s: int = 1, d: int = 1, lower: bool = False) -> tuple[Number, Number]:
    """Return the (before, after) that ``same`` pads: in all max((o − 1)s + k − i, 0), o = ⌈i / s⌉.

    An odd total puts the larger half after (``same``, TensorFlow's rule) or before (``lower``, ONNX's SAME_LOWER).
    """
    short: Any = (conv_same(i, s) - 1) * s + dilated_kernel(k, d) - i
    total = (short + abs(short)) // 2
    small = total // 2
    return (total - small, small) if lower else (small, total - small)


def taps_on_input(i: int, o: int, k: int, s: int = 1, before: int = 0, d: int = 1) -> int:
    """Return how many of the o·k taps of all kernel positions read the input, and not padding (figure 2.6).

    Tap t of the kernel at output j reads row j·s + t·d − p, which is there from 0 to i − 1. For a transposed layer
    ``i`` is the output and ``o`` the input: the taps that are not cropped. Takes plain integers only.
    """
    found = 0
    for tap in range(k):
        first = max(-((tap * d - before) // s), 0)
        behind = min((i - 1 - tap * d + before) // s + 1, o)
        found += max(behind - first, 0)
    return found


def half_padding(k: int, d: int = 1) -> int:
    """Return p = ⌊k / 2⌋ of the dilated kernel; with an odd kernel and s = 1 it keeps the size (Relationship 3)."""
    return dilated_kernel(k, d) // 2


def full_padding(k: int, d: int = 1) -> int:
    """Return p = k − 1 of the dilated kernel; with s = 1 it adds k − 1 to the size (Relationship 4)."""
    return dilated_kernel(k, d) - 1


def pool_ceil(i: Number, k: int, s: int, before: int = 0, after: int = 0, d: int = 1) -> Number:
    """Return a pooling's output size in ceil mode: ⌊(i + min(2p − k + s − 1, p − 1)) / s⌋ + 1.

    As PyTorch has it: round up, but drop a last window that would start in the padding after the input, that
    is at or beyond i + p. Both conditions are a floor of i plus a constant, so the smaller constant decides.
    """
    reach = before + after - dilated_kernel(k, d) + s - 1
    return (i + min(reach, before - 1)) // s + 1


def transposed(i: Number, k: int, s: int = 1, before: int = 0, after: int = 0, d: int = 1, a: Any = 0) -> Number:
    """Return the output size of a transposed convolution: s(i′ − 1) + a + k − 2p (Relationship 14, k dilated).

    ``k``, ``s``, ``p`` and ``d`` are those of the convolution that it transposes. Relationships 8 to 13 are its
    special cases: 8 to 11 for s = 1, 12 and 13 for a = 0.
    """
    return (i - 1) * s + (dilated_kernel(k, d) - before - after) + a


def transposed_same(i: Number, s: int = 1, a: Any = 0) -> Number:
    """Return the output size of the transpose of a ``same`` convolution: s(i′ − 1) + 1 + a.

    ⌈o′ / s⌉ = i′ has the s solutions s(i′ − 1) + 1 … s·i′, and ``a`` counts them from 0.
    """
    return (i - 1) * s + 1 + a


def stretched(i: Number, s: int) -> Number:
    """Return ĩ′ = i′ + (i′ − 1)(s − 1): the input with s − 1 zeros between its elements (section 4.5)."""
    return i + (i - 1) * (s - 1)


def transposed_padding(k: int, before: int, after: int, d: int = 1, a: int = 0) -> tuple[int, int]:
    """Return the padding of the direct convolution that equals a transposed one: p′ = k − p − 1.

    It runs over the stretched input with s′ = 1 and k′ = k; ``a`` zeros more stand at the far edge. A negative
    number (p > k − 1) crops.
    """
    reach = dilated_kernel(k, d) - 1
    return reach - before, reach - after + a


def associated_inputs(
    o: Number, k: int, s: int = 1, before: int = 0, after: int = 0, d: int = 1
) -> tuple[Number, Number]:
    """Return the smallest and largest input size that a convolution maps to ``o``: s sizes in a row."""
    smallest = transposed(o, k, s, before, after, d)
    return smallest, smallest + (s - 1)


def scale(i: Number, numerator: int, denominator: int = 1) -> Number:
    """Return ⌊i · numerator / denominator⌋, the size after resampling by a ratio."""
    return i * numerator // denominator


def sliced(i: Number, start: int, step: int = 1) -> Number:
    """Return how many elements of ``i`` stand at start, start + step, …: ⌈(i − start) / step⌉."""
    return (i - start + (step - 1)) // step


def relationships(k: int, s: int, before: int, after: int, d: int = 1) -> tuple[int, ...]:
    """Return the numbers of the guide's Relationships that describe this convolution, the narrowest first.

    Asymmetric padding fits none of them but in their sum, which is Relationship 6 (15 when dilated).
    """
    if d != 1 and k != 1:
        return (15,)
    found = []
    if before == after:
        if s == 1 and before == 0:
            found.append(1)
        if s == 1 and k % 2 == 1 and before == k // 2:
            found.append(3)
        if s == 1 and before == k - 1:
            found.append(4)
        if s == 1:
            found.append(2)
        if before == 0:
            found.append(5)
    return (*found, 6, 15)


def transposed_relationships(k: int, s: int, before: int, after: int, d: int = 1, a: int = 0) -> tuple[int, ...]:
    """Return the numbers of the guide's Relationships that describe this transposed convolution, narrowest first.

    A dilated kernel enters them as its dilated size; the guide itself has no transposed Relationship for it.
    """
    reach = dilated_kernel(k, d)
    found = []
    if before == after and a == 0:
        if s == 1 and before == 0:
            found.append(8)
        if s == 1 and reach % 2 == 1 and before == reach // 2:
            found.append(10)
        if s == 1 and before == reach - 1:
            found.append(11)
        if s == 1:
            found.append(9)
        if before == 0:
            found.append(12)
        found.append(13)
    return (*found, 14)
