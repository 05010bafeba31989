"""``shapecheck sizes``: text, JSON, exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click_runner import runner
from paths import ROOT

import shapecheck
from shapecheck.cli.main import main

EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))
HEAD = "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: 50}\nlayers:\n"
SMALL = HEAD + (
    "  - {name: c, op: conv, out_channels: 4, kernel_size: 5}\n"
    "  - {name: p, op: max_pool, kernel_size: 2}\n"
    "  - {name: u, op: upsample, scale_factor: 2}\n"
    "  - {name: j, op: concat, from: [c, u]}\n"
)


def run(*arguments: str, text: str | None = None) -> tuple[int, str, str]:
    result = runner().invoke(main, ["sizes", *arguments], standalone_mode=False, input=text)
    assert result.exception is None, result.exception
    return int(result.return_value), result.stdout, result.stderr


def document(text: str, *arguments: str) -> tuple[int, Any]:
    code, out, err = run("-", "--output-format", "json", *arguments, text=text)
    assert err == ""
    return code, json.loads(out)


def test_text() -> None:
    code, out, err = run("-", text=SMALL)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "H: H >= 6 and H % 2 == 0",
        "  smallest 6; works at 6, 8, 10, 12, 14, 16, …",
        "  50 works; nearest that do: below 48, above 52",
        "  H >= 6: p: floor((H − 4)/2) >= 1 (line 6)",
        "  H % 2 == 0: j: H − 4 = 2·floor(H/2) − 4 (line 8)",
        "",
        "sizes of the layers:",
        "  c  H − 4",
        "  p  floor((H − 4)/2)",
        "  u  2·floor(H/2) − 4",
        "  j  H − 4",
    ]


def test_json_is_that_of_the_interface() -> None:
    code, found = document(SMALL)
    assert code == 0
    assert found == {
        "version": 1,
        "dims": {
            "H": {
                "status": "exact",
                "condition": "H >= 6 and H % 2 == 0",
                "finite": [],
                "start": 6,
                "period": 2,
                "residues": [0],
                "bounded_above": False,
                "smallest": 6,
                "given": 50,
                "nearest": {"below": 48, "above": 50},
                "causes": [
                    {"layer": "p", "line": 6, "condition": "H >= 6", "message": "p: floor((H − 4)/2) >= 1"},
                    {
                        "layer": "j",
                        "line": 8,
                        "condition": "H % 2 == 0",
                        "message": "j: H − 4 = 2·floor(H/2) − 4",
                    },
                ],
                "unresolved": [],
            }
        },
        "couplings": [],
        "layers": {"c": ["H − 4"], "p": ["floor((H − 4)/2)"], "u": ["2·floor(H/2) − 4"], "j": ["H − 4"]},
    }


@pytest.mark.parametrize(("given", "below", "above"), [(3, None, 6), (6, None, 6), (7, 6, 8), (572, 570, 572)])
def test_the_nearest_sizes(given: int, below: int | None, above: int) -> None:
    code, found = document(SMALL, "--set", f"H={given}")
    assert code == 0
    assert found["dims"]["H"]["nearest"] == {"below": below, "above": above}
    _, out, _ = run("-", "--set", f"H={given}", text=SMALL)
    works = given >= 6 and given % 2 == 0
    strictly = above if above > given else above + 2
    told = "none below" if below is None else f"below {below}"
    assert f"  {given} {'works' if works else 'does not work'}; nearest that do: {told}, above {strictly}\n" in out


def test_a_set_that_ends() -> None:
    text = HEAD + "  - {op: flatten}\n  - {name: fc, op: linear, in_features: 48, out_features: 3}\n"
    code, found = document(text)
    size = found["dims"]["H"]
    assert code == 0
    assert (size["condition"], size["finite"], size["period"], size["residues"]) == ("H == 12", [12], 0, [])
    assert size["bounded_above"] is True and size["start"] == 13
    assert size["nearest"] == {"below": 12, "above": None}
    _, out, _ = run("-", text=text)
    assert "  50 does not work; nearest that do: below 12, none above\n" in out
    assert "  smallest 12; works at 12\n" in out


def test_no_size_works() -> None:
    text = HEAD + "  - {name: a, op: pad, padding: [[1, 0]]}\n  - {name: j, op: add, from: [x, a]}\n"
    code, out, _ = run("-", text=text)
    assert code == 1
    assert out.startswith("H: no H works\n")
    assert "j: inputs differ on L (axis 2): H and H + 1 (line 6)" in out
    code, found = document(text)
    size = found["dims"]["H"]
    assert code == 1
    assert (size["smallest"], size["finite"], size["period"]) == (None, [], 0)


def test_what_was_not_decided_fails() -> None:
    text = HEAD + "  - {name: u, op: upsample, scale_factor: 1.4}\n"
    code, out, _ = run("-", text=text)
    assert code == 1
    assert out.startswith("H: every H >= 1 (partial)\n  not decided: u: scale_factor 1.4 is no short ratio")
    code, found = document(text)
    assert (code, found["dims"]["H"]["status"]) == (1, "partial")
    (reason,) = found["dims"]["H"]["unresolved"]
    assert reason.startswith("u: scale_factor 1.4 is no short ratio")


def test_strict() -> None:
    text = HEAD + "  - {name: p, op: max_pool, kernel_size: 3, stride: 4}\n"
    assert run("-", text=text)[1].startswith("H: H >= 3\n")
    code, out, _ = run("-", "--strict", text=text)
    assert code == 0
    assert out.startswith("H: H % 4 == 3\n")
    assert "  H % 4 == 3: p: 4 divides H − 3 (line 5)\n" in out


def test_dimensions_that_depend_on_each_other() -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 2, H, W]}\ndims: {H: 4, W: 6}\nlayers:\n"
    text += "  - {op: flatten}\n  - {name: fc, op: linear, in_features: 48, out_features: 3}\n"
    code, out, _ = run("-", text=text)
    assert code == 0
    assert out.startswith("H: H == 4\n")
    boxes = [(1, 24), (2, 12), (3, 8), (4, 6), (6, 4), (8, 3), (12, 2), (24, 1)]
    expected = ", or ".join(f"H == {h} and W == {w}" for h, w in boxes)
    assert f"together: fc: {expected}\n" in out
    _, found = document(text)
    assert found["couplings"] == [{"layer": "fc", "dims": ["H", "W"], "condition": f"fc: {expected}"}]


def test_a_period_of_any_length_is_written_as_it_is() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 4, H]}\nblocks:\n  level:\n    params: {depth: null}\n    layers:\n"
        "      - {name: p, op: max_pool, kernel_size: 2}\n"
        "      - {name: b, block: level, when: =depth > 1, with: {depth: =depth - 1}}\n"
        "      - {name: u, op: upsample, scale_factor: 2}\n"
        "      - {name: j, op: concat, from: [input, u]}\n"
        "layers:\n  - {name: u, block: level, with: {depth: 64}}\n"
    )
    code, found = document(text)
    size = found["dims"]["H"]
    assert code == 0
    assert (size["period"], size["residues"], size["start"]) == (2**64, [0], 2**64)
    assert (size["given"], "nearest" in size) == (None, False)


def test_more_remainders_than_anybody_lists_are_ranges() -> None:
    """Forbid one remainder of 99,991: two convolutions and a merge."""
    text = HEAD + (
        "  - {name: a, op: conv, from: x, out_channels: 4, kernel_size: 7, stride: 99991}\n"
        "  - {name: b, op: conv, from: x, out_channels: 4, kernel_size: 8, stride: 99991}\n"
        "  - {name: j, op: add, from: [a, b]}\n"
    )
    _, found = document(text)
    size = found["dims"]["H"]
    assert size["condition"] == "H >= 8 and H % 99991 != 7"
    assert (size["start"], size["period"], size["residues"]) == (8, 99991, [])
    assert size["residue_ranges"] == [[0, 7], [8, 99991]]


def test_a_file_that_cannot_be_used_is_told_on_standard_error() -> None:
    code, out, err = run("-", text="shapecheck: 1\ninputs: {x: [1, 4]}\nlayers:\n  - {op: nothing}\n")
    assert (code, out) == (1, "")
    assert "unknown op nothing" in err


def test_a_network_that_is_broken_at_its_size_is_still_analysed() -> None:
    code, out, err = run("-", "--set", "H=51", text=SMALL)
    assert (code, err) == (0, "")
    assert out.startswith("H: H >= 6 and H % 2 == 0\n")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_the_command_and_the_package_say_the_same(path: Path) -> None:
    code, out, _ = run(str(path), "--output-format", "json")
    assert code == 0
    found = json.loads(out)["dims"]
    expected = shapecheck.sizes(shapecheck.load(path))
    assert {name: size["condition"] for name, size in found.items()} == {n: s.condition for n, s in expected.items()}
    for name, size in found.items():
        finite, start, period, residues = (size[key] for key in ("finite", "start", "period", "residues"))
        for n in (*range(1, 400), 572, 700, 44_032, 10**9, 10**9 + 8):
            inside = n in finite or (period > 0 and n >= start and n % period in residues)
            assert inside == (n in expected[name])
    text_code, text, _ = run(str(path))
    assert text_code == 0
    for name, size in found.items():
        assert f"{name}: {size['condition']}\n" in text
