"""The arithmetic of one axis, against kernels that are placed one by one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shapecheck.arithmetic import convolution
from shapecheck.arithmetic.symbolic import Symbolic

SIZE = st.integers(1, 40)
KERNEL = st.integers(1, 7)
STRIDE = st.integers(1, 5)
DILATION = st.integers(1, 4)
PADDING = st.integers(0, 9)


def taps(start: int, k: int, d: int) -> range:
    """Return the places that a kernel at ``start`` reads."""
    return range(start, start + k * d, d)


def placements(length: int, k: int, s: int, d: int) -> list[range]:
    """Return every placement of a kernel that lies wholly in a row of ``length`` elements."""
    found = []
    for start in range(0, length, s):
        here = taps(start, k, d)
        if here[-1] < length:
            found.append(here)
    return found


@given(i=SIZE, k=KERNEL, s=STRIDE, before=PADDING, after=PADDING, d=DILATION)
def test_taps_on_input_are_counted_one_by_one(i: int, k: int, s: int, before: int, after: int, d: int) -> None:
    padded = [False] * before + [True] * i + [False] * after
    places = placements(len(padded), k, s, d)
    found = sum(padded[place] for here in places for place in here)
    assert convolution.taps_on_input(i, len(places), k, s, before, d) == found


@pytest.mark.parametrize(
    ("figure", "i", "k", "s", "p", "d", "o", "relationship"),
    [
        ("2.1", 4, 3, 1, 0, 1, 2, 1),
        ("2.2", 5, 4, 1, 2, 1, 6, 2),
        ("2.3", 5, 3, 1, 1, 1, 5, 3),
        ("2.4", 5, 3, 1, 2, 1, 7, 4),
        ("2.5", 5, 3, 2, 0, 1, 2, 5),
        ("2.6", 5, 3, 2, 1, 1, 3, 6),
        ("2.7", 6, 3, 2, 1, 1, 3, 6),
        ("5.1", 7, 3, 1, 0, 2, 3, 15),
    ],
)
def test_figures_of_convolutions(
    figure: str, i: int, k: int, s: int, p: int, d: int, o: int, relationship: int
) -> None:
    assert convolution.conv(i, k, s, p, p, d) == o
    assert convolution.relationships(k, s, p, p, d)[0] == relationship


def test_figure_2_7_leaves_a_row_unread() -> None:
    assert convolution.unread(6, 3, 2, 1, 1) == 1
    assert convolution.unread(5, 3, 2, 1, 1) == 0


@pytest.mark.parametrize(
    ("figure", "i", "k", "s", "p", "a", "o", "stretched", "padding", "relationship"),
    [
        ("4.1", 2, 3, 1, 0, 0, 4, 2, 2, 8),
        ("4.2", 6, 4, 1, 2, 0, 5, 6, 1, 9),
        ("4.3", 5, 3, 1, 1, 0, 5, 5, 1, 10),
        ("4.4", 7, 3, 1, 2, 0, 5, 7, 0, 11),
        ("4.5", 2, 3, 2, 0, 0, 5, 3, 2, 12),
        ("4.6", 3, 3, 2, 1, 0, 5, 5, 1, 13),
        ("4.7", 3, 3, 2, 1, 1, 6, 5, 1, 14),
    ],
)
def test_figures_of_transposed_convolutions(
    figure: str, i: int, k: int, s: int, p: int, a: int, o: int, stretched: int, padding: int, relationship: int
) -> None:
    assert convolution.transposed(i, k, s, p, p, a=a) == o
    assert convolution.stretched(i, s) == stretched
    assert convolution.transposed_padding(k, p, p, a=a) == (padding, padding + a)
    assert convolution.transposed_relationships(k, s, p, p, a=a)[0] == relationship
    assert convolution.conv(o, k, s, p, p) == i


def test_figures_1_5_and_1_6_of_pooling() -> None:
    assert convolution.conv(5, 3, 1) == 3


@given(k=KERNEL, d=DILATION)
def test_dilated_kernel_spans_its_taps(k: int, d: int) -> None:
    here = taps(0, k, d)
    assert convolution.dilated_kernel(k, d) == here[-1] - here[0] + 1


@given(i=SIZE, k=KERNEL, s=STRIDE, before=PADDING, after=PADDING, d=DILATION)
def test_conv_counts_the_placements(i: int, k: int, s: int, before: int, after: int, d: int) -> None:
    fitting = placements(before + i + after, k, s, d)
    assert max(convolution.conv(i, k, s, before, after, d), 0) == len(fitting)


@given(i=SIZE, k=KERNEL, s=STRIDE, before=PADDING, after=PADDING, d=DILATION)
def test_unread_counts_what_lies_behind_the_last_placement(
    i: int, k: int, s: int, before: int, after: int, d: int
) -> None:
    length = before + i + after
    fitting = placements(length, k, s, d)
    assume(fitting)
    assert convolution.unread(i, k, s, before, after, d) == length - 1 - fitting[-1][-1]


@given(i=SIZE, s=STRIDE)
def test_conv_same_counts_every_sth_element(i: int, s: int) -> None:
    assert convolution.conv_same(i, s) == len(range(0, i, s))


@given(i=SIZE, k=KERNEL, s=STRIDE, d=DILATION, lower=st.booleans())
def test_same_padding_is_the_least_that_gives_the_same_size(i: int, k: int, s: int, d: int, lower: bool) -> None:
    before, after = convolution.same_padding(i, k, s, d, lower)
    wanted = len(range(0, i, s))
    least = next(total for total in range(200) if len(placements(i + total, k, s, d)) >= wanted)
    assert before + after == least
    assert (before - after if lower else after - before) == least % 2
    assert len(placements(before + i + after, k, s, d)) == wanted


def test_same_padding_of_tensorflow() -> None:
    assert convolution.same_padding(224, 7, 2) == (2, 3)
    assert convolution.same_padding(6, 3, 2) == (0, 1)
    assert convolution.same_padding(6, 3, 2, lower=True) == (1, 0)
    assert convolution.same_padding(5, 1, 3) == (0, 0)


@given(i=SIZE, k=KERNEL, d=DILATION)
def test_half_padding_keeps_the_size_of_an_odd_kernel(i: int, k: int, d: int) -> None:
    p = convolution.half_padding(k, d)
    grown = len(placements(p + i + p, k, 1, d)) - i
    assert grown == (0 if convolution.dilated_kernel(k, d) % 2 else 1)


@given(i=SIZE, k=KERNEL, d=DILATION)
def test_full_padding_lets_every_overlap_count(i: int, k: int, d: int) -> None:
    p = convolution.full_padding(k, d)
    overlapping = [t for t in range(-60, i) if t <= i - 1 and t + (k - 1) * d >= 0]
    assert len(placements(p + i + p, k, 1, d)) == len(overlapping)


@given(i=SIZE, k=KERNEL, s=STRIDE, d=DILATION, data=st.data())
def test_ceil_mode_simulated(i: int, k: int, s: int, d: int, data: st.DataObject) -> None:
    """PyTorch: a window may go beyond the end by less than a stride, if it starts in the left padding or the input."""
    before, after = (data.draw(st.integers(0, k // 2)) for _ in range(2))
    length = before + i + after
    windows = [t for t in range(0, before + i, s) if taps(t, k, d)[-1] <= length - 1 + (s - 1)]
    assert max(convolution.pool_ceil(i, k, s, before, after, d), 0) == len(windows)


@given(i=SIZE, k=KERNEL, s=STRIDE, p=st.integers(0, 3), d=DILATION)
def test_ceil_mode_as_pytorch_writes_it(i: int, k: int, s: int, p: int, d: int) -> None:
    assume(2 * p <= k)
    size = (i + 2 * p - d * (k - 1) - 1 + s - 1) // s + 1
    if (size - 1) * s >= i + p:
        size -= 1
    assert convolution.pool_ceil(i, k, s, p, p, d) == size


@given(i=SIZE, k=KERNEL, s=STRIDE, before=PADDING, after=PADDING, d=DILATION, a=st.integers(0, 4))
def test_transposed_is_what_scattering_touches(i: int, k: int, s: int, before: int, after: int, d: int, a: int) -> None:
    touched = {place for j in range(i) for place in taps(j * s, k, d)}
    whole = max(touched) + 1
    assert convolution.transposed(i, k, s, before, after, d, a) == whole + a - before - after


@given(i=SIZE, k=KERNEL, s=STRIDE, before=PADDING, after=PADDING, d=DILATION)
def test_associated_inputs_are_all_that_give_the_size(i: int, k: int, s: int, before: int, after: int, d: int) -> None:
    far = convolution.transposed(i, k, s, before, after, d) + 50
    giving = [j for j in range(-60, far) if convolution.conv(j, k, s, before, after, d) == i]
    smallest, largest = convolution.associated_inputs(i, k, s, before, after, d)
    assert giving == list(range(smallest, largest + 1))
    assert giving[0] == convolution.transposed(i, k, s, before, after, d)
    for a, j in enumerate(giving):
        assert convolution.transposed(i, k, s, before, after, d, a) == j
        assert convolution.unread(j, k, s, before, after, d) == a


@given(i=SIZE, s=STRIDE)
def test_transposed_same_counts_the_sizes_that_give_it(i: int, s: int) -> None:
    giving = [j for j in range(1, 300) if -(-j // s) == i]
    assert [convolution.transposed_same(i, s, a) for a in range(s)] == giving


@given(i=SIZE, s=STRIDE)
def test_stretched_puts_zeros_between(i: int, s: int) -> None:
    row: list[int] = []
    for element in range(i):
        row += [0] * (s - 1 if element else 0) + [1]
    assert convolution.stretched(i, s) == len(row)


@given(i=SIZE, k=KERNEL, s=STRIDE, before=PADDING, after=PADDING, d=DILATION, a=st.integers(0, 4))
def test_the_direct_convolution_of_a_transposed_one(
    i: int, k: int, s: int, before: int, after: int, d: int, a: int
) -> None:
    pads = convolution.transposed_padding(k, before, after, d, a)
    o = convolution.transposed(i, k, s, before, after, d, a)
    length = convolution.stretched(i, s) + sum(pads)  # a negative padding crops
    assert max(o, 0) == len(placements(length, k, 1, d))


def test_a_padding_beyond_the_kernel_crops() -> None:
    assert convolution.transposed_padding(3, 4, 4) == (-2, -2)
    assert convolution.transposed(10, 3, 1, 4, 4) == 4


@given(i=SIZE, numerator=st.integers(1, 9), denominator=st.integers(1, 9))
def test_scale_is_the_floor_of_the_product(i: int, numerator: int, denominator: int) -> None:
    assert convolution.scale(i, numerator, denominator) == floor(i * Fraction(numerator, denominator))


@given(i=SIZE, start=st.integers(0, 40), step=st.integers(1, 6))
def test_sliced_counts_the_elements(i: int, start: int, step: int) -> None:
    assume(start <= i)
    assert convolution.sliced(i, start, step) == len(range(start, i, step))


# Number: (when it holds, what it says).
FORWARD: dict[int, tuple[Callable[..., bool], Callable[..., int]]] = {
    1: (lambda k, s, p: s == 1 and p == 0, lambda i, k, s, p: i - k + 1),
    2: (lambda k, s, p: s == 1, lambda i, k, s, p: i - k + 2 * p + 1),
    3: (lambda k, s, p: s == 1 and k % 2 == 1 and p == (k - 1) // 2, lambda i, k, s, p: i),
    4: (lambda k, s, p: s == 1 and p == k - 1, lambda i, k, s, p: i + k - 1),
    5: (lambda k, s, p: p == 0, lambda i, k, s, p: (i - k) // s + 1),
    6: (lambda k, s, p: True, lambda i, k, s, p: (i + 2 * p - k) // s + 1),
}
BACKWARD: dict[int, tuple[Callable[..., bool], Callable[..., int]]] = {
    8: (lambda k, s, p: s == 1 and p == 0, lambda i, k, s, p: i + k - 1),
    9: (lambda k, s, p: s == 1, lambda i, k, s, p: i + k - 1 - 2 * p),
    10: (lambda k, s, p: s == 1 and k % 2 == 1 and p == (k - 1) // 2, lambda i, k, s, p: i),
    11: (lambda k, s, p: s == 1 and p == k - 1, lambda i, k, s, p: i - (k - 1)),
    12: (lambda k, s, p: p == 0, lambda i, k, s, p: s * (i - 1) + k),
    13: (lambda k, s, p: True, lambda i, k, s, p: s * (i - 1) + k - 2 * p),
}


@given(i=SIZE, k=KERNEL, s=STRIDE, before=st.integers(0, 6), after=st.integers(0, 6), even=st.booleans(), d=DILATION)
def test_relationships_are_those_that_hold(i: int, k: int, s: int, before: int, after: int, even: bool, d: int) -> None:
    after = before if even else after
    found = convolution.relationships(k, s, before, after, d)
    o = convolution.conv(i, k, s, before, after, d)
    assert len(set(found)) == len(found)
    assert found[-1] == 15
    if d != 1 and k != 1:
        assert found == (15,)
    elif before != after:
        assert found == (6, 15)
    else:
        assert set(found[:-1]) == {n for n, (holds, _) in FORWARD.items() if holds(k, s, before)}
    for number in found[:-1]:
        # The guide's 2p is the sum of both edges.
        says = FORWARD[number][1](i, k, s, Fraction(before + after, 2))
        assert floor(says) == o


@given(
    i=SIZE,
    k=KERNEL,
    s=STRIDE,
    before=st.integers(0, 6),
    after=st.integers(0, 6),
    even=st.booleans(),
    d=DILATION,
    a=st.integers(0, 2),
)
def test_transposed_relationships_are_those_that_hold(
    i: int, k: int, s: int, before: int, after: int, even: bool, d: int, a: int
) -> None:
    after = before if even else after
    found = convolution.transposed_relationships(k, s, before, after, d, a)
    o = convolution.transposed(i, k, s, before, after, d, a)
    reach = convolution.dilated_kernel(k, d)
    assert found[-1] == 14
    assert o == s * (i - 1) + a + reach - before - after
    if before != after or a:
        assert found == (14,)
    else:
        assert set(found[:-1]) == {n for n, (holds, _) in BACKWARD.items() if holds(reach, s, before)}
        assert len(set(found)) == len(found)
    for number in found[:-1]:
        assert BACKWARD[number][1](i, reach, s, before) == o


@given(k=KERNEL, s=STRIDE, p=st.integers(0, 6), d=DILATION)
def test_a_general_relationship_stands_behind_its_special_cases(k: int, s: int, p: int, d: int) -> None:
    found = convolution.relationships(k, s, p, p, d)
    back = convolution.transposed_relationships(k, s, p, p, d)
    for special, general in ((1, 2), (3, 2), (4, 2), (1, 5), (2, 6), (5, 6), (6, 15)):
        assert special not in found or (general in found and found.index(special) < found.index(general))
    for special, general in ((8, 9), (10, 9), (11, 9), (8, 12), (9, 13), (12, 13), (13, 14)):
        assert special not in back or (general in back and back.index(special) < back.index(general))


# Every function of a size, with the rest of its arguments drawn.
SIZED: dict[str, Callable[[Any, int, int, int, int, int, int], Any]] = {
    "conv": lambda i, k, s, b, f, d, a: convolution.conv(i, k, s, b, f, d),
    "unread": lambda i, k, s, b, f, d, a: convolution.unread(i, k, s, b, f, d),
    "conv_same": lambda i, k, s, b, f, d, a: convolution.conv_same(i, s),
    "pool_ceil": lambda i, k, s, b, f, d, a: convolution.pool_ceil(i, k, s, b, f, d),
    "transposed": lambda i, k, s, b, f, d, a: convolution.transposed(i, k, s, b, f, d, a),
    "transposed_same": lambda i, k, s, b, f, d, a: convolution.transposed_same(i, s, a),
    "stretched": lambda i, k, s, b, f, d, a: convolution.stretched(i, s),
    "associated_inputs": lambda i, k, s, b, f, d, a: convolution.associated_inputs(i, k, s, b, f, d),
    "scale": lambda i, k, s, b, f, d, a: convolution.scale(i, k, s),
    "sliced": lambda i, k, s, b, f, d, a: convolution.sliced(i, b, s),
}
# They know the size as a number only: the larger of two sizes is no polynomial, and the others take no size.
NUMBERS_ONLY = {
    "same_padding",
    "taps_on_input",
    "dilated_kernel",
    "half_padding",
    "full_padding",
    "transposed_padding",
    "relationships",
    "transposed_relationships",
}


def test_what_is_left_out_is_unit_stride_no_padding_no_dilation() -> None:
    usual = {"s": 1, "before": 0, "after": 0, "d": 1, "a": 0, "denominator": 1, "step": 1, "lower": False}
    for name in (*SIZED, *NUMBERS_ONLY):
        for parameter in inspect.signature(getattr(convolution, name)).parameters.values():
            if parameter.default is not parameter.empty:
                assert parameter.default == usual[parameter.name], (name, parameter)


def test_every_function_is_tried_on_arrays_and_symbols() -> None:
    functions = {name for name, value in vars(convolution).items() if callable(value) and name[0].islower()}
    assert functions == set(SIZED) | NUMBERS_ONLY


@pytest.mark.parametrize("name", SIZED)
@given(k=KERNEL, s=STRIDE, before=PADDING, after=PADDING, d=DILATION, a=st.integers(0, 4))
def test_arrays_and_symbols_give_the_same(name: str, k: int, s: int, before: int, after: int, d: int, a: int) -> None:
    function = SIZED[name]
    sizes = list(range(1, 33))
    one_by_one = [function(i, k, s, before, after, d, a) for i in sizes]
    array = function(np.array(sizes, dtype=np.int64), k, s, before, after, d, a)
    symbol = function(Symbolic.of("n"), k, s, before, after, d, a)
    if name == "associated_inputs":
        assert list(zip(*(part.tolist() for part in array), strict=True)) == one_by_one
        assert [tuple(part.at({"n": i}) for part in symbol) for i in sizes] == one_by_one
    else:
        assert array.dtype == np.int64
        assert array.tolist() == one_by_one
        assert [symbol if isinstance(symbol, int) else symbol.at({"n": i}) for i in sizes] == one_by_one


@given(k=KERNEL, s=STRIDE, d=DILATION, lower=st.booleans())
def test_same_padding_of_arrays(k: int, s: int, d: int, lower: bool) -> None:
    sizes = list(range(1, 33))
    before, after = convolution.same_padding(np.array(sizes), k, s, d, lower)
    assert list(zip(before.tolist(), after.tolist(), strict=True)) == [
        convolution.same_padding(i, k, s, d, lower) for i in sizes
    ]
