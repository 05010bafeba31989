"""Random networks on one axis, and what each of their layers depends on, measured with PyTorch.

Every layer is replaced by a linear one with the same window and random weights; one-hot inputs, one a position, then
show which outputs depend on which inputs. PyTorch works the windows out, not what is tested.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

# Channels of every map, divisible by every factor of a pixel shuffle.
CHANNELS = 6
SIZE = 150

Apply = Callable[..., torch.Tensor]


class Step(NamedTuple):
    """A layer as the language writes it, the layers it reads, and what PyTorch makes of these."""

    name: str
    text: str
    inputs: tuple[str, ...]
    apply: Apply


def weights(out: int, inner: int, k: int) -> torch.Tensor:
    return torch.rand(out, inner, k, dtype=torch.float64) + 0.5


def window(k: int, s: int, before: int, after: int, d: int) -> Apply:
    kernel = weights(1, 1, k)

    def apply(x: torch.Tensor) -> torch.Tensor:
        mixed = F.pad(x.sum(1, keepdim=True), (before, after))
        return F.conv1d(mixed, kernel, stride=s, dilation=d).expand(-1, CHANNELS, -1)

    return apply


def same_window(k: int, s: int, d: int, lower: bool) -> Apply:
    def apply(x: torch.Tensor) -> torch.Tensor:
        size = x.shape[-1]
        total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        before = total - total // 2 if lower else total // 2
        return window(k, s, before, total - before, d)(x)

    return apply


def transposed(k: int, s: int, p: int, d: int, a: int) -> Apply:
    kernel = weights(1, 1, k)

    def apply(x: torch.Tensor) -> torch.Tensor:
        mixed = x.sum(1, keepdim=True)
        found = F.conv_transpose1d(mixed, kernel, stride=s, padding=p, dilation=d, output_padding=a)
        return found.expand(-1, CHANNELS, -1)

    return apply


def ceil_pool(k: int, s: int, p: int) -> Apply:
    def apply(x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool1d(x, k, s, p, ceil_mode=True)

    return apply


def enlarged(mode: str, **size: float) -> Apply:
    def apply(x: torch.Tensor) -> torch.Tensor:
        if mode != "cubic":
            return F.interpolate(x, mode=mode, **size)
        if "size" in size:
            return F.interpolate(x[..., None], size=(size["size"], 1), mode="bicubic")[..., 0]
        factor = (size["scale_factor"], 1.0)
        return F.interpolate(x[..., None], scale_factor=factor, mode="bicubic")[..., 0]

    return apply


def shuffled(r: int) -> Apply:
    def apply(x: torch.Tensor) -> torch.Tensor:
        n, c, size = x.shape
        return x.reshape(n, c // r, r, size).permute(0, 1, 3, 2).reshape(n, c // r, size * r)

    return apply


def unshuffled(r: int) -> Apply:
    def apply(x: torch.Tensor) -> torch.Tensor:
        n, c, size = x.shape
        return x.reshape(n, c, size // r, r).permute(0, 1, 3, 2).reshape(n, c * r, size // r)

    return apply


class RandomNetwork:
    """A network that is built step by step; each step is run at once, so that sizes are known as it grows."""

    def __init__(self, seed: int, size: int = SIZE) -> None:
        self.rng = random.Random(seed)
        torch.manual_seed(seed)
        self.size = size
        self.steps: list[Step] = []
        one_hot = torch.eye(size, dtype=torch.float64)[:, None, :]
        self.values = {"x": one_hot.expand(-1, CHANNELS, -1)}
        for _ in range(self.rng.randint(2, 7)):
            self.grow()

    @property
    def text(self) -> str:
        lines = [f"  - {{name: {s.name}, from: [{', '.join(s.inputs)}], {s.text}}}" for s in self.steps]
        return "\n".join(["shapecheck: 1", f"inputs: {{x: [1, {CHANNELS}, {self.size}]}}", "layers:", *lines]) + "\n"

    def measured(self, name: str) -> list[tuple[int, int] | None]:
        """Return the first and the last input position that each position of a layer depends on."""
        depends = (self.values[name] != 0).any(dim=1).T
        found: list[tuple[int, int] | None] = []
        for row in depends:
            places = row.nonzero().flatten()
            found.append((int(places[0]), int(places[-1])) if len(places) else None)
        return found

    def add(self, text: str, inputs: tuple[str, ...], apply: Apply) -> str | None:
        """Add a layer, unless its output would be too small or too large to have an inside."""
        try:
            value = apply(*(self.values[name] for name in inputs))
        except RuntimeError:
            return None
        if not 24 <= value.shape[-1] <= 4 * self.size:
            return None
        name = f"l{len(self.steps)}"
        self.steps.append(Step(name, text, inputs, apply))
        self.values[name] = value
        return name

    def grow(self) -> None:
        rng = self.rng
        # Whose channels have been mixed: a position stands for all of its channels.
        names = [name for name, value in self.values.items() if value.shape[1] == CHANNELS]
        above = names[-1] if rng.random() < 0.8 else rng.choice(names)
        kind = rng.choice(("conv", "same", "transposed", "pool", "up", "shuffle", "cut", "merge", "merge"))
        getattr(self, f"add_{kind}")(above)

    def add_conv(self, above: str) -> None:
        rng = self.rng
        k, s, d = rng.randint(1, 5), rng.choice((1, 1, 1, 2, 3)), rng.choice((1, 1, 2, 3))
        before, after = rng.randint(0, 4), rng.randint(0, 4)
        op = rng.choice((f"op: conv, out_channels: {CHANNELS}", "op: max_pool"))
        if op == "op: max_pool":
            before, after = min(before, k // 2), min(after, k // 2)
        text = f"{op}, kernel_size: {k}, stride: {s}, dilation: {d}, padding: [[{before}, {after}]]"
        self.add(text, (above,), window(k, s, before, after, d))

    def add_same(self, above: str) -> None:
        rng = self.rng
        k, s, d, lower = rng.randint(1, 5), rng.choice((1, 1, 2, 3)), rng.choice((1, 1, 2)), rng.random() < 0.5
        word = "same_lower" if lower else "same"
        text = f"op: conv, out_channels: {CHANNELS}, kernel_size: {k}, stride: {s}, dilation: {d}, padding: {word}"
        self.add(text, (above,), same_window(k, s, d, lower))

    def add_transposed(self, above: str) -> None:
        rng = self.rng
        k, s, d = rng.randint(1, 5), rng.choice((1, 2, 2, 3)), rng.choice((1, 1, 2, 3))
        p, a = rng.randint(0, 2), rng.randint(0, s - 1)
        keys = f"kernel_size: {k}, stride: {s}, dilation: {d}, padding: {p}, output_padding: {a}"
        self.add(f"op: conv_transpose, out_channels: {CHANNELS}, {keys}", (above,), transposed(k, s, p, d, a))

    def add_pool(self, above: str) -> None:
        rng = self.rng
        k, s = rng.randint(1, 5), rng.randint(1, 3)
        p = rng.randint(0, k // 2)
        op = rng.choice(("max_pool", "avg_pool", "lp_pool"))
        text = f"op: {op}, kernel_size: {k}, stride: {s}, padding: {p}, ceil_mode: true"
        self.add(text, (above,), ceil_pool(k, s, p))

    def add_up(self, above: str) -> None:
        rng = self.rng
        mode = rng.choice(("nearest", "linear", "cubic"))
        size = self.values[above].shape[-1]
        if rng.random() < 0.5:
            factor = rng.choice((2, 3, 1.5, 0.5, 2.5, 0.75))
            self.add(
                f"op: upsample, scale_factor: {factor}, mode: {mode}", (above,), enlarged(mode, scale_factor=factor)
            )
            return
        o = rng.choice((size * 2, size + size // 2, size * 3, size // 2, 2 * (size // 3)))
        self.add(f"op: upsample, size: {o}, mode: {mode}", (above,), enlarged(mode, size=o))

    def add_shuffle(self, above: str) -> None:
        rng = self.rng
        r = rng.choice((2, 3))
        found = None
        if rng.random() < 0.5:
            found = self.add(f"op: pixel_shuffle, factor: {r}", (above,), shuffled(r))
        elif self.values[above].shape[-1] % r == 0:
            found = self.add(f"op: pixel_unshuffle, factor: {r}", (above,), unshuffled(r))
        if found is not None:
            self.add(f"op: conv, out_channels: {CHANNELS}, kernel_size: 1", (found,), window(1, 1, 0, 0, 1))

    def add_cut(self, above: str) -> None:
        rng = self.rng
        size = self.values[above].shape[-1]
        before, after = rng.randint(0, 5), rng.randint(0, 5)
        kind = rng.choice(("slice", "slice", "crop", "pad"))
        if kind == "slice":
            start, step = rng.randint(0, 4), rng.randint(1, 3)
            self.add(f"op: slice, axis: 2, start: {start}, step: {step}", (above,), lambda x: x[..., start::step])
        elif kind == "crop":
            text = f"op: crop, cropping: [[{before}, {after}]]"
            self.add(text, (above,), lambda x: x[..., before : size - after])
        else:
            self.add(f"op: pad, padding: [[{before}, {after}]]", (above,), lambda x: F.pad(x, (before, after)))

    def add_merge(self, above: str) -> None:
        """Join two maps, the larger cropped unevenly to the smaller."""
        rng = self.rng
        size = self.values[above].shape[-1]
        near = [
            name
            for name, value in self.values.items()
            if value.shape[1] == CHANNELS and abs(value.shape[-1] - size) <= 12
        ]
        one, other = above, rng.choice(near)
        sizes = [self.values[name].shape[-1] for name in (one, other)]
        if sizes[0] < sizes[1]:
            one, other = other, one
        excess = abs(sizes[0] - sizes[1])
        if excess:
            before = rng.randint(0, excess)
            keep = min(sizes)
            text = f"op: crop, cropping: [[{before}, {excess - before}]]"
            cropped = self.add(text, (one,), lambda x: x[..., before : before + keep])
            if cropped is None:
                return
            one = cropped
        if rng.random() < 0.1:
            self.add("op: concat, axis: 2", (one, other), lambda x, y: torch.cat((x, y), 2))
            return
        if rng.random() < 0.6:
            self.add(f"op: {rng.choice(('add', 'maximum'))}", (one, other), lambda x, y: x * 0.7 + y * 0.9)
            return
        joined = self.add("op: concat", (one, other), lambda x, y: torch.cat((x, y), 1))
        if joined is not None:
            self.add(f"op: conv, out_channels: {CHANNELS}, kernel_size: 1", (joined,), window(1, 1, 0, 0, 1))
