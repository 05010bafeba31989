"""Planted mistakes: whatever shape one witness gets wrong, the other contradicts it, at the level ``trace``.

Every op of the registry is mutated in its shape rule and in its builder: its result by one element on every axis, and
each of its keys misread. What is tried stands in ``layer_samples``: a new op or key without a sample in which it counts
makes these tests fail, as does a key whose misreading leaves the shape as it is and is not said to do so there.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import pytest
from amounts import sampled
from layer_samples import CASES, PLAIN, SAMPLES, VALUES_ONLY, WRITE_A_CASE, clean, made
from one_layer import RESULT

import shapecheck
from shapecheck.analysis.propagation import propagate
from shapecheck.arithmetic import convolution as guide
from shapecheck.layers import REGISTRY, Layer, sliding
from shapecheck.layers.conv_transpose import ConvTranspose
from shapecheck.verification import Disagreement, Plan, Verification
from shapecheck.verification.crosscheck import verify_shapes
from shapecheck.verification.reference import BUILDERS, run_levels
from shapecheck.verification.reference.builders import conv, pooling, resize
from shapecheck.verification.reference.call import Call

Wrong = Callable[[Any], Any]


def verified(op: str, number: int) -> Verification:
    """Return the proof of a sample, without the lints, some of which count on the rank that a layer gives."""
    network = made(op, number)
    return verify_shapes(propagate(network), Plan("trace"))


def told(found: Verification) -> Disagreement:
    """Return the one disagreement, which is at the layer where the mistake was planted."""
    assert found.result == "refuted"
    (only,) = found.disagreements
    assert only.layer == RESULT
    return only


def into_rule(patch: pytest.MonkeyPatch, op: str, wrong: Wrong) -> None:
    right = REGISTRY[op].output
    patch.setattr(REGISTRY[op], "output", lambda self, context: wrong(right(self, context)))


def into_builder(patch: pytest.MonkeyPatch, op: str, wrong: Wrong) -> None:
    right = BUILDERS[op]
    patch.setitem(BUILDERS, op, lambda call: wrong(right(call)))


def resized(axis: int, by: int) -> tuple[Wrong, Wrong]:
    """Return a rule's mistake and a builder's: one element more or fewer on an axis."""

    def rule(shape: Any) -> Any:
        return tuple(size + by if j == axis else size for j, size in enumerate(shape))

    def builder(y: Any) -> Any:
        cut = [slice(None)] * y.ndim
        cut[axis] = slice(0, by if by < 0 else 1)
        return y[tuple(cut)] if by < 0 else jnp.concatenate([y, y[tuple(cut)]], axis)

    return rule, builder


def swapped(first: int) -> tuple[Wrong, Wrong]:
    """Return a rule's mistake and a builder's: two axes that have changed places."""

    def rule(shape: Any) -> Any:
        return (*shape[:first], shape[first + 1], shape[first], *shape[first + 2 :])

    return rule, lambda y: jnp.swapaxes(y, first, first + 1)


def lost(axis: int) -> tuple[Wrong, Wrong]:
    """Return a rule's mistake and a builder's: an axis of one element more."""
    return lambda shape: (*shape[:axis], 1, *shape[axis:]), lambda y: jnp.expand_dims(y, axis)


def mistakes(shape: tuple[int, ...]) -> Iterator[tuple[Wrong, Wrong]]:
    for axis, size in enumerate(shape):
        yield resized(axis, 1)
        if size > 1:
            yield resized(axis, -1)
        if axis and shape[axis - 1] != size:
            yield swapped(axis - 1)
    yield lost(0)
    yield lost(len(shape))


@pytest.mark.parametrize(("op", "number"), CASES)
def test_with_nothing_planted_everything_is_proved(op: str, number: int) -> None:
    found = verified(op, number)
    assert (found.result, found.disagreements, found.not_checked) == ("proved", (), ())
    assert shapecheck.check(made(op, number)).errors == ()


@pytest.mark.parametrize("case", sampled(CASES, 3))
def test_a_wrong_result_of_either_witness_is_refuted_by_the_other(case: tuple[str, int]) -> None:
    op, number = case
    right = clean(op, number)
    for rule, builder in mistakes(right):
        with pytest.MonkeyPatch.context() as patch:
            into_rule(patch, op, rule)
            assert told(verified(op, number))[1:3] == (rule(right), right)
            # Whatever the arithmetic says, JAX makes what it made before: it does not look.
            assert run_levels(made(op, number), "trace").shapes[made(op, number).outputs[RESULT]] == right
        with pytest.MonkeyPatch.context() as patch:
            into_builder(patch, op, builder)
            assert told(verified(op, number))[1:3] == (right, rule(right))
            assert clean(op, number) == right


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_two_mistakes_do_not_cancel(op: str) -> None:
    """One witness is wrong upward and the other downward, or on another axis: only the same mistake twice is missed."""
    right = clean(op, 0)
    plants = list(mistakes(right))
    for one, (rule, _) in enumerate(plants):
        other, builder = plants[(one + 1) % len(plants)]
        assert rule(right) != other(right)
        with pytest.MonkeyPatch.context() as patch:
            into_rule(patch, op, rule)
            into_builder(patch, op, builder)
            assert told(verified(op, 0))[1:3] == (rule(right), other(right))


CHAIN = """shapecheck: 1
inputs: {x: [2, 3, 20, 20]}
layers:
  - {name: first, op: conv, out_channels: 4, kernel_size: 3}
  - {name: middle, op: max_pool, kernel_size: 2}
  - {name: pooled, op: global_avg_pool, keep_dims: false}
  - {name: y, op: linear, out_features: 5}
