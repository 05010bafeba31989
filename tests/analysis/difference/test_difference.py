"""What changed between two networks: nothing where nothing did, what was planted, the reverse the other way round."""

from __future__ import annotations

import random
import re

import networkx
import pytest
from amounts import examples
from hypothesis import given
from hypothesis import strategies as st
from random_networks import network
from texts import check_text

import shapecheck
from shapecheck.analysis.difference.changes import ComparedNetwork, Difference, compare
from shapecheck.analysis.difference.matching import match
from shapecheck.analysis.difference.sequence import aligned

SEEDS = st.integers(0, 2**32)
HEAD = "shapecheck: 1\ninputs: {x: [1, 4, H]}\ndims: {H: 64}\nlayers:\n"


def side(text: str) -> ComparedNetwork:
    return ComparedNetwork(shapecheck.propagate(shapecheck.loads(text)))


def difference(old: str, new: str) -> Difference:
    return compare(side(old), side(new))


def names(d: Difference) -> dict[str, object]:
    return {
        "added": {n.name for n in d.added},
        "removed": {n.name for n in d.removed},
        "renamed": {(old.name, new.name) for old, new in d.renamed},
        "changed": {c.new.name: {k.key: (k.old, k.new) for k in (*c.keys, *c.moved)} for c in d.changed},
    }


NOTHING = {"added": set(), "removed": set(), "renamed": set(), "changed": {}}


@given(SEEDS)
def test_a_network_does_not_differ_from_itself(seed: int) -> None:
    text = network(random.Random(seed))
    d = difference(text, text)
    assert names(d) == NOTHING
    assert not (d.shapes or d.costs or d.promises or d.found or d.gone)
    # Not all of a random network is known: then it is not said that nothing changed.
    shapes = shapecheck.propagate(shapecheck.loads(text))
    known = all(shapes[name].output is not None for name in shapes)
    decided = all(s.status == "exact" for s in shapecheck.sizes(shapecheck.loads(text)).values())
    assert d.same is (True if known and decided else None)
    assert (not d.unknown) == known


@examples(40)
@given(SEEDS, SEEDS)
def test_the_other_way_round_is_the_reverse(seed: int, other: int) -> None:
    texts = [network(random.Random(n)) for n in (seed, other)]
    one, back = difference(*texts), difference(*reversed(texts))
    assert {n.name for n in one.added} == {n.name for n in back.removed}
    assert {n.name for n in one.removed} == {n.name for n in back.added}
    assert {(a.name, b.name) for a, b in one.renamed} == {(b.name, a.name) for a, b in back.renamed}
    turned = {c.new.name: {k.key: (k.new, k.old) for k in (*c.keys, *c.moved)} for c in back.changed}
    there = {c.old.name: {k.key: (k.old, k.new) for k in (*c.keys, *c.moved)} for c in one.changed}
    assert there == turned
    assert {(c.old.name, c.before, c.after) for c in one.shapes} == {
        (c.new.name, c.after, c.before) for c in back.shapes
    }
    for name, total in one.totals.items():
        mirrored = back.totals[name]
        assert (total.old, total.new, total.unknown) == (mirrored.new, mirrored.old, mirrored.unknown[::-1])
    assert {s.name: (s.lost, s.gained) for s in one.sizes} == {s.name: (s.gained, s.lost) for s in back.sizes}


@given(SEEDS, st.randoms(use_true_random=False))
def test_what_was_planted_is_found_and_nothing_else(seed: int, rng: random.Random) -> None:
    old = network(random.Random(seed))
    given_names = re.findall(r"name: ([lmqj]\d+)", old)
    renamed, changed = rng.choice(given_names), rng.choice(given_names)
    new = re.sub(rf"\b{renamed}\b", "other", old) if renamed != changed else old
    expected = {**NOTHING, "renamed": {(renamed, "other")} if renamed != changed else set()}
    line = next(line for line in new.splitlines() if f"name: {changed}," in line)
    found = re.search(r"(dilation|output_padding|out_channels): (\d+)", line)
    if found is not None and "op: max_pool" not in line:
        more = int(found[2]) + 1
        new = new.replace(line, line.replace(found[0], f"{found[1]}: {more}"))
        expected["changed"] = {changed: {found[1]: (int(found[2]), more)}}
    new += "  - {name: last, op: gelu, from: x}\n"
    expected["added"] = {"last"}
    d = difference(old, new)
    assert names(d) == expected
    assert names(difference(new, old))["removed"] == {"last"}


@examples(40)
@given(SEEDS, st.sampled_from([63, 65, 80]))
def test_shapes_that_changed_are_those_that_differ_and_begin_upstream(seed: int, size: int) -> None:
    old = network(random.Random(seed))
    new = old.replace("dims: {H: 64}", f"dims: {{H: {size}}}").replace("kernel_size: 3", "kernel_size: 4", 1)
    d = difference(old, new)
    before, after = d.old.shapes, d.new.shapes
    differing = {name for name in before if before[name].output != after[name].output}
    assert {c.new.name for c in d.shapes} == differing
    assert {n.name for n in d.unknown} == {n for n in before if before[n].output is None and after[n].output is None}
    graph = networkx.DiGraph()
    nodes = after.network.nodes
    graph.add_nodes_from(node.name for node in nodes)
    graph.add_edges_from((nodes[i].name, n.name) for n in nodes for i in (*n.inputs, *n.references.values()))
    touched = {c.new.name for c in d.changed} | {"x"}
    for change in d.shapes:
        cause = change.cause.name
        assert cause in touched
        assert cause == change.new.name or cause in networkx.ancestors(graph, change.new.name)


