"""What a network demands of transposed layers that leave their size open."""

from __future__ import annotations

import random

import pytest
from texts import check_text, load_text

from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.transposed.ambiguity import resolve
from shapecheck.pipeline import offered

HEAD = "shapecheck: 1\ninputs: {x: [1, 3, %s]}\nlayers:\n"


def verdicts(text: str) -> dict[str, list[tuple[str, str, tuple[int, ...]]]]:
    ambiguity = resolve(propagate(load_text(text, "x", {})))
    assert ambiguity is not None
    return {v.node.name: [(a.axis, a.status, a.values) for a in v.axes] for v in ambiguity.layers}


def mirrored(rng: random.Random, levels: int) -> tuple[str, list[int]]:
    """Return an encoder with its mirror, open throughout, and the a = (i + 2p − k) mod s of each decoder layer."""
    size = rng.randint(400, 5000)
    encoder, decoder, demanded = [], [], []
    now = size
    for level in range(levels):
        k, s, d = rng.randint(1, 7), rng.randint(2, 4), rng.choice([1, 1, 2])
        p = rng.randint(0, k // 2)
        reach = k + (k - 1) * (d - 1)
        if now + 2 * p - reach < 4 * s:
            break
        geometry = f"out_channels: 3, kernel_size: {k}, stride: {s}, padding: {p}, dilation: {d}"
        encoder.append(f"  - {{name: d{level}, op: conv, {geometry}}}\n")
        decoder.insert(0, f"  - {{name: u{level}, op: conv_transpose, {geometry}}}\n")
        demanded.insert(0, (now + 2 * p - reach) % s)
        now = (now + 2 * p - reach) // s + 1
    text = HEAD % size + "".join(encoder + decoder)
    return text + "outputs:\n  y: {from: u0, same_shape_as: x}\n", demanded


@pytest.mark.parametrize("seed", range(60))
def test_a_mirrored_decoder_demands_the_remainder_of_the_encoder(seed: int) -> None:
    text, demanded = mirrored(random.Random(seed), 5)
    found = verdicts(text)
    assert [axes[0][1:] for axes in found.values()] == [("unique", (a,)) for a in demanded]


@pytest.mark.parametrize("seed", range(30))
def test_transpose_of_gives_back_every_size(seed: int) -> None:
    text, _ = mirrored(random.Random(seed), 5)
    lines = [
        line.split("out_channels")[0] + f"out_channels: 3, transpose_of: d{line.split('name: u')[1][0]}}}"
        if "conv_transpose" in line
        else line
        for line in text.splitlines()
    ]
    network = load_text("\n".join(lines), "x", {})
    shapes = propagate(network)
    assert shapes.troubles == []
    for node in network.layers:
        if "transpose_of" in node.references:
            encoder = network.nodes[node.references["transpose_of"]]
            assert shapes.outputs[node.index] == shapes.outputs[encoder.inputs[0]]


def test_sixty_four_open_layers_are_solved_without_trying_their_product() -> None:
    text = HEAD % 7 + "".join(
        f"  - {{name: u{n}, op: conv_transpose, out_channels: 3, kernel_size: 4, stride: 4}}\n" for n in range(64)
    )
    size = 7
    wanted = [random.Random(n).randrange(4) for n in range(64)]
    for a in wanted:
        size = 4 * (size - 1) + a + 4
    found = verdicts(text + f"outputs:\n  y: {{from: u63, expect: [1, 3, {size}]}}\n")
    assert [axes[0][2] for axes in found.values()] == [(a,) for a in wanted]


UP = "  - {name: up, op: conv_transpose, out_channels: 3, kernel_size: 2, stride: 2}\n"


@pytest.mark.parametrize(
    ("size", "layers", "expected", "severity", "words"),
    [
        ("28", UP, ("free", (0, 1)), "info", "nothing in the network depends on it"),
        (
            "27",
            "  - {name: down, op: max_pool, kernel_size: 2}\n" + UP + "  - {name: join, op: add, from: [x, up]}\n",
            ("unique", (1,)),
            "error",
            "the network demands a = 1 on L (size 27)",
        ),
        (
            "27",
            "  - {name: down, op: conv, out_channels: 3, kernel_size: 3, stride: 2, padding: 1}\n"
            + UP
            + "  - {name: join, op: add, from: [x, up]}\n",
            ("none", ()),
            "error",
            "none of them meets join, which needs 27 where 28 to 29 can be had: off by 1 at best",
        ),
        (
            "28",
            UP
            + "  - {name: other, from: x, op: conv_transpose, out_channels: 3, kernel_size: 2, stride: 2}\n"
            + "  - {name: join, op: add, from: [up, other]}\n",
            ("several", (0, 1)),
            "warning",
            "all fit, and the sizes differ",
        ),
    ],
)
def test_the_four_answers_have_their_own_words(
    size: str, layers: str, expected: tuple[str, tuple[int, ...]], severity: str, words: str
) -> None:
    text = HEAD % size + layers
    assert verdicts(text)["up"][0][1:] == expected
    (finding,) = [d for d in check_text(text, "x").diagnostics if d.code == "SC302" and d.layer == "up"]
    assert str(finding.severity) == severity
    assert words in finding.message


def test_a_gross_mismatch_is_the_merge_not_the_choice_of_a() -> None:
    text = (
        HEAD % "64"
        + "  - {name: down, op: max_pool, kernel_size: 8}\n"
        + UP
        + "  - {name: join, op: add, from: [x, up]}\n"
    )
    assert [d.code for d in check_text(text, "x").diagnostics] == ["SC208"]


def test_where_a_is_0_and_nothing_else_fits_nothing_is_said() -> None:
    text = (
        HEAD % "28"
        + "  - {name: down, op: max_pool, kernel_size: 2}\n"
        + UP
        + "  - {name: join, op: add, from: [x, up]}\n"
    )
    assert check_text(text, "x").diagnostics == ()


def test_inputs_of_a_stack_have_an_axis_less() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 3, 8, 8, 8]}\nlayers:\n"
        "  - {name: up, op: max_unpool, kernel_size: 2, stride: 2}\n"
        "  - {name: flat, op: flatten, start_axis: 2}\n"
        "  - {name: join, op: stack, from: [flat, flat], axis: -1}\n"
    )
    assert {(d.code, d.layer) for d in check_text(text, "x").diagnostics} >= {("SC302", "up")}


