"""``shapecheck diff``: what it prints, and what it fails on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from diff_shell import BROKEN, DEEPER, FREED, LESS, OLD, RENAMED, REPEATED, SHIFTED, SLIMMER, UNREADABLE, WIDER, Shell

from shapecheck.cli.fail_on import WORDS


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def two(shell: Shell) -> Shell:
    shell.write("old.net.yaml", OLD)
    shell.write("new.net.yaml", DEEPER)
    return shell


def stands(out: str, name: str) -> None:
    """Compare an output with the one that is kept; SHAPECHECK_UPDATE=1 keeps it anew."""
    kept = Path(__file__).parent / name
    if os.environ.get("SHAPECHECK_UPDATE") == "1":
        kept.write_text(out, encoding="utf-8")
    assert out == kept.read_text(encoding="utf-8")


def test_text(two: Shell) -> None:
    code, out, err = two.run("old.net.yaml", "new.net.yaml")
    assert (code, err) == (0, "")
    stands(out, "difference.txt")


def test_markdown(two: Shell) -> None:
    code, out, err = two.run("old.net.yaml", "new.net.yaml", "--output-format", "markdown")
    assert (code, err) == (0, "")
    stands(out, "difference.md")


def test_json(two: Shell) -> None:
    found = two.json("old.net.yaml", "new.net.yaml")
    assert found["version"] == 1 and found["same"] is False and found["failed"] == []
    assert found["old"] == {"path": "old.net.yaml", "network": "small", "dims": {"H": 64, "W": 64}, "layers": 7}
    assert found["layers"] == {
        "added": [{"name": "drop", "op": "dropout", "inputs": ["join"], "output_shape": [1, 24, 64, 64]}],
        "removed": [],
        "renamed": [{"old": "mid", "new": "bottom", "op": "conv"}],
        "changed": [
            {"old": "act", "new": "act", "op": "gelu", "keys": {"op": {"old": "relu", "new": "gelu"}}, "moved": {}},
            {
                "old": "down",
                "new": "down",
                "op": "max_pool",
                "keys": {"kernel_size": {"old": 2, "new": 4}},
                "moved": {},
            },
            {"old": "up", "new": "up", "op": "upsample", "keys": {"scale_factor": {"old": 2, "new": 4}}, "moved": {}},
            {
                "old": "head",
                "new": "head",
                "op": "conv",
                "keys": {"out_channels": {"old": 2, "new": 3}},
                "moved": {"from": {"old": ["join"], "new": ["drop"]}},
            },
        ],
    }
    assert found["shapes"] == {
        "changed": [
            {"layer": "down", "old": [1, 8, 32, 32], "new": [1, 8, 16, 16], "cause": "down"},
            {"layer": "bottom", "old": [1, 16, 32, 32], "new": [1, 16, 16, 16], "cause": "down"},
            {"layer": "head", "old": [1, 2, 64, 64], "new": [1, 3, 64, 64], "cause": "head"},
        ],
        "unknown": [],
    }
    assert found["totals"]["parameters"] == {
        "old": 224 + 1168 + 50,
        "new": 224 + 1168 + 75,
        "change": 25,
        "percent": 1.7337,
        "layers_unknown": {"old": 0, "new": 0},
    }
    assert found["costs"] == [
        {
            "layer": "bottom",
            "old": {"parameters": 1168, "multiply_adds": 1152 * 32 * 32},
            "new": {"parameters": 1168, "multiply_adds": 1152 * 16 * 16},
        },
        {
            "layer": "head",
            "old": {"parameters": 50, "multiply_adds": 48 * 64 * 64},
            "new": {"parameters": 75, "multiply_adds": 72 * 64 * 64},
        },
    ]
    old = {"name": "mask", "shape": [1, 2, 64, 64], "receptive_field": [8, 8]}
    assert found["outputs"] == [
        {"old": old, "new": {"name": "mask", "shape": [1, 3, 64, 64], "receptive_field": [14, 14]}}
    ]
    for name in ("H", "W"):
        assert found["sizes"][name] == {
            "status": "changed",
            "old": {"status": "exact", "condition": f"{name} % 2 == 0"},
            "new": {"status": "exact", "condition": f"{name} % 4 == 0"},
            "lost": 2,
            "gained": None,
            "not_decided": [],
        }
    assert found["dims"] == {
        "H": {
            "old": {"size": 64, "accepts": {"min": 16, "multiple_of": 16}},
            "new": {"size": 64, "accepts": {"min": 32, "multiple_of": 32}},
        }
    }
    assert {"old", "new", "same", "couplings", "diagnostics"} <= set(found)


def test_no_difference(two: Shell) -> None:
    code, out, err = two.run("old.net.yaml", "old.net.yaml", "--fail-on", ",".join(WORDS))
    assert (code, out, err) == (0, "old.net.yaml → old.net.yaml: No difference: 7 layers.\n", "")


# A word, a network that it fails on, and one on which it does not: there something else changed.
CASES = [
    ("layers", RENAMED, LESS),
    ("layers", REPEATED, LESS),
    ("shapes", WIDER, REPEATED),
    ("shapes", BROKEN, RENAMED),
    ("outputs", SHIFTED, WIDER),
    ("outputs", BROKEN, REPEATED),
    ("receptive-field", DEEPER, WIDER),
    ("sizes", DEEPER, WIDER),
    ("sizes", FREED, LESS),
    ("sizes-lost", DEEPER, FREED),
    ("promises", LESS, WIDER),
    ("findings", BROKEN, WIDER),
    ("params", WIDER, REPEATED),
    ("params", SLIMMER, RENAMED),
    ("params", BROKEN, RENAMED),
    ("params>0", WIDER, SLIMMER),
    ("params>5%", WIDER, WIDER.replace("17", "15")),
    ("params>50", WIDER, SLIMMER),
    ("cost", WIDER, REPEATED),
    ("cost>1%", WIDER, SLIMMER),
    ("memory", WIDER, REPEATED),
    ("memory>0%", WIDER, DEEPER.replace("drop, op: dropout", "drop, op: max_pool, kernel_size: 8")),
]


def test_every_word_is_tried() -> None:
    assert {word.partition(">")[0] for word, _, _ in CASES} == set(WORDS)


@pytest.mark.parametrize(("word", "wrong", "fine"), CASES)
def test_fail_on(word: str, wrong: str, fine: str, two: Shell) -> None:
    two.write("wrong.net.yaml", wrong)
    two.write("fine.net.yaml", fine)
    assert wrong != OLD and fine != OLD
    code, _, err = two.run("old.net.yaml", "wrong.net.yaml", "--fail-on", word)
    assert code == 1
    assert err.startswith(f"failed on {word}: ")
    code, _, err = two.run("old.net.yaml", "fine.net.yaml", "--fail-on", word)
    assert (code, err) == (0, "")


def test_a_bound_is_that_of_growth(two: Shell) -> None:
    two.write("wider.net.yaml", WIDER)  # 1442 parameters, then 1517: 5.2 %
    assert two.run("old.net.yaml", "wider.net.yaml", "--fail-on", "params>5.2%")[0] == 1
    assert two.run("old.net.yaml", "wider.net.yaml", "--fail-on", "params>5.21%, cost > 10%")[0] == 0
    assert two.run("old.net.yaml", "wider.net.yaml", "--fail-on", "params>74")[0] == 1
    assert two.run("old.net.yaml", "wider.net.yaml", "--fail-on", "params>75")[0] == 0
    found = two.json("old.net.yaml", "wider.net.yaml", "--fail-on", "params>5%")
    assert found["failed"] == [{"condition": "params>5%", "reason": "+75 (+5.2 %)"}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("parms", "'parms' is no condition; did you mean params?"),
        ("sizes>5%", "'sizes>5%': only params, cost, memory can be bounded by a number"),
        ("params<5", "'params<5' is no condition"),
        ("params>x", "'params>x' is no condition"),
    ],
)
def test_words_that_are_none(words: str, said: str, two: Shell) -> None:
    assert said in two.refused("old.net.yaml", "new.net.yaml", "--fail-on", words)


def test_broken_shapes_are_compared_as_far_as_they_are_known(two: Shell) -> None:
    two.write("broken.net.yaml", BROKEN)
    found = two.json("old.net.yaml", "broken.net.yaml")
    assert [c["layer"] for c in found["shapes"]["changed"]] == ["up", "join", "head"]
    assert [c["new"] for c in found["shapes"]["changed"]] == [[1, 16, 96, 96], None, None]
    assert found["totals"]["parameters"]["change"] is None
    assert found["totals"]["parameters"]["layers_unknown"] == {"old": 0, "new": 2}
    assert [d["code"] for d in found["diagnostics"]["new"]][-1] == "SC208"
    code, out, _ = two.run("broken.net.yaml", "broken.net.yaml")
    assert code == 0
    assert out.startswith("broken.net.yaml → broken.net.yaml: No difference in what is known.\n")
    assert "join, head  unknown  unknown  not compared\n" in out
    assert "at least" in out and "not known: 2 layers before and 2 layers now without a shape" in out


def test_sizes_that_were_not_decided_are_said_to_be(two: Shell) -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: 50}\nlayers:\n"
    text += "  - {name: u, op: upsample, scale_factor: 1.4}\n"
    two.write("a.net.yaml", text)
    code, out, err = two.run("a.net.yaml", "a.net.yaml", "--fail-on", "sizes")
    assert code == 1
    assert "not compared: before: u: scale_factor 1.4 is no short ratio" in out
    assert err == "failed on sizes: H (not decided)\n"
    assert two.run("a.net.yaml", "a.net.yaml", "--fail-on", "sizes-lost")[0] == 1


def test_a_block_that_came_as_a_whole_is_one_row(two: Shell) -> None:
    blocks = "blocks:\n  pair:\n    layers:\n      - {op: relu}\n      - {op: gelu}\nlayers:\n"
    placed = "  - {name: twice, block: pair, repeat: 2}\n  - {name: head"
    two.write("blocks.net.yaml", OLD.replace("layers:\n", blocks).replace("  - {name: head", placed))
    _, out, _ = two.run("old.net.yaml", "blocks.net.yaml")
    assert [line.split() for line in out.splitlines() if "added" in line][1:] == [
        ["added", "twice", "block", "4", "layers"]
    ]
    _, out, _ = two.run("blocks.net.yaml", "old.net.yaml")
    assert "  removed  twice  block  4 layers\n" in out


def test_what_there_is_no_room_for_is_counted(two: Shell) -> None:
    lines = "".join(f"  - {{name: l%s{n}, op: relu, from: image}}\n" for n in range(100))
    two.write("many.net.yaml", OLD.replace("outputs: {mask: head}\n", "") + lines.replace("%s", ""))
    two.write("others.net.yaml", OLD.replace("outputs: {mask: head}\n", "") + lines.replace("%s", "_"))
    for output_format in ("text", "markdown"):
        _, out, _ = two.run("many.net.yaml", "others.net.yaml", "--output-format", output_format)
        assert out.count("was l") == 60
        assert "and 40 more rows" in out
    assert len(two.json("many.net.yaml", "others.net.yaml")["layers"]["renamed"]) == 100


@pytest.mark.parametrize("files", [("bad.net.yaml", "old.net.yaml"), ("old.net.yaml", "bad.net.yaml")])
def test_a_file_that_cannot_be_used(files: tuple[str, str], two: Shell) -> None:
    two.write("bad.net.yaml", UNREADABLE)
    code, out, err = two.run(*files)
    assert (code, out) == (1, "")
    assert "bad.net.yaml:" in err and "old.net.yaml" not in err
    code, out, err = two.run("old.net.yaml", "there-is-none.net.yaml")
    assert (code, out) == (1, "")
    assert "no such file or directory" in err


def test_set_is_for_the_networks_that_have_the_name(two: Shell) -> None:
    two.write(
        "wide.net.yaml",
        OLD.replace("layers:", "params: {c: 16}\nlayers:").replace("out_channels: 16", "out_channels: =c"),
    )
    assert two.json("old.net.yaml", "wide.net.yaml")["same"] is True
    found = two.json("old.net.yaml", "wide.net.yaml", "--set", "c=17", "--set", "H=96")
    assert [c["keys"] for c in found["layers"]["changed"]] == [{"out_channels": {"old": 16, "new": 17}}]
    assert found["old"]["dims"] == found["new"]["dims"] == {"H": 96, "W": 64}
    assert "no param or dimension is called d" in two.refused("old.net.yaml", "wide.net.yaml", "--set", "d=1")


def test_standard_input(two: Shell) -> None:
    code, out, _ = two.run("old.net.yaml", "-", text=OLD)
    assert (code, out) == (0, "old.net.yaml → <stdin>: No difference: 7 layers.\n")
    assert "standard input cannot be both" in two.refused("-", "-")


def test_what_a_file_says_cannot_break_a_comment(two: Shell) -> None:
    two.write("a|b<c>@d.net.yaml", OLD)
    code, out, _ = two.run("old.net.yaml", "a|b<c>@d.net.yaml", "--output-format", "markdown")
    assert code == 0
    assert out.startswith(
        "### shapecheck: old.net.yaml → a&#124;b&lt;c&gt;&#64;d.net.yaml\n\n**No difference: 7 layers.**"
    )


@pytest.mark.parametrize(
    "arguments", [(), ("old.net.yaml",), ("a", "b", "c"), ("--rev", "HEAD"), ("--rev", "HEAD", "a", "b")]
)
def test_wrong_command_lines(arguments: tuple[str, ...], two: Shell) -> None:
    assert two.refused(*arguments)


def test_the_configuration_counts(two: Shell) -> None:
    two.write("broken.net.yaml", BROKEN)
    two.write("shapecheck.toml", 'ignore = ["SC"]\n')
    assert two.json("old.net.yaml", "broken.net.yaml")["diagnostics"] == {"new": [], "gone": []}