@examples(40)
@given(SEEDS)
def test_sizes_lost_and_gained_are_so(seed: int) -> None:
    old = network(random.Random(seed))
    new = old.replace("stride: 2", "stride: 3", 1).replace("kernel_size: 3", "kernel_size: 5", 1)
    d = difference(old, new)
    (change,) = d.sizes
    assert change.old is not None and change.new is not None

    def works(text: str, n: int) -> bool:
        return not shapecheck.propagate(shapecheck.loads(text, H=n)).troubles

    if change.lost is not None:
        assert works(old, change.lost) and not works(new, change.lost)
    if change.gained is not None:
        assert works(new, change.gained) and not works(old, change.gained)
    if change.status == "same":
        assert all(works(old, n) == works(new, n) for n in (*range(1, 40), 64, 97, 120, 255, 256))
    assert (change.status == "not_decided") <= bool(change.reasons)


OPS = ["conv, out_channels: 4, kernel_size: 3", "conv, out_channels: 4, kernel_size: 1", "relu", "batch_norm", "gelu"]


@given(st.lists(st.sampled_from(OPS), min_size=1, max_size=12), st.integers(0, 12), st.sampled_from([*OPS, "elu"]))
def test_layers_without_names_keep_who_they_are_when_one_is_put_in(ops: list[str], at: int, more: str) -> None:
    old = [f"  - {{op: {op}}}\n" for op in ops]
    at = min(at, len(ops))
    new = [*old[:at], f"  - {{op: {more}}}\n", *old[at:]]
    d = difference(HEAD + "".join(old), HEAD + "".join(new))
    assert [n.op for n in d.added] == [more.partition(",")[0]]
    assert d.removed == []
    # All that changes besides is who reads the new layer.
    assert all(not c.keys and [m.key for m in c.moved] == ["from"] for c in d.changed)
    assert len(d.changed) <= 1


BLOCKS = "blocks:\n  pair:\n    params: {k: 3}\n    layers:\n      - {op: conv, out_channels: 4, kernel_size: =k}\n"
BLOCKS += "      - {op: relu}\n"


def placed(*lines: str) -> str:
    return HEAD.replace("layers:\n", BLOCKS + "layers:\n") + "".join(f"  - {line}\n" for line in lines)


def test_a_block_that_is_put_in_first_is_the_one_that_is_new() -> None:
    block = "{block: pair, with: {k: %d}}"
    d = difference(placed(block % 3, block % 5), placed(block % 7, block % 3, block % 5))
    assert {n.name for n in d.added} == {"pair_1.conv_1", "pair_1.relu_1"}
    assert ("pair_1.conv_1", "pair_2.conv_1") in names(d)["renamed"]  # type: ignore[operator]
    assert names(d)["changed"] == {"pair_2.conv_1": {"from": (["x"], ["pair_1.relu_1"])}}


def test_a_renamed_block_is_the_same_block() -> None:
    d = difference(placed("{name: down, block: pair}"), placed("{name: encode, block: pair}"))
    assert names(d) == {
        **NOTHING,
        "renamed": {("down.conv_1", "encode.conv_1"), ("down.relu_1", "encode.relu_1")},
    }


def test_a_layer_of_another_op_in_the_same_place() -> None:
    old = HEAD + "  - {op: conv, out_channels: 4, kernel_size: 3}\n  - {op: relu}\n  - {name: last, op: batch_norm}\n"
    d = difference(old, old.replace("op: relu", "op: gelu"))
    assert names(d) == {
        **NOTHING,
        "renamed": {("relu_1", "gelu_1")},
        "changed": {"gelu_1": {"op": ("relu", "gelu")}},
    }


def test_a_name_that_moved_to_another_layer() -> None:
    old = HEAD + "  - {name: a, op: conv, out_channels: 4, kernel_size: 3}\n  - {name: b, op: relu}\n"
    new = HEAD + "  - {name: b, op: conv, out_channels: 4, kernel_size: 3}\n  - {name: a, op: relu}\n"
    assert names(difference(old, new)) == {**NOTHING, "renamed": {("a", "b"), ("b", "a")}}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("kernel_size: 3", "kernel_size: [3]", True),
        ("kernel_size: 3, padding: 1", "kernel_size: 3, padding: [[1, 1]]", True),
        ("kernel_size: 3, padding: [[1, 2]]", "kernel_size: 3, padding: [[2, 1]]", False),
        ("kernel_size: 3", "kernel_size: 3, bias: false", False),
        ("kernel_size: 3", "kernel_size: 3, stride: 1", True),
    ],
)
def test_values_that_mean_the_same(one: str, other: str, alike: bool) -> None:
    texts = [f"{HEAD}  - {{name: c, op: conv, out_channels: 4, {keys}}}\n" for keys in (one, other)]
    assert (difference(*texts).changed == []) is alike


