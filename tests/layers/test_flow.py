"""How the axes of each layer flow: what a layer declares, against what its output depends on when it runs.

The layers are random, of every op of the registry, and their sizes are held against those of the run as well.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from random_layers import Case, cases, made
from run_layer import Array, base, function_of, numbers

from shapecheck.arithmetic.shape import Shape
from shapecheck.arithmetic.symbolic import Symbolic
from shapecheck.layers import REGISTRY, Context, Problem, Undecided
from shapecheck.layers.flow import AxisKind, Flow, Source, Taps, counted_again, taps_of_window
from shapecheck.layers.role import Role
from shapecheck.layers.window import Window

# Layers of which an element is copied into the padding: more is read than taps say, but only by who reads padding.
COPYING = ("reflect", "replicate", "circular")
# Layers in which an axis of the output says which positions of another are read.
TIED = ("unfold", "fold")


@functools.cache
def drawn(op: str, count: int = 6, seed: int = 0) -> list[Case]:
    return cases(op, count, seed)


def flow_of(case: Case) -> Flow:
    return case.layer.flow(case.context, case.output)


@pytest.mark.parametrize("op", REGISTRY)
def test_every_axis_of_the_output_has_a_flow(op: str) -> None:
    assert drawn(op, 20)
    for case in drawn(op, 20):
        flow = flow_of(case)
        assert len(flow) == len(case.output)
        for axis in flow:
            assert (axis.kind is AxisKind.NEW) == (not axis.sources)
            for source in axis.sources:
                assert source.axis in range(len(case.context.inputs[source.operand]))
                taps = source.taps
                assert taps is None or len(taps.reads) == taps.period


def without_sizes(shape: Shape, which: Callable[[int], bool]) -> Shape:
    """Return a shape some of whose axes are names: s4 stands for a size of 4, so that equal sizes stay equal."""
    return tuple(
        Symbolic.of(f"s{size}") if which(axis) and isinstance(size, int) and size > 1 else size
        for axis, size in enumerate(shape)
    )


@pytest.mark.parametrize("which", ["batch", "space", "all"])
@pytest.mark.parametrize("op", REGISTRY)
def test_what_is_said_without_sizes_holds_for_the_sizes(op: str, which: str) -> None:
    for case in drawn(op, 20):
        chosen = {"batch": {0}, "space": set(range(1, 9)) - {case.context.channels_at}, "all": set(range(9))}[which]
        shapes = tuple(without_sizes(shape, lambda axis, c=chosen: axis in c) for shape in case.context.inputs)
        references = {
            key: there._replace(
                inputs=tuple(without_sizes(shape, lambda axis, c=chosen: axis in c) for shape in there.inputs),
                output=without_sizes(there.output, lambda axis, c=chosen: axis in c),
            )
            for key, there in case.context.references.items()
        }
        context = Context(shapes, case.context.channels_last, references)
        try:
            output = case.layer.output(context)
        except (Problem, Undecided):
            continue
        if any(question.kind == "assume" for question in context.undecided):
            continue
        flow = case.layer.flow(context, output)
        assert len(flow) == len(output) == len(case.output)
        if op != "reshape":
            for size, unknown, known in zip(numbers(case.output), flow, flow_of(case), strict=True):
                assert unknown.kind is known.kind
                assert unknown.spreads == known.spreads or known.sources[0].taps is not None
                for mine, theirs in zip(unknown.sources, known.sources, strict=True):
                    assert mine[:2] == theirs[:2]
                    if mine.taps is not None and theirs.taps is not None:
                        assert all(mine.taps.at(j) == theirs.taps.at(j) for j in range(size))


def depends(case: Case, run: Callable[..., Array], seed: int) -> dict[tuple[int, int], Array]:
    """Return for each axis of each input which output elements change with each of its positions."""
    rng = np.random.default_rng(seed)
    inputs = [base(shape, rng, case.layer.op) for shape in case.context.inputs]
    before = run(*inputs)
    assert before.shape == case.output
    found: dict[tuple[int, int], Array] = {}
    for operand, value in enumerate(inputs):
        for axis in range(value.ndim):
            changes = []
            for position in range(value.shape[axis]):
                other = np.moveaxis(value.copy(), axis, 0)
                more = rng.uniform(4, 9, other[position].shape)
                other[position] += np.array(more, value.dtype) if value.dtype != np.int32 else 4
                again = [*inputs[:operand], np.moveaxis(other, 0, axis), *inputs[operand + 1 :]]
                changes.append(run(*again) != before)
            found[operand, axis] = np.stack(changes)
    return found


def said(case: Case, place: int, source: Source) -> Array | None:
    """Return which position of a source each of output axis ``place`` reads, [in, out]; None where that is not said."""
    flow, out = flow_of(case)[place], numbers(case.output)[place]
    size = numbers(case.context.inputs[source.operand])[source.axis]
    reads = np.zeros((size, out), bool)
    if flow.kind is AxisKind.JOINED:
        sizes = numbers(tuple(case.context.inputs[0][s.axis] for s in flow.sources))
        for j in range(out):
            reads[np.unravel_index(j, sizes)[flow.sources.index(source)], j] = True
    elif flow.kind is AxisKind.SPLIT:
        parts = [other for other, theirs in enumerate(flow_of(case)) if theirs == flow]
        for position in range(size):
            factors = numbers(tuple(case.output[part] for part in parts))
            reads[position, np.unravel_index(position, factors)[parts.index(place)]] = True
    elif source.taps is None:
        return None
    else:
        for j in range(out):
            reads[[position for position in source.taps.at(j) if 0 <= position < size], j] = True
    return reads


def compare(case: Case, found: dict[tuple[int, int], Array]) -> None:
    """Compare what a layer declares with what its output depends on."""
    keys = vars(case.layer)
    copies = keys.get("padding_mode") in COPYING or keys.get("mode") in COPYING
    every = [said(case, place, source) for place, flow in enumerate(flow_of(case)) for source in flow.sources]
    # What a tap reads that is always on padding, and what a softmax or a mean of one element, counts for nothing.
    exact = case.layer.op not in TIED and not case.layer.role & (Role.PROBABILITIES | Role.NORMALISATION)
    padding = any(reads is not None and not reads.any() for reads in every)
    followed = {(source.operand, source.axis) for flow in flow_of(case) for source in flow.sources}
    for place, flow in enumerate(flow_of(case)):
        for source in flow.sources:
            changed = found[source.operand, source.axis]
            at_all = changed.any(axis=tuple(axis for axis in range(1, changed.ndim) if axis != place + 1))
            reads = said(case, place, source)
            counts = changed.any(axis=tuple(range(1, changed.ndim))) | exact
            if flow.spreads:
                assert reads is not None and (at_all | ~reads)[counts].all(), (keys, place, source)
                assert len(reads) == 1 or not changed.any() or (at_all & ~reads).any(), (keys, place)
            elif reads is not None and copies and flow.kind in (AxisKind.WINDOWED, AxisKind.CUT):
                assert source.taps is not None
                inside = [all(0 <= t < len(at_all) for t in source.taps.at(j)) for j in range(at_all.shape[1])]
                assert (at_all | ~reads).all(), (keys, place, source)
                assert (at_all == reads)[:, inside].all(), (keys, place, source)
            elif reads is not None:
                assert (reads | ~at_all).all(), (keys, place, source, at_all, reads)
                counts = np.logical_and.outer(counts, at_all.any(axis=0) | exact)
                assert padding or (at_all == reads)[counts].all(), (keys, place, source, at_all, reads)
    for (operand, axis), changed in found.items():
        # What no axis comes from is read whole by every element.
        assert (operand, axis) in followed or changed.all() or padding, (keys, axis)


def check(case: Case, seed: int) -> None:
    undone = case.context.references.get(case.layer.undoes or "")
    if case.layer.op != "max_unpool":
        compare(case, depends(case, function_of(case, None), seed))
        return
    # Where each element goes follows from where the pooling found it: what can be is the union over many inputs.
    rng = np.random.default_rng(seed)
    found: dict[tuple[int, int], Array] = {}
    for _ in range(6 if undone is not None else 1):
        there = None if undone is None else rng.permutation(math.prod(numbers(undone.inputs[0])))
        given = None if there is None else there.reshape(numbers(undone.inputs[0])).astype(np.float32)
        for at, changed in depends(case, function_of(case, given), seed).items():
            found[at] = changed | found.get(at, False)
    for place, flow in enumerate(flow_of(case)):
        (source,) = flow.sources
        changed = found[0, source.axis]
        reads = said(case, place, source)
        at_all = changed.any(axis=tuple(axis for axis in range(1, changed.ndim) if axis != place + 1))
        assert reads is not None and (reads | ~at_all).all(), (vars(case.layer), place, source)


@pytest.mark.parametrize("op", REGISTRY)
def test_an_axis_comes_from_where_its_layer_says(op: str) -> None:
    for number, case in enumerate(drawn(op, 3)):
        check(case, number)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("op", REGISTRY)
def test_many_axes_come_from_where_their_layers_say(op: str, seed: int) -> None:
    for number, case in enumerate(cases(op, 12, seed)):
        check(case, number)


@pytest.mark.parametrize("op", REGISTRY)
def test_a_layer_that_does_nothing_gives_back_its_input(op: str) -> None:
    for case in drawn(op, 20):
        if case.layer.does_nothing(case.context):
            (shape,) = case.context.inputs
            x = base(shape, np.random.default_rng(3), op)
            assert (function_of(case, None)(x) == x).all(), vars(case.layer)


def test_the_taps_of_a_transposed_window_are_those_of_the_window_that_it_transposes() -> None:
    rng = random.Random(5)
    for _ in range(200):
        k, s, d, before = rng.randint(1, 6), rng.randint(1, 7), rng.randint(1, 5), rng.randint(0, 5)
        taps = taps_of_window(Window("transposed", 9, 99, k, s, before, 0, d))
        assert taps is not None
        for o in range(-5, 60):
            wanted = {i for i in range(-80, 80) for t in range(k) if s * i + d * t - before == o}
            assert set(taps.at(o)) == wanted, (k, s, d, before, o)


def kinds(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    return [(flow.kind.value, tuple(s.axis for s in flow.sources)) for flow in counted_again(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ((2, 3, 4, 5), (2, 60), [("kept", (0,)), ("joined", (1, 2, 3))]),
        ((2, 60), (2, 3, 4, 5), [("kept", (0,)), ("split", (1,)), ("split", (1,)), ("split", (1,))]),
        ((2, 12, 5), (2, 3, 4, 5), [("kept", (0,)), ("split", (1,)), ("split", (1,)), ("kept", (2,))]),
        ((2, 3, 4, 5), (2, 4, 3, 5), [("kept", (0,)), ("mixed", (1, 2)), ("mixed", (1, 2)), ("kept", (3,))]),
        ((2, 7, 1, 1), (2, 7), [("kept", (0,)), ("kept", (1,))]),
        ((2, 7), (2, 7, 1, 1), [("kept", (0,)), ("kept", (1,)), ("new", ()), ("new", ())]),
        ((1, 7, 1), (7, 1, 1), [("kept", (1,)), ("kept", (2,)), ("new", ())]),
        ((1, 1), (1,), [("kept", (0,))]),
        ((6,), (6,), [("kept", (0,))]),
        ((1, 4, 4), (1, 16), [("kept", (0,)), ("joined", (1, 2))]),
    ],
)
def test_axes_correspond_in_the_smallest_groups(
    before: tuple[int, ...], after: tuple[int, ...], wanted: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert kinds(before, after) == wanted


def test_axes_without_a_size_correspond_too() -> None:
    n, c, h = map(Symbolic.of, "NCH")
    flow = counted_again((n, c * 4, h, h), (n, c, 4, h * h))
    assert [axis.kind.value for axis in flow] == ["kept", "split", "split", "joined"]


def test_a_position_below_zero_reads_as_the_taps_go_on() -> None:
    assert Taps(2, 3, (range(1), range(1, 3))).at(-1) == range(-2, 0)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("factor", [1.4, 2.3, 3.3, 41.0])
def test_upsampling_steps_as_it_runs(mode: str, factor: float, axes: int) -> None:
    """Where a factor was rounded down, and where 32 bits are too few: tests of the build hold it against PyTorch."""
    for n in (1, 2, 3) if factor < 10 else (2,):
        context = Context(((1, 1, *(2,) * (axes - 1), n),))
        layer = made("upsample", scale_factor=[*[1] * (axes - 1), factor], mode=mode)
        check(Case(layer, context, layer.output(context)), n)
