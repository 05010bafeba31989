"""Collectives read from stored pieces of HLO, of several versions of XLA and with and without starts and dones."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapecheck.output.mesh_text import collective_row
from shapecheck.verification.reference.multi_device.hlo_collectives import Transfer, axes_of, transfers
from shapecheck.verification.reference.multi_device.layer_collectives import exchanges, reduced

HEADER = "HloModule jit_f, is_scheduled=true\n\nENTRY %main (param: f32[8]) -> f32[8] {\n"
MESH = {"data": 4, "model": 2}


def read(*lines: str, devices: int = 8) -> list[Transfer]:
    return transfers(HEADER + "\n".join(f"  {line}" for line in lines) + "\n}\n", devices)


def test_an_all_reduce_of_one_array() -> None:
    (one,) = read(
        "%all-reduce.4 = f32[16,3,3,3]{3,2,1,0} all-reduce(%fusion.4), channel_id=13, "
        "replica_groups=mesh['axis_0'=4,'axis_1'=2] {'axis_0'}, use_global_device_ids=true, to_apply=%add.clone, "
        'metadata={op_name="jit(loss)/transpose(jvp(n1))/conv_general_dilated" stack_frame_id=3}'
    )
    assert (one.kind, one.bytes, one.times) == ("all-reduce", 16 * 27 * 4, 1)
    assert one.groups == ((0, 2, 4, 6), (1, 3, 5, 7))
    assert axes_of(one.groups, MESH) == ("data",)


def test_arrays_that_were_combined_keep_their_own_names() -> None:
    found = read(
        "%all-reduce.6 = (f32[], f32[16]{0}, /*index=2*/bf16[16,3]{1,0:T(8,128)}) all-reduce(%a, %b, %c), channel_id=4,"
        " replica_groups=[4,2]<=[8], to_apply=%sum, "
        'metadata={op_name="jit(loss)/(jvp()/reduce_sum:transpose(jvp(n1))/reduce_sum)"}',
        '%get-tuple-element.4 = f32[] get-tuple-element(%all-reduce.6), index=0, metadata={op_name="jit(l)/sum"}',
        "%get-tuple-element.5 = f32[16]{0} get-tuple-element(%all-reduce.6), index=1, "
        'metadata={op_name="jit(loss)/transpose(jvp(n1))/reduce_sum"}',
        "%get-tuple-element.6 = bf16[16,3]{1,0} get-tuple-element((f32[], f32[16]{0}, bf16[16,3]{1,0}) %all-reduce.6), "
        'index=2, metadata={op_name="jit(loss)/transpose(jvp(n2))/dot_general"}',
    )
    assert [one.bytes for one in found] == [4, 64, 96]
    assert {one.instruction for one in found} == {"all-reduce.6"}
    layers = {exchange.layer: exchange for exchange in exchanges(found, MESH, {1: "conv", 2: "dense"})}
    assert {name: (one.step, one.number, one.bytes) for name, one in layers.items()} == {
        None: ("forward", 1, 4),
        "conv": ("backward", 1, 64),
        "dense": ("backward", 1, 96),
    }
    assert {one.axes for one in layers.values()} == {("model",)}
    assert reduced(layers.values()) == {("conv", "model"), ("dense", "model")}


STARTED = [
    (
        "%all-gather-start = (f32[2,8]{1,0}, f32[16,8]{1,0}) all-gather-start(%p), replica_groups=[1,8]<=[8],"
        " dimensions={0}",
        "%all-gather-done = f32[16,8]{1,0} all-gather-done(%all-gather-start)",
        "all-gather",
        512,
    ),
    (
        "%s = ((f32[2]{0}, f32[4]{0}), (f32[16]{0}, f32[32]{0})) all-gather-start(%p, %q), replica_groups={},"
        " dimensions={0}",
        "%d = (f32[16]{0}, f32[32]{0}) all-gather-done(%s)",
        "all-gather",
        64 + 128,
    ),
    (
        "%all-reduce-start = (f32[4]{0}, f32[6]{0}) all-reduce-start(%p, %q), replica_groups={{0,1,2,3,4,5,6,7}}",
        "%all-reduce-done = (f32[4]{0}, f32[6]{0}) all-reduce-done(%all-reduce-start)",
        "all-reduce",
        40,
    ),
    (
        "%collective-permute-start = (f32[2,3]{1,0}, f32[2,3]{1,0}, u32[], u32[]) collective-permute-start(%p),"
        " source_target_pairs={{0,1},{1,0}}",
        "%collective-permute-done = f32[2,3]{1,0} collective-permute-done(%collective-permute-start)",
        "collective-permute",
        24,
    ),
    (
        "%reduce-scatter-start = ((f32[16]{0}), f32[2]{0}) reduce-scatter-start(%p), replica_groups=[1,8]<=[8]",
        "%reduce-scatter-done = f32[2]{0} reduce-scatter-done(%reduce-scatter-start)",
        "reduce-scatter",
        64,
    ),
]


@pytest.mark.parametrize(("start", "done", "kind", "size"), STARTED, ids=[f"{s[2]}-{s[3]}" for s in STARTED])
def test_a_start_and_its_done_count_once(start: str, done: str, kind: str, size: int) -> None:
    found = read(start, done)
    assert {one.kind for one in found} == {kind}
    assert len({one.instruction for one in found}) == 1
    assert sum(one.bytes for one in found) == size


def test_bytes_are_the_larger_side() -> None:
    (scattered,) = read("%r = f32[2,4]{1,0} reduce-scatter(%p), replica_groups={{0,1},{2,3}}, dimensions={0}")
    assert scattered.bytes == 2 * 4 * 4 * 2
    found = read("%a = (s8[3]{0}, s8[3]{0}) all-to-all(%p, %q), replica_groups={{0,1},{2,3}}")
    assert sum(one.bytes for one in found) == 6


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ("pred[5]{0}", 5),
        ("bf16[3,5]{1,0}", 30),
        ("f8e4m3fn[7]{0}", 7),
        ("u4[5]{0:E(4)}", 3),
        ("c128[2]{0}", 32),
        ("f64[]", 8),
        ("s32[<=6]{0}", 24),
    ],
)
def test_bytes_of_every_kind_of_element(shape: str, size: int) -> None:
    (one,) = read(f"%x = {shape} all-reduce(%p), replica_groups={{}}")
    assert one.bytes == size


def test_an_element_that_is_not_known_is_no_zero() -> None:
    with pytest.raises(ValueError, match="mystery"):
        read("%x = mystery[2]{0} all-reduce(%p), replica_groups={}")


@pytest.mark.parametrize(
    ("groups", "axes"),
    [
        ("replica_groups={{0,1},{2,3},{4,5},{6,7}}", ("model",)),
        ("replica_groups={{0,2,4,6},{1,3,5,7}}", ("data",)),
        ("replica_groups={}", ("data", "model")),
        ("replica_groups=[1,8]<=[8]", ("data", "model")),
        ("replica_groups=[4,2]<=[8]", ("model",)),
        ("replica_groups=[2,4]<=[4,2]T(1,0)", ("data",)),
        ("replica_groups=mesh['axis_0'=4,'axis_1'=2,'axis_2'=1] {'axis_1'}", ("model",)),
        ("replica_groups=mesh['a'=4,'b'=2] {'a','b'}", ("data", "model")),
        ("replica_groups=mesh['a'=8] {'a':(1)4}", ("data",)),
        ("replica_groups=mesh['a'=8] {'a':(4)2}", ("model",)),
        ("source_target_pairs={{0,2},{2,4}}", ("data",)),
        ("replica_groups=mesh['a'=4,'b'=2], device_ids=([8]T(0)) {'a'}", None),
        ("channel_id=1", None),
    ],
)
def test_groups_of_devices_in_every_way_of_writing_them(groups: str, axes: tuple[str, ...] | None) -> None:
    (one,) = read(f"%x = f32[2]{{0}} all-reduce(%p), {groups}, use_global_device_ids=true")
    assert axes_of(one.groups, MESH) == axes


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_groups_along_some_axes_of_any_mesh(sizes: list[int], data: st.DataObject) -> None:
    """The oracle walks over all devices; the three ways of writing the same groups agree with it."""
    names = [f"m{at}" for at in range(len(sizes))]
    chosen = data.draw(st.lists(st.sampled_from(range(len(sizes))), unique=True, min_size=1).map(sorted))
    places = list(itertools.product(*(range(size) for size in sizes)))
    buckets: dict[tuple[int, ...], list[int]] = {}
    for device, place in enumerate(places):
        buckets.setdefault(tuple(p for at, p in enumerate(place) if at not in chosen), []).append(device)
    expected = tuple(tuple(group) for group in buckets.values())
    listed = ",".join("{" + ",".join(map(str, group)) + "}" for group in expected)
    rest = [at for at in range(len(sizes)) if at not in chosen]
    length = math.prod(sizes[at] for at in chosen)
    turned = ",".join(str(at) for at in (*rest, *chosen))
    iota = f"[{len(places) // length},{length}]<=[{','.join(map(str, sizes))}]T({turned})"
    axes = ",".join(f"'{name}'={size}" for name, size in zip(names, sizes, strict=True))
    meshed = f"mesh[{axes}] {{{','.join(repr(names[at]) for at in chosen)}}}"
    for written in (f"{{{listed}}}", iota, meshed):
        (one,) = read(f"%x = f32[2]{{0}} all-reduce(%p), replica_groups={written}, to_apply=%s", devices=len(places))
        assert one.groups == expected, written
    found = axes_of(expected, dict(zip(names, sizes, strict=True)))
    assert found == tuple(names[at] for at in chosen if sizes[at] > 1)


LOOP = """HloModule m

