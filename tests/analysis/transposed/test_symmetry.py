"""Encoder against decoder: which layers mirror each other, and what is said of each pair."""

from __future__ import annotations

import random

import pytest
from open_stacks import Stack
from paths import EXAMPLES
from texts import check_text

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.transposed.symmetry import Pair, pairs, reconstructions, sentence


def pairs_of(text: str) -> dict[str, Pair]:
    return {pair.decoder.name: pair for pair in pairs(propagate(api.loads(text)))}


def summary(text: str) -> list[str]:
    return [sentence(s) for s in reconstructions(propagate(api.loads(text)))]


def network(size: str, down: str, up: str, more: str = "") -> str:
    return (
        f"shapecheck: 1\ninputs: {{x: [1, 2, {size}]}}\nlayers:\n"
        f"  - {{name: e, op: conv, out_channels: 2, {down}}}\n"
        f"  - {{name: d, op: conv_transpose, out_channels: 2, {up}}}\n{more}"
    )


GEOMETRY = "kernel_size: 4, stride: 3, padding: 1"
DECLARED = "symmetry: {d: e}\n"


def test_a_pair_by_transpose_of_is_exact_and_declared() -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 2, 30, 31]}\nlayers:\n"
    text += f"  - {{name: e, op: conv, out_channels: 5, {GEOMETRY}}}\n"
    text += "  - {name: d, op: conv_transpose, transpose_of: e}\n"
    (pair,) = pairs_of(text).values()
    assert (pair.encoder.name, pair.declared, pair.status, pair.message) == ("e", True, "exact", "")
    assert (pair.encoder_input, pair.encoder_output, pair.decoder_output) == ((30, 31), (10, 10), (30, 31))
    assert pair.a == (1, 2) and pair.candidates == ()
    for axis, direct in enumerate(pair.direct):
        # The direct convolution over the stretched input: ĩ′ = 3·9 + 1, k′ = 4, p′ = k − p − 1.
        assert (direct.i, direct.k, direct.before, direct.after, direct.zeros) == (28, 4, 2, 2, 2)
        assert direct.a == pair.a[axis]
        assert direct.i + direct.before + direct.after + direct.a - direct.k + 1 == (30, 31)[axis]


@pytest.mark.parametrize("seed", range(40))
def test_the_direct_convolution_of_a_pair_gives_the_size_back(seed: int) -> None:
    rng = random.Random(seed)
    stack = Stack(rng, 1)
    h, w = stack.sizes[0]
    text = f"shapecheck: 1\ninputs: {{x: [1, 2, {h}, {w}]}}\nlayers:\n"
    text += f"  - {{name: e, op: conv, out_channels: 2, {stack.levels[0]}}}\n"
    text += "  - {name: d, op: conv_transpose, transpose_of: e}\n"
    (pair,) = pairs_of(text).values()
    assert pair.status == "exact" and pair.a == stack.a[0]
    for axis, direct in enumerate(pair.direct):
        assert direct.i == stack.sizes[1][axis] + (stack.sizes[1][axis] - 1) * (stack.strides[0][axis] - 1)
        assert direct.i + direct.before + direct.after + direct.a - direct.k + 1 == stack.sizes[0][axis]


def test_a_declared_pair_that_says_nothing_of_its_size_is_ambiguous() -> None:
    (pair,) = pairs_of(network("30", GEOMETRY, GEOMETRY, DECLARED)).values()
    assert (pair.status, pair.declared) == ("ambiguous", True)
    assert pair.candidates == ((29, 30, 31),)
    assert pair.message == "a is not given; with a = 0 29 is given back for 30 on L, off by -1"
    (fits,) = pairs_of(network("29", GEOMETRY, GEOMETRY, DECLARED)).values()
    assert (fits.status, fits.message) == ("ambiguous", "a is not given; a = 0 happens to fit")


@pytest.mark.parametrize(("size", "a", "status"), [("29", 0, "exact"), ("30", 1, "exact"), ("30", 2, "broken")])
def test_a_pair_with_a_given_is_exact_or_broken(size: str, a: int, status: str) -> None:
    (pair,) = pairs_of(network(size, GEOMETRY, f"{GEOMETRY}, output_padding: {a}", DECLARED)).values()
    assert pair.status == status and pair.a == (a,)
    assert pair.message == ("" if status == "exact" else "31 is given back for 30 on L, off by +1")


