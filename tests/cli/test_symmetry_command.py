"""``shapecheck symmetry``: text, JSON and exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click_runner import runner
from paths import ROOT

import shapecheck
from shapecheck.cli.main import main

HEAD = "shapecheck: 1\ninputs: {image: [1, 2, 30, 31]}\nlayers:\n"
ENCODER = "  - {name: e, op: conv, out_channels: 2, kernel_size: 4, stride: 3, padding: 1}\n"
DECODER = "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 4, stride: 3, padding: 1%s}\n"
OUTPUT = "outputs: {restored: d}\n"


def run(*arguments: str, text: str | None = None) -> tuple[int, str, str]:
    result = runner().invoke(main, ["symmetry", *arguments], standalone_mode=False, input=text)
    assert result.exception is None, result.exception
    return int(result.return_value), result.stdout, result.stderr


def document(text: str, *arguments: str) -> tuple[int, Any]:
    code, out, _ = run("-", "--output-format", "json", *arguments, text=text)
    return code, json.loads(out)


def test_an_exact_pair() -> None:
    text = HEAD + ENCODER + "  - {name: d, op: conv_transpose, transpose_of: e}\n" + OUTPUT
    code, out, err = run("-", text=text)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "e / d: exact",
        "  e: 30 x 31 -> 10 x 10; d gives back 30 x 31",
        "  a = 1, 2",
        "  as direct convolutions: ĩ′ = 28, k′ = 4, s′ = 1, p′ = 2, a = 1; ĩ′ = 28, k′ = 4, s′ = 1, p′ = 2, a = 2",
        "image 30 x 31 -> restored 30 x 31: exact",
    ]


def test_an_ambiguous_pair_fails() -> None:
    code, out, _ = run("-", text=HEAD + ENCODER + DECODER % "" + OUTPUT + "symmetry: {d: e}\n")
    assert code == 1
    assert out.splitlines() == [
        "e / d: ambiguous",
        "  e: 30 x 31 -> 10 x 10; d gives back 29 x 29",
        "  a is open: 29/30/31 x 29/30/31",
        "  as direct convolutions: ĩ′ = 28, k′ = 4, s′ = 1, p′ = 2; ĩ′ = 28, k′ = 4, s′ = 1, p′ = 2",
        "  a is not given; with a = 0 29 is given back for 30 on H, off by -1",
        "image 30 x 31 -> restored 29 x 29: off by -1 on H, off by -2 on W, lost at e",
    ]


def test_a_declared_pair_that_is_broken_fails_and_a_guess_only_tells() -> None:
    broken = HEAD + ENCODER + DECODER % ", output_padding: 1" + OUTPUT
    code, out, _ = run("-", text=broken + "symmetry: {d: e}\n")
    assert code == 1
    assert "e / d: broken\n" in out and "  30 is given back for 31 on W, off by -1\n" in out
    code, out, _ = run("-", text=broken)
    assert code == 0
    assert out.startswith("e / d (inferred): broken\n")


def test_json_is_that_of_the_interface() -> None:
    code, found = document(HEAD + ENCODER + DECODER % ", output_padding: [1, 2]" + OUTPUT + "symmetry: {d: e}\n")
    assert code == 0
    direct = {"i": 28, "k": 4, "s": 1, "p": [2, 2]}
    assert found == {
        "version": 1,
        "pairs": [
            {
                "decoder": "d",
                "encoder": "e",
                "declared": True,
                "encoder_input": [30, 31],
                "encoder_output": [10, 10],
                "decoder_output": [30, 31],
                "a": [1, 2],
                "status": "exact",
                "direct": [{**direct, "a": 1}, {**direct, "a": 2}],
            }
        ],
        "summary": [
            {
                "input": "image",
                "output": "restored",
                "input_size": [30, 31],
                "output_size": [30, 31],
                "exact": True,
                "lost_at": [],
            }
        ],
    }


def test_json_lists_the_candidates_of_an_open_pair_and_says_why_one_is_broken() -> None:
    code, found = document(HEAD + ENCODER + DECODER % "" + "symmetry: {d: e}\n")
    (pair,) = found["pairs"]
    assert (code, pair["status"], pair["candidates"]) == (1, "ambiguous", [[29, 30, 31], [29, 30, 31]])
    code, found = document(HEAD + ENCODER + DECODER % ", output_padding: 0" + "symmetry: {d: e}\n")
    (pair,) = found["pairs"]
    assert (code, pair["status"], "candidates" in pair) == (1, "broken", False)
    assert pair["message"] == "29 is given back for 30 on H, off by -1; 29 is given back for 31 on W, off by -2"
    (end,) = found["summary"]
    assert (end["exact"], end["lost_at"]) == (False, ["e"])


def test_a_pair_without_a_has_none_in_json() -> None:
    text = HEAD + "  - {name: p, op: max_pool, kernel_size: 2}\n  - {name: u, op: upsample, scale_factor: 2}\n"
    code, found = document(text)
    (pair,) = found["pairs"]
    assert (code, pair["a"], pair["declared"], pair["status"]) == (0, [], False, "broken")
    assert "direct" not in pair
    assert pair["message"] == "30 is given back for 31 on W, off by -1"


def test_sizes_may_be_set_and_may_be_unknown() -> None:
    text = HEAD.replace("30, 31", "H, W") + ENCODER + "  - {name: d, op: conv_transpose, transpose_of: e}\n"
    code, found = document(text, "--set", "H=50", "--set", "W=9")
    assert code == 0
    assert found["pairs"][0]["encoder_input"] == [50, 9]
    code, found = document(text)
    assert code == 0
    assert found["pairs"][0]["encoder_input"] == found["pairs"][0]["decoder_output"] == ["H", "W"]
    assert found["pairs"][0]["status"] == "exact"


def test_nothing_to_pair_is_said() -> None:
    code, out, _ = run("-", text="shapecheck: 1\ninputs: {x: [1, 4]}\nlayers:\n  - {op: linear, out_features: 3}\n")
    assert code == 0
    assert out == "no layer here mirrors another: nothing is declared, and nothing that nests gives back what went in\n"


def test_a_file_that_cannot_be_used_is_told_on_standard_error() -> None:
    code, out, err = run("-", text="shapecheck: 1\ninputs: {x: [1, 4]}\nlayers:\n  - {op: nothing}\n")
    assert (code, out) == (1, "")
    assert "unknown op nothing" in err


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("examples/autoencoder", "picture 28 x 29 -> reconstruction 28 x 29: exact"),
        ("examples/audio_codec", "sound 44032 -> reconstruction 44032: exact"),
        (
            "examples/broken/codec_loses_8_samples",
            "sound 32000 -> reconstruction 31992: off by -8 on L, lost at encoder.2.down",
        ),
        (
            "examples/broken/transposed_24_to_23",
            "features 24 x 24 -> restored 23 x 23: off by -1 on H, off by -1 on W, lost at shrink",
        ),
    ],
)
def test_examples_end_in_one_sentence(name: str, last: str) -> None:
    _, out, _ = run(str(ROOT / f"{name}.net.yaml"))
    assert out.splitlines()[-1] == last


@pytest.mark.parametrize("name", ["autoencoder", "hourglass", "segnet", "audio_codec", "unet_2015"])
def test_the_command_and_the_package_say_the_same(name: str) -> None:
    path = ROOT / "examples" / f"{name}.net.yaml"
    code, out, _ = run(str(path), "--output-format", "json")
    found = json.loads(out)["pairs"]
    expected = shapecheck.symmetry(shapecheck.load(path))
    assert code == 0
    assert [(p["decoder"], p["encoder"], p["declared"], p["status"], p["encoder_input"]) for p in found] == [
        (p.decoder.name, p.encoder.name, p.declared, p.status, list(p.encoder_input or ())) for p in expected
    ]
