"""What shapecheck says of shape problems that people reported in public: the cause, and no advice that misleads.

Each report is a network of the language with what must be said of it, in words; here is what that comes to in the text
of ``shapecheck check``. Others of the same kinds are kept apart, so nothing here may be fitted to a name or a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from click.testing import CliRunner
from facts import DATA, required

from shapecheck.cli.main import main

REPORTS = "reports.yaml"


class Said(NamedTuple):
    """Words that must stand in what is printed, and words that must not."""

    words: tuple[str, ...]
    never: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


# What must be said of each report, and what never.
MUST: Mapping[str, tuple[Said, ...]] = {
    "attn-unet-65": (Said(("64 and 65", "256", "272"), ("ceil_mode",)),),
    "unet3d-256-crop": (Said(("crop3: takes 4 away before and 5 after", "D, H and W")),),
    "keras-stride3-unet": (
        Said(
            (
                "merge6: inputs differ on H",
                "8 of the 9 taps",
                "SC410",
                "SC414",
                "has 1 on H (axis 2) already",
                "3·3·2·3·3",
            )
        ),
    ),
    "mobile-seg-240": (Said(("up1: inputs differ on H (axis 1): 16 and 15", "H % 32")),),
    "retinanet-17": (Said(("H = 270 does not work", "256 and 273")),),
    "brats-vae-reshape": (Said(("4 times that", "256 in place of 64"), ("let one entry be -1",)),),
    "wavenet-voc-128": (Said(("cond is 2 times as long as first", "4·4·4·4 = 256", "256 * (T // 128)"), ("crop",)),),
    "crn-causal": (
        Said(("SC403", "205 comes in where 200 is written", "likewise at e2.conv"), ("let one entry be -1",)),
    ),
    "torchinfo-269": (Said(("start_axis: 1", "2 x 128 x 5 = 1280"), ("in_features: 1280",)),),
    "convlstm-k2": (
        Said(("129 and 128", "gates: kernel_size 2 is even", "SC403", "padding: same makes 128")),
        Said(("SC403", "gates"), ("All shapes fit",), ("--select", "SC403")),
        Said((), ("All shapes fit",), ("--select", "SC404")),
    ),
    "textcnn-swapped-pool": (Said(("[146, 1]",), ("145",)),),
    "yolov8-spd": (Said(("name: l20, block: conv", "name: l16, block: c2f"), ("op: silu",)),),
    "pillars-250": (Said(("needs 125",), ("the choice is yours",)),),
    "mdnet-107": (Said(("107 <= S <= 122",)),),
    "sd-480": (Said(("H = 480 does not work", "512", "H % 64")),),
    "vit-222": (
        Said(("tokens (axis 1)", "13·13 + 1", "14·14 + 1", "224 x 224"), ("channels", "kernel_size 1 changes")),
    ),
    "cswin-split12": (Said(("S % 192", "12 does not divide 14"), ("and 224",)),),
    "heads-1024-12": (Said(("num_heads: 8", "16")),),
    "se-fc2": (Said(("stated as 4", "8 channels"), ("write in_channels: 8",)),),
    "ssd512-184": (Said(("kernel_size 4 does not fit into 3 on H", "257")),),
    "conformer-55": (Said(("H (axis 2) is 13, not 12", "54", "56")),),
    "kerasonnx555-byhand": (Said((), ("1023",)),),
    "swin-112": (Said(("size 7 on H is no multiple of factor 2", "224")),),
    "crnn-512-64": (Said(("512", "64")),),
    "imdb-lstm-hidden": (Said(("50", "43")),),
}
# Reports of which it is not said yet, and why. The table only ever shrinks.
NOT_YET = {
    "crnn-512-64": "there is no op lstm",
    "imdb-lstm-hidden": "there is no op lstm",
}


@cache
def reports() -> Mapping[str, str]:
    """Return the networks of the reports by their ids; none where the facts are absent."""
    if not (DATA / REPORTS).exists():
        return {}
    cases = yaml.safe_load((DATA / REPORTS).read_text(encoding="utf-8"))["cases"]
    return {case["id"]: case["network"] for case in cases}


def printed(text: str, arguments: tuple[str, ...], folder: Path) -> str:
    """Return all that a person is told of a network."""
    path = folder / "x.net.yaml"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["check", *arguments, str(path)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


def missing(said: Said, output: str) -> list[str]:
    wanting = [f"does not say {word}" for word in said.words if word not in output]
    return wanting + [f"says {word}" for word in said.never if word in output]


@required(REPORTS)
def test_each_report_is_here() -> None:
    assert MUST.keys() == reports().keys()


@required(REPORTS)
@pytest.mark.parametrize("name", sorted(MUST))
def test_what_must_be_said_is_said(name: str, tmp_path: Path) -> None:
    wrong = [gap for said in MUST[name] for gap in missing(said, printed(reports()[name], said.arguments, tmp_path))]
    if name in NOT_YET:
        assert wrong, f"{name} is said now: take it out of NOT_YET"
        pytest.xfail(NOT_YET[name])
    assert not wrong


@required(REPORTS)
def test_explain_shows_what_a_crop_takes_away(tmp_path: Path) -> None:
    path = tmp_path / "x.net.yaml"
    path.write_text(reports()["unet3d-256-crop"], encoding="utf-8")
    output = CliRunner().invoke(main, ["explain", str(path), "crop3"], standalone_mode=False).output
    assert "− 4 before − 5 after" in output
