"""Random layers of any op, made from the declarations of its keys: nothing here names the keys of an op but for luck.

An op whose keys are never right by chance has a hint; an op without one is drawn by its declarations alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from shapecheck.arithmetic.shape import Shape
from shapecheck.layers import REGISTRY, Context, Layer, Problem, Reference, Undecided
from shapecheck.layers.base import default_of
from shapecheck.layers.fields import (
    REQUIRED,
    Boolean,
    Edges,
    FieldError,
    Integer,
    Kind,
    LayerName,
    Listing,
    Number,
    PerAxis,
    Positive,
    Probability,
    SizeValue,
    Word,
)

Keys = dict[str, Any]


class Case(NamedTuple):
    """A layer that fits its inputs, which are of known size."""

    layer: Layer
    context: Context
    output: Shape


def made(op: str, **keys: Any) -> Layer:
    """Return a layer with its keys read as the language reads them. Raises FieldError, Problem."""
    declared = REGISTRY[op].keys_of(op)
    assert set(keys) <= set(declared), (op, set(keys) - set(declared))
    values = {name: key.kind.read(keys[name]) if name in keys else default_of(key) for name, key in declared.items()}
    layer = REGISTRY[op](op, values)
    layer.check()
    return layer


def cases(op: str, count: int, seed: int = 0, tries: int = 4000) -> list[Case]:
    """Return some random layers of an op, fewer where hardly any is right by chance."""
    rng = random.Random(f"{op} {seed}")
    found: list[Case] = []
    for _ in range(tries):
        case = _case(op, rng)
        if case is not None:
            found.append(case)
        if len(found) == count:
            break
    return found


def _case(op: str, rng: random.Random) -> Case | None:
    kind = REGISTRY[op]
    least, most = kind.arity
    shapes = _shapes(rng, max(least, rng.randint(1, 3 if most is None else most)))
    keys: Keys = {}
    if kind.undoes is not None and rng.random() < 0.5:
        return _undoing(op, kind.undoes, rng)
    if op in HINTS:
        shapes, keys = HINTS[op](rng, shapes)
    rank = len(shapes[0])
    for name, key in kind.keys_of(op).items():
        if name not in keys and name != kind.undoes and (key.default is REQUIRED or rng.random() < 0.4):
            keys[name] = value(key.kind, rng, rank)
    sizes = tuple(rng.randint(1, 9) for _ in range(rank))
    references = {name: Reference("there", None, (), sizes) for name in kind.references if name in keys}
    return _fitting(op, keys, Context(shapes, rng.random() < 0.3, references))


def _undoing(op: str, key: str, rng: random.Random) -> Case | None:
    """Return a layer that undoes another, whose output it reads."""
    undone = rng.choice(cases("conv" if key == "transpose_of" else "max_pool", 8, rng.randrange(10**6)))
    reference = Reference("there", undone.layer, undone.context.inputs, undone.output)
    return _fitting(op, {key: "there"}, Context((undone.output,), undone.context.channels_last, {key: reference}))


def _fitting(op: str, keys: Keys, context: Context) -> Case | None:
    try:
        layer = made(op, **keys)
        output = layer.output(context)
    except (FieldError, Problem, Undecided):
        return None
    return Case(layer, context, output) if _small(output) else None


def _small(shape: Shape) -> bool:
    total = 1
    for size in shape:
        total *= int(size) if isinstance(size, int) else 1
    return total <= 20_000


def _shapes(rng: random.Random, count: int) -> tuple[Shape, ...]:
    rank = rng.choice((3, 3, 4, 4, 5))
    shape = (rng.randint(1, 2), rng.choice((1, 2, 3, 4, 6, 8)), *(rng.randint(1, 9) for _ in range(rank - 2)))
    return (shape,) * count


def value(kind: Kind, rng: random.Random, rank: int) -> Any:
    """Return a value that a key of some kind may have."""
    match kind:
        case PerAxis(item=item) | Listing(item=item):
            if isinstance(kind, PerAxis) and rng.random() < 0.5:
                return value(item, rng, rank)
            return [value(item, rng, rank) for _ in range(rank - 2)]
        case Word(words=words, other=other):
            return rng.choice(words) if other is None or rng.random() < 0.4 else value(other, rng, rank)
        case Edges():
            pair = rng.random() < 0.4
            return [[rng.randint(0, 2), rng.randint(0, 2)] if pair else rng.randint(0, 2) for _ in range(rank - 2)]
        case SizeValue():
            return rng.randint(1, 12)
        case Integer(minimum=None):
            return rng.randint(-rank, rank - 1)
        case Integer(minimum=int(minimum)):
            return rng.choice((minimum, minimum, minimum + 1, minimum + 1, minimum + 2, minimum + 3, minimum + 5))
        case Boolean():
            return rng.random() < 0.5
        case Probability():
            return rng.choice((0.0, 0.5))
        case Positive():
            return rng.choice((0.4, 0.5, 0.9, 1.0, 1.4, 1.5, 2.0, 2.4, 2.5, 3.0, 3.3))
        case Number():
            return rng.choice((0.1, 0.5, 1.0))
        case LayerName():
            return "there"
    raise TypeError(f"say how to draw {type(kind).__name__}")


def _permute(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    order = list(range(len(shapes[0])))
    rng.shuffle(order)
    return shapes, {"axes": order}


def _reshape(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    """Break the sizes into small factors and ones, and join them again in another way."""
    parts: list[int] = []
    for size in shapes[0]:
        assert isinstance(size, int)
        half = next((f for f in (2, 3) if size % f == 0), size)
        parts += [half, size // half]
    target = [1]
    for part in parts:
        if rng.random() < 0.5:
            target[-1] *= part
        else:
            target.append(part)
    return shapes, {"shape": target}


def _concat(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    axis = rng.randrange(len(shapes[0]))
    other = [(*shape[:axis], rng.randint(1, 4), *shape[axis + 1 :]) for shape in shapes]
    return tuple(other), {"axis": axis}


def _broadcast(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    if rng.random() < 0.4:
        return shapes, {}
    stretched = [tuple(1 if rng.random() < 0.3 else size for size in shape) for shape in shapes]
    return tuple(stretched), {"broadcast": True}


def _squeeze(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    axis = rng.randrange(len(shapes[0]))
    return ((*shapes[0][:axis], 1, *shapes[0][axis + 1 :]),), {"axis": axis}


def _flatten(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    first, last = sorted((rng.randrange(len(shapes[0])), rng.randrange(len(shapes[0]))))
    return shapes, {"start_axis": first, "end_axis": last}


def _reduce(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    rank = len(shapes[0])
    return shapes, {"axes": rng.sample(range(rank), rng.randint(1, rank - 1))}


def _fold(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    """Fold what an unfold of the same keys makes."""
    rank = rng.choice((3, 4, 4))
    keys = {name: value(key.kind, rng, rank) for name, key in REGISTRY["unfold"].keys_of("unfold").items()}
    map_shape = (2, 2, *(rng.randint(1, 9) for _ in range(rank - 2)))
    try:
        columns = made("unfold", **keys).output(Context((map_shape,)))
    except Problem:
        return shapes, {}
    return (columns,), {**keys, "output_size": list(map_shape[2:])}


def _window(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    return shapes, {"kernel_size": rng.randint(1, 4), "stride": rng.randint(1, 3)}


def _groups(rng: random.Random, shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], Keys]:
    """Draw groups of several channels, as many in as out or not."""
    if rng.random() < 0.5:
        return shapes, {"kernel_size": rng.randint(1, 3)}
    groups, reads, gives = (rng.randint(1, 3) for _ in range(3))
    batch, _, *space = shapes[0]
    return ((batch, groups * reads, *space),), {
        "kernel_size": rng.randint(1, 3),
        "groups": groups,
        "out_channels": groups * gives,
    }


HINTS: dict[str, Callable[[random.Random, tuple[Shape, ...]], tuple[tuple[Shape, ...], Keys]]] = {
    "permute": _permute,
    "reshape": _reshape,
    "concat": _concat,
    "squeeze": _squeeze,
    "flatten": _flatten,
    "reduce": _reduce,
    "fold": _fold,
    **dict.fromkeys(("conv", "conv_transpose"), _groups),
    "max_unpool": _window,
    "embedding": lambda rng, shapes: (shapes, {"num_embeddings": 9}),
    "attention": lambda rng, shapes: (((2, rng.randint(1, 5), 6),), {"num_heads": rng.choice((1, 2, 3))}),
    **dict.fromkeys(("add", "subtract", "multiply", "maximum", "average"), _broadcast),
}
