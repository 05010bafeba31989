"""``shapecheck verify --mesh --shard`` from the outside: what is refused, and what is printed in each format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from paths import ROOT
from texts import check_text
from waiting import PATIENCE

import shapecheck
from shapecheck.cli.main import main
from shapecheck.language.sharding_reader import override

LENET = "examples/lenet5.net.yaml"
SHARDED = """shapecheck: 1
inputs: {image: [N, 3, 8, 8]}
dims: {N: 12}
sharding:
  mesh: {data: 4, model: 2}
  dims: {N: data}
  channels: model
layers:
  - {name: c, op: conv, out_channels: 6, kernel_size: 3}
"""


def verify(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("JAX_", "XLA_"))}
    return subprocess.run(
        [sys.executable, "-m", "shapecheck", "verify", *arguments],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


WRONG = [
    (["--mesh", "data=0", "--shard", "N=data"], "the size of axis data is a whole number of at least 1, found '0'"),
    (["--mesh", "data=x"], "the size of axis data is a whole number of at least 1, found 'x'"),
    (["--mesh", "data"], "is not AXIS=SIZE,AXIS=SIZE"),
    (["--mesh", "2d=4"], "is not AXIS=SIZE,AXIS=SIZE"),
    (["--mesh", "data=2,data=4"], "names an axis twice"),
    (["--mesh", "data=8"], "nothing is split over them; add --shard NAME=AXIS"),
    (["--mesh", "data=8", "--shard", "N"], "is not NAME=AXIS"),
    (["--mesh", "data=8", "--shard", "N="], "is not NAME=AXIS"),
    (["--mesh", "data=8", "--shard", "N=data", "--shard", "N=data"], "N is given twice; list its axes: N=a,b"),
    (["--mesh", "data=8", "--shard", "M=data"], "no dimension is called M"),
    (["--mesh", "data=8", "--shard", "N=date"], "no mesh has an axis date; did you mean data?"),
    (["--shard", "N=data"], "no mesh has an axis data; give the mesh with --mesh data=8"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(a) for a, _ in WRONG])
def test_a_wrong_command_line_is_refused_before_jax_is_loaded(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, ["verify", LENET, *arguments])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.slow
def test_data_parallel_training_from_the_command_line() -> None:
    done = verify(LENET, "--set", "N=64", "--mesh", "data=8", "--shard", "N=data", "--output-format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    (file,) = json.loads(done.stdout)["files"]
    assert file["verification"]["result"] == "proved"
    mesh = file["verification"]["mesh"]
    assert (mesh["axes"], mesh["devices"], mesh["result"], mesh["level"]) == ({"data": 8}, 8, "proved", "compile")
    (training,) = (one for one in mesh["passes"] if one["pass"] == "training")
    gradients = [e for e in training["exchanges"] if e["step"] == "backward"]
    assert sum(e["bytes"] for e in gradients) == 61_706 * 4
    assert set(gradients[0]) == {"layer", "step", "kind", "axes", "number", "bytes", "in_loop"}


@pytest.mark.slow
def test_the_batch_that_is_asked_for_is_the_one_that_is_divided() -> None:
    """The file's batch is 1, which 8 devices do not divide; 16 they do, in bfloat16 as well, and 12 not."""
    split = (LENET, "--mesh", "data=8", "--shard", "N=data", "--no-cache", "--output-format", "json")
    done = verify(*split, "--batch", "16", "--dtype", "bfloat16")
    assert (done.returncode, done.stderr) == (0, "")
    (file,) = json.loads(done.stdout)["files"]
    assert file["diagnostics"] == []
    assert file["verification"]["mesh"]["argument_bytes"] == 2 * (61_706 + 2 * 32 * 32)
    wrong = verify(*split, "--batch", "12", "--level", "trace")
    (file,) = json.loads(wrong.stdout)["files"]
    assert wrong.returncode == 1
    assert [d["code"] for d in file["diagnostics"]] == ["SC904"] and "12 % 8 = 4" in file["diagnostics"][0]["message"]


