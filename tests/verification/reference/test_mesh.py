"""Networks over several devices. The number of devices is fixed when JAX starts: each process here is a new one."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from amounts import examples
from hypothesis import given
from hypothesis import strategies as st
from own_process import python
from paths import EXAMPLES

import shapecheck
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.sharding import uneven
from shapecheck.graph.network import Sharding
from shapecheck.output.mesh_text import mesh_lines
from shapecheck.verification import Verification
from shapecheck.verification import mesh as mesh_proof
from shapecheck.verification.records.partition import LayerSplit, Partition, Refusal
from shapecheck.verification.reference.multi_device import partitioning
from shapecheck.verification.reference.multi_device.partitioning import partition

LENET = (EXAMPLES / "lenet5.net.yaml").read_text(encoding="utf-8").replace("dims: {N: 1}", "dims: {N: 64}")
LENET_PARAMETERS = 61_706  # counted by hand in the example


def network(sharding: str, *layers: str, shape: str = "[8, 3, 64, 64]", dims: str = "{}") -> str:
    listed = "\n".join(f"  - {layer}" for layer in layers)
    return f"shapecheck: 1\ninputs: {{image: {shape}}}\ndims: {dims}\nsharding: {sharding}\nlayers:\n{listed}\n"


ROWS = "{mesh: {rows: 4}, inputs: {image: [_, _, rows, _]}}"
CASES = {
    "data": LENET + "sharding: {mesh: {data: 8}, dims: {N: data}}\n",
    "both": LENET + "sharding: {mesh: {data: 4, model: 2}, dims: {N: data}, channels: model}\n",
    "except": LENET
    + "sharding: {mesh: {data: 2, model: 4}, dims: {N: data}, channels: model, layers: "
    + "{c1: {channels: _}, digits: {channels: _}, c3: {output: [data, model, _, _]}}}\n",
    "halo": network(ROWS, "{name: c, op: conv, out_channels: 8, kernel_size: 3, padding: 1, bias: false}"),
    "wide halo": network(ROWS, "{name: c, op: conv, out_channels: 8, kernel_size: [7, 1], padding: [3, 0]}"),
    "no halo": network(ROWS, "{name: c, op: conv, out_channels: 8, kernel_size: 1}"),
    "uneven": network(ROWS, "{name: c, op: conv, out_channels: 8, kernel_size: 3}", "{name: r, op: relu}"),
    "one axis left": network(
        "{mesh: {data: 2, spare: 4}, inputs: {image: [data, _, _, _]}}",
        "{name: c, op: conv, out_channels: 8, kernel_size: 3}",
    ),
    "grouped": network(
        "{mesh: {model: 4}, channels: model}",
        "{name: c, op: conv, out_channels: 8, kernel_size: 1}",
        "{name: up, op: conv_transpose, out_channels: 16, kernel_size: 2, stride: 2, groups: 4}",
        "{name: p, op: prelu}",
        "{name: q, op: prelu, num_parameters: 16}",
        "{name: n, op: group_norm, num_groups: 4}",
        "{name: d, op: linear, out_features: 12}",
        shape="[8, 4, 8, 8]",
    ),
    "refused": network(
        "{mesh: {data: 8, model: 1}, inputs: {image: [_, _, data, _]}, channels: data}",
        "{name: c, op: conv, out_channels: 12, kernel_size: 3}",
        "{name: n, op: batch_norm}",
        shape="[8, 3, 30, 64]",
    ),
    "indices": network("{mesh: {data: 8}, dims: {N: data}}", "{op: identity}", shape="[N, 3]", dims="{N: 8}").replace(
        "[N, 3]", "{shape: [N, 3], dtype: int32}"
    ),
}


@pytest.fixture(scope="module")
def found() -> Any:
    done = python(
        """
        import json, os
        import shapecheck
        from shapecheck.output.verification_json import mesh_json
        from shapecheck.verification.reference.multi_device.partitioning import partition, prepare_devices
        prepare_devices([8, 4, 4096])
        cases = json.loads(os.environ["CASES"])
        found = {name: partition(shapecheck.loads(text), "compile") for name, text in cases.items()}
        print(json.dumps({name: mesh_json(one) for name, one in found.items()}))
        """,
        CASES=json.dumps(CASES),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def passes(case: Any) -> dict[str, Any]:
    assert case["result"] == "proved", case
    return {one["pass"]: one for one in case["passes"]}


def test_data_parallel_training_reduces_every_gradient_once(found: Any) -> None:
    """The analytic oracle: all-reduces over the data axis move exactly the bytes of the parameters, and the loss."""
    forward, training = (passes(found["data"])[name] for name in ("forward", "training"))
    assert forward["exchanges"] == []
    assert {(e["kind"], tuple(e["axes"])) for e in training["exchanges"]} == {("all-reduce", ("data",))}
    by_layer = {e["layer"]: e["bytes"] for e in training["exchanges"] if e["step"] == "backward"}
    assert by_layer == {"c1": 156 * 4, "c3": 2_416 * 4, "c5": 48_120 * 4, "f6": 10_164 * 4, "digits": 850 * 4}
    assert sum(by_layer.values()) == LENET_PARAMETERS * 4
    (loss,) = (e for e in training["exchanges"] if e["layer"] is None)
    assert loss["bytes"] == 4


def test_data_parallel_work_and_memory_are_divided(found: Any) -> None:
    case = found["data"]
    forward = passes(case)["forward"]
    assert forward["speed_up"] == pytest.approx(8, rel=1e-3)
    image = 64 * 32 * 32 * 4
    assert forward["one_device"]["argument_bytes"] == LENET_PARAMETERS * 4 + image
    assert forward["each_device"]["argument_bytes"] == LENET_PARAMETERS * 4 + image // 8 == case["argument_bytes"]
    assert forward["each_device"]["output_bytes"] == 64 * 10 * 4 // 8
    assert all(layer["split"][0] == ["data"] for layer in case["layers"])
    assert not any(layer["repeated_over"] for layer in case["layers"])


def test_split_channels_are_gathered_where_the_next_layer_reads_all(found: Any) -> None:
    """Each all-gather brings together the map that the layer reads, of the 16 pictures that a device holds."""
    case = found["both"]
    forward, training = (passes(case)[name] for name in ("forward", "training"))
    gathered = {e["layer"]: e["bytes"] for e in forward["exchanges"]}
    assert {(e["kind"], tuple(e["axes"])) for e in forward["exchanges"]} == {("all-gather", ("model",))}
    read = {"c3": 6 * 14 * 14, "c5": 16 * 5 * 5, "f6": 120, "digits": 84}
    assert gathered == {name: 16 * size * 4 for name, size in read.items()}
    gradients = [e for e in training["exchanges"] if e["axes"] == ["data"] and e["step"] == "backward"]
    assert sum(e["bytes"] for e in gradients) == LENET_PARAMETERS * 4 // 2
    splits = {layer["layer"]: layer["split"] for layer in case["layers"]}
    assert splits["c1"] == [["data"], ["model"], [], []]
    assert splits["digits"] == [["data"], ["model"]]


def test_a_layer_can_be_left_whole_and_an_output_be_split(found: Any) -> None:
    case = found["except"]
    splits = {layer["layer"]: layer for layer in case["layers"]}
    assert splits["c1"]["split"] == [["data"], [], [], []]
    assert splits["c1"]["repeated_over"] == ["model"]
    assert splits["c3"]["split"] == [["data"], ["model"], [], []]
    whole = 156 + 850
    held = ((LENET_PARAMETERS - whole) // 4 + whole) * 4 + 32 * 32 * 32 * 4
    assert case["argument_bytes"] == held


@pytest.mark.parametrize(("name", "rows"), [("halo", 1), ("wide halo", 3)])
def test_rows_over_devices_exchange_the_halo_that_the_kernel_reads(found: Any, name: str, rows: int) -> None:
    """A kernel of 2r + 1 rows reads r rows of each neighbour: 8 pictures, 3 channels, 64 columns, twice."""
    (halo,) = passes(found[name])["forward"]["exchanges"]
    assert (halo["layer"], halo["kind"], halo["axes"]) == ("c", "collective-permute", ["rows"])
    assert halo["number"] == 2
    assert halo["bytes"] == 2 * rows * 8 * 3 * 64 * 4


def test_a_kernel_of_one_row_needs_no_halo(found: Any) -> None:
    assert passes(found["no halo"])["forward"]["exchanges"] == []


def test_an_inner_axis_that_does_not_divide_is_padded_and_xla_says_so(found: Any) -> None:
    text = CASES["uneven"]
    (warning,) = (d for d in shapecheck.check(shapecheck.loads(text)).diagnostics if d.rule.name == "uneven-shards")
    assert (warning.layer, warning.severity) == ("c", "warning")
    assert "62 % 4 = 2; in parts of 16, 2 of 64 are padding" in warning.message
    layers = {layer["layer"]: layer for layer in found["uneven"]["layers"]}
    assert found["uneven"]["result"] == "proved"
    assert layers["c"]["split"][2] == ["rows"] and layers["c"]["uneven_axes"] == [2]
    assert layers["r"]["uneven_axes"] == [2]


def test_work_that_is_done_more_than_once_is_named(found: Any) -> None:
    case = found["one axis left"]
    assert passes(case)["forward"]["speed_up"] == pytest.approx(2, rel=1e-2)
    (layer,) = case["layers"]
    assert layer["repeated_over"] == ["spare"]


def test_parameters_of_every_kind_are_split_by_their_output_channels(found: Any) -> None:
    case = found["grouped"]
    assert case["result"] == "proved", case
    kinds = {
        "c": (8 * 4 + 8),
        "up": (8 * 4 * 4 + 16),  # 8 input channels in 4 groups, each to 4 channels, 2 x 2 taps
        "q": 16,
        "n": 2 * 16,
        "d": 16 * 12 + 12,
    }
    one_slope = 1
    assert case["argument_bytes"] == (sum(kinds.values()) // 4 + one_slope + 8 * 4 * 8 * 8) * 4


def test_what_does_not_divide_is_refused_by_name(found: Any) -> None:
    case = found["refused"]
    assert case["result"] == "refuted" and case["passes"] == []
    assert [r["name"] for r in case["refused"]] == ["image", "c.kernel", "c.bias", "n.scale", "n.shift"]
    assert case["refused"][0]["reason"] == "array axis 2 is partitioned 8 times, but the dimension size is 30"


def test_without_a_number_to_differentiate_there_is_no_training_step(found: Any) -> None:
    assert list(passes(found["indices"])) == ["forward"]
    assert "no output is a floating-point number" in found["indices"]["note"]


def test_devices_cannot_be_made_once_jax_runs() -> None:
    done = python(
        """
        import jax, os
        jax.devices()
        import shapecheck
        found = shapecheck.verify(shapecheck.loads(os.environ["TEXT"]))
        print(found.result, found.mesh.result, found.mesh.level)
        print(found.mesh.reason)
        lowered = shapecheck.verify(shapecheck.loads(os.environ["TEXT"]), level="lower")
        print(lowered.result, lowered.mesh.result)
        """,
        TEXT=CASES["data"],
    )
    assert done.stderr == ""
    first, reason, lowered = done.stdout.splitlines()
    assert first == "not_checked not_checked lower"
    assert "JAX runs with 1 CPU device here, and more can only be made before its first use" in reason
    assert lowered == "proved proved"


def test_a_mesh_of_more_devices_than_can_be_made_is_lowered() -> None:
    """4,096 devices, and an array of 4 TiB that no machine here could hold."""
    text = network(
        "{mesh: {data: 512, model: 8}, dims: {N: data}, channels: model}",
        "{name: c, op: conv, out_channels: 64, kernel_size: 3}",
        shape="[N, 3, 4096, 4096]",
        dims="{N: 16384}",
    )
    made = shapecheck.loads(text)
    found = partition(made, "compile")
    assert (found.result, found.level) == ("not_checked", "lower")
    assert found.reason is not None and "the mesh has 4,096 devices, and at most 512 virtual ones" in found.reason
    assert found.argument == (64 * 27 + 64) // 8 * 4 + 16384 // 512 * 3 * 4096 * 4096 * 4
    assert partition(made, "lower").result == "proved"
    assert partition(made, "trace").result == "proved"


def test_a_network_without_a_size_is_not_split() -> None:
    made = shapecheck.loads(network("{mesh: {data: 8}, dims: {N: data}}", "{op: relu}", shape="[N, 3]"))
    found = shapecheck.verify(made, level="trace")
    assert found.result == "not_checked"
    assert found.mesh is not None and found.mesh.reason is not None
    assert found.mesh.reason.startswith("N has no size to be split")


PROVED = Verification("compile", "cpu", "proved", 1, (), (), {}, 0.0)


@pytest.mark.parametrize(
    ("size", "refusals", "reason"),
    [
        (8, (Refusal("image", "image", "no"),), "the rule says that its parts divide, JAX refuses to split it"),
        (9, (), "the rule says that its parts do not divide, JAX splits it"),
    ],
)
def test_neither_witness_can_hide_the_others_mistake(
    size: int, refusals: tuple[Refusal, ...], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = network("{mesh: {data: 8}, inputs: {image: [data, _]}}", "{op: relu}", shape=f"[{size}, 3]")
    planted = Partition({"data": 8}, "compile", "refuted" if refusals else "proved", None, refusals=refusals)
    monkeypatch.setattr(mesh_proof, "partition", lambda *_: planted)
    found = mesh_proof.add_mesh(propagate(shapecheck.loads(text)), PROVED)
    assert found.result == "refuted"
    assert [(d.layer, d.reason) for d in found.disagreements] == [("image", reason)]


def test_a_layer_that_xla_gathered_instead_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = tuple(LayerSplit(name, (8, 8, 62, 62), ((), (), ("rows",), ()), uneven, ()) for name, uneven in PADDED)
    planted = Partition({"rows": 4}, "compile", "proved", None, splits=splits)
    monkeypatch.setattr(mesh_proof, "partition", lambda *_: planted)
    found = mesh_proof.add_mesh(propagate(shapecheck.loads(CASES["uneven"])), PROVED)
    assert found.result == "proved" and found.mesh is not None
    assert found.mesh.unpadded == ("r",)
    assert "split otherwise or gathered by XLA, where padding was expected: r" in "\n".join(mesh_lines(found.mesh))


PADDED = (("c", (2,)), ("r", ()))
SIZES = st.integers(1, 24)


@st.composite
def split_networks(draw: st.DrawFn) -> str:
    axes = {name: draw(st.integers(1, 6)) for name in ("a", "b", "c")}
    names = draw(st.permutations(["a", "b", "c", "_"]))
    shape = [draw(SIZES), draw(SIZES), draw(st.integers(4, 24)), 4]
    layers = []
    channels = shape[1]
    for number in range(draw(st.integers(1, 4))):
        op = draw(st.sampled_from(["conv", "depthwise", "transpose", "grouped", "norm", "prelu", "relu"]))
        out = draw(SIZES)
        if op in ("depthwise", "grouped"):
            out = channels * draw(st.integers(1, 3)) if op == "depthwise" else channels
        text = {
            "conv": f"op: conv, out_channels: {out}, kernel_size: 1",
            "depthwise": f"op: conv, out_channels: {out}, kernel_size: 1, groups: depthwise",
            "transpose": f"op: conv_transpose, out_channels: {out}, kernel_size: 2, stride: 2",
            "grouped": f"op: conv_transpose, out_channels: {out}, kernel_size: 1, groups: depthwise",
            "norm": "op: batch_norm",
            "prelu": f"op: prelu, num_parameters: {draw(st.sampled_from([1, channels]))}",
            "relu": "op: relu",
        }[op]
        channels = channels if op in ("norm", "prelu", "relu") else out
        layers.append(f"{{name: l{number}, {text}}}")
    split = draw(st.sampled_from(["a", "b", "[a, b]", "_"]))
    mesh_text = ", ".join(f"{name}: {size}" for name, size in axes.items())
    spec = f"{{mesh: {{{mesh_text}}}, inputs: {{image: [{', '.join(names)}]}}, channels: {split}}}"
    return network(spec, *layers, shape=str(shape))


@examples(60)
@given(split_networks())
def test_the_rule_and_jax_refuse_the_same_arrays(text: str) -> None:
    made = shapecheck.loads(text)
    shapes = shapecheck.propagate(made)
    assert isinstance(made.sharding, Sharding)
    ours = {one.node.name for one in uneven(shapes, made.sharding, each=True) if one.of != "output"}
    theirs = partition(made, "trace")
    assert {refusal.layer for refusal in theirs.refusals} == ours
    assert theirs.result == ("refuted" if ours else "proved")
    told = {d.layer for d in shapecheck.check(made).diagnostics if d.rule.name == "uneven-sharding"}
    assert told <= ours and bool(told) == bool(ours)


def test_one_channel_of_a_norm_is_a_channel_and_one_slope_for_all_is_none() -> None:
    made = shapecheck.loads(
        network(
            "{mesh: {model: 2}, channels: model}",
            "{name: one, op: reduce, kind: mean, axes: 1, keep_dims: true}",
            "{name: norm, op: batch_norm}",
            "{name: slope, op: prelu}",
        )
    )
    assert made.sharding is not None
    ours = {found.node.name for found in uneven(shapecheck.propagate(made), made.sharding, each=True)}
    refusals = partition(made, "trace").refusals
    assert {refusal.name for refusal in refusals} == {"norm.scale", "norm.shift"}
    assert {refusal.layer for refusal in refusals} == {"norm"} <= ours


@pytest.mark.slow
def test_the_limit_is_one_that_can_be_compiled_for() -> None:
    assert math.log2(partitioning.MOST_DEVICES).is_integer()
    done = python(
        """
        import os, shapecheck
        from shapecheck.verification.reference.multi_device import partitioning
        partitioning.prepare_devices([partitioning.MOST_DEVICES])
        print(partitioning.partition(shapecheck.loads(os.environ["TEXT"]), "compile").result)
        """,
        TEXT=network(
            f"{{mesh: {{d: {partitioning.MOST_DEVICES}}}, dims: {{N: d}}}}",
            "{op: relu}",
            shape="[N, 3]",
            dims="{N: 1024}",
        ),
    )
    assert done.stdout == "proved\n", done.stderr
