"""What a layer is given when PyTorch computes it, and the registry of the functions that do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor
from torch.nn import functional

Ints: TypeAlias = tuple[int, ...]
Pairs: TypeAlias = list[tuple[int, int]]
FILL = {"zeros": "constant", "constant": "constant", "reflect": "reflect", "replicate": "replicate"}
FILL |= {"circular": "circular"}


class Undone(NamedTuple):
    """The layer that another names: what it read, as values, and the shape of what it gave."""

    layer: Any
    input: Tensor
    output: Ints


class Given(NamedTuple):
    """A layer, its inputs with the channels in front, its parameters by name, and the layers that it names."""

    layer: Any
    inputs: tuple[Tensor, ...]
    parameters: Mapping[str, Tensor]
    references: Mapping[str, Undone]
    channels_last: bool

    @property
    def x(self) -> Tensor:
        return self.inputs[0]

    @property
    def axes(self) -> int:
        return self.x.ndim - 2


Function: TypeAlias = Callable[[Given], Tensor]
FUNCTIONS: dict[str, Function] = {}
# The ops that read axes by their place or role and not as feature maps: their arrays are left as they are.
BY_PLACE: set[str] = set()


def computes(*ops: str, by_place: bool = False) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        FUNCTIONS.update(dict.fromkeys(ops, function))
        BY_PLACE.update(ops if by_place else ())
        return function

    return register


def compute(given: Given) -> Tensor:
    """Return what PyTorch makes of a layer's inputs."""
    op = given.layer.op
    if op in BY_PLACE or not given.channels_last:
        return FUNCTIONS[op](given)
    first = [x.movedim(-1, 1) if x.ndim > 1 else x for x in given.inputs]
    references = {
        key: Undone(there.layer, there.input.movedim(-1, 1), (there.output[0], there.output[-1], *there.output[1:-1]))
        for key, there in given.references.items()
    }
    y = FUNCTIONS[op](given._replace(inputs=tuple(x.contiguous() for x in first), references=references))
    return y.movedim(1, -1) if y.ndim > 1 else y


def each(value: Any, count: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * count


def pairs(value: Any, count: int) -> Pairs:
    return [entry if isinstance(entry, tuple) else (entry, entry) for entry in each(value, count)]


def edges(padding: Any, sizes: Sequence[int], k: Ints, s: Ints, d: Ints) -> Pairs:
    """Return what is padded before and after on each axis, from the words' meanings in the language reference."""
    spans = [(taps - 1) * step + 1 for taps, step in zip(k, d, strict=True)]
    if padding in ("same", "same_lower"):
        found = []
        for i, span, stride in zip(sizes, spans, s, strict=True):
            total = max((math.ceil(i / stride) - 1) * stride + span - i, 0)
            found.append((total // 2, total - total // 2))
        return found if padding == "same" else [(after, before) for before, after in found]
    if isinstance(padding, str):
        return [{"valid": (0, 0), "half": (n // 2, n // 2), "full": (n - 1, n - 1)}[padding] for n in spans]
    return pairs(padding, len(k))


def padded(x: Tensor, amounts: Pairs, mode: str = "zeros", value: float = 0) -> Tensor:
    flat = [amount for pair in reversed(amounts) for amount in pair]
    if mode in ("zeros", "constant"):
        return functional.pad(x, flat, value=value)
    return functional.pad(x, flat, mode=FILL[mode])


def named(name: str, axes: int) -> Callable[..., Tensor]:
    found: Callable[..., Tensor] = getattr(functional, f"{name}{axes}d")
    return found


def on_channels(values: Tensor, rank: int) -> Tensor:
    return values.reshape(-1, *[1] * (rank - 2))
