"""The small pieces of text that every message is made of."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.text import (
    and_more,
    every,
    excerpt,
    nearest,
    plural,
    printable,
    short_bytes,
    show_bytes,
    suggest,
    table,
)

WORDS = st.text("abcdefgh_-", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("word", "several"),
    [
        ("layer", "layers"),
        ("fix", "fixes"),
        ("axis", "axes"),
        ("mesh axis", "mesh axes"),
        ("pass", "passes"),
        ("branch", "branches"),
        ("entry", "entries"),
        ("array", "arrays"),
        ("more row", "more rows"),
    ],
)
def test_counted_things(word: str, several: str) -> None:
    assert plural(1, word) == f"1 {word}"
    assert [plural(count, word) for count in (0, 2)] == [f"0 {several}", f"2 {several}"]
    assert plural(12_345, word) == f"12345 {several}"
    assert plural(12_345, word, ",") == f"12,345 {several}"


def test_all_of_them() -> None:
    assert every(1, "layer", "agree") == "the one layer agrees"
    assert every(2, "layer", "agree") == "all 2 layers agree"


@given(st.lists(WORDS, max_size=8), st.integers(1, 8))
def test_a_list_names_some_and_counts_the_rest(words: list[str], most: int) -> None:
    said = and_more(words, most)
    named, _, more = said.partition(" and ")
    assert named == ", ".join(words[:most])
    assert more == (f"{len(words) - most} more" if len(words) > most else "")


@pytest.mark.parametrize(
    ("count", "long", "short"),
    [
        (0, "0 bytes", "0 B"),
        (1023, "1023 bytes", "1023 B"),
        (1024, "1.00 KiB", "1 KiB"),
        (1500, "1.46 KiB", "1.46 KiB"),
        (98_100_000, "93.56 MiB", "93.6 MiB"),
        (1_022_000, "998.05 KiB", "998 KiB"),
        (1_023_000, "999.02 KiB", "999 KiB"),
        (1_024_000, "1,000.00 KiB", "1000 KiB"),
        (2**20 - 1, "1,024.00 KiB", "1024 KiB"),
        (-3 * 2**30, "-3.00 GiB", "-3 GiB"),
        (5000 * 2**40, "5,000.00 TiB", "5000 TiB"),
    ],
)
def test_bytes(count: int, long: str, short: str) -> None:
    assert (show_bytes(count), short_bytes(count)) == (long, short)


@given(st.integers(0, 2**60))
def test_short_bytes_are_near_and_never_in_powers_of_ten(count: int) -> None:
    number, unit = short_bytes(count).split()
    assert "e" not in number
    steps = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
    assert float(number) * steps[unit] == pytest.approx(count, rel=0.006)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(WORDS, min_size=n, max_size=n), min_size=1, max_size=5)))
def test_the_columns_of_a_table_stand_below_each_other(rows: list[list[str]]) -> None:
    lines = table(rows, right={1})
    at = 0
    for column in range(len(rows[0])):
        width = max(len(row[column]) for row in rows)
        for row, line in zip(rows, lines, strict=True):
            cell = line[at : at + width].ljust(width)
            assert cell == (row[column].rjust(width) if column == 1 else row[column].ljust(width))
        at += width + 2
    assert all(line == line.rstrip() for line in lines)


def test_a_table_of_no_rows() -> None:
    assert table([]) == []


def test_nothing_but_letters_is_printed() -> None:
    assert printable("ä → \u2028\x1b[31m") == "ä → \ufffd\ufffd[31m"
    assert printable("a\nb\r", keep="\n") == "a\nb\ufffd"


@given(st.text(" abc\t", max_size=60), st.integers(1, 60), st.integers(0, 20), st.integers(10, 30))
def test_an_excerpt_shows_what_is_marked(line: str, first: int, length: int, widest: int) -> None:
    first = min(first, len(line) + 1)
    last = min(first + length, len(line) + 1)
    found = excerpt(["", line], (2, first), (2, last), widest)
    assert found is not None
    assert len(found.source) <= max(widest + 1, len(line) if len(line) <= widest else 0)
    assert "\t" not in found.source
    marked = line[first - 1 : last - 1].replace("\t", " ")
    shown = found.source[found.indent : found.indent + found.width]
    assert found.width == 1 or shown.rstrip("…") == marked[: len(shown.rstrip("…"))]
    assert found.width >= 1
    if len(line) <= widest:
        assert (found.source, found.indent) == (line.replace("\t", " "), first - 1)


def test_an_excerpt_of_several_lines_goes_to_the_end_of_the_first() -> None:
    assert excerpt(["abc", "def"], (1, 2), (2, 3), 80) == ("abc", 1, 2)
    assert excerpt(["abc"], (1, 4), (1, 4), 80) == ("abc", 3, 1)


@pytest.mark.parametrize("line", [0, 3])
def test_there_is_no_excerpt_of_a_line_that_is_not_there(line: int) -> None:
    assert excerpt(["a", "b"], (line, 1), (line, 2), 80) is None


def test_the_nearest_word() -> None:
    assert nearest("kernal-size", ["stride", "kernel_size"]) == "kernel_size"
    assert nearest("stride", ["Stride"]) == "Stride"
    assert nearest("zzz", ["stride", "kernel_size"]) is None
    meanings = {"fc": ("linear", "dense")}
    assert nearest("FC", ["conv", "dense"], meanings) == "dense"
    assert nearest("fc", ["fc", "linear"], meanings) == "fc"
    assert nearest("fc", ["conv"], meanings) is None


def test_what_is_said_of_an_unknown_word() -> None:
    assert suggest("strid", ["stride"], "keys") == "did you mean stride?"
    assert suggest("zzz", ["a", "b"], "keys") == "the keys here are a, b"
    assert suggest("zzz", [], "keys") == "there are no keys here"
    many = [f"q{n}" for n in range(33)]
    assert suggest("zzz", many, "keys") == f"the keys here are {', '.join(many[:30])} and 3 more"


def test_it_loads_nothing_else_of_the_package() -> None:
    code = "import sys, shapecheck.text; print([m for m in sys.modules if m.startswith('shapecheck.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['shapecheck._version', 'shapecheck.text']"
