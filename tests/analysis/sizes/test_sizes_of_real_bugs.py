"""The rules for sizes that people came to in public threads, beside the exact sets.

A thread has the rule for the whole network of its reporter; most cases list the one skip at which it broke. Then the
rule is only sufficient, and the test says by how much: at the skips that the case leaves out the rest would fail.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import real_bugs as bugs
from every_size import load, working
from paths import ROOT

from shapecheck import api
from shapecheck.analysis.sizes.every_size import SizesAnalysis, analyse

CASES: dict[str, Any] = {case["id"]: case for case in bugs.CASES}
NAMES = ("H", "W", "D")


def text_of(name: str, mended: bool = False) -> str:
    """Return a case with names for the spatial sizes of its first input."""
    case = CASES[name]
    inputs, entries = bugs.changed(case) if mended else (case["input"], case["layers"])
    first, shape = next(iter(inputs.items()))
    named = NAMES[: len(shape) - 2]
    given = ", ".join(f"{dim}: {size}" for dim, size in zip(named, shape[2:], strict=True))
    text = bugs.write({**inputs, first: [*shape[:2], *named]}, entries, case["expected"]["shapes"]).text
    return text.replace("layers:", f"dims: {{{given}}}\nlayers:", 1)


def analysis_of(name: str, mended: bool = False) -> SizesAnalysis:
    return analyse(load(text_of(name, mended)))


class Rule(NamedTuple):
    """A case, the exact set on its first axis, and what the thread says: a size works if and only if it is so.

    ``only_sufficient`` says why the exact set has more.
    """

    case: str
    condition: str
    multiple: int = 1
    remainder: int = 0
    least: int = 1
    mended: bool = False
    only_sufficient: str = ""


ONE_SKIP = "the case lists one skip; the ones above it, which it leaves out, ask for the rest"
RULES = [
    # "an odd input size (23/25)", and with output_padding 1 an even one.
    Rule("convt-k3s2p1-24-12-23", "H % 2 == 1", 2, 1),
    Rule("convt-k3s2p1-24-12-23", "H % 2 == 0", 2, mended=True),
    Rule("keras-convT-same-23-24", "H % 2 == 0", 2),
    Rule("keras-convT-same-23-24", "H % 2 == 1", 2, 1, mended=True),
    Rule("keras-pool39-convT-40", "H % 2 == 0", 2),
    # "input 73 or 75".
    Rule("tf-valid-74-36-73", "H >= 3 and H % 2 == 1", 2, 1, 3),
    # The multiples of the hop, 2·4·5·8, once the odd stride gives its sample back; before, no sensible size.
    Rule("dac-16khz-odd-stride-8-samples", "H % 320 == 0", 320, mended=True),
    Rule("dac-16khz-odd-stride-8-samples", "H % 320 == 312", 320, 312),
    # "multiple of 320".
    Rule("soundstream-225360", "H % 320 == 0", 320),
    Rule("encodec-161856", "H % 320 == 0", 320),
    Rule("encodec-161856", "H % 320 == 256", 320, 256, mended=True),
    # "equal on even sizes", and with ceil_mode everywhere.
    Rule("lednet-downsampler-31", "H % 2 == 0", 2),
    Rule("lednet-downsampler-31", "every H >= 1", mended=True),
    Rule("resnet50d-240-shortcut", "H % 2 == 0", 2),
    Rule("resnet50d-240-shortcut", "every H >= 1", mended=True),
    # "choose the grid so that it divides by the product of strides".
    Rule("openpcdet-bev-199", "H % 2 == 0", 2),
    Rule("fpn-15-8-16", "H % 2 == 0", 2),
    Rule("darknet-p7-route-5-vs-6", "H % 2 == 0", 2),
    # "minimum input is 38".
    Rule("keras-28-five-valid-stages", "H >= 38", least=38),
    Rule("keras-vanilla-unet-64", "H >= 68", least=68),
    # "receptive field 400".
    Rule("wav2vec2-640-is-one-frame", "H >= 400", least=400),
    Rule("dilated-valid-k-eff-gt-input", "H >= 37", least=37),
    Rule("torch-conv1d-len2-k7", "H >= 5", least=5),
    # "multiple of 32", "multiple of 16": rules for whole networks.
    Rule(
        "smp-unet-resnet34-160x240",
        "H % 32 in {17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 0}",
        32,
        only_sufficient=ONE_SKIP,
    ),
    Rule("smp-unet-800x275", "H % 32 in {25, 26, 27, 28, 29, 30, 31, 0}", 32, only_sufficient=ONE_SKIP),
    Rule("unet-700x700", "H >= 16 and H % 16 in {0, 1, 2, 3, 4, 5, 6, 7}", 16, only_sufficient=ONE_SKIP),
    Rule(
        "carvana-unet-1024x684",
        "H % 32 in {17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 0}",
        32,
        only_sufficient=ONE_SKIP,
    ),
    Rule("monai-unet-cube20", "H % 16 in {9, 10, 11, 12, 13, 14, 15, 0}", 16, only_sufficient=ONE_SKIP),
    Rule("nnunet-patch-2x320x256", "H % 4 in {3, 0}", 4, only_sufficient=ONE_SKIP),
    Rule(
        "fpn-368-add-23-24",
        "H % 32 in {17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 0}",
        32,
        only_sufficient=ONE_SKIP,
    ),
    Rule(
        "yolov5-yaml-wrong-concat-index", "H >= 6 and H % 8 in {6, 7, 0, 1}", 8, mended=True, only_sufficient=ONE_SKIP
    ),
]


@bugs.REPORTED
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.case}{' mended' if rule.mended else ''}")
def test_the_rule_of_the_thread(rule: Rule) -> None:
    dims = analysis_of(rule.case, rule.mended).dims
    found = dims["H"]
    assert (found.condition, found.status) == (rule.condition, "exact")
    said = {n for n in range(rule.least, 2_000) if n % rule.multiple == rule.remainder}
    exact = {n for n in range(1, 2_000) if n in found}
    assert said <= exact
    assert (said == exact) != bool(rule.only_sufficient)
    asked = [*range(1, 120), *range(600, 720)]
    # At the size of the report the other axes do not work either.
    others = {name: other.set.smallest for name, other in dims.items() if name != "H" and other.set.smallest}
    network = load(text_of(rule.case, rule.mended), **others)
    assert working(network, "H", asked, expands=False) == exact & set(asked)


@bugs.REPORTED
@pytest.mark.parametrize(("axis", "multiple"), [("H", 4), ("W", 8), ("D", 8)])
def test_each_axis_has_its_own_divisor(axis: str, multiple: int) -> None:
    """nnU-Net: "divisible by 2^num_pool per axis". 2 in depth fails, 4 works; the rest is ONE_SKIP again."""
    found = analysis_of("nnunet-patch-2x320x256").dims[axis]
    assert found.set.periodic.period == multiple
    assert all(n in found for n in range(multiple, 400, multiple))
    assert (found.given in found) == (axis != "H")


# The same rules for the whole networks, which are in examples/broken or are written out here: there they are exact.


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("unet_700", {"H": "H % 16 == 0", "W": "W % 16 == 0"}),
        ("unet_some_sizes", {"H": "H % 32 == 0", "W": "W % 32 == 0"}),
        ("fpn_368", {"H": "H % 32 == 0", "W": "W % 32 == 0"}),
        ("nnunet_patch", {"D": "D % 4 == 0", "H": "H % 8 == 0", "W": "W % 8 == 0"}),
    ],
)
def test_whole_networks_follow_the_rule_exactly(name: str, conditions: dict[str, str]) -> None:
    network = api.load(ROOT / "examples" / "broken" / f"{name}.net.yaml")
    dims = analyse(network).dims
    assert {axis: dims[axis].condition for axis in conditions} == conditions
    assert all(dims[axis].status == "exact" for axis in conditions)


def whole(depth: int, up: str) -> str:
    """An encoder that rounds up, its mirror, and a skip at every level, the input's among them."""
    lines = ["shapecheck: 1\ninputs: {x: [1, 8, H]}\nlayers:"]
    lines += [
        f"  - {{name: d{n}, op: conv, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}}" for n in range(depth)
    ]
    for n in reversed(range(depth)):
        lines.append(f"  - {{name: u{n}, {up}}}")
        lines.append(f"  - {{name: j{n}, op: add, from: [{f'd{n - 1}' if n else 'x'}, u{n}]}}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("depth", "multiple"), [(4, 16), (5, 32), (8, 256)])
@pytest.mark.parametrize(
    "up",
    [
        "op: upsample, scale_factor: 2",
        "op: conv_transpose, out_channels: 8, kernel_size: 3, stride: 2, padding: 1, output_padding: 1",
    ],
)
def test_with_every_skip_the_multiple_is_exact(depth: int, multiple: int, up: str) -> None:
    """Carvana's 32, MONAI's 16, darknet's 256."""
    found = analyse(load(whole(depth, up))).dims["H"]
    assert found.condition == f"H % {multiple} == 0"


# What is not a multiple.


@bugs.REPORTED
def test_frames_of_wav2vec2() -> None:
    """ "n frames need 400 + 320(n − 1) samples", "720 is the first length that gives 2"."""
    text = text_of("wav2vec2-640-is-one-frame")
    lines = [
        line for line in text.splitlines() if not line.startswith(("  y:", "  z:", "  - {name: b", "  - {name: z"))
    ]
    for frames in (1, 2, 3, 10):
        expecting = "\n".join(lines) + f"\noutputs: {{y: {{from: a7, expect: [1, 4, {frames}]}}}}\n"
        found = analyse(load(expecting)).dims["H"]
        first = 400 + 320 * (frames - 1)
        assert found.condition == f"{first} <= H <= {first + 319}"
    assert 640 not in found and 719 not in found


@bugs.REPORTED
def test_crops_of_alexnet() -> None:
    """227 and not 224. It need not be 227: with the other side there, all from 227 to 258 have 6 x 6 in the end."""
    found = analysis_of("theano-alexnet-6400-vs-9216", mended=True)
    assert {name: size.condition for name, size in found.dims.items()} == {
        "H": "227 <= H <= 258",
        "W": "227 <= W <= 258",
    }
    (coupling,) = found.couplings
    assert coupling.boxes is not None
    square = [n for n in range(1, 1_500) if any(n in one and n in other for one, other in coupling.boxes)]
    assert square == list(range(227, 259))
    # "227 is exact": the first convolution reads every row of it, but not of 224.
    strict = analyse(load(text_of("alexnet-224-55")), strict=True).dims["H"]
    assert strict.condition == "H >= 11 and H % 4 == 3"
    assert 227 in strict and 224 not in strict


@bugs.REPORTED
@pytest.mark.parametrize(
    ("case", "condition", "squares"),
    [
        ("flatten-1568-vs-1050", "28 <= H <= 31", range(28, 32)),
        ("dcgan-128", "128 <= H <= 143", range(128, 144)),
    ],
)
def test_a_head_takes_sizes_from_to(case: str, condition: str, squares: range) -> None:
    found = analysis_of(case, mended=True)
    assert found.dims["H"].condition == condition
    (coupling,) = found.couplings
    assert coupling.boxes is not None
    assert [n for n in range(1, 400) if any(n in h and n in w for h, w in coupling.boxes)] == list(squares)


@bugs.REPORTED
@pytest.mark.parametrize(
    "case", ["flatten-1568-vs-1050", "maxpool-pad-over-half", "yolov5-yaml-wrong-concat-index", "pixelshuffle-63-16"]
)
def test_some_mistakes_no_size_mends(case: str) -> None:
    assert all(found.set.empty for found in analysis_of(case).dims.values())


@bugs.REPORTED
@pytest.mark.parametrize("case", ["interpolate-88-119", "interpolate-third-and-back"])
def test_a_factor_of_floating_point_is_not_vouched_for(case: str) -> None:
    found = analysis_of(case).dims["H"]
    assert found.status == "partial"
    assert "no short ratio" in found.unresolved[0]
