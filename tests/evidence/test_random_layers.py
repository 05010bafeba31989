"""Ten thousand random layers: our shape or refusal against PyTorch's, but for the exceptions that are named here.

An exception says why PyTorch is no judge of a row and what we must answer instead; each has an exact count, so that
none can grow unseen.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
from amounts import amount, drawn
from facts import DATA, required
from one_layer import RESULT, Answer, ask, layer, text

Row = dict[str, Any]

NAME = "random-layers.jsonl.gz"
pytestmark = required(NAME)

OPS = {
    "Conv": "conv",
    "ConvTranspose": "conv_transpose",
    "MaxPool": "max_pool",
    "AvgPool": "avg_pool",
    "LPPool": "lp_pool",
    "AdaptiveAvgPool": "adaptive_avg_pool",
    "AdaptiveMaxPool": "adaptive_max_pool",
    "Fold": "fold",
    "Unfold": "unfold",
}
# It changes values alone, and the language has no word for it.
VALUES_ONLY = ("divisor_override",)


@cache
def rows() -> list[Row]:
    with gzip.open(DATA / NAME, "rt", encoding="utf-8") as lines:
        next(lines)  # the header
        return [json.loads(line) for line in lines]


def family(row: Row) -> tuple[str, int]:
    """Return the class without its digit, and its number of spatial axes (fold and unfold: 2)."""
    match = re.fullmatch(r"([A-Za-z]+?)(?:([123])d)?", row["op"])
    assert match
    return match[1], int(match[2] or 2)


def keys(row: Row) -> Row:
    """Return the row's arguments as keys of ours."""
    _, axes = family(row)
    found = {name: value for name, value in row["a"].items() if name not in VALUES_ONLY}
    size = found.get("output_size")
    if "Adaptive" in row["op"]:
        # None keeps the input's size: it is written out, for we have no word for it.
        sizes = size if isinstance(size, list) else [size] * axes
        found["output_size"] = [row["x"][-axes:][j] if s is None else s for j, s in enumerate(sizes)]
    elif not isinstance(found.get("kernel_size"), list):
        # The class fixes the number of axes; with us a list does.
        found["kernel_size"] = [found["kernel_size"]] * axes
    return found


def unbatched(row: Row) -> bool:
    """Say whether the row's input has no batch axis, which PyTorch allows and we write as a batch of 1."""
    name, axes = family(row)
    return len(row["x"]) == (2 if name == "Fold" else axes + 1)


def source(row: Row) -> str:
    name, _ = family(row)
    if not unbatched(row):
        return text({"x": row["x"]}, [layer(OPS[name], keys(row), RESULT)])
    lines = [
        layer("unsqueeze", {"axis": 0}),
        layer(OPS[name], keys(row), "inner"),
        layer("squeeze", {"axis": 0}, RESULT),
    ]
    return text({"x": row["x"]}, lines)


def below_range(row: Row) -> bool:
    """Say whether an argument or an input size lies below what it may be at all."""

    def smallest(value: Any) -> int:
        numbers = value if isinstance(value, list) else [value]
        return min((n for n in numbers if type(n) is int), default=1)

    least = {"padding": 0, "output_padding": 0}
    arguments = {k: v for k, v in row["a"].items() if k not in VALUES_ONLY}
    return smallest(row["x"]) < 1 or any(smallest(value) < least.get(name, 1) for name, value in arguments.items())


# PyTorch's reason for refusing, and the codes with which we may refuse for the same reason. Where an argument is out
# of its range (SC011) nothing else is said of the layer, so that code may stand for any other.
REASONS: dict[str, set[str]] = {
    r"groups must be a positive integer|non-positive|negative|greater than zero|should not be zero": {"SC011"},
    r"Expected \dD \(unbatched\) or \dD \(batched\) input": {"SC201", "SC202"},
    r"Expected 2D or 3D \(batch mode\) tensor|could not create a primitive descriptor": {"SC011"},
    r"must be divisible by groups": {"SC205"},
    r"expected input\[.*\] to have": {"SC206"},
    r"Kernel size can't be gr|Kernel size: \(": {"SC204"},
    r"pad(ding)? should be (at most|smaller than or equal to) half": {"SC210"},
    r"Output size is too small|Output size|Outp|Ou\b|Out\b|Invalid computed output size": {"SC203", "SC204"},
    r"smaller than kernel size \(kT": {"SC204"},
    r"output padding must be smaller": {"SC301"},
    r'Only "zeros" padding mode': {"SC012"},
    r"Padding size should be less than": {"SC216"},
    r"to be divisible by the product of kernel_size": {"SC213", "SC204"},
    r"Given output_size=": {"SC218", "SC204"},
    r"Given input with spatial size": {"SC204"},
    r"could not construct a memory descriptor": {"SC203"},
}


def reason(row: Row) -> set[str]:
    found = next((codes for pattern, codes in REASONS.items() if re.search(pattern, row["err"])), None)
    assert found is not None, row["err"]
    return found | {"SC011"} if below_range(row) else found


def wrong(row: Row, ours: Answer) -> bool:
    """Say whether our answer is not PyTorch's."""
    if row["out"] is not None:
        return ours.shape != row["out"] or ours.errors != ()
    return not ours.errors or not set(ours.errors) <= reason(row)