def test_an_input_that_does_not_divide_is_told_at_its_line_and_refused_by_jax() -> None:
    done = verify(LENET, "--set", "N=12", "--mesh", "data=8", "--shard", "N=data", "--level", "trace")
    assert (done.returncode, done.stderr) == (1, "")
    assert "error[SC904] digit: batch (axis 0) of size 12 cannot be split over the 8 devices" in done.stdout
    assert "12 % 8 = 4" in done.stdout and "sizes nearby that divide: 8 and 16" in done.stdout
    assert "refuted: JAX refuses the mesh" in done.stdout
    assert "array axis 0 is partitioned 8 times, but the dimension size is 12" in done.stdout


def test_a_file_says_it_by_itself_and_the_command_line_overrides(tmp_path: Path) -> None:
    path = tmp_path / "split.net.yaml"
    path.write_text(SHARDED, encoding="utf-8")
    own = verify(str(path), "--output-format", "markdown")
    assert (own.returncode, own.stderr) == (0, "")
    assert "#### Devices" in own.stdout and "#### Collectives" in own.stdout
    assert "| training step | c | backward | all-reduce | data | " in own.stdout
    other = verify(str(path), "--mesh", "data=3", "--shard", "channels=_", "--level", "lower")
    assert (other.returncode, other.stderr) == (0, "")
    assert "mesh data=3 (3 devices): proved: lowered by JAX" in other.stdout
    missing = verify(str(path), "--mesh", "data=4", "--level", "trace")
    assert missing.returncode == 1
    assert "error[SC901] the mesh that --mesh gives has no axis model" in missing.stdout


def test_check_tells_of_devices_without_jax() -> None:
    report = check_text(SHARDED.replace("out_channels: 6", "out_channels: 7"), "net")
    assert [(d.code, d.layer, d.span.start.line) for d in report.errors] == [("SC904", "c", 9)]


def sharding(text: str, mesh: tuple[tuple[str, int], ...], *shards: tuple[str, tuple[str, ...]]) -> object:
    def prepare(file: object) -> None:
        override(file, mesh, shards)  # type: ignore[arg-type]

    network = check_text(text, "net", prepare=prepare).network
    assert network is not None and network.sharding is not None
    return network.sharding._replace(
        inputs={i: tuple(split.axes for split in splits) for i, splits in network.sharding.inputs.items()},  # type: ignore[misc]
        channels={i: split.axes for i, split in network.sharding.channels.items()},  # type: ignore[misc]
        span=None,
    )


def test_the_command_line_says_the_same_as_the_file() -> None:
    bare = "".join(
        f"{line}\n" for line in SHARDED.splitlines() if not line.startswith(("sharding", "  mesh", "  dims"))
    )
    bare = bare.replace("  channels: model\n", "")
    mesh = (("data", 4), ("model", 2))
    assert sharding(bare, mesh, ("N", ("data",)), ("channels", ("model",))) == sharding(SHARDED, ())
    both = sharding(SHARDED, (), ("N", ("data", "model")), ("channels", ("_",)))
    assert both.inputs[0][0] == ("data", "model") and both.channels == {}  # type: ignore[attr-defined]


def test_a_mesh_axis_that_two_dimensions_share_is_told_at_the_input() -> None:
    text = SHARDED.replace("[N, 3, 8, 8]", "[N, 3, H, 8]").replace("{N: 12}", "{N: 12, H: 8}")
    text = text.replace("dims: {N: data}", "dims: {N: data, H: data}")
    (found,) = check_text(text, "net").errors
    assert (found.code, found.span.start.line) == ("SC902", 6)
    bare = SHARDED.replace("[N, 3, 8, 8]", "[N, 3, H, 8]").replace("{N: 12}", "{N: 12, H: 8}")
    (told,) = check_text(bare, "net", prepare=lambda file: override(file, (), [("H", ("data",))])).errors
    assert (told.code, told.layer, told.span.start.line) == ("SC902", "image", 2)


def test_sizes_that_change_keep_the_split() -> None:
    network = shapecheck.loads(SHARDED)
    assert network.resized is not None
    assert network.resized({"N": 20}).sharding == network.sharding
