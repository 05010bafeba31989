"""Every input size at once, against asking one size after the other. No wrong set, ever."""

from __future__ import annotations

import functools
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import condition_text
import pytest
import random_encoders
import random_networks
from amounts import sampled
from every_size import around, at_sizes, holds, load, require, sizes_of, working
from paths import EXAMPLES
from size_table import HEAD, TABLE, padded_unet, valid_unet

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.sizes.every_size import Sizes, analyse
from shapecheck.graph.network import Network

BATCH = 25


def kind_of(found: Sizes) -> str:
    if found.set.empty:
        return "empty"
    return "every" if found.set.every else "bounded" if found.set.bounded_above else "periodic"


def require_seeds(make: Callable[[random.Random], str], seeds: range, sizes: range) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        text = make(rng)
        network = load(text)
        found = analyse(network).dims["H"]
        if found.unresolved:
            # What is not decided may be anything, and must be said.
            kinds["partial"] += 1
            assert found.status == "partial"
            continue
        far = around(found, [rng.randint(sizes.stop, 10**6) for _ in range(2)])
        asked = [*sizes, *sorted(far)]
        right = working(network, "H", asked, expands="H]" in text)
        wrong = [n for n in asked if (n in found) != (n in right)]
        assert not wrong, f"seed {seed}: {found.condition}, wrong at {wrong[:9]}\n{text}"
        require_words(found, right, asked)
        require_causes(found, right, asked)
        kinds[kind_of(found)] += 1
    return kinds


def require_words(found: Sizes, right: set[int], asked: list[int]) -> None:
    rule = condition_text.read(found.condition)
    if rule is not None:
        different = {n for n in asked if (n in rule) != (n in right)}
        assert len(different) <= rule.hidden, found.condition


def require_causes(found: Sizes, right: set[int], asked: list[int]) -> None:
    """Each cause is what it says, true and necessary; they stand in layer order, and together they are the set."""
    assert [cause.node for cause in found.causes] == sorted(cause.node for cause in found.causes)
    for cause in found.causes:
        for n in (1, 2, 3, 7, 30, 64, 97):
            if cause.since is not None and n >= cause.since:
                assert (n in cause.allows) == holds(cause.question, "H", n)
    assert {n for n in asked if all(n in cause.allows for cause in found.causes)} == right & set(asked)


@pytest.mark.parametrize("first", sampled(range(0, 1_500, BATCH), 10))
def test_random_networks(first: int) -> None:
    require_seeds(random_networks.network, range(first, first + BATCH), range(1, 131))


@pytest.mark.parametrize("first", sampled(range(0, 500, BATCH), 5))
def test_random_encoders(first: int) -> None:
    kinds = require_seeds(random_encoders.any_network, range(first, first + BATCH), range(1, 131))
    # Most of them work somewhere, and where is not trivial; otherwise nothing is tested.
    assert kinds["periodic"] + kinds["bounded"] > BATCH // 3, kinds
    assert kinds["partial"] == 0


def sizes_to_ask(network: Network) -> list[int]:
    """All from 1 to 400 of a network that is not large, and a sample of them for one that is."""
    layers = len(network.nodes)
    return [n for n in range(1, 401) if layers <= 120 or n <= 32 or n % (5 if layers <= 500 else 16) == 0]