outputs: {y: y}
"""


@pytest.mark.parametrize("at", ["conv", "max_pool"])
def test_a_mistake_that_later_layers_swallow_is_refuted(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output has the right shape all the same; every layer is compared, so the wrong ones are named."""
    into_builder(monkeypatch, at, resized(2, -1)[1])
    network = shapecheck.loads(CHAIN)
    assert run_levels(network, "trace").shapes[network.outputs["y"]] == (2, 5)
    found = shapecheck.verify(network, level="trace")
    assert found.result == "refuted"
    assert found.disagreements[0].layer == {"conv": "first", "max_pool": "middle"}[at]


def misread(op: str, key: str, value: Any) -> Any:
    """Return another value that ``key`` might have been read as; None where it was not given."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, tuple):
        return (misread(op, key, value[0]), *value[1:])
    if isinstance(value, str):
        words = {"padding": ("valid", "same"), "groups": (1, 1)}.get(key)
        if words is None:
            kind = REGISTRY[op].keys_of(op)[key].kind
            words = getattr(kind, "words", None)
        return None if words is None else next(word for word in words if word != value)
    return None


def keyed(op: str, number: int) -> dict[str, Any]:
    """Return every key of the sample's layer that has a value, and what it might be misread as."""
    node = made(op, number).layers[-1]
    assert node.layer is not None
    read = {key: misread(op, key, getattr(node.layer, key)) for key in node.layer.keys_of(op)}
    return {key: value for key, value in read.items() if value is not None and key not in node.layer.references}


def changed(layer: Layer, key: str, value: Any) -> Layer:
    other = copy.copy(layer)
    other.__dict__[key] = value
    return other


def rule_misreads(patch: pytest.MonkeyPatch, op: str, key: str, value: Any) -> None:
    kind = REGISTRY[op]
    output, parameters = kind.output, kind.parameters
    patch.setattr(kind, "output", lambda self, context: output(changed(self, key, value), context))
    patch.setattr(kind, "parameters", lambda self, context: parameters(changed(self, key, value), context))


def builder_misreads(patch: pytest.MonkeyPatch, op: str, key: str, value: Any) -> None:
    right = BUILDERS[op]

    def wrong(call: Call) -> Any:
        call.layer = changed(call.layer, key, value)
        return right(call)

    patch.setitem(BUILDERS, op, wrong)


@pytest.mark.parametrize("op", sorted(REGISTRY))
@pytest.mark.parametrize("plant", [rule_misreads, builder_misreads])
def test_a_key_misread_by_either_witness_is_refuted(op: str, plant: Callable[..., None]) -> None:
    seen, refuted = set(), set()
    for number in range(len(SAMPLES.get(op, [PLAIN]))):
        for key, value in keyed(op, number).items():
            seen.add(key)
            with pytest.MonkeyPatch.context() as patch:
                plant(patch, op, key, value)
                if verified(op, number).result == "refuted":
                    refuted.add(key)
    unseen = {(op, key) for key in seen - refuted}
    assert unseen == {pair for pair in VALUES_ONLY if pair[0] == op}, WRITE_A_CASE.format(op=op)


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_key_of_every_op_is_misread_somewhere(op: str) -> None:
    kind = REGISTRY[op]
    tried = {key for number in range(len(SAMPLES.get(op, [PLAIN]))) for key in keyed(op, number)}
    untried = set(kind.keys_of(op)) - set(kind.references) - tried
    assert not untried, WRITE_A_CASE.format(op=op)


RIGHT = {name: value for name, value in vars(guide).items() if inspect.isfunction(value)}