@pytest.mark.parametrize(
    ("up", "message"),
    [
        ("kernel_size: 5, stride: 3, padding: 1, output_padding: 0", "kernel_size 5 differs from 4 of e"),
        (
            "kernel_size: 6, stride: 3, padding: 2, output_padding: 1",
            "kernel_size 6 differs from 4 of e; padding 2 differs from 1 of e",
        ),
        ("kernel_size: 4, stride: 2, padding: 1, output_size: 21", "stride 2 differs from 3 of e"),
        ("kernel_size: [4], stride: [3], padding: [[0, 2]], output_padding: 1", "padding [0, 2] differs from 1 of e"),
        (
            "kernel_size: 2, stride: 3, padding: 1, dilation: 3, output_padding: 1",
            "kernel_size 2 differs from 4 of e; dilation 3 differs from 1 of e",
        ),
    ],
)
def test_a_pair_of_which_the_keys_differ_is_broken(up: str, message: str) -> None:
    (pair,) = pairs_of(network("30", GEOMETRY, up, DECLARED)).values()
    assert pair.status == "broken"
    assert pair.message.endswith(message)
    sizes = pair.message.removesuffix(message).removesuffix("; ")
    assert (sizes == "") == (pair.encoder_input == pair.decoder_output)


def test_a_broken_pair_is_a_finding_and_one_of_which_only_the_keys_differ_a_warning() -> None:
    def finding(up: str) -> tuple[str, str, str | None]:
        text = network("30", GEOMETRY, up, DECLARED)
        (found,) = [d for d in check_text(text, "pair.net.yaml").diagnostics if d.code == "SC306"]
        assert [r.message for r in found.related] == ["e takes 30"]
        return found.severity, found.message, found.help

    assert finding(f"{GEOMETRY}, output_padding: 0") == (
        "error",
        "d is declared to mirror e, but 29 is given back for 30 on L, off by -1",
        "write transpose_of: e on d, which takes all of it from there",
    )
    severity, message, _ = finding("kernel_size: 5, stride: 3, padding: 1, output_padding: 0")
    assert (severity, message) == ("warning", "d is declared to mirror e, but kernel_size 5 differs from 4 of e")


def test_channels_that_do_not_mirror_are_noted_and_break_nothing() -> None:
    text = network("30", GEOMETRY.replace("kernel", "groups: 1, kernel"), f"{GEOMETRY}, output_padding: 1", DECLARED)
    (pair,) = pairs_of(
        text.replace("name: d, op: conv_transpose, out_channels: 2", "name: d, op: conv_transpose, out_channels: 7")
    ).values()
    assert pair.status == "exact"
    assert pair.message == "channels do not mirror: e takes 2 to 2, d takes 2 to 7"


def test_an_unpooling_is_the_mirror_of_its_pooling() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 31, 30]}\nlayers:\n"
        "  - {name: p, op: max_pool, kernel_size: 2}\n"
        "  - {name: q, op: max_pool, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: uq, op: max_unpool, pool: q}\n"
        "  - {name: up, op: max_unpool, pool: p}\n"
    )
    found = pairs_of(text)
    assert {name: (pair.encoder.name, pair.declared, pair.status) for name, pair in found.items()} == {
        "uq": ("q", True, "exact"),
        "up": ("p", True, "exact"),
    }
    assert found["up"].a == (1, 0) and found["up"].decoder_output == (31, 30)
    assert found["uq"].a == (0, 0) and found["uq"].decoder_output == (15, 15)


# Which layers mirror each other, where nobody says so.


def test_inference_is_that_of_brackets() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 8, 64]}\nlayers:\n"
        "  - {name: a, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: b, op: max_pool, kernel_size: 2}\n"
        "  - {name: ub, op: upsample, scale_factor: 2}\n"
        "  - {name: c, op: avg_pool, kernel_size: 4}\n"
        "  - {name: uc, op: conv_transpose, out_channels: 8, kernel_size: 4, stride: 4, output_padding: 0}\n"
        "  - {name: ua, op: conv_transpose, out_channels: 8, kernel_size: 4, stride: 2, padding: 1, output_size: 64}\n"
    )
    found = pairs_of(text)
    assert {name: pair.encoder.name for name, pair in found.items()} == {"ub": "b", "uc": "c", "ua": "a"}
    assert not any(pair.declared for pair in found.values())
    # A transposed layer is compared with a convolution key by key, with a pooling by its size alone.
    assert found["uc"].status == found["ub"].status == "exact"
    assert found["ua"].status == "broken" and found["ua"].message == "kernel_size 4 differs from 3 of a"


def test_inference_follows_the_deepest_way_through_a_merge() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 32]}\nlayers:\n"
        "  - {name: p0, op: max_pool, kernel_size: 2}\n"
        "  - {name: p1, op: max_pool, kernel_size: 2}\n"
        "  - {name: u1, op: upsample, scale_factor: 2}\n"
        "  - {name: j1, op: add, from: [p0, u1]}\n"
        "  - {name: u0, op: upsample, scale_factor: 2}\n"
        "  - {name: j0, op: add, from: [x, u0]}\n"
    )
    assert {name: pair.encoder.name for name, pair in pairs_of(text).items()} == {"u1": "p1", "u0": "p0"}


def test_layers_that_are_paired_keep_their_partners() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 32]}\nlayers:\n"
        "  - {name: e0, op: conv, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: e1, op: conv, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: d1, op: conv_transpose, transpose_of: e1}\n"
        "  - {name: d0, op: upsample, scale_factor: 2}\n"
    )
    found = pairs_of(text)
    assert {name: (pair.encoder.name, pair.declared) for name, pair in found.items()} == {
        "d1": ("e1", True),
        "d0": ("e0", False),
    }