def test_a_pair_for_all_axes_is_not_one_number_for_each() -> None:
    head = HEAD.replace("[1, 4, H]", "[1, 4, H, 64]")
    texts = [
        f"{head}  - {{op: conv, out_channels: 4, kernel_size: 3, padding: {p}}}\n"
        for p in ("[1, 2]", "[[1, 2], [1, 2]]")
    ]
    assert difference(*texts).changed != []


def test_what_is_not_known_on_either_side_is_not_called_unchanged() -> None:
    text = HEAD + "  - {name: big, op: conv, out_channels: 4, kernel_size: 99}\n  - {name: behind, op: relu}\n"
    d = difference(text, text)
    assert d.same is None
    assert [n.name for n in d.unknown] == ["big", "behind"]
    assert d.totals["parameters"].differs is None and d.totals["parameters"].change is None
    assert [o.shape_differs for o in d.outputs] == [None]
    mended = difference(text, text.replace("99", "9"))
    assert [(c.new.name, c.before, c.cause.name) for c in mended.shapes] == [
        ("big", None, "big"),
        ("behind", None, "big"),
    ]
    assert mended.unknown == []


def test_a_key_that_does_not_matter_is_no_cause() -> None:
    old = HEAD + (
        "  - {name: c, op: conv, out_channels: 4, kernel_size: 3}\n"
        "  - {name: d, op: conv, out_channels: 4, kernel_size: 3}\n"
    )
    new = old.replace("kernel_size: 3}", "kernel_size: 5}", 1).replace("3}", "3, bias: false}")
    d = difference(old, new)
    assert [(c.new.name, c.cause.name) for c in d.shapes] == [("c", "c"), ("d", "c")]
    # And one that does is, though the input changed as well.
    d = difference(old, new.replace("3, bias: false", "3, stride: 2"))
    assert [(c.new.name, c.cause.name) for c in d.shapes] == [("c", "c"), ("d", "d")]


def test_a_new_layer_that_changes_the_size_is_the_cause() -> None:
    old = HEAD + "  - {name: a, op: relu}\n  - {name: b, op: gelu}\n"
    new = HEAD + "  - {name: a, op: relu}\n  - {name: p, op: max_pool, kernel_size: 2}\n  - {name: b, op: gelu}\n"
    d = difference(old, new)
    assert [(c.new.name, c.cause.name) for c in d.shapes] == [("b", "p")]


def test_findings_that_only_moved_are_the_same() -> None:
    text = HEAD + "  - {name: c, op: conv, out_channels: 4, kernel_size: 3, stride: 5}\n"
    wrong = text + "  - {name: d, op: conv, out_channels: 4, kernel_size: 99}\n"
    reports = [check_text(t, "a") for t in (wrong, "# a comment\n" + wrong.replace("name: d", "name: e"), text)]
    sides = [ComparedNetwork(r.shapes, r.diagnostics) for r in reports if r.shapes is not None]
    moved = compare(sides[0], sides[1])
    assert (moved.found, moved.gone) == ([], [])
    mended = compare(sides[0], sides[2])
    assert "SC201" in {d.code for d in mended.gone} or mended.gone
    assert {d.layer for d in mended.gone if d.layer} == {"d"}


def test_symbolic_sizes_that_differ_somewhere_differ() -> None:
    open_head = HEAD.replace("dims: {H: 64}\n", "")
    old = open_head + "  - {name: c, op: conv, out_channels: 4, kernel_size: 3, padding: 1}\n"
    d = difference(old, old.replace("kernel_size: 3, padding: 1", "kernel_size: 2, stride: 2"))
    assert [c.new.name for c in d.shapes] == ["c"]
    assert d.totals["multiply_adds"].differs is True


@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9))
def test_an_alignment_is_a_longest_one(old: list[int], new: list[int]) -> None:
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, one in enumerate(old):
        for j, other in enumerate(new):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    pairs = aligned(old, new)
    assert pairs is not None and len(pairs) == table[-1][-1]
    assert all(old[i] == new[j] for i, j in pairs)
    assert pairs == sorted(set(pairs)) and [j for _, j in pairs] == sorted({j for _, j in pairs})


def test_sequences_with_nothing_in_common_are_given_up() -> None:
    assert aligned(range(5_000), range(5_000, 10_000)) is None


def chain(count: int, kernel: int) -> str:
    lines = [f"  - {{op: conv, out_channels: 4, kernel_size: {kernel}, padding: same}}\n  - {{op: relu}}\n"] * count
    return HEAD + "".join(lines)


def test_large_networks_that_differ_everywhere_are_matched_by_order() -> None:
    old, new = (shapecheck.loads(chain(1_500, kernel)) for kernel in (3, 5))
    found = match(old, new)
    assert found.to_new == {n: n for n in range(3_001)}
