"""What a network demands of the output_padding that it leaves open, against trying every assignment."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import every_assignment
import pytest
import random_decoders
from amounts import sampled
from every_assignment import Assignment, open_layers, works
from open_stacks import Stack

from shapecheck import api
from shapecheck.analysis.propagation import propagate
from shapecheck.analysis.transposed import solver as solving
from shapecheck.analysis.transposed.ambiguity import resolve
from shapecheck.analysis.transposed.demands import AxisSolution, solve
from shapecheck.analysis.transposed.relations import ambiguous_axes, axis_problem
from shapecheck.analysis.transposed.solver import AxisSolver
from shapecheck.graph.network import Network

BATCH = 100
MOST_ASSIGNMENTS = 256


def small(network: Network) -> dict[int, int] | None:
    """Return the open layers of a network if all assignments can be tried, and every layer has a size with a = 0."""
    choices = open_layers(network)
    shapes = propagate(network, forgiving=True)
    count = 1
    for number in choices.values():
        count *= number
    whole = all(
        shapes.outputs[node.index] is not None for node in network.layers if node.op in ("conv_transpose", "max_unpool")
    )
    return choices if choices and whole and count <= MOST_ASSIGNMENTS else None


def random_network(seed: int) -> Network:
    rng = random.Random(seed)
    return api.loads(random_decoders.network(rng, rng.randint(20, 60)))


def require_resolved(network: Network) -> Counter[str]:
    """Compare each verdict with the assignments under which no rule is broken."""
    seen: Counter[str] = Counter()
    truth = every_assignment.every(network)
    ambiguity = resolve(propagate(network))
    assert ambiguity is not None
    assert {verdict.node.index for verdict in ambiguity.layers} == set(truth.choices)
    if not truth.working:
        return Counter({"no solution": 1})
    chosen = {index: places[0] for index, places in ambiguity.chosen.items()}
    assert chosen in truth.working
    assert works(ambiguity.shapes)
    assert not ambiguity.out_of_reach
    for verdict in ambiguity.layers:
        (axis,) = verdict.axes
        values = truth.values(verdict.node.index)
        alone = truth.free(verdict.node.index)
        expected = "unique" if len(values) == 1 else "free" if alone else "several"
        assert (axis.status, axis.values) == (expected, values), verdict.node.name
        assert not verdict.blocked
        seen[expected] += 1
    return seen


@pytest.mark.parametrize("first", sampled(range(0, 1_500, BATCH)))
def test_the_verdict_is_that_of_every_assignment(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + BATCH):
        network = random_network(seed)
        if small(network) is not None:
            seen += require_resolved(network)
    assert seen["unique"] > 5 and seen["free"] > 1


def require_taken_in_order(network: Network, choices: dict[int, int]) -> Counter[str]:
    """Compare the answers with demands taken one after the other, whether or not all of them can be met."""
    problem = axis_problem(propagate(network, forgiving=True), 0, dict.fromkeys(choices, (0,)))
    varying = AxisSolver(problem).varying
    demands = every_assignment.moving(network, choices, problem.demands)
    truth = every_assignment.meet(network, choices, demands)
    solution = solve(problem)
    blocked = solution.blocked
    assert (blocked and (blocked.demand, blocked.distance)) == (truth.blocked and (truth.blocked, truth.distance))
    assert solution.chosen in truth.working
    stuck = set()
    if truth.blocked is not None:
        stuck = set(varying[truth.blocked.left]) | set(varying.get(truth.blocked.right or -1, ()))
        assert stuck
    seen: Counter[str] = Counter()
    for answer in solution.answers:
        values = tuple(sorted({assignment[answer.node] for assignment in truth.working}))
        alone = [{**solution.chosen, answer.node: a} for a in range(choices[answer.node])]
        expected = "unique" if len(values) == 1 else "free" if all(a in truth.working for a in alone) else "several"
        if answer.node in stuck:
            expected, values = "none", ()
        assert (answer.status, answer.values) == (expected, values), network.nodes[answer.node].name
        seen[expected] += 1
    return seen


@pytest.mark.parametrize("first", sampled(range(20_000, 20_700, BATCH)))
def test_demands_that_cannot_all_be_met_are_taken_in_order(first: int) -> None:
    """The first that cannot be met, by how much it is missed at best, and what the others ask for."""
    seen: Counter[str] = Counter()
    for seed in range(first, first + BATCH):
        network = random_network(seed)
        choices = small(network)
        if choices is not None:
            seen += require_taken_in_order(network, choices)
    assert seen["none"] > 5 and seen["unique"] > 5 and seen["free"] > 1


@pytest.mark.slow
def test_the_random_networks_are_of_every_kind() -> None:
    """Few demand one of several values; that there are some must not rest on chance alone."""
    seen: Counter[str] = Counter()
    for seed in range(1_500):
        network = random_network(seed)
        if small(network) is None:
            seen["left out"] += 1
        else:
            seen["open"] += 1
            seen["unpooled"] += any(n.op == "max_unpool" for n in network.layers)
            seen["paired"] += bool(network.symmetry)
            seen["joined"] += any(n.op == "concat" and n.layer.axis == 2 for n in network.layers)
            seen["pieces"] += any(n.op == "chunk" for n in network.layers)
    assert seen["left out"] < 200
    assert min(seen.values()) > 50, seen


def several(width: int, pools: int) -> str:
    lines = [f"shapecheck: 1\ninputs: {{x: [1, 2, {width}]}}\nlayers:"]
    lines += ["  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 4, stride: 4}"]
    lines += ["  - {op: max_pool, kernel_size: 2, ceil_mode: true}"] * pools
    return "\n".join(lines)


@pytest.mark.parametrize("pools", [1, 2, 3])
@pytest.mark.parametrize("wanted", range(1, 12))
def test_several_fit_where_rounding_hides_the_difference(pools: int, wanted: int) -> None:
    network = api.loads(f"{several(5, pools)}\noutputs: {{y: {{from: max_pool_{pools}, expect: [1, 2, {wanted}]}}}}\n")
    fitting = [a for a in range(4) if -(-(20 + a) // 2**pools) == wanted]
    ambiguity = resolve(propagate(network))
    assert ambiguity is not None
    (axis,) = ambiguity.layers[0].axes
    if fitting:
        status = "unique" if len(fitting) == 1 else "free" if len(fitting) == 4 else "several"
        assert (axis.status, list(axis.values)) == (status, fitting)
    elif len({-(-(20 + a) // 2**pools) for a in range(4)}) == 1:
        # Whatever a is, the mistake is another one.
        assert axis.status == "unclear" and not ambiguity.layers[0].blocked
    else:
        assert (axis.status, axis.values) == ("none", ())
        (blocked,) = ambiguity.layers[0].blocked
        sizes = [-(-(20 + a) // 2**pools) for a in range(4)]
        assert (blocked.needed, blocked.distance) == (wanted, min(abs(size - wanted) for size in sizes))
        assert (blocked.low, blocked.high) == (min(sizes), max(sizes))


# Encoder stacks of any geometry, and the decoder that mirrors them.


@pytest.mark.parametrize("demand", ["same", "numbers", "skips", "pair"])
@pytest.mark.parametrize("seed", sampled(range(40), 4))
def test_a_mirrored_decoder_wants_the_remainders_of_its_encoder(seed: int, demand: str) -> None:
    """a = (i + 2p − k) mod s on every axis of every level, k dilated: Relationship 14 backwards."""
    rng = random.Random(f"{seed} {demand}")
    stack = Stack(rng, rng.randint(1, 5))
    network = api.loads(stack.text(rng, demand))
    ambiguity = resolve(propagate(network))
    if ambiguity is None:
        assert all(s == (1, 1) or "same" in keys for s, keys in zip(stack.strides, stack.levels, strict=True))
        return
    assert works(ambiguity.shapes) and not ambiguity.out_of_reach
    found = {(v.node.name, axis.place): (axis.status, axis.values) for v in ambiguity.layers for axis in v.axes}
    expected = {
        (f"d{n}", j): ("unique", (a[j],))
        for n, a in enumerate(stack.a)
        for j in (0, 1)
        if stack.strides[n][j] > 1 and "same" not in stack.levels[n]
    }
    assert found == expected
    for n, size in enumerate(stack.sizes[:-1]):
        shape = ambiguity.shapes[f"d{n}"].output
        assert shape is not None and shape[2:] == size


@pytest.mark.parametrize("depth", [4, 16, 64])
@pytest.mark.parametrize("s", [2, 4])
def test_no_product_is_enumerated(depth: int, s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four layers of four sizes each have 2 to the power of 128 assignments."""
    searches = 0
    search = AxisSolver.search

    def counting(self: AxisSolver, *arguments: object) -> object:
        nonlocal searches
        searches += 1
        return search(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(AxisSolver, "search", counting)
    rng = random.Random(depth)
    size = 3
    a = [rng.randrange(s) for _ in range(depth)]
    for value in a:
        size = s * (size - 1) + value + s
    lines = [f"shapecheck: 1\ninputs: {{x: [1, 1, 3], y: [1, 1, {size}]}}\nlayers:"]
    for n in range(depth):
        above = f"d{n - 1}" if n else "x"
        lines.append(
            f"  - {{name: d{n}, op: conv_transpose, from: {above}, out_channels: 1, kernel_size: {s}, stride: {s}}}"
        )
    lines.append(f"  - {{op: concat, from: [d{depth - 1}, y]}}")
    ambiguity = resolve(propagate(api.loads("\n".join(lines) + "\n")))
    assert ambiguity is not None
    assert [v.axes[0].values for v in ambiguity.layers] == [(value,) for value in a]
    assert searches <= 4


def test_what_was_not_decided_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no tries at all, an answer is still right or says that it is none."""
    monkeypatch.setattr(solving, "BUDGET", 0)
    seen: Counter[str] = Counter()
    for seed in range(300):
        network = random_network(seed)
        choices = small(network)
        if choices is None:
            continue
        truth = every_assignment.every(network)
        ambiguity = resolve(propagate(network))
        assert ambiguity is not None
        for verdict in ambiguity.layers:
            (axis,) = verdict.axes
            seen[axis.status] += 1
            if not truth.working:
                continue
            values = set(truth.values(verdict.node.index))
            if axis.status == "unique":
                assert set(axis.values) == values
            elif axis.status == "several":
                assert set(axis.values) <= values
            elif axis.status == "none":
                raise AssertionError(f"seed {seed}: {verdict.node.name} has a solution")
    assert seen["undecided"] > 5 and seen["unique"] > 50


# What is not one chain of rising functions.


def solution_of(text: str) -> tuple[AxisSolution, Network]:
    network = api.loads(text)
    shapes = propagate(network, forgiving=True)
    open_axes = {node.index: axes for node in network.layers if (axes := ambiguous_axes(shapes, node))}
    return solve(axis_problem(shapes, 0, open_axes)), network


def answers(text: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    solution, network = solution_of(text)
    return {network.nodes[a.node].name: (a.status, a.values) for a in solution.answers}


HEAD = "shapecheck: 1\ninputs: {x: [1, 2, 8], y: [1, 2, 5]}\nlayers:\n"


@pytest.mark.parametrize(("wanted", "a"), [(21, 0), (22, 1), (23, 2), (24, 3)])
def test_sizes_that_are_joined_along_the_axis_add_up(wanted: int, a: int) -> None:
    text = HEAD + (
        "  - {name: d, op: conv_transpose, from: y, out_channels: 2, kernel_size: 1, stride: 4, padding: 0}\n"
        "  - {name: r, op: relu}\n"
        "  - {name: j, op: concat, from: [r, relu_1], axis: 2}\n"
        "  - {op: relu, from: d}\n"
        f"outputs: {{z: {{from: j, expect: [1, 2, {2 * (17 + a)}]}}}}\n"
    )
    assert answers(text) == {"d": ("unique", (a,))}
    one = text.replace("[r, relu_1]", "[r, y]").replace(str(2 * (17 + a)), str(17 + a + 5))
    assert answers(one) == {"d": ("unique", (a,))} and wanted == 21 + a


def test_two_that_are_joined_share_what_is_asked_for() -> None:
    text = HEAD + (
        "  - {name: d, op: conv_transpose, from: y, out_channels: 2, kernel_size: 1, stride: 3}\n"
        "  - {name: e, op: conv_transpose, from: y, out_channels: 2, kernel_size: 1, stride: 3}\n"
        "  - {name: j, op: concat, from: [d, e], axis: 2}\n"
        "outputs: {z: {from: j, expect: [1, 2, WANTED]}}\n"
    )
    expected = {
        26: {"d": ("unique", (0,)), "e": ("unique", (0,))},
        27: {"d": ("several", (0, 1)), "e": ("several", (0, 1))},
        28: {"d": ("several", (0, 1, 2)), "e": ("several", (0, 1, 2))},
        30: {"d": ("unique", (2,)), "e": ("unique", (2,))},
        31: {"d": ("none", ()), "e": ("none", ())},
    }
    for wanted, found in expected.items():
        assert answers(text.replace("WANTED", str(wanted))) == found


def test_a_piece_that_shrinks_as_its_axis_grows() -> None:
    """The third of three pieces has 3 elements of 9, 2 of 10, 3 of 11 and 4 of 12: no bisection finds the 2."""
    text = HEAD.replace("x: [1, 2, 8]", "x: [1, 2, 3]") + (
        "  - {name: d, op: conv_transpose, from: x, out_channels: 2, kernel_size: 1, stride: 4}\n"
        "  - {name: c, op: chunk, axis: 2, chunks: 3, index: 2}\n"
        "outputs: {z: {from: c, expect: [1, 2, WANTED]}}\n"
    )
    assert answers(text.replace("WANTED", "2")) == {"d": ("unique", (1,))}
    assert answers(text.replace("WANTED", "3")) == {"d": ("several", (0, 2))}
    assert answers(text.replace("WANTED", "4")) == {"d": ("unique", (3,))}
    assert answers(text.replace("WANTED", "5")) == {"d": ("none", ())}


def test_a_slice_that_shrinks_as_its_axis_grows() -> None:
    text = HEAD.replace("x: [1, 2, 8]", "x: [1, 2, 2]") + (
        "  - {name: d, op: conv_transpose, from: x, out_channels: 2, kernel_size: 2, stride: 3}\n"
        "  - {name: c, op: slice, axis: 2, start: -4, stop: 5}\n"
        "outputs: {z: {from: c, expect: [1, 2, WANTED]}}\n"
    )
    assert answers(text.replace("WANTED", "4")) == {"d": ("unique", (0,))}
    assert answers(text.replace("WANTED", "3")) == {"d": ("unique", (1,))}
    assert answers(text.replace("WANTED", "2")) == {"d": ("unique", (2,))}


def test_a_layer_that_takes_only_some_sizes() -> None:
    text = HEAD + (
        "  - {name: d, op: conv_transpose, from: y, out_channels: 2, kernel_size: 1, stride: 4}\n"
        "  - {name: c, op: reshape, shape: [1, 2, 19]}\n"
    )
    ambiguity = resolve(propagate(api.loads(text)))
    assert ambiguity is not None and not ambiguity.shapes.troubles
    (axis,) = ambiguity.layers[0].axes
    assert (axis.status, axis.values) == ("unique", (2,))


@pytest.mark.parametrize(("h", "w"), list(itertools.product((16, 17), (18, 19))))
def test_axes_that_change_places(h: int, w: int) -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 8, 9]}\nlayers:\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 2, stride: 2}\n"
        "  - {name: p, op: permute, axes: [0, 1, 3, 2]}\n"
        f"outputs: {{z: {{from: p, expect: [1, 2, {w}, {h}]}}}}\n"
    )
    ambiguity = resolve(propagate(api.loads(text)))
    assert ambiguity is not None and not ambiguity.shapes.troubles and not ambiguity.out_of_reach
    assert ambiguity.chosen[1] == {0: h - 16, 1: w - 18}
    wrong = {axis.place: axis.values for axis in ambiguity.layers[0].axes if axis.status == "unique"}
    if (h, w) != (16, 18):
        assert wrong == {0: (h - 16,), 1: (w - 18,)}


def test_a_flatten_couples_the_axes() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 1, 4, 5]}\nlayers:\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 2, stride: 2}\n"
        "  - {name: f, op: flatten}\n"
        "  - {name: fc, op: linear, in_features: WANTED, out_features: 3}\n"
    )
    expected = {
        2 * 8 * 10: {0: (0,), 1: (0,)},
        2 * 9 * 10: {0: (1,), 1: (0,)},
        2 * 8 * 11: {0: (0,), 1: (1,)},
        2 * 9 * 11: {0: (1,), 1: (1,)},
    }
    for wanted, values in expected.items():
        ambiguity = resolve(propagate(api.loads(text.replace("WANTED", str(wanted)))))
        assert ambiguity is not None and not ambiguity.shapes.troubles
        assert {axis.place: axis.values[:1] for axis in ambiguity.layers[0].axes} == values
    none = resolve(propagate(api.loads(text.replace("WANTED", "161"))))
    assert none is not None and none.shapes.troubles


def test_choices_that_a_product_leaves_open_depend_on_each_other() -> None:
    """4 x 3 and 3 x 4 have the same number of elements: either fits, but not both at once."""
    text = (
        "shapecheck: 1\ninputs: {x: [1, 1, 2, 2]}\nlayers:\n"
        "  - {name: d, op: conv_transpose, out_channels: 1, kernel_size: 1, stride: 2}\n"
        "  - {name: f, op: flatten}\n"
        "  - {name: fc, op: linear, in_features: 12, out_features: 3}\n"
    )
    ambiguity = resolve(propagate(api.loads(text)))
    assert ambiguity is not None and not ambiguity.shapes.troubles
    assert [(axis.status, axis.values) for axis in ambiguity.layers[0].axes] == [("several", (0, 1))] * 2


def test_two_outputs_that_ask_for_different_sizes() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, 16], y: [1, 2, 31], z: [1, 2, 32]}\nlayers:\n"
        "  - {name: d, op: conv_transpose, from: x, out_channels: 2, kernel_size: 3, stride: 2, padding: 1}\n"
        "  - {name: first, op: relu}\n"
        "  - {name: second, op: relu, from: d}\n"
        "outputs: {one: {from: first, same_shape_as: y}, other: {from: second, same_shape_as: z}}\n"
    )
    solution, network = solution_of(text)
    assert solution.blocked is not None
    assert network.nodes[solution.blocked.demand.at].name == "second"
    assert (solution.blocked.needed, solution.blocked.low, solution.blocked.high) == (32, 31, 31)
    assert solution.blocked.distance == 1
    assert answers(text) == {"d": ("none", ())}
    # What can be met is: the first output has its size.
    assert list(solution.chosen.values()) == [0]


def test_a_miss_between_two_that_are_open() -> None:
    """One can have 13 to 15, the other 20 to 22: they miss each other by 5 at best."""
    text = HEAD + (
        "  - {name: d, op: conv_transpose, from: y, out_channels: 2, kernel_size: 1, stride: 3}\n"
        "  - {name: e, op: conv_transpose, from: x, out_channels: 2, kernel_size: 1, stride: 3, padding: 1}\n"
        "  - {name: j, op: concat, from: [e, d]}\n"
    )
    solution, _ = solution_of(text)
    assert solution.blocked is not None
    assert (solution.blocked.low, solution.blocked.high) == (20, 22)
    assert (solution.blocked.needed, solution.blocked.distance) == (15, 5)


def test_a_dimension_without_a_size_leaves_it_open() -> None:
    text = (
        "shapecheck: 1\ninputs: {x: [1, 2, H]}\nlayers:\n"
        "  - {name: e, op: conv, out_channels: 2, kernel_size: 2, stride: 2}\n"
        "  - {name: d, op: conv_transpose, out_channels: 2, kernel_size: 2, stride: 2}\n"
        "outputs: {z: {from: d, same_shape_as: x}}\n"
    )
    (found,) = answers(text).values()
    assert found[0] != "unique" and set(found[1]) == {0, 1}


def test_assignments_are_all_there_are() -> None:
    """The slow and simple way itself."""
    found: list[Assignment] = list(every_assignment.assignments({4: 2, 7: 3}))
    assert len(found) == 6 and {4: 1, 7: 2} in found
