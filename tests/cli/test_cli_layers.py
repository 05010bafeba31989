"""The commands ``shapes``, ``calc``, ``explain`` and ``rule``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from running import BROKEN, FINE, ROOT
from shell import Shell

EXAMPLES = sorted((ROOT / "examples").glob("*.net.yaml"))


def published(path: Path) -> int:
    found = re.search(r"^# Parameters: ([\d,]+) \(", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, path
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_parameters_are_the_published_ones(shell: Shell, path: Path) -> None:
    document = shell("shapes", str(path), "--output-format", "json").json
    assert document["totals"]["parameters"] == published(path)
    assert document["totals"]["parameters"] == sum(layer["parameters"] for layer in document["layers"])
    assert document["totals"]["multiply_adds"] == sum(layer["multiply_adds"] for layer in document["layers"]) > 0


def test_the_json_of_shapes(shell: Shell) -> None:
    document = shell("shapes", shell.write(FINE), "--output-format", "json").json
    assert document["network"] == "fine"
    assert document["dims"] == {"N": 2, "H": 8, "W": 8}
    first = document["layers"][0]
    assert first == first | {
        "name": "a",
        "op": "conv",
        "line": 7,
        "column": FINE.splitlines()[6].index("name: a") + 7,
        "inputs": ["image"],
        "input_shapes": [[2, 3, 8, 8]],
        "output_shape": [2, 4, 8, 8],
        "parameters": 3 * 4 * 9 + 4,
        "multiply_adds": 2 * 4 * 8 * 8 * 3 * 9,
        "receptive_field": [3, 3],
    }
    assert document["outputs"] == {"b": [2, 4, 8, 8]}


def test_a_wrong_layer_stands_in_the_table_without_a_shape(shell: Shell) -> None:
    result = shell("shapes", shell.write(BROKEN), "--output-format", "json")
    assert result.code == 1
    assert [layer["output_shape"] for layer in result.json["layers"]] == [None, None]
    assert "SC204" in result.err


def test_a_size_that_is_not_known_is_text(shell: Shell) -> None:
    text = FINE.replace("H: 8, ", "").replace("padding: 1", "stride: 2")
    document = shell("shapes", shell.write(text), "--output-format", "json").json
    height = document["layers"][0]["output_shape"][2]
    assert isinstance(height, str)
    assert eval(height, {"H": 9}) == 4
    assert document["dims"] == {"N": 2, "W": 8}


def test_the_table_for_people(shell: Shell) -> None:
    out = shell("shapes", shell.write(FINE)).out
    assert "[2, 4, 8, 8]" in out
    assert "112 parameters" in out
    assert "13,824 multiply-adds" in out


CONVOLUTIONS = [
    ("2.1", 4, 3, 1, 0, 1, 2, 1),
    ("2.2", 5, 4, 1, 2, 1, 6, 2),
    ("2.3", 5, 3, 1, 1, 1, 5, 3),
    ("2.4", 5, 3, 1, 2, 1, 7, 4),
    ("2.5", 5, 3, 2, 0, 1, 2, 5),
    ("2.6", 5, 3, 2, 1, 1, 3, 6),
    ("2.7", 6, 3, 2, 1, 1, 3, 6),
    ("5.1", 7, 3, 1, 0, 2, 3, 15),
]
TRANSPOSED = [
    ("4.1", 2, 3, 1, 0, 0, 4, 8, 2),
    ("4.2", 6, 4, 1, 2, 0, 5, 9, 1),
    ("4.3", 5, 3, 1, 1, 0, 5, 10, 1),
    ("4.4", 7, 3, 1, 2, 0, 5, 11, 0),
    ("4.5", 2, 3, 2, 0, 0, 5, 12, 2),
    ("4.6", 3, 3, 2, 1, 0, 5, 13, 1),
    ("4.7", 3, 3, 2, 1, 1, 6, 14, 1),
]


@pytest.mark.parametrize(("figure", "i", "k", "s", "p", "d", "o", "relationship"), CONVOLUTIONS)
def test_calc_of_the_guide_s_convolutions(
    shell: Shell, figure: str, i: int, k: int, s: int, p: int, d: int, o: int, relationship: int
) -> None:
    given = ["-i", f"{i}", "-k", f"{k}", "-s", f"{s}", "-p", f"{p}", "-d", f"{d}"]
    document = shell("calc", "conv", *given, "--output-format", "json").json
    assert document["output_size"] == [o]
    (axis,) = document["axes"]
    assert (axis["o"], axis["relationships"][0]) == (o, relationship)
    assert axis["unread"] == (1 if figure == "2.7" else 0)
    result = shell("calc", "conv", *given)
    assert result.code == 0
    assert f"Relationship {relationship} " in result.out
    assert f"= {o}" in result.out
    assert ("figure 2.7" in result.out) == (figure == "2.7")


@pytest.mark.parametrize(("figure", "i", "k", "s", "p", "a", "o", "relationship", "direct"), TRANSPOSED)
def test_calc_and_explain_of_the_guide_s_transposed_convolutions(
    shell: Shell, figure: str, i: int, k: int, s: int, p: int, a: int, o: int, relationship: int, direct: int
) -> None:
    given = ["-i", f"{i}", "-k", f"{k}", "-s", f"{s}", "-p", f"{p}", "-a", f"{a}"]
    document = shell("calc", "conv-transpose", *given, "--output-format", "json").json
    assert document["output_size"] == [o]
    (axis,) = document["axes"]
    assert (axis["o"], axis["relationships"][0]) == (o, relationship)
    assert axis["direct"] == {"i": i + (i - 1) * (s - 1), "k": k, "s": 1, "p": [direct, direct], "a": a}
    text = f"shapecheck: 1\ninputs: {{x: [1, 1, {i}]}}\nlayers:\n  - {{name: up, op: conv_transpose, out_channels: 1,"
    text += f" kernel_size: {k}, stride: {s}, padding: {p}, output_padding: {a}}}\n"
    explained = shell("explain", shell.write(text), "up", "--output-format", "json").json
    assert explained["axes"] == [axis]
    assert explained["output"] == [1, 1, o]
    lines = shell("explain", shell.write(text), "up").out
    assert f"Relationship {relationship} " in lines
    assert f"= {o}" in lines


def test_calc_of_pooling(shell: Shell) -> None:
    document = shell("calc", "pool", "-i", "5", "-k", "3", "-s", "1", "--output-format", "json").json
    assert document["output_size"] == [3]
    assert document["axes"][0]["relationships"] == [7]
    assert shell("calc", "pool", "-i", "7", "-k", "2", "--output-format", "json").json["output_size"] == [3]
    ceil = shell("calc", "pool", "-i", "7", "-k", "2", "--ceil-mode", "--output-format", "json").json
    assert ceil["output_size"] == [4]


def test_calc_of_several_axes(shell: Shell) -> None:
    document = shell(
        "calc", "conv", "-i", "224,112", "-k", "7,3", "-s", "2", "-p", "3,1", "--output-format", "json"
    ).json
    assert document["output_size"] == [112, 56]
    assert [axis["axis"] for axis in document["axes"]] == ["H", "W"]


def test_calc_finds_the_addition_for_an_output_size(shell: Shell) -> None:
    given = ["-i", "3", "-k", "3", "-s", "2", "-p", "1"]
    assert shell("calc", "conv-transpose", *given, "-o", "6", "--output-format", "json").json["axes"][0]["a"] == 1
    assert shell("calc", "conv-transpose", *given, "-o", "7").code == 1
    assert shell("calc", "conv-transpose", *given, "-o", "6", "-a", "1").code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["conv"], 2),
        (["conv", "-i", "5"], 2),
        (["conv", "-k", "5"], 2),
        (["conv", "-i", "x", "-k", "3"], 2),
        (["conv", "-i", "0", "-k", "3"], 2),
        (["conv", "-i", "5", "-k", "3", "-p", "samee"], 2),
        (["conv", "-i", "2", "-k", "3"], 1),
        (["conv", "-i", "5", "-k", "0"], 1),
        (["conv", "-i", "5", "-k", "3", "-s", "0"], 1),
        (["conv", "-i", "5", "-k", "3,3"], 1),
        (["pool", "-i", "5", "-k", "3", "-p", "2"], 1),
        (["nothing"], 2),
    ],
)
def test_calc_of_what_does_not_fit(shell: Shell, arguments: list[str], code: int) -> None:
    result = shell("calc", *arguments)
    assert result.code == code
    assert result.out == "" or not arguments
    assert "internal" not in result.err


def test_explain_of_a_layer_that_is_not_there(shell: Shell) -> None:
    result = shell("explain", shell.write(FINE), "aa")
    assert result.code == 2
    assert "aa" in result.err
    broken = shell("explain", shell.write(BROKEN), "b")
    assert broken.code == 1
    assert "SC204" in broken.err


def test_rule(shell: Shell) -> None:
    assert "SC204" in shell("rule").out
    by_code, by_name = shell("rule", "sc204"), shell("rule", "kernel-exceeds-input")
    assert by_code.code == 0
    assert by_code.out == by_name.out
    assert shell("rule", "SC999").code == 2
    document = shell("rule", "--all", "--output-format", "json").json
    codes = [rule["code"] for rule in document["rules"]]
    assert codes == sorted(set(codes))
    assert all(rule["manual"].strip() for rule in document["rules"])