def pooled(row: Row) -> list[int]:
    """Return what a pooling makes by the formula in PyTorch's documentation, its last window clipped."""
    _, axes = family(row)

    def each(value: Any) -> list[int]:
        return value if isinstance(value, list) else [value] * axes

    a = row["a"]
    k = each(a["kernel_size"])
    s = k if a.get("stride") is None else each(a["stride"])
    p = each(a.get("padding", 0))
    out = row["x"][:-axes]
    for j, i in enumerate(row["x"][-axes:]):
        size = (i + 2 * p[j] - k[j] + (s[j] - 1 if a["ceil_mode"] else 0)) // s[j] + 1
        if a["ceil_mode"] and (size - 1) * s[j] >= i + p[j]:
            size -= 1
        out.append(size)
    return out


class Except(NamedTuple):
    """A class of rows of which PyTorch is no judge: which rows, how many, and what our answer must be."""

    holds: Callable[[Row], bool]
    count: int
    right: Callable[[Row, Answer], bool]


def says(row: Row, part: str) -> bool:
    return part in row.get("err", "")


def as_pooled(row: Row, ours: Answer) -> bool:
    """The shape of the formula; or one of our own rules, where the row breaks it too."""
    if ours.errors:
        return set(ours.errors) <= {"SC011", "SC204", "SC210"} and (
            below_range(row) or min(pooled(row)) < 1 or over_half(row)
        )
    return ours.shape == pooled(row)


def over_half(row: Row) -> bool:
    _, axes = family(row)
    k, p = (row["a"][name] for name in ("kernel_size", "padding"))
    ks, ps = (v if isinstance(v, list) else [v] * axes for v in (k, p))
    return any(2 * b > a for a, b in zip(ks, ps, strict=True))


EXCEPTIONS: dict[str, Except] = {
    # PyTorch lets a batch be empty; with us a size below 1 is always an error.
    "an axis of the input is empty": Except(
        lambda row: min(row["x"]) < 1, 150, lambda row, ours: "SC011" in ours.errors
    ),
    # PyTorch returns an empty map for some transposed layers and refuses others.
    "the output is empty": Except(
        lambda row: row["out"] is not None and min(row["out"]) < 1, 48, lambda row, ours: ours.errors == ("SC203",)
    ),
    # Its average pooling over volumes wants the kernel to fit into the input without the padding, in ceil mode too;
    # over pictures it does not.
    "3-d average pooling ignores its padding": Except(
        lambda row: says(row, "smaller than kernel size (kT"), 121, as_pooled
    ),
    # F.lp_pool1d multiplies by the kernel size, which fails on a tuple.
    "lp_pool1d cannot take a tuple": Except(lambda row: says(row, "mul(): argument 'other'"), 84, as_pooled),
    # A divisor of the mean, not of a shape.
    "divisor_override is 0": Except(lambda row: says(row, "divisor must be not zero"), 26, as_pooled),
    # The language gives same padding with a stride a meaning: o = ⌈i / s⌉.
    "same padding with a stride": Except(
        lambda row: says(row, "padding='same' is not supported for strided"),
        12,
        lambda row, ours: (
            ours.errors == ("SC202",)
            if len(row["x"]) != family(row)[1] + 2
            else ours.shape == [row["x"][0], row["a"]["out_channels"], *same(row)]
        ),
    ),
}


def same(row: Row) -> list[int]:
    _, axes = family(row)
    stride = row["a"]["stride"]
    s = stride if isinstance(stride, list) else [stride] * axes
    return [-(-i // s[j]) for j, i in enumerate(row["x"][-axes:])]


def exception_of(row: Row) -> str | None:
    return next((name for name, exception in EXCEPTIONS.items() if exception.holds(row)), None)


def show(row: Row, ours: Answer) -> str:
    torch = row["out"] if row["out"] is not None else row["err"]
    return f"id {row['id']}: {row['op']}({row['a']}) on {row['x']}: ours {ours.shape} {ours.errors}, torch {torch}"


def test_there_are_ten_thousand() -> None:
    assert len(rows()) == 10_000
    assert {family(row)[0] for row in rows()} == set(OPS)


@drawn
@pytest.mark.parametrize("name", OPS)
def test_shape_or_refusal_is_that_of_torch(name: str) -> None:
    mine = [row for row in rows() if family(row)[0] == name]
    mine = mine[:: len(mine) // amount(len(mine))]
    assert mine
    different = []
    for row in mine:
        ours = ask(source(row))
        exception = exception_of(row)
        if wrong(row, ours) if exception is None else not EXCEPTIONS[exception].right(row, ours):
            different.append(f"{show(row, ours)} ({exception})")
    assert not different, f"{len(different)} of {len(mine)}:\n" + "\n".join(different[:20])


def test_exceptions_are_as_many_as_stated() -> None:
    counts = Counter(exception_of(row) for row in rows())
    del counts[None]
    assert counts == {name: exception.count for name, exception in EXCEPTIONS.items()}


def test_trouble_with_a_memory_descriptor_is_an_empty_axis() -> None:
    """So torch's own words for it hide a shape rule: size below one (SC203)."""
    trouble = [row for row in rows() if says(row, "memory descriptor")]
    assert len(trouble) == 111
    for row in trouble:
        _, axes = family(row)
        a = {name: v if isinstance(v, list) else [v] * axes for name, v in row["a"].items()}
        sizes = [
            (i - 1) * a["stride"][j]
            + a["dilation"][j] * (a["kernel_size"][j] - 1)
            + 1
            + a["output_padding"][j]
            - 2 * a["padding"][j]
            for j, i in enumerate(row["x"][-axes:])
        ]
        assert min(sizes) < 1, show(row, ask(source(row)))
