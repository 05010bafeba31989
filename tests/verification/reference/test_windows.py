"""Layers that slide a window, against kernels that are placed one by one."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from amounts import examples
from handmade import chain, network
from hypothesis import assume, given

from shapecheck.verification.reference import run_levels

quick = examples(60)
SIZES = st.integers(1, 14)
KERNELS = st.integers(1, 5)
STEPS = st.integers(1, 4)


def placements(i: int, k: int, s: int, before: int, after: int, d: int = 1) -> int:
    """Count the places of a kernel whose every tap lies on the padded input."""
    padded = i + before + after
    return sum(1 for start in range(0, padded, s) if all(start + tap * d < padded for tap in range(k)))


def placements_rounding_up(i: int, k: int, s: int, before: int, after: int, d: int = 1) -> int:
    """Count as PyTorch does in ceil mode: go on while something is unread, but never begin behind the input."""
    padded, last_tap = i + before + after, (k - 1) * d
    count, start = 0, 0
    while start < before + i:
        previous_reads_to = start - s + last_tap
        if start + last_tap >= padded and previous_reads_to >= padded - 1:
            break
        count, start = count + 1, start + s
    return count


def scattered(i: int, k: int, s: int, before: int, after: int, d: int, a: int) -> int:
    """Return how far a transposed convolution reaches when every input element scatters a whole kernel."""
    touched = {at * s + tap * d for at in range(i) for tap in range(k)}
    return max(touched) + 1 + a - before - after


def shape_of(result: Any, index: int) -> tuple[int, ...] | str:
    return result.shapes.get(index) or result.refused[index]


def spatial(shape: tuple[int, ...], channels_last: bool) -> tuple[int, ...]:
    return shape[1:-1] if channels_last else shape[2:]


def arranged(batch: int, channels: int, sizes: tuple[int, ...], channels_last: bool) -> tuple[int, ...]:
    return (batch, *sizes, channels) if channels_last else (batch, channels, *sizes)


@quick
@given(st.data(), st.booleans(), st.integers(1, 3))
def test_conv_places_its_kernel_wherever_it_fits(data: st.DataObject, channels_last: bool, axes: int) -> None:
    drawn = [
        data.draw(st.tuples(SIZES, KERNELS, STEPS, STEPS, st.integers(0, 5), st.integers(0, 5))) for _ in range(axes)
    ]
    keys = {
        "op": "conv",
        "out_channels": 4,
        "groups": 2,
        "kernel_size": [k for _, k, *_ in drawn],
        "stride": [s for _, _, s, *_ in drawn],
        "dilation": [d for _, _, _, d, *_ in drawn],
        "padding": [[low, high] for *_, low, high in drawn],
    }
    sizes = tuple(i for i, *_ in drawn)
    found = shape_of(
        run_levels(chain(arranged(2, 6, sizes, channels_last), keys, channels_last=channels_last), "trace"), 1
    )
    expected = tuple(placements(i, k, s, low, high, d) for i, k, s, d, low, high in drawn)
    if min(expected) < 1:
        assert isinstance(found, str)
        assert "empty" in found
    else:
        assert found == arranged(2, 4, expected, channels_last)


@quick
@given(SIZES, KERNELS, STEPS, STEPS, st.sampled_from(["valid", "half", "full", "same", "same_lower"]))
def test_padding_words(i: int, k: int, s: int, d: int, word: str) -> None:
    span = len(range((k - 1) * d + 1))
    if word in ("same", "same_lower"):
        expected = len(range(0, i, s))
    else:
        amount = {"valid": 0, "half": span // 2, "full": span - 1}[word]
        expected = placements(i, k, s, amount, amount, d)
    assume(expected > 0)
    keys = {"op": "conv", "out_channels": 1, "kernel_size": k, "stride": s, "dilation": d, "padding": word}
    assert run_levels(chain((1, 1, i), keys), "trace").shapes[1] == (1, 1, expected)


@pytest.mark.parametrize("op", ["max_pool", "avg_pool", "lp_pool"])
@quick
@given(data=st.data(), i=SIZES, k=KERNELS, s=st.integers(1, 6), ceil_mode=st.booleans(), channels_last=st.booleans())
def test_pooling(op: str, data: st.DataObject, i: int, k: int, s: int, ceil_mode: bool, channels_last: bool) -> None:
    low, high = data.draw(st.integers(0, k // 2)), data.draw(st.integers(0, k // 2))
    d = data.draw(STEPS) if op == "max_pool" else 1
    keys = {"op": op, "kernel_size": [k, 1], "stride": [s, 1], "padding": [[low, high], 0], "ceil_mode": ceil_mode}
    if op == "max_pool":
        keys["dilation"] = [d, 1]
    found = shape_of(
        run_levels(chain(arranged(2, 3, (i, 4), channels_last), keys, channels_last=channels_last), "trace"), 1
    )
    expected = (placements_rounding_up if ceil_mode else placements)(i, k, s, low, high, d)
    if expected < 1:
        assert isinstance(found, str)
    else:
        assert found == arranged(2, 3, (expected, 4), channels_last)


@quick
@given(st.data(), SIZES, KERNELS, STEPS, STEPS, st.integers(0, 6), st.integers(0, 6), st.booleans())
def test_conv_transpose_scatters(
    data: st.DataObject,
    i: int,
    k: int,
    s: int,
    d: int,
    low: int,
    high: int,
    channels_last: bool,
) -> None:
    a = data.draw(st.integers(0, max(s, d) - 1))
    keys = {
        "op": "conv_transpose",
        "out_channels": 4,
        "kernel_size": k,
        "stride": s,
        "dilation": d,
        "groups": 2,
        "padding": [[low, high]],
        "output_padding": a,
    }
    found = shape_of(
        run_levels(chain(arranged(2, 6, (i,), channels_last), keys, channels_last=channels_last), "trace"), 1
    )
    expected = scattered(i, k, s, low, high, d, a)
    if expected < 1:
        assert isinstance(found, str)
    else:
        assert found == arranged(2, 4, (expected,), channels_last)


@quick
@given(st.data(), SIZES, KERNELS, STEPS, STEPS, st.integers(0, 3))
def test_conv_transpose_gives_back_what_it_names(data: st.DataObject, i: int, k: int, s: int, d: int, p: int) -> None:
    made = placements(i, k, s, p, p, d)
    assume(made > 0)
    conv = {"op": "conv", "out_channels": 5, "kernel_size": k, "stride": s, "dilation": d, "padding": p}
    named = network(
        ("x", (1, 3, i), None),
        ("down", conv, ("x",)),
        ("up", {"op": "conv_transpose", "transpose_of": "down"}, ("down",)),
        ("sized", {**conv, "op": "conv_transpose", "output_size": i}, ("down",)),
        ("wrong", {**conv, "op": "conv_transpose", "output_size": i + s}, ("down",)),
    )
    found = run_levels(named, "trace")
    assert found.shapes[2] == (1, 3, i)
    assert found.shapes[3] == (1, 5, i)
    assert "cannot give back" in found.refused[4]


@quick
@given(st.data(), st.integers(1, 9), KERNELS, STEPS, st.sampled_from(["same", "same_lower"]))
def test_transposed_same_has_s_answers(data: st.DataObject, i: int, k: int, s: int, word: str) -> None:
    a = data.draw(st.integers(0, s - 1))
    keys = {
        "op": "conv_transpose",
        "out_channels": 2,
        "kernel_size": k,
        "stride": s,
        "padding": word,
        "output_padding": a,
    }
    answers = [o for o in range(1, s * i + s + 1) if len(range(0, o, s)) == i]
    assert len(answers) == s
    assert run_levels(chain((1, 2, i), keys), "trace").shapes[1] == (1, 2, answers[a])
    del keys["output_padding"]
    assert run_levels(chain((1, 2, i), keys), "trace").shapes[1] == (1, 2, s * i)


@quick
@given(SIZES, SIZES, KERNELS, STEPS, STEPS, st.integers(0, 3), st.booleans())
def test_unfold_and_fold(i: int, j: int, k: int, s: int, d: int, p: int, channels_last: bool) -> None:
    rows, columns = placements(i, k, s, p, p, d), placements(j, 2, 1, p, p, d)
    assume(rows > 0 and columns > 0)
    keys = {"kernel_size": [k, 2], "stride": [s, 1], "dilation": d, "padding": p}
    made = chain(
        arranged(2, 3, (i, j), channels_last),
        {"op": "unfold", **keys},
        {"op": "fold", "output_size": [i, j], **keys},
        channels_last=channels_last,
    )
    found = run_levels(made, "trace")
    assert found.shapes[1] == arranged(2, 3 * k * 2, (rows * columns,), channels_last)
    assert found.shapes[2] == arranged(2, 3, (i, j), channels_last)


@quick
@given(st.data(), SIZES, KERNELS, STEPS, st.booleans(), st.booleans())
def test_max_unpool_gives_back_the_size(
    data: st.DataObject, i: int, k: int, s: int, ceil_mode: bool, last: bool
) -> None:
    p = data.draw(st.integers(0, k // 2))
    d = data.draw(st.integers(1, 2))
    assume((placements_rounding_up if ceil_mode else placements)(i, k, s, p, p, d) > 0)
    pool = {"op": "max_pool", "kernel_size": k, "stride": s, "padding": p, "ceil_mode": ceil_mode, "dilation": d}
    made = network(
        ("x", arranged(2, 3, (i,), last), None),
        ("down", pool, ("x",)),
        ("up", {"op": "max_unpool", "pool": "down"}, ("down",)),
        channels_last=last,
    )
    assert run_levels(made, "trace").shapes[2] == arranged(2, 3, (i,), last)


@quick
@given(st.data(), SIZES, KERNELS, STEPS)
def test_max_unpool_alone(data: st.DataObject, i: int, k: int, s: int) -> None:
    p, a = data.draw(st.integers(0, k // 2)), data.draw(st.integers(0, s))
    keys = {"op": "max_unpool", "kernel_size": k, "stride": s, "padding": p}
    found = shape_of(run_levels(chain((1, 1, i), {**keys, "output_padding": a}), "trace"), 1)
    answers = [o for o in range(1, s * i + k + 2) if placements(o, k, s, p, p) == i]
    size = scattered(i, k, s, p, p, 1, a)
    if size in answers:
        assert found == (1, 1, size)
        assert run_levels(chain((1, 1, i), {**keys, "output_size": size}), "trace").shapes[1] == (1, 1, size)
    else:
        assert isinstance(found, str)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [2, "same", "half"])
def test_padding_modes_do_not_change_the_size(mode: str, padding: Any) -> None:
    keys = {"op": "conv", "out_channels": 2, "kernel_size": 5, "stride": 2, "padding": padding}
    plain = run_levels(chain((1, 2, 9, 8), keys), "trace").shapes[1]
    assert run_levels(chain((1, 2, 9, 8), {**keys, "padding_mode": mode}), "trace").shapes[1] == plain


def test_four_spatial_axes_compile() -> None:
    keys = {"op": "conv", "out_channels": 2, "kernel_size": 3, "stride": 2, "padding": 1}
    found = run_levels(chain((1, 2, 5, 6, 7, 8), keys, {"op": "max_pool", "kernel_size": 2}), "compile")
    assert found.shapes[1] == (1, 2, 3, 3, 4, 4)
    assert found.shapes[2] == (1, 2, 1, 1, 2, 2)
    assert found.bytes_agree
