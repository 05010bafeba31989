"""transpose_of gives back what the convolution was given, whatever that is; where it cannot, it says why."""

from __future__ import annotations

import random

import pytest
from open_stacks import Stack
from texts import check_text

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.sizes.every_size import analyse


def mirrored(stack: Stack, extra: dict[int, str] | None = None) -> str:
    """Return the encoder, and a decoder that names it level by level."""
    h, w = stack.sizes[0]
    lines = [f"shapecheck: 1\ninputs: {{x: [1, 2, {h}, {w}]}}\nlayers:"]
    lines += [f"  - {{name: e{n}, op: conv, out_channels: {n + 3}, {keys}}}" for n, keys in enumerate(stack.levels)]
    for n in reversed(range(len(stack.levels))):
        more = (extra or {}).get(n, "")
        lines.append(f"  - {{name: d{n}, op: conv_transpose, transpose_of: e{n}{more}}}")
    lines.append("outputs: {y: {from: d0, same_shape_as: x}}")
    return "\n".join(lines) + "\n"


def broken(text: str) -> list[str]:
    """Return what is wrong with the shapes of a network; that a kernel is odd or a stride large is no matter here."""
    diagnostics = check_text(text, "mirror.net.yaml").diagnostics
    return [d.message for d in diagnostics if d.severity == "error" or d.code in ("SC302", "SC306", "SC311")]


@pytest.mark.parametrize("seed", range(120))
def test_every_size_in_between_comes_back(seed: int) -> None:
    rng = random.Random(seed)
    stack = Stack(rng, rng.randint(1, 6))
    text = mirrored(stack)
    assert broken(text) == []
    shapes = propagate(api.loads(text))
    channels = [2, *(n + 3 for n in range(len(stack.levels)))]
    for n, size in enumerate(stack.sizes[:-1]):
        assert shapes[f"d{n}"].output == (1, channels[n], *size)
        # The a that follows is that of Relationship 14.
        windows = shapes.windows(next(node for node in shapes.network.nodes if node.name == f"d{n}"))
        assert tuple(w.a for w in windows) == stack.a[n]
        assert all(0 <= a < s for a, s in zip(stack.a[n], stack.strides[n], strict=True))


@pytest.mark.parametrize("seed", range(30))
def test_it_is_right_at_every_size(seed: int) -> None:
    """Every size that the encoder takes comes back, and the analysis of all sizes knows."""
    rng = random.Random(f"all {seed}")
    stack = Stack(rng, rng.randint(1, 4))
    h, w = stack.sizes[0]
    text = mirrored(stack).replace(f"[1, 2, {h}, {w}]", "[1, 2, H, W]")
    encoder = "\n".join(line for line in text.splitlines() if "conv_transpose" not in line and "outputs" not in line)
    whole, half = analyse(api.loads(text)).dims, analyse(api.loads(encoder)).dims
    for name in "HW":
        assert whole[name].status == "exact"
        assert whole[name].set == half[name].set
        assert whole[name].set.periodic.full and not whole[name].set.bounded_above


@pytest.mark.parametrize(
    ("key", "wrong"), [("kernel_size", 9), ("stride", 7), ("padding", 8), ("dilation", 5), ("groups", 2)]
)
def test_a_key_that_contradicts_the_convolution_is_told(key: str, wrong: int) -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 30]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"
        f"  - {{name: d, op: conv_transpose, transpose_of: e, {key}: {wrong}}}\n"
    )
    (finding,) = [d for d in check_text(text, "mirror.net.yaml").diagnostics if d.severity == "error"]
    assert finding.layer == "d"
    assert finding.message.startswith(f"d: {key} {wrong} differs from {key} ")
    assert finding.message.endswith("of e, which this layer transposes")
    assert finding.help == f"leave {key} out: transpose_of gives it"


@pytest.mark.parametrize("key", ["output_padding", "output_size"])
def test_two_answers_to_one_question_are_told(key: str) -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 30]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"
        f"  - {{name: d, op: conv_transpose, transpose_of: e, {key}: 1}}\n"
    )
    (finding,) = [d for d in check_text(text, "mirror.net.yaml").diagnostics if d.severity == "error"]
    assert f"{key} and transpose_of both fix the output size" in finding.message


def test_the_same_key_again_is_no_contradiction() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 30]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: d, op: conv_transpose, transpose_of: e, kernel_size: 4, stride: 2, padding: 1, out_channels: 7}\n"
    )
    assert broken(text) == []
    assert propagate(api.loads(text))["d"].output == (1, 7, 30)


def test_a_map_that_is_not_what_the_convolution_made_cannot_go_back() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 30]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 4, kernel_size: 4, stride: 2, padding: 1}\n"
        "  - {name: p, op: pad, padding: [[0, 1]]}\n"
        "  - {name: d, op: conv_transpose, transpose_of: e}\n"
    )
    (finding,) = [d for d in check_text(text, "mirror.net.yaml").diagnostics if d.severity == "error"]
    assert (finding.code, finding.layer) == ("SC304", "d")
    assert finding.message == (
        "d: cannot give back the 30 that e was given on L: e made 15 of it, but this layer's input has 16"
    )
    assert finding.help == "feed it a map of size 15, or give output_padding instead of transpose_of"


@pytest.mark.parametrize(("named", "what"), [("p", "a max_pool"), ("x", "an input")])
def test_only_a_convolution_can_be_transposed(named: str, what: str) -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, 30]}\nlayers:\n"
        "  - {name: p, op: max_pool, kernel_size: 2}\n"
        f"  - {{name: d, op: conv_transpose, out_channels: 4, transpose_of: {named}}}\n"
    )
    (finding,) = [d for d in check_text(text, "mirror.net.yaml").diagnostics if d.severity == "error"]
    assert finding.code == "SC305"
    assert finding.message == f"d: transpose_of names {named}, which is {what}, not a conv"


def test_a_layer_that_stands_for_several_copies_follows_each() -> None:
    """Inside a block the name is that of the copy's own convolution."""
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 61]}\nblocks:\n"
        "  level:\n    params: {depth: null}\n    layers:\n"
        "      - {name: e, op: conv, out_channels: 2, kernel_size: 4, stride: 3}\n"
        "      - {name: below, block: level, when: =depth > 1, with: {depth: =depth - 1}}\n"
        "      - {name: d, op: conv_transpose, transpose_of: e}\n"
        "      - {op: add, from: [input, d]}\n"
        "layers:\n  - {name: u, block: level, with: {depth: 3}}\n"
    )
    shapes = propagate(api.loads(text))
    assert not shapes.troubles
    assert [shapes[name].output for name in ("u.d", "u.below.d", "u.below.below.d")] == [(1, 2, n) for n in (61, 20, 6)]