%body (p: (s32[], f32[4])) -> (s32[], f32[4]) {
  %x = f32[4]{0} all-gather(%y), replica_groups=[1,8]<=[8], dimensions={0}, metadata={op_name="jit(f)/n3/while/body"}
}

%cond (p: (s32[], f32[4])) -> pred[] {
  %t = pred[] compare(%a, %b), direction=LT
}

ENTRY %main (p: f32[4]) -> f32[4] {
  %while = (s32[], f32[4]{0}) while(%tuple), condition=%cond, body=%body TURNS
  ROOT %r = f32[4]{0} all-reduce(%z), replica_groups={}, to_apply=%sum
}
"""


def test_what_stands_in_a_loop_counts_in_every_turn() -> None:
    text = LOOP.replace("TURNS", ', backend_config={"known_trip_count":{"n":"5"},"known_init_step":{"init":"0"}}')
    assert [(one.kind, one.times) for one in transfers(text, 8)] == [("all-gather", 5), ("all-reduce", 1)]
    (gathered, _) = exchanges(transfers(text, 8), MESH, {3: "c"})
    assert (gathered.layer, gathered.number, gathered.bytes, gathered.in_loop) == ("c", 5, 80, False)


def test_a_loop_of_unknown_length_is_named_as_such() -> None:
    found = transfers(LOOP.replace("TURNS", ""), 8)
    assert [one.times for one in found] == [None, 1]
    gathered = exchanges(found, MESH, {3: "c"})[0]
    assert gathered.in_loop
    assert collective_row(gathered)[4] == "1 or more"


def test_other_instructions_are_none() -> None:
    assert not read(
        "%all-reduce_fusion = f32[4]{0} fusion(%all-reduce.1), kind=kLoop, calls=%f",
        '%c = f32[4]{0} custom-call(%p), custom_call_target="all-reduce("',
        "%g = f32[4]{0} get-tuple-element(%all-gather-start), index=1",
    )


def test_a_scope_is_a_whole_word() -> None:
    moved = [Transfer("all-gather", "x", 4, None, 1, name) for name in ("jit(f)/conv1/n12", "jit(f)/xn3/n1x", "")]
    assert [one.layer for one in exchanges(moved, MESH, {1: "one", 3: "three", 12: "twelve"})] == ["twelve", None]
