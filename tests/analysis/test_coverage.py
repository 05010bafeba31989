"""What windows read, against counting it element by element."""

from __future__ import annotations

import random
from itertools import product

import pytest
from texts import check_text

from shapecheck.analysis.coverage import idle_windows, live_taps, phases, rows_lost
from shapecheck.analysis.gridding import griddings
from shapecheck.analysis.layer_index import layer_index
from shapecheck.arithmetic import convolution
from shapecheck.layers.flow import settled
from shapecheck.layers.window import Window


def windows(padded: int = 4) -> list[Window]:
    found = []
    for i, k, s, d in product(range(1, 11), range(1, 5), range(1, 5), range(1, 4)):
        for before, after in product(range(padded), repeat=2):
            o = convolution.conv(i, k, s, before, after, d)
            if o >= 1:
                found.append(Window("conv", i, o, k, s, before, after, d))
    return found


def reads(w: Window, n: int) -> list[int]:
    """The positions that window ``n`` looks at, padding among them."""
    return [n * w.s + t * w.d - w.before for t in range(w.k)]


def test_rows_lost_are_those_behind_the_last_window_and_its_gap() -> None:
    for w in windows():
        end = max(reads(w, w.o - 1)) + 1 + max(w.s - w.reach, 0)
        assert rows_lost(w) == max(w.i - end, 0), w


def test_phases_are_the_remainders_that_are_read() -> None:
    for w in windows(2):
        assert phases(w) == {position % w.s for n in range(12) for position in reads(w, n)}, w


def test_live_taps_meet_the_input_in_some_window() -> None:
    for w in windows():
        alive = {t for n in range(w.o) for t, position in enumerate(reads(w, n)) if 0 <= position < w.i}
        assert live_taps(w) == len(alive), w


def test_idle_windows_lie_wholly_before_or_behind() -> None:
    for w in windows(7):
        starts = [n * w.s - w.before for n in range(w.o)]
        near = sum(start + w.reach <= 0 for start in starts)
        assert idle_windows(w) == (near, sum(start >= w.i for start in starts)), w


def test_settled_padding_gives_the_size_of_same() -> None:
    for i, k, s, d, lower in product(range(1, 20), range(1, 6), range(1, 5), range(1, 3), (False, True)):
        w = settled(Window("same", i, convolution.conv_same(i, s), k, s, 0, 0, d), lower)
        assert w is not None and convolution.conv(i, k, s, w.before, w.after, d) >= w.o
        assert 0 <= (w.before - w.after if lower else w.after - w.before) <= 1


@pytest.mark.parametrize("seed", range(60))
def test_holes_of_a_chain_are_those_of_the_sums_of_its_taps(seed: int) -> None:
    rng = random.Random(seed)
    layers = [(rng.choice([1, 2, 3, 3, 5]), rng.choice([1, 1, 2, 2, 3, 4, 6])) for _ in range(rng.randint(1, 5))]
    lines = [f"  - {{op: conv, out_channels: 4, kernel_size: {k}, dilation: {d}, padding: same}}" for k, d in layers]
    text = "\n".join(["shapecheck: 1", "inputs: {x: [1, 4, 200]}", "layers:", *lines]) + "\n"
    report = check_text(text, "chain.net.yaml")
    assert report.shapes is not None
    offsets = {0}
    for k, d in layers:
        offsets = {offset + t * d for offset in offsets for t in range(k)}
    dilated = sum(k > 1 and d > 1 for k, d in layers)
    holes = len(offsets) < max(offsets) + 1
    found = griddings(report.shapes, layer_index(report.shapes))
    assert bool(found) is (holes and dilated >= 2), text
    if found:
        assert (found[0].read, found[0].span) == (len(offsets), max(offsets) + 1)