ARITHMETIC: dict[str, tuple[str, Callable[..., Any]]] = {
    "the stretched size in the place of the input's": (
        "transposed",
        lambda i, k, s=1, before=0, after=0, d=1, a=0: RIGHT["transposed"](
            RIGHT["stretched"](i, s), k, s, before, after, d, a
        ),
    ),
    "the stretched size under same": (
        "transposed_same",
        lambda i, s=1, a=0: RIGHT["transposed_same"](RIGHT["stretched"](i, s), s, a),
    ),
    "rounded up": (
        "conv",
        lambda i, k, s=1, before=0, after=0, d=1: -(-(i + before + after - RIGHT["dilated_kernel"](k, d)) // s) + 1,
    ),
    "same rounded down": ("conv_same", lambda i, s=1: i // s),
    "k times d": ("dilated_kernel", lambda k, d: k * d),
    "dilation forgotten": ("dilated_kernel", lambda k, d: k),
    "ceil_mode forgotten": ("pool_ceil", lambda *args: RIGHT["conv"](*args)),
    "the rule of the last window forgotten": (
        "pool_ceil",
        lambda i, k, s, before=0, after=0, d=1: (i + before + after - RIGHT["dilated_kernel"](k, d) + s - 1) // s + 1,
    ),
    "padding on one side only": (
        "conv",
        lambda i, k, s=1, before=0, after=0, d=1: RIGHT["conv"](i, k, s, before, 0, d),
    ),
    "transposed padding on one side only": (
        "transposed",
        lambda i, k, s=1, before=0, after=0, d=1, a=0: RIGHT["transposed"](i, k, s, before, 0, d, a),
    ),
    "half of the kernel as it was written": ("half_padding", lambda k, d=1: k // 2),
    "full padding of k": ("full_padding", lambda k, d=1: k),
    "scaled and rounded up": ("scale", lambda i, numerator, denominator=1: -(-i * numerator // denominator)),
    "the last of a slice forgotten": ("sliced", lambda i, start, step=1: (i - start) // step),
}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Windows that were worked out with a right formula would hide a wrong one, and the other way round."""
    sliding._slide.cache_clear()
    yield
    sliding._slide.cache_clear()


def refuted_somewhere() -> bool:
    return any(verified(op, number).result == "refuted" for op, number in CASES)


@pytest.mark.parametrize("name", ARITHMETIC)
def test_a_mistake_in_the_arithmetic_is_refuted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, wrong = ARITHMETIC[name]
    monkeypatch.setattr(guide, function, wrong)
    assert refuted_somewhere()


def test_a_shape_rule_without_a_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConvTranspose, "_additions", lambda self, context, base, unset: (0,) * len(base))
    assert {number for number in range(4) if verified("conv_transpose", number).result == "refuted"} == {0, 1, 2, 3}


# Functions that no shape rule calls: they describe, count or serve messages.
DESCRIBING = {
    "unread",
    "same_padding",
    "taps_on_input",
    "stretched",
    "transposed_padding",
    "associated_inputs",
    "relationships",
    "transposed_relationships",
}


@pytest.mark.parametrize("name", sorted(set(RIGHT) - DESCRIBING))
def test_every_formula_off_by_one_is_refuted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, name, lambda *args: RIGHT[name](*args) + 1)
    assert refuted_somewhere()


BUILDING: dict[str, tuple[Any, str, Wrong]] = {
    "axes in the other order": (conv, "per_axis", lambda right: lambda *args: right(*args)[::-1]),
    "pooled axes in the other order": (pooling, "per_axis", lambda right: lambda *args: right(*args)[::-1]),
    "resized axes in the other order": (resize, "per_axis", lambda right: lambda *args: right(*args)[::-1]),
    "dilation forgotten by the transposed": (conv, "reach", lambda right: lambda k, d: k),
    "no a": (conv, "_output_padding", lambda right: lambda call, geometry: (0,) * len(geometry.k)),
    "a of one more": (
        conv,
        "_output_padding",
        lambda right: lambda call, geometry: tuple(a + 1 for a in right(call, geometry)),
    ),
    "padding on one side only": (
        conv,
        "padding",
        lambda right: (
            lambda *args: right(*args) if isinstance(right(*args), str) else tuple((low, 0) for low, _ in right(*args))
        ),
    ),
    "pooling padded on one side only": (
        pooling,
        "padding_at",
        lambda right: lambda *args: tuple((low, 0) for low, _ in right(*args)),
    ),
    "ceil_mode forgotten": (
        pooling,
        "windows_of",
        lambda right: lambda *args: right(*args)._replace(extra=(0,) * len(right(*args).k)),
    ),
    "the rule of the last window forgotten": (
        pooling,
        "windows_of",
        lambda right: lambda *args: right(*args)._replace(starts=(10**9,) * len(right(*args).k)),
    ),
    "cropped from the other layer's shape plus one": (
        resize,
        "_like",
        lambda right: lambda call: tuple(size + 1 for size in right(call)),
    ),
}


@pytest.mark.parametrize("name", BUILDING)
def test_a_mistake_in_a_builder_is_refuted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, function, wrong = BUILDING[name]
    monkeypatch.setattr(module, function, wrong(getattr(module, function)))
    assert refuted_somewhere()