@pytest.mark.parametrize(
    ("up", "doubles"),
    [
        ("op: upsample, scale_factor: 2", True),
        ("op: upsample, size: 16", True),
        ("op: pixel_shuffle, factor: 2", True),
        ("op: conv_transpose, out_channels: 4, kernel_size: 2, stride: 2, output_padding: 0", True),
        ("op: upsample, scale_factor: 1", False),
        ("op: relu", False),
    ],
)
def test_what_grows_is_paired(up: str, doubles: bool) -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 4, 16]}\nlayers:\n  - {name: p, op: max_pool, kernel_size: 2}\n"
    text += f"  - {{name: u, {up}}}\n"
    found = pairs_of(text)
    assert list(found) == (["u"] if doubles else [])
    if doubles:
        assert found["u"].encoder.name == "p" and found["u"].status == "exact"


def test_a_generator_has_no_encoder() -> None:
    text = "shapecheck: 1\ninputs: {z: [1, 4, 4]}\nlayers:\n" + "  - {op: upsample, scale_factor: 2}\n" * 2
    assert pairs_of(text) == {}


@pytest.mark.parametrize(
    ("name", "count", "declared"),
    [("hourglass", 32, False), ("segnet", 5, True), ("autoencoder", 2, True), ("audio_codec", 4, True)],
)
def test_examples_nest(name: str, count: int, declared: bool) -> None:
    found = pairs(propagate(api.load(EXAMPLES / f"{name}.net.yaml")))
    assert len(found) == count
    assert all(pair.status == "exact" and pair.declared is declared for pair in found)
    assert all(pair.encoder_input == pair.decoder_output for pair in found)
    # No layer has two partners.
    assert len({pair.decoder.index for pair in found}) == len({pair.encoder.index for pair in found}) == count


@pytest.mark.parametrize("name", ["unet_2015", "unet3d", "dcgan_generator", "resnet50"])
def test_a_network_that_gives_something_else_back_by_design_has_no_pairs(name: str) -> None:
    assert pairs(propagate(api.load(EXAMPLES / f"{name}.net.yaml"))) == []


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "up",
    [
        "op: upsample, scale_factor: 2",
        "op: conv_transpose, out_channels: 4, kernel_size: 2, stride: 2, output_padding: 0",
    ],
)
def test_every_level_of_a_padded_unet_is_paired(depth: int, up: str) -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 64, 64]}\nblocks:\n  level:\n    params: {depth: null}\n    layers:\n"
        "      - {name: c, op: conv, out_channels: 4, kernel_size: 3, padding: 1}\n"
        "      - {name: pool, op: max_pool, kernel_size: 2}\n"
        "      - {name: below, block: level, when: =depth > 1, with: {depth: =depth - 1}}\n"
        f"      - {{name: up, {up}}}\n"
        "      - {name: j, op: concat, from: [c, up]}\n"
        "      - {name: d, op: conv, out_channels: 4, kernel_size: 3, padding: 1}\n"
        f"layers:\n  - {{name: u, block: level, with: {{depth: {depth}}}}}\n"
    )
    found = pairs_of(text)
    assert len(found) == depth
    for decoder, pair in found.items():
        assert pair.encoder.name == decoder.removesuffix("up") + "pool"
        assert pair.status == "exact"


# From input to output.


def test_the_summary_says_what_was_lost_and_where() -> None:
    text = (
        "shapecheck: 1\ninputs: {image: [1, 3, 224, 225]}\nlayers:\n"
        "  - {name: e1, op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: e2, op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: d2, op: conv_transpose, out_channels: 4, kernel_size: 2, stride: 2, output_padding: 0}\n"
        "  - {name: d1, op: conv_transpose, out_channels: 3, kernel_size: 2, stride: 2, output_padding: 0}\n"
        "outputs: {reconstruction: d1}\n"
    )
    assert summary(text) == ["image 224 x 225 -> reconstruction 224 x 228: off by +3 on W, lost at e1"]
    assert summary(text.replace("225", "224")) == ["image 224 x 224 -> reconstruction 224 x 224: exact"]
    longer = text.replace("224, 225", "223, 222")
    assert summary(longer) == [
        "image 223 x 222 -> reconstruction 224 x 224: off by +1 on H, off by +2 on W, lost at e1, e2"
    ]


def test_a_summary_needs_maps_of_one_rank() -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 3, 8, 8]}\nlayers:\n  - {op: global_avg_pool, keep_dims: false}\n"
    assert summary(text) == []
    sound = "shapecheck: 1\ninputs: {n: [1, 5], x: [1, 3, T]}\nlayers:\n  - {name: c, op: relu, from: x}\n"
    sound += "  - {op: relu, from: n}\n"
    assert summary(sound) == ["x T -> c T: exact"]