FLAT = (
    "  - {name: down, op: conv, out_channels: 64, kernel_size: 2, stride: 2}\n"
    "  - {name: up, op: conv_transpose, out_channels: 64, kernel_size: 2, stride: 2}\n"
    "  - {op: flatten}\n"
    "  - {name: head, op: linear, in_features: %s, out_features: 3}\n"
)


def said(text: str) -> list[tuple[str, str | None, str]]:
    return [(d.code, d.layer, str(d.severity)) for d in check_text(text, "x").diagnostics if d.code != "SC401"]


def test_a_linear_behind_a_flatten_depends_on_it() -> None:
    (finding,) = check_text(HEAD % 17 + FLAT % 1088, "x").diagnostics
    assert (finding.layer, finding.severity) == ("up", "error")
    assert finding.message.endswith("but the network demands a = 1 on L (size 17)")
    assert finding.related[0].message.startswith("head: in_features is stated as 1088, but the input has 1024")
    assert said(HEAD % 17 + FLAT % 1024) == []
    assert said(HEAD % 17 + FLAT % 1000) == [("SC206", "head", "error")]


def test_axes_that_a_linear_joins_are_judged_together() -> None:
    (finding,) = [d for d in check_text(HEAD % "5, 5" + FLAT % 1280, "x").diagnostics if d.severity == "error"]
    assert (finding.code, finding.layer) == ("SC302", "up")
    assert finding.message.endswith("demands a = [0, 1] or [1, 0] on H and W: a = 0 on both does not fit")


BROKEN = "  - {name: next, op: conv, in_channels: 7, out_channels: 3, kernel_size: 1}\n"
WRONG = "  - {name: join, op: concat, from: [up, y]}\n"


@pytest.mark.parametrize(("layers", "code"), [(UP + BROKEN, "SC206"), (UP + WRONG, "SC208")])
def test_beside_another_mistake_the_choice_is_not_yours(layers: str, code: str) -> None:
    """The layer stands in the encoder of an error, or before a merge that is itself wrong."""
    text = "shapecheck: 1\ninputs: {x: [1, 3, 8], y: [1, 3, 90]}\nlayers:\n" + layers
    found = said(text)
    assert [f[0] for f in found if f[2] == "error"] == [code] or len([f for f in found if f[2] == "error"]) == 1
    assert all(f[0] != "SC302" for f in found)


def test_what_stands_elsewhere_does_not_count() -> None:
    text = HEAD % 8 + UP + "  - {name: other, from: x, op: conv, in_channels: 7, out_channels: 3, kernel_size: 1}\n"
    assert ("SC302", "up", "info") in said(text)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_generator_leaves_every_size_to_its_writer(axes: int) -> None:
    """More combinations than can be tried, none of which meet in any question."""
    layer = "  - {op: conv_transpose, out_channels: 3, kernel_size: 4, stride: 2, padding: 1}\n  - {op: batch_norm}\n"
    found = verdicts(HEAD % ", ".join(["4"] * axes) + layer * 5)
    assert {axis[1:] for layer in found.values() for axis in layer} == {("free", (0, 1))}


def test_what_cannot_be_tried_is_not_decided() -> None:
    layer = "  - {op: conv_transpose, out_channels: 3, kernel_size: 4, stride: 4}\n"
    text = HEAD % 4 + layer * 8 + "  - {op: reshape, shape: [1, -1, 7]}\n"
    found = verdicts(text)
    assert {axis[1] for layer in found.values() for axis in layer} <= {"undecided", "unclear"}


SAME = "  - {name: down, op: conv, out_channels: 3, kernel_size: 3, stride: 2, padding: same}\n" + (
    "  - {name: up, op: conv_transpose, out_channels: 3, kernel_size: 3, stride: 2, padding: same}\n"
)


def test_same_alone_leaves_nothing_open() -> None:
    assert resolve(propagate(load_text(HEAD % 24 + SAME, "x", {}))) is None
    text = HEAD % 23 + SAME + "  - {name: join, op: add, from: [x, up]}\n"
    (finding,) = offered(check_text(text, "x")).errors
    assert (finding.code, finding.layer) == ("SC208", "join")
    assert finding.help is not None and "write output_padding: 0 on up" in finding.help


def test_of_several_that_miss_the_same_size_all_are_named() -> None:
    text = HEAD % 125 + (
        "  - {name: e, op: conv, out_channels: 3, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: f, op: conv, out_channels: 3, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: up2, from: e, op: conv_transpose, out_channels: 3, kernel_size: 2, stride: 2}\n"
        "  - {name: up4, from: f, op: conv_transpose, out_channels: 3, kernel_size: 4, stride: 4}\n"
        "  - {name: all, op: concat, from: [x, up2, up4]}\n"
    )
    (finding,) = [d for d in check_text(text, "x").diagnostics if d.code == "SC302"]
    assert finding.message.endswith(
        "none of them meets all, which needs 125 where 126 to 127 can be had: off by 1 at best;"
        " nor does up4, 128 to 131"
    )