@pytest.mark.parametrize(
    "path", sampled(sorted(EXAMPLES.glob("*.net.yaml")), 3), ids=lambda path: path.name.partition(".")[0]
)
def test_examples(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    network = api.load(path)
    assert network.dims
    for name in analyse(network).dims:
        expands = re.search(rf"\b{name}\b", text.partition("\ndims:")[2].partition("\n\n")[2]) is not None
        given = network.dims[name].size
        sizes = range(1, 20) if name == "N" else sizes_to_ask(network)
        far = [] if given is None else [max(given - 1, 1), given, given + 1]
        found = require(network, name, [*sizes, *far], expands)
        # An example works at the size that it is shown at.
        assert given is None or given in found


# The networks of the design page, and what is measured and proved of them elsewhere.


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_the_design_page(name: str) -> None:
    text, condition, limit = TABLE[name]
    network = load(text)
    found = require(network, "H", range(1, limit), expands=False) if limit else analyse(network).dims["H"]
    assert (found.condition, found.status) == (condition, "exact")
    near = [n for start in (1, 10**9, 10**30) for n in around(found, [start])]
    right = working(network, "H", near, expands=False)
    assert {n for n in near if n in found} == right
    assert len(right) >= 3


def test_a_resnet_that_ends_in_a_linear_layer() -> None:
    text = (EXAMPLES / "resnet50.net.yaml").read_text(encoding="utf-8")
    assert sizes_of(text).condition == "every H >= 1"
    flattened = text.replace("  - {op: global_avg_pool}\n", "")
    assert flattened != text
    flattened = flattened.replace("op: linear, ", "op: linear, in_features: 100352, ")
    assert sizes_of(flattened).condition == "193 <= H <= 224"
    single = text.replace("  - {op: global_avg_pool}\n", "").replace("op: linear, ", "op: linear, in_features: 2048, ")
    assert sizes_of(single, W=32).condition == "1 <= H <= 32"
    assert sizes_of(single).condition == "no H works"


@pytest.mark.parametrize(
    ("size", "expected"), [("H", [128, 144]), ("W", [129, 130, 131]), ("H", [2**40 + 12, 2**40 + 13])]
)
def test_the_examples_at_sizes_that_nobody_gave(size: str, expected: list[int]) -> None:
    """A membership is an answer by itself, for sizes of any length."""
    network = api.load(EXAMPLES / "unet_2015.net.yaml")
    found = api.sizes(network)[size]
    for n in expected:
        assert (n in found) == (n >= 188 and n % 16 == 12)


# What is not one formula for all sizes.


@functools.cache
def chain(*layers: str, outputs: str = "") -> str:
    return HEAD + "layers:\n" + "".join(f"  - {{{text}}}\n" for text in layers) + outputs


HEADS = {
    "a slice that the input may be too short for": (
        chain(
            "op: slice, axis: 2, start: -3",
            "name: s, op: pad, padding: [[1, 1]]",
            outputs="outputs: {y: {from: s, expect: [1, 4, 5]}}\n",
        ),
        "H >= 3",
    ),
    "a slice to a fixed stop": (
        chain("name: s, op: slice, axis: 2, stop: 9", outputs="outputs: {y: {from: s, expect: [1, 4, H]}}\n"),
        "1 <= H <= 9",
    ),
    "a slice of the last piece, which does not grow all the way": (
        chain(
            "op: chunk, axis: 2, chunks: 3, index: 2",
            "name: s, op: slice, axis: 2, start: -3",
            outputs="outputs: {y: {from: s, expect: [1, 4, 3]}}\n",
        ),
        "H >= 9 except 10",
    ),
    "the last of four pieces": (chain("op: chunk, axis: 2, chunks: 4, index: 3"), "H >= 4 except 5, 6, 9"),
    "an axis of size 1 that stretches": (
        chain(
            "name: c, op: conv, out_channels: 4, kernel_size: 4, stride: 4",
            "name: m, op: multiply, from: [x, c], broadcast: true",
        ),
        "4 <= H <= 7",
    ),
    "a pair behind a slice": (
        chain("name: a, op: slice, axis: 2, start: -9", "name: b, op: identity", outputs="symmetry: {b: a}\n"),
        "1 <= H <= 9",
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_what_follows_another_formula_at_small_sizes(name: str) -> None:
    text, condition = HEADS[name]
    assert require(load(text), "H", range(1, 200)).condition == condition


def test_a_formula_that_ends_somewhere_is_not_trusted_beyond() -> None:
    """From the third last element to the fifth: the longer the axis, the fewer. What follows differs from 6 on."""
    text = chain(
        "op: slice, axis: 2, start: -3, stop: 5",
        "name: s, op: slice, axis: 2, stop: 3",
        outputs="outputs: {y: {from: s, expect: [1, 4, 3]}}\n",
    )
    assert require(load(text), "H", range(1, 50)).condition == "3 <= H <= 5"


def test_a_long_head_is_said_not_to_be_tried() -> None:
    assert require(load(chain("op: slice, axis: 2, start: -300")), "H", range(1, 400)).set.every
    text = chain("op: slice, axis: 2, start: -300000")
    found = sizes_of(text)
    assert found.status == "partial"
    assert found.unresolved == ["sizes below 300000 follow other formulas and were not tried"]
    assert found.accepts(7) and found.accepts(400_000)


def test_a_factor_that_is_no_short_ratio_is_said() -> None:
    found = sizes_of(chain("name: u, op: upsample, scale_factor: 1.4"))
    assert found.status == "partial"
    assert found.unresolved == ["u: scale_factor 1.4 is no short ratio, so ⌊H · 1.4⌋ has no exact form"]


# Pairs, strictness, other dimensions.


def test_a_declared_pair_is_a_condition() -> None:
    text = chain(
        "name: e, op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1",
        "name: d, op: conv_transpose, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1",
    )
    assert sizes_of(text).set.every
    found = require(load(text + "symmetry: {d: e}\n"), "H", range(1, 100))
    assert found.condition == "H % 2 == 0"
    assert [(cause.layer, cause.allows.condition) for cause in found.causes] == [("d", "H % 2 == 0")]


def test_strict_asks_that_no_row_is_left_unread() -> None:
    text = chain(
        "name: a, op: max_pool, kernel_size: 3, stride: 2",
        "name: b, op: conv, out_channels: 4, kernel_size: 5, stride: 3, padding: 1",
        "name: c, op: max_pool, kernel_size: 2, ceil_mode: true",
    )
    network = load(text)
    strict = analyse(network, strict=True).dims["H"]
    for n, resized in at_sizes(network, "H", range(1, 150)):
        shapes = propagate(resized)
        unread = [w.unread for node in resized.layers for w in shapes.windows(node)]
        assert (n in strict) == (not shapes.troubles and not any(unread))
    assert strict.condition == "H >= 7 and H % 6 == 1"
    assert analyse(network).dims["H"].condition == "H >= 7"


def test_strict_looks_at_small_sizes_as_well() -> None:
    """Below 9 the pieces follow another formula, and the sizes are tried one by one."""
    text = chain("name: a, op: chunk, axis: 2, chunks: 3, index: 0", "name: b, op: max_pool, kernel_size: 2")
    network = load(text)
    assert analyse(network).dims["H"].condition == "H >= 4"
    strict = analyse(network, strict=True).dims["H"]
    for n, resized in at_sizes(network, "H", range(1, 60)):
        shapes = propagate(resized)
        unread = [w.unread for node in resized.layers for w in shapes.windows(node)]
        assert (n in strict) == (not shapes.troubles and not any(unread)), n
    assert strict.condition == "H % 6 in {4, 5, 0}"


def test_dimensions_are_asked_one_by_one() -> None:
    text = """shapecheck: 1
inputs: {x: [N, 4, D, H, W]}
dims: {N: 2, D: 8, H: 32, W: 48}
layers:
  - {name: e1, op: conv, out_channels: 4, kernel_size: 3, stride: [1, 2, 2], padding: 1}
  - {name: e2, op: conv, out_channels: 4, kernel_size: 3, stride: [2, 2, 3], padding: 1}
  - {name: u2, op: upsample, scale_factor: [2, 2, 3]}
  - {name: j2, op: concat, from: [e1, u2]}
  - {name: u1, op: upsample, scale_factor: [1, 2, 2]}
  - {name: j1, op: concat, from: [x, u1]}
"""
    network = load(text)
    assert {name: found.condition for name, found in analyse(network).dims.items()} == {
        "N": "every N >= 1",
        "D": "D % 2 == 0",
        "H": "H % 4 == 0",
        "W": "W % 6 == 0",
    }
    for name in "DHW":
        require(network, name, range(1, 60))


def test_one_dimension_on_two_axes() -> None:
    text = """shapecheck: 1
inputs: {x: [1, 4, S, S]}
dims: {S: 32}
layers:
  - {name: e, op: conv, out_channels: 4, kernel_size: 3, stride: [2, 3], padding: 1}
  - {name: u, op: upsample, scale_factor: [2, 3]}
  - {name: j, op: concat, from: [x, u]}
"""
    assert require(load(text, S=36), "S", range(1, 80)).condition == "S % 6 == 0"
    square = "shapecheck: 1\ninputs: {x: [1, 2, S, S]}\ndims: {S: 4}\nlayers:\n  - {op: flatten}\n"
    square += "  - {op: linear, in_features: 98, out_features: 3}\n"
    assert require(load(square), "S", range(1, 80)).condition == "S == 7"


def test_a_flatten_couples_two_dimensions() -> None:
    text = """shapecheck: 1
inputs: {x: [1, 4, H, W]}
dims: {H: 224, W: 224}
layers:
  - {name: e, op: conv, out_channels: 4, kernel_size: 3, stride: 32, padding: 1}
  - {name: f, op: flatten}
  - {name: fc, op: linear, in_features: 196, out_features: 2}
"""
    network = load(text)
    analysis = analyse(network)
    assert {name: found.condition for name, found in analysis.dims.items()} == {
        "H": "193 <= H <= 224",
        "W": "193 <= W <= 224",
    }
    (coupling,) = analysis.couplings
    assert coupling.sentence() == (
        "fc: 1 <= H <= 32 and 1537 <= W <= 1568, or 193 <= H <= 224 and 193 <= W <= 224,"
        " or 1537 <= H <= 1568 and 1 <= W <= 32"
    )
    assert coupling.boxes is not None
    for h, w in [(1, 1537), (32, 1568), (33, 1540), (200, 200), (225, 200), (1568, 1), (1600, 1)]:
        inside = any(h in one and w in other for one, other in coupling.boxes)
        assert inside == (not propagate(load(text, H=h, W=w)).troubles)


def test_boxes_are_all_that_works() -> None:
    text = """shapecheck: 1
inputs: {x: [1, 2, H, W]}
dims: {H: 9, W: 9}
layers:
  - {name: p, op: max_pool, kernel_size: 2}
  - {name: c, op: conv, out_channels: 3, kernel_size: [3, 1], stride: [1, 2]}
  - {name: f, op: flatten}
  - {name: fc, op: linear, in_features: 18, out_features: 2}
"""
    (coupling,) = analyse(load(text)).couplings
    assert coupling.boxes is not None
    one = load(text)
    for h in range(1, 30):
        for w in range(1, 40):
            inside = any(h in mine and w in theirs for mine, theirs in coupling.boxes)
            assert one.resized is not None
            assert inside == (not propagate(one.resized({"H": h, "W": w})).troubles), (h, w)


def test_two_inputs_that_meet_are_an_equation() -> None:
    text = """shapecheck: 1
inputs: {x: [1, 4, H], y: [1, 4, T]}
dims: {H: 64, T: 32}
layers:
  - {name: e, op: conv, from: x, out_channels: 4, kernel_size: 2, stride: 2}
  - {name: j, op: concat, from: [e, y]}
"""
    analysis = analyse(load(text))
    assert {name: found.condition for name, found in analysis.dims.items()} == {"H": "64 <= H <= 65", "T": "T == 32"}
    (coupling,) = analysis.couplings
    assert coupling.dims == ("H", "T") and coupling.boxes is None
    assert "H" in coupling.sentence() and "T" in coupling.sentence() and coupling.sentence().startswith("j: ")
    require(load(text), "H", range(1, 100))
    require(load(text), "T", range(1, 100))


def test_a_dimension_that_has_no_size_leaves_the_other_undecided() -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 4, H], y: [1, 4, T]}\nlayers:\n  - {name: j, op: concat, from: [x, y]}\n"
    found = sizes_of(text)
    assert found.status == "partial"
    assert "which has no size" in found.unresolved[0] and "T" in found.unresolved[0]


def test_nothing_works_and_it_is_said_why() -> None:
    text = chain(
        "name: a, op: conv, out_channels: 4, kernel_size: 2, stride: 2",
        "name: b, op: conv, from: x, out_channels: 4, kernel_size: 2, stride: 3",
        "name: j, op: concat, from: [a, b]",
        "name: u, op: pixel_unshuffle, factor: 3",
    )
    found = require(load(text), "H", range(1, 200))
    assert found.condition == "no H works"
    assert found.causes and found.nearest(64) == (None, None)


def test_causes_in_layer_order_each_by_what_it_takes_away() -> None:
    found = sizes_of(padded_unet(3))
    assert [(cause.layer, cause.allows.condition, cause.message) for cause in found.causes] == [
        ("p2", "H >= 8", "H // 8 >= 1"),
        ("j2", "H % 8 in {0, 1, 2, 3}", "H // 4 == 2 * (H // 8)"),
        ("j1", "H % 4 in {0, 1}", "H // 2 == 2 * (H // 4)"),
        ("j0", "H % 2 == 0", "H == 2 * (H // 2)"),
    ]
    valid = sizes_of(valid_unet(False))
    assert [c.layer for c in valid.causes] == ["j3", "j2", "d2_2", "j1", "j0"]
    for cause in valid.causes:
        assert all(n in cause.allows for n in (188, 572, 700))
    # Of thresholds only the last tightening is told.
    assert sum(c.allows.periodic.full and not c.allows.bounded_above for c in valid.causes) == 1
